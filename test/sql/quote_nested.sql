-- A fact whose type has a cast to json of the user's, which changes the rules
-- and quotes: the quote around it goes on with the rules it began with.
CREATE EXTENSION IF NOT EXISTS quotetier CASCADE;
SET client_min_messages = warning;

CREATE TYPE nosy AS ENUM ('a');
CREATE FUNCTION nosy_json(nosy) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, value, note)
    VALUES ('default', 'tier', 'percent_off', 50, repeat('x', 50000));
    PERFORM quotetier.net_price('{"list_price": 10}'), quotetier.classify('nested', '{}'::jsonb);
    PERFORM repeat('z', 1000000);
    RETURN '1';
END $$;
CREATE CAST (nosy AS json) WITH FUNCTION nosy_json(nosy);

BEGIN;
INSERT INTO quotetier.rule (policy, step, condition, adjust, value)
SELECT 'default', 'tier', '$.x == 5 || $.n == 5', 'percent_off', 3 FROM generate_series(1, 50);
INSERT INTO quotetier.class_scheme VALUES ('nested');
INSERT INTO quotetier.class_rule (scheme, condition, class)
SELECT 'nested', ('$.n == 5 || $.x == ' || i)::jsonpath, 'x is ' || i FROM generate_series(1, 50) i;
SELECT quotetier.net_price(r) FROM (SELECT 100 AS list_price, 5 AS x, 'a'::nosy AS n) r;
SELECT quotetier.net_price(r) FROM (SELECT 100 AS list_price, 5 AS x, 'a'::nosy AS n) r;
SELECT quotetier.classify('nested', r) FROM (SELECT 50 AS x, 'a'::nosy AS n) r;
SELECT count(*) FROM quotetier.explain_quote((SELECT r FROM (SELECT 100 AS list_price, 5 AS x, 'a'::nosy AS n) r));

-- an error in there leaves nothing held
SAVEPOINT s;
CREATE OR REPLACE FUNCTION nosy_json(nosy) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$;
SELECT quotetier.net_price(r) FROM (SELECT 100 AS list_price, 5 AS x, 'a'::nosy AS n) r;
ROLLBACK TO s;
SELECT quotetier.net_price(r) FROM (SELECT 100 AS list_price, 5 AS x, 'a'::nosy AS n) r;
ROLLBACK;

-- a window's argument that changes the scheme and grades
CREATE FUNCTION regrade(v numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    UPDATE quotetier.scheme SET note = repeat('x', 50000) WHERE name = 'abc';
    PERFORM count(t) FROM (SELECT quotetier.tier_over('abc', g) OVER (ORDER BY g DESC) AS t FROM generate_series(1, 3) g) s;
    PERFORM repeat('z', 100000);
    RETURN v;
END $$;
BEGIN;
SELECT g, quotetier.tier_over('abc', regrade(g)) OVER (ORDER BY g DESC) FROM generate_series(1, 5) g;
ROLLBACK;

DROP FUNCTION regrade;
DROP TYPE nosy CASCADE;

-- What may come in as facts, quantity, time and policy at quoting, and what is
-- said of what may not. Every case gives a result, or an SQLSTATE with a hint.
CREATE DATABASE quote_input;
\c quote_input
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION quotetier CASCADE;

INSERT INTO quotetier.dimension (name) VALUES ('tier'), ('level'), ('tags');
INSERT INTO quotetier.policy (name) VALUES ('no steps');
INSERT INTO quotetier.step (policy, seq, name, base, pick) VALUES
    ('default', 60, 'by cost', 'cost', 'best'), ('default', 61, 'by score', 'running', 'best'), ('default', 62, 'by word', 'running', 'best');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES
    ('default', 'tier', '{"tier": "gold"}', 'percent_off', 10),
    ('default', 'tier', '{"tier": "金卡"}', 'percent_off', 20),
    ('default', 'tier', '{"tier": ""}', 'percent_off', 30),
    ('default', 'volume', '{"level": 1}', 'percent_off', 50),
    ('default', 'volume', '{"level": true}', 'percent_off', 60),
    ('default', 'volume', '{"level": "2025-06-01"}', 'percent_off', 70),
    ('default', 'volume', '{"level": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}', 'percent_off', 80),
    ('default', 'promotion', '{"tags": ["a", "b"]}', 'amount_off', 1),
    ('default', 'by cost', '{"tier": "at cost"}', 'price_percent', 100);
INSERT INTO quotetier.rule (policy, step, scope, adjust, scale_mode, scale_on)
VALUES ('default', 'by score', '{"tier": "scored"}', 'percent_off', 'volume', 'score');
INSERT INTO quotetier.scale (rule, from_value, value) SELECT id, 5, 25 FROM quotetier.rule WHERE scale_on = 'score';
INSERT INTO quotetier.rule (policy, step, condition, adjust, value) VALUES ('default', 'by word', '$.word == "please"', 'percent_off', 5);

-- the quote, or SQLSTATE, message, detail and hint
CREATE FUNCTION asked(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail  text;
    hint    text;
    result  text;
BEGIN
    EXECUTE 'SELECT concat_ws('' '', status, ''list '' || list_price, ''net '' || net_price, ''amount '' || net_amount,
                              discount_pct || '' %'', currency)
             FROM quotetier.quote(' || arguments || ')' INTO result;
    RETURN coalesce(nullif(result, ''), 'null');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n    ', SQLSTATE || ': ' || message, coalesce(nullif(detail, ''), 'NO DETAIL'), coalesce(nullif(hint, ''), 'NO HINT'));
END $$;

CREATE TYPE mood AS ENUM ('gold', 'grey');
CREATE DOMAIN tier_name AS text CHECK (value <> 'forbidden');
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION long_text(length int) RETURNS text LANGUAGE sql AS $$ SELECT repeat('金', length) $$;

\pset format unaligned
\pset tuples_only on

\echo == quantity, time, policy
SELECT n || '. ' || left(a, 90) || E'\n    ' || asked(a) FROM (VALUES
    (1, $$NULL::jsonb$$),
    (2, $$'{"list_price": 10}', NULL$$),
    (3, $$'{"list_price": 10}', 1, NULL$$),
    (4, $$'{"list_price": 10}', 1, now(), NULL$$),
    (5, $$'{"list_price": 10}', 'NaN'$$),
    (6, $$'{"list_price": 10}', 'Infinity'$$),
    (7, $$'{"list_price": 10}', '-Infinity'$$),
    (8, $$'{"list_price": 10}', 0$$),
    (9, $$'{"list_price": 10}', -3$$),
    (10, $$'{"list_price": 10.1}', 1e30$$),
    (11, $$'{"list_price": 10.1}', 1e-30$$),
    (12, $$'{"list_price": 10.1}', 123456789012345678901234567890.123456789012345678901234567890$$),
    (13, $$'{"list_price": 1e100, "tier": "gold"}', 1e-100$$),
    (14, $$'{"list_price": 1e131000}', 1e1000$$),
    (15, $$'{"list_price": 10}', 'three'$$),
    (16, $$'{"list_price": 10}', 1::float8$$),
    (17, $$'{"list_price": 10}', 1, 'infinity'$$),
    (18, $$'{"list_price": 10}', 1, '-infinity'$$),
    (19, $$'{"list_price": 10}', 1, '4713-01-01 BC'$$),
    (20, $$'{"list_price": 10}', 1, '294276-12-31 23:59:59+00'$$),
    (21, $$'{"list_price": 10}', 1, now(), 'unknown'$$),
    (22, $$'{"list_price": 10}', 1, now(), ''$$),
    (23, $$'{"list_price": 10}', 1, now(), 'Default'$$),
    (24, $$'{"list_price": 10}', 1, now(), repeat('x', 1000)$$),
    (25, $$'{"list_price": 10}', 1, now(), 'no steps'$$),
    (26, $$'{}', 1, now(), 'no steps'$$)) AS v (n, a) ORDER BY n;

\echo == facts as a whole
SELECT n || '. ' || left(a, 90) || E'\n    ' || asked(a) FROM (VALUES
    (1, $$'{}'$$),
    (2, $$''$$),
    (3, $$'{"list_price": 10'$$),
    (4, $$'[{"list_price": 10}]'$$),
    (5, $$'[]'::jsonb$$),
    (6, $$'10'::jsonb$$),
    (7, $$'"list_price"'::jsonb$$),
    (8, $$'null'::jsonb$$),
    (9, $$'{"list_price": 10, "list_price": 11}'$$),
    (10, $$'{"": 1, "list_price": 10}'$$),
    (11, $$'{"List_Price": 10}'$$),
    (12, $$10$$),
    (13, $$ROW()$$),
    (14, $$ROW(1, 2)$$),
    (15, $$NULL::pair$$),
    (16, $$ROW(NULL, NULL)::pair$$),
    (17, $$json '{"list_price": 10}'$$),
    (18, $$xmlparse(content '<list_price>10</list_price>')$$),
    (19, $$'{"list_price": 10}'::varchar$$),
    (20, $$jsonb_build_object('list_price', 10, 'other', repeat('x', 1000000))$$),
    (21, $$(SELECT jsonb_object_agg('f' || i, i) || '{"list_price": 10}' FROM generate_series(1, 20000) i)$$)) AS v (n, a) ORDER BY n;

\echo == the list price and other numbers, as JSON
SELECT n || '. ' || left(a, 90) || E'\n    ' || asked(a) FROM (VALUES
    (1, $$'{"list_price": null}'$$),
    (2, $$'{"list_price": 0}'$$),
    (3, $$'{"list_price": -1}'$$),
    (4, $$'{"list_price": -0.00}'$$),
    (5, $$'{"list_price": "10"}'$$),
    (6, $$'{"list_price": true}'$$),
    (7, $$'{"list_price": [10]}'$$),
    (8, $$'{"list_price": {"amount": 10}}'$$),
    (9, $$'{"list_price": "NaN"}'$$),
    (10, $$'{"list_price": 1e400}'$$),
    (11, $$'{"list_price": 1e-400}', 1e400$$),
    (12, $$'{"list_price": 0.1000000000000000000000000000001}', 3$$),
    (13, $$'{"list_price": 170141183460469231731687303715884105727, "tier": "gold"}', 170141183460469231731687303715884105727$$),
    (14, $$'{"list_price": 10, "tier": "at cost"}'$$),
    (15, $$'{"list_price": 10, "tier": "at cost", "cost": 0}'$$),
    (16, $$'{"list_price": 10, "tier": "at cost", "cost": -5}'$$),
    (17, $$'{"list_price": 10, "tier": "at cost", "cost": "5"}'$$),
    (18, $$'{"list_price": 10, "tier": "gold", "cost": "not asked for"}'$$),
    (19, $$'{"list_price": 10, "tier": "scored", "score": 5}'$$),
    (20, $$'{"list_price": 10, "tier": "scored", "score": -5}'$$),
    (21, $$'{"list_price": 10, "tier": "scored", "score": "high"}'$$),
    (22, $$'{"list_price": 10, "tier": "scored", "score": 1e400}'$$)) AS v (n, a) ORDER BY n;

\echo == labels, as JSON
SELECT n || '. ' || left(a, 90) || E'\n    ' || asked(a) FROM (VALUES
    (1, $$'{"list_price": 10, "tier": "gold"}'$$),
    (2, $$'{"list_price": 10, "tier": "Gold"}'$$),
    (3, $$'{"list_price": 10, "tier": "gold "}'$$),
    (4, $$'{"list_price": 10, "tier": "金卡"}'$$),
    (5, $$'{"list_price": 10, "tier": "\u91d1\u5361"}'$$),
    (6, $$'{"list_price": 10, "tier": ""}'$$),
    (7, $$'{"list_price": 10, "tier": null}'$$),
    (8, $$'{"list_price": 10, "tier": []}'$$),
    (9, $$'{"list_price": 10, "tier": [null, "grey", "gold", "gold"]}'$$),
    (10, $$'{"list_price": 10, "tier": [["gold"]]}'$$),
    (11, $$'{"list_price": 10, "tier": {"name": "gold"}}'$$),
    (12, $$'{"list_price": 10, "tier": [{"name": "gold"}]}'$$),
    (13, $$jsonb_build_object('list_price', 10, 'tier', long_text(1000000))$$),
    (14, $$(SELECT jsonb_build_object('list_price', 10, 'tags', jsonb_agg(i)) || '{"tier": "gold"}' FROM generate_series(1, 10000) i)$$),
    (15, $$'{"list_price": 10, "level": 1}'$$),
    (16, $$'{"list_price": 10, "level": 1.000}'$$),
    (17, $$'{"list_price": 10, "level": "1"}'$$),
    (18, $$'{"list_price": 10, "level": "1.0"}'$$),
    (19, $$'{"list_price": 10, "level": true}'$$),
    (20, $$'{"list_price": 10, "level": "true"}'$$),
    (21, $$'{"list_price": 10, "level": 1e400}'$$),
    (22, $$'{"list_price": 10, "tags": ["x", "b", "a"]}'$$),
    (23, $$'{"list_price": 10, "word": "please"}'$$),
    (24, $$'{"list_price": 10, "word": {"please": ["please"]}}'$$),
    (25, $$'{"list_price": 10, "tier": "a\u0000b"}'$$)) AS v (n, a) ORDER BY n;

\echo == rows: types of columns
CREATE FUNCTION of_row(columns text) RETURNS text LANGUAGE sql AS $$ SELECT asked('(SELECT f FROM (SELECT ' || columns || ') AS f)') $$;
SELECT n || '. ' || left(a, 90) || E'\n    ' || of_row(a) FROM (VALUES
    (1, $$10 AS list_price$$),
    (2, $$10::smallint AS list_price$$),
    (3, $$10::bigint AS list_price$$),
    (4, $$10.50 AS list_price, 'gold' AS tier$$),
    (5, $$10::float8 AS list_price$$),
    (6, $$10::real AS list_price$$),
    (7, $$'10'::money AS list_price$$),
    (8, $$'10' AS list_price$$),
    (9, $$true AS list_price$$),
    (10, $$'NaN'::numeric AS list_price$$),
    (11, $$'Infinity'::numeric AS list_price$$),
    (12, $$-1 AS list_price$$),
    (13, $$NULL::numeric AS list_price$$),
    (14, $$NULL::float8 AS list_price$$),
    (15, $$ARRAY[10, 11] AS list_price$$),
    (16, $$10 AS list_price, 'gold'::varchar AS tier$$),
    (17, $$10 AS list_price, 'gold'::char(10) AS tier$$),
    (18, $$10 AS list_price, 'gold'::name AS tier$$),
    (19, $$10 AS list_price, 'gold'::mood AS tier$$),
    (20, $$10 AS list_price, 'gold'::tier_name AS tier$$),
    (21, $$10 AS list_price, NULL::text AS tier$$),
    (22, $$10 AS list_price, 'g'::"char" AS tier$$),
    (23, $$10 AS list_price, 'gold'::bytea AS tier$$),
    (24, $$10 AS list_price, '"gold"'::jsonb AS tier$$),
    (25, $$10 AS list_price, now() AS tier$$),
    (26, $$10 AS list_price, ROW(1, 2)::pair AS tier$$),
    (27, $$10 AS list_price, int4range(1, 5) AS tier$$),
    (28, $$10 AS list_price, 1.5::float8 AS level$$),
    (29, $$10 AS list_price, 1.00::numeric AS level$$),
    (30, $$10 AS list_price, 1::smallint AS level$$),
    (31, $$10 AS list_price, true AS level$$),
    (32, $$10 AS list_price, date '2025-06-01' AS level$$),
    (33, $$10 AS list_price, 'infinity'::date AS level$$),
    (34, $$10 AS list_price, '6BA7B810-9DAD-11D1-80B4-00C04FD430C8'::uuid AS level$$),
    (35, $$10 AS list_price, 'NaN'::numeric AS level$$),
    (36, $$10 AS list_price, '{x,b,NULL}'::text[] AS tags$$),
    (37, $$10 AS list_price, '{}'::text[] AS tags$$),
    (38, $$10 AS list_price, NULL::text[] AS tags$$),
    (39, $$10 AS list_price, '{{x,y},{a,b}}'::text[] AS tags$$),
    (40, $$10 AS list_price, '{grey,gold}'::mood[] AS tier$$),
    (41, $$10 AS list_price, '{1,2}'::int[] AS level$$),
    (42, $$10 AS list_price, '{1,2}'::float8[] AS level$$),
    (43, $$10 AS list_price, 'gold' AS "Tier"$$),
    (44, $$10 AS list_price, 'gold' AS tier, 'grey' AS tier$$),
    (45, $$10 AS list_price, 11 AS list_price$$),
    (46, $$10 AS list_price, 'please' AS word, 'NaN'::numeric AS a, 'infinity'::timestamptz AS b, point(1, 2) AS c, NULL::xml AS d$$),
    (47, $$10 AS list_price, point(1, 2) AS not_asked_for$$),
    (48, $$10 AS list_price, long_text(1000000) AS tier$$)) AS v (n, a) ORDER BY n;

\echo == currency and unit
INSERT INTO quotetier.policy (name, currency) VALUES ('euro', 'EUR');
INSERT INTO quotetier.uom (uom, factor) VALUES ('box', 12);
SELECT n || '. ' || left(a, 90) || E'\n    ' || asked(quote_literal(a) || ', 2, now(), ''euro''') FROM (VALUES
    (1, $${"list_price": 10.555}$$),
    (2, $${"list_price": 10.555, "currency": "JPY"}$$),
    (3, $${"list_price": 10.555, "currency": null}$$),
    (4, $${"list_price": 10.555, "currency": "EURO"}$$),
    (5, $${"list_price": 10.555, "currency": "ZZZ"}$$),
    (6, $${"list_price": 10.555, "currency": "eur"}$$),
    (7, $${"list_price": 10.555, "currency": 978}$$),
    (8, $${"list_price": 10.555, "currency": ["EUR", "USD"]}$$),
    (9, $${"list_price": 10.555, "currency": ""}$$),
    (10, $${"list_price": 10.555, "uom": "box"}$$),
    (11, $${"list_price": 10.555, "uom": "crate"}$$),
    (12, $${"list_price": 10.555, "uom_factor": 6}$$),
    (13, $${"list_price": 10.555, "uom_factor": 0}$$),
    (14, $${"list_price": 10.555, "uom_factor": -1}$$),
    (15, $${"list_price": 10.555, "uom_factor": "6"}$$),
    (16, $${"list_price": 10.555, "uom": "box", "uom_factor": 0.000001}$$)) AS v (n, a) ORDER BY n;

-- a rule's money, and no currency to convert it to, or no rate
INSERT INTO quotetier.policy (name) VALUES ('no currency');
INSERT INTO quotetier.step (policy, seq, name) VALUES ('no currency', 10, 'list');
INSERT INTO quotetier.rule (policy, step, adjust, value, currency) VALUES ('no currency', 'list', 'price', 5, 'USD');
SELECT n || '. ' || a || E'\n    ' || asked(quote_literal(a) || ', 2, ''2025-06-15'', ''no currency''') FROM (VALUES
    (1, $${}$$), (2, $${"currency": "EUR"}$$), (3, $${"currency": "USD"}$$)) AS v (n, a) ORDER BY n;

\echo == a row type that changes between the calls of a session
CREATE TABLE item (id int, gone text, list_price numeric, tier text);
INSERT INTO item VALUES (1, 'x', 10, 'gold');
PREPARE item_price AS SELECT net_price FROM item, quotetier.quote(item);
CREATE FUNCTION item_price() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    r item;
BEGIN
    SELECT * INTO r FROM item;
    RETURN quotetier.net_price(r);
END $$;
EXECUTE item_price; SELECT item_price();
ALTER TABLE item DROP COLUMN gone;
EXECUTE item_price; SELECT item_price();
ALTER TABLE item ADD COLUMN tags text[] DEFAULT '{a}';
EXECUTE item_price; SELECT item_price();
ALTER TABLE item ALTER COLUMN list_price TYPE int;
EXECUTE item_price; SELECT item_price();
ALTER TABLE item RENAME COLUMN tier TO was_tier;
EXECUTE item_price; SELECT item_price();
ALTER TABLE item DROP COLUMN list_price;
ALTER TABLE item ADD COLUMN list_price numeric DEFAULT 20;
EXECUTE item_price; SELECT item_price();
ALTER TABLE item ALTER COLUMN list_price TYPE float8;
EXECUTE item_price;
SELECT item_price();
ALTER TABLE item DROP COLUMN list_price;
EXECUTE item_price; SELECT item_price();

CREATE TYPE order_line AS (list_price numeric, tier text);
CREATE FUNCTION line_price(l order_line) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN quotetier.net_price(l); END $$;
SELECT line_price(ROW(10, 'gold')::order_line);
ALTER TYPE order_line ADD ATTRIBUTE tags text[];
SELECT line_price(ROW(10, 'gold', '{a}')::order_line);
ALTER TYPE order_line DROP ATTRIBUTE tier;
SELECT line_price(ROW(10, '{a}')::order_line);
ALTER TYPE order_line ALTER ATTRIBUTE list_price TYPE bigint;
SELECT line_price(ROW(10, '{a}')::order_line);

-- rows of different shapes through one call
SELECT quotetier.net_price(r) FROM (SELECT ROW(10, 20) AS r UNION ALL SELECT ROW(1, 2)) AS s;
CREATE FUNCTION any_record(n int) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    IF n % 2 = 0 THEN SELECT n AS list_price INTO r; ELSE SELECT 'gold' AS tier, n * 10.0 AS list_price INTO r; END IF;
    RETURN r;
END $$;
SELECT n, quotetier.net_price(any_record(n)) FROM generate_series(1, 6) n;
-- a left join's missing row, a row of a join, a table function's
SELECT quotetier.net_price(i) FROM (SELECT 1) AS one LEFT JOIN item AS i ON false;
SELECT quotetier.net_price(j) FROM (SELECT * FROM item CROSS JOIN (SELECT 7 AS list_price) AS x) AS j;
SELECT quotetier.net_price(t) FROM json_to_record('{"list_price": 8, "tier": "gold"}') AS t (list_price numeric, tier text);
-- a generated column is there after the row was stored, a big one out of line
CREATE TABLE big (list_price numeric GENERATED ALWAYS AS (5 + 5) STORED, tier text);
ALTER TABLE big ALTER COLUMN tier SET STORAGE EXTERNAL;
INSERT INTO big VALUES (DEFAULT, long_text(100000)), (DEFAULT, 'gold');
SELECT quotetier.net_price(big) FROM big;

\c contrib_regression
DROP DATABASE quote_input;

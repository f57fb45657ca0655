-- A session that compiles for itself prices its first line by the rules that
-- concern it, and compiles them all for the second.
SET client_min_messages = warning;
CREATE DATABASE first_line;
\c first_line
\getenv inputdir PG_ABS_SRCDIR
\set fuzz :inputdir /fuzz/quote.sql
\set lines :inputdir /fuzz/line.sql
SET client_min_messages = warning;
CREATE EXTENSION quotetier CASCADE;
RESET client_min_messages;

INSERT INTO quotetier.dimension (name, weight, kind) VALUES ('sku', 3, 'label'), ('tier', 2, 'label'), ('region', 1, 'path');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, scale_mode, condition) OVERRIDING SYSTEM VALUE VALUES
    (1, 'default', 'list', '{"sku": "A"}', 'price', 100, NULL, NULL),
    (2, 'default', 'list', '{"sku": ["A", "B"], "region": "CN"}', 'price', 90, NULL, NULL),
    (3, 'default', 'list', '{"sku": {"not": ["A", "C"]}}', 'price', 80, NULL, NULL),
    (4, 'default', 'volume', '{}', 'percent_off', NULL, 'volume', NULL),
    (5, 'default', 'volume', '{"sku": "C"}', 'percent_off', NULL, 'volume', NULL),
    (6, 'default', 'tier', '{"tier": "gold"}', 'percent_off', 10, NULL, '$.qty > 1'),
    (7, 'default', 'tier', '{"tier": "vip"}', 'percent_off', 20, NULL, '$.told == 1');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (4, 0, 10, 0), (4, 10, NULL, 5), (5, 0, NULL, 50);

-- what this session has done so far, and for what
CREATE VIEW have AS SELECT policy, rules, loads FROM quotetier.rule_book_stats();

SET quotetier.share_books = off;
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT * FROM have;
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT * FROM have;
\c
-- lines of one statement: the first is the first
SET quotetier.share_books = off;
SELECT facts, net_price, rules FROM (VALUES ('{"sku": "B"}'::jsonb), ('{"sku": "A", "region": "CN"}'), ('{"sku": "C"}'), ('{}')) l (facts), quotetier.quote(facts, 20) q;
SELECT * FROM have;
-- with the rules changed, it has something to patch
UPDATE quotetier.rule SET value = 110 WHERE id = 1;
SELECT quotetier.net_price('{"sku": "A"}'::jsonb, 1);
SELECT policy, rules, loads, patched FROM quotetier.rule_book_stats();
\c
-- a line that no rule concerns, and a policy that is not there
SET quotetier.share_books = off;
SELECT q.* FROM (SELECT 'Z'::text AS sku) r, quotetier.quote(r, 1, '2025-01-01', 'none') q;
SELECT q.status, q.rules FROM (SELECT 'C'::text AS sku) r, quotetier.quote(r, 1) q;
SELECT q.status, q.rules FROM (SELECT 'C'::text AS sku) r, quotetier.quote(r, 1) q;
\c
-- an explanation is of all rules, and so is an order
SET quotetier.share_books = off;
SELECT count(*) FROM quotetier.explain_quote('{"sku": "A"}'::jsonb);
SELECT * FROM have;
\c
SET quotetier.share_books = off;
SELECT line, net_price FROM quotetier.quote_order('[{"sku": "A"}, {"sku": "B", "qty": 20}]'::jsonb);
SELECT * FROM have;
\c
-- the same errors, however much is compiled: a fact of no use to rules that others ask for ...
SET quotetier.share_books = off;
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1.5::float8 AS tier) r;
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1.5::float8 AS tier) r;
\c
-- ... a column that is there twice, where rules ask for it ...
INSERT INTO quotetier.rule (id, policy, step, base, scope, adjust, value) VALUES (11, 'default', 'tier', 'msrp', '{"sku": "Z"}', 'percent_off', 5);
\c
SET quotetier.share_books = off;
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS msrp, 1 AS msrp) r;
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS msrp, 1 AS msrp) r;
DELETE FROM quotetier.rule WHERE id = 11;
\c
SET quotetier.share_books = off;
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS told, 1 AS told) r;
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS told, 1 AS told) r;
\c
SET quotetier.share_books = off;
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS other, 1 AS other) r;
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price(r, 1) FROM (SELECT 'A'::text AS sku, 1 AS other, 1 AS other) r;
-- ... and one that cannot be told, which another rule's condition asks for
CREATE TYPE untold AS ENUM ('x');
CREATE FUNCTION untold_json(untold) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it cannot be told'; END $$;
CREATE CAST (untold AS json) WITH FUNCTION untold_json(untold);
\c
SET quotetier.share_books = off;
SELECT quotetier.net_price(r, 2) FROM (SELECT 'A'::text AS sku, 'gold'::text AS tier, 'x'::untold AS told) r;
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price(r, 2) FROM (SELECT 'A'::text AS sku, 'gold'::text AS tier, 'x'::untold AS told) r;
\c
-- a step that has groups tries more than the strongest rule, also where these concern others
SET quotetier.share_books = off;
UPDATE quotetier.policy SET currency = 'EUR' WHERE name = 'default';
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, currency, exclusive_group) VALUES
    (9, 'default', 'list', '{}', 'price', 5, 'USD', NULL), (10, 'default', 'list', '{"sku": "Z"}', 'price', 5, NULL, 'g');
\c
SET quotetier.share_books = off;
SELECT quotetier.net_price('{"sku": "A"}'::jsonb, 1, '2025-01-01');
SELECT rules FROM quotetier.rule_book_stats('default');
SELECT quotetier.net_price('{"sku": "A"}'::jsonb, 1, '2025-01-01');
DELETE FROM quotetier.rule WHERE id IN (9, 10);
UPDATE quotetier.policy SET currency = NULL WHERE name = 'default';
\c
-- a line that has two things wrong with it is refused for the first
SET quotetier.share_books = off;
SELECT quotetier.net_price('{"sku": {"a": 1}}'::jsonb, 'NaN');
SELECT * FROM have;
SELECT quotetier.net_price('{"sku": {"a": 1}}'::jsonb, 'NaN');
\c
-- lists on both sides
SET quotetier.share_books = off;
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
SELECT 8, 'default', 'list', jsonb_build_object('sku', jsonb_agg(i)), 'price', 70 FROM generate_series(1, 5000) i;
SET statement_timeout = '1s';
SELECT quotetier.net_price(r, 1) FROM (SELECT array_agg(g::numeric) AS sku FROM generate_series(6000, 12000) g) r;
SELECT quotetier.net_price(r, 1) FROM (SELECT array_agg(g::numeric) AS sku FROM generate_series(5000, 12000) g) r;
RESET statement_timeout;
DELETE FROM quotetier.rule WHERE id = 8;
\c
-- a scope so long that it is stored apart
SET quotetier.share_books = off;
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
SELECT 8, 'default', 'list', jsonb_build_object('sku', jsonb_agg(md5(i::text) ORDER BY i) || '"L"', 'tier', 'vip'), 'price', 70 FROM generate_series(1, 500) i;
SELECT pg_column_size(scope) > 8192 AS long FROM quotetier.rule WHERE id = 8;
SELECT quotetier.net_price('{"sku": "L", "tier": "vip"}'::jsonb, 1), quotetier.net_price('{"sku": "L", "tier": "vip"}'::jsonb, 1);
DELETE FROM quotetier.rule WHERE id = 8;
-- more dimensions than a policy can have, of which it uses few, and of which it uses too many
SET quotetier.share_books = off;
ALTER TABLE quotetier.dimension DISABLE TRIGGER check_limit;
INSERT INTO quotetier.dimension (name) SELECT 'd' || i FROM generate_series(1, 70) i;
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
BEGIN;
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
SELECT 1000 + i, 'default', 'list', jsonb_build_object('d' || i, 'x'), 'price', 1 FROM generate_series(1, 70) i;
SELECT quotetier.net_price('{"sku": "A"}'::jsonb, 20);
ROLLBACK;
DELETE FROM quotetier.dimension WHERE name LIKE 'd%';
ALTER TABLE quotetier.dimension ENABLE TRIGGER check_limit;
-- a policy in a large table, and a small one beside it
INSERT INTO quotetier.policy (name) VALUES ('large');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('large', 10, 'list', 'first'), ('large', 20, 'tier', 'best');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, note)
SELECT 2000 + i, 'large', 'list', jsonb_build_object('sku', 'S' || i), 'price', i, (SELECT string_agg(md5(concat(i, k)), '') FROM generate_series(1, 50) k) FROM generate_series(1, 2500) i
UNION ALL SELECT 5000, 'large', 'tier', '{"tier": "gold"}', 'percent_off', 10, NULL;
SELECT pg_relation_size('quotetier.rule') > 512 * 8192 AS large;
SELECT quotetier.net_price('{"sku": "S1000", "tier": "gold"}'::jsonb, 20, '2025-01-01', 'large');
SELECT quotetier.net_price('{"sku": "S1000", "tier": "gold"}'::jsonb, 20, '2025-01-01', 'large');
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT * FROM have ORDER BY policy;
DELETE FROM quotetier.rule WHERE policy = 'large';
DELETE FROM quotetier.policy WHERE name = 'large';
VACUUM quotetier.rule;

-- without the indexes that rules and brackets are found by
SET quotetier.share_books = off;
SET client_min_messages = warning;
ALTER TABLE quotetier.rule DROP CONSTRAINT rule_pkey CASCADE;
ALTER TABLE quotetier.scale DROP CONSTRAINT scale_pkey;
RESET client_min_messages;
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT rules FROM quotetier.rule_book_stats('default');
UPDATE quotetier.rule SET value = 15 WHERE id = 6;
UPDATE quotetier.scale SET value = 7 WHERE rule = 4 AND from_value = 10;
SELECT quotetier.net_price('{"sku": "A", "tier": "gold", "region": "CN.East"}'::jsonb, 20);
SELECT patched FROM quotetier.rule_book_stats();

-- random ones
DELETE FROM quotetier.scale;
DELETE FROM quotetier.rule;
\set ECHO errors
\i :fuzz
\i :lines
\set ECHO all
CALL fuzz.first_lines(seed => 7, policies => 20);

\c contrib_regression
DROP DATABASE first_line;

-- Who may do what without being told: one rule, held against every object, then
-- tried by somebody who has been granted nothing.
\set SHOW_CONTEXT never
CREATE TEMP VIEW member AS
SELECT p.oid::regprocedure AS function, p.*
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'quotetier');

-- what everybody may read: names, and which tables are tracked
SELECT relname, relkind, 'all columns' AS columns FROM pg_class
WHERE relnamespace = 'quotetier'::regnamespace AND relkind IN ('r', 'v', 'S') AND has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
UNION ALL
SELECT relname, relkind, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attacl IS NOT NULL
WHERE relnamespace = 'quotetier'::regnamespace ORDER BY 1;

-- Functions in C that look at more than their arguments, and functions with an owner's rights, that everybody may call.
-- Of another's tables they read the maps at most, or ask whose a table is (track_rows, write_tracked), or show nothing (flush_tracking).
SELECT function FROM member m
WHERE has_function_privilege('public', m.oid, 'EXECUTE') AND prorettype <> 'event_trigger'::regtype
  AND (prosecdef OR (prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') AND provolatile <> 'i' AND NOT 'internal'::regtype = ANY (proargtypes)))
ORDER BY function::text;

-- and what nobody may call until granted, triggers aside
SELECT proname, count(*) AS overloads FROM member m
WHERE NOT has_function_privilege('public', m.oid, 'EXECUTE') AND prorettype <> 'trigger'::regtype GROUP BY proname ORDER BY proname;

-- ----- somebody -----

CREATE TABLE orders (customer int, at date, amount numeric);
INSERT INTO orders SELECT i, date '2024-01-01' + i, i FROM generate_series(1, 5) i;
SELECT mode FROM quotetier.rfm_fit('model', 'orders', 'customer', 'at', 'amount', '2024-02-01');
CREATE ROLE privileges_somebody;
GRANT SELECT ON orders TO privileges_somebody;
SET ROLE privileges_somebody;
SELECT customer, segment, quotetier.label(segment) FROM quotetier.rfm_table('orders', 'customer', 'at', 'amount', '2024-02-01') ORDER BY 1 LIMIT 2;
SELECT quotetier.rfm_segment(5, 5, 5), quotetier.label('top'), quotetier.tier_label('abc', 'A'), quotetier.class_label('lifecycle', 'new');
SELECT count(*) > 20 AS names FROM quotetier.labels;
SELECT count(*) FROM quotetier.check_segment_map('standard');
SELECT quotetier.quantile_cuts(amount, 2), max(quotetier.score(amount, '{3}')) FROM orders;
SELECT (quotetier.ahp_weights('{{1,1},{1,1}}')).cr;

SELECT quotetier.tier('abc', 1);
SELECT quotetier.tier('kaism', 1, 1);
SELECT quotetier.tier_over('abc', amount) OVER (ORDER BY amount DESC) FROM orders;
SELECT quotetier.tier_over('abc', amount, NULL) OVER (ORDER BY amount DESC) FROM orders;
SELECT quotetier.classify('lifecycle', '{}'::jsonb);
SELECT quotetier.explain_class('lifecycle', '{}'::jsonb);
SELECT quotetier.scorecard_score('engagement', '{"visits": 1}'::text);
SELECT quotetier.scorecard_points('engagement', '{"visits": 1}'::text);
SELECT quotetier.rfm_apply('model', '(2024-01-01,2024-01-01,1,1)');
SELECT quotetier.keep_version('abc');
SELECT quotetier.first_change('abc');
SELECT quotetier.assess('abc', now());
SELECT quotetier.tier_of('1', 'abc');
SELECT * FROM quotetier.metric;
SELECT * FROM quotetier.rfm_models;

-- a view lends its owner's right to use the schema, also where the planner puts one function in the place of another
RESET ROLE;
CREATE VIEW scored AS SELECT max(quotetier.score(customer, '{3}')) AS score FROM orders;
GRANT SELECT ON scored TO privileges_somebody;
REVOKE USAGE ON SCHEMA quotetier FROM PUBLIC;
SET ROLE privileges_somebody;
SELECT score FROM scored;
SELECT quotetier.score(1, '{3}');
RESET ROLE;
GRANT USAGE ON SCHEMA quotetier TO PUBLIC;
DROP VIEW scored;

-- ----- somebody who writes tiers -----

-- has a right on them and no other; what the scheme was is kept all the same, once a transaction
RESET ROLE;
INSERT INTO quotetier.scheme (name) VALUES ('kept');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('kept', 'only', 1, 1);
GRANT SELECT, UPDATE, DELETE ON quotetier.tier TO privileges_somebody;
SET ROLE privileges_somebody;
UPDATE quotetier.tier SET from_value = 2 WHERE scheme = 'kept';
BEGIN;
UPDATE quotetier.tier SET from_value = 3 WHERE scheme = 'kept';
SAVEPOINT s;
ROLLBACK TO s;
UPDATE quotetier.tier SET from_value = 4 WHERE scheme = 'kept';
COMMIT;
BEGIN;
SAVEPOINT s;
UPDATE quotetier.tier SET from_value = 5 WHERE scheme = 'kept';
ROLLBACK TO s;
UPDATE quotetier.tier SET from_value = 6 WHERE scheme = 'kept';
SAVEPOINT t;
SAVEPOINT u;
UPDATE quotetier.tier SET from_value = 7 WHERE scheme = 'kept';
RELEASE u;
ROLLBACK TO t;
DELETE FROM quotetier.tier WHERE scheme = 'kept';
COMMIT;
SELECT count(*) FROM quotetier.scheme_version;
RESET ROLE;
SELECT definition #>> '{tiers,0,from_value}' AS from_value FROM quotetier.scheme_version WHERE scheme = 'kept' ORDER BY 1;

-- ----- somebody who assesses -----

CREATE FUNCTION scores(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql STABLE AS $$ VALUES ('ann', 5.0), ('bob', 0.5) $$;
UPDATE quotetier.scheme SET scores = 'scores' WHERE name = 'kept';
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('kept', 'only', 1, 1);
REVOKE ALL ON quotetier.tier FROM privileges_somebody;
GRANT SELECT ON quotetier.scheme, quotetier.tier, quotetier.tier_level, quotetier.scheme_version, quotetier.assessment, quotetier.tier_membership TO privileges_somebody;
GRANT INSERT, UPDATE ON quotetier.tier_membership TO privileges_somebody;
GRANT INSERT ON quotetier.assessment, quotetier.scheme_version TO privileges_somebody;
GRANT EXECUTE ON FUNCTION quotetier.tier(text, numeric), quotetier.tier(text, numeric, numeric), quotetier.tier_over(text, numeric) TO privileges_somebody;
SET ROLE privileges_somebody;
SELECT * FROM quotetier.assess('kept', '2024-02-01');
SELECT quotetier.tier_of('ann', 'kept');
RESET ROLE;

DELETE FROM quotetier.tier_membership WHERE scheme = 'kept';
DELETE FROM quotetier.scheme WHERE name = 'kept';
DELETE FROM quotetier.rfm_model;
DROP OWNED BY privileges_somebody;
DROP ROLE privileges_somebody;
DROP FUNCTION scores;
DROP TABLE orders;

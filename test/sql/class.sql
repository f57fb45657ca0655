-- Class schemes: decision tables of scoped rules over any facts.
SET timezone = 'UTC';
INSERT INTO quotetier.dimension (name, kind, weight) VALUES
    ('industry', 'label', 8), ('region', 'path', 4), ('size', 'label', 2), ('channel', 'label', 1);
INSERT INTO quotetier.class_scheme (name) VALUES ('account');
INSERT INTO quotetier.class_rule (id, scheme, scope, condition, priority, class, label_zh, note) VALUES
    (101, 'account', '{}', NULL, 0, 'standard', '普通客户', 'fallback'),
    (102, 'account', '{"industry": ["bank", "insurance"]}', NULL, 0, 'finance', '金融客户', NULL),
    (103, 'account', '{"industry": "bank", "size": "large"}', NULL, 0, 'key', '重点客户', NULL),
    (104, 'account', '{"region": "CN"}', NULL, 0, 'home', '国内客户', NULL),
    (105, 'account', '{"region": ["CN.East", "CN.South"]}', NULL, 0, 'home coast', '沿海客户', NULL),
    (106, 'account', '{"size": "large", "channel": "web"}', NULL, 0, 'large online', NULL, NULL),
    (107, 'account', '{}', '$.employees >= 500 && $.complaints == 0', 10, 'promising', NULL, NULL),
    (108, 'account', '{"industry": "retail"}', '$.orders < 4', 1, 'small retail', NULL, NULL),
    (109, 'account', '{"industry": "retail"}', NULL, 0, 'retail', NULL, NULL),
    (110, 'account', '{"industry": "retail"}', NULL, 0, 'never', NULL, 'only its larger id puts it behind');

-- heavier dimensions first, then the superset, the deeper path, priority, the smaller id
SELECT facts, quotetier.classify('account', facts) FROM unnest(ARRAY[
    '{}', '{"industry": "farm"}', '{"industry": "bank"}', '{"industry": "bank", "size": "large"}', '{"industry": ["farm", "insurance"]}',
    '{"industry": "bank", "region": "CN.East.Shanghai"}', '{"region": "CN"}', '{"region": "CN.North"}', '{"region": "CN.East"}', '{"region": "CN.East.Shanghai"}',
    '{"region": "CNX"}', '{"region": ["DE", "CN.South.Shenzhen"]}', '{"size": "large"}', '{"size": "large", "channel": "web"}',
    '{"size": "large", "channel": "web", "region": "CN.East"}', '{"employees": 500, "complaints": 0}', '{"employees": 500, "complaints": 1}',
    '{"employees": 500}', '{"employees": "500", "complaints": 0}', '{"employees": 900, "complaints": 0, "region": "CN"}',
    '{"industry": "retail", "orders": 3}', '{"industry": "retail", "orders": 4}', '{"industry": "retail"}', '{"industry": null}']::jsonb[]) facts;

-- facts from a row, from jsonb, from text
CREATE TABLE account (id int, industry text, region text, size text, tags text[], employees int, complaints numeric);
INSERT INTO account VALUES (1, 'bank', 'CN.East', 'small', '{a}', 20, 0), (2, NULL, NULL, 'large', NULL, 600, 0), (3, 'bank', NULL, 'large', NULL, NULL, NULL), (4, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT id, quotetier.classify('account', account) AS row, quotetier.classify('account', to_jsonb(account)) AS json,
    quotetier.classify('account', to_jsonb(account)::text) AS text
FROM account ORDER BY id;
SELECT quotetier.classify('account', '{"industry": "insurance"}');

-- nothing applies: null. No rules at all: null. A null argument: null
DELETE FROM quotetier.class_rule WHERE id = 101;
INSERT INTO quotetier.class_scheme (name) VALUES ('empty');
SELECT quotetier.classify('account', '{"industry": "farm"}') IS NULL AS none, quotetier.classify('empty', '{}') IS NULL AS no_rules,
    quotetier.classify('account', NULL::jsonb) IS NULL AS null_facts, quotetier.classify(NULL, '{}') IS NULL AS null_scheme;
INSERT INTO quotetier.class_rule (id, scheme, class) VALUES (101, 'account', 'standard');

-- as of: half-open, and a later rule takes over
INSERT INTO quotetier.class_rule (id, scheme, scope, class, valid) VALUES
    (120, 'account', '{"industry": "solar"}', 'subsidised', '[2024-01-01,2025-01-01)'),
    (121, 'account', '{"industry": "solar"}', 'established', '[2025-01-01,)');
SELECT as_of, quotetier.classify('account', '{"industry": "solar"}', as_of) FROM unnest(ARRAY[
    '2023-12-31 23:59:59.999999', '2024-01-01', '2024-12-31 23:59:59.999999', '2025-01-01', 'infinity']::timestamptz[]) as_of;

-- why: the strongest first
SELECT * FROM quotetier.explain_class('account', '{"industry": "retail", "size": "large", "channel": "web", "region": "CN.South", "orders": 9}');
SELECT * FROM quotetier.explain_class('account', '{"industry": "solar", "employees": 1000, "complaints": 0}', '2024-06-01');
SELECT e.* FROM account, quotetier.explain_class('account', account) e WHERE id = 2;
-- a list of paths of several depths is one rule
INSERT INTO quotetier.class_rule (id, scheme, scope, class) VALUES (130, 'empty', '{"region": ["US", "US.CA.LA"]}', 'states'), (131, 'empty', '{"region": "US.CA"}', 'california');
SELECT region, quotetier.classify('empty', jsonb_build_object('region', region)) FROM unnest(ARRAY['US', 'US.NY', 'US.CA', 'US.CA.SF', 'US.CA.LA', 'US.CA.LA.Venice']) region;
SELECT * FROM quotetier.explain_class('empty', '{"region": "US.CA.LA"}');

-- a value left out: for those who have the fact
INSERT INTO quotetier.class_rule (id, scheme, scope, class) VALUES (140, 'empty', '{"channel": {"not": ["web", "app"]}}', 'offline'), (141, 'empty', '{"channel": {"not": "shop"}}', 'not in a shop');
SELECT facts, quotetier.classify('empty', facts) FROM unnest(ARRAY['{"channel": "phone"}', '{"channel": "web"}', '{"channel": "shop"}', '{"channel": ["phone", "web"]}', '{}']::jsonb[]) facts;

-- a null is an absent fact: no comparison holds for it, in jsonb, in a row, in a scope
INSERT INTO quotetier.class_scheme (name) VALUES ('null');
INSERT INTO quotetier.class_rule (scheme, condition, class, priority) VALUES ('null', '$.industry != "bank"', 'not a bank', 1), ('null', '!exists($.industry)', 'unknown', 0);
INSERT INTO quotetier.class_rule (scheme, condition, class, priority) VALUES ('null', '$.orders / $.zero > 1', 'fails', 2), ('null', '$.tags[*] == "vip"', 'vip', 3);
SELECT facts, quotetier.classify('null', facts) FROM unnest(ARRAY['{"industry": "bank"}', '{"industry": "farm"}', '{"industry": null, "size": [1, null, {"a": null}]}', '{}',
    '{"orders": 3, "zero": 0}', '{"orders": 3, "zero": 1}', '{"tags": ["new", "vip"]}']::jsonb[]) facts;
SELECT quotetier.classify('null', r) FROM (VALUES ('bank', NULL::text[]), ('farm', NULL), (NULL, NULL), (NULL, '{new,vip}')) r(industry, tags);

-- numbers, booleans and lists of them match by their canonical text
INSERT INTO quotetier.class_scheme (name) VALUES ('canonical');
INSERT INTO quotetier.class_rule (scheme, scope, class) VALUES ('canonical', '{"size": [1.50, true]}', 'yes');
SELECT quotetier.classify('canonical', r) FROM (VALUES (1.5), (1.500), (15)) r(size);
SELECT quotetier.classify('canonical', r) FROM (VALUES (true), (false)) r(size);

-- what a class is called
SELECT quotetier.class_label('account', 'finance'), quotetier.class_label('account', 'finance', 'en'), quotetier.class_label('account', 'retail'),
    quotetier.class_label('account', 'no such class') IS NULL AS none, quotetier.class_label('lifecycle', 'slipping');

-- errors
SELECT quotetier.classify('no such scheme', '{}');
SELECT quotetier.classify('account', '[1]');
SELECT quotetier.classify('account', '{"industry": {"name": "bank"}}');
SELECT quotetier.classify('account', '{"industry"');
SELECT quotetier.classify('account', r) FROM (SELECT interval '1 day' AS industry) r;

-- a change is seen by the next statement, an undone one never was
BEGIN;
UPDATE quotetier.class_rule SET class = 'banking' WHERE id = 102;
SELECT quotetier.classify('account', '{"industry": "bank"}');
SAVEPOINT s;
UPDATE quotetier.dimension SET weight = 100 WHERE name = 'channel';
SELECT quotetier.classify('account', '{"industry": "bank", "size": "large", "channel": "web"}') AS channel_weighs_more;
ROLLBACK TO s;
SELECT quotetier.classify('account', '{"industry": "bank", "size": "large", "channel": "web"}') AS industry_does;
TRUNCATE quotetier.class_rule;
SELECT quotetier.classify('account', '{"industry": "bank"}') IS NULL AS gone;
ROLLBACK;
SELECT quotetier.classify('account', '{"industry": "bank"}');
DELETE FROM quotetier.class_scheme WHERE name = 'empty';
SELECT count(*) FROM quotetier.class_rule WHERE scheme = 'empty';
UPDATE quotetier.class_scheme SET name = 'customer' WHERE name = 'account';
SELECT quotetier.classify('customer', '{"industry": "bank"}');

-- whoever may call it needs no privilege on the tables
CREATE ROLE class_user;
GRANT SELECT ON account TO class_user;
GRANT EXECUTE ON FUNCTION quotetier.classify(text, record, timestamptz) TO class_user;
SET ROLE class_user;
SELECT quotetier.classify('customer', account) FROM account WHERE id = 1;
SELECT count(*) FROM quotetier.class_rule;
RESET ROLE;
DROP OWNED BY class_user;
DROP ROLE class_user;

-- refused when saved
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'SAVED: ' || statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, coalesce(nullif(detail, ''), 'NO DETAIL'),
                     coalesce(nullif(hint, ''), 'NO HINT'), '');
END $$;
\pset tuples_only on
\pset format unaligned
SELECT refused('INSERT INTO quotetier.class_rule (scheme, class, ' || columns || ') VALUES (' || vals || ')') FROM (VALUES
    (1, 'note', $$'customers', 'x', NULL$$),
    (2, 'note', $$'customer', '', NULL$$),
    (3, 'scope', $$'customer', 'x', '[]'$$),
    (4, 'scope', $$'customer', 'x', '{"colour": "red"}'$$),
    (5, 'scope', $$'customer', 'x', '{"industry": []}'$$),
    (6, 'scope', $$'customer', 'x', '{"industry": null}'$$),
    (7, 'scope', $$'customer', 'x', '{"industry": {"is": "bank"}}'$$),
    (8, 'scope', $$'customer', 'x', '{"industry": ["bank", "bank"]}'$$),
    (9, 'condition', $$'customer', 'x', '$.employees'$$),
    (10, 'valid', $$'customer', 'x', 'empty'$$),
    (11, 'valid', $$'customer', 'x', '[2025-01-01,2025-12-31]'$$)
) v(n, columns, vals) ORDER BY n;
SELECT refused('INSERT INTO quotetier.class_scheme (name) VALUES ('''')');
SELECT refused('DELETE FROM quotetier.dimension WHERE name = ''industry''');
SELECT refused('UPDATE quotetier.dimension SET name = ''sector'' WHERE name = ''industry''');
\pset tuples_only off
\pset format aligned

-- the behaviour classes that are there from the start, with their edges
SELECT name, note, (SELECT string_agg(class || ' ' || label_zh, ', ' ORDER BY priority DESC) FROM quotetier.class_rule WHERE scheme = name) AS classes
FROM quotetier.class_scheme WHERE origin = 'shipped' ORDER BY name;
SELECT f.*, quotetier.classify('lifecycle', f)
FROM (VALUES (0, NULL::int, NULL::int, NULL::int), (1, 0, 0, NULL), (1, 30, 30, NULL), (1, 31, 31, NULL), (2, 30, 1, 29), (2, 400, 30, 370), (2, 400, 30, 181),
             (2, 400, 30, 180), (2, 400, 31, 369), (9, 400, 90, 2), (9, 400, 91, 2), (9, 400, 180, 2), (9, 400, 181, 2), (NULL, NULL, NULL, NULL)
    ) f(orders, days_since_first, days_since_last, previous_gap_days);
SELECT f.*, quotetier.classify('lifecycle_gap', f)
FROM (VALUES (0, NULL::int, NULL::int, NULL::int, NULL::numeric), (1, 15, 15, NULL, 10), (5, 400, 15, 60, 10), (5, 400, 15, 61, 10), (5, 400, 16, 61, 10), (5, 400, 30, 10, 10),
             (5, 400, 31, 10, 10), (5, 400, 60, 10, 10), (5, 400, 61, 10, 10), (5, 400, 61, 10, 40.5), (5, 400, 61, 10, NULL)
    ) f(orders, days_since_first, days_since_last, previous_gap_days, median_gap_days);
SELECT f.orders, quotetier.classify('frequency', f) FROM (VALUES (0), (1), (3), (4), (1000), (NULL)) f(orders);

DROP FUNCTION refused;
DELETE FROM quotetier.class_scheme WHERE origin = 'user';
DELETE FROM quotetier.dimension;
DROP TABLE account;

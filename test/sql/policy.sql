-- The configuration of pricing: what is there from the start, and what may be saved.
SET timezone = 'UTC';
SELECT name, currency, zone, round_target, round_mode, round_increment, ending, strict, needs_approval, origin FROM quotetier.policy;
SELECT seq, name, level, base, pick FROM quotetier.step WHERE policy = 'default' ORDER BY seq;
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'quotetier'::regnamespace AND c.relname IN ('dimension', 'policy', 'step', 'rule', 'scale')
GROUP BY c.relname ORDER BY c.relname;

-- every object of the extension is explained: none here
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'quotetier')
    AND (d.classid = 'pg_class'::regclass AND d.objid IN ('quotetier.dimension'::regclass, 'quotetier.policy'::regclass,
            'quotetier.step'::regclass, 'quotetier.rule'::regclass, 'quotetier.scale'::regclass, 'quotetier.origin'::regclass)
         OR d.classid = 'pg_proc'::regclass AND d.objid::regproc::text ~ 'quotetier\.(dimension|policy|step|rule|scale)_check|minor_unit|heal|restore')
    AND obj_description(d.objid, d.classid::regclass::text) IS NULL;
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'quotetier'::regnamespace AND c.relname IN ('dimension', 'policy', 'step', 'rule', 'scale', 'origin')
    AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL;

-- minor units of ISO 4217
SELECT code, quotetier.minor_unit(code) FROM (VALUES ('CLF'), ('CNY'), ('EUR'), ('JPY'), ('KWD'), ('USD'), ('UYW'), ('XOF'), (NULL)) v(code);

-- dimensions; the name may change while no rule asks for it
INSERT INTO quotetier.dimension (name) VALUES ('tier'), ('sku');
INSERT INTO quotetier.dimension (name, weight) VALUES ('客户', 5);
UPDATE quotetier.dimension SET name = 'customer' WHERE name = '客户';
SELECT name, kind, weight, row_number() OVER (ORDER BY weight DESC, id) AS place FROM quotetier.dimension ORDER BY place;

-- scopes
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES
    ('default', 'tier', '{"tier": "gold"}', 'percent_off', 10),
    ('default', 'tier', '{"tier": ["silver", "bronze", ""], "sku": [1, "1.1", true, "false"]}', 'percent_off', 100),
    ('default', 'tier', '{}', 'percent_off', 0);

-- adjustments at the ends of their ranges
INSERT INTO quotetier.rule (policy, step, adjust, value) SELECT 'default', 'promotion', adjust, value FROM (VALUES
    ('price', 0), ('price_percent', 0), ('price_percent', 250), ('margin', 99.99), ('margin', -50), ('markup', -100),
    ('markup', 400), ('percent_on', 0), ('percent_on', 300), ('amount_off', 0), ('amount_on', 1e15), ('line_amount_off', 1e-15)
) v(adjust, value);

-- bases, validity, the rest
INSERT INTO quotetier.rule (policy, step, adjust, value, base)
SELECT 'default', 'promotion', 'percent_off', 5, unnest(ARRAY['list', 'running', 'cost', 'contract', 'competitor_price']);
INSERT INTO quotetier.rule (policy, step, adjust, value, valid)
SELECT 'default', 'promotion', 'percent_off', 5, v::tstzrange
FROM unnest(ARRAY['(,)', '[2024-01-01,)', '(,2024-01-01)', '[2024-01-01,2025-01-01)', '[-infinity,infinity)']) v;
INSERT INTO quotetier.rule (policy, step, adjust, value, priority, exclusive_group, final, stop, ending, note)
VALUES ('default', 'promotion', 'percent_off', 5, -7, '*', true, true, '.99', 'clearance');

-- scales: a rule and its brackets may come in one statement
WITH r AS (
    INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, scale_bounds) VALUES
        ('default', 'volume', 'percent_off', 'volume', 'demand', '(]') RETURNING id
)
INSERT INTO quotetier.scale (rule, from_value, to_value, value)
SELECT id, b.* FROM r, (VALUES (-10, 0, 0), (0, 10, 1), (20, NULL, 2)) b;
WITH r AS (
    INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on) VALUES
        ('default', 'volume', 'price', 'graduated', 'amount'), ('default', 'volume', 'price', 'block', 'quantity'),
        ('default', 'volume', 'price', 'package', 'quantity') RETURNING id, scale_mode
)
INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage)
SELECT id, f, t, 1, 2.5, CASE scale_mode WHEN 'package' THEN 12 END, CASE scale_mode WHEN 'block' THEN 0.5 END
FROM r, (VALUES (0, 10), (10, NULL)) b(f, t);
SELECT r.scale_mode, s.from_value, s.to_value, s.value, s.fee, s.size, s.overage
FROM quotetier.scale s JOIN quotetier.rule r ON r.id = s.rule ORDER BY r.id, s.from_value;
-- brackets may touch, change in place, and go with their rule
UPDATE quotetier.scale SET to_value = 20 WHERE to_value = 10 AND rule = (SELECT id FROM quotetier.rule WHERE scale_on = 'demand');
DELETE FROM quotetier.rule WHERE scale_mode <> 'volume';
SELECT count(*) FROM quotetier.scale;

-- steps: in any order within a transaction
BEGIN;
INSERT INTO quotetier.policy (name, currency, zone, round_target, round_mode, round_increment, ending, strict)
VALUES ('零售', 'CNY', 'Asia/Shanghai', 'unit', 'half_even', NULL, '9.9/10', true);
INSERT INTO quotetier.step (policy, seq, name, base, excludes, compete, access, only_down, ending) VALUES
    ('零售', 3, 'c', 'a', NULL, 'offer', NULL, true, NULL),
    ('零售', 2, 'b', 'cost', NULL, 'offer', ARRAY['customer+sku', 'sku', ''], false, '0.9'),
    ('零售', 1, 'a', 'msrp', ARRAY['c', 'd'], NULL, '{}', false, NULL);
INSERT INTO quotetier.step (policy, seq, name) VALUES ('零售', 4, 'd');
COMMIT;
UPDATE quotetier.step SET seq = seq + 1 WHERE policy = '零售';
INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('零售', 'b', 'percent_off', 5);
-- names change together
UPDATE quotetier.policy SET name = 'retail' WHERE name = '零售';
UPDATE quotetier.step SET name = 'bee' WHERE policy = 'retail' AND name = 'b';
BEGIN;
UPDATE quotetier.step SET name = 'first' WHERE policy = 'retail' AND name = 'a';
UPDATE quotetier.step SET base = 'first' WHERE policy = 'retail' AND base = 'a';
COMMIT;
SELECT policy, step FROM quotetier.rule WHERE policy = 'retail';
SELECT seq, name, base, excludes, compete, access FROM quotetier.step WHERE policy = 'retail' ORDER BY seq;
DELETE FROM quotetier.rule WHERE policy = 'retail';
DELETE FROM quotetier.policy WHERE name = 'retail';
SELECT count(*) FROM quotetier.step WHERE policy = 'retail';

-- what checks cost in look-ups is the statement's, not the row's; the last row is wrong all the same
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'default', 'promotion', jsonb_build_object(CASE i WHEN 1000 THEN 'colour' ELSE 'sku' END, i), 'percent_off', 1
FROM generate_series(1, 1000) i;

-- privileges: nothing by itself; who may add rules need not read the other tables
CREATE ROLE quotetier_test_manager;
SET ROLE quotetier_test_manager;
TABLE quotetier.stamp;
TABLE quotetier.rule;
SELECT quotetier.net_price('{}'::jsonb);
SELECT quotetier.heal();
SELECT quotetier.minor_unit('JPY');
RESET ROLE;
GRANT INSERT ON quotetier.rule TO quotetier_test_manager;
GRANT USAGE ON SEQUENCE quotetier.rule_id_seq TO quotetier_test_manager;
SET ROLE quotetier_test_manager;
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('default', 'tier', '{"tier": "vip"}', 'percent_off', 20);
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('default', 'tier', '{"level": "vip"}', 'percent_off', 20);
RESET ROLE;
DROP OWNED BY quotetier_test_manager;
DROP ROLE quotetier_test_manager;

DELETE FROM quotetier.rule;
DELETE FROM quotetier.dimension;

-- names that are null, before the end of the transaction refuses them
BEGIN;
UPDATE quotetier.step SET excludes = '{NULL,list}' WHERE policy = 'default' AND name = 'tier';
SELECT status FROM quotetier.quote('{"list_price": 10}'::jsonb, 1);
ROLLBACK;

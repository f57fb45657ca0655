-- Scopes beyond one value: paths, lists, sets, and values left out.
BEGIN;
INSERT INTO quotetier.dimension (name, kind) VALUES ('region', 'path'), ('category', 'path'), ('grp', 'label'), ('sku', 'label');
INSERT INTO quotetier.policy (name, round_increment) VALUES ('p', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('p', 10, 'list', 'first'), ('p', 20, 'first', 'first'), ('p', 30, 'sum', 'sum');

-- the winner of a step that takes the first, and all that match, of a line of 1000
CREATE FUNCTION winner(facts jsonb) RETURNS bigint LANGUAGE sql AS $$ SELECT rules[1] FROM quotetier.quote('{"list_price": 1000}' || facts, 1, '2025-06-15', 'p') $$;
CREATE FUNCTION matching(facts jsonb) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT ARRAY(SELECT r FROM unnest(rules) r ORDER BY r) FROM quotetier.quote('{"list_price": 1000}' || facts, 1, '2025-06-15', 'p') $$;
CREATE FUNCTION takes(id bigint, step text, scope jsonb, value numeric = 1, priority int = 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, priority) VALUES (id, 'p', step, scope, 'line_amount_off', value, priority) $$;

-- a rule on a path covers what is below it, part by part; labels do not
SELECT takes(1, 'sum', '{"region": "CN"}'), takes(2, 'sum', '{"region": "CN.East"}'), takes(3, 'sum', '{"region": "CN.East.Shanghai"}'), takes(4, 'sum', '{"region": "C"}'),
       takes(5, 'sum', '{"region": "CN.Eas"}'), takes(6, 'sum', '{"grp": "a"}'), takes(7, 'sum', '{"grp": "a.b"}'), takes(8, 'sum', '{"region": "EU"}');
SELECT facts, matching(facts) AS matching, expected FROM (VALUES
    ('{"region": "CN.East.Shanghai"}'::jsonb, '{1,2,3}'::bigint[]), ('{"region": "CN.East.Shanghai.Pudong"}', '{1,2,3}'), ('{"region": "CN.East"}', '{1,2}'), ('{"region": "CN"}', '{1}'),
    ('{"region": "CN.Eastern"}', '{1}'), ('{"region": "CNX"}', '{}'), ('{"region": "cn"}', '{}'), ('{"region": ""}', '{}'), ('{"region": null}', '{}'), ('{}', '{}'),
    ('{"region": ".CN"}', '{}'), ('{"region": "CN."}', '{1}'), ('{"region": "CN..East"}', '{1}'),
    ('{"grp": "a.b"}', '{7}'), ('{"grp": "a"}', '{6}'),
    -- a set: any element, each rule once
    ('{"region": ["CN.East", "EU.West", "CN.North"]}', '{1,2,8}'), ('{"region": []}', '{}'), ('{"region": [null, "EU"]}', '{8}'), ('{"grp": ["x", "a", "a.b", "a"]}', '{6,7}')
) v (facts, expected);
DELETE FROM quotetier.rule WHERE policy = 'p';

-- the deeper wins over the shallower, whatever the priority; a dimension more wins over any depth
SELECT takes(11, 'first', '{"region": "CN"}', 30, 9), takes(12, 'first', '{"region": "CN.East"}', 20), takes(13, 'first', '{"region": "CN.East.Shanghai"}', 10),
       takes(14, 'first', '{}', 40, 99), takes(15, 'first', '{"region": "US", "sku": "A"}', 1), takes(16, 'first', '{"region": "US.West.CA.LA"}', 50, 99);
SELECT facts, winner(facts), expected FROM (VALUES
    ('{"region": "CN.East.Shanghai"}'::jsonb, 13), ('{"region": "CN.East.Hangzhou"}', 12), ('{"region": "CN.West"}', 11), ('{"region": "EU"}', 14), ('{}', 14),
    ('{"region": "US.West.CA.LA", "sku": "A"}', 15), ('{"region": "US.West.CA.LA", "sku": "B"}', 16),
    -- of a set the deepest
    ('{"region": ["CN.West", "CN.East.Shanghai"]}', 13)
) v (facts, expected);
DELETE FROM quotetier.rule WHERE policy = 'p';

-- two paths: the stronger dimension's depth first. region was made first, so it is stronger
SELECT takes(21, 'first', '{"region": "CN", "category": "toys.wood.trains"}', 30), takes(22, 'first', '{"region": "CN.East", "category": "toys"}', 10);
SELECT winner('{"region": "CN.East", "category": "toys.wood.trains"}') AS by_creation;
UPDATE quotetier.dimension SET weight = 2 WHERE name = 'category';
SELECT winner('{"region": "CN.East", "category": "toys.wood.trains"}') AS by_weight;
UPDATE quotetier.dimension SET weight = 1 WHERE name = 'category';
DELETE FROM quotetier.rule WHERE policy = 'p';

-- a list of several depths: it ranks by the one that matches, and counts once
SELECT takes(31, 'first', '{"region": ["CN", "CN.East.Shanghai", "EU"]}', 10), takes(32, 'first', '{"region": "CN.East"}', 20), takes(33, 'sum', '{"region": ["CN", "CN.East", "CN.East.Shanghai"]}', 5);
SELECT facts, quote.rules, quote.net_amount, expected FROM (VALUES
    ('{"region": "CN.East.Shanghai", "list_price": 1000}'::jsonb, 985), ('{"region": "CN.East", "list_price": 1000}', 975), ('{"region": "CN.West", "list_price": 1000}', 985), ('{"region": "EU.North", "list_price": 1000}', 990)
) v (facts, expected), quotetier.quote(facts, 1, '2025-06-15', 'p');
SELECT rule, verdict, reason FROM quotetier.explain_quote('{"region": "CN.East.Shanghai", "list_price": 1000}', 1, '2025-06-15', 'p') WHERE rule IS NOT NULL;
DELETE FROM quotetier.rule WHERE policy = 'p';

-- a list does not outrank one value, nor the other way round: priority, then price
SELECT takes(41, 'first', '{"grp": ["a", "b", "c"]}', 10), takes(42, 'first', '{"grp": "a"}', 20), takes(43, 'first', '{"grp": ["b", "c"]}', 20, 1), takes(44, 'first', '{"grp": "b"}', 30);
SELECT facts, winner(facts), expected FROM (VALUES ('{"grp": "a"}'::jsonb, 42), ('{"grp": "b"}', 43), ('{"grp": ["a", "c"]}', 43)) v (facts, expected);
DELETE FROM quotetier.rule WHERE policy = 'p';

-- at several depths with a scale, a group and a guard
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode, exclusive_group) VALUES (51, 'p', 'sum', '{"region": ["CN", "CN.East"]}', 'percent_off', 'volume', 'g');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (51, 1, 10, 5), (51, 10, NULL, 7);
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, exclusive_group) VALUES (52, 'p', 'sum', '{"region": "CN.East.Shanghai"}', 'percent_off', 6, 'g');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, on_breach) VALUES (53, 'p', 'sum', '{"region": ["CN", "CN.East"]}', 'floor_price', 990, 'approve');
SELECT facts ->> 'region' AS region, qty, net_amount, rules, status FROM (VALUES ('{"region": "CN", "list_price": 1000}'::jsonb, 1), ('{"region": "CN.East", "list_price": 1000}', 10), ('{"region": "CN.East.Shanghai", "list_price": 1000}', 10)) v (facts, qty),
    quotetier.quote(facts, qty, '2025-06-15', 'p');
SELECT count(*) AS rows_of_the_guard FROM quotetier.explain_quote('{"region": "CN.East", "list_price": 1000}', 10, '2025-06-15', 'p') WHERE rule = 53;
DELETE FROM quotetier.rule WHERE policy = 'p';

-- values left out: of a fact that is there, for a path with what is below, of a set if any element is
SELECT takes(61, 'sum', '{"region": {"not": "CN.East"}}'), takes(62, 'sum', '{"region": {"not": ["CN", "EU"]}}'), takes(63, 'sum', '{"grp": {"not": "a"}}'),
       takes(64, 'sum', '{"grp": {"not": ["a", "b"]}, "region": "CN"}'), takes(65, 'sum', '{"grp": {"not": 10}}');
SELECT facts, matching(facts) AS matching, expected FROM (VALUES
    ('{"region": "CN.East.Shanghai"}'::jsonb, '{}'::bigint[]), ('{"region": "CN.East"}', '{}'), ('{"region": "CN"}', '{61}'), ('{"region": "CN.Eastern"}', '{61}'), ('{"region": "US"}', '{61,62}'),
    ('{}', '{}'), ('{"grp": null}', '{}'), ('{"grp": []}', '{}'),
    ('{"grp": "a"}', '{65}'), ('{"grp": "c"}', '{63,65}'), ('{"grp": ["a", "c"]}', '{65}'), ('{"grp": ["b", "c"]}', '{63,65}'), ('{"grp": 10.0}', '{63}'), ('{"grp": "10"}', '{63}'),
    ('{"grp": "c", "region": "CN.West"}', '{61,63,64,65}'), ('{"grp": "b", "region": "CN.West"}', '{61,63,65}')
) v (facts, expected);
DELETE FROM quotetier.rule WHERE policy = 'p';
-- leaving out is asking for the dimension: it is as strong as naming a value
SELECT takes(71, 'first', '{"grp": {"not": "a"}}', 10), takes(72, 'first', '{}', 20), takes(73, 'first', '{"grp": "c"}', 5);
SELECT facts, winner(facts), expected FROM (VALUES ('{"grp": "a"}'::jsonb, 72), ('{"grp": "b"}', 71), ('{"grp": "c"}', 71), ('{}', 72)) v (facts, expected);
DELETE FROM quotetier.rule WHERE policy = 'p';

-- facts of other types match by their text, from rows as from JSON
SELECT takes(81, 'sum', '{"grp": 10}'), takes(82, 'sum', '{"grp": true}'), takes(83, 'sum', '{"grp": "2025-06-15"}'), takes(84, 'sum', '{"grp": "b"}'), takes(85, 'sum', '{"region": "CN.East"}'),
       takes(86, 'sum', '{"grp": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}'), takes(87, 'sum', '{"grp": "-0.5"}');
CREATE TYPE colour AS ENUM ('a', 'b');
SELECT 'int' AS type, rules FROM (SELECT 1000 AS list_price, 10 AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'bigint', rules FROM (SELECT 1000 AS list_price, 10::bigint AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'numeric', rules FROM (SELECT 1000 AS list_price, 10.00 AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'negative', rules FROM (SELECT 1000 AS list_price, -0.50 AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'json number', matching('{"grp": 1e1}')
UNION ALL SELECT 'boolean', rules FROM (SELECT 1000 AS list_price, true AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'date', rules FROM (SELECT 1000 AS list_price, date '2025-06-15' AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'enum', rules FROM (SELECT 1000 AS list_price, 'b'::colour AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'uuid', rules FROM (SELECT 1000 AS list_price, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'text[]', rules FROM (SELECT 1000 AS list_price, '{x,NULL,b}'::text[] AS grp, '{US,CN.East.Shanghai}'::text[] AS region) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'int[]', rules FROM (SELECT 1000 AS list_price, '{7,10,10}'::int[] AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'enum[]', rules FROM (SELECT 1000 AS list_price, '{a,b}'::colour[] AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p')
UNION ALL SELECT 'varchar', rules FROM (SELECT 1000 AS list_price, 'b'::varchar(5) AS grp) facts, quotetier.quote(facts, 1, '2025-06-15', 'p');
ROLLBACK;

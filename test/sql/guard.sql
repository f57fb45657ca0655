-- Guards: where they hold the price, and what status they give. All bounds are worked out by hand.
BEGIN;
INSERT INTO quotetier.dimension (name) VALUES ('sku');
INSERT INTO quotetier.policy (name) VALUES ('g');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('g', 5, 'early guard', 'best'), ('g', 10, 'list', 'first'), ('g', 20, 'off', 'best'), ('g', 90, 'guard', 'best');

-- list 100 less 30 %, that is 70, under these guards: adjust value [on_breach [base]]
CREATE FUNCTION guarded(guards text[], facts jsonb = '{}', qty numeric = 1, off numeric = 30, ending text = NULL, target text = 'line', mode text = 'half_up', increment numeric = 0.01)
RETURNS TABLE (net numeric, status text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE quotetier.policy SET (ending, round_target, round_mode, round_increment) = (guarded.ending, target, mode, increment) WHERE name = 'g';
    INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('g', 'off', 'percent_off', off);
    INSERT INTO quotetier.rule (policy, step, adjust, value, on_breach, base)
    SELECT 'g', 'guard', w[1], w[2]::numeric, nullif(w[3], '-'), w[4] FROM unnest(guards) guard, string_to_array(guard, ' ') w;
    RETURN QUERY SELECT q.net_amount, q.status FROM quotetier.quote('{"list_price": 100}' || facts, qty, '2025-06-15', 'g') q;
    DELETE FROM quotetier.rule WHERE policy = 'g';
END
$$;

CREATE TABLE example (no int GENERATED ALWAYS AS IDENTITY, guards text[], facts jsonb DEFAULT '{}', qty numeric DEFAULT 1, off numeric DEFAULT 30, ending text, target text DEFAULT 'line',
                      mode text DEFAULT 'half_up', increment numeric DEFAULT 0.01, net numeric, status text DEFAULT 'ok');

-- each bound, held and kept
INSERT INTO example (guards, facts, net) VALUES
    ('{}', '{}', 70), ('{floor_price 80}', '{}', 80), ('{floor_price 70}', '{}', 70), ('{floor_price 60}', '{}', 70), ('{floor_price 120}', '{}', 120),
    ('{floor_percent 75}', '{}', 75), ('{floor_percent 65}', '{}', 70), ('{floor_percent 108 clamp cost}', '{"cost": 70}', 75.60), ('{floor_percent 90 clamp competitor}', '{"competitor": 80}', 72),
    ('{floor_over 5}', '{"cost": 68}', 73), ('{floor_over 5}', '{"cost": 60}', 70), ('{floor_over 12 clamp competitor}', '{"competitor": 64}', 76),
    ('{floor_margin 30}', '{"cost": 52.50}', 75), ('{floor_margin 30}', '{"cost": 49}', 70),
    ('{cap_percent_off 25}', '{}', 75), ('{cap_percent_off 30}', '{}', 70), ('{cap_percent_off 10 clamp competitor}', '{"competitor": 85}', 76.50),
    ('{cap_price 65}', '{}', 65), ('{cap_price 70}', '{}', 70), ('{cap_price 75}', '{}', 70);
-- of the lower bounds the highest, of the upper ones the lowest; where they cross, the lower bound
INSERT INTO example (guards, facts, net) VALUES
    ('{floor_price 72,floor_percent 75,floor_over 3}', '{"cost": 71}', 75), ('{cap_price 60,cap_price 62}', '{}', 60), ('{cap_price 60,floor_price 65}', '{}', 65),
    ('{floor_price 80,cap_price 75}', '{}', 80), ('{floor_price 60,cap_price 65}', '{}', 65), ('{floor_price 65,cap_price 65}', '{}', 65);
-- the smallest legal amount that is not below the bound, upward whatever the mode: 10 / 0.7 = 14.2857...
INSERT INTO example (guards, facts, qty, off, target, mode, increment, net) VALUES
    ('{floor_margin 30}', '{"cost": 10}', 1, 90, 'line', 'half_up', 0.01, 14.29), ('{floor_margin 30}', '{"cost": 10}', 1, 90, 'line', 'floor', 0.01, 14.29), ('{floor_margin 30}', '{"cost": 10}', 1, 90, 'line', 'down', 0.01, 14.29),
    ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'line', 'half_up', 0.01, 42.86), ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'unit', 'half_up', 0.01, 42.87),
    ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'unit', 'half_even', 0.05, 42.90), ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'line', 'half_up', 0.05, 42.90), ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'line', 'half_up', 1, 43),
    ('{floor_margin 30}', '{"cost": 10}', 3, 90, 'unit', 'half_up', 1, 45), ('{floor_price 14.29}', '{}', 1, 90, 'line', 'half_up', 0.05, 14.30), ('{floor_price 14.30}', '{}', 1, 90, 'line', 'half_up', 0.05, 14.30),
-- an upper bound: the largest legal one
    ('{cap_price 33.335}', '{}', 1, 0, 'line', 'up', 0.01, 33.33), ('{cap_price 33.335}', '{}', 2, 0, 'line', 'up', 0.01, 66.67), ('{cap_price 33.335}', '{}', 2, 0, 'unit', 'up', 0.01, 66.66), ('{cap_price 33.335}', '{}', 2, 0, 'line', 'half_up', 0.05, 66.65),
-- cap and floor less than an increment apart: the floor
    ('{cap_price 10.03,floor_price 10.01}', '{}', 1, 0, 'line', 'half_up', 0.05, 10.05);
-- endings: 70 is 69.99
INSERT INTO example (guards, qty, ending, net) VALUES
    ('{}', 1, '.99', 69.99), ('{floor_price 69.99}', 1, '.99', 69.99), ('{floor_price 69.995}', 1, '.99', 70.99), ('{floor_price 71}', 1, '.99', 71.99), ('{floor_price 71}', 3, '.99', 215.97),
    ('{floor_price 71}', 1, '9.99/10', 79.99), ('{cap_price 69.50}', 1, '.99', 68.99), ('{cap_price 69.50}', 1, '9.99/10', 59.99), ('{cap_price 0.50}', 1, '.99', 0.99), ('{cap_price 70.50,floor_price 70.20}', 1, '.99', 70.99);
-- block and approve leave the price, and test what the clamps left; blocked is worse than needs_approval
INSERT INTO example (guards, facts, net, status) VALUES
    ('{floor_price 80 block}', '{}', 70, 'blocked'), ('{floor_price 80 approve}', '{}', 70, 'needs_approval'), ('{floor_price 70 block}', '{}', 70, 'ok'), ('{cap_price 65 approve}', '{}', 70, 'needs_approval'), ('{cap_price 70 block}', '{}', 70, 'ok'),
    ('{floor_price 80 approve,floor_price 75 block}', '{}', 70, 'blocked'), ('{floor_price 75 block,floor_price 80 approve}', '{}', 70, 'blocked'), ('{floor_price 80 approve,floor_price 65 block}', '{}', 70, 'needs_approval'),
    ('{floor_price 75,cap_percent_off 25 approve}', '{}', 75, 'ok'), ('{floor_price 75,cap_percent_off 24 approve}', '{}', 75, 'needs_approval'), ('{floor_price 75,cap_percent_off 24 block}', '{}', 75, 'blocked'),
    ('{cap_price 60,floor_percent 65 block}', '{}', 60, 'blocked'), ('{cap_percent_off 20 approve,cap_percent_off 28 block}', '{}', 70, 'blocked'),
-- a base that is missing: somebody has to look
    ('{floor_margin 10}', '{}', 70, 'needs_approval'), ('{floor_margin 10}', '{"cost": null}', 70, 'needs_approval'), ('{floor_margin 10 block}', '{}', 70, 'needs_approval'), ('{floor_margin 10 approve}', '{"cost": 60}', 70, 'ok'),
    ('{floor_margin 10 block}', '{"cost": 64}', 70, 'blocked'), ('{floor_margin 10,floor_price 80}', '{}', 80, 'needs_approval'), ('{floor_margin 10,floor_price 80 block}', '{}', 70, 'blocked'), ('{floor_percent 90 clamp competitor}', '{}', 70, 'needs_approval'),
    ('{floor_margin 10}', '{"cost": 0}', 70, 'ok');
-- what is tested is the rounded price: 33.335 % off is 66.67 at least, 33.34 % is not
INSERT INTO example (guards, off, net, status) VALUES ('{cap_percent_off 33.33 approve}', 33.335, 66.67, 'ok'), ('{cap_percent_off 33.33 approve}', 33.34, 66.66, 'needs_approval'), ('{floor_price 0.01 block}', 100, 0, 'blocked');
-- a return is held at the same price
INSERT INTO example (guards, qty, net, status) VALUES ('{floor_price 80}', -3, -240, 'ok'), ('{floor_price 80 block}', -3, -210, 'blocked'), ('{cap_price 60}', -2, -120, 'ok'), ('{floor_price 80}', 0, 0, 'ok');

SELECT count(*) AS examples, count(*) FILTER (WHERE (g.net, g.status) IS DISTINCT FROM (e.net, e.status)) AS wrong
FROM example e, LATERAL guarded(guards, facts, qty, off, ending, target, mode, increment) g;
SELECT e.no, e.guards, e.facts, e.qty, e.off, e.ending, g.net, e.net AS expected, g.status, e.status AS expected
FROM example e, LATERAL guarded(guards, facts, qty, off, ending, target, mode, increment) g WHERE (g.net, g.status) IS DISTINCT FROM (e.net, e.status) ORDER BY no;

-- of quantity zero the unit price is held; above list there is no discount
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (1, 'g', 'guard', 'floor_price', 110);
SELECT qty, net_price, net_amount, list_amount, discount_pct, status, rules FROM unnest('{0,2}'::int[]) qty, quotetier.quote('{"list_price": 100}'::jsonb, qty, '2025-06-15', 'g');
-- nothing to guard without a price
SELECT net_price, status, rules FROM quotetier.quote('{}', 1, '2025-06-15', 'g');
DELETE FROM quotetier.rule WHERE policy = 'g';

-- guards have scope, validity, condition, formula and scale like any rule, and run wherever their step stands, also behind a final rule or when it is excluded
UPDATE quotetier.step SET excludes = '{guard}' WHERE policy = 'g' AND name = 'off';
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, value_expr, condition, valid, final) VALUES
    (10, 'g', 'off', '{}', 'percent_off', 30, NULL, NULL, '(,)', true),
    (11, 'g', 'early guard', '{}', 'floor_price', 71, NULL, NULL, '(,)', false),
    (12, 'g', 'guard', '{"sku": "A"}', 'floor_price', 72, NULL, NULL, '(,)', false),
    (13, 'g', 'guard', '{}', 'floor_price', 73, NULL, NULL, '[2025-07-01,2025-08-01)', false),
    (14, 'g', 'guard', '{}', 'floor_price', 74, NULL, '$.channel == "web"', '(,)', false),
    (15, 'g', 'guard', '{}', 'floor_price', NULL, '$.cost * 1.2', 'exists($.cost)', '(,)', false),
    (16, 'g', 'guard', '{}', 'floor_price', 78, NULL, '$.qty > 99', '(,)', false);
INSERT INTO quotetier.rule (id, policy, step, adjust, scale_mode) VALUES (17, 'g', 'guard', 'floor_price', 'volume');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (17, 0, 10, 70), (17, 10, NULL, 75);
SELECT facts, qty, as_of, net_price, rules, expected FROM (VALUES
    ('{}'::jsonb, 1, date '2025-06-15', 71), ('{"sku": "A"}', 1, '2025-06-15', 72), ('{"sku": "A"}', 1, '2025-07-15', 73), ('{"channel": "web"}', 1, '2025-06-15', 74),
    ('{"cost": 64}', 1, '2025-06-15', 76.8), ('{}', 10, '2025-06-15', 75), ('{}', 100, '2025-06-15', 78)
) v (facts, qty, as_of, expected), quotetier.quote('{"list_price": 100}' || facts, qty, as_of, 'g');
-- a guard outside of its scale cannot be reckoned, so it is not passed
UPDATE quotetier.scale SET from_value = 5 WHERE rule = 17 AND from_value = 0;
SELECT qty, net_price, status FROM unnest('{4,5}'::int[]) qty, quotetier.quote('{"list_price": 100}'::jsonb, qty, '2025-06-15', 'g');
DELETE FROM quotetier.rule WHERE policy = 'g';

-- a condition of a guard sees the price as it was settled
INSERT INTO quotetier.rule (id, policy, step, adjust, value, condition, on_breach) VALUES
    (21, 'g', 'off', 'percent_off', 33.335, NULL, NULL), (22, 'g', 'guard', 'floor_price', 80, '$.running_price == 66.67 && $.discounted == true', 'block'), (23, 'g', 'guard', 'floor_price', 80, '$.running_price == 66.665', 'clamp');
UPDATE quotetier.policy SET (ending, round_target, round_mode, round_increment) = (NULL, 'line', 'half_up', 0.01) WHERE name = 'g';
SELECT net_price, status FROM quotetier.quote('{"list_price": 100}'::jsonb, 1, '2025-06-15', 'g');
ROLLBACK;

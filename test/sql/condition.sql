-- Conditions and formulas: what they see, and what becomes of those that fail.
BEGIN;
SET LOCAL timezone = 'America/New_York';      -- nobody's business here
INSERT INTO quotetier.dimension (name) VALUES ('sku');
INSERT INTO quotetier.policy (name, round_increment, zone) VALUES ('c', 0.01, 'Asia/Shanghai');
INSERT INTO quotetier.step (policy, seq, name, pick, level) VALUES
    ('c', 10, 'list', 'first', 'line'), ('c', 20, 'one', 'first', 'line'), ('c', 30, 'two', 'first', 'line'), ('c', 40, 'three', 'best', 'line');

-- does the condition hold? The rule takes 1 off a line of 100 each
CREATE FUNCTION holds(condition jsonpath, facts jsonb = '{}', qty numeric = 1, as_of timestamptz = '2025-06-15 12:00+00') RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    result boolean;
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'three', 'line_amount_off', 1, condition);
    SELECT cardinality(rules) > 0 INTO result FROM quotetier.quote('{"list_price": 100}' || facts, qty, as_of, 'c');
    DELETE FROM quotetier.rule WHERE policy = 'c' AND step = 'three';
    RETURN result;
END
$$;

-- reserved names: what the line is, and when, by the clocks of the policy's zone
SELECT what, holds(condition, facts, qty, as_of) AS holds, expected
FROM (VALUES
    ('quantity',                             '$.qty == 3'::jsonpath, '{}'::jsonb, 3, '2025-06-15 12:00+00'::timestamptz, true),
    ('of a return: without its sign',        '$.qty == 3', '{}', -3, '2025-06-15 12:00+00', true),
    ('in base units',                        '$.qty == 36', '{"uom_factor": 12}', 3, '2025-06-15 12:00+00', true),
    ('list price per unit',                  '$.list_price == 100', '{}', 3, '2025-06-15 12:00+00', true),
    ('running price per unit',               '$.running_price == 100', '{}', 3, '2025-06-15 12:00+00', true),
    ('nothing off yet',                      '$.discounted == false', '{}', 3, '2025-06-15 12:00+00', true),
    ('the date in Shanghai',                 '$.date == "2025-06-16"', '{}', 1, '2025-06-15 16:00+00', true),
    ('a moment before',                      '$.date == "2025-06-15"', '{}', 1, '2025-06-15 15:59:59.999999+00', true),
    ('dates compare as texts',               '$.date >= "2025-06-01" && $.date < "2025-07-01"', '{}', 1, '2025-06-15 12:00+00', true),
    ('Sunday is 7',                          '$.weekday == 7', '{}', 1, '2025-06-15 15:59+00', true),
    ('Monday is 1',                          '$.weekday == 1', '{}', 1, '2025-06-15 16:00+00', true),
    ('midnight is hour 0',                   '$.hour == 0', '{}', 1, '2025-06-15 16:00+00', true),
    ('the last hour is 23',                  '$.hour == 23', '{}', 1, '2025-06-15 15:59+00', true),
    ('reserved names win over the caller''s', '$.qty == 3', '{"qty": 99, "weekday": 99, "discounted": true}', 3, '2025-06-15 12:00+00', true),
    ('the caller''s do not',                 '$.weekday == 99 || $.qty == 99 || $.discounted == true', '{"qty": 99, "weekday": 99, "discounted": true}', 3, '2025-06-15 12:00+00', false)
) v (what, condition, facts, qty, as_of, expected);

-- other facts; what is not known, or of another type, holds nothing
SELECT what, holds(condition, facts) AS holds, expected
FROM (VALUES
    ('a number',                          '$.orders == 0'::jsonpath, '{"orders": 0}'::jsonb, true),
    ('the same number',                   '$.orders == 0', '{"orders": 0.00}', true),
    ('a text',                            '$.industry != "bank"', '{"industry": "steel"}', true),
    ('Chinese',                           '$.行业 == "钢铁"', '{"行业": "钢铁"}', true),
    ('a boolean',                         '$.vip == true', '{"vip": true}', true),
    ('a list: any element',               '$.tags == "new"', '{"tags": ["old", "new"]}', true),
    ('a list: how long',                  '$.tags.size() >= 2', '{"tags": ["old", "new"]}', true),
    ('inside of an object',               '$.address.country == "DE"', '{"address": {"country": "DE"}}', true),
    ('calculated',                        '$.budget - $.spent > 100', '{"budget": 500, "spent": 399.99}', true),
    ('no such fact',                      '$.orders == 0', '{}', false),
    ('no such fact: unequal neither',     '$.industry != "bank"', '{}', false),
    ('a null is no fact',                 '$.orders == null', '{"orders": null}', false),
    ('a null does not exist',             'exists($.orders)', '{"orders": null}', false),
    ('a null is not there',               '!exists($.orders)', '{"orders": null}', true),
    ('a null inside of a list is there',  '$.tags == null', '{"tags": [null]}', true),
    ('text against number',               '$.orders > 3', '{"orders": "4"}', false),
    ('division by zero',                  '$.a / $.b > 1', '{"a": 1, "b": 0}', false),
    ('calculated with a text',            '$.a + 1 > 1', '{"a": "1"}', false),
    ('strict, and missing',               'strict $.a.b == 1', '{"a": {}}', false),
    ('not a failure',                     '!($.a / $.b > 1)', '{"a": 1, "b": 0}', false),
    ('the failure said to be one',        '($.a / $.b > 1) is unknown', '{"a": 1, "b": 0}', true)
) v (what, condition, facts, expected);

-- from a row: NULL is no fact, and what jsonb makes of a column's type counts
INSERT INTO quotetier.rule (id, policy, step, adjust, value, condition) VALUES
    (901, 'c', 'three', 'line_amount_off', 1, 'exists($.note)'), (902, 'c', 'two', 'line_amount_off', 1, '$.since < "2020-01-01" && $.vip == true');
SELECT rules FROM (SELECT 100 AS list_price, NULL::text AS note, date '2019-05-01' AS since, true AS vip) facts, quotetier.quote(facts, 1, '2025-06-15', 'c');
DELETE FROM quotetier.rule WHERE policy = 'c';

-- a condition sees the line as it enters its step: after step one, 90; within a chain nothing changes
INSERT INTO quotetier.rule (id, policy, step, adjust, value, condition, priority) VALUES
    (911, 'c', 'one',   'percent_off', 10, '$.running_price == 100 && $.discounted == false', 0),
    (912, 'c', 'two',   'percent_off', 10, '$.running_price == 90 && $.list_price == 100 && $.discounted == true', 0),
    (913, 'c', 'three', 'amount_off', 1, '$.running_price == 81', 2),
    (914, 'c', 'three', 'amount_off', 1, '$.running_price == 81', 1);
UPDATE quotetier.step SET pick = 'chain' WHERE policy = 'c' AND name = 'three';
SELECT net_amount, rules FROM quotetier.quote('{"list_price": 100}', 3, '2025-06-15', 'c');
-- a surcharge is no discount
INSERT INTO quotetier.rule (id, policy, step, adjust, value, priority) VALUES (915, 'c', 'one', 'percent_on', 10, 1);
SELECT net_amount, rules FROM quotetier.quote('{"list_price": 100}', 3, '2025-06-15', 'c');
-- without a price, conditions on it do not hold, and others do
DELETE FROM quotetier.rule WHERE policy = 'c';
INSERT INTO quotetier.rule (id, policy, step, adjust, value, condition) VALUES
    (921, 'c', 'list', 'price', 50, '!exists($.list_price) && !exists($.running_price) && $.discounted == false'), (922, 'c', 'one', 'amount_off', 1, '$.list_price == 50');
SELECT net_price, rules FROM quotetier.quote('{}', 1, '2025-06-15', 'c');
SELECT net_price, rules FROM quotetier.quote('{"running_price": 7, "discounted": true}', 1, '2025-06-15', 'c');
DELETE FROM quotetier.rule WHERE policy = 'c';

-- a condition adds no strength: priority still decides, and it is looked at after the scope
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, condition, priority) VALUES
    (931, 'c', 'one', '{}', 'amount_off', 1, '$.qty > 0', 0), (932, 'c', 'one', '{}', 'amount_off', 2, NULL, -1), (933, 'c', 'one', '{"sku": "A"}', 'amount_off', 3, '$.qty > 5', 0);
SELECT qty, rules FROM unnest('{1,6}'::int[]) qty, quotetier.quote('{"sku": "A", "list_price": 100}'::jsonb, qty, '2025-06-15', 'c');
DELETE FROM quotetier.rule WHERE policy = 'c';

-- formulas: a number from the facts; without one the rule does not apply
CREATE FUNCTION formula(adjust text, value_expr jsonpath, facts jsonb = '{}', qty numeric = 1) RETURNS TABLE (net_amount numeric, reason text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, value_expr) VALUES ('c', 'one', adjust, value_expr);
    RETURN QUERY SELECT q.net_amount, (SELECT e.reason FROM quotetier.explain_quote('{"list_price": 100}' || facts, qty, '2025-06-15', 'c') e WHERE step = 'one')
                 FROM quotetier.quote('{"list_price": 100}' || facts, qty, '2025-06-15', 'c') q;
    DELETE FROM quotetier.rule WHERE policy = 'c';
END
$$;
SELECT v.adjust, v.value_expr, f.*, expected
FROM (VALUES
    ('price', '$.width * $.height * 12.5'::jsonpath, '{"width": 1.2, "height": 0.8}'::jsonb, 2, 24.00),
    ('price', '$.requested', '{"requested": 71.5}', 2, 143.00),
    ('percent_off', '$.requested_percent', '{"requested_percent": 12.5}', 2, 175.00),
    ('percent_off', '$.qty * 2', '{}', 4, 368.00),
    ('amount_off', '$.list_price - $.competitor', '{"competitor": 93.4}', 2, 186.80),
    ('line_amount_off', '$.vouchers[0]', '{"vouchers": [5, 7]}', 2, 195.00),
    ('price', '$.missing', '{}', 1, 100.00),
    ('price', '$.text', '{"text": "70"}', 1, 100.00),
    ('price', '$.text.double()', '{"text": "70"}', 1, 70.00),
    ('price', '$.list', '{"list": [70]}', 1, 100.00),
    ('price', '1 / $.zero', '{"zero": 0}', 1, 100.00),
    ('price', '$.list_price - 200', '{}', 1, 100.00),
    ('margin', '$.m', '{"m": 100}', 1, 100.00),
    ('margin', '$.m', '{"m": 20}', 1, 125.00),
    ('percent_off', '$.p', '{"p": 250}', 1, 0.00)
) v (adjust, value_expr, facts, qty, expected), formula(v.adjust, v.value_expr, v.facts, v.qty) f;
ROLLBACK;

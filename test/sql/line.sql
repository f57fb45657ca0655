-- One line: its currency, its unit of measure, what its rules count from, rounding
-- steps, and what is told without changing it. Worked out by hand.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('currency');
INSERT INTO quotetier.policy (name, currency) VALUES ('l', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, pick, level, base) VALUES
    ('l', 10, 'list', 'first', 'line', 'running'), ('l', 20, 'one', 'first', 'line', 'running'), ('l', 30, 'two', 'first', 'line', 'list'), ('l', 40, 'three', 'chain', 'line', 'running'),
    ('l', 90, 'guard', 'best', 'line', 'running'), ('l', 95, 'rebate', 'sum', 'statistical', 'running'), ('l', 99, 'freight', 'first', 'statistical', 'running');
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- ----- currency: a rule's money is the policy's, or its own; converted at as_of
INSERT INTO quotetier.fx_rate VALUES ('EUR', 'CNY', 7.8102, '[2025-01-01,2025-07-01)'), ('EUR', 'CNY', 8.4, '[2025-07-01,)'), ('EUR', 'JPY', 160.5, '(,)'), ('USD', 'EUR', 0.9, '(,)');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, currency) VALUES
    (1, 'l', 'list', '{"sku": "A"}', 'price', 19.99, NULL), (2, 'l', 'list', '{"sku": "B"}', 'price', 10, 'USD'), (3, 'l', 'list', '{"sku": "C", "currency": "CNY"}', 'price', 150, NULL), (4, 'l', 'list', '{"sku": "C"}', 'price', 19.99, NULL);
SELECT facts, qty, as_of, list_price, net_amount, currency, expected FROM (VALUES
    ('{"sku": "A"}'::jsonb, 3, timestamptz '2025-06-15', 59.97),
    ('{"sku": "A", "currency": "EUR"}', 3, '2025-06-15', 59.97),
    -- 156.125898 and 167.916 are rounded where they arrive, then taken three times; yen have no cents: 3208.395
    ('{"sku": "A", "currency": "CNY"}', 3, '2025-06-15', 468.39), ('{"sku": "A", "currency": "CNY"}', 3, '2025-06-30 23:59:59.999999', 468.39), ('{"sku": "A", "currency": "CNY"}', 3, '2025-07-01', 503.76), ('{"sku": "A", "currency": "JPY"}', 3, '2025-06-15', 9624),
    ('{"sku": "B"}', 3, '2025-06-15', 27.00),
    -- scoped on the currency: as it stands
    ('{"sku": "C", "currency": "CNY"}', 3, '2025-06-15', 450.00), ('{"sku": "C", "currency": "JPY"}', 3, '2025-06-15', 9624),
    -- what the facts say is in the quote's currency
    ('{"list_price": 19.99, "currency": "CNY"}', 3, '2025-06-15', 59.97)
) v (facts, qty, as_of, expected), quotetier.quote(facts, qty, as_of, 'l');
-- no rate is an error, also where the opposite one is known, or another day's; percents need none
SELECT refused($$SELECT quotetier.quote('{"sku": "A", "currency": "USD"}', 1, '2025-06-15', 'l')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"sku": "B", "currency": "CNY"}', 1, '2025-06-15', 'l')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"sku": "A", "currency": "CNY"}', 1, '2024-12-31 23:59', 'l')$$);
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (5, 'l', 'one', 'percent_off', 10);
SELECT net_amount FROM quotetier.quote('{"list_price": 100, "currency": "USD"}', 1, '2025-06-15', 'l');
DELETE FROM quotetier.rule WHERE id = 5;

-- all other money: off each, off the line, guards, formulas, fees, blocks, and brackets over an amount
CREATE FUNCTION in_cny(rule text[], brackets numeric[] DEFAULT NULL, facts jsonb DEFAULT '{"sku": "A"}', qty numeric DEFAULT 3) RETURNS numeric LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    result numeric;
BEGIN
    INSERT INTO quotetier.rule (id, policy, step, adjust, value, scale_mode, scale_on)
    VALUES (99, 'l', in_cny.rule[1], in_cny.rule[2], CASE WHEN brackets IS NULL THEN in_cny.rule[3]::numeric END, CASE WHEN brackets IS NOT NULL THEN in_cny.rule[3] END, coalesce(in_cny.rule[4], 'quantity'));
    INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage)
    SELECT 99, brackets[i][1], brackets[i][2], brackets[i][3], coalesce(brackets[i][4], 0), brackets[i][5], brackets[i][6] FROM generate_subscripts(brackets, 1) i;
    result := (quotetier.quote(facts || '{"currency": "CNY"}', qty, '2025-06-15', 'l')).net_amount;
    DELETE FROM quotetier.rule WHERE id = 99;
    RETURN result;
END
$$;
SELECT what, got, expected, got = expected AS ok FROM (VALUES
    -- of 468.39: 3 x 39.051 = 117.153
    ('off each',            in_cny('{one,amount_off,5}'), 351.24),
    ('off the line',        in_cny('{one,line_amount_off,5}'), 429.34),
    ('on each',             in_cny('{one,amount_on,5}'), 585.54),
    ('a price, no list',    in_cny('{one,price,15}'), 351.46),                               -- 3 x 117.153 = 351.459
    ('to a multiple of',    in_cny('{one,round_to,1}'), 468.61),                             -- 3 x 20 x 7.8102 = 468.612
    ('floor',               in_cny('{guard,floor_price,25}'), 585.77),                       -- 585.765, upward
    ('cap',                 in_cny('{guard,cap_price,15}'), 351.45),                         -- 351.459, downward
    ('floor over',          in_cny('{guard,floor_over,5}', NULL, '{"sku": "A", "cost": 150}'), 567.16), -- 3 x (150 + 39.051) = 567.153
    ('graduated, the list', in_cny('{list,price,graduated}', '{{0,2,19.99,NULL,NULL,NULL},{2,NULL,9.99,NULL,NULL,NULL}}', '{"sku": "D"}'), 390.28),  -- 2 x 156.13 + 78.02
    ('volume, the list',    in_cny('{list,price,volume}', '{{0,NULL,19.99,NULL,NULL,NULL}}', '{"sku": "D"}'), 468.39),
    ('package, the list',   in_cny('{list,price,package}', '{{0,NULL,19.99,NULL,2,NULL}}', '{"sku": "D"}'), 312.25),   -- 2 x 156.125898: a list price per unit is rounded where it arrives, a package's is not
    ('block and overage',   in_cny('{one,price,block}', '{{0,2,19.99,NULL,NULL,NULL},{2,NULL,19.99,NULL,NULL,5}}'), 195.18),   -- 24.99 x 7.8102 = 195.176898
    ('a fee',               in_cny('{one,percent_off,volume}', '{{0,NULL,10,5,NULL,NULL}}'), 382.50),                          -- 46.839 and 39.051 off
    -- brackets over an amount are in the rule's money: 468.39 is 59.97 EUR, 936.78 is 119.94
    ('under 100 EUR',       in_cny('{one,percent_off,volume,amount}', '{{100,NULL,10,NULL,NULL,NULL}}'), 468.39),
    ('over 100 EUR',        in_cny('{one,percent_off,volume,amount}', '{{100,NULL,10,NULL,NULL,NULL}}', '{"sku": "A"}', 6), 843.10)
) v (what, got, expected);
DELETE FROM quotetier.rule WHERE policy = 'l';

-- ----- units: W24, and whose unit it is
INSERT INTO quotetier.uom VALUES (NULL, 'kg', 1), (NULL, 't', 1000), (NULL, 'box', 12), ('A', 'box', 10), (NULL, 'half', 0.5);
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (21, 'l', 'list', '{"sku": "coal"}', 'price', 0.1);
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode) VALUES (22, 'l', 'one', '{"sku": "coal"}', 'amount_off', 'volume');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (22, 3000, NULL, 0.01);
SELECT 'W24' AS example, qty, uom, net_price, net_amount, expected, net_price = expected AS ok
FROM (VALUES (2, 'kg', 0.1), (2000, 'kg', 0.1), (3500, 'kg', 0.09), (2, 't', 100), (3, 't', 90)) v (qty, uom, expected), quotetier.quote(jsonb_build_object('sku', 'coal', 'uom', uom), qty, '2025-06-15', 'l');
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (23, 'l', 'three', 'line_amount_off', 1), (24, 'l', 'three', 'amount_off', 0.25);
SELECT facts, qty, list_price, list_amount, net_price, net_amount, expected, net_amount = expected AS ok FROM (VALUES
    ('{"list_price": 2, "sku": "A"}'::jsonb, 3, 4.25), ('{"list_price": 2, "sku": "A", "uom": "box"}', 3, 51.50), ('{"list_price": 2, "sku": "B", "uom": "box"}', 3, 62.00), ('{"list_price": 2, "uom": "box"}', 3, 62.00),
    ('{"list_price": 2, "uom": "half"}', 3, 1.63), ('{"list_price": 2, "uom_factor": 1.5}', 3, 6.88), ('{"list_price": 2, "uom": "box", "uom_factor": 2}', 3, 9.50),
    ('{"list_price": 2, "uom": null}', 3, 4.25), ('{"list_price": 2, "uom": "box"}', -3, -62.00), ('{"list_price": 2, "uom": "box"}', 0, 0)
) v (facts, qty, expected), quotetier.quote(facts, qty, '2025-06-15', 'l');
SELECT refused($$SELECT quotetier.quote('{"list_price": 2, "uom": "pallet"}', 1, '2025-06-15', 'l')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"list_price": 2, "uom": "Box"}', 1, '2025-06-15', 'l')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"list_price": 2, "uom_factor": 0}', 1, '2025-06-15', 'l')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"list_price": 2, "uom_factor": -12}', 1, '2025-06-15', 'l')$$);
DELETE FROM quotetier.rule WHERE policy = 'l';

-- ----- what a percent is of: the rule's base before its step's (step one: running; step two: list)
CREATE FUNCTION second(adjust text, value numeric, base text DEFAULT NULL, facts jsonb DEFAULT '{}', step text DEFAULT 'two') RETURNS numeric LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    result numeric;
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, value, base) VALUES ('l', 'one', 'percent_off', 10, NULL), ('l', second.step, second.adjust, second.value, second.base);
    result := (quotetier.quote('{"list_price": 100}' || facts, 2, '2025-06-15', 'l')).net_amount;
    DELETE FROM quotetier.rule WHERE policy = 'l';
    RETURN result;
END
$$;
SELECT what, got, expected, got = expected AS ok FROM (VALUES
    ('the step''s: list',        second('percent_off', 10), 160.00),
    ('the rule''s: running',     second('percent_off', 10, 'running'), 162.00),
    ('the rule''s: list',        second('percent_off', 10, 'list', step => 'three'), 160.00),
    ('the step''s: running',     second('percent_off', 10, step => 'three'), 162.00),
    ('an earlier step',          second('percent_off', 50, 'one', step => 'three'), 90.00),
    ('a step without a price',   second('percent_off', 50, 'list', step => 'three'), 80.00),
    ('a fact',                   second('percent_off', 10, 'competitor', '{"competitor": 95}'), 161.00),
    ('a fact that is missing',   second('percent_off', 10, 'competitor'), 180.00),
    ('price_percent of cost',    second('price_percent', 120, 'cost', '{"cost": 70}'), 168.00),
    ('price_percent of list',    second('price_percent', 95), 190.00),
    ('margin over cost',         second('margin', 20, 'cost', '{"cost": 60}'), 150.00),
    ('markup on cost',           second('markup', 25, 'cost', '{"cost": 60}'), 150.00),
    ('percent_on a fact',        second('percent_on', 10, 'competitor', '{"competitor": 95}'), 199.00),
    ('an amount has no base',    second('amount_off', 10, 'cost'), 160.00)
) v (what, got, expected);

-- ----- lists, and lists made of them: B is 10 % under A, with A's scale where the scale is for B, too; C is 5 % under B
INSERT INTO quotetier.dimension (name) VALUES ('price_list');
INSERT INTO quotetier.policy (name, currency) VALUES ('lists', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('lists', 10, 'list', 'chain'), ('lists', 20, 'off', 'first');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, scale_mode, priority) VALUES
    (31, 'lists', 'list', '{"sku": "A", "price_list": ["A", "B", "C"]}', 'price', NULL, 'volume', 0), (32, 'lists', 'list', '{"sku": "plain", "price_list": ["A", "B", "C"]}', 'price', 50, NULL, 0),
    (33, 'lists', 'list', '{"sku": "plain", "price_list": "A"}', 'amount_off', NULL, 'volume', -1),
    (34, 'lists', 'list', '{"price_list": ["B", "C"]}', 'percent_off', 10, NULL, 1), (35, 'lists', 'list', '{"price_list": "C"}', 'percent_off', 5, NULL, 0), (36, 'lists', 'off', '{}', 'percent_off', 1, NULL, 0);
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (31, 0, 10, 50), (31, 10, NULL, 40), (33, 10, NULL, 10);
SELECT sku, price_list, qty, q.list_price, expected, q.list_price IS NOT DISTINCT FROM expected AS ok, net_price, rules, status
FROM (VALUES ('A', 'A', 9, 50), ('A', 'A', 10, 40), ('A', 'B', 9, 45), ('A', 'B', 10, 36), ('A', 'C', 10, 34.2),
             ('plain', 'A', 9, 50), ('plain', 'A', 10, 40), ('plain', 'B', 10, 45), ('other', 'B', 10, NULL)) v (sku, price_list, qty, expected),
    quotetier.quote(jsonb_build_object('sku', sku, 'price_list', price_list), qty, '2025-06-15', 'lists') q;
SELECT step, rule, verdict, reason, base, amount, running FROM quotetier.explain_quote('{"sku": "A", "price_list": "C"}', 10, '2025-06-15', 'lists') ORDER BY seq;
SELECT step, rule, verdict, reason FROM quotetier.explain_quote('{"sku": "other", "price_list": "C"}', 10, '2025-06-15', 'lists') ORDER BY seq;
-- a scale for several lines waits, too: six and four are ten
INSERT INTO quotetier.rule (id, policy, step, adjust, scale_mode, scale_by, priority) VALUES (37, 'lists', 'list', 'percent_off', 'volume', '{price_list}', -2);
INSERT INTO quotetier.scale (rule, from_value, value) VALUES (37, 10, 50);
SELECT line, list_price, net_amount FROM quotetier.quote_order('[{"sku": "A", "qty": 6}, {"sku": "plain", "qty": 4}]', '{"price_list": "A"}', 'lists', '2025-06-15');
-- its formula sees the line as it was on entry to the step
UPDATE quotetier.rule SET (value, value_expr) = (NULL, '$.running_price / 10') WHERE id = 35;
SELECT list_price, rules FROM quotetier.quote('{"sku": "plain", "price_list": "C"}', 1, '2025-06-15', 'lists');
UPDATE quotetier.rule SET (value, value_expr) = (5, NULL) WHERE id = 35;
-- in a group there is no waiting: who stands for it is known on entry. Strict only minds who applies
UPDATE quotetier.rule SET exclusive_group = 'g' WHERE id IN (34, 35);
SELECT list_price, rules FROM quotetier.quote('{"sku": "plain", "price_list": "C"}', 10, '2025-06-15', 'lists');
UPDATE quotetier.rule SET exclusive_group = NULL, priority = 0, scope = '{"price_list": "C"}' WHERE id IN (34, 35);
UPDATE quotetier.policy SET strict = true WHERE name = 'lists';
SELECT refused($$SELECT quotetier.quote('{"sku": "plain", "price_list": "C"}', 10, '2025-06-15', 'lists')$$) UNION ALL
SELECT refused($$SELECT quotetier.quote('{"sku": "other", "price_list": "C"}', 10, '2025-06-15', 'lists')$$);
DELETE FROM quotetier.rule WHERE policy = 'lists';

-- ----- round_to: the unit price to a multiple, by the policy's mode; a row of its own
CREATE FUNCTION rounded(price numeric, multiple numeric, mode text DEFAULT 'half_up', qty numeric DEFAULT 1) RETURNS numeric LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    result numeric;
BEGIN
    UPDATE quotetier.policy SET round_mode = mode WHERE name = 'l';
    INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('l', 'one', 'round_to', multiple);
    result := (quotetier.quote(jsonb_build_object('list_price', price), qty, '2025-06-15', 'l')).net_amount;
    DELETE FROM quotetier.rule WHERE policy = 'l';
    RETURN result;
END
$$;
SELECT what, got, expected, got = expected AS ok FROM (VALUES
    ('to 0.5',              rounded(83.27, 0.5), 83.50), ('to 5', rounded(83.27, 5), 85.00), ('to 10', rounded(83.27, 10), 80.00), ('to 0.05', rounded(83.27, 0.05), 83.25), ('to 3', rounded(83.27, 3), 84.00), ('to 0.3', rounded(83.27, 0.3), 83.40),
    ('a tie: half_up',      rounded(82.5, 5), 85.00), ('a tie: half_even', rounded(82.5, 5, 'half_even'), 80.00), ('up', rounded(80.01, 5, 'up'), 85.00), ('down', rounded(84.99, 5, 'down'), 80.00), ('ceiling', rounded(80.01, 5, 'ceiling'), 85.00), ('floor', rounded(84.99, 5, 'floor'), 80.00),
    ('the unit, not the line', rounded(83.27, 5, qty => 3), 255.00), ('of a return', rounded(83.27, 5, qty => -3), -255.00), ('down to nothing', rounded(2.49, 5), 0.00), ('of nothing', rounded(0, 5), 0.00)
) v (what, got, expected);
UPDATE quotetier.policy SET round_mode = 'half_up' WHERE name = 'l';
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (41, 'l', 'one', 'percent_off', 16.73), (42, 'l', 'three', 'round_to', 5);
SELECT step, rule, verdict, reason, base, amount, running FROM quotetier.explain_quote('{"list_price": 100}', 3, '2025-06-15', 'l') ORDER BY seq;
DELETE FROM quotetier.rule WHERE policy = 'l';

-- ----- of a group one discount applies and one surcharge, by precedence; what sets a price goes with the discounts
UPDATE quotetier.step SET pick = 'sum' WHERE policy = 'l' AND name = 'three';
INSERT INTO quotetier.rule (id, policy, step, adjust, value, priority, exclusive_group) VALUES
    (71, 'l', 'three', 'percent_off', 10, 1, 'g'), (72, 'l', 'three', 'amount_off', 1, 2, 'g'), (73, 'l', 'three', 'percent_on', 30, 3, 'g'), (74, 'l', 'three', 'amount_on', 50, 0, 'g'), (75, 'l', 'three', 'line_amount_off', 0.5, 0, 'h');
SELECT net_amount, rules FROM quotetier.quote('{"list_price": 100}', 1, '2025-06-15', 'l');
SELECT rule, verdict, reason FROM quotetier.explain_quote('{"list_price": 100}', 1, '2025-06-15', 'l') WHERE verdict = 'rejected' ORDER BY rule;
UPDATE quotetier.step SET pick = 'chain' WHERE policy = 'l' AND name = 'three';
UPDATE quotetier.rule SET (adjust, value) = ('price', 90) WHERE id = 71;
SELECT net_amount, rules FROM quotetier.quote('{"list_price": 100}', 1, '2025-06-15', 'l');
DELETE FROM quotetier.rule WHERE policy = 'l';

-- ----- statistical steps: told after the net price, from the net price, and no part of it
INSERT INTO quotetier.rule (id, policy, step, adjust, value, base, final, condition) VALUES
    (51, 'l', 'one', 'percent_off', 10, NULL, true, NULL), (52, 'l', 'guard', 'floor_price', 92, NULL, false, NULL), (53, 'l', 'rebate', 'percent_off', 2, NULL, false, '$.running_price == 92'), (54, 'l', 'rebate', 'percent_off', 1, 'list', false, NULL),
    (55, 'l', 'rebate', 'percent_off', 50, NULL, false, '$.never == 1'), (56, 'l', 'freight', 'line_amount_off', 3, NULL, false, NULL);
SELECT net_price, net_amount, discount_pct, status, rules FROM quotetier.quote('{"list_price": 100}', 3, '2025-06-15', 'l');
SELECT step, rule, verdict, reason, base, amount, running FROM quotetier.explain_quote('{"list_price": 100}', 3, '2025-06-15', 'l') ORDER BY seq;
SELECT sum(amount) AS net_amount FROM quotetier.explain_quote('{"list_price": 100}', 3, '2025-06-15', 'l') WHERE verdict <> 'rejected';
-- of a return with its sign; they never take the price below zero, nor the status with them
UPDATE quotetier.rule SET value = 300 WHERE id = 56;
SELECT step, rule, verdict, reason, amount, running FROM quotetier.explain_quote('{"list_price": 100}', -3, '2025-06-15', 'l') WHERE verdict <> 'rejected' ORDER BY seq;
ROLLBACK;

-- Orders: worked examples by their numbers, and what an order can do besides.
-- A policy is named after its example. What is expected stands beside what came.
CREATE DATABASE orders;
\c orders
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION quotetier CASCADE;

-- steps: 'name level pick base remainder', in their order; - for the default
CREATE FUNCTION policy(name text, steps text[], increment numeric = 0.01, target text = 'line') RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.policy (name, round_increment, round_target) VALUES (name, increment, target);
    INSERT INTO quotetier.step (policy, seq, name, level, pick, base, remainder)
    SELECT name, place * 10, w[1], coalesce(w[2], 'line'), coalesce(w[3], 'chain'), coalesce(w[4], 'running'), w[5]
    FROM unnest(steps) WITH ORDINALITY AS u (s, place), string_to_array(s, ' ', '-') w
$$;
CREATE FUNCTION rule(policy text, step text, adjust text, value numeric, lines jsonb = NULL, counts jsonb = NULL,
                     condition jsonpath = NULL, scope jsonb = '{}', priority int = 0, exclusive_group text = NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.rule (policy, step, adjust, value, lines, counts, condition, scope, priority, exclusive_group)
    VALUES (policy, step, adjust, value, lines, counts, condition, scope, priority, exclusive_group)
$$;
-- as rule, with a scale; brackets: {from, to, value, fee, size or overage}
CREATE FUNCTION scaled(policy text, step text, adjust text, mode text, brackets numeric[][], scale_by text[] = NULL,
                       measure text = 'quantity', base text = NULL, scale_offset text = NULL) RETURNS void LANGUAGE sql AS $$
    WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_by, scale_on, base, scale_offset)
               VALUES (policy, step, adjust, mode, scale_by, measure, base, scale_offset) RETURNING id)
    INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage)
    SELECT id, brackets[i][1], brackets[i][2], brackets[i][3], coalesce(brackets[i][4], 0),
           CASE WHEN mode = 'package' THEN brackets[i][5] END, CASE WHEN mode = 'block' THEN brackets[i][5] END
    FROM r, generate_subscripts(brackets, 1) i
$$;

-- lines of one unit at these prices, with these floors
CREATE FUNCTION priced(prices numeric[], floors numeric[] = '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('list_price', p, 'floor', f)) ORDER BY place)
    FROM unnest(prices, floors) WITH ORDINALITY AS u (p, f, place) WHERE p IS NOT NULL
$$;

CREATE TABLE example (no int GENERATED ALWAYS AS IDENTITY, id text, what text, expected numeric[], got numeric[]);

-- net amounts of the lines and gifts, the order's, and what is undistributed unless it is 0
CREATE FUNCTION amounts(policy text, lines jsonb, header jsonb = '{}') RETURNS numeric[] LANGUAGE sql AS $$
    SELECT array_agg(net_amount ORDER BY line NULLS LAST) || array_agg(nullif(undistributed, 0)) FILTER (WHERE undistributed <> 0)
    FROM quotetier.quote_order(lines, header, policy, '2025-06-01')
$$;
CREATE FUNCTION example(id text, what text, expected numeric[], lines jsonb, header jsonb = '{}', policy text = NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO example (id, what, expected, got) SELECT id, what, expected, amounts(coalesce(policy, id), lines, header)
$$;
INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('category'), ('line_type'), ('coupon'), ('customer');

-- ---------------------------------------------------------------------------
-- W35-W43: Sylius, a fixed or percentual discount over units that have floors
-- ---------------------------------------------------------------------------
\o /dev/null
\set floors '{guard,"cart order"}'
CREATE FUNCTION sylius(id text, adjust text, value numeric) RETURNS void LANGUAGE sql AS $$
    SELECT policy(id, '{guard,"cart order"}'), rule(id, 'cart', adjust, value);
    INSERT INTO quotetier.rule (policy, step, adjust, base, value, on_breach, condition)
    VALUES (id, 'guard', 'floor_percent', 'floor', 100, 'clamp', 'exists($.floor)');
$$;
SELECT sylius('W35', 'percent_off', 50), sylius('W35b', 'amount_off', 10), sylius('W36', 'amount_off', 20),
       sylius('W37', 'percent_off', 20), sylius('W38', 'amount_off', 25), sylius('W39', 'amount_off', 20),
       sylius('W40', 'amount_off', 27), sylius('W41', 'amount_off', 36), sylius('W42', 'amount_off', 12),
       sylius('W42b', 'amount_off', 20);
SELECT example('W35', '50 %: stops at 45', '{45,45,20}', priced('{50}', '{45}')),
       example('W35', '10: stops at 45', '{45,45,5}', priced('{50}', '{45}'), policy => 'W35b'),
       example('W36', '20 over 50 (45) 20', '{45,5,50}', priced('{50,20}', '{45}')),
       example('W37', '20 % over 50 (45) 20', '{45,11,56}', priced('{50,20}', '{45}')),
       example('W38', '25 over 50 (45), 3 of 20', '{45,13.33,13.33,13.34,85}', priced('{50,20,20,20}', '{45}')),
       example('W39', '20 over 2 of 50 (45), 3 of 20', '{45,45,16.66,16.67,16.67,140}', priced('{50,50,20,20,20}', '{45,45}')),
       example('W40', '27 over 2 of 50 (45), 2 of 20, 40', '{45,45,15.75,15.75,31.50,153}', priced('{50,50,20,20,40}', '{45,45}')),
       example('W41', '36 over 2 of 50 (45), 2 of 20 (15), 30, 10', '{45,45,15,15,18,6,144}', priced('{50,50,20,20,30,10}', '{45,45,15,15}')),
       example('W42', '12 over 10, 20 (19), 50 (50), 30 (29)', '{0,19,50,29,98}', priced('{10,20,50,30}', '{NULL,19,50,29}')),
       example('W42', '12, the last one down to 26', '{3,19,50,26,98}', priced('{10,20,50,30}', '{NULL,19,50,26}')),
       example('W42', '20, of which 5 nobody can take', '{0,19,50,26,95,5}', priced('{10,20,50,30}', '{NULL,19,50,26}'), policy => 'W42b');

-- stacked: the second finds only 11.68 left; shipping is no part of it
SELECT policy('W43', '{"cart order chain"}');
SELECT rule('W43', 'cart', 'amount_off', v, '{"line_type": {"not": "shipping"}}', priority => v::int)
FROM unnest('{80,20}'::numeric[]) v;
SELECT example('W43', '80, then 20, over 3 of 10.56 and 60', '{0,0,0,0,1.26,1.26,8.32}',
               priced('{10.56,10.56,10.56,60}') || '[{"list_price": 1.26, "line_type": "shipping"}]'::jsonb, '{"line_type": "goods"}');

-- ---------------------------------------------------------------------------
-- Published examples of lines, for the order as a whole
-- ---------------------------------------------------------------------------
SELECT policy('W23', '{"cart order"}'), rule('W23', 'cart', 'percent_off', 30, condition => '$.order_quantity < 2'),
       rule('W23', 'cart', 'percent_off', 15, condition => '$.order_quantity >= 2');
SELECT example('W23', 'Odoo: 30 % of 600', '{420,420}', priced('{600}')),
       example('W23', 'from quantity 2: 100 becomes 85', '{170,170}', '[{"list_price": 100, "qty": 2}]');
SELECT policy('W25', '{"cart order sum"}'), rule('W25', 'cart', 'percent_off', 10), rule('W25', 'cart', 'percent_off', 5),
       policy('W25c', '{"cart order chain"}'), rule('W25c', 'cart', 'percent_off', 10), rule('W25c', 'cart', 'percent_off', 5);
SELECT example('W25', 'ERPNext: 10 % + 5 %, added', '{255,170,425}', priced('{300,200}')),
       example('W25', 'compounded', '{256.50,171,427.50}', priced('{300,200}'), policy => 'W25c');
SELECT policy('W26', '{"cart order"}'), rule('W26', 'cart', 'price', 112, condition => '$.fixed == true'),
       rule('W26', 'cart', 'amount_off', 7, condition => '$.fixed == false');
SELECT example('W26', 'ERPNext: 100 becomes 112', '{67.20,44.80,112}', priced('{60,40}'), '{"fixed": true}'),
       example('W26', '100 - 7', '{55.80,37.20,93}', priced('{60,40}'), '{"fixed": false}');
SELECT policy('W27', '{"cart order"}'), rule('W27', 'cart', 'percent_off', 10, condition => '$.bought + $.order_amount >= 1500 && $.bought + $.order_amount <= 2000');
SELECT example('W27', 'ERPNext: the first 1400 earn nothing', '{1400,1400}', priced('{1400}'), '{"bought": 0}'),
       example('W27', 'the next 600 do, the earlier 1400 do not', '{540,540}', priced('{600}'), '{"bought": 1400}');
SELECT policy('W28', '{"cart order chain"}'), rule('W28', 'cart', 'percent_off', 10, priority => 2), rule('W28', 'cart', 'percent_off', 5, priority => 1),
       policy('W28s', '{"cart order sum"}'), rule('W28s', 'cart', 'percent_off', 10), rule('W28s', 'cart', 'percent_off', 5);
SELECT example('W28', 'Liferay: chained', '{85.50,85.50}', priced('{100}')),
       example('W28', 'added', '{85,85}', priced('{100}'), policy => 'W28s');
SELECT policy('W29', '{"cart order chain"}'), rule('W29', 'cart', 'percent_off', 20, priority => 2), rule('W29', 'cart', 'percent_off', 30, priority => 1),
       policy('W29a', '{"cart order chain"}'), rule('W29a', 'cart', 'amount_off', 20), rule('W29a', 'cart', 'amount_off', 30);
SELECT example('W29', 'Optimizely: 20 % and 30 %', '{56,56}', priced('{100}')),
       example('W29', '20 and 30', '{50,50}', priced('{100}'), policy => 'W29a');
SELECT policy('W55', '{tax,"coupon order"}'), rule('W55', 'tax', 'percent_on', 15), rule('W55', 'coupon', 'percent_off', 100);
SELECT example('W55', 'Odoo: nothing is left, not 0.01', '{0,0}', '[{"list_price": 11.50, "qty": 2}]'),
       example('W55', 'in two lines', '{0,0,0}', priced('{11.50,11.50}'));

-- ---------------------------------------------------------------------------
-- Remainders
-- ---------------------------------------------------------------------------
SELECT policy(r, ARRAY['cart order - - ' || r]), rule(r, 'cart', 'amount_off', 10)
FROM unnest('{largest,last_line,first_lines,carry,none}'::text[]) r;
SELECT example('largest', '10 over three of 20: a tie goes to the earlier', '{16.66,16.67,16.67,50}', priced('{20,20,20}')),
       example('largest', '10 over 10, 20, 30: 1.66|67, 3.33|33, 5', '{8.33,16.67,25,50}', priced('{10,20,30}')),
       example('last_line', '10 over three of 20', '{16.67,16.67,16.66,50}', priced('{20,20,20}')),
       example('first_lines', '10 over seven of 20: 1.42|86, and 6 cents', '{18.57,18.57,18.57,18.57,18.57,18.57,18.58,130}', priced('{20,20,20,20,20,20,20}')),
       example('carry', '10 over 10, 20, 30: 1.67, then up to 5.00', '{8.33,16.67,25,50}', priced('{10,20,30}')),
       example('carry', '10 over three of 20: up to 3.33, 6.67, 10', '{16.67,16.66,16.67,50}', priced('{20,20,20}')),
       example('none', '10 over three of 20: a cent is nobody''s', '{16.67,16.67,16.67,50.01,0.01}', priced('{20,20,20}'));

-- ---------------------------------------------------------------------------
-- Bundles, totals of others, coupons, thresholds
-- ---------------------------------------------------------------------------
SELECT policy('bundle', '{"bundle order","shipping order"}'),
       rule('bundle', 'bundle', 'price', 99.99, '{"sku": ["camera", "case"]}', condition => '$.counted_quantity == 2'),
       rule('bundle', 'shipping', 'price_percent', 5, '{"line_type": "shipping"}', '{"line_type": {"not": "shipping"}}');
SELECT example('bundle', 'camera and case for 99.99, shipping 5 % of all else', '{83.32,16.67,10,5.50,115.49}',
               '[{"sku": "camera", "list_price": 100}, {"sku": "case", "list_price": 20}, {"sku": "book", "list_price": 10}, {"line_type": "shipping", "list_price": 4}]', '{"line_type": "goods"}'),
       example('bundle', 'shipping that has no price so far', '{10,0.50,10.50}',
               '[{"sku": "book", "list_price": 10}, {"line_type": "shipping", "list_price": 0}]', '{"line_type": "goods"}');
-- one of each, not two of one: by the facts of the lines counted, which win over a fact of that name
SELECT policy('each', '{"bundle order"}'), rule('each', 'bundle', 'price', 249, '{"sku": ["desk", "chair"]}', condition => '$.counted_quantity == 2 && $.counted.sku == "desk" && $.counted.sku == "chair"');
INSERT INTO quotetier.rule (policy, step, adjust, value_expr, condition) VALUES ('each', 'bundle', 'amount_off', '$.counted.size() * 5', '!exists($.counted ? (@.sku == "desk" || @.sku == "chair")) && $.counted.colour == "red"');
SELECT example('each', 'a desk and a chair', '{174.30,74.70,30,279}', '[{"sku": "desk", "list_price": 210}, {"sku": "chair", "list_price": 90}, {"sku": "lamp", "list_price": 30}]'),
       example('each', 'two desks', '{420,420}', '[{"sku": "desk", "list_price": 210, "qty": 2}]', '{"counted": [{"sku": "desk"}, {"sku": "chair"}]}'),
       example('each', 'two desks and a chair', '{420,90,510}', '[{"sku": "desk", "list_price": 210, "qty": 2}, {"sku": "chair", "list_price": 90}]'),
       example('each', '5 for each of two lines, one is red, as the header does not say', '{26.25,43.75,-9,61}', '[{"sku": "lamp", "list_price": 30, "colour": "red"}, {"sku": "lamp", "list_price": 50}, {"list_price": 9, "qty": -1}]', '{"counted": 1}');
SELECT policy('coupon', '{"coupon order chain"}'), rule('coupon', 'coupon', 'percent_off', 10, scope => '{"coupon": "TEN"}', priority => 2),
       rule('coupon', 'coupon', 'amount_off', 5, '{"category": "book"}', scope => '{"coupon": "BOOK5"}', priority => 1);
SELECT example('coupon', 'both, one after the other', '{13,72,85}', '[{"category": "book", "list_price": 20}, {"list_price": 80}]', '{"coupon": ["TEN", "BOOK5"]}'),
       example('coupon', 'one', '{15,80,95}', '[{"category": "book", "list_price": 20}, {"list_price": 80}]', '{"coupon": "BOOK5"}'),
       example('coupon', 'none', '{20,80,100}', '[{"category": "book", "list_price": 20}, {"list_price": 80}]', '{}'),
       example('coupon', 'nothing that it is for', '{80,80}', '[{"list_price": 80}]', '{"coupon": "BOOK5"}'),
       example('coupon', '5 off books worth 3: 2 are left over', '{0,80,80,2}', '[{"category": "book", "list_price": 3}, {"list_price": 80}]', '{"coupon": "BOOK5"}');
SELECT policy('threshold', '{sale,"cart order chain"}'), rule('threshold', 'sale', 'percent_off', 50, scope => '{"category": "sale"}'),
       rule('threshold', 'cart', 'amount_off', 1, condition => '$.order_amount >= 100'),
       rule('threshold', 'cart', 'amount_off', 2, condition => '$.order_list_amount >= 100'),
       rule('threshold', 'cart', 'amount_off', 4, '{"category": "book"}', '{"category": {"not": "book"}}', condition => '$.counted_amount >= 50'),
       rule('threshold', 'cart', 'amount_off', 8, condition => '$.order_lines >= 3 && $.counted_quantity >= 4');
SELECT example('threshold', 'list 100, running 60', '{38.67,19.33,58}', '[{"category": "sale", "list_price": 80}, {"list_price": 20}]'),
       example('threshold', 'what others come to', '{16,56,72}', '[{"category": "book", "list_price": 20}, {"list_price": 56}]', '{"category": "toy"}'),
       example('threshold', 'others come to too little', '{56,20,76}', '[{"category": "book", "list_price": 56}, {"list_price": 20}]', '{"category": "toy"}'),
       example('threshold', 'lines and quantity', '{8,4,4,16}', '[{"list_price": 6, "qty": 2}, {"list_price": 6}, {"list_price": 6}]');

-- ---------------------------------------------------------------------------
-- Units that are free, gifts
-- ---------------------------------------------------------------------------
CREATE FUNCTION free(policy text, value numeric, unit_step numeric = NULL, max_units numeric = NULL, free_from text = 'cheapest', free_whole boolean = false,
                     lines jsonb = NULL, counts jsonb = NULL) RETURNS void LANGUAGE sql AS $$
    SELECT policy(policy, '{"free order"}');
    INSERT INTO quotetier.rule (policy, step, adjust, value, unit_step, max_units, free_from, free_whole, lines, counts)
    VALUES (policy, 'free', 'free_units', value, unit_step, max_units, free_from, free_whole, lines, counts)
$$;
SELECT free('3for2', 1, 3), free('3for2dear', 1, 3, free_from => 'dearest'), free('most', 1, 3, 2), free('2+1', 1, 2, lines => '{"sku": "b"}', counts => '{"sku": "a"}'),
       free('pairs', 2, 3, free_whole => true, lines => '{"sku": "b"}', counts => '{"sku": "a"}'), free('half', 0.5);
SELECT example('3for2', 'the cheapest of three', '{30,20,0,50}', priced('{30,20,10}')),
       example('3for2', 'seven units: two free', '{60,50,0,110}', '[{"list_price": 20, "qty": 3}, {"list_price": 25, "qty": 2}, {"list_price": 5, "qty": 2}]'),
       example('3for2', 'two units: none', '{30,20,50}', priced('{30,20}')),
       example('3for2', 'a tie: the earlier', '{0,20,20,40}', priced('{20,20,20}'));
SELECT example('3for2', 'part of a line', '{3.33,13.32,16.65}', '[{"list_price": 3.33, "qty": 3}, {"list_price": 3.33, "qty": 4}]'),
       example('3for2dear', 'the dearest of three', '{0,20,10,30}', priced('{30,20,10}')),
       example('most', 'nine units, two free at most', '{70,70}', '[{"list_price": 10, "qty": 9}]'),
       example('2+1', 'four of a free two of b', '{40,10,50}', '[{"sku": "a", "list_price": 10, "qty": 4}, {"sku": "b", "list_price": 10, "qty": 3}]'),
       example('2+1', 'only one of b there', '{40,0,40}', '[{"sku": "a", "list_price": 10, "qty": 4}, {"sku": "b", "list_price": 10}]'),
       example('pairs', 'three there: a pair is free', '{60,10,70}', '[{"sku": "a", "list_price": 10, "qty": 6}, {"sku": "b", "list_price": 10, "qty": 3}]'),
       example('pairs', 'one there: no pair', '{60,10,70}', '[{"sku": "a", "list_price": 10, "qty": 6}, {"sku": "b", "list_price": 10}]'),
       example('half', 'half a unit', '{5,5}', priced('{10}'));
SELECT policy('gift', '{list,tier,"gift order chain","cart order"}'), rule('gift', 'list', 'price', 8, scope => '{"sku": "mug"}'), rule('gift', 'tier', 'percent_off', 10),
       rule('gift', 'cart', 'percent_off', 10), rule('gift', 'gift', 'add_line', 1, '{"sku": "mug"}', condition => '$.order_amount >= 50');
INSERT INTO quotetier.rule (policy, step, adjust, value, unit_step, max_units, lines, counts)
VALUES ('gift', 'gift', 'add_line', 1, 10, 3, '{"sku": "pen", "list_price": 2}', '{"category": "paper"}');
SELECT example('gift', 'a mug from 50 on', '{81,0,81}', priced('{100}')),
       example('gift', 'no mug', '{32.40,32.40}', priced('{40}')),
       example('gift', 'a pen for ten of paper, three at most', '{32.40,0,32.40}', '[{"category": "paper", "list_price": 1, "qty": 40}]');
\o
SELECT line, kind, list_amount, net_amount, status, rules, facts FROM quotetier.quote_order('[{"list_price": 1, "qty": 60, "category": "paper"}]', '{"customer": "Ada"}', 'gift', '2025-06-01');
SELECT line, seq, step, rule, verdict, reason, base, amount, running
FROM quotetier.explain_order('[{"list_price": 1, "qty": 60, "category": "paper"}]', '{}', 'gift', '2025-06-01');
\o /dev/null

-- ---------------------------------------------------------------------------
-- Who takes part
-- ---------------------------------------------------------------------------
SELECT policy('part', '{contract,"cart order"}'), rule('part', 'cart', 'amount_off', 10, condition => '$.order_amount >= 100');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, final) VALUES ('part', 'contract', '{"customer": "Ada"}', 'price', 60, true);
SELECT example('part', 'a final line counts and gives nothing', '{60,30,90}', '[{"customer": "Ada", "list_price": 80}, {"list_price": 40}]'),
       example('part', 'a return takes no part', '{-50,90,40}', '[{"list_price": 50, "qty": -1}, {"list_price": 100}]'),
       example('part', 'a return does not bring the total below', '{90,-50,40}', '[{"list_price": 100}, {"list_price": 50, "qty": -1}]'),
       example('part', 'quantity zero', '{0,90,90}', '[{"list_price": 50, "qty": 0}, {"list_price": 100}]'),
       example('part', 'no price: the order has none', '{NULL,90,NULL}', '[{}, {"list_price": 100}]'),
       example('part', 'no lines', '{0}', '[]');
\o
SELECT line, kind, list_price, list_amount, net_price, net_amount, discount_pct, status, rules, undistributed
FROM quotetier.quote_order('[{}, {"list_price": 50, "qty": -3}, {"list_price": 100, "qty": 0}, {"list_price": 300}]', '{}', 'part', '2025-06-01');
\o /dev/null

-- ---------------------------------------------------------------------------
-- Picking among order rules
-- ---------------------------------------------------------------------------
SELECT policy('best', '{guard,"cart order best"}'), rule('best', 'cart', 'amount_off', 15, '{"category": "book"}'), rule('best', 'cart', 'percent_off', 10),
       rule('best', 'guard', 'floor_price', 18, scope => '{"category": "book"}'),
       policy('first', '{"cart order first"}'), rule('first', 'cart', 'amount_off', 5, priority => 1), rule('first', 'cart', 'percent_off', 50),
       policy('group', '{"cart order sum"}'), rule('group', 'cart', 'amount_off', 1, priority => 3, exclusive_group => 'x'),
       rule('group', 'cart', 'amount_off', 2, priority => 2, exclusive_group => 'x'), rule('group', 'cart', 'amount_off', 4),
       policy('sum', '{guard,"cart order sum"}'), rule('sum', 'cart', 'amount_off', 15, '{"category": "book"}', priority => 1), rule('sum', 'cart', 'percent_off', 20),
       rule('sum', 'guard', 'floor_price', 10, scope => '{"category": "book"}');
SELECT example('best', '15 on paper, 2 with the floor; 10 % is 10', '{18,72,90}', '[{"category": "book", "list_price": 20}, {"list_price": 80}]'),
       example('first', 'the larger priority', '{95,95}', priced('{100}')),
       example('group', 'one of a group, and the other', '{95,95}', priced('{100}'));
SELECT example('sum', 'each on what there was: 15 and 20 of 100; of the book 10 at most', '{10,60,70,5}', '[{"category": "book", "list_price": 20}, {"list_price": 80}]');

SELECT policy('chain', '{"a order","b order","c order"}'), rule('chain', 'a', 'percent_off', 10), rule('chain', 'b', 'percent_off', 10), rule('chain', 'c', 'percent_off', 10);
UPDATE quotetier.step SET excludes = '{b}' WHERE policy = 'chain' AND name = 'a';
UPDATE quotetier.step SET base = 'list' WHERE policy = 'chain' AND name = 'c';
SELECT example('chain', 'b is excluded; c is of list', '{80,40,120}', priced('{100,50}'));
SELECT policy('compete', '{"a order sum","b order","c order"}'), rule('compete', 'a', 'amount_off', 10), rule('compete', 'a', 'percent_off', 5, '{"category": "book"}'),
       rule('compete', 'b', 'percent_off', 20), rule('compete', 'c', 'amount_off', 1);
INSERT INTO quotetier.rule (policy, step, adjust, value, lines) VALUES ('compete', 'a', 'add_line', 1, '{"sku": "mug", "list_price": 3}');
UPDATE quotetier.step SET compete = 'offer' WHERE policy = 'compete' AND name IN ('a', 'b');
SELECT example('compete', '20 % is better, and no mug comes along', '{79.50,79.50,159}', priced('{100,100}'));
SELECT example('compete', '10 is better, and the mug comes along', '{12.66,6.34,0,19}', priced('{20,10}'));
SELECT policy('excluded', '{clearance,"cart order"}'), rule('excluded', 'clearance', 'percent_off', 50, scope => '{"category": "old"}'), rule('excluded', 'cart', 'percent_off', 10);
UPDATE quotetier.step SET excludes = '{cart}' WHERE policy = 'excluded' AND name = 'clearance';
SELECT example('excluded', 'a line whose step switched the order step off', '{50,90,140}', '[{"category": "old", "list_price": 100}, {"list_price": 100}]');

-- most it takes, on a line and on the order; raising; bases; totals to a multiple
SELECT policy('most it takes', '{promotion,"cart order"}');
INSERT INTO quotetier.rule (policy, step, adjust, value, max_amount) VALUES ('most it takes', 'promotion', 'percent_off', 10, 4), ('most it takes', 'cart', 'percent_off', 50, 30);
SELECT example('most it takes', '4 of 100, 2 of 20; then 30 of 114', '{70.74,13.26,84}', priced('{100,20}')),
       example('most it takes', '10 % of 30, half of 27', '{13.50,13.50}', priced('{30}'));
SELECT policy('raise', '{guard,"cart order"}'), rule('raise', 'cart', 'amount_on', 10), rule('raise', 'guard', 'cap_price', 22, scope => '{"category": "book"}');
SELECT example('raise', 'a cap holds: 2 of 10, and 8', '{22,28,50}', '[{"category": "book", "list_price": 20}, {"list_price": 20}]'),
       example('raise', 'both are capped', '{22,22,44,-6}', '[{"category": "book", "list_price": 20}, {"category": "book", "list_price": 20}]');
SELECT policy('cost', '{tier,"cart order - cost"}'), rule('cost', 'cart', 'markup', 20);
SELECT example('cost', '20 % on what all of it costs', '{48,24,72}', '[{"list_price": 40, "cost": 10, "qty": 2}, {"list_price": 40, "cost": 40}]'),
       example('cost', 'a cost that is not known', '{80,40,120}', '[{"list_price": 40, "cost": 10, "qty": 2}, {"list_price": 40}]');
SELECT policy('swiss', '{"total order"}'), rule('swiss', 'total', 'round_to', 0.05);
SELECT example('swiss', 'the total to 0.05', '{10.00,10.00,20}', priced('{10.01,10.01}'));
SELECT policy('after', '{promotion,"x order","y order - promotion"}'), rule('after', 'promotion', 'percent_off', 10), rule('after', 'x', 'percent_off', 50), rule('after', 'y', 'percent_off', 10);
SELECT example('after', '10 % of what stood after a line step', '{36,36}', priced('{100}'));
SELECT policy('units', '{list,"cart order"}', target => 'unit'), rule('units', 'cart', 'price', 10);
SELECT example('units', 'amounts that are no whole cents', '{3.34,6.66,10}', '[{"list_price": 1.33, "qty": 2.505}, {"list_price": 1.33, "qty": 5}]');

-- scales of order rules
SELECT policy('spend', '{"cart order"}'), scaled('spend', 'cart', 'percent_off', 'volume', '{{100,200,5},{200,NULL,10}}', measure => 'amount'),
       policy('steps', '{"cart order"}'), scaled('steps', 'cart', 'percent_off', 'graduated', '{{0,100,0},{100,NULL,10}}', measure => 'amount');
SELECT example('spend', 'under the first bracket', '{50,50}', priced('{50}')), example('spend', '5 %', '{142.50,142.50}', priced('{150}')),
       example('spend', '10 %', '{90,90,180}', priced('{100,100}')), example('steps', '10 % of what is beyond 100', '{95,95,190}', priced('{100,100}'));

-- ---------------------------------------------------------------------------
-- Mix and match: lines of one category measured together
-- ---------------------------------------------------------------------------
SELECT policy('mix ' || mode, '{list}'),
       scaled('mix ' || mode, 'list', 'price', mode, brackets, '{category}')
FROM (VALUES ('volume', '{{0,10,5,0,NULL},{10,NULL,4,1,NULL}}'::numeric[]), ('graduated', '{{0,10,5,2,NULL},{10,NULL,4,1,NULL}}'),
             ('block', '{{0,10,20,0,NULL},{10,NULL,30,1,2}}'), ('package', '{{0,NULL,10,1,4}}')) v (mode, brackets);
\set mixed '[{"category": "a", "qty": 5}, {"category": "b", "qty": 5}, {"category": "a", "qty": 5}, {"category": "a", "qty": 5}, {"qty": 3}]'
SELECT example('mix volume', '15 at 4 and a fee of 1; others alone', '{20.34,25,20.33,20.33,15,101}', :'mixed'),
       example('mix graduated', '10 at 5, 5 at 4, fees of 3', '{24.34,27,24.33,24.33,17,117}', :'mixed'),
       example('mix block', '30, 2 for each of 5 beyond, fee 1', '{13.67,20,13.67,13.66,20,81}', :'mixed'),
       example('mix package', '4 packages of 4, fee 1', '{13.67,21,13.67,13.66,11,73}', :'mixed'),
       example('mix volume', 'a line alone', '{15,15}', '[{"category": "a", "qty": 3}]'),
       example('mix volume', 'a return is measured alone, and so is a line of none', '{-25,25,0,0}', '[{"category": "a", "qty": -5}, {"category": "a", "qty": 5}, {"category": "a", "qty": 0}]');

-- percents, of the whole by bands; several facts; amounts; the scale used up before; other rules' lines
SELECT policy('mix percent', '{promotion}'), scaled('mix percent', 'promotion', 'percent_off', 'graduated', '{{0,10,0},{10,NULL,10}}', '{category}'),
       policy('mix amount', '{promotion}'), scaled('mix amount', 'promotion', 'percent_off', 'volume', '{{0,100,0},{100,NULL,10}}', '{category,brand}', 'amount'),
       policy('mix used', '{list}'), scaled('mix used', 'list', 'price', 'graduated', '{{0,10,5},{10,NULL,4}}', '{category}', scale_offset => 'used'),
       policy('mix fact', '{promotion}'), scaled('mix fact', 'promotion', 'percent_off', 'volume', '{{0,100,0},{100,NULL,10}}', '{customer}', 'weight'),
       policy('mix chosen', '{promotion}');
INSERT INTO quotetier.rule (id, policy, step, condition, adjust, scale_mode, scale_by) VALUES (900, 'mix chosen', 'promotion', '$.list_price >= 10', 'amount_off', 'volume', '{category}');
INSERT INTO quotetier.scale (rule, from_value, value) VALUES (900, 2, 1);
SELECT example('mix percent', '5 of 15 units at 10 %: 3.3333 % of 3 x 3.33', '{3.22,3.22,3.22,9.66}', '[{"category": "a", "qty": 5, "list_price": 0.666}, {"category": "a", "qty": 5, "list_price": 0.666}, {"category": "a", "qty": 5, "list_price": 0.666}]'),
       example('mix amount', 'by category and brand', '{54,54,60,168}', '[{"category": "a", "brand": 1, "list_price": 60}, {"category": "a", "brand": 1, "list_price": 60}, {"category": "a", "brand": 2, "list_price": 60}]'),
       example('mix used', '8 used up: 2 at 5, 4 at 4, shared', '{13,13,26}', '[{"category": "a", "qty": 3}, {"category": "a", "qty": 3}]', '{"used": 8}'),
       example('mix fact', '120 kg', '{90,90,180}', '[{"weight": 60, "list_price": 100}, {"weight": 60, "list_price": 100}]', '{"customer": "Ada"}'),
       example('mix chosen', 'only lines that the rule is for', '{9,9,5,23}', '[{"category": "a", "list_price": 10}, {"category": "a", "list_price": 10}, {"category": "a", "list_price": 5}]'),
       example('mix chosen', 'one is not enough', '{10,5,15}', '[{"category": "a", "list_price": 10}, {"category": "a", "list_price": 5}]');

-- a rule at several depths of a path measures its lines once; final and stop in order steps
INSERT INTO quotetier.dimension (name, kind) VALUES ('region', 'path');
SELECT policy('mix depths', '{list}'), policy('stop', '{"a order chain","b order"}');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode, scale_by) VALUES (901, 'mix depths', 'list', '{"region": ["CN", "CN.East", "EU"]}', 'price', 'volume', '{category}');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (901, 0, 10, 5), (901, 10, NULL, 4);
INSERT INTO quotetier.rule (policy, step, adjust, value, priority, stop, final, condition) VALUES
    ('stop', 'a', 'amount_off', 1, 3, false, true, '$.final == true'), ('stop', 'a', 'amount_off', 2, 2, true, false, NULL),
    ('stop', 'a', 'amount_off', 4, 1, false, false, NULL), ('stop', 'b', 'amount_off', 8, 0, false, false, NULL);
SELECT example('mix depths', 'five in CN.East, five in CN, five in EU', '{20,20,20,60}', '[{"region": "CN.East", "qty": 5}, {"region": "CN", "qty": 5}, {"region": "EU", "qty": 5}]', '{"category": "a"}'),
       example('stop', 'the rest of the step is skipped', '{90,90}', priced('{100}')),
       example('stop', 'final: and all later order steps', '{99,99}', priced('{100}'), '{"final": true}');

\o
SELECT id, what, expected, got, CASE WHEN expected IS DISTINCT FROM got THEN 'DIFFERS' END AS verdict FROM example ORDER BY no;

-- ---------------------------------------------------------------------------
-- Guards look at what a line costs in the end; statistical steps, too
-- ---------------------------------------------------------------------------
SELECT policy('guards', '{guard,"cart order","pocket statistical - running"}'), rule('guards', 'cart', 'percent_off', 20, condition => '$.order_amount >= 100'),
       rule('guards', 'pocket', 'percent_off', 10);
INSERT INTO quotetier.rule (id, policy, step, base, adjust, value, on_breach, scope) VALUES
    (1000, 'guards', 'guard', 'list', 'cap_percent_off', 10, 'approve', '{}'), (1001, 'guards', 'guard', 'list', 'floor_price', 45, 'block', '{"category": "book"}');
SELECT line, net_amount, status FROM quotetier.quote_order('[{"list_price": 50}, {"list_price": 40}]', '{}', 'guards', '2025-06-01');
SELECT line, net_amount, status FROM quotetier.quote_order('[{"list_price": 50, "category": "book"}, {"list_price": 60}]', '{}', 'guards', '2025-06-01');
SELECT line, seq, step, verdict, reason, amount, running FROM quotetier.explain_order('[{"list_price": 50, "category": "book"}, {"list_price": 60}]', '{}', 'guards', '2025-06-01');
-- a rule that finds nothing to take says so
SELECT rule('coupon', 'coupon', 'percent_off', 50, '{"category": "book"}', scope => '{"coupon": "HALF"}');
SELECT line, seq, step, verdict, reason, amount, running FROM quotetier.explain_order('[{"list_price": 4, "category": "book"}, {"list_price": 60}]', '{"coupon": ["BOOK5", "HALF"]}', 'coupon', '2025-06-01');

-- ---------------------------------------------------------------------------
-- Every way of giving lines; currencies; bad orders
-- ---------------------------------------------------------------------------
CREATE TABLE cart (n int, sku text, category text, list_price numeric, qty int);
INSERT INTO cart VALUES (1, 'a', 'book', 19.99, 3), (2, 'b', NULL, 5, 7), (3, 'c', 'toy', 0.37, 12), (4, 'd', 'book', 8.50, -1);
CREATE TABLE quoted AS
SELECT 'jsonb' AS way, q.* FROM quotetier.quote_order((SELECT jsonb_agg(to_jsonb(c) ORDER BY n) FROM cart c), '{"coupon": "TEN"}'::jsonb, 'coupon', '2025-06-01') q
UNION ALL
SELECT 'text', q.* FROM quotetier.quote_order((SELECT jsonb_agg(to_jsonb(c) ORDER BY n) FROM cart c)::text, '{"coupon": "TEN"}', 'coupon', '2025-06-01') q
UNION ALL
SELECT 'records', q.* FROM (SELECT array_agg(c ORDER BY n) AS lines FROM cart c) l, (SELECT 'TEN'::text AS coupon) header, quotetier.quote_order(lines, header, 'coupon', '2025-06-01') q;
SELECT way, line, kind, net_amount, rules FROM quoted WHERE way = 'jsonb' ORDER BY line NULLS LAST;
SELECT count(*) AS rows, count(DISTINCT (line, kind, list_price, list_amount, net_price, net_amount, discount_pct, currency, status, rules, version, undistributed, facts)) AS different FROM quoted;
SELECT count(*) AS rows, count(DISTINCT e) AS different FROM (
    SELECT e FROM quotetier.explain_order((SELECT jsonb_agg(to_jsonb(c) ORDER BY n) FROM cart c), '{"coupon": "TEN"}'::jsonb, 'coupon', '2025-06-01') e
    UNION ALL SELECT e FROM quotetier.explain_order((SELECT jsonb_agg(to_jsonb(c) ORDER BY n) FROM cart c)::text, '{"coupon": "TEN"}', 'coupon', '2025-06-01') e
    UNION ALL SELECT e FROM (SELECT array_agg(c ORDER BY n) AS lines FROM cart c) l, (SELECT 'TEN'::text AS coupon) header, quotetier.explain_order(lines, header, 'coupon', '2025-06-01') e) x;
SELECT sum(net_amount) FILTER (WHERE line IS NOT NULL) AS lines, sum(net_amount) FILTER (WHERE line IS NULL) AS orders
FROM (SELECT array_agg(c) AS lines FROM cart c) l, quotetier.quote_order(lines);

INSERT INTO quotetier.policy (name, currency) VALUES ('money', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, level) VALUES ('money', 10, 'cart', 'order');
INSERT INTO quotetier.fx_rate (from_currency, to_currency, rate) VALUES ('EUR', 'JPY', 160.5);
SELECT rule('money', 'cart', 'amount_off', 10);
SELECT line, net_amount, currency FROM quotetier.quote_order('[{"list_price": 3000}, {"list_price": 1000}]', '{"currency": "JPY"}', 'money', '2025-06-01');
SELECT line, net_amount, currency FROM quotetier.quote_order('[{"list_price": 30}, {"list_price": 10}]', '{}', 'money', '2025-06-01');
SELECT * FROM quotetier.quote_order('[{"list_price": 30, "currency": "JPY"}]', '{}', 'money');

SELECT * FROM quotetier.quote_order('{"list_price": 30}');
SELECT * FROM quotetier.quote_order('30');
SELECT * FROM quotetier.quote_order('[{"list_price": 30}, 5]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30}, [{"list_price": 30}]]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30}, null]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30, "qty": "3"}]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30, "qty": true}]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30, "qty": [1]}]');
SELECT * FROM quotetier.quote_order((SELECT array_agg(l) FROM (SELECT 30 AS list_price, 'NaN'::numeric AS qty) l));
SELECT * FROM quotetier.quote_order('[{"list_price": -30}]');
SELECT * FROM quotetier.quote_order('[{"list_price": 30}');
SELECT * FROM quotetier.quote_order('[]', '[]');
SELECT * FROM quotetier.quote_order('[]', '5');
SELECT * FROM quotetier.quote_order('[]', '{}', 'no such policy');
SELECT * FROM quotetier.quote_order('[]', '{}', 'default', 'infinity');
SELECT count(*) FROM quotetier.quote_order('[]'::jsonb, NULL);
SELECT line, net_amount FROM quotetier.quote_order('[{"list_price": 30, "qty": null}]');

-- ---------------------------------------------------------------------------
-- What holds of every order
-- ---------------------------------------------------------------------------

-- a line's rows add up to its amount, the lines to the order; each of the policies over some orders
CREATE TABLE orders AS
SELECT o, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('list_price', round((random() * 90)::numeric, 2), 'qty', floor(random() * 9) - 1, 'cost', 3,
       'sku', (ARRAY['a', 'b', 'camera', 'case'])[1 + floor(random() * 4)::int], 'category', (ARRAY['book', 'a', 'old', 'sale'])[1 + floor(random() * 4)::int],
       'floor', CASE WHEN random() < 0.3 THEN round((random() * 60)::numeric, 2) END, 'customer', (ARRAY['Ada', 'Ben', 'Cem'])[1 + floor(random() * 3)::int]))) AS lines
FROM (SELECT setseed(0.4)) seed, generate_series(1, 10) o, generate_series(1, 6) GROUP BY o;
SELECT count(*) > 3000 AS enough, count(*) FILTER (WHERE q.net_amount IS DISTINCT FROM e.amount) AS lines_differ
FROM orders, quotetier.policy p
CROSS JOIN LATERAL quotetier.quote_order(lines, '{"coupon": ["TEN", "BOOK5"], "line_type": "goods", "bought": 0, "fixed": true}', p.name, '2025-06-01') q
LEFT JOIN LATERAL (SELECT line, sum(amount) AS amount FROM quotetier.explain_order(lines, '{"coupon": ["TEN", "BOOK5"], "line_type": "goods", "bought": 0, "fixed": true}', p.name, '2025-06-01')
                   WHERE line IS NOT NULL GROUP BY line) e USING (line)
WHERE q.line IS NOT NULL AND p.currency IS NULL;
SELECT count(*) > 400 AS enough, count(*) FILTER (WHERE lines <> total) AS orders_differ FROM (
    SELECT sum(net_amount) FILTER (WHERE line IS NOT NULL) AS lines, sum(net_amount) FILTER (WHERE line IS NULL) AS total
    FROM orders, quotetier.policy p, quotetier.quote_order(lines, '{"coupon": ["TEN", "BOOK5"], "line_type": "goods", "bought": 0, "fixed": true}', p.name, '2025-06-01')
    GROUP BY o, p.name HAVING bool_and(status <> 'no_price')) x;

-- the same rules written the other way round cost the same
CREATE TABLE twin (id bigint, copy bigint GENERATED ALWAYS AS IDENTITY (START 1000000));
INSERT INTO twin SELECT id FROM quotetier.rule ORDER BY id DESC;
INSERT INTO quotetier.policy SELECT (jsonb_populate_record(p, jsonb_build_object('name', name || ' again'))).* FROM quotetier.policy p WHERE name <> 'default';
INSERT INTO quotetier.step SELECT (jsonb_populate_record(s, jsonb_build_object('policy', policy || ' again'))).* FROM quotetier.step s WHERE policy <> 'default';
INSERT INTO quotetier.rule SELECT (jsonb_populate_record(r, jsonb_build_object('policy', policy || ' again', 'id', copy))).* FROM quotetier.rule r JOIN twin USING (id) ORDER BY copy;
INSERT INTO quotetier.scale SELECT (jsonb_populate_record(s, jsonb_build_object('rule', copy))).* FROM quotetier.scale s JOIN twin ON id = rule ORDER BY copy, from_value DESC;
SELECT count(*) > 400 AS enough, count(*) FILTER (WHERE quoted IS DISTINCT FROM again) AS differ, array_agg(DISTINCT name) FILTER (WHERE quoted IS DISTINCT FROM again) AS which
FROM orders, quotetier.policy p
CROSS JOIN LATERAL (SELECT array_agg(net_amount ORDER BY line) FROM quotetier.quote_order(lines, '{"coupon": ["TEN", "BOOK5"], "line_type": "goods", "bought": 0, "fixed": true}', p.name, '2025-06-01')) q (quoted)
CROSS JOIN LATERAL (SELECT array_agg(net_amount ORDER BY line) FROM quotetier.quote_order(lines, '{"coupon": ["TEN", "BOOK5"], "line_type": "goods", "bought": 0, "fixed": true}', p.name || ' again', '2025-06-01')) a (again)
WHERE p.name <> 'default' AND p.name NOT LIKE '% again' AND p.currency IS NULL;
DELETE FROM quotetier.rule WHERE policy LIKE '% again';
DELETE FROM quotetier.policy WHERE name LIKE '% again';

-- in one group the parts add up to the whole, whatever the mode
SELECT mode, count(*) AS orders, count(*) FILTER (WHERE got <> CASE mode
        WHEN 'volume' THEN q * CASE WHEN q < 10 THEN 5 ELSE 4 END + CASE WHEN q < 10 THEN 0 ELSE 1 END
        WHEN 'graduated' THEN least(q, 10) * 5 + greatest(q - 10, 0) * 4 + CASE WHEN q > 10 THEN 3 ELSE 2 END
        WHEN 'block' THEN CASE WHEN q < 10 THEN 20 ELSE 31 + (q - 10) * 2 END
        WHEN 'package' THEN ceil(q / 4.0) * 10 + 1 END) AS differ
FROM (SELECT mode, o, sum(qty) AS q, (SELECT net_amount FROM quotetier.quote_order(jsonb_agg(jsonb_build_object('category', 'a', 'qty', qty)), '{}', 'mix ' || mode, '2025-06-01') WHERE line IS NULL) AS got
      FROM unnest('{volume,graduated,block,package}'::text[]) mode, generate_series(1, 30) o, LATERAL (SELECT 1 + (o * l * 7) % 5 AS qty FROM generate_series(1, 1 + o % 7) l) l
      GROUP BY mode, o) x GROUP BY mode ORDER BY mode;

-- a thousand lines take no noticeable time: with 2 ms a line this would take 10 s
SET statement_timeout = '10s';
SELECT name, count(*) AS rows FROM unnest('{W39,W55,3for2,mix graduated,mix percent}'::text[]) name,
    LATERAL (SELECT jsonb_agg(jsonb_build_object('list_price', 10 + i % 7, 'qty', 1 + i % 3, 'category', i % 5)) AS lines FROM generate_series(1, 1000) i) l,
    quotetier.quote_order(lines, '{}', name, '2025-06-01') GROUP BY name ORDER BY name;
-- five thousand lines, each of twenty rules leaves cents over (a third of a second; a quarter of a minute, were the next line in turn looked for among all)
SET statement_timeout = '5s';
SELECT policy('many', '{"cart order chain"}');
SELECT rule('many', 'cart', 'percent_off', 1) FROM generate_series(1, 20) \g /dev/null
SELECT count(*) AS rows FROM (SELECT jsonb_agg(jsonb_build_object('list_price', 10 + i % 7, 'qty', 1 + i % 3)) AS lines FROM generate_series(1, 5000) i) l,
    quotetier.quote_order(lines, '{}', 'many', '2025-06-01');
RESET statement_timeout;

\c contrib_regression
DROP DATABASE orders;

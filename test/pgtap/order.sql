-- quote_order and explain_order: what callers rely on.
BEGIN;
SELECT plan(17);

INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('coupon') ON CONFLICT DO NOTHING;
INSERT INTO quotetier.policy (name, currency) VALUES ('tap order', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, level, pick) VALUES ('tap order', 10, 'list', 'line', 'first'), ('tap order', 20, 'cart', 'order', 'chain');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('tap order', 'list', '{"sku": "a"}', 'price', 10), ('tap order', 'cart', '{"coupon": "TEN"}', 'percent_off', 10);
CREATE TEMP TABLE tap_line AS SELECT * FROM (VALUES ('a', 3), ('a', 1)) v (sku, qty);
CREATE TEMP TABLE answer (source text, line int, kind text, net_amount numeric, status text, rules int, facts jsonb);

INSERT INTO answer SELECT 'jsonb', line, kind, net_amount, status, cardinality(rules), facts
FROM quotetier.quote_order('[{"sku": "a", "qty": 3}, {"sku": "a", "qty": 1}]'::jsonb, '{"coupon": "TEN"}'::jsonb, 'tap order');
INSERT INTO answer SELECT 'text', line, kind, net_amount, status, cardinality(rules), facts
FROM quotetier.quote_order('[{"sku": "a", "qty": 3}, {"sku": "a", "qty": 1}]', '{"coupon": "TEN"}', 'tap order');
INSERT INTO answer SELECT 'records', line, kind, q.net_amount, status, cardinality(rules), facts
FROM (SELECT array_agg(l ORDER BY qty DESC) AS lines FROM tap_line l) l, (SELECT 'TEN'::text AS coupon) header, quotetier.quote_order(lines, header, 'tap order') q;

SELECT results_eq($$SELECT line, kind, net_amount, status FROM answer WHERE source = 'jsonb' ORDER BY line$$,
    $$VALUES (1, 'line', 27.00, 'ok'), (2, 'line', 9.00, 'ok'), (NULL, 'order', 36.00, 'ok')$$, 'a row a line, then the order''s');
SELECT set_eq(format($$SELECT line, kind, net_amount, status, rules, facts FROM answer WHERE source = %L$$, source),
    $$SELECT line, kind, net_amount, status, rules, facts FROM answer WHERE source = 'jsonb'$$, 'the same from ' || source)
FROM unnest(ARRAY['text', 'records']) source;
SELECT is(facts, '{"sku": "a", "qty": 3, "coupon": "TEN"}', 'a line''s facts are the header''s and its own') FROM answer WHERE source = 'records' AND line = 1;
SELECT is(facts ->> 'coupon', 'NONE', 'its own win')
FROM quotetier.quote_order('[{"sku": "a", "coupon": "NONE"}]', '{"coupon": "TEN"}', 'tap order') WHERE line = 1;
SELECT results_eq($$SELECT net_amount FROM quotetier.quote_order('[{"sku": "a"}]', policy => 'tap order') ORDER BY line$$, $$VALUES (10.00), (10.00)$$, 'without a header');
SELECT results_eq($$SELECT net_amount FROM (SELECT array_agg(l ORDER BY qty) AS lines FROM tap_line l) l, quotetier.quote_order(lines, policy => 'tap order') ORDER BY line$$,
    $$VALUES (10.00), (30.00), (40.00)$$, 'without a header, from rows');
SELECT results_eq($$SELECT kind, net_amount, status FROM quotetier.quote_order('[]', policy => 'tap order')$$, $$VALUES ('order', 0.00, 'ok')$$, 'an order without lines');
SELECT is_empty($$SELECT * FROM quotetier.quote_order(NULL::jsonb)$$, 'no order, no rows');
SELECT results_eq($$SELECT status, net_amount FROM quotetier.quote_order('[{"sku": "a"}, {"sku": "b"}]', policy => 'tap order') ORDER BY line$$,
    $$VALUES ('ok', 10.00), ('no_price', NULL), ('no_price', NULL)$$, 'an order with a line that has no price has none');
SELECT results_eq($$SELECT line, sum(amount) FROM quotetier.explain_order('[{"sku": "a", "qty": 3}, {"sku": "a", "qty": -1}]', '{"coupon": "TEN"}', 'tap order') WHERE line IS NOT NULL GROUP BY line ORDER BY line$$,
    $$VALUES (1, 27.00), (2, -10.00)$$, 'amounts of a line add up to its net amount');
SELECT is(line, NULL, 'why an order rule did not apply stands without a line')
FROM quotetier.explain_order('[{"sku": "b"}]', '{"coupon": "TEN"}', 'tap order') WHERE verdict = 'rejected' AND step = 'cart';
SELECT throws_ok($$SELECT * FROM quotetier.quote_order('{"sku": "a"}')$$, '22023', NULL, 'lines are an array');
SELECT throws_ok($$SELECT * FROM quotetier.quote_order('[1]')$$, '22023', NULL, 'of objects');
SELECT throws_ok($$SELECT * FROM quotetier.quote_order('[{"qty": "many"}]')$$, '42804', NULL, 'whose qty is a number');
SELECT throws_ok($$SELECT * FROM quotetier.quote_order('[{"sku": "a", "currency": "JPY"}]', policy => 'tap order')$$, '22023', NULL, 'in the order''s currency');
SELECT throws_ok($$SELECT * FROM quotetier.quote_order('[]', policy => 'nowhere')$$, '42704', NULL, 'by a policy that there is');

SELECT * FROM finish();
ROLLBACK;

-- explain_quote: every rule that was looked at says what it did or why it did
-- nothing, and format => 'text' tells the same to somebody who sells.
BEGIN;
SET LOCAL timezone = 'UTC';
INSERT INTO quotetier.dimension (name, kind) VALUES ('sku', 'label'), ('tier', 'label'), ('region', 'path');

-- every way to lose, in steps named after it
INSERT INTO quotetier.policy (name, zone, round_increment) VALUES ('why', 'Asia/Shanghai', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick, only_down, compete, excludes, level) VALUES
    ('why', 10, 'list', 'first', false, NULL, NULL, 'line'),
    ('why', 15, 'time', 'best', false, NULL, NULL, 'line'),
    ('why', 20, 'scope', 'best', false, NULL, NULL, 'line'),
    ('why', 25, 'scale', 'best', false, NULL, NULL, 'line'),
    ('why', 30, 'rank', 'first', false, NULL, NULL, 'line'),
    ('why', 35, 'price', 'best', false, NULL, NULL, 'line'),
    ('why', 40, 'group', 'sum', false, NULL, NULL, 'line'),
    ('why', 45, 'alone', 'sum', false, NULL, NULL, 'line'),
    ('why', 50, 'stop', 'chain', false, NULL, NULL, 'line'),
    ('why', 55, 'down', 'best', true, NULL, NULL, 'line'),
    ('why', 60, 'base', 'best', false, NULL, NULL, 'line'),
    ('why', 65, 'dear', 'best', false, 'c', NULL, 'line'),
    ('why', 70, 'cheap', 'best', false, 'c', NULL, 'line'),
    ('why', 75, 'excluder', 'best', false, NULL, '{excluded}', 'line'),
    ('why', 80, 'excluded', 'best', false, NULL, NULL, 'line'),
    ('why', 85, 'final', 'best', false, NULL, NULL, 'line'),
    ('why', 90, 'later', 'best', false, NULL, NULL, 'line'),
    ('why', 95, 'guard', 'best', false, NULL, NULL, 'line'),
    ('why', 99, 'pocket', 'sum', false, NULL, NULL, 'statistical');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, priority, valid, condition, exclusive_group, final, stop, base, value_expr, note) VALUES
    (101, 'why', 'list', '{"sku": "A"}', 'price', 1000, 0, '(,)', NULL, NULL, false, false, NULL, NULL, '2025 catalogue'),
    (111, 'why', 'time', '{}', 'percent_off', 1, 0, '[2025-07-01 00:00+08,2025-08-01 00:00+08)', NULL, NULL, false, false, NULL, NULL, 'Summer'),
    (112, 'why', 'time', '{}', 'percent_off', 1, 0, '(,2025-06-01 00:00+08)', NULL, NULL, false, false, NULL, NULL, NULL),
    (113, 'why', 'time', '{}', 'percent_off', 1, 0, '[2026-01-01 00:00+08,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (121, 'why', 'scope', '{"region": {"not": ["CN.West", "CN.East"]}}', 'percent_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (122, 'why', 'scope', '{"tier": {"not": "gold"}}', 'percent_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (123, 'why', 'scope', '{"region": ["CN", "CN.East"]}', 'percent_off', 1, 0, '(,)', '$.orders == 0 && $.channel == "web"', NULL, false, false, NULL, NULL, NULL),
    (131, 'why', 'rank', '{"sku": "A", "region": "CN"}', 'percent_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (132, 'why', 'rank', '{"sku": "A"}', 'percent_off', 50, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (133, 'why', 'rank', '{"sku": "A", "region": "CN"}', 'percent_off', 60, -1, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (141, 'why', 'price', '{}', 'amount_off', 10, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (142, 'why', 'price', '{}', 'amount_off', 5.5, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (143, 'why', 'price', '{}', 'amount_off', 10, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (151, 'why', 'group', '{}', 'amount_off', 1, 1, '(,)', NULL, 'coupon', false, false, NULL, NULL, 'WELCOME'),
    (152, 'why', 'group', '{}', 'amount_off', 2, 0, '(,)', NULL, 'coupon', false, false, NULL, NULL, NULL),
    (153, 'why', 'alone', '{}', 'amount_off', 1, 1, '(,)', NULL, '*', false, false, NULL, NULL, NULL),
    (154, 'why', 'alone', '{}', 'amount_off', 2, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (155, 'why', 'stop', '{}', 'amount_off', 1, 1, '(,)', NULL, NULL, false, true, NULL, NULL, NULL),
    (156, 'why', 'stop', '{}', 'amount_off', 2, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (157, 'why', 'down', '{}', 'amount_on', 2, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (161, 'why', 'base', '{}', 'percent_off', 2, 0, '(,)', NULL, NULL, false, false, 'competitor', NULL, NULL),
    (162, 'why', 'base', '{}', 'amount_off', NULL, 0, '(,)', NULL, NULL, false, false, NULL, '$.saved * 2', NULL),
    (163, 'why', 'base', '{}', 'amount_off', NULL, 0, '(,)', NULL, NULL, false, false, NULL, '$.qty - 100', NULL),
    (171, 'why', 'dear', '{}', 'amount_off', 3, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (172, 'why', 'cheap', '{}', 'amount_off', 4, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (173, 'why', 'excluder', '{}', 'amount_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (174, 'why', 'excluded', '{}', 'amount_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (181, 'why', 'final', '{}', 'amount_off', 1, 0, '(,)', NULL, NULL, true, false, NULL, NULL, NULL),
    (182, 'why', 'later', '{"region": ["CN", "CN.East"]}', 'amount_off', 1, 0, '(,)', NULL, NULL, false, false, NULL, NULL, NULL),
    (199, 'why', 'pocket', '{}', 'percent_off', 2, 0, '(,)', NULL, NULL, false, false, NULL, NULL, 'Freight');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode, scale_on, scale_bounds) VALUES
    (124, 'why', 'scale', '{}', 'percent_off', 'volume', 'quantity', '[)'),
    (125, 'why', 'scale', '{}', 'percent_off', 'volume', 'amount', '(]'),
    (126, 'why', 'scale', '{}', 'percent_off', 'volume', 'quantity', '[)'),
    (127, 'why', 'scale', '{}', 'percent_off', 'volume', 'stock', '[)'),
    (128, 'why', 'scale', '{}', 'percent_off', 'volume', 'quantity', '[)'),
    (129, 'why', 'scale', '{}', 'percent_off', 'volume', 'quantity', '(]');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES
    (124, 10, 20, 1), (125, 0, 1000, 1), (126, 0, 2, 1), (126, 5, NULL, 1), (127, 0, 10, 1), (129, 3, NULL, 1);
INSERT INTO quotetier.rule (id, policy, step, adjust, value, on_breach, base) VALUES
    (191, 'why', 'guard', 'floor_price', 900, 'clamp', NULL),
    (192, 'why', 'guard', 'floor_price', 990, 'clamp', NULL),
    (193, 'why', 'guard', 'cap_price', 980, 'clamp', NULL),
    (194, 'why', 'guard', 'cap_price', 1100, NULL, NULL),
    (195, 'why', 'guard', 'cap_percent_off', 0.5, 'approve', 'list'),
    (196, 'why', 'guard', 'cap_percent_off', 5, 'block', 'list'),
    (197, 'why', 'guard', 'floor_margin', 10, 'block', NULL);
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, on_breach) VALUES
    (198, 'why', 'guard', '{"region": ["CN", "CN.East"]}', 'floor_price', 995, 'approve');

CREATE VIEW facts AS SELECT '{"sku": "A", "tier": "gold", "region": "CN.East.Shanghai", "orders": 3, "channel": "web"}'::jsonb AS facts;
SELECT seq, step, rule, verdict, reason, amount, running FROM facts, quotetier.explain_quote(facts, 3, '2025-06-15', 'why') ORDER BY seq;

-- each candidate is told of once: those that lost, and those that did not
SELECT count(*) = count(DISTINCT rule) AS once FROM facts, quotetier.explain_quote(facts, 3, '2025-06-15', 'why') WHERE rule IS NOT NULL;
SELECT r.id AS untold FROM quotetier.rule r WHERE r.policy = 'why' EXCEPT SELECT rule FROM facts, quotetier.explain_quote(facts, 3, '2025-06-15', 'why');

-- without the facts that a scope leaves values out of
SELECT rule, reason FROM quotetier.explain_quote('{"sku": "A"}', 3, '2025-06-15', 'why') WHERE rule IN (121, 122);

-- as text: lines, in order, and nothing else
\pset tuples_only on
\pset format unaligned
SELECT reason FROM facts, quotetier.explain_quote(facts, 3, '2025-06-15', 'why', 'text') ORDER BY seq;
SELECT count(*) FROM facts, quotetier.explain_quote(facts, 3, '2025-06-15', 'why', 'text') WHERE num_nonnulls(step, rule, verdict, base, amount, running) > 0;

-- amounts stand under one another also after Chinese, and where rounding leaves more decimals
UPDATE quotetier.policy SET currency = 'CNY' WHERE name = 'default';
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, note) VALUES
    (201, 'default', 'tier', '{"tier": "gold"}', 'percent_off', 7, '金卡会员'),
    (202, 'default', 'volume', '{}', 'percent_off', 3.5, 'Volume'),
    (203, 'default', 'guard', '{}', 'floor_price', 19.5, 'house rule');
SELECT reason FROM quotetier.explain_quote('{"tier": "gold", "list_price": 19.99}', 7, '2025-06-15', format => 'text') ORDER BY seq;
-- a return, a unit price, a surcharge, no price, no rule
SELECT reason FROM quotetier.explain_quote('{"tier": "gold", "list_price": 29.99}', -7, '2025-06-15', format => 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_quote('{"tier": "gold", "list_price": 29.99}', 0, '2025-06-15', format => 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_quote('{"list_price": 10}', 2, '2025-06-15', format => 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_quote('{"tier": "gold"}', 7, '2025-06-15', format => 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_quote(row(1), 7, '2025-06-15', format => 'text') ORDER BY seq;

-- an order: its lines one by one, told apart by what is their own; what is not ok; the order
INSERT INTO quotetier.dimension (name) VALUES ('category'), ('coupon');
INSERT INTO quotetier.uom (uom, factor) VALUES ('box', 12);
INSERT INTO quotetier.step (policy, seq, name, level, pick) VALUES
    ('default', 100, 'coupon', 'order', 'chain'), ('default', 110, 'cart', 'order', 'best'), ('default', 120, 'gift', 'order', 'chain'), ('default', 130, 'bonus', 'statistical', 'sum');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, note, condition, lines, on_breach) VALUES
    (301, 'default', 'promotion', '{"category": "tea"}', 'percent_off', 10, '茶节', NULL, NULL, NULL),
    (302, 'default', 'coupon', '{"coupon": "TEN"}', 'amount_off', 10, 'TEN', NULL, '{"tier": "gold"}', NULL),
    (303, 'default', 'coupon', '{"coupon": "WARE"}', 'amount_off', 1000, NULL, NULL, '{"category": "ware"}', NULL),
    (304, 'default', 'cart', '{}', 'percent_off', 5, 'From 1000 on', '$.order_amount >= 1000', NULL, NULL),
    (305, 'default', 'gift', '{}', 'add_line', 1, 'Free mug', '$.order_amount >= 300', '{"sku": "mug", "list_price": 8}', NULL),
    (306, 'default', 'guard', '{"category": "tea"}', 'cap_percent_off', 15, 'Head of sales', NULL, NULL, 'approve'),
    (307, 'default', 'bonus', '{}', 'percent_off', 2, 'Yearly bonus', NULL, NULL, NULL);
DELETE FROM quotetier.rule WHERE id IN (201, 203);
UPDATE quotetier.rule SET scope = '{"tier": "gold", "sku": "green"}' WHERE id = 202;
CREATE TABLE told AS SELECT * FROM quotetier.explain_order(
    '[{"sku": "green", "category": "tea", "list_price": 4.95, "qty": 2, "uom": "box", "colour": "green"}, {"sku": "pot", "category": "ware", "list_price": 249, "tier": "vip"}, {"category": "tea", "list_price": 5, "qty": -1}, {"list_price": 3, "qty": 0}]',
    '{"tier": "gold", "coupon": ["TEN", "WARE"]}', 'default', '2025-06-15', 'text');
SELECT reason FROM told ORDER BY seq;
SELECT count(*) FILTER (WHERE num_nonnulls(step, rule, verdict, base, amount, running) > 0) AS others,
    array_agg(reason ORDER BY seq) = array_agg(reason ORDER BY line, seq) AS by_line, array_agg(DISTINCT line) AS lines FROM told;
SELECT reason FROM quotetier.explain_order('[{"list_price": 700, "category": "x"}, {"category": "x"}]', '{}', 'default', '2025-06-15', 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_order('[]'::text, '{}', 'default', '2025-06-15', 'text') ORDER BY seq;
SELECT reason FROM quotetier.explain_order(ARRAY[ROW(1)], ROW(), 'default', '2025-06-15', 'text') ORDER BY seq;
SELECT count(*) FROM quotetier.explain_order('[]', '{}', 'default', '2025-06-15', NULL);

-- a limit to what a rule takes off, a scale of multiples, a percent of something else
DELETE FROM quotetier.rule WHERE policy = 'default';
UPDATE quotetier.step SET pick = 'chain' WHERE policy = 'default' AND name = 'volume';
INSERT INTO quotetier.rule (id, policy, step, adjust, value, max_amount, base, currency, priority) VALUES
    (401, 'default', 'volume', 'percent_off', 10, 5, NULL, NULL, 9), (402, 'default', 'volume', 'line_amount_off', 7, 2, NULL, NULL, 8), (403, 'default', 'volume', 'amount_off', 0.5, 100, NULL, NULL, 7),
    (404, 'default', 'volume', 'percent_off', 10, 3, 'cost', 'EUR', 6), (405, 'default', 'volume', 'percent_on', 1, NULL, 'tier', NULL, 5), (406, 'default', 'volume', 'percent_on', 1, NULL, 'list', NULL, 4);
INSERT INTO quotetier.rule (id, policy, step, adjust, scale_mode) VALUES (407, 'default', 'promotion', 'round_to', 'volume');
INSERT INTO quotetier.scale (rule, from_value, value) VALUES (407, 2, 0.5);
INSERT INTO quotetier.fx_rate VALUES ('EUR', 'CNY', 8);
SELECT reason FROM quotetier.explain_quote('{"list_price": 100, "cost": 400}', 2, '2025-06-15', format => 'text') ORDER BY seq;

-- no format is no answer
SELECT count(*) FROM quotetier.explain_quote('{"tier": "gold", "list_price": 19.99}', 7, '2025-06-15', format => NULL);
SAVEPOINT before;
SELECT * FROM quotetier.explain_quote('{}', 1, '2025-06-15', 'default', 'Text');
ROLLBACK TO before;
SELECT * FROM quotetier.explain_order('[]', '{}', 'default', '2025-06-15', 'json');
ROLLBACK;

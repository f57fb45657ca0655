-- Worked examples with published numbers (or, marked der, derived from a
-- published rule), each by its number. A policy is named after its example.
--
-- Not here: W36-W43, which share over the lines of an order (order.sql), and W60,
-- which is about coupons.
CREATE DATABASE worked_examples;
\c worked_examples
SET client_min_messages = warning;
CREATE EXTENSION quotetier CASCADE;

-- ---------------------------------------------------------------------------
-- Helpers: a policy with its steps, a rule, a rule with a scale, an example
-- ---------------------------------------------------------------------------

-- steps: 'name pick base', in their order
CREATE FUNCTION policy(name text, steps text[], target text = 'line', mode text = 'half_up', increment numeric = 0.01,
                       ending text = NULL) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.policy (name, round_target, round_mode, round_increment, ending)
    VALUES (name, target, mode, increment, ending);
    INSERT INTO quotetier.step (policy, seq, name, pick, base)
    SELECT name, place * 10, split_part(s, ' ', 1), coalesce(nullif(split_part(s, ' ', 2), ''), 'first'),
           coalesce(nullif(split_part(s, ' ', 3), ''), 'running')
    FROM unnest(steps) WITH ORDINALITY AS u (s, place);
$$;

CREATE FUNCTION rule(policy text, step text, adjust text, value numeric, scope jsonb = '{}', priority int = 0,
                     exclusive_group text = NULL, condition jsonpath = NULL, valid tstzrange = '(,)') RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.rule (policy, step, adjust, value, scope, priority, exclusive_group, condition, valid)
    VALUES (policy, step, adjust, value, scope, priority, exclusive_group, condition, valid)
$$;

-- brackets: {from, to, value, fee, size or overage}
CREATE FUNCTION scaled(policy text, step text, adjust text, mode text, bounds text, brackets numeric[][],
                       measure text = 'quantity', scale_offset text = NULL, scope jsonb = '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b  numeric[];
    id bigint;
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, scale_bounds, scale_offset, scope)
    VALUES (policy, step, adjust, mode, measure, bounds, scale_offset, scope) RETURNING rule.id INTO id;
    FOREACH b SLICE 1 IN ARRAY brackets LOOP
        INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage)
        VALUES (id, b[1], b[2], b[3], coalesce(b[4], 0), CASE WHEN mode = 'package' THEN b[5] END,
                CASE WHEN mode = 'block' THEN b[5] END);
    END LOOP;
END
$$;

CREATE TABLE example (no int GENERATED ALWAYS AS IDENTITY, id text, what text, expected numeric, got numeric);

CREATE FUNCTION quoted(policy text, facts jsonb, qty numeric = 1, as_of timestamptz = '2025-06-01')
    RETURNS TABLE (list_price numeric, net_price numeric, net_amount numeric, discount_pct numeric) STABLE LANGUAGE sql AS $$
    SELECT list_price, net_price, net_amount, discount_pct FROM quotetier.quote(facts, qty, as_of, policy)
$$;

-- net amounts of quantities
CREATE FUNCTION amounts(id text, what text, policy text, facts jsonb, quantities numeric[], expected numeric[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO example (id, what, expected, got)
    SELECT id, what || ', quantity ' || q, e, (quoted(policy, facts, q)).net_amount
    FROM unnest(quantities, expected) WITH ORDINALITY AS u (q, e, place) ORDER BY place
$$;

-- net prices of list prices, one unit each
CREATE FUNCTION prices(id text, what text, policy text, list_prices numeric[], expected numeric[], facts jsonb = '{}') RETURNS void LANGUAGE sql AS $$
    INSERT INTO example (id, what, expected, got)
    SELECT id, what || ', list price ' || l, e, (quoted(policy, facts || jsonb_build_object('list_price', l))).net_amount
    FROM unnest(list_prices, expected) WITH ORDINALITY AS u (l, e, place) ORDER BY place
$$;

-- the running amounts of the waterfall
CREATE FUNCTION running(id text, what text, policy text, facts jsonb, expected numeric[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO example (id, what, expected, got)
    SELECT id, what || ', row ' || coalesce(w.place, e.place), e.e, w.running
    FROM unnest(expected) WITH ORDINALITY AS e (e, place)
         FULL JOIN (SELECT running, seq AS place FROM quotetier.explain_quote(facts, 1, '2025-06-01', policy)
                    WHERE verdict IN ('list', 'applied')) w ON w.place = e.place
    ORDER BY coalesce(w.place, e.place)
$$;
-- what the order's steps take off lines of one unit each, with their minimum prices
CREATE FUNCTION shares(id text, what text, policy text, list_prices numeric[], minimums numeric[], expected numeric[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO example (id, what, expected, got)
    SELECT id, format('%s, line %s of %s, minimum %s', what, place, l, m), e, q.net_amount - q.list_amount
    FROM unnest(list_prices, minimums, expected) WITH ORDINALITY AS u (l, m, e, place)
         JOIN quotetier.quote_order((SELECT jsonb_agg(jsonb_build_object('list_price', l, 'minimum', m) ORDER BY place)
                                     FROM unnest(list_prices, minimums) WITH ORDINALITY AS u (l, m, place)), '{}', policy, '2025-06-01') q
         ON q.line = place
    ORDER BY place
$$;
INSERT INTO quotetier.dimension (name)
VALUES ('sku'), ('region'), ('city'), ('promotion'), ('line_type');

-- ---------------------------------------------------------------------------
-- Scales
-- ---------------------------------------------------------------------------
\o /dev/null

-- Stripe: 1-5 @ 7, 6-10 @ 6.5, 11+ @ 6, up to and including
SELECT policy('W1', '{list}'), scaled('W1', 'list', 'price', 'volume', '(]', '{{0,5,7},{5,10,6.5},{10,NULL,6}}'),
       amounts('W1', 'Stripe volume', 'W1', '{}', '{1,5,6,20,25}', '{7,35,39,120,150}');
SELECT policy('W2', '{list}'), scaled('W2', 'list', 'price', 'graduated', '(]', '{{0,5,7},{5,10,6.5},{10,NULL,6}}'),
       amounts('W2', 'Stripe graduated', 'W2', '{}', '{5,6,20,25}', '{35,41.5,127.5,157.5}');

SELECT policy('W3', '{list}'), scaled('W3', 'list', 'price', 'volume', '(]', '{{0,NULL,0.0006,10}}'),
       amounts('W3', 'Lago volume and fee', 'W3', '{}', '{65000}', '{49}');
SELECT policy('W4', '{list}'), scaled('W4', 'list', 'price', 'graduated', '(]', '{{0,100,1},{100,200,0.5},{200,NULL,0.1}}'),
       amounts('W4', 'Lago graduated (der)', 'W4', '{}', '{250}', '{155}');

-- Percents of the money that passes through, on a scale used up by what passed before
SELECT policy('W5', '{list}');
INSERT INTO quotetier.rule (policy, step, base, adjust, scale_mode, scale_on, scale_bounds, scale_offset)
VALUES ('W5', 'list', 'transacted', 'price_percent', 'graduated', 'amount', '(]', 'before');
INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee)
SELECT id, f, t, v, fee FROM quotetier.rule, (VALUES (0, 1000, 1, 200), (1000, 10000, 2, 300), (10000, NULL, 3, 400)) AS b (f, t, v, fee)
WHERE policy = 'W5';
INSERT INTO example (id, what, expected, got)
SELECT 'W5', format('Lago graduated percent, %s after %s', now, before), e,
       (quoted('W5', jsonb_build_object('transacted', now, 'before', before))).net_amount
FROM (VALUES (500, 0, 205), (550, 500, 306), (4000, 1050, 80)) AS v (now, before, e);

SELECT policy('W6', '{list}'), scaled('W6', 'list', 'price', 'graduated', '(]', '{{0,1000,0.01},{1000,10000,0.008},{10000,NULL,0.005}}'),
       amounts('W6', 'Autumn graduated', 'W6', '{}', '{15000}', '{107}');

-- the source prints no thresholds; those of 1,000 and 10,000 give both its numbers
SELECT policy('W7', '{list}'), policy('W7v', '{list}'),
       scaled('W7', 'list', 'price', 'graduated', '(]', '{{0,1000,0.10},{1000,10000,0.05},{10000,NULL,0.01}}'),
       scaled('W7v', 'list', 'price', 'volume', '(]', '{{0,1000,0.10},{1000,10000,0.05},{10000,NULL,0.01}}'),
       amounts('W7', 'Zuplo graduated', 'W7', '{}', '{15000}', '{600}'),
       amounts('W7', 'Zuplo volume', 'W7v', '{}', '{15000}', '{150}');

SELECT policy('W8', '{list}'), scaled('W8', 'list', 'price', 'package', '(]', '{{0,NULL,1,0,1000}}'),
       policy('W8v', '{list}'), scaled('W8v', 'list', 'price', 'volume', '(]', '{{0,NULL,0.0006}}'),
       amounts('W8', 'Flexprice package of 1000', 'W8', '{}', '{4500}', '{5}'),
       amounts('W8', 'Flexprice volume', 'W8v', '{}', '{65000}', '{39}');

-- SAP note 930537: to-scale; interval scale, and its factors as the share of one band
SELECT policy('W9', '{list}'), scaled('W9', 'list', 'price', 'volume', '(]', '{{0,5,10},{5,20,12},{20,100,15},{100,1000,20}}'),
       policy('W9i', '{list}'), scaled('W9i', 'list', 'price', 'graduated', '(]', '{{0,5,10},{5,20,12},{20,100,15},{100,1000,20}}'),
       policy('W9a', '{list}', 'unit', 'half_up', 0.00001), scaled('W9a', 'list', 'price', 'graduated', '(]', '{{0,5,1},{5,NULL,0}}'),
       policy('W9b', '{list}', 'unit', 'half_up', 0.00001), scaled('W9b', 'list', 'price', 'graduated', '(]', '{{0,5,0},{5,20,1},{20,NULL,0}}'),
       policy('W9c', '{list}', 'unit', 'half_up', 0.00001), scaled('W9c', 'list', 'price', 'graduated', '(]', '{{0,20,0},{20,100,1},{100,NULL,0}}'),
       amounts('W9', 'SAP to-scale (der)', 'W9', '{}', '{140}', '{2800}'),
       amounts('W9', 'SAP interval (der)', 'W9i', '{}', '{140}', '{2230}');
INSERT INTO example (id, what, expected, got)
SELECT 'W9', 'SAP interval, factor of the band ' || band, e, (quoted('W9' || p, '{}', 140)).net_price
FROM (VALUES ('a', 'to 5', 0.03571), ('b', 'to 20', 0.10714), ('c', 'to 100', 0.57143)) AS v (p, band, e);

-- over the last bounded bracket there is no price; SAP's to-scale gives 0 there
SELECT policy('W10', '{list}'), scaled('W10', 'list', 'price', 'volume', '[)', '{{1,10,10},{10,20,11},{20,30,12},{30,40,13},{40,50,14},{50,NULL,15}}'),
       policy('W10t', '{list}'), scaled('W10t', 'list', 'price', 'volume', '(]', '{{0,10,10},{10,20,11},{20,30,12},{30,40,13},{40,50,14}}'),
       policy('W10i', '{list}'), scaled('W10i', 'list', 'price', 'graduated', '(]', '{{0,10,10},{10,20,11},{20,30,12},{30,40,13},{40,50,14}}'),
       amounts('W10', 'SAP from-scale', 'W10', '{}', '{9,10,50}', '{90,110,750}'),
       amounts('W10', 'SAP to-scale', 'W10t', '{}', '{10,11,50,51}', '{100,121,700,NULL}'),
       amounts('W10', 'SAP interval (der)', 'W10i', '{}', '{11}', '{111}');
SELECT policy('W11', '{list}'), scaled('W11', 'list', 'price', 'volume', '[)', '{{0,10,12},{10,NULL,10}}'),
       amounts('W11', 'SAP PR00', 'W11', '{}', '{11}', '{110}');
SELECT policy('W12', '{list}'), amounts('W12', 'SAP standard price', 'W12', '{"list_price": 100}', '{5}', '{500}');

SELECT policy('W13', '{list,discount}'), scaled('W13', 'discount', 'percent_off', 'volume', '(]', '{{0,9,10},{9,19,20},{19,NULL,30}}'),
       policy('W13s', '{list,discount}'), scaled('W13s', 'discount', 'percent_off', 'graduated', '(]', '{{0,9,10},{9,19,20},{19,NULL,30}}'),
       amounts('W13', 'Salesforce range (der)', 'W13', '{"list_price": 100}', '{30}', '{2100}'),
       amounts('W13', 'Salesforce slab (der)', 'W13s', '{"list_price": 100}', '{30}', '{2380}');
SELECT policy('W14', '{list}'), scaled('W14', 'list', 'price', 'block', '(]', '{{0,10,1},{10,50,3}}'),
       amounts('W14', 'Salesforce block', 'W14', '{}', '{7,10,11}', '{1,1,3}');
-- upper bounds are out: 1 to 10 ends at 11, and a range 1 to 5 needs 6
SELECT policy('W15', '{list}'), scaled('W15', 'list', 'price', 'block', '[)', '{{1,11,10},{11,21,18}}'),
       policy('W15u', '{list}'), scaled('W15u', 'list', 'price', 'block', '[)', '{{1,6,10}}'),
       amounts('W15', 'Salesforce block, exclusive bounds', 'W15', '{}', '{1,10,11,20}', '{10,10,18,18}'),
       amounts('W15', 'Salesforce range 1-5 written to 6', 'W15u', '{}', '{5,6}', '{10,NULL}');

-- ---------------------------------------------------------------------------
-- Steps one after the other
-- ---------------------------------------------------------------------------

SELECT policy('W16', '{list,partner,volume,extra,last}'),
       rule('W16', 'partner', 'percent_off', 20), rule('W16', 'volume', 'percent_off', 10),
       rule('W16', 'extra', 'percent_off', 50), rule('W16', 'last', 'percent_off', 50),
       running('W16', 'Salesforce waterfall', 'W16', '{"list_price": 10000}', '{10000,8000,7200,3600,1800}');
SELECT policy('W17', '{list,additional,partner}'), rule('W17', 'additional', 'amount_off', 30), rule('W17', 'partner', 'percent_off', 20),
       running('W17', 'Salesforce waterfall (der)', 'W17', '{"list_price": 120}', '{120,90,72}');
SELECT policy('W18', '{list,volume}'), scaled('W18', 'volume', 'amount_off', 'volume', '(]', '{{50,NULL,5}}');
INSERT INTO example (id, what, expected, got)
SELECT 'W18', 'Salesforce amount schedule (der), 60 at list ' || l, e, (quoted('W18', jsonb_build_object('list_price', l), 60)).net_price
FROM (VALUES (85, 80), (87, 82)) AS v (l, e);
SELECT policy('W19', '{list}', 'line', 'up', 1), prices('W19', 'Salesforce round up', 'W19', '{1.60}', '{2}');
SELECT policy('W20', '{list,one,two,"tail first list"}'),
       rule('W20', 'one', 'percent_off', 10), rule('W20', 'two', 'percent_on', 10), rule('W20', 'tail', 'percent_off', 50),
       running('W20', 'Oracle buckets', 'W20', '{"list_price": 55}', '{55,49.50,54.45,26.95}');
SELECT policy('W21', '{list,tier}', ending => '9.99/10'), rule('W21', 'tier', 'percent_off', 20),
       prices('W21', 'Odoo ending 9.99 (der)', 'W21', '{100,56}', '{79.99,39.99}');
SELECT policy('W22', '{list,"guard first cost"}'), rule('W22', 'guard', 'floor_over', 5);
INSERT INTO quotetier.rule (policy, step, base, adjust, value) VALUES ('W22', 'list', 'cost', 'markup', 100);
INSERT INTO example (id, what, expected, got)
SELECT 'W22', 'Odoo markup with a margin of 5 (der), cost ' || c, e, (quoted('W22', jsonb_build_object('cost', c))).net_price
FROM (VALUES (10, 20), (3, 8)) AS v (c, e);
SELECT policy('W23', '{list,tier}'), rule('W23', 'tier', 'percent_off', 30),
       policy('W23q', '{list,volume}'), scaled('W23q', 'volume', 'percent_off', 'volume', '[)', '{{2,NULL,15}}');
INSERT INTO example (id, what, expected, got)
SELECT 'W23', 'Odoo global discount, its row', -180, amount
FROM quotetier.explain_quote('{"list_price": 600}'::jsonb, 1, '2025-06-01', 'W23') WHERE verdict = 'applied';
INSERT INTO example (id, what, expected, got)
SELECT 'W23', 'Odoo minimum quantity 2, quantity ' || q, e, (quoted('W23q', '{"list_price": 100}', q)).net_price
FROM (VALUES (1, 100), (2, 85)) AS v (q, e);

-- money is per base unit, a kilogram: 0.1, and 0.01 off from 3,000
INSERT INTO quotetier.uom (uom, factor) VALUES ('kg', 1), ('t', 1000);
SELECT policy('W24', '{list,volume}'), rule('W24', 'list', 'price', 0.1),
       scaled('W24', 'volume', 'amount_off', 'volume', '[)', '{{3000,NULL,0.01}}');
INSERT INTO example (id, what, expected, got)
SELECT 'W24', format('Odoo unit of measure, %s %s', q, uom), e, (quoted('W24', jsonb_build_object('uom', uom), q)).net_price
FROM (VALUES (2, 'kg', 0.1), (2000, 'kg', 0.1), (3500, 'kg', 0.09), (2, 't', 100), (3, 't', 90)) AS v (q, uom, e);

SELECT policy('W25', '{list,"rules sum"}'), rule('W25', 'rules', 'percent_off', 10), rule('W25', 'rules', 'percent_off', 5),
       policy('W25c', '{list,"rules chain"}'), rule('W25c', 'rules', 'percent_off', 10), rule('W25c', 'rules', 'percent_off', 5),
       prices('W25', 'ERPNext additive', 'W25', '{500}', '{425}'), prices('W25', 'ERPNext compounded', 'W25c', '{500}', '{427.5}');
SELECT policy('W26', '{list,rules}'), rule('W26', 'rules', 'price', 112), policy('W26a', '{list,rules}'), rule('W26a', 'rules', 'amount_off', 7),
       prices('W26', 'ERPNext override', 'W26', '{100}', '{112}'), prices('W26', 'ERPNext amount off (der)', 'W26a', '{100}', '{93}');
-- the caller gives the running total; the source names no percent, 10 here
SELECT policy('W27', '{list,cumulative}'),
       rule('W27', 'cumulative', 'percent_off', 10, condition => '$.bought >= 1500 && $.bought <= 2000');
INSERT INTO example (id, what, expected, got)
SELECT 'W27', format('ERPNext cumulative, invoice of %s, %s in all', l, b), e, (quoted('W27', jsonb_build_object('list_price', l, 'bought', b))).net_price
FROM (VALUES (1400, 1400, 1400), (600, 2000, 540)) AS v (l, b, e);
SELECT policy('W28', '{list,"rules chain"}'), rule('W28', 'rules', 'percent_off', 10), rule('W28', 'rules', 'percent_off', 5),
       policy('W28s', '{list,"rules sum"}'), rule('W28s', 'rules', 'percent_off', 10), rule('W28s', 'rules', 'percent_off', 5),
       prices('W28', 'Liferay chained', 'W28', '{100}', '{85.50}'), prices('W28', 'Liferay additive', 'W28s', '{100}', '{85}');
SELECT policy('W29', '{list,"rules chain"}'), rule('W29', 'rules', 'percent_off', 20), rule('W29', 'rules', 'percent_off', 30),
       policy('W29a', '{list,"rules chain"}'), rule('W29a', 'rules', 'amount_off', 20), rule('W29a', 'rules', 'amount_off', 30),
       prices('W29', 'Optimizely percents', 'W29', '{100}', '{56}'), prices('W29', 'Optimizely amounts', 'W29a', '{100}', '{50}');
-- rounds after each rule, and W34 once: both by round_target
SELECT policy('W30', '{list,one,two}', 'line_step'), rule('W30', 'one', 'percent_off', 10), rule('W30', 'two', 'amount_off', 10),
       running('W30', 'Adobe, rounding after each rule', 'W30', '{"list_price": 45.49}', '{45.49,40.94,30.94}'),
       running('W30', 'Adobe, rounding after each rule', 'W30', '{"list_price": 47.76}', '{47.76,42.98,32.98}');
SELECT policy('W31', '{list,competitor,"guard first list"}'), rule('W31', 'guard', 'floor_percent', 80);
INSERT INTO quotetier.rule (policy, step, base, adjust, value) VALUES ('W31', 'competitor', 'competitor_price', 'price_percent', 100);
SELECT prices('W31', 'Adobe floor of 80 %, competitor 15', 'W31', '{20,15,17}', '{16,15,15}', '{"competitor_price": 15}'),
       policy('W31m', '{list,markup,vat}'), rule('W31m', 'markup', 'markup', 25), rule('W31m', 'vat', 'percent_on', 10),
       running('W31', 'Adobe markup and VAT', 'W31m', '{"list_price": 10}', '{10,12.50,13.75}');
SELECT policy('W32', '{list,"rules chain"}'), rule('W32', 'rules', 'amount_off', 10, priority => 4), rule('W32', 'rules', 'percent_off', 50, priority => 3),
       rule('W32', 'rules', 'amount_off', 5, priority => 2), rule('W32', 'rules', 'percent_off', 25, priority => 1),
       running('W32', 'Sylius priorities', 'W32', '{"list_price": 100}', '{100,90,45,40,30}');
SELECT policy('W33', '{list,"promotions chain"}'), rule('W33', 'promotions', 'percent_off', 30, priority => 500, exclusive_group => '*'),
       rule('W33', 'promotions', 'percent_off', 50, priority => 100),
       prices('W33', 'Sylius exclusive 30 % (500) and 50 % (100)', 'W33', '{100}', '{70}');
SELECT rule('W33', 'promotions', 'percent_off', 70, priority => 1000, exclusive_group => '*'),
       prices('W33', 'and exclusive 70 % (1000)', 'W33', '{100}', '{30}');
SELECT policy('W34', '{list,rules}', 'unit'), rule('W34', 'rules', 'percent_off', 15),
       prices('W34', 'Sylius rounding', 'W34', '{20.00,20.25,10.50,9.94}', '{17.00,17.21,8.93,8.45}');
SELECT policy('W35', '{list,promotions,guard}'), rule('W35', 'promotions', 'percent_off', 50, '{"promotion": "half"}'),
       rule('W35', 'promotions', 'amount_off', 10, '{"promotion": "ten"}'), rule('W35', 'guard', 'floor_price', 45),
       prices('W35', 'Sylius minimum price, 50 % off', 'W35', '{50}', '{45}', '{"promotion": "half"}'),
       prices('W35', 'Sylius minimum price, 10 off', 'W35', '{50}', '{45}', '{"promotion": "ten"}');

-- ---------------------------------------------------------------------------
-- Orders: each of Sylius's units is a line, and no line goes below its minimum
-- ---------------------------------------------------------------------------

CREATE FUNCTION order_policy(name text, adjust text, value numeric) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quotetier.policy (name, round_increment) VALUES (name, 0.01);
    INSERT INTO quotetier.step (policy, seq, name, level, base, pick) VALUES
        (name, 10, 'list', 'line', 'running', 'first'), (name, 20, 'guard', 'line', 'minimum', 'first'), (name, 30, 'order', 'order', 'running', 'first');
    INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES (name, 'guard', 'floor_percent', 100), (name, 'order', adjust, value);
$$;
SELECT order_policy('W36', 'line_amount_off', 20), order_policy('W37', 'percent_off', 20), order_policy('W38', 'line_amount_off', 25),
       order_policy('W39', 'line_amount_off', 20), order_policy('W40', 'line_amount_off', 27), order_policy('W41', 'line_amount_off', 36),
       order_policy('W42', 'line_amount_off', 12);
SELECT shares('W36', 'Sylius -20', 'W36', '{50,20}', '{45,0}', '{-5,-15}'),
       shares('W37', 'Sylius 20 %', 'W37', '{50,20}', '{45,0}', '{-5,-9}'),
       shares('W38', 'Sylius -25', 'W38', '{50,20,20,20}', '{45,0,0,0}', '{-5,-6.67,-6.67,-6.66}'),
       shares('W39', 'Sylius -20', 'W39', '{50,50,20,20,20}', '{45,45,0,0,0}', '{-5,-5,-3.34,-3.33,-3.33}'),
       shares('W40', 'Sylius -27', 'W40', '{50,50,20,20,40}', '{45,45,0,0,0}', '{-5,-5,-4.25,-4.25,-8.50}'),
       shares('W41', 'Sylius -36', 'W41', '{50,50,20,20,30,10}', '{45,45,15,15,0,0}', '{-5,-5,-5,-5,-12,-4}'),
       shares('W42', 'Sylius -12', 'W42', '{10,20,50,30}', '{0,19,50,29}', '{-10,-1,0,-1}'),
       shares('W42', 'Sylius -12', 'W42', '{10,20,50,30}', '{0,19,50,26}', '{-7,-1,0,-4}');
UPDATE quotetier.rule SET value = 20 WHERE policy = 'W42' AND step = 'order';
SELECT shares('W42', 'Sylius -20, 5 more than there is room for', 'W42', '{10,20,50,30}', '{0,19,50,26}', '{-10,-1,0,-4}');
INSERT INTO example (id, what, expected, got)
SELECT 'W42', 'and those are told', 5, max(undistributed)
FROM quotetier.quote_order('[{"list_price": 10, "minimum": 0}, {"list_price": 20, "minimum": 19}, {"list_price": 50, "minimum": 50},
                             {"list_price": 30, "minimum": 26}]'::jsonb, '{}', 'W42', '2025-06-01');

-- the second discount finds 11.68 left, and shipping is not among the lines discounted
INSERT INTO quotetier.policy (name, round_increment) VALUES ('W43', 0.01);
INSERT INTO quotetier.step (policy, seq, name, level, pick) VALUES ('W43', 10, 'list', 'line', 'first'), ('W43', 20, 'one', 'order', 'first'), ('W43', 30, 'two', 'order', 'first');
INSERT INTO quotetier.rule (policy, step, adjust, value, lines) VALUES
    ('W43', 'one', 'line_amount_off', 80, '{"line_type": "goods"}'), ('W43', 'two', 'line_amount_off', 20, '{"line_type": "goods"}');
INSERT INTO example (id, what, expected, got)
SELECT 'W43', what, e, CASE what WHEN 'Sylius, total' THEN net ELSE net - list END
FROM (SELECT sum(net_amount) AS net, sum(list_amount) AS list
      FROM quotetier.quote_order('[{"list_price": 10.56, "line_type": "goods"}, {"list_price": 10.56, "line_type": "goods"}, {"list_price": 10.56, "line_type": "goods"},
                                   {"list_price": 60.00, "line_type": "goods"}, {"list_price": 1.26, "line_type": "shipping"}]'::jsonb, '{}', 'W43', '2025-06-01')
      WHERE kind = 'line') AS t,
     (VALUES ('Sylius, total', 1.26), ('Sylius, discount', -91.68)) AS v (what, e);

-- ---------------------------------------------------------------------------
-- One line again
-- ---------------------------------------------------------------------------

-- the net is rounded, not the discount, which ROUND_DOWN made 15.00
SELECT policy('W44', '{list,rules}'), rule('W44', 'rules', 'percent_off', 10, '{"promotion": "ten"}'),
       rule('W44', 'rules', 'percent_off', 25, '{"promotion": "quarter"}'),
       prices('W44', 'Saleor 10 %', 'W44', '{9}', '{8.10}', '{"promotion": "ten"}'),
       prices('W44', 'Saleor 25 %', 'W44', '{19.99}', '{14.99}', '{"promotion": "quarter"}');
SELECT policy('W45', '{list,sale,voucher}'), rule('W45', 'sale', 'percent_off', 50), rule('W45', 'voucher', 'percent_off', 50),
       amounts('W45', 'Saleor sale and voucher', 'W45', '{"list_price": 100}', '{2}', '{50}');

-- zone: what has the top priority compounds, or its best-price rule wins; lower
-- priorities are switched off. compete: one winner a priority, which compound.
INSERT INTO quotetier.policy (name, round_increment) VALUES ('W46zone', 0.01), ('W46compete', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick, compete, excludes) VALUES
    ('W46zone', 10, 'list', 'first', NULL, NULL), ('W46zone', 20, 'p99', 'chain', 'p99', '{p0}'),
    ('W46zone', 30, 'p99best', 'best', 'p99', '{p0}'), ('W46zone', 40, 'p0', 'chain', NULL, NULL),
    ('W46compete', 10, 'list', 'first', NULL, NULL), ('W46compete', 20, 'p99', 'best', NULL, NULL), ('W46compete', 30, 'p0', 'best', NULL, NULL);
SELECT rule(p, 'p99', 'percent_off', 10), rule(p, 'p99', 'percent_off', 20), rule(p, 'p0', 'percent_off', 15)
FROM unnest('{W46zone,W46compete}'::text[]) p;
SELECT prices('W46', 'Dynamics zone, A and B', 'W46zone', '{100}', '{72}'),
       prices('W46', 'Dynamics compete, B and C', 'W46compete', '{100}', '{68}');
SELECT rule('W46zone', 'p99best', 'percent_off', 35), rule('W46compete', 'p99', 'percent_off', 35),
       prices('W46', 'Dynamics zone, D', 'W46zone', '{100}', '{65}'),
       prices('W46', 'Dynamics compete, D and C', 'W46compete', '{100}', '{55.25}');

SELECT policy('W47', '{list,"rules best"}'), rule('W47', 'rules', 'percent_off', 10), rule('W47', 'rules', 'percent_off', 15),
       prices('W47', 'SAP best of 10 % and 15 %', 'W47', '{100}', '{85}');
SELECT policy('W48', '{list}'), scaled('W48', 'list', 'price', 'volume', '(]', '{{0,10,100},{10,20,90},{20,30,85}}');
INSERT INTO example (id, what, expected, got) SELECT 'W48', 'Medusa tier, 13 pieces', 90, net_price FROM quoted('W48', '{}', 13);
SELECT policy('W49', '{list,"lists best"}'), rule('W49', 'lists', 'price', 400), rule('W49', 'lists', 'price', 450);
INSERT INTO example (id, what, expected, got)
SELECT 'W49', what, e, CASE what WHEN 'Medusa price lists, original' THEN list_price ELSE net_price END
FROM quoted('W49', '{"list_price": 500}'), (VALUES ('Medusa price lists, calculated', 400), ('Medusa price lists, original', 500)) AS v (what, e);
-- the documented order puts region before city, so 400; the page prints 500, against its own order
SELECT policy('W50', '{list}');
UPDATE quotetier.step SET access = '{region+city,region,city,""}' WHERE policy = 'W50';
SELECT rule('W50', 'list', 'price', 500), rule('W50', 'list', 'price', 400, '{"region": "pl"}'), rule('W50', 'list', 'price', 450, '{"city": "krakow"}'),
       rule('W50', 'list', 'price', 500, '{"region": "pl", "city": "warsaw"}');
INSERT INTO example (id, what, expected, got)
SELECT 'W50', 'Medusa, region before city (der)', 400, net_price FROM quoted('W50', '{"region": "pl", "city": "krakow"}');
SELECT policy('W51', '{list,rules}'), rule('W51', 'rules', 'percent_off', 9.44, '{"promotion": "short"}'),
       rule('W51', 'rules', 'percent_off', 9.437949, '{"promotion": "exact"}'),
       prices('W51', 'Magento, 9.44 %', 'W51', '{70990}', '{64288.54}', '{"promotion": "short"}'),
       prices('W51', 'Magento, 9.437949 %', 'W51', '{70990}', '{64290.00}', '{"promotion": "exact"}');
SELECT policy('W52', '{list,"sale first special"}'), rule('W52', 'sale', 'price_percent', 100);
INSERT INTO example (id, what, expected, got)
SELECT 'W52', 'Magento save %, 57 for ' || s, e, (quoted('W52', jsonb_build_object('list_price', 57, 'special', s))).discount_pct
FROM (VALUES (55.29, 3), (54.15, 5), (51.30, 10)) AS v (s, e);

-- ---------------------------------------------------------------------------
-- Rounding, endings, time
-- ---------------------------------------------------------------------------

SELECT policy('W53', '{list,rules}'), rule('W53', 'rules', 'percent_off', 10),
       policy('W53u', '{list,rules}', 'unit'), rule('W53u', 'rules', 'percent_off', 10),
       amounts('W53', 'Vendure, the line rounded (der)', 'W53', '{"list_price": 366.06}', '{25}', '{8236.35}'),
       amounts('W53', 'Vendure, the unit rounded', 'W53u', '{"list_price": 366.06}', '{25}', '{8236.25}');
SELECT policy('W54', '{list,rules}', 'adjustment'), rule('W54', 'rules', 'percent_off', 16.83),
       policy('W54n', '{list,rules}'), rule('W54n', 'rules', 'percent_off', 16.83),
       prices('W54', 'ERPNext, the discount rounded to 42.08', 'W54', '{250}', '{207.92}'),
       prices('W54', 'ERPNext, the net rounded', 'W54n', '{250}', '{207.93}');
SELECT policy('W55', '{list,surcharge,coupon}'), rule('W55', 'surcharge', 'percent_on', 15), rule('W55', 'coupon', 'percent_off', 100),
       amounts('W55', 'Odoo, all off', 'W55', '{"list_price": 11.50}', '{2}', '{0.00}');
SELECT policy('W56' || e, '{list}', ending => e) FROM unnest('{.09,0/.1,.90,.99}'::text[]) e;
SELECT prices('W56', 'VTEX nine, cents', 'W56.09', '{59.56}', '{59.59}'), prices('W56', 'VTEX zero', 'W560/.1', '{20.56}', '{20.60}'),
       prices('W56', 'VTEX nine, tenths', 'W56.90', '{59.56,19.85}', '{59.90,19.90}'),
       prices('W56', 'VTEX nines', 'W56.99', '{5.07,48.70}', '{4.99,48.99}');
SELECT policy('W57', '{list,volume}'), scaled('W57', 'volume', 'percent_off', 'volume', '(]', '{{0,10,10},{10,20,20}}'),
       policy('W57d', '{list,volume}'), scaled('W57d', 'volume', 'percent_off', 'graduated', '(]', '{{0,10,10},{10,20,20}}'),
       amounts('W57', 'Zoho flat (der)', 'W57', '{"list_price": 100}', '{15}', '{1200}'),
       amounts('W57', 'Zoho differential (der)', 'W57d', '{"list_price": 100}', '{15}', '{1300}');
-- the child's price hides the parent's scale where the step picks first, and does not where it picks best
SELECT policy('W58', '{list}'), policy('W58i', '{"list best"}');
SELECT scaled(p, 'list', 'price', 'volume', '[)', '{{0,10,50},{10,NULL,40}}'), rule(p, 'list', 'price', 45, '{"sku": "a"}')
FROM unnest('{W58,W58i}'::text[]) p;
INSERT INTO example (id, what, expected, got)
SELECT 'W58', format('Odoo, scales %s, quantity %s', CASE p WHEN 'W58' THEN 'hidden' ELSE 'inherited' END, q), e, (quoted(p, '{"sku": "a"}', q)).net_price
FROM (VALUES ('W58', 10, 45), ('W58i', 10, 40), ('W58i', 1, 45)) AS v (p, q, e);
-- 20:30 at UTC-5 is 01:30 UTC of the next day; the source prints 00:30, which changes nothing
SELECT policy('W59', '{list,promotion}'),
       rule('W59', 'promotion', 'percent_off', 10, valid => quotetier.valid_days('2019-06-15', '2019-06-17', 'America/Guayaquil'));
INSERT INTO example (id, what, expected, got)
SELECT 'W59', 'Odoo, 15 to 17 June in Guayaquil, at ' || t, e, (quoted('W59', '{"list_price": 100}', 1, t::timestamptz)).net_price
FROM (VALUES ('2019-06-17 20:30-05', 90), ('2019-06-18 00:00-05', 100), ('2019-06-15 00:00-05', 90), ('2019-06-14 23:59-05', 100)) AS v (t, e);
\o

SELECT id, what, expected, got, CASE WHEN got IS DISTINCT FROM expected THEN 'DIFFERS' ELSE 'holds' END AS it
FROM example ORDER BY no;
SELECT string_agg(id, ' ' ORDER BY id::int) AS missing
FROM (SELECT i::text FROM generate_series(1, 59) i EXCEPT SELECT ltrim(id, 'W') FROM example) AS m (id);

\c contrib_regression
DROP DATABASE worked_examples;

-- Ready policies: rows like anybody's, and quotes worked out by hand.
BEGIN;
SET LOCAL timezone = 'UTC';
SELECT quotetier.example_policy(p) FROM unnest('{tiered_b2b,graduated_saas,seasonal_retail,dynamic,zone,compete}'::text[]) p;
SELECT policy, count(DISTINCT step) AS steps, count(*) AS rules, count(note) AS notes FROM quotetier.rule GROUP BY policy ORDER BY policy;
SELECT name, kind FROM quotetier.dimension ORDER BY name;

-- every step of a line has a rule, but list where the price comes from the facts
SELECT policy, name FROM quotetier.step s WHERE policy <> 'default' AND NOT EXISTS (SELECT FROM quotetier.rule r WHERE (r.policy, r.step) = (s.policy, s.name)) ORDER BY 1, 2;

CREATE TABLE example (policy text, what text, facts jsonb, qty numeric, as_of timestamptz, expected numeric, status text);
INSERT INTO example VALUES
    -- 100 a piece
    ('tiered_b2b', 'nobody known',               '{"list_price": 100}', 1, '2026-06-01', 100.00, 'ok'),
    ('tiered_b2b', 'gold, 6 % for 60',           '{"list_price": 100, "tier": "gold"}', 60, '2026-06-01', 60 * 84.60, 'ok'),
    ('tiered_b2b', 'silver, first purchase',     '{"list_price": 100, "tier": "silver", "orders": 0}', 1, '2026-06-01', 90.25, 'ok'),
    ('tiered_b2b', 'gold, loyal, 9 % for 200',   '{"list_price": 100, "tier": "gold", "orders": 20}', 200, '2026-06-01', 200 * 79.443, 'ok'),
    ('tiered_b2b', 'a contract is final',        '{"list_price": 100, "tier": "gold", "customer": "ACME"}', 60, '2026-06-01', 60 * 80, 'ok'),
    ('tiered_b2b', 'agreed: 30 % off',           '{"list_price": 100, "tier": "gold", "requested_price": 70}', 1, '2026-06-01', 70.00, 'needs_approval'),
    ('tiered_b2b', 'agreed: 41 % off',           '{"list_price": 100, "requested_price": 59}', 1, '2026-06-01', 59.00, 'blocked'),
    ('tiered_b2b', 'agreed: more than it costs', '{"list_price": 100, "tier": "gold", "requested_price": 95}', 1, '2026-06-01', 90.00, 'ok'),
    -- 10 at 12, 40 at 10, 10 at 8
    ('graduated_saas', '60 seats',               '{"plan": "team"}', 60, '2026-06-01', 600.00, 'ok'),
    ('graduated_saas', '10 seats, two years',    '{"plan": "team", "term_months": 24}', 10, '2026-06-01', 102.00, 'ok'),
    ('graduated_saas', '11 seats, half a month', '{"plan": "team", "fraction": 0.5}', 11, '2026-06-01', 65.00, 'ok'),
    ('graduated_saas', '50 seats included',      '{"plan": "business"}', 50, '2026-06-01', 450.00, 'ok'),
    ('graduated_saas', '4 seats more',           '{"plan": "business"}', 54, '2026-06-01', 480.00, 'ok'),
    ('graduated_saas', '3 packages and the fee', '{"plan": "api"}', 2001, '2026-06-01', 27.50, 'ok'),
    ('graduated_saas', 'no plan',                '{}', 1, '2026-06-01', NULL, 'no_price'),
    -- Wednesday in June: 79.99 to the nearest .99
    ('seasonal_retail', 'nothing special',       '{"list_price": 79.99, "category": "coats"}', 1, '2026-06-03', 79.99, 'ok'),
    ('seasonal_retail', 'January: 47.994',       '{"list_price": 79.99, "category": "coats"}', 1, '2026-01-07', 47.99, 'ok'),
    ('seasonal_retail', 'and Sunday: 45.5943',   '{"list_price": 79.99, "category": "coats"}', 1, '2026-01-11', 45.99, 'ok'),
    ('seasonal_retail', 'Saturday in Berlin',    '{"list_price": 79.99}', 1, '2026-06-05 22:30+00', 75.99, 'ok'),
    ('seasonal_retail', 'Black week: 55.993',    '{"list_price": 79.99}', 1, '2026-11-28 12:00+01', 55.99, 'ok'),
    ('seasonal_retail', 'its last hour',         '{"list_price": 79.99}', 1, '2026-11-30 23:30+01', 55.99, 'ok'),
    ('seasonal_retail', 'over',                  '{"list_price": 79.99}', 1, '2026-12-01 00:00+01', 79.99, 'ok'),
    ('seasonal_retail', 'floor 16.20: 16.99',    '{"list_price": 36, "category": "coats", "coupon": "WELCOME10", "tier": "gold"}', 1, '2026-01-07', 16.99, 'ok'),
    -- list 100, cost 60: floor 68.1818..., cap 125
    ('dynamic', 'as listed',                     '{"list_price": 100, "cost": 60}', 1, '2026-06-01', 100.00, 'ok'),
    ('dynamic', '97 % of 90: 87.30',             '{"list_price": 100, "cost": 60, "competitor_price": 90}', 1, '2026-06-01', 87.50, 'ok'),
    ('dynamic', 'held at the margin',            '{"list_price": 100, "cost": 60, "competitor_price": 65}', 1, '2026-06-01', 68.19, 'ok'),
    ('dynamic', 'overstock: 90',                 '{"list_price": 100, "cost": 60, "stock_days": 120}', 1, '2026-06-01', 90.00, 'ok'),
    ('dynamic', '112 x 1.1 = 123.20',            '{"list_price": 100, "cost": 60, "value_score": 80, "demand": 1.6}', 1, '2026-06-01', 123.00, 'ok'),
    ('dynamic', 'held at the cap',               '{"list_price": 100, "cost": 60, "competitor_price": 125, "demand": 1.6}', 1, '2026-06-01', 125.00, 'ok'),
    ('dynamic', 'no cost known',                 '{"list_price": 100}', 1, '2026-06-01', 100.00, 'needs_approval'),
    -- W46
    ('zone', 'A and B',                          '{"list_price": 100}', 1, '2026-06-01', 72.00, 'ok'),
    ('zone', 'D alone',                          '{"list_price": 100, "coupon": "D"}', 1, '2026-06-01', 65.00, 'ok'),
    ('compete', 'B, then C',                     '{"list_price": 100}', 1, '2026-06-01', 68.00, 'ok'),
    ('compete', 'D, then C',                     '{"list_price": 100, "coupon": "D"}', 1, '2026-06-01', 55.25, 'ok');
SELECT e.policy, e.what, q.net_amount, q.status,
       CASE WHEN q.net_amount IS NOT DISTINCT FROM e.expected AND q.status = e.status THEN 'as expected' ELSE 'WRONG, expected ' || e.expected || ' ' || e.status END AS verdict
FROM example e, quotetier.quote(e.facts, e.qty, e.as_of, e.policy) q;

-- where no discount of the high priority is left, the low one counts
SAVEPOINT s;
DELETE FROM quotetier.rule WHERE policy = 'zone' AND step LIKE 'high%';
SELECT net_price FROM quotetier.quote('{"list_price": 100}', policy => 'zone');
ROLLBACK TO s;

-- what a rebate leaves is told, and is no part of the price
SELECT step, verdict, reason, amount, running FROM quotetier.explain_quote('{"list_price": 100, "tier": "gold"}', 10, '2026-06-01', 'tiered_b2b') WHERE verdict = 'statistical';

-- only once, and only these
\set SHOW_CONTEXT never
SELECT quotetier.example_policy('zone');
ROLLBACK TO s;
SELECT quotetier.example_policy('b2b');
ROLLBACK TO s;
SELECT quotetier.example_policy(NULL) IS NULL AS nothing;
ROLLBACK;

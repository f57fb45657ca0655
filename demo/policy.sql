-- What should they pay? A policy is rows: steps in their order, and rules in them.
SET search_path = demo;

BEGIN;

INSERT INTO quotetier.dimension (name) VALUES ('customer'), ('tier'), ('region'), ('category');

INSERT INTO quotetier.policy (name, currency) VALUES ('superstore', 'USD');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES
    ('superstore', 10, 'contract',  'first'),
    ('superstore', 20, 'tier',      'first'),
    ('superstore', 30, 'promotion', 'best'),
    ('superstore', 40, 'volume',    'best');

-- the tier's discount
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, note) VALUES
    ('superstore', 'tier', '{"tier": "silver"}',   'percent_off',  5, 'silver'),
    ('superstore', 'tier', '{"tier": "gold"}',     'percent_off',  8, 'gold'),
    ('superstore', 'tier', '{"tier": "platinum"}', 'percent_off', 12, 'platinum');

-- a regional promotion, for eight weeks
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, valid, note) VALUES
    ('superstore', 'promotion', '{"region": ["Central", "South"], "category": "Furniture"}',
     'percent_off', 15, '[2016-11-01 00:00+00, 2016-12-27 00:00+00)', 'furniture weeks');

-- a scale over the quantity of the line: from 5 on 4 % off, from 10 on 8 %
WITH volume AS (
    INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, note)
    VALUES ('superstore', 'volume', 'percent_off', 'volume', 'quantity discount')
    RETURNING id
)
INSERT INTO quotetier.scale (rule, from_value, to_value, value)
SELECT id, from_value, to_value, value FROM volume, (VALUES (5, 10, 4), (10, NULL, 8)) bracket (from_value, to_value, value);

-- the largest customer has a contract: 20 % off, and nothing on top of it
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, final, note)
SELECT 'superstore', 'contract', jsonb_build_object('customer', customer_id), 'percent_off', 20, true, 'contract of ' || name
FROM customer_report
ORDER BY revenue DESC, customer_id LIMIT 1;

COMMIT;

\C 'The policy'
SELECT s.seq, s.name AS step, s.pick, r.id AS rule, r.scope, r.adjust,
       coalesce(r.value::text, (SELECT string_agg(format('%s from %s', c.value, c.from_value), ', ' ORDER BY c.from_value)
                                FROM quotetier.scale c WHERE c.rule = r.id)) AS value,
       CASE WHEN r.valid = '(,)' THEN 'always' ELSE lower(r.valid)::date || ' to before ' || upper(r.valid)::date END AS valid,
       r.final
FROM quotetier.step s JOIN quotetier.rule r ON r.policy = s.policy AND r.step = s.name
WHERE s.policy = 'superstore'
ORDER BY s.seq, r.id;

-- Every historical line, with the facts that held on its day: the tier is the one
-- that orders of earlier days had earned. For a BI tool: plain columns only, and
-- always by the policy as it stands now.
CREATE VIEW line_facts AS
SELECT l.line_id, o.order_id, o.order_date, o.customer_id AS customer, o.region, p.category, l.sku, p.list_price,
       l.qty, l.charged, l.cost,
       quotetier.tier('loyalty', coalesce(earlier.revenue, 0)) AS tier
FROM order_line l JOIN orders o USING (order_id) JOIN products p USING (sku)
JOIN (SELECT order_id, sum(amount) OVER (PARTITION BY customer_id ORDER BY order_date
                                         RANGE BETWEEN UNBOUNDED PRECEDING AND '1 day' PRECEDING) AS revenue
      FROM orders) earlier USING (order_id);

CREATE VIEW line_report AS
SELECT l.line_id, l.order_id, l.order_date, l.customer, l.region, l.category, l.sku, l.tier, l.qty, l.list_price,
       q.list_amount, l.charged, q.net_amount AS policy_amount, q.net_price AS policy_price,
       round(100 * (1 - l.charged / q.list_amount), 4) AS given_pct, q.discount_pct AS policy_pct,
       q.net_amount - l.charged AS kept, l.charged - l.cost AS profit, q.status
FROM line_facts l
CROSS JOIN LATERAL (SELECT l.customer, l.tier, l.region, l.category, l.sku, l.list_price) facts
CROSS JOIN LATERAL quotetier.quote(facts, l.qty, l.order_date::timestamp AT TIME ZONE 'UTC', 'superstore') q;

COMMENT ON VIEW line_facts IS 'one row an order line, with the facts that held on its day';
COMMENT ON VIEW line_report IS 'one row an order line: what was charged, what the policy says, and the difference';

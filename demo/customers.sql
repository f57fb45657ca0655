-- Who are my customers, and which tier have they earned?
SET search_path = demo;

-- A ladder over revenue. A rung holds from its from_value up to the next one's.
INSERT INTO quotetier.scheme (name, kind) VALUES ('loyalty', 'threshold');
INSERT INTO quotetier.tier (scheme, name, rank, from_value, label_zh) VALUES
    ('loyalty', 'basic',    1,    0, '普通'),
    ('loyalty', 'silver',   2, 1500, '银卡'),
    ('loyalty', 'gold',     3, 3500, '金卡'),
    ('loyalty', 'platinum', 4, 6000, '白金');

-- Recency, frequency and monetary value of every customer on the day after the
-- last order, scored 1 to 5 against all others, and the segment that follows.
CREATE TABLE customer_score AS
SELECT s.*, quotetier.tier('loyalty', s.monetary) AS tier
FROM quotetier.rfm_table('demo.orders', 'customer_id', 'order_date', 'amount', as_of => '2018-01-01') s;

-- For a BI tool: plain columns only.
CREATE VIEW customer_report AS
SELECT c.customer_id, c.name, c.market, s.recency_days, s.frequency AS orders, s.monetary AS revenue,
       s.r, s.f, s.m, s.segment, s.tier, l.rank AS tier_rank, l.label_zh AS tier_zh
FROM customers c JOIN customer_score s ON s.customer = c.customer_id
JOIN quotetier.tier l ON l.scheme = 'loyalty' AND l.name = s.tier;

COMMENT ON VIEW customer_report IS 'one row a customer: recency, orders, revenue, scores, segment and tier';

\C 'Customers and revenue by segment'
SELECT segment, count(*) AS customers, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS "% of customers",
       round(sum(revenue)) AS revenue, round(100 * sum(revenue) / sum(sum(revenue)) OVER (), 1) AS "% of revenue",
       round(avg(recency_days)) AS "days since last order", round(avg(orders), 1) AS "orders each"
FROM customer_report
GROUP BY segment
ORDER BY sum(revenue) DESC;

\C 'Customers and revenue by tier'
SELECT tier, tier_zh, count(*) AS customers, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS "% of customers",
       round(sum(revenue)) AS revenue, round(100 * sum(revenue) / sum(sum(revenue)) OVER (), 1) AS "% of revenue"
FROM customer_report
GROUP BY tier, tier_zh, tier_rank
ORDER BY tier_rank DESC;

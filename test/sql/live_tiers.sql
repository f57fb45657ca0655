-- live: the views for reports, against rfm_table() and tier_membership
CREATE SCHEMA live_tiers;
SET search_path = live_tiers, public;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE TABLE orders (customer_id int, ordered date, total numeric, category text);
INSERT INTO orders
SELECT (i * i) % 41, current_date - (i * 7) % 400, (i * 37) % 500 / 10.0, 'k' || (i % 4) * (i % 3) FROM generate_series(1, 600) i;
SELECT quotetier.track('shop', 'orders', customer => 'customer_id', at => 'ordered', amount => 'total', by => 'category');
\d shop_tiers
-- the same as in one call
SELECT count(*) AS differ FROM (
    (SELECT customer::text, recency, frequency, monetary, r, f, m, segment FROM shop_scores
     EXCEPT SELECT * FROM quotetier.rfm_table('orders', 'customer_id', 'ordered', 'total'))
    UNION ALL
    (SELECT * FROM quotetier.rfm_table('orders', 'customer_id', 'ordered', 'total')
     EXCEPT SELECT customer::text, recency, frequency, monetary, r, f, m, segment FROM shop_scores)) d;
SELECT * FROM shop_variety ORDER BY customer LIMIT 3;
SELECT customer, value, orders, revenue FROM shop_rfm_by WHERE customer = 0 ORDER BY orders DESC;

-- a scheme that is assessed: since when
INSERT INTO quotetier.scheme (name, scores) VALUES ('club', 'live_tiers.scores');
INSERT INTO quotetier.tier (scheme, name, rank, from_value, label_zh) VALUES ('club', 'silver', 1, 100, '银牌'), ('club', 'gold', 2, 400, NULL);
CREATE FUNCTION scores(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql STABLE AS
    'SELECT customer::text, revenue FROM live_tiers.shop_rfm';
SELECT count(*) > 0 AS assessed FROM quotetier.assess('club', '2024-01-01');
SELECT quotetier.tier_view('shop', 'club');
SELECT tier, label, since, count(*), min(monetary) >= 100 AS enough FROM shop_tiers_club GROUP BY 1, 2, 3 ORDER BY 4;
SELECT count(*), count(DISTINCT customer), count(tier) FROM shop_tiers;
SELECT count(*) AS differ FROM (SELECT customer, tier, since, label FROM shop_tiers WHERE scheme = 'club'
                                EXCEPT SELECT customer, tier, since, label FROM shop_tiers_club) d;

-- schemes that are not: as of now
INSERT INTO quotetier.scheme (name) VALUES ('plain');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('plain', 'few', 1, 0), ('plain', 'much', 2, 400);
SELECT quotetier.tier_view('shop', 'plain'), quotetier.tier_view('shop', 'abc');
SELECT count(*) AS differ FROM shop_tiers_plain WHERE tier IS DISTINCT FROM CASE WHEN monetary >= 400 THEN 'much' ELSE 'few' END;
SELECT tier, label, count(*), since FROM shop_tiers_abc GROUP BY tier, label, since ORDER BY tier;
SELECT quotetier.tier_view('shop', 'none');

-- an order more, and it shows
INSERT INTO orders VALUES (1000, current_date, 100000, 'k1');
SELECT customer, recency, frequency, monetary, r, m, tier FROM shop_tiers_abc WHERE customer = 1000;
SELECT quotetier.untrack('shop');
\d
DELETE FROM quotetier.tier_membership WHERE scheme = 'club';
DELETE FROM quotetier.assessment WHERE scheme = 'club';
DELETE FROM quotetier.scheme WHERE name IN ('club', 'plain');
DROP SCHEMA live_tiers CASCADE;

-- Scoring modes and saved models, each mode judged by its definition in SQL.
SET search_path = public, quotetier;
\set SHOW_CONTEXT never

SELECT setseed(0.6);
CREATE TABLE mode_orders AS
SELECT (power(random(), 2) * 1500)::int AS id, 'n' || (power(random(), 2) * 1500)::int AS name,
       date '2017-01-01' + (random() * 364)::int AS day, round((random() * 90)::numeric, 2) AS amount
FROM generate_series(1, 9000) i;
CREATE TABLE mode_customer AS
SELECT key, customer, date '2017-12-31' - max(day) AS recency_days, count(*) AS frequency, sum(amount) AS monetary
FROM mode_orders, LATERAL (VALUES ('id', id::text), ('name', name)) k (key, customer) GROUP BY 1, 2;

-- scores of every mode, in memory and by files
CREATE VIEW mode_run AS
SELECT key, mode, bins, t.*
FROM (VALUES ('id'), ('name')) k (key),
     (VALUES ('quantile', 5), ('rfm_r', 5), ('rfm_r', 3), ('ntile', 5), ('ntile', 7), ('jenks', 4), ('mean', 2), ('median', 2)) m (mode, bins),
     rfm_table('mode_orders', key, 'day', 'amount', '2017-12-31', bins, mode, NULL) t;
CREATE TABLE mode_score AS SELECT '64MB' AS memory, * FROM mode_run;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
INSERT INTO mode_score SELECT '64kB', * FROM mode_run;
RESET work_mem;
RESET hash_mem_multiplier;
SELECT count(*) AS differences_between_memory_and_files FROM (
    SELECT key, mode, bins, customer, recency_days, frequency, monetary, r, f, m FROM mode_score WHERE memory = '64MB'
    EXCEPT SELECT key, mode, bins, customer, recency_days, frequency, monetary, r, f, m FROM mode_score WHERE memory = '64kB') d;

CREATE FUNCTION mode_differences(mode text, bins int, definition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM mode_score s JOIN (SELECT key, customer, %s FROM mode_customer) d USING (key, customer)
        WHERE s.mode = %L AND s.bins = %s AND (s.r, s.f, s.m) IS DISTINCT FROM (d.r, d.f, d.m)', definition, mode, bins) INTO n;
    RETURN n;
END $$;
SELECT count(*) AS rows, count(DISTINCT (memory, key, mode, bins)) AS runs FROM mode_score;
SELECT mode, bins, mode_differences(mode, bins, definition) AS differences FROM (VALUES
    ('quantile', 5, '6 - quantile_score(5) OVER (PARTITION BY key ORDER BY recency_days) AS r, quantile_score(5) OVER (PARTITION BY key ORDER BY frequency) AS f,
                     quantile_score(5) OVER (PARTITION BY key ORDER BY monetary) AS m'),
    ('ntile', 5, $$6 - ntile(5) OVER (PARTITION BY key ORDER BY recency_days, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS r,
                  ntile(5) OVER (PARTITION BY key ORDER BY frequency, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS f,
                  ntile(5) OVER (PARTITION BY key ORDER BY monetary, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS m$$),
    ('ntile', 7, $$8 - ntile(7) OVER (PARTITION BY key ORDER BY recency_days, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS r,
                  ntile(7) OVER (PARTITION BY key ORDER BY frequency, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS f,
                  ntile(7) OVER (PARTITION BY key ORDER BY monetary, CASE key WHEN 'id' THEN customer::int ELSE 0 END, customer) AS m$$)
    ) v (mode, bins, definition);
SELECT count(*) AS mean_differences
FROM mode_score s JOIN (SELECT *, avg(recency_days) OVER w AS days, avg(frequency) OVER w AS orders, avg(monetary) OVER w AS money
                        FROM mode_customer WINDOW w AS (PARTITION BY key)) d USING (key, customer)
WHERE s.mode = 'mean' AND (s.r, s.f, s.m) IS DISTINCT FROM
      (1 + (d.recency_days <= days)::int, 1 + (d.frequency >= orders)::int, 1 + (d.monetary >= money)::int);
-- R's: [edge, edge) with edges at quantile + 1, bins from the lowest
CREATE TABLE mode_quantile AS
SELECT key, bins, quantile_cuts(recency_days, bins) AS rq, quantile_cuts(frequency, bins) AS fq, quantile_cuts(monetary, bins) AS mq
FROM mode_customer, (VALUES (2), (3), (5)) b (bins) GROUP BY 1, 2;
SELECT count(*) AS rfm_r_differences
FROM mode_score s JOIN mode_customer d USING (key, customer) JOIN mode_quantile q USING (key, bins)
WHERE s.mode = 'rfm_r' AND (s.r, s.f, s.m) IS DISTINCT FROM
      (bins - (SELECT count(*) FROM unnest(rq) e WHERE e + 1 <= d.recency_days)::int,
       1 + (SELECT count(*) FROM unnest(fq) e WHERE e + 1 <= d.frequency)::int,
       1 + (SELECT count(*) FROM unnest(mq) e WHERE e + 1 <= d.monetary)::int);
SELECT count(*) AS median_differences
FROM mode_score s JOIN mode_customer d USING (key, customer) JOIN mode_quantile q USING (key, bins)
WHERE s.mode = 'median' AND (s.r, s.f, s.m) IS DISTINCT FROM
      (1 + (d.recency_days <= rq[1])::int, 1 + (d.frequency >= fq[1])::int, 1 + (d.monetary >= mq[1])::int);

-- ----- natural breaks: the least sum of squares there is, by trying all -----

CREATE FUNCTION least_squares(v numeric[], classes int) RETURNS numeric LANGUAGE sql AS $$
    WITH RECURSIVE cost AS (
        SELECT i, j, (SELECT sum(x * x) - sum(x) * sum(x) / count(*) FROM unnest(v[i:j]) x) AS c
        FROM generate_subscripts(v, 1) i, generate_subscripts(v, 1) j WHERE i <= j),
    split AS (
        SELECT 1 AS k, j, c FROM cost WHERE i = 1
        UNION ALL
        SELECT k + 1, cost.j, split.c + cost.c FROM split JOIN cost ON cost.i = split.j + 1 WHERE k < classes)
    SELECT min(c) FROM split WHERE k = classes AND j = cardinality(v)
$$;
SELECT setseed(0.8);
CREATE TABLE jenks_sample AS
SELECT id, n, row_number() OVER (PARTITION BY id) AS customer, round((power(random(), 3) * 40)::numeric, id % 3) AS amount
FROM (SELECT id, 4 + (random() * 7)::int AS n FROM generate_series(1, 60) id) s, LATERAL generate_series(1, n);
CREATE FUNCTION jenks_of(sample int, classes int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE result numeric;
BEGIN
    CREATE TEMP TABLE jenks_one AS SELECT customer, date '2017-01-01' AS day, amount FROM jenks_sample WHERE id = sample;
    SELECT sum(c) INTO result FROM (SELECT sum(monetary * monetary) - sum(monetary) * sum(monetary) / count(*) AS c
        FROM rfm_table('jenks_one', 'customer', 'day', 'amount', '2017-01-01', classes, 'jenks', NULL) GROUP BY m) s;
    DROP TABLE jenks_one;
    RETURN result;
END $$;
SELECT classes, count(*) AS samples,
       count(*) FILTER (WHERE round(jenks_of(id, classes), 10) > round(least_squares(v, classes), 10)) AS worse_than_best
FROM (SELECT id, array_agg(amount ORDER BY amount) AS v FROM jenks_sample GROUP BY 1 HAVING count(DISTINCT amount) >= 4) s,
     generate_series(2, 4) classes GROUP BY 1 ORDER BY 1;
-- fewer values than bins: a class each
CREATE TABLE few AS SELECT i AS customer, date '2017-01-01' AS day, (i % 2) * 10 AS amount FROM generate_series(1, 6) i;
SELECT customer, r, f, m FROM rfm_table('few', 'customer', 'day', 'amount', '2017-01-01', 5, 'jenks', NULL) ORDER BY 1;
SELECT customer, r, f, m FROM rfm_table('few', 'customer', 'day', 'amount', '2017-01-01', 9, 'ntile', NULL) ORDER BY 1;
SELECT * FROM rfm_cuts('few', 'customer', 'day', 'amount', '2017-01-01', 9, 'ntile', NULL);

-- ----- given cuts, and high and low -----

SELECT count(*) AS fixed_differences
FROM rfm_table('mode_orders', 'name', 'day', 'amount', '2017-12-31', 3, 'fixed', 'klaviyo_27', '{30,90.5}', '{5,10}', '{100,500.505}') t
JOIN mode_customer c ON c.key = 'name' AND c.customer = t.customer
WHERE (t.r, t.f, t.m) IS DISTINCT FROM
      (4 - score(t.recency_days, '{30,90.5}'), score(t.frequency, '{5,10}'), score(t.monetary, '{100,500.505}'));
SELECT r, f, m, segment, count(*) FROM rfm_table('mode_orders', 'id', 'day', 'amount', '2017-12-31', 2, 'mean', 'chinese_8') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;

-- ----- models -----

SELECT name, source, bins, mode, map, recency_cuts, frequency_cuts, monetary_cuts, customers
FROM rfm_fit('shop', 'mode_orders', 'name', 'day', 'amount', '2017-12-31');
SELECT * FROM rfm_models WHERE model = 'shop' ORDER BY score DESC;
SELECT (rfm_fit('m ' || mode, 'mode_orders', 'id', 'day', 'amount', '2017-12-31', bins, mode, NULL)).customers
FROM (VALUES ('rfm_r', 3), ('jenks', 4), ('mean', 2), ('median', 2), ('ntile', 7)) v (mode, bins);
SELECT count(*) AS customers, count(*) FILTER (WHERE (a.r, a.f, a.m, a.segment) = (t.r, t.f, t.m, t.segment)) AS as_rfm_table
FROM (SELECT name, rfm_agg(day, amount) AS s FROM mode_orders GROUP BY 1) c
JOIN rfm_table('mode_orders', 'name', 'day', 'amount', '2017-12-31') t ON t.customer = c.name, LATERAL rfm_apply('shop', s, '2017-12-31') a;
SELECT mode, count(*) AS customers, count(*) FILTER (WHERE (a.recency_days, a.frequency, a.monetary, a.r, a.f, a.m) = (t.recency_days, t.frequency, t.monetary, t.r, t.f, t.m)) AS as_rfm_table
FROM (SELECT id::text AS customer, rfm_agg(day, amount) AS s FROM mode_orders GROUP BY 1) c
JOIN mode_score t USING (customer), LATERAL rfm_apply('m ' || mode, s, '2017-12-31') a
WHERE memory = '64MB' AND key = 'id' AND (mode, bins) IN (('rfm_r', 3), ('jenks', 4), ('mean', 2), ('median', 2)) GROUP BY 1 ORDER BY 1;
SELECT * FROM rfm_apply('shop', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,1e60)', '2018-01-01');
SELECT rfm_apply('shop', NULL) IS NULL AS nothing;
-- a model is seen as its row is; fitting again replaces it
BEGIN;
UPDATE rfm_model SET monetary_cuts = '{1,2,3,4}' WHERE name = 'shop';
SELECT (rfm_apply('shop', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,2.5)', '2018-01-01')).m;
ROLLBACK;
SELECT (rfm_apply('shop', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,2.5)', '2018-01-01')).m;
SELECT name, mode, bins FROM rfm_fit('shop', 'mode_orders', 'name', 'day', 'amount', '2017-12-31', 2, 'mean', 'chinese_8');
SELECT r, f, m, segment FROM rfm_apply('shop', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,99,9999)', '2018-01-01');
-- a trigger that keeps the segment of a customer
CREATE TABLE shop_customer (name text PRIMARY KEY, summary rfm, segment text);
CREATE FUNCTION keep_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.segment := (quotetier.rfm_apply('shop', NEW.summary, '2017-12-31')).segment; RETURN NEW; END $$;
CREATE TRIGGER keep_segment BEFORE INSERT OR UPDATE OF summary ON shop_customer FOR EACH ROW EXECUTE FUNCTION keep_segment();
INSERT INTO shop_customer VALUES ('n1', rfm_add(NULL, date '2017-02-01', 10));
UPDATE shop_customer SET summary = rfm_add(summary, date '2017-12-01', 5000);
TABLE shop_customer;

-- ----- bad input -----

SELECT * FROM rfm_table('few', 'customer', 'day', 'amount', mode => 'mean');
SELECT * FROM rfm_table('few', 'customer', 'day', 'amount', mode => 'fixed');
SELECT * FROM rfm_table('few', 'customer', 'day', 'amount', r_cuts => '{1,2,3,4}');
SELECT * FROM rfm_table('few', 'customer', 'day', 'amount', mode => 'fixed', r_cuts => '{1,2,3,4}', f_cuts => '{1,2,3}', m_cuts => '{1,2,3,4}');
SELECT * FROM rfm_table('few', 'customer', 'day', 'amount', mode => 'fixed', r_cuts => '{4,2,3,4}', f_cuts => '{1,2,3,4}', m_cuts => '{1,2,3,4}');
SELECT rfm_fit('empty', 'few', 'customer', 'day', 'amount', '2016-12-31');
SELECT rfm_fit('empty', 'few', 'customer', 'day', 'amount', map => 'no such map');
\set VERBOSITY terse
SELECT rfm_fit(NULL, 'few', 'customer', 'day', 'amount');
SELECT rfm_fit('', 'few', 'customer', 'day', 'amount');
SELECT rfm_apply('no such model', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,2.5)');
SELECT rfm_apply('shop', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,2.5)', 'infinity');
UPDATE rfm_model SET recency_cuts = '{3,2,1,0}' WHERE name = 'm rfm_r';
UPDATE rfm_model SET recency_cuts = '{3,2}' WHERE name = 'm rfm_r';
UPDATE rfm_model SET mode = 'other' WHERE name = 'm rfm_r';
\set VERBOSITY default
UPDATE rfm_model SET map = 'standard' WHERE name = 'm rfm_r';
SELECT rfm_apply('m rfm_r', rfm '(2017-01-01 00:00:00,2017-12-30 00:00:00,5,2.5)', '2018-01-01');

DELETE FROM rfm_model;
DROP VIEW mode_run;
DROP TABLE mode_orders, mode_customer, mode_score, mode_quantile, jenks_sample, few, shop_customer;
DROP FUNCTION mode_differences, least_squares, jenks_of, keep_segment;

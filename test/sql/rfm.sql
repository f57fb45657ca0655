-- The rfm type and rfm_agg, judged by min, max, count and sum(numeric).
SET search_path = public, quotetier;
SET timezone = 'Asia/Shanghai';

-- ----- what it is -----

SELECT rfm_agg(d, a) AS summary
FROM (VALUES (date '2017-03-01', 10.50), ('2017-01-03', 1), ('2017-12-30', -0.25)) o (d, a);

SELECT first_at(s), last_at(s), orders(s), revenue(s), average_order(s),
       recency_days(s, '2017-12-31') AS days, recency_days(s, '2017-12-01') AS negative_days
FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-12-30 23:59:59.999999,4,11.00)')) v (s);

-- date and timestamp as they are, timestamptz as its UTC wall clock
SELECT rfm_agg(at::date, 1) AS day, rfm_agg(at::timestamp, 1) AS local, rfm_agg(at, 1) AS utc
FROM (VALUES (timestamptz '2017-01-01 07:30+08')) o (at);

-- before the year 2000, before Christ, and the ends of time
SELECT rfm_agg(at, 1), recency_days(rfm_agg(at, 1), '1999-12-31') AS days
FROM (VALUES (timestamp '1999-12-30 23:59:59.5')) o (at);
SELECT rfm_agg(at, 1) FROM (VALUES (timestamp '0044-03-15 12:00 BC'), ('294276-12-31 23:59:59.999999')) o (at);
SELECT rfm_agg(at, 1)::text::rfm = rfm_agg(at, 1) AS comes_back
FROM (VALUES (timestamp '4713-01-01 00:00 BC'), ('294276-12-31 23:59:59.999999')) o (at);

-- no orders: no summary
SELECT rfm_agg(d, a) IS NULL AS nothing FROM (VALUES (date '2017-01-01', NULL::numeric), (NULL, 1)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (NULL, 5), (date '2017-01-01', 1), ('2018-01-01', NULL)) o (d, a);
SELECT rfm_agg(s) FROM (VALUES (NULL::rfm)) v (s);

-- ----- merging -----

SELECT a || b AS both, a || NULL AS neither, rfm_add(a, date '2018-01-01', 0.001) AS more,
       rfm_add(NULL, timestamp '2018-01-01 10:00', 3) AS first, a AS unchanged
FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-06-30 00:00:00,2,10)', rfm '(2016-12-31 00:00:00,2017-02-01 00:00:00,3,-1.50)')) v (a, b);
SELECT rfm(timestamp '2017-01-01', timestamp '2017-02-01', 2, 5.00) = rfm '(2017-01-01 00:00:00,2017-02-01 00:00:00,2,5)' AS made;
SELECT count(*) AS rollups, rfm_agg(s) AS total
FROM (SELECT rfm_agg(date '2017-01-01' + i, i / 4.0) AS s FROM generate_series(1, 1000) i GROUP BY i % 7) rollup;

-- ----- equality is of numbers; hashing follows it -----

SELECT a = b AS equal, a <> b AS different, rfm_hash(a) = rfm_hash(b) AS same_hash,
       rfm_hash_extended(a, 7) = rfm_hash_extended(b, 7) AS same_extended_hash
FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.5)', rfm '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.5000)'),
             ('(2017-01-03 00:00:00,2017-01-03 00:00:00,1,0)', '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,0.00)'),
             ('(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.5)', '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,-1.5)'),
             ('(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.5)', '(2017-01-04 00:00:00,2017-01-04 00:00:00,1,1.5)')) v (a, b);
SELECT count(*) FROM (SELECT DISTINCT s FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.5)'), ('(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1.50)')) v (s)) d;

-- ----- as a window and with modifiers -----

SELECT i, rfm_agg(date '2017-01-01' + i, i) OVER (ORDER BY i) AS running,
       orders(rfm_agg(date '2017-01-01' + i, i) OVER (ORDER BY i ROWS 1 PRECEDING)) AS last_two
FROM generate_series(1, 4) i;
SELECT rfm_agg(DISTINCT date '2017-01-01', (i % 3)::numeric) AS "distinct",
       rfm_agg(date '2017-01-01' + i, i ORDER BY i DESC) FILTER (WHERE i > 3) AS filtered
FROM generate_series(1, 5) i;

-- ----- everything against min, max, count, sum; the seed is printed -----

\set seed 0.20170103
\echo seed :seed
SELECT setseed(:seed);
CREATE TABLE rfm_orders AS
SELECT i % 257 AS customer, i % 11 AS part,
       CASE WHEN random() < 0.05 THEN NULL
            ELSE timestamp '1990-01-01' + random() * interval '30 years' END AS at,
       CASE i % 8
           WHEN 0 THEN round((random() * 1000)::numeric, 2)
           WHEN 1 THEN -round((random() * 1000)::numeric, 2)
           WHEN 2 THEN round((random() * 1e15)::numeric, 0)
           WHEN 3 THEN round((random() * 1e15)::numeric, 0) * 1000000000 + 0.1
           WHEN 4 THEN round((random() * 1e9)::numeric, 0) / power(10::numeric, (random() * 30)::int)
           WHEN 5 THEN (random() * 100)::int
           WHEN 6 THEN -1e15 - round(random()::numeric, (random() * 12)::int)
           ELSE NULLIF(round((random() * 4)::numeric, (random() * 5)::int), 0)
       END AS amount
FROM generate_series(1, 40000) i;
CREATE VIEW rfm_truth AS
SELECT customer, min(at) AS first_at, max(at) AS last_at, count(*) AS orders, sum(amount) AS revenue
FROM rfm_orders WHERE at IS NOT NULL AND amount IS NOT NULL GROUP BY customer;
-- as text, so that the decimals shown count as well
CREATE FUNCTION rfm_differences(summaries text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('WITH mine AS (%s), parts AS (SELECT customer, first_at(s), last_at(s), orders(s), revenue(s)::text FROM mine),
        truth AS (SELECT customer, first_at, last_at, orders, revenue::text FROM rfm_truth)
        SELECT count(*) FROM ((TABLE parts EXCEPT TABLE truth) UNION ALL (TABLE truth EXCEPT TABLE parts)) d', summaries) INTO n;
    RETURN n;
END $$;
SELECT count(*) AS customers, sum(orders) AS orders, max(scale(revenue)) AS decimals FROM rfm_truth;
SELECT rfm_differences('SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
SELECT rfm_differences('SELECT customer, rfm_agg(s) AS s FROM (SELECT customer, part, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1, 2) p GROUP BY 1') AS differences;
SELECT rfm_differences('SELECT customer, rfm_agg(at, amount ORDER BY amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
SELECT rfm_differences('SELECT customer, rfm_agg(at AT TIME ZONE ''UTC'', amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
SELECT rfm_differences('SELECT customer, rfm_agg(s::text::rfm) AS s FROM (SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1) p GROUP BY 1') AS differences;

-- with 2 and 1 workers, and none; sorted and hashed
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1;
SELECT rfm_differences('SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
SET max_parallel_workers_per_gather = 1;
SELECT rfm_differences('SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
SET max_parallel_workers_per_gather = 0;
RESET enable_sort;
SET enable_hashagg = off;
SELECT rfm_differences('SELECT customer, rfm_agg(at, amount) AS s FROM rfm_orders GROUP BY 1') AS differences;
RESET ALL;
SET search_path = public, quotetier;

-- hashed with little memory, so that groups go to disk
SET work_mem = '64kB';
SELECT count(*) AS differences FROM (
    SELECT i % 20000, orders(rfm_agg(date '2017-01-01' + i % 365, i)), revenue(rfm_agg(date '2017-01-01' + i % 365, i))
    FROM generate_series(1, 60000) i GROUP BY 1
    EXCEPT SELECT i % 20000, count(*), sum(i)::numeric FROM generate_series(1, 60000) i GROUP BY 1) d;
RESET work_mem;

-- ----- the range: 76 digits from the highest to the last decimal place -----

SELECT revenue(rfm_agg(date '2017-01-01', a)) AS revenue
FROM (VALUES (1e37), (1e-38), (-9e37)) v (a);
SELECT length(revenue(rfm_agg(date '2017-01-01', a))::text) AS digits,
       revenue(rfm_agg(date '2017-01-01', a)) = sum(a) AS exact
FROM (VALUES (repeat('9', 76)::numeric), (1), (-repeat('9', 76)::numeric), (repeat('9', 75)::numeric)) v (a);
SELECT revenue(rfm_agg(date '2017-01-01', a)) AS only_zeros_are_dropped
FROM (VALUES (1.000000000000000000000000000000000000000000000000000000000000000000000000000000000000), (1e40)) v (a);
SELECT rfm_agg(date '2017-01-01', a) FROM (VALUES (1e77)) v (a);
SELECT rfm_agg(date '2017-01-01', a) FROM (VALUES (1e40), (1e-40)) v (a);
SELECT rfm_agg(date '2017-01-01', a) FROM (VALUES (5e76), (5e76)) v (a);
SELECT rfm_agg(date '2017-01-01', a) FROM (VALUES (-5e76), (-5e76)) v (a);
SELECT a || a FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-01-03 00:00:01,9223372036854775807,1)')) v (a);
SELECT rfm_add(a, date '2017-01-01', 1) FROM (VALUES (rfm '(2017-01-03 00:00:00,2017-01-03 00:00:01,9223372036854775807,1)')) v (a);

-- ----- bad input -----

SELECT rfm_agg(d, a) FROM (VALUES (date '2017-01-01', 'NaN'::numeric)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (date '2017-01-01', 1), ('2017-01-01', 'NaN'::numeric)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (date '2017-01-01', 1), ('2017-01-01', '-Infinity'::numeric)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (date 'infinity', 1)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (timestamp '-infinity', 1)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (timestamptz 'infinity', 1)) o (d, a);
SELECT rfm_agg(d, a) FROM (VALUES (date '5874897-12-31', 1)) o (d, a);
SELECT recency_days(rfm '(2017-01-03 00:00:00,2017-01-03 00:00:00,1,1)', 'infinity');
SELECT rfm(timestamp '2017-01-01', timestamp '2016-01-01', 2, 1);
SELECT rfm(timestamp '2017-01-01', timestamp '2017-01-01', 0, 1);
SELECT rfm(timestamp '2017-01-01', timestamp '2017-01-02', 1, 1);
SELECT rfm(timestamp '-infinity', timestamp '2017-01-02', 2, 1);
SELECT rfm(timestamp '2017-01-01', timestamp '2017-01-02', 2, 'NaN');
SELECT rfm '';
SELECT rfm '(2017-01-01 00:00:00,2017-01-02 00:00:00,2)';
SELECT rfm '(2017-01-01 00:00:00,2017-01-02 00:00:00,2,1,1)';
SELECT rfm '(2017-01-01 00:00:00,2017-01-02 00:00:00,two,1)';
SELECT rfm '(2017-01-01 00:00:00,2017-01-02 00:00:00,2,1';
SELECT rfm '(01/02/2017,2017-01-02 00:00:00,2,1)';
SELECT rfm '(now,2017-01-02 00:00:00,2,1)';
SELECT rfm '(2017-13-01 00:00:00,2017-01-02 00:00:00,2,1)';
SELECT rfm '(2017-01-03 00:00:00,2017-01-02 00:00:00,2,1)';
SELECT rfm ' (2017-01-01,2017-01-02 10:00,2,1.50) ' AS spaces_and_short_times;

DROP TABLE rfm_orders CASCADE;
DROP FUNCTION rfm_differences;

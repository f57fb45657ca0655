-- Summing orders up by customer: rfm_agg against the four aggregates it stands
-- for and against count(*), the floor of any grouping; its memory; rfm_table
-- against the same in SQL; scores against ntile; btyd_agg against count(*).
-- psql variables: orders (10000000), rounds (5).

\if :{?orders} \else \set orders 10000000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET work_mem = '512MB';

-- few customers order often, most seldom; in order of time, as orders come
SELECT setseed(0.5) \g /dev/null
CREATE TABLE bench.orders AS
SELECT c AS customer_500k, c % 50000 AS customer_50k, c % 5000 AS customer_5k,
       timestamp '2014-01-01' + i * (interval '4 years' / :orders) AS at,
       (random() * random() * 1000)::numeric(12, 2) AS amount
FROM (SELECT i, (500000 * power(random(), 1.7))::int AS c FROM generate_series(1, :orders) i) o;
VACUUM ANALYZE bench.orders;

\echo
\echo rfm_agg, grouped: of min, max, count, sum; and of count(*)
CREATE TEMP TABLE figure AS SELECT '' AS groups, '' AS arm, 0.0 AS ms, 0.0 AS times WITH NO DATA;
SELECT format($$INSERT INTO figure SELECT '%1$s', * FROM bench.race(%3$s, ARRAY['min, max, count, sum', 'count(*)', 'rfm_agg'], ARRAY[
    'SELECT count(a), count(b), sum(c), sum(d) FROM (SELECT min(at) a, max(at) b, count(*) c, sum(amount) d FROM bench.orders GROUP BY %2$s) s',
    'SELECT sum(c) FROM (SELECT count(*) c FROM bench.orders GROUP BY %2$s) s',
    'SELECT count(r) FROM (SELECT quotetier.rfm_agg(at, amount) r FROM bench.orders GROUP BY %2$s) s'])$$,
    groups, 'customer_' || groups, :rounds)
FROM unnest(ARRAY['5k', '50k', '500k']) groups \gexec
SELECT f.groups, f.ms AS "min, max, count, sum ms", c.ms AS "count(*) ms", r.ms AS "rfm_agg ms",
       round(r.ms / f.ms, 2) AS "x four (<= 0.85)", round(r.ms / c.ms, 2) AS "x count(*) (<= 1.30)"
FROM figure f JOIN figure c USING (groups) JOIN figure r USING (groups)
WHERE f.arm = 'min, max, count, sum' AND c.arm = 'count(*)' AND r.arm = 'rfm_agg' ORDER BY length(f.groups), 1;

\echo
\echo memory of the hash table, 500k groups
CREATE FUNCTION bench.hash_kb(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan::jsonb, '$.**."Peak Memory Usage"')::numeric;
END $$;
SELECT four AS "min, max, count, sum kB", rfm AS "rfm_agg kB", round(rfm / four, 2) AS "x four (<= 0.50)"
FROM bench.hash_kb('SELECT min(at), max(at), count(*), sum(amount) FROM bench.orders GROUP BY customer_500k') four,
     bench.hash_kb('SELECT quotetier.rfm_agg(at, amount) FROM bench.orders GROUP BY customer_500k') rfm;

\echo
\echo rfm_table against GROUP BY and three ntile, 500k customers, with work_mem 512MB and 4MB
SELECT format($$SELECT '%1$s' AS work_mem, arm, median_ms, round(1 / times_first, 2) AS "times as fast (>= 4)"
FROM set_config('work_mem', '%1$s', false), bench.race(%2$s, ARRAY['SQL', 'rfm_table'], ARRAY[
    'SELECT count(customer), sum(recency_days), sum(frequency), sum(monetary), sum(r), sum(f), sum(m), count(quotetier.rfm_segment(r, f, m))
       FROM (SELECT *, 6 - ntile(5) OVER (ORDER BY recency_days) AS r, ntile(5) OVER (ORDER BY frequency) AS f, ntile(5) OVER (ORDER BY monetary) AS m
       FROM (SELECT customer_500k AS customer, date ''2018-01-01'' - max(at)::date AS recency_days, count(*) AS frequency, sum(amount) AS monetary
               FROM bench.orders GROUP BY 1) c) s',
    'SELECT count(customer), sum(recency_days), sum(frequency), sum(monetary), sum(r), sum(f), sum(m), count(segment)
       FROM quotetier.rfm_table(''bench.orders'', ''customer_500k'', ''at'', ''amount'', as_of => ''2018-01-01'')'])$$,
    work_mem, greatest(:rounds / 2, 1))
FROM unnest(ARRAY['512MB', '4MB']) work_mem \gexec
SET work_mem = '512MB';

\echo
\echo cut points and scores of 500k stored values, three measures, against three ntile: as rfm_table returns them, and all of one type
CREATE TABLE bench.customer AS
SELECT recency_days, frequency, monetary FROM quotetier.rfm_table('bench.orders', 'customer_500k', 'at', 'amount', as_of => '2018-01-01');
CREATE TABLE bench.customer_numeric AS SELECT recency_days::numeric, frequency::numeric, monetary FROM bench.customer;
CREATE TABLE bench.customer_int AS SELECT recency_days, frequency::int, monetary::int FROM bench.customer;
VACUUM ANALYZE bench.customer, bench.customer_numeric, bench.customer_int;
SELECT format($$SELECT '%1$s' AS columns, arm, median_ms, times_first AS "x three ntile (<= 0.20)"
FROM bench.race(%3$s, ARRAY['three ntile', 'quantile_cuts and score'], ARRAY[
    'SELECT sum(r), sum(f), sum(m) FROM (SELECT ntile(5) OVER (ORDER BY recency_days) r, ntile(5) OVER (ORDER BY frequency) f, ntile(5) OVER (ORDER BY monetary) m
       FROM bench.%2$s) s',
    'SELECT sum(quotetier.score(recency_days, r)), sum(quotetier.score(frequency, f)), sum(quotetier.score(monetary, m)) FROM bench.%2$s,
       (SELECT quotetier.quantile_cuts(recency_days, 5) r, quotetier.quantile_cuts(frequency, 5) f, quotetier.quantile_cuts(monetary, 5) m FROM bench.%2$s) c'])$$,
    columns, source, :rounds)
FROM (VALUES ('int, bigint, numeric', 'customer'), ('numeric', 'customer_numeric'), ('int', 'customer_int')) t (columns, source) \gexec

\echo
\echo btyd_agg, grouped: of count(*), 500k groups
SELECT arm, median_ms, times_first AS "x count(*) (<= 1.60)"
FROM bench.race(:rounds, ARRAY['count(*)', 'btyd_agg'], ARRAY[
    'SELECT sum(c) FROM (SELECT count(*) c FROM bench.orders GROUP BY customer_500k) s',
    'SELECT count(b) FROM (SELECT quotetier.btyd_agg(at, amount) b FROM bench.orders GROUP BY customer_500k) s']);

-- btyd: the inputs of lifetime models, by the fixtures of lifetimes and by plain SQL.
SET search_path = public, quotetier;
\set SHOW_CONTEXT never

-- ----- the fixtures of lifetimes -----

CREATE TABLE lifetimes (id int, day date, amount numeric);
INSERT INTO lifetimes VALUES
    (1, '2015-01-01', 1), (1, '2015-02-06', 2), (2, '2015-01-01', 2), (3, '2015-01-01', 3), (3, '2015-01-02', 1),
    (3, '2015-01-05', 5), (4, '2015-01-16', 6), (4, '2015-02-02', 3), (4, '2015-02-05', 3), (5, '2015-01-16', 3),
    (5, '2015-01-17', 1), (5, '2015-01-18', 8), (6, '2015-02-02', 5);
SELECT id, b AS daily, x, t_x, t, round(m_x, 4) AS m_x
FROM (SELECT id, btyd_agg(day, amount) AS b FROM lifetimes GROUP BY 1) c, btyd_stats(b, '2015-02-07') ORDER BY 1;
SELECT id, b AS weekly, x, t_x, t
FROM (SELECT id, btyd_agg(day, amount, '1 week') AS b FROM lifetimes GROUP BY 1) c, btyd_stats(b, '2015-02-07') ORDER BY 1;
-- calibrated to 2015-02-01, and weekly
SELECT id, x, t_x, t, round(m_x, 4) AS m_x
FROM (SELECT id, btyd_agg(day, amount) FILTER (WHERE day <= '2015-02-01') AS b FROM lifetimes GROUP BY 1) c, btyd_stats(b, '2015-02-01') ORDER BY 1;
SELECT id, x, t_x, t
FROM (SELECT id, btyd_agg(day, amount, '1 week') FILTER (WHERE day <= '2015-02-01') AS b FROM lifetimes GROUP BY 1) c, btyd_stats(b, '2015-02-01') ORDER BY 1;
-- what came after that: the periods and the mean, of days and of weeks
SELECT id, coalesce(d.x + 1, 0) AS periods, coalesce(w.x + 1, 0) AS weeks, coalesce(round(mean, 4), 0) AS mean
FROM (SELECT id, btyd_agg(day, amount) FILTER (WHERE later) AS b, btyd_agg(day, amount, '1 week') FILTER (WHERE later) AS by_week, avg(amount) FILTER (WHERE later) AS mean
      FROM lifetimes, LATERAL (SELECT day > '2015-02-01' AS later) l GROUP BY 1 HAVING min(day) <= '2015-02-01') c
LEFT JOIN LATERAL btyd_stats(b, '2015-02-07') d ON true LEFT JOIN LATERAL btyd_stats(by_week, '2015-02-07') w ON true ORDER BY 1;
-- it is the first order in time that does not count, not the first row
SELECT m_x FROM (SELECT btyd_agg(day, amount) AS b FROM (VALUES (date '2015-02-01', 20), ('2015-01-01', 10), ('2015-03-01', 25)) o (day, amount)) c, btyd_stats(b, '2015-04-01');

-- ----- types of time, periods, as_of -----

SELECT btyd_agg(at::date, 1) AS day, btyd_agg(at::timestamp, 1) AS local, btyd_agg(at, 1) AS utc
FROM (SELECT set_config('timezone', 'Asia/Shanghai', false)) s, (VALUES (timestamptz '2017-01-01 07:30+08')) o (at);
SELECT period, btyd_agg(at, amount, period), (btyd_stats(btyd_agg(at, amount, period), '2017-12-31')).*
FROM (VALUES (timestamp '2017-01-01 23:59', 1), ('2017-01-02 00:01', 2), ('2016-12-31 12:00', 4), ('2017-11-05 08:00', 8)) o (at, amount),
     unnest(ARRAY['1 hour', '1 day', '24 hours', '2 days', '7 days', '1 month', '3 months', '1 year']::interval[]) WITH ORDINALITY p (period, n)
GROUP BY n, period ORDER BY n;
SELECT x, t_x, t FROM btyd_stats('(1 hours,3,1,{2017-01-01 10:00:00,2017-01-01 12:00:00})', '2017-01-01 12:59');
SELECT btyd_agg(day, amount) IS NULL AS nothing FROM (VALUES (NULL::date, 1), ('2017-01-01', NULL)) o (day, amount);

-- ----- against plain SQL, in every order, merged, and in parallel; the seed is printed -----

\set seed 0.25
\echo seed :seed
SELECT setseed(:seed);
CREATE TABLE btyd_orders AS
SELECT i % 97 AS customer, i % 5 AS part,
       timestamp '2015-01-01' + (CASE WHEN i % 3 = 0 THEN 30 ELSE 900 END) * random() * interval '1 day' AS at,
       CASE WHEN random() < 0.02 THEN NULL ELSE round((random() * 100 - 10)::numeric, (random() * 4)::int) END AS amount
FROM generate_series(1, 30000) i;
ANALYZE btyd_orders;
CREATE VIEW btyd_truth AS
SELECT 'day' AS unit, customer, count(*) - 1 AS x, (max(p) - min(p)) AS t_x, (date '2018-01-01' - min(p)) AS t,
       CASE WHEN count(*) = 1 THEN 0 ELSE (sum(s) - (array_agg(s ORDER BY p))[1]) / (count(*) - 1) END AS m_x
FROM (SELECT customer, at::date AS p, sum(amount) AS s FROM btyd_orders WHERE amount IS NOT NULL GROUP BY 1, 2) d GROUP BY 2
UNION ALL
SELECT 'week', customer, count(*) - 1, (max(p) - min(p)) / 7, (date_trunc('week', date '2018-01-01')::date - min(p)) / 7,
       CASE WHEN count(*) = 1 THEN 0 ELSE (sum(s) - (array_agg(s ORDER BY p))[1]) / (count(*) - 1) END
FROM (SELECT customer, date_trunc('week', at)::date AS p, sum(amount) AS s FROM btyd_orders WHERE amount IS NOT NULL GROUP BY 1, 2) w GROUP BY 2;
CREATE FUNCTION btyd_differences(unit text, summaries text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM btyd_truth t FULL JOIN (SELECT customer, s.* FROM (%s) c, btyd_stats(b, %L) s) m USING (customer)
        WHERE t.unit = %L AND (t.x, t.t_x, t.t, t.m_x) IS DISTINCT FROM (m.x, m.t_x, m.t, m.m_x)', summaries, '2018-01-01', unit) INTO n;
    RETURN n;
END $$;
SELECT unit, count(*) AS customers, sum(x) AS repeats FROM btyd_truth GROUP BY 1 ORDER BY 1;
SELECT btyd_differences('day', 'SELECT customer, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1') AS as_they_come,
       btyd_differences('day', 'SELECT customer, btyd_agg(at, amount ORDER BY at) AS b FROM btyd_orders GROUP BY 1') AS in_time,
       btyd_differences('day', 'SELECT customer, btyd_agg(at, amount ORDER BY at DESC) AS b FROM btyd_orders GROUP BY 1') AS backwards,
       btyd_differences('week', 'SELECT customer, btyd_agg(at, amount, ''1 week'') AS b FROM btyd_orders GROUP BY 1') AS weekly,
       btyd_differences('day', 'SELECT customer, btyd_agg(b) AS b FROM (SELECT customer, part, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1, 2) p GROUP BY 1') AS merged,
       btyd_differences('day', 'SELECT customer, b::text::btyd AS b FROM (SELECT customer, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1) p') AS as_text;
SELECT count(*) AS states_that_differ
FROM (SELECT customer, btyd_agg(at, amount ORDER BY at) AS b FROM btyd_orders GROUP BY 1) a
JOIN (SELECT customer, btyd_agg(at, amount ORDER BY amount) AS b FROM btyd_orders GROUP BY 1) b USING (customer) WHERE a.b <> b.b;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT customer, btyd_agg(at, amount) FROM btyd_orders GROUP BY 1;
SELECT btyd_differences('day', 'SELECT customer, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1') AS two_workers;
SET max_parallel_workers_per_gather = 1;
SELECT btyd_differences('day', 'SELECT customer, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1') AS one;
SET max_parallel_workers_per_gather = 0;
SELECT btyd_differences('day', 'SELECT customer, btyd_agg(at, amount) AS b FROM btyd_orders GROUP BY 1') AS none;
RESET ALL;
SET search_path = public, quotetier;
-- stored, and toasted
CREATE TABLE btyd_stored AS SELECT customer, btyd_agg(at, amount, '1 minute') AS b FROM btyd_orders GROUP BY 1;
SELECT count(*) AS customers, count(*) FILTER (WHERE s.x > 200) AS long FROM btyd_stored, btyd_stats(b, '2018-01-01') s;
SELECT x, t_x FROM (SELECT btyd_agg(b) AS b FROM btyd_stored) c, btyd_stats(b, '2018-01-01');
SELECT count(DISTINCT date_trunc('minute', at)) - 1 AS x FROM btyd_orders WHERE amount IS NOT NULL;
-- adding to what is stored leaves it as it was
SELECT a AS stored, btyd_add(a, date '2017-05-05', 10) AS more, a || btyd '(1 days,1,1,{2016-01-01})' AS both
FROM (VALUES (btyd '(1 days,30.00,10.00,{2017-01-03,2017-02-14})')) v (a);
-- as a running aggregate
SELECT i, btyd_agg(date '2017-01-10' - i % 3, i) OVER (ORDER BY i) FROM generate_series(1, 4) i;

-- ----- bad input -----

SELECT btyd_agg(date '2017-01-01', 1, '0 days');
SELECT btyd_agg(date '2017-01-01', 1, '-1 day');
SELECT btyd_agg(date '2017-01-01', 1, '1 day 1 hour');
SELECT btyd_agg(date '2017-01-01', 1, NULL);
SELECT btyd_agg(date '2017-01-01', 1, i * interval '1 day') FROM generate_series(1, 2) i;
SELECT btyd_agg(timestamp '2017-01-01', 1, '1 microsecond');
SELECT btyd_agg(date 'infinity', 1);
SELECT btyd_agg(date '2017-01-01', 'NaN');
SELECT btyd '(1 days,1,1,{2016-01-01})' || btyd '(7 days,1,1,{2016-01-04})';
SELECT btyd_stats('(1 days,1,1,{2016-01-02})', '2016-01-01');
SELECT btyd_stats('(1 days,1,1,{2016-01-02})', 'infinity');
SELECT btyd '';
SELECT btyd '(1 days,1,1,{})';
SELECT btyd '(1 days,1,1,{2016-01-02}';
SELECT btyd '(1 days,1,1)';
SELECT btyd '(1 fortnights,1,1,{2016-01-02})';
SELECT btyd '(0 days,1,1,{2016-01-02})';
SELECT btyd '(1 days,1,1,{01/02/2016})';
SELECT btyd '(1 days,3,1,{2016-01-02,2016-01-02})';
SELECT btyd '(1 days,3,1,{2016-01-03,2016-01-02})';
SELECT btyd '(7 days,3,1,{2016-01-03})';
SELECT btyd '(1 days,3,1,{2016-01-03})';
SELECT btyd '(1 days,3,NaN,{2016-01-03})';

DROP TABLE lifetimes, btyd_stored;
DROP FUNCTION btyd_differences;
DROP TABLE btyd_orders CASCADE;

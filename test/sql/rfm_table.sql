-- rfm_table, judged by GROUP BY and quantile_score in plain SQL.
SET search_path = public, quotetier;
\set SHOW_CONTEXT never

CREATE TABLE orders_source (
    id bigint, small int2, plain int4, big int8, word text, short varchar(8), padded char(8),
    uid uuid, num numeric, day date, at timestamp, attz timestamptz,
    amount numeric(12,2), loose numeric, whole int, double float8, cents bigint
);
SELECT setseed(0.3);
INSERT INTO orders_source
SELECT i, c - 500, c * 100003, -c * 10000000001, 'customer ' || repeat('x', c % 40) || c, 'c' || c, 'p' || c,
       md5(c::text)::uuid, c + (i % 2) * 0.0, at::date, at, at AT TIME ZONE 'UTC',
       round((random() * 1000 - 50)::numeric, 2), round((random() * 10)::numeric, (random() * 12)::int),
       (random() * 10)::int, (random() * 100)::int / 8.0, (random() * 1e12)::bigint
FROM (SELECT i, (power(random(), 2) * 800)::int AS c, timestamp '2015-01-01' + random() * interval '1200 days' AS at
      FROM generate_series(1, 12000) i) o;
UPDATE orders_source SET plain = NULL WHERE id % 1000 = 1;
UPDATE orders_source SET at = NULL WHERE id % 1000 = 2;
UPDATE orders_source SET amount = NULL WHERE id % 1000 = 3;
ANALYZE orders_source;

-- the same in plain SQL
CREATE FUNCTION plain_rfm(source text, who text, at text, amount text, as_of date, bins int, map text)
RETURNS TABLE (customer text, recency_days int, frequency bigint, monetary numeric, r int, f int, m int, segment text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH summary AS (
            SELECT (%1$s)::text AS customer, $1 - max((%2$s)::date) AS recency_days, count(*) AS frequency, sum((%3$s)::numeric) AS monetary
            FROM %4$s WHERE %2$s IS NOT NULL AND %3$s IS NOT NULL AND %1$s IS NOT NULL AND (%2$s)::date <= $1 GROUP BY 1),
        scored AS (
            SELECT *, $2 + 1 - quantile_score($2) OVER (ORDER BY recency_days) AS r,
                   quantile_score($2) OVER (ORDER BY frequency) AS f, quantile_score($2) OVER (ORDER BY monetary) AS m FROM summary)
        SELECT *, rfm_segment(r, f, m, $3) FROM scored $q$, who, at, amount, source) USING as_of, bins, map;
END $$;
CREATE FUNCTION differences(mine text, truth text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    EXECUTE format('WITH mine AS (%s), truth AS (%s)
        SELECT count(*) FROM ((TABLE mine EXCEPT ALL TABLE truth) UNION ALL (TABLE truth EXCEPT ALL TABLE mine)) d', mine, truth) INTO n;
    RETURN n;
END $$;

SELECT count(*) AS customers, sum(frequency) AS orders, sum(monetary) AS revenue, count(DISTINCT segment) AS segments,
       pg_typeof(min(customer)) AS customer, pg_typeof(min(recency_days)) AS recency_days, pg_typeof(min(frequency)) AS frequency
FROM rfm_table('orders_source', 'plain', 'at', 'amount', as_of => '2018-01-01');
SELECT sum(amount) AS the_same_revenue FROM orders_source WHERE plain IS NOT NULL AND at <= '2018-01-01 23:59:59.999999';

-- every type of customer, time and amount
SELECT customer, at, amount, differences(
    format('SELECT * FROM rfm_table(%L, %L, %L, %L, as_of => %L)', 'orders_source', customer, at, amount, '2018-01-01'),
    format('SELECT * FROM plain_rfm(%L, %L, %L, %L, %L, 5, %L)', 'orders_source',
           CASE customer WHEN 'num' THEN 'trim_scale(num)' ELSE customer END,
           CASE at WHEN 'attz' THEN 'attz AT TIME ZONE ''UTC''' ELSE at END, amount, '2018-01-01', 'standard'))
FROM (VALUES ('small', 'day', 'amount'), ('plain', 'at', 'amount'), ('big', 'attz', 'loose'), ('word', 'at', 'whole'),
             ('short', 'day', 'double'), ('padded', 'at', 'amount'), ('uid', 'at', 'cents'), ('num', 'at', 'loose'),
             ('day', 'at', 'amount'), ('at', 'at', 'amount')) v (customer, at, amount);

-- bins and maps
SELECT bins, map, differences(
    format('SELECT * FROM rfm_table(%L, %L, %L, %L, as_of => %L, bins => %L, map => %L)', 'orders_source', 'plain', 'at', 'amount', '2017-06-30', bins, map),
    format('SELECT * FROM plain_rfm(%L, %L, %L, %L, %L, %L, %L)', 'orders_source', 'plain', 'at', 'amount', '2017-06-30', bins, map))
FROM (VALUES (5, 'rf_grid'), (5, 'r_rfm'), (2, 'chinese_8'), (3, 'klaviyo_27'), (4, NULL), (9, NULL)) v (bins, map);

-- little memory: most customers go by way of files, and the result is the same
CREATE TEMP TABLE many AS
SELECT 'customer number ' || i % 30000 AS customer, i % 30000 AS id, date '2015-01-01' + (i * 7919) % 1000 AS at, (i * 31 % 100000) / 100.0 AS amount
FROM generate_series(1, 90000) i;
CREATE TEMP TABLE in_memory AS SELECT * FROM rfm_table('many', 'customer', 'at', 'amount', as_of => '2018-01-01');
CREATE TEMP TABLE in_memory_id AS SELECT * FROM rfm_table('many', 'id', 'at', 'amount', as_of => '2018-01-01');
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
CREATE TEMP TABLE by_files AS SELECT * FROM rfm_table('many', 'customer', 'at', 'amount', as_of => '2018-01-01');
CREATE TEMP TABLE by_files_id AS SELECT * FROM rfm_table('many', 'id', 'at', 'amount', as_of => '2018-01-01');
RESET work_mem;
RESET hash_mem_multiplier;
SELECT differences('TABLE in_memory', 'TABLE by_files') AS texts, differences('TABLE in_memory_id', 'TABLE by_files_id') AS numbers,
       differences('TABLE in_memory', $$SELECT * FROM plain_rfm('many', 'customer', 'at', 'amount', '2018-01-01', 5, 'standard')$$) AS plain,
       (SELECT count(*) FROM in_memory) AS customers;

-- amounts whose sums 128 bits do not hold
CREATE TEMP TABLE long_amounts AS
SELECT i % 40 AS customer, date '2017-01-01' + i % 200 AS at,
       CASE i % 4 WHEN 0 THEN 9e36 + i ELSE 10000000000 + round(i / 7.0, i % 25) END AS amount
FROM generate_series(1, 2000) i;
SELECT differences($$SELECT * FROM rfm_table('long_amounts', 'customer', 'at', 'amount', as_of => '2017-12-31')$$,
                   $$SELECT * FROM plain_rfm('long_amounts', 'customer', 'at', 'amount', '2017-12-31', 5, 'standard')$$);
SELECT monetary FROM rfm_table('long_amounts', 'customer', 'at', 'amount', as_of => '2017-12-31') ORDER BY customer LIMIT 2;

-- a view, a partitioned table, one's own uncommitted rows, a cursor's snapshot
CREATE TEMP VIEW recent AS SELECT plain AS customer, at, amount * 2 AS amount FROM orders_source WHERE at >= '2016-01-01';
SELECT differences($$SELECT * FROM rfm_table('recent', 'customer', 'at', 'amount', as_of => '2018-01-01')$$,
                   $$SELECT * FROM plain_rfm('recent', 'customer', 'at', 'amount', '2018-01-01', 5, 'standard')$$) AS view;
CREATE TABLE "Odd ""orders""" ("Who is it" int, "When" date, "How much" numeric) PARTITION BY RANGE ("When");
CREATE TABLE odd_2016 PARTITION OF "Odd ""orders""" FOR VALUES FROM ('2016-01-01') TO ('2017-01-01');
CREATE TABLE odd_2017 PARTITION OF "Odd ""orders""" FOR VALUES FROM ('2017-01-01') TO ('2018-01-01');
BEGIN;
INSERT INTO "Odd ""orders""" VALUES (1, '2016-05-01', 10), (1, '2017-05-01', 20), (2, '2017-06-01', 5);
DECLARE before CURSOR FOR SELECT * FROM rfm_table('"Odd ""orders"""', 'Who is it', 'When', 'How much', as_of => '2017-12-31') ORDER BY customer;
INSERT INTO "Odd ""orders""" VALUES (2, '2017-07-01', 5.5);
FETCH ALL FROM before;
SELECT * FROM rfm_table('"Odd ""orders"""', 'Who is it', 'When', 'How much', as_of => '2017-12-31') ORDER BY customer;
ROLLBACK;

-- no customers, one customer, none before as_of
SELECT * FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-12-31');
INSERT INTO odd_2017 VALUES (1, '2017-05-01', 20), (NULL, '2017-05-01', 1), (1, '2017-05-02', NULL);
SELECT * FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-12-31');
SELECT * FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-05-01', map => NULL);
SELECT * FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-04-30');
SELECT recency_days = current_date - '2017-05-01' AS today_is_the_default FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much');
-- the local day is asked for as in SQL
CREATE TEMP TABLE utc AS SELECT 1 AS c, timestamptz '2017-12-30 23:30+00' AS at, 1 AS a;
CREATE TEMP VIEW shanghai AS SELECT c, at AT TIME ZONE 'Asia/Shanghai' AS at, a FROM utc;
SET timezone = 'America/New_York';
SELECT recency_days AS in_utc, (SELECT recency_days FROM rfm_table('shanghai', 'c', 'at', 'a', as_of => '2017-12-31')) AS in_shanghai
FROM rfm_table('utc', 'c', 'at', 'a', as_of => '2017-12-31');
RESET timezone;

-- ----- the caller's privileges -----

CREATE ROLE rfm_analyst;
GRANT USAGE ON SCHEMA quotetier TO rfm_analyst;
SET ROLE rfm_analyst;
SELECT count(*) FROM rfm_table('orders_source', 'plain', 'at', 'amount');
RESET ROLE;
GRANT SELECT (plain, at) ON orders_source TO rfm_analyst;
SET ROLE rfm_analyst;
SELECT count(*) FROM rfm_table('orders_source', 'plain', 'at', 'amount');
RESET ROLE;
GRANT SELECT ON orders_source TO rfm_analyst;
ALTER TABLE orders_source ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON orders_source TO rfm_analyst USING (plain < 1000000);
SET ROLE rfm_analyst;
SELECT count(*), max(customer::int) FROM rfm_table('orders_source', 'plain', 'at', 'amount');
RESET ROLE;
DROP POLICY few ON orders_source;
ALTER TABLE orders_source DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON orders_source FROM rfm_analyst;
REVOKE USAGE ON SCHEMA quotetier FROM rfm_analyst;
DROP ROLE rfm_analyst;

-- ----- bad input -----

SELECT * FROM rfm_table('no_such_table', 'c', 'at', 'a');
SELECT * FROM rfm_table(0, 'c', 'at', 'a');
SELECT * FROM rfm_table('orders_source', 'nobody', 'at', 'amount');
SELECT * FROM rfm_table('orders_source', 'plain', 'ctid', 'amount');
SELECT * FROM rfm_table('orders_source', 'plain', 'word', 'amount');
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'word');
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', as_of => 'infinity');
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', as_of => NULL);
SELECT * FROM rfm_table(NULL, 'plain', 'at', 'amount');
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', bins => 1);
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', bins => 10);
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', bins => 4);
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', mode => 'no such mode');
SELECT * FROM rfm_table('orders_source', 'plain', 'at', 'amount', map => 'no such map');
SELECT * FROM rfm_table((SELECT 'odd_2017'::regclass), 'Who is it', 'When', 'How much', bins => NULL);
INSERT INTO odd_2017 VALUES (1, '2017-05-01', 'NaN');
SELECT * FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-12-31');
SELECT count(*) AS ignored_before_it FROM rfm_table('odd_2017', 'Who is it', 'When', 'How much', as_of => '2017-04-30');
CREATE TEMP TABLE endless AS SELECT 1 AS c, date '-infinity' AS at, 1.0 AS a;
SELECT * FROM rfm_table('endless', 'c', 'at', 'a');
UPDATE endless SET at = 'infinity';
SELECT * FROM rfm_table('endless', 'c', 'at', 'a');
-- a failing source, and a cancelled one, leave nothing behind
CREATE TEMP VIEW failing AS SELECT 10 / (5 - i % 6) AS c, date '2017-01-01' AS at, 1 AS a FROM generate_series(1, 10000) i;
SELECT * FROM rfm_table('failing', 'c', 'at', 'a');
SET work_mem = '64kB';
SET statement_timeout = 100;
CREATE TEMP VIEW endless_series AS SELECT i AS c, date '2017-01-01' AS at, 1 AS a FROM generate_series(1, 1000000000) i;
SELECT * FROM rfm_table('endless_series', 'c', 'at', 'a');
RESET statement_timeout;
RESET work_mem;
SELECT count(*) FROM rfm_table('utc', 'c', 'at', 'a');

-- with little memory, little is taken: a new session's peak, in kB, where the system tells it
\c -
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
CREATE VIEW many_customers AS SELECT i AS c, date '2017-01-01' + i % 300 AS at, (i % 9973) / 7.0 AS a FROM generate_series(1, 250000) i;
CREATE FUNCTION peak() RETURNS int LANGUAGE sql AS $$ SELECT substring(pg_read_file('/proc/self/status', 0, 4000, true), 'VmHWM:\s+(\d+)')::int $$;
SELECT count(*) FROM quotetier.rfm_table('many_customers', 'c', 'at', 'a', '2016-12-31');      -- what the first call of all takes
SELECT peak() AS before \gset
SELECT count(*) FROM quotetier.rfm_table('many_customers', 'c', 'at', 'a', '2017-12-31');
SELECT coalesce(peak() - :before < 10000, true) AS little;
DROP VIEW many_customers;
DROP FUNCTION peak;

DROP TABLE orders_source CASCADE;
DROP TABLE "Odd ""orders""";
DROP FUNCTION plain_rfm;
DROP FUNCTION differences;

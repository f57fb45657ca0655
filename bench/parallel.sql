-- quote() over many lines in one statement, alone and with two parallel workers, by
-- the wall clock; the planner is left to choose the plan. What it can win is bounded
-- by the cores that are free. psql variables: many (10000000), rules (100000), rounds (1).
--
-- database: book

\if :{?many} \else \set many 10000000 \endif
\if :{?rules} \else \set rules 100000 \endif
\if :{?rounds} \else \set rounds 1 \endif
\set QUIET on
SET client_min_messages = warning;
\ir lib/mixed.sql
CALL bench.need_mixed(:rules, 1000);
CALL bench.mixed_lines(:rules, least(:many, 100000));
SELECT format('CREATE TABLE bench.many AS SELECT l.* FROM bench.line_%1$s l, generate_series(1, %2$s / (SELECT count(*) FROM bench.line_%1$s)) g', :rules, :many) \gexec
VACUUM ANALYZE bench.many;
VACUUM ANALYZE quotetier.rule;

SELECT format('SELECT count(q.net_amount), sum(q.net_amount) FROM bench.many l CROSS JOIN LATERAL (SELECT l.customer, l.sku, l.category, l.brand, l.tier, l.segment,
    l.region, l.channel, l.order_amount, l.list_price) f CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, ''mixed_%s'') q', :rules) AS quote \gset
CREATE FUNCTION bench.workers(workers int, statement text, OUT launched int, OUT amount numeric) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
    lines bigint;
BEGIN
    PERFORM set_config('max_parallel_workers_per_gather', workers::text, true);
    EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan;
    launched := coalesce(jsonb_path_query_first(plan::jsonb, '$.**."Workers Planned"')::int, 0);
    EXECUTE statement INTO lines, amount;
END $$;

CREATE TABLE bench.parallel_run (workers int, launched int, amount numeric);
INSERT INTO bench.figure
SELECT 'parallel', arm, :rules, round(median_ms / 1000, 1), 's'
  FROM bench.race(:rounds, '{0 workers,2 workers}', ARRAY[format('INSERT INTO bench.parallel_run SELECT 0, * FROM bench.workers(0, %L)', :'quote'),
                                                          format('INSERT INTO bench.parallel_run SELECT 2, * FROM bench.workers(2, %L)', :'quote')], wall => true);
\echo
\echo quote over :many lines, seconds by the wall clock
SELECT f.what, (SELECT max(launched) FROM bench.parallel_run WHERE f.what LIKE workers || ' %') AS "workers planned", f.value AS seconds,
       round(first_value(value) OVER (ORDER BY f.what) / value, 2) AS "times as fast", round(1e6 * value / :many, 2) AS "us a line",
       (SELECT count(DISTINCT amount) = 1 FROM bench.parallel_run) AS "same result"
  FROM bench.figure f WHERE bench = 'parallel' ORDER BY 1;
DROP TABLE bench.many, bench.parallel_run;

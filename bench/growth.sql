-- How the cost of a line grows with the rules, from the least size to the largest:
--
--   realistic mix     books as companies have them (lib/mixed.sql): the more rules, the more of them match a line
--   equal matches     the least of these books, filled up with rules for other customers and products: as many match as before
--
-- All sizes run in turn. psql variables: lines (100000), rounds (5), sizes.

\if :{?lines} \else \set lines 100000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\if :{?sizes} \else \set sizes '1000,10000,100000,1000000' \endif
\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
\ir lib/mixed.sql

CREATE TABLE bench.growth AS SELECT n AS rules, min(n) OVER () AS fewest FROM unnest(string_to_array(:'sizes', ',')::int[]) n;
SELECT format('CALL bench.need_mixed(%s, %s)', rules, :lines) FROM bench.growth ORDER BY rules \gexec

-- what is equal: policy equal_<rules>
SELECT format('CALL bench.make_mixed(%s)', max(rules)) FROM bench.growth \gexec
CREATE PROCEDURE bench.fill_equal(rules int, fewest int) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotetier.policy (name, currency) VALUES ('equal_' || rules, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) SELECT 'equal_' || rules, seq, name, pick FROM quotetier.step WHERE policy = 'default';
    INSERT INTO quotetier.rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode)
    SELECT 100000000::bigint + rules * 20::bigint + row_number() OVER (), 'equal_' || rules, step, scope, condition, valid, priority, adjust, value, NULL
      FROM ((SELECT step, scope, condition, valid, priority, adjust, coalesce(value, 3) AS value FROM quotetier.rule WHERE policy = 'mixed_' || fewest)
            UNION ALL
            (SELECT step, replace(replace(scope::text, '"S', '"other S'), '"C', '"other C')::jsonb, condition, valid, priority, adjust, coalesce(value, 3)
               FROM bench.mixed_rule WHERE scope ?| '{customer,sku}' ORDER BY id LIMIT rules - fewest)) r;
    ANALYZE quotetier.rule;
END $$;
SELECT format('CALL bench.fill_equal(%s, %s)', rules, fewest) FROM bench.growth ORDER BY rules \gexec
VACUUM ANALYZE quotetier.rule;

\set columns 'SELECT l.customer, l.sku, l.category, l.brand, l.tier, l.segment, l.region, l.channel, l.order_amount, l.list_price'
CREATE TABLE bench.grown AS
SELECT row_number() OVER () AS place, *, format('FROM bench.line_%s l CROSS JOIN LATERAL (%s) f', lines_of, :'columns') AS line
  FROM (SELECT 'equal matches' AS book, rules, 'equal_' || rules AS policy, fewest AS lines_of FROM bench.growth
        UNION ALL SELECT 'realistic mix', rules, 'mixed_' || rules, rules FROM bench.growth) b;
INSERT INTO bench.figure
SELECT 'growth', book, rules, round(1000 * median_ms / :lines, 3), 'us'
  FROM (SELECT array_agg(policy) || 'floor'::text AS arms,
               array_agg(format('SELECT sum(quotetier.net_price(f, l.qty, l.at, %L)) %s', policy, line)) ||
               format('SELECT sum(bench.floor_price(f, l.qty, l.at, $$$$)) FROM bench.line_%s l CROSS JOIN LATERAL (%s) f', min(lines_of), :'columns') AS statements
          FROM bench.grown) a, LATERAL bench.race(:rounds, arms, statements) r
  LEFT JOIN bench.grown g ON g.policy = r.arm ORDER BY place;
UPDATE bench.figure SET what = 'floor' WHERE what IS NULL;

-- what a line has to choose from: waterfall and rejected rules
CREATE FUNCTION bench.candidates(policy text, line text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    n numeric;
BEGIN
    EXECUTE format('SELECT count(e.rule) / 1000.0 %s CROSS JOIN LATERAL quotetier.explain_quote(f, l.qty, l.at, %L) e WHERE l.id <= 1000', line, policy) INTO n;
    RETURN n;
END $$;

\echo
\echo 'net_price, microseconds of CPU a line (grown: equal matches <= 3, realistic mix <= 8)'
SELECT book, bench.size(g.rules) AS rules, round(bench.candidates(policy, line), 1) AS "rules that match", value AS us, round(value / first_value(value) OVER book, 2) AS grown,
       round((value - floor) / first_value(value - floor) OVER book, 2) AS "less the floor"
  FROM bench.grown g JOIN bench.figure f ON (f.what, f.rules) = (book, g.rules), (SELECT value AS floor FROM bench.figure WHERE what = 'floor') p
WINDOW book AS (PARTITION BY book ORDER BY g.rules) ORDER BY place;

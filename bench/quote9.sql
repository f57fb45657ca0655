-- Quoting against SQL with 9 nested shapes, customer > tier x sku > category,
-- 1 k to 1 M rules. The alternatives find the strongest rule's percent and
-- nothing else.
--
--   lookup, 9 indexes       LATERAL, a partial covering index a shape, UNION ALL, the first hit
--   joins in bulk           nine hash joins over all lines, the strongest by DISTINCT ON
--   waterfall of joins      nine steps, each for the lines that have no rule yet
--   PL/pgSQL                a function with a statement a shape, on the partial indexes
--
-- All arms must give the same amounts. psql variables: lines (100000), rounds (5), sizes.

\if :{?lines} \else \set lines 100000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\if :{?sizes} \else \set sizes '1000,10000,100000,1000000' \endif
\set QUIET on
SET client_min_messages = warning;
SET enable_memoize = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';
\ir lib/nested9.sql

\set facts 'bench.line9 l CROSS JOIN LATERAL (SELECT l.customer, l.tier, l.sku, l.category, l.list_price) f'
\set discounted 'sum(round(l.list_price * l.qty * (100 - coalesce(r.percent, 0)) / 100, 2))'
SELECT string_agg('(' || winner || ')', ' UNION ALL ' ORDER BY shape) AS lookups,
       string_agg(format('SELECT l.id, %s AS shape, r.priority, r.percent FROM bench.line9 l JOIN bench.rule9 r ON %s WHERE l.id <= %%2$s', shape, matches),
                  ' UNION ALL ') AS joins,
       string_agg(format('w%s AS MATERIALIZED (SELECT l.*, r.percent FROM (%s) l LEFT JOIN LATERAL (%s) r ON true)', shape,
                         CASE shape WHEN 1 THEN 'SELECT * FROM bench.line9 WHERE id <= %2$s'
                              ELSE format('SELECT id, customer, tier, sku, category, qty, list_price, at FROM w%s WHERE percent IS NULL', shape - 1) END,
                         winner), ', ' ORDER BY shape) AS steps,
       string_agg(format('SELECT list_price, qty, percent FROM w%s WHERE percent IS NOT NULL', shape), ' UNION ALL ') AS priced,
       string_agg(format('%s; IF FOUND THEN RETURN percent; END IF;', replace(replace(winner, 'SELECT r.percent', 'SELECT r.percent INTO percent'), 'l.', 'price9.')), ' ' ORDER BY shape) AS tries
  FROM bench.nested,
       LATERAL (SELECT format('r.shape = %s %s AND l.qty >= r.from_qty AND l.at >= r.valid_from AND l.at < r.valid_to', shape,
                              string_agg(format('AND r.%1$s = l.%1$s', c), ' ')) AS matches FROM unnest(columns) c) m,
       LATERAL (SELECT format('SELECT r.percent FROM bench.rule9 r WHERE %s ORDER BY r.priority DESC, r.percent DESC LIMIT 1', matches) AS winner) w \gset
SELECT format('CREATE FUNCTION bench.price9(customer text, tier text, sku text, category text, qty numeric, at timestamptz)
                   RETURNS numeric STABLE LANGUAGE plpgsql AS $$ DECLARE percent numeric; BEGIN %s RETURN 0; END $$', :'tries') \gexec

INSERT INTO bench.arm (arm, lines, statement) VALUES
    ('floor', :lines, 'SELECT sum(bench.floor_price(f, l.qty, l.at, %1$L)) FROM ' || :'facts' || ' WHERE l.id <= %2$s'),
    ('net_price', :lines, 'SELECT sum(quotetier.net_price(f, l.qty, l.at, %1$L)) FROM ' || :'facts' || ' WHERE l.id <= %2$s'),
    ('floor of quote', :lines, 'SELECT sum(q.net_price), count(q.rules) FROM ' || :'facts' ||
        ' CROSS JOIN LATERAL bench.floor_quote(f, l.qty, l.at, %1$L) q WHERE l.id <= %2$s'),
    ('quote', :lines, 'SELECT sum(q.net_amount), count(q.rules) FROM ' || :'facts' ||
        ' CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, %1$L) q WHERE l.id <= %2$s'),
    ('lookup, 9 indexes', :lines, 'SELECT ' || :'discounted' || ' FROM bench.line9 l LEFT JOIN LATERAL
        (SELECT percent FROM (' || :'lookups' || ') u LIMIT 1) r ON true WHERE l.id <= %2$s'),
    ('joins in bulk', :lines, 'SELECT ' || :'discounted' || ' FROM bench.line9 l LEFT JOIN (SELECT DISTINCT ON (id) id, percent
        FROM (' || :'joins' || ') u ORDER BY id, shape, priority DESC, percent DESC) r USING (id) WHERE l.id <= %2$s'),
    ('waterfall of joins', :lines, 'WITH ' || :'steps' || ' SELECT ' || replace(:'discounted', 'r.', 'l.') || ' FROM (' || :'priced' ||
        ' UNION ALL SELECT list_price, qty, 0 FROM w9 WHERE percent IS NULL) l'),
    ('PL/pgSQL', :lines / 10, 'SELECT sum(round(l.list_price * l.qty * (100 - bench.price9(l.customer, l.tier, l.sku, l.category, l.qty, l.at)) / 100, 2))
        FROM bench.line9 l WHERE l.id <= %2$s');

SELECT format(command, n, :lines, :rounds)
  FROM unnest(string_to_array(:'sizes', ',')::int[]) n, unnest(ARRAY['CALL bench.fill9(%1$s, %2$s)', 'VACUUM ANALYZE quotetier.rule, bench.rule9, bench.line9',
                                                'CALL bench.race_arms(''quote9'', ''nested9_%1$s'', %1$s, %3$s)']) WITH ORDINALITY c (command, place)
 ORDER BY n, place \gexec
\ir lib/report.sql

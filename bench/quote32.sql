-- Quoting against SQL with 32 shapes: rules over any of 32 sets of eight
-- dimensions, 1 k to 1 M of them. The alternatives find the strongest rule's
-- percent and nothing else; quote() may stack, and says what it did.
--
--   lookup, one index       LATERAL, one composite index, probed for each set that exists
--   lookup, 32 indexes      LATERAL, a partial covering index a set, UNION ALL, the first hit
--   joins in bulk           32 hash joins over all lines, the strongest by max()
--   PL/pgSQL                a function with a statement a set, on the partial indexes
--
-- Tried, and slower: one index on a hash of set and values; DISTINCT ON instead
-- of max(); a join of lines times sets. All arms must give the same amounts.
-- Planning 32 lookups takes what a thousand lines do: over few lines they would look slower than they are.
-- psql variables: lines (100000), rounds (5), sizes.

\if :{?lines} \else \set lines 100000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\if :{?sizes} \else \set sizes '1000,10000,100000,1000000' \endif
\set QUIET on
SET client_min_messages = warning;
SET enable_memoize = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';
\ir lib/shapes32.sql

\set facts 'bench.line32 l CROSS JOIN LATERAL (SELECT l.d1, l.d2, l.d3, l.d4, l.d5, l.d6, l.d7, l.d8, l.list_price) f'
\set discounted 'sum(round(l.list_price * l.qty * (100 - coalesce(r.percent, 0)) / 100, 2))'
SELECT string_agg(format('AND r.%1$s = CASE WHEN s.mask & %2$s > 0 THEN l.%1$s ELSE '''' END', 'd' || i, 1 << i - 1), ' ') AS key
  FROM generate_series(1, 8) i \gset
SELECT string_agg(format('(SELECT r.percent FROM bench.rule32 r WHERE r.mask = %s %s AND l.at >= r.valid_from AND l.at < r.valid_to
                           ORDER BY r.priority DESC, r.percent DESC LIMIT 1)', mask, matches), ' UNION ALL ' ORDER BY mask DESC) AS lookups,
       string_agg(format('SELECT l.id, %s * 1000000::bigint + r.priority * 1000 + r.percent AS strength FROM bench.line32 l JOIN bench.rule32 r
                              ON r.mask = %1$s %s AND l.at >= r.valid_from AND l.at < r.valid_to WHERE l.id <= %%2$s', mask, matches), ' UNION ALL ') AS joins,
       string_agg(format('SELECT r.percent INTO percent FROM bench.rule32 r WHERE r.mask = %s %s AND l.at >= r.valid_from AND l.at < r.valid_to
                          ORDER BY r.priority DESC, r.percent DESC LIMIT 1; IF FOUND THEN RETURN percent; END IF;', mask, matches), ' ' ORDER BY mask DESC) AS tries
  FROM bench.shape, LATERAL (SELECT string_agg(format('AND r.%1$s = l.%1$s', c), ' ') AS matches FROM unnest(bench.shape_columns(mask)) c) m \gset

SELECT format('CREATE FUNCTION bench.price32(d1 text, d2 text, d3 text, d4 text, d5 text, d6 text, d7 text, d8 text, at timestamptz)
                   RETURNS numeric STABLE LANGUAGE plpgsql AS $$ DECLARE percent numeric; BEGIN %s RETURN 0; END $$',
              replace(:'tries', 'l.', 'price32.')) \gexec

INSERT INTO bench.arm (arm, lines, statement) VALUES
    ('floor', :lines, 'SELECT sum(bench.floor_price(f, l.qty, l.at, %1$L)) FROM ' || :'facts' || ' WHERE l.id <= %2$s'),
    ('net_price', :lines, 'SELECT sum(quotetier.net_price(f, l.qty, l.at, %1$L)) FROM ' || :'facts' || ' WHERE l.id <= %2$s'),
    ('floor of quote', :lines, 'SELECT sum(q.net_price), count(q.rules) FROM ' || :'facts' ||
        ' CROSS JOIN LATERAL bench.floor_quote(f, l.qty, l.at, %1$L) q WHERE l.id <= %2$s'),
    ('quote', :lines, 'SELECT sum(q.net_amount), count(q.rules) FROM ' || :'facts' ||
        ' CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, %1$L) q WHERE l.id <= %2$s'),
    ('lookup, one index', :lines / 4, 'SELECT ' || :'discounted' || ' FROM bench.line32 l LEFT JOIN LATERAL (SELECT r.percent
        FROM bench.shape s CROSS JOIN LATERAL (SELECT r.percent FROM bench.rule32 r WHERE r.mask = s.mask ' || :'key' ||
        ' AND l.at >= r.valid_from AND l.at < r.valid_to ORDER BY r.priority DESC, r.percent DESC LIMIT 1) r
        ORDER BY s.mask DESC LIMIT 1) r ON true WHERE l.id <= %2$s'),
    ('lookup, 32 indexes', :lines, 'SELECT ' || :'discounted' || ' FROM bench.line32 l LEFT JOIN LATERAL
        (SELECT percent FROM (' || :'lookups' || ') u LIMIT 1) r ON true WHERE l.id <= %2$s'),
    ('joins in bulk', :lines, 'SELECT ' || :'discounted' || ' FROM bench.line32 l LEFT JOIN
        (SELECT id, max(strength) %% 1000 AS percent FROM (' || :'joins' || ') u GROUP BY id) r USING (id) WHERE l.id <= %2$s'),
    ('PL/pgSQL', :lines / 20, 'SELECT sum(round(l.list_price * l.qty * (100 - bench.price32(l.d1, l.d2, l.d3, l.d4, l.d5, l.d6, l.d7, l.d8, l.at)) / 100, 2))
        FROM bench.line32 l WHERE l.id <= %2$s');

SELECT format(command, n, :lines, :rounds)
  FROM unnest(string_to_array(:'sizes', ',')::int[]) n, unnest(ARRAY['CALL bench.fill32(%1$s, %2$s)', 'VACUUM ANALYZE quotetier.rule, bench.rule32, bench.line32',
                                                'CALL bench.race_arms(''quote32'', ''shapes32_%1$s'', %1$s, %3$s)']) WITH ORDINALITY c (command, place)
 ORDER BY n, place \gexec
\ir lib/report.sql

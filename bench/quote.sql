-- Quoting against the best index-backed lookups in SQL, at 1 k and 100 k rules.
--
-- 32 shapes: rules over any of 32 sets of eight dimensions; the alternative
-- probes one composite index once for each shape that exists.
-- 9 nested shapes: customer > tier x sku > category; the alternative probes a
-- partial covering index a shape and stops at the first hit.
-- The SQL arms return the strongest rule's price only; ours may stack and
-- explains itself. psql variables: lines (100000), rounds (5).

\if :{?lines} \else \set lines 100000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\set QUIET on
SET client_min_messages = warning;
SET enable_memoize = off;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';

CREATE OR REPLACE FUNCTION bench.hash(n bigint, salt int, range int) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (pg_catalog.hashint8extended(n, salt) & 2147483647)::int % range $$;

DELETE FROM quotetier.rule WHERE policy LIKE 'bench%';
DELETE FROM quotetier.policy WHERE name LIKE 'bench%';
DELETE FROM quotetier.dimension d WHERE NOT EXISTS (SELECT FROM quotetier.rule r WHERE r.scope ? d.name);

-- ------------------------------------------------------------ 32 shapes
INSERT INTO quotetier.dimension (name, weight)
SELECT 'd' || i, 10 - i FROM generate_series(1, 8) i;

CREATE TABLE bench.shape AS
SELECT s AS shape, m AS mask
  FROM (SELECT m, row_number() OVER (ORDER BY bench.hash(m, 7, 1000000)) AS s
          FROM generate_series(1, 255) m) x WHERE s <= 32;

-- how many values each dimension has
CREATE TABLE bench.width AS
SELECT * FROM (VALUES (1, 5000), (2, 2000), (3, 200), (4, 50), (5, 20), (6, 12), (7, 8), (8, 4)) w (d, n);

CREATE OR REPLACE PROCEDURE bench.fill32(rules int, lines int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'bench32';
BEGIN
    DROP TABLE IF EXISTS bench.rule32, bench.line32;
    CREATE TABLE bench.rule32 AS
    SELECT i AS id, s.mask,
           CASE WHEN mask & 1 > 0 THEN 'a' || bench.hash(i, 1, 5000) ELSE '' END AS d1,
           CASE WHEN mask & 2 > 0 THEN 'b' || bench.hash(i, 2, 2000) ELSE '' END AS d2,
           CASE WHEN mask & 4 > 0 THEN 'c' || bench.hash(i, 3, 200) ELSE '' END AS d3,
           CASE WHEN mask & 8 > 0 THEN 'd' || bench.hash(i, 4, 50) ELSE '' END AS d4,
           CASE WHEN mask & 16 > 0 THEN 'e' || bench.hash(i, 5, 20) ELSE '' END AS d5,
           CASE WHEN mask & 32 > 0 THEN 'f' || bench.hash(i, 6, 12) ELSE '' END AS d6,
           CASE WHEN mask & 64 > 0 THEN 'g' || bench.hash(i, 7, 8) ELSE '' END AS d7,
           CASE WHEN mask & 128 > 0 THEN 'h' || bench.hash(i, 8, 4) ELSE '' END AS d8,
           (bench.hash(i, 9, 30) + 1)::numeric AS percent,
           bench.hash(i, 10, 5) AS priority,
           CASE WHEN bench.hash(i, 11, 5) = 0 THEN '2025-07-01'::timestamptz ELSE '-infinity' END AS valid_from,
           CASE WHEN bench.hash(i, 11, 5) = 1 THEN '2025-03-01'::timestamptz ELSE 'infinity' END AS valid_to
      FROM generate_series(1, rules) i
      JOIN bench.shape s ON s.shape = bench.hash(i, 12, 32) + 1;
    CREATE INDEX ON bench.rule32 (mask, d1, d2, d3, d4, d5, d6, d7, d8, priority DESC)
        INCLUDE (valid_from, valid_to, percent, id);
    -- four lines in five are made to hit some rule
    CREATE TABLE bench.line32 AS
    SELECT i AS id,
           coalesce(nullif(r.d1, ''), 'a' || bench.hash(i, 21, 5000)) AS d1,
           coalesce(nullif(r.d2, ''), 'b' || bench.hash(i, 22, 2000)) AS d2,
           coalesce(nullif(r.d3, ''), 'c' || bench.hash(i, 23, 200)) AS d3,
           coalesce(nullif(r.d4, ''), 'd' || bench.hash(i, 24, 50)) AS d4,
           coalesce(nullif(r.d5, ''), 'e' || bench.hash(i, 25, 20)) AS d5,
           coalesce(nullif(r.d6, ''), 'f' || bench.hash(i, 26, 12)) AS d6,
           coalesce(nullif(r.d7, ''), 'g' || bench.hash(i, 27, 8)) AS d7,
           coalesce(nullif(r.d8, ''), 'h' || bench.hash(i, 28, 4)) AS d8,
           (bench.hash(i, 29, 100) + 1)::numeric AS qty,
           (bench.hash(i, 30, 100000) + 1)::numeric / 100 AS list_price,
           '2025-06-01'::timestamptz + bench.hash(i, 31, 30) * interval '1 day' AS at
      FROM generate_series(1, lines) i
      LEFT JOIN bench.rule32 r ON bench.hash(i, 20, 5) > 0 AND r.id = bench.hash(i, 32, rules) + 1;

    DELETE FROM quotetier.rule WHERE policy = p;
    DELETE FROM quotetier.policy WHERE name = p;
    INSERT INTO quotetier.policy (name, currency) VALUES (p, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) VALUES (p, 10, 'list', 'first'), (p, 20, 'discount', 'first');
    INSERT INTO quotetier.rule (policy, step, scope, adjust, value, priority, valid)
    SELECT p, 'discount',
           jsonb_strip_nulls(jsonb_build_object(
               'd1', nullif(d1, ''), 'd2', nullif(d2, ''), 'd3', nullif(d3, ''), 'd4', nullif(d4, ''),
               'd5', nullif(d5, ''), 'd6', nullif(d6, ''), 'd7', nullif(d7, ''), 'd8', nullif(d8, ''))),
           'percent_off', percent, priority,
           tstzrange(nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'))
      FROM bench.rule32;
    ANALYZE bench.rule32; ANALYZE bench.line32; ANALYZE bench.shape;
END $$;

\set lateral32 'SELECT sum(round(l.list_price * l.qty * (100 - coalesce(r.percent, 0)) / 100, 2)) FROM bench.line32 l LEFT JOIN LATERAL (SELECT r.percent FROM bench.shape s CROSS JOIN LATERAL (SELECT r.percent, r.priority, r.id FROM bench.rule32 r WHERE r.mask = s.mask AND r.d1 = CASE WHEN s.mask & 1 > 0 THEN l.d1 ELSE $$$$ END AND r.d2 = CASE WHEN s.mask & 2 > 0 THEN l.d2 ELSE $$$$ END AND r.d3 = CASE WHEN s.mask & 4 > 0 THEN l.d3 ELSE $$$$ END AND r.d4 = CASE WHEN s.mask & 8 > 0 THEN l.d4 ELSE $$$$ END AND r.d5 = CASE WHEN s.mask & 16 > 0 THEN l.d5 ELSE $$$$ END AND r.d6 = CASE WHEN s.mask & 32 > 0 THEN l.d6 ELSE $$$$ END AND r.d7 = CASE WHEN s.mask & 64 > 0 THEN l.d7 ELSE $$$$ END AND r.d8 = CASE WHEN s.mask & 128 > 0 THEN l.d8 ELSE $$$$ END AND l.at >= r.valid_from AND l.at < r.valid_to ORDER BY r.priority DESC LIMIT 1) r ORDER BY s.mask DESC LIMIT 1) r ON true'
\set net_price32 'SELECT sum(quotetier.net_price(f, l.qty, l.at, $$bench32$$)) FROM bench.line32 l CROSS JOIN LATERAL (SELECT l.d1, l.d2, l.d3, l.d4, l.d5, l.d6, l.d7, l.d8, l.list_price) f'
\set quote32 'SELECT sum(q.net_amount), count(q.rules) FROM bench.line32 l CROSS JOIN LATERAL (SELECT l.d1, l.d2, l.d3, l.d4, l.d5, l.d6, l.d7, l.d8, l.list_price) f CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, $$bench32$$) q'

\echo
\echo '32 shapes, 1 k rules'
CALL bench.fill32(1000, :lines);
SELECT * FROM bench.race(:rounds, ARRAY['net_price', 'quote', 'LATERAL lookup'], ARRAY[:'net_price32', :'quote32', :'lateral32']);
\echo '32 shapes, 100 k rules'
CALL bench.fill32(100000, :lines);
SELECT * FROM bench.race(:rounds, ARRAY['net_price', 'quote', 'LATERAL lookup'], ARRAY[:'net_price32', :'quote32', :'lateral32']);

-- ------------------------------------------------------ 9 nested shapes
INSERT INTO quotetier.dimension (name, weight)
VALUES ('customer', 40), ('bench_tier', 30), ('sku', 20), ('category', 10);

CREATE OR REPLACE PROCEDURE bench.fill9(rules int, lines int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'bench9';
BEGIN
    DROP TABLE IF EXISTS bench.rule9, bench.line9;
    CREATE TABLE bench.rule9 AS
    SELECT i AS id, shape,
           CASE WHEN shape <= 3 THEN 'C' || bench.hash(i, 1, 5000) END AS customer,
           CASE WHEN shape BETWEEN 4 AND 6 THEN 't' || bench.hash(i, 2, 8) END AS tier,
           CASE WHEN shape IN (1, 4, 7) THEN 'S' || bench.hash(i, 3, 20000) END AS sku,
           CASE WHEN shape IN (2, 5, 8) THEN 'k' || bench.hash(i, 4, 200) END AS category,
           CASE WHEN bench.hash(i, 5, 3) = 0 THEN (bench.hash(i, 6, 20) + 2)::numeric ELSE 0 END AS from_qty,
           (bench.hash(i, 9, 30) + 1)::numeric AS percent,
           bench.hash(i, 10, 1000000) AS priority,
           CASE WHEN bench.hash(i, 11, 5) = 0 THEN '2025-07-01'::timestamptz ELSE '-infinity' END AS valid_from,
           CASE WHEN bench.hash(i, 11, 5) = 1 THEN '2025-03-01'::timestamptz ELSE 'infinity' END AS valid_to
      FROM (SELECT i, CASE WHEN i <= 8 THEN 6 WHEN i <= 208 THEN 8 WHEN i = 209 THEN 9
                           ELSE (ARRAY[1, 1, 1, 1, 1, 2, 2, 3, 4, 4, 4, 5, 7, 7])[bench.hash(i, 12, 14) + 1] END AS shape
              FROM generate_series(1, rules) i) x;
    CREATE INDEX ON bench.rule9 (customer, sku, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 1;
    CREATE INDEX ON bench.rule9 (customer, category, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 2;
    CREATE INDEX ON bench.rule9 (customer, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 3;
    CREATE INDEX ON bench.rule9 (tier, sku, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 4;
    CREATE INDEX ON bench.rule9 (tier, category, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 5;
    CREATE INDEX ON bench.rule9 (tier, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 6;
    CREATE INDEX ON bench.rule9 (sku, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 7;
    CREATE INDEX ON bench.rule9 (category, priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 8;
    CREATE INDEX ON bench.rule9 (priority DESC) INCLUDE (from_qty, valid_from, valid_to, percent) WHERE shape = 9;
    CREATE TABLE bench.line9 AS
    SELECT i AS id,
           coalesce(r.customer, 'C' || bench.hash(i, 21, 5000)) AS customer,
           coalesce(r.tier, 't' || bench.hash(i, 22, 8)) AS tier,
           coalesce(r.sku, 'S' || bench.hash(i, 23, 20000)) AS sku,
           coalesce(r.category, 'k' || bench.hash(i, 24, 200)) AS category,
           (bench.hash(i, 29, 40) + 1)::numeric AS qty,
           (bench.hash(i, 30, 100000) + 1)::numeric / 100 AS list_price,
           '2025-06-01'::timestamptz + bench.hash(i, 31, 30) * interval '1 day' AS at
      FROM generate_series(1, lines) i
      LEFT JOIN bench.rule9 r ON bench.hash(i, 20, 5) > 0 AND r.id = bench.hash(i, 32, rules) + 1;

    DELETE FROM quotetier.rule WHERE policy = p;
    DELETE FROM quotetier.policy WHERE name = p;
    INSERT INTO quotetier.policy (name, currency) VALUES (p, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) VALUES (p, 10, 'list', 'first'), (p, 20, 'discount', 'first');
    INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, scale_mode, priority, valid)
    SELECT 1000000000 + id, p, 'discount',
           jsonb_strip_nulls(jsonb_build_object('customer', customer, 'bench_tier', tier, 'sku', sku, 'category', category)),
           'percent_off', CASE WHEN from_qty = 0 THEN percent END, CASE WHEN from_qty > 0 THEN 'volume' END,
           priority, tstzrange(nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'))
      FROM bench.rule9;
    INSERT INTO quotetier.scale (rule, from_value, value)
    SELECT 1000000000 + id, from_qty, percent FROM bench.rule9 WHERE from_qty > 0;
    ANALYZE bench.rule9; ANALYZE bench.line9;
END $$;

\set common9 ' AND l.qty >= r.from_qty AND l.at >= r.valid_from AND l.at < r.valid_to ORDER BY r.priority DESC LIMIT 1)'
\set partial9 'SELECT sum(round(l.list_price * l.qty * (100 - coalesce(r.percent, 0)) / 100, 2)) FROM bench.line9 l LEFT JOIN LATERAL (SELECT percent FROM (' '(SELECT r.percent FROM bench.rule9 r WHERE r.shape = 1 AND r.customer = l.customer AND r.sku = l.sku' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 2 AND r.customer = l.customer AND r.category = l.category' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 3 AND r.customer = l.customer' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 4 AND r.tier = l.tier AND r.sku = l.sku' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 5 AND r.tier = l.tier AND r.category = l.category' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 6 AND r.tier = l.tier' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 7 AND r.sku = l.sku' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 8 AND r.category = l.category' :common9 ' UNION ALL (SELECT r.percent FROM bench.rule9 r WHERE r.shape = 9' :common9 ') u LIMIT 1) r ON true'
\set net_price9 'SELECT sum(quotetier.net_price(f, l.qty, l.at, $$bench9$$)) FROM bench.line9 l CROSS JOIN LATERAL (SELECT l.customer, l.tier AS bench_tier, l.sku, l.category, l.list_price) f'
\set quote9 'SELECT sum(q.net_amount), count(q.rules) FROM bench.line9 l CROSS JOIN LATERAL (SELECT l.customer, l.tier AS bench_tier, l.sku, l.category, l.list_price) f CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, $$bench9$$) q'

\echo '9 nested shapes, 1 k rules'
CALL bench.fill9(1000, :lines);
SELECT * FROM bench.race(:rounds, ARRAY['net_price', 'quote', 'partial indexes, UNION ALL'], ARRAY[:'net_price9', :'quote9', :'partial9']);
\echo '9 nested shapes, 100 k rules'
CALL bench.fill9(100000, :lines);
SELECT * FROM bench.race(:rounds, ARRAY['net_price', 'quote', 'partial indexes, UNION ALL'], ARRAY[:'net_price9', :'quote9', :'partial9']);

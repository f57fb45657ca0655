-- A rule book of 32 shapes, sets drawn from eight dimensions: fill32(rules, lines)
-- makes bench.rule32, as whoever prices in SQL lays it out, set by set, the same rules as
-- policy shapes32_<rules>, and lines of which four in five hit some rule.
-- The strongest rule of the strongest set wins; sets are ordered by mask.

\ir hash.sql

INSERT INTO quotetier.dimension (name, weight) SELECT 'd' || i, i FROM generate_series(1, 8) i;

CREATE TABLE bench.shape (mask int PRIMARY KEY, n bigint);
INSERT INTO bench.shape
SELECT m, n FROM (SELECT m, row_number() OVER (ORDER BY bench.hash(m, 7, 1000000)) AS n FROM generate_series(1, 255) m) s WHERE n <= 32;
ANALYZE bench.shape;

-- the columns of a set, the one that tells most apart first
CREATE OR REPLACE FUNCTION bench.shape_columns(mask int) RETURNS text[] LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg('d' || i ORDER BY i) FROM generate_series(1, 8) i WHERE mask & (1 << i - 1) > 0 $$;

CREATE OR REPLACE PROCEDURE bench.fill32(rules int, lines int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'shapes32_' || rules;
    m int;
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
      JOIN bench.shape s ON s.n = bench.hash(i, 12, 32) + 1
     ORDER BY s.mask, i;
    CREATE INDEX ON bench.rule32 (mask, d1, d2, d3, d4, d5, d6, d7, d8, priority DESC, percent DESC) INCLUDE (valid_from, valid_to);
    FOR m IN SELECT mask FROM bench.shape LOOP
        EXECUTE format('CREATE INDEX ON bench.rule32 (%s) INCLUDE (valid_from, valid_to) WHERE mask = %s',
                       array_to_string(bench.shape_columns(m) || '{priority DESC,percent DESC}'::text[], ', '), m);
    END LOOP;
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
           round((bench.hash(i, 30, 100000) + 1) / 100.0, 2) AS list_price,
           '2025-06-01'::timestamptz + bench.hash(i, 31, 30) * interval '1 day' AS at
      FROM generate_series(1, lines) i
      LEFT JOIN bench.rule32 r ON bench.hash(i, 20, 5) > 0 AND r.id = bench.hash(i, 32, rules) + 1;
    CREATE INDEX ON bench.line32 (id);

    INSERT INTO quotetier.policy (name, currency) VALUES (p, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) VALUES (p, 20, 'discount', 'first');
    INSERT INTO quotetier.rule (policy, step, scope, adjust, value, priority, valid)
    SELECT p, 'discount',
           jsonb_strip_nulls(jsonb_build_object(
               'd1', nullif(d1, ''), 'd2', nullif(d2, ''), 'd3', nullif(d3, ''), 'd4', nullif(d4, ''),
               'd5', nullif(d5, ''), 'd6', nullif(d6, ''), 'd7', nullif(d7, ''), 'd8', nullif(d8, ''))),
           'percent_off', percent, priority,
           tstzrange(nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'))
      FROM bench.rule32;
    ANALYZE bench.rule32; ANALYZE bench.line32; ANALYZE quotetier.rule;
END $$;

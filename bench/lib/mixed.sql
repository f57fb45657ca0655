-- A rule book as companies have it: 32 shapes over eight dimensions in six
-- steps, a fifth of the rules with a list of values, regions as paths, volume
-- scales, validity, one condition in a hundred. make_mixed(rules) makes the rows
-- (bench.mixed_rule, bench.mixed_scale), load_mixed(rules) saves them as policy
-- mixed_<rules>, need_mixed(rules, lines) does both unless they are there, and
-- makes bench.line_<rules>, four lines in five made to hit some rule.
-- What few values allow few rules for has few, however large the book.

\ir hash.sql

SELECT to_regclass('bench.mixed_shape') IS NULL AS missing \gset
\if :missing
INSERT INTO quotetier.dimension (name, weight, kind) VALUES
    ('customer', 80, 'label'), ('sku', 70, 'label'), ('category', 60, 'label'), ('brand', 50, 'label'),
    ('tier', 40, 'label'), ('segment', 30, 'label'), ('region', 20, 'path'), ('channel', 10, 'label');

CREATE TABLE bench.mixed_shape AS
SELECT row_number() OVER ()::int AS shape, s.*, sum(share) OVER (ROWS UNBOUNDED PRECEDING) - share AS from_share
  FROM (VALUES
    ('contract', '{customer,sku}'::text[], 250, 'Infinity'::float8), ('contract', '{customer,category}', 60, 100000),
    ('contract', '{customer,brand}', 40, 100000), ('contract', '{customer}', 10, 3000),
    ('contract', '{customer,sku,region}', 30, 'Infinity'), ('contract', '{customer,sku,channel}', 20, 'Infinity'),
    ('tier', '{sku,tier}', 80, 50000), ('tier', '{category,tier}', 20, 500), ('tier', '{brand,tier}', 20, 600),
    ('tier', '{tier}', 3, 5), ('tier', '{category,segment}', 15, 800), ('tier', '{sku,segment}', 30, 50000),
    ('tier', '{tier,region}', 8, 150), ('tier', '{category,tier,channel}', 10, 1500),
    ('volume', '{sku}', 60, 10000), ('volume', '{category}', 10, 100), ('volume', '{sku,tier}', 20, 30000),
    ('volume', '{customer,sku}', 40, 'Infinity'), ('volume', '{brand}', 8, 120),
    ('promotion', '{sku,region}', 80, 'Infinity'), ('promotion', '{category,region}', 15, 4000),
    ('promotion', '{brand,channel}', 8, 400), ('promotion', '{sku,channel}', 60, 40000), ('promotion', '{region}', 5, 30),
    ('promotion', '{brand,region}', 20, 4000), ('promotion', '{segment,region}', 8, 150),
    ('promotion', '{category,channel}', 6, 300), ('promotion', '{sku}', 30, 10000),
    ('promotion', '{category,tier,region}', 20, 10000), ('promotion', '{channel}', 1, 4), ('promotion', '{}', 1, 2),
    ('negotiated', '{customer,brand,channel}', 10, 'Infinity')) s (step, dimensions, share, most);
CREATE TABLE bench.mixed_draw AS
SELECT from_share + k AS n, shape FROM bench.mixed_shape, generate_series(0, share - 1) k;
\endif

-- one value in a scope, or a list of three
CREATE OR REPLACE FUNCTION bench.asked(asked boolean, listed boolean, prefix text, n int, most int, suffix text DEFAULT '') RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT CASE WHEN NOT asked THEN NULL
            WHEN listed THEN jsonb_build_array(prefix || n || suffix, prefix || (n + 1) % most || suffix, prefix || (n + 2) % most || suffix)
            ELSE to_jsonb(prefix || n || suffix) END
$$;
-- a value that a scope asks for
CREATE OR REPLACE FUNCTION bench.asked(scope jsonb, dimension text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(scope->dimension->>0, scope->>dimension) $$;

CREATE OR REPLACE PROCEDURE bench.make_mixed(rules int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'mixed_' || rules;
    first bigint := 10::bigint * rules;
    draws int := (SELECT count(*) FROM bench.mixed_draw);
BEGIN
    DROP TABLE IF EXISTS bench.mixed_rule, bench.mixed_scale;
    CREATE UNLOGGED TABLE bench.mixed_rule AS
    SELECT first + i AS id, p AS policy, s.step,
           jsonb_strip_nulls(jsonb_build_object(
               'customer', bench.asked('customer' = ANY (dimensions), false, 'C', customer, 5000),
               'sku', bench.asked('sku' = ANY (dimensions), listed = 'sku', 'S', sku, 20000),
               'category', bench.asked('category' = ANY (dimensions), listed = 'category', 'k', category, 200),
               'brand', bench.asked('brand' = ANY (dimensions), listed = 'brand', 'b', brand, 300),
               'tier', bench.asked('tier' = ANY (dimensions), listed = 'tier', 't', tier, 5),
               'segment', bench.asked('segment' = ANY (dimensions), listed = 'segment', 'g', segment, 10),
               'channel', bench.asked('channel' = ANY (dimensions), listed = 'channel', 'h', channel, 4),
               'region', bench.asked('region' = ANY (dimensions), listed = 'region', 'R', region, 4, place))) AS scope,
           (CASE bench.hash(i, 14, 200) WHEN 0 THEN '$.order_amount >= 500' WHEN 1 THEN '$.qty >= 5 && $.channel != "h1"' END)::jsonpath AS condition,
           CASE WHEN bench.hash(i, 15, 10) < 4 THEN tstzrange(NULL, NULL)
                WHEN bench.hash(i, 15, 10) < 6 THEN tstzrange('2025-01-01', '2025-12-01')
                WHEN bench.hash(i, 15, 10) < 8 THEN tstzrange('2024-01-01', '2025-01-01')
                ELSE tstzrange('2025-09-01', NULL) END AS valid,
           bench.hash(i, 16, 5) AS priority,
           CASE WHEN s.step IN ('promotion', 'negotiated') AND bench.hash(i, 17, 5) = 0 THEN 'amount_off' ELSE 'percent_off' END AS adjust,
           CASE WHEN s.step <> 'volume' THEN (bench.hash(i, 18, 20) + 1)::numeric END AS value,
           CASE WHEN s.step = 'volume' THEN 'volume' END AS scale_mode
      FROM (SELECT i, CASE WHEN row_number() OVER (PARTITION BY shape ORDER BY i) <= most THEN shape ELSE 1 END AS shape
              FROM generate_series(1, rules) i JOIN bench.mixed_draw ON n = bench.hash(i, 11, draws) JOIN bench.mixed_shape USING (shape)) i
      JOIN bench.mixed_shape s USING (shape),
           -- in one rule of five the last dimension has a list; of 20 regions 16 have a depth of 3, 3 of 2
           LATERAL (SELECT CASE WHEN bench.hash(i, 12, 5) = 0 THEN dimensions[cardinality(dimensions)] END AS listed,
                           bench.hash(i, 1, 5000) AS customer, bench.hash(i, 2, 20000) AS sku, bench.hash(i, 3, 200) AS category, bench.hash(i, 4, 300) AS brand,
                           bench.hash(i, 5, 5) AS tier, bench.hash(i, 6, 10) AS segment, bench.hash(i, 7, 4) AS channel, bench.hash(i, 8, 4) AS region,
                           CASE WHEN bench.hash(i, 13, 20) = 0 THEN '' WHEN bench.hash(i, 13, 20) < 4 THEN '.A' || bench.hash(i, 9, 8)
                                ELSE '.A' || bench.hash(i, 9, 8) || '.T' || bench.hash(i, 10, 12) END AS place OFFSET 0) v
     ORDER BY i;
    CREATE UNLOGGED TABLE bench.mixed_scale AS
    SELECT id AS rule, b.* FROM bench.mixed_rule, (VALUES (10, 50, 3), (50, 200, 5), (200, NULL, 8)) b (from_value, to_value, value)
     WHERE scale_mode IS NOT NULL;
    ANALYZE bench.mixed_rule;
END $$;

CREATE OR REPLACE PROCEDURE bench.mixed_policy(rules int) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotetier.policy (name, currency) VALUES ('mixed_' || rules, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) SELECT 'mixed_' || rules, seq, name, pick FROM quotetier.step WHERE policy = 'default';
END $$;

CREATE OR REPLACE PROCEDURE bench.load_mixed() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quotetier.rule (id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode)
    SELECT id, policy, step, scope, condition, valid, priority, adjust, value, scale_mode FROM bench.mixed_rule;
    INSERT INTO quotetier.scale (rule, from_value, to_value, value)
    SELECT rule, from_value, to_value, value FROM bench.mixed_scale;
END $$;

-- the line is about a sku, which has its category and its brand
CREATE OR REPLACE PROCEDURE bench.mixed_lines(rules int, lines int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS bench.line_%s', rules);
    EXECUTE format($sql$
    CREATE TABLE bench.line_%1$s AS
    SELECT i AS id, coalesce(bench.asked(scope, 'customer'), 'C' || bench.hash(i, 21, 5000)) AS customer,
           'S' || sku AS sku, 'k' || sku %% 200 AS category, 'b' || sku %% 300 AS brand,
           coalesce(bench.asked(scope, 'tier'), 't' || bench.hash(i, 22, 5)) AS tier,
           coalesce(bench.asked(scope, 'segment'), 'g' || bench.hash(i, 23, 10)) AS segment,
           coalesce(region, 'R' || bench.hash(i, 24, 4)) || CASE cardinality(string_to_array(region, '.'))
               WHEN 3 THEN '' WHEN 2 THEN '.T' || bench.hash(i, 25, 12) ELSE '.A' || bench.hash(i, 26, 8) || '.T' || bench.hash(i, 25, 12) END AS region,
           coalesce(bench.asked(scope, 'channel'), 'h' || bench.hash(i, 27, 4)) AS channel,
           bench.hash(i, 28, 1000)::numeric AS order_amount, round((bench.hash(i, 29, 100000) + 101) / 100.0, 2) AS list_price,
           (1 + bench.hash(i, 30, 8) * bench.hash(i, 31, 30))::numeric AS qty,
           '2025-06-01'::timestamptz + bench.hash(i, 32, 30) * interval '1 day' AS at
      FROM (SELECT i, scope, bench.asked(scope, 'region') AS region, CASE
                       WHEN scope ? 'sku' THEN substr(bench.asked(scope, 'sku'), 2)::int
                       WHEN scope ? 'category' THEN substr(bench.asked(scope, 'category'), 2)::int + 200 * bench.hash(i, 33, 100)
                       WHEN scope ? 'brand' THEN substr(bench.asked(scope, 'brand'), 2)::int + 300 * bench.hash(i, 33, 66)
                       ELSE bench.hash(i, 33, 20000) END AS sku
              FROM generate_series(1, %2$s) i
              LEFT JOIN quotetier.rule r ON bench.hash(i, 34, 5) > 0 AND r.id = 10::bigint * %1$s + 1 + bench.hash(i, 35, %1$s) OFFSET 0) l$sql$,
        rules, lines);
    EXECUTE format('ANALYZE bench.line_%s', rules);
END $$;

CREATE OR REPLACE PROCEDURE bench.need_mixed(rules int, lines int) LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM quotetier.policy WHERE name = 'mixed_' || rules) THEN
        CALL bench.make_mixed(rules);
        CALL bench.mixed_policy(rules);
        CALL bench.load_mixed();
        ANALYZE quotetier.rule;
        ANALYZE quotetier.scale;
    END IF;
    IF to_regclass('bench.line_' || rules) IS NULL THEN
        CALL bench.mixed_lines(rules, lines);
    END IF;
END $$;

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
SELECT row_number() OVER ()::int AS shape, s.*,
       (1000 * (sum(share) OVER (ROWS UNBOUNDED PRECEDING) - share) / sum(share) OVER ())::int AS from_share,
       (1000 * sum(share) OVER (ROWS UNBOUNDED PRECEDING) / sum(share) OVER ())::int AS to_share
  FROM (VALUES
    ('contract', '{customer,sku}'::text[], 250, 'Infinity'::float8), ('contract', '{customer,category}', 60, 200000),
    ('contract', '{customer,brand}', 40, 300000), ('contract', '{customer}', 10, 10000),
    ('contract', '{customer,sku,region}', 30, 'Infinity'), ('contract', '{customer,sku,channel}', 20, 'Infinity'),
    ('tier', '{sku,tier}', 80, 100000), ('tier', '{category,tier}', 20, 2000), ('tier', '{brand,tier}', 20, 3000),
    ('tier', '{tier}', 3, 10), ('tier', '{category,segment}', 15, 4000), ('tier', '{sku,segment}', 30, 200000),
    ('tier', '{tier,region}', 8, 500), ('tier', '{category,tier,channel}', 10, 8000),
    ('volume', '{sku}', 60, 30000), ('volume', '{category}', 10, 300), ('volume', '{sku,tier}', 20, 100000),
    ('volume', '{customer,sku}', 40, 'Infinity'), ('volume', '{brand}', 8, 400),
    ('promotion', '{sku,region}', 80, 'Infinity'), ('promotion', '{category,region}', 15, 50000),
    ('promotion', '{brand,channel}', 8, 2400), ('promotion', '{sku,channel}', 60, 80000), ('promotion', '{region}', 5, 400),
    ('promotion', '{brand,region}', 20, 50000), ('promotion', '{segment,region}', 8, 2000),
    ('promotion', '{category,channel}', 6, 1600), ('promotion', '{sku}', 30, 20000),
    ('promotion', '{category,tier,region}', 20, 100000), ('promotion', '{channel}', 1, 8), ('promotion', '{}', 1, 2),
    ('negotiated', '{customer,brand,channel}', 10, 100000)) s (step, dimensions, share, most);
\endif

-- a value of a dimension: regions have a depth of 1 to 3
CREATE OR REPLACE FUNCTION bench.mixed_value(dimension text, i bigint, depth int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE dimension
    WHEN 'customer' THEN 'C' || bench.hash(i, 1, 5000)
    WHEN 'sku' THEN 'S' || bench.hash(i, 2, 20000)
    WHEN 'category' THEN 'k' || bench.hash(i, 3, 200)
    WHEN 'brand' THEN 'b' || bench.hash(i, 4, 300)
    WHEN 'tier' THEN 't' || bench.hash(i, 5, 5)
    WHEN 'segment' THEN 'g' || bench.hash(i, 6, 10)
    WHEN 'channel' THEN 'h' || bench.hash(i, 7, 4)
    WHEN 'region' THEN 'R' || bench.hash(i, 8, 4) || CASE WHEN depth > 1 THEN '.A' || bench.hash(i, 9, 8) ELSE '' END
                     || CASE WHEN depth > 2 THEN '.T' || bench.hash(i, 10, 12) ELSE '' END END
$$;

CREATE OR REPLACE PROCEDURE bench.make_mixed(rules int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'mixed_' || rules;
    first bigint := 10::bigint * rules;
BEGIN
    DROP TABLE IF EXISTS bench.mixed_rule, bench.mixed_scale;
    CREATE UNLOGGED TABLE bench.mixed_rule AS
    SELECT first + i AS id, p AS policy, s.step,
           -- in one rule of five the last dimension has a list
           (SELECT coalesce(jsonb_object_agg(d, CASE
                       WHEN n = cardinality(s.dimensions) AND d <> 'customer' AND bench.hash(i, 12, 5) = 0
                       THEN (SELECT jsonb_agg(DISTINCT bench.mixed_value(d, 7 * i + k, bench.hash(i, 13, 3) + 1)) FROM generate_series(0, 2) k)
                       ELSE to_jsonb(bench.mixed_value(d, 7 * i, bench.hash(i, 13, 3) + 1)) END), '{}')
              FROM unnest(s.dimensions) WITH ORDINALITY u (d, n)) AS scope,
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
              FROM generate_series(1, rules) i JOIN bench.mixed_shape ON bench.hash(i, 11, 1000) >= from_share AND bench.hash(i, 11, 1000) < to_share) i
      JOIN bench.mixed_shape s USING (shape)
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
    SELECT i AS id, coalesce(asked->>'customer', bench.mixed_value('customer', -i, 3)) AS customer,
           'S' || sku AS sku, 'k' || sku %% 200 AS category, 'b' || sku %% 300 AS brand,
           coalesce(asked->>'tier', bench.mixed_value('tier', -i, 3)) AS tier,
           coalesce(asked->>'segment', bench.mixed_value('segment', -i, 3)) AS segment,
           coalesce(asked->>'region', 'R' || bench.hash(i, 40, 4)) || CASE cardinality(string_to_array(asked->>'region', '.'))
               WHEN 3 THEN '' WHEN 2 THEN '.T' || bench.hash(i, 41, 12) ELSE '.A' || bench.hash(i, 42, 8) || '.T' || bench.hash(i, 41, 12) END AS region,
           coalesce(asked->>'channel', bench.mixed_value('channel', -i, 3)) AS channel,
           (bench.hash(i, 32, 1000))::numeric AS order_amount, round((bench.hash(i, 33, 100000) + 101) / 100.0, 2) AS list_price,
           (1 + bench.hash(i, 34, 8) * bench.hash(i, 35, 30))::numeric AS qty,
           '2025-06-01'::timestamptz + bench.hash(i, 36, 30) * interval '1 day' AS at
      FROM (SELECT i, asked, CASE
                       WHEN asked ? 'sku' THEN substr(asked->>'sku', 2)::int
                       WHEN asked ? 'category' THEN substr(asked->>'category', 2)::int + 200 * bench.hash(i, 37, 100)
                       WHEN asked ? 'brand' THEN substr(asked->>'brand', 2)::int + 300 * bench.hash(i, 37, 66)
                       ELSE bench.hash(i, 37, 20000) END AS sku
              FROM generate_series(1, %2$s) i
              LEFT JOIN LATERAL (SELECT jsonb_object_agg(s.key, coalesce(s.value->>0, s.value#>>'{}')) AS asked
                                   FROM quotetier.rule r, jsonb_each(r.scope) s
                                  WHERE bench.hash(i, 38, 5) > 0 AND r.id = 10::bigint * %1$s + 1 + bench.hash(i, 39, %1$s)) a ON true) l$sql$,
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

-- A rule book of 9 nested shapes, customer > tier x sku > category, as shops
-- have it: fill9(rules, lines) makes bench.rule9, as whoever prices in SQL lays
-- it out, with a partial covering index a shape, the same rules as policy
-- nested9_<rules>, and lines of which four in five hit some rule. A third of
-- the rules start at a quantity.

\ir hash.sql

INSERT INTO quotetier.dimension (name, weight) VALUES ('customer', 40), ('tier', 30), ('sku', 20), ('category', 10);

CREATE TABLE bench.nested (shape int PRIMARY KEY, columns text[]);
INSERT INTO bench.nested VALUES (1, '{customer,sku}'), (2, '{customer,category}'), (3, '{customer}'), (4, '{tier,sku}'),
    (5, '{tier,category}'), (6, '{tier}'), (7, '{sku}'), (8, '{category}'), (9, '{}');

CREATE OR REPLACE PROCEDURE bench.fill9(rules int, lines int) LANGUAGE plpgsql AS $$
DECLARE
    p text := 'nested9_' || rules;
    s record;
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
              FROM generate_series(1, rules) i) x
     ORDER BY shape, i;
    FOR s IN SELECT * FROM bench.nested LOOP
        EXECUTE format('CREATE INDEX ON bench.rule9 (%s) INCLUDE (from_qty, valid_from, valid_to) WHERE shape = %s',
                       array_to_string(s.columns || '{priority DESC,percent DESC}'::text[], ', '), s.shape);
    END LOOP;
    CREATE TABLE bench.line9 AS
    SELECT i AS id,
           coalesce(r.customer, 'C' || bench.hash(i, 21, 5000)) AS customer,
           coalesce(r.tier, 't' || bench.hash(i, 22, 8)) AS tier,
           coalesce(r.sku, 'S' || bench.hash(i, 23, 20000)) AS sku,
           coalesce(r.category, 'k' || bench.hash(i, 24, 200)) AS category,
           (bench.hash(i, 29, 40) + 1)::numeric AS qty,
           round((bench.hash(i, 30, 100000) + 1) / 100.0, 2) AS list_price,
           '2025-06-01'::timestamptz + bench.hash(i, 31, 30) * interval '1 day' AS at
      FROM generate_series(1, lines) i
      LEFT JOIN bench.rule9 r ON bench.hash(i, 20, 5) > 0 AND r.id = bench.hash(i, 32, rules) + 1;
    CREATE INDEX ON bench.line9 (id);

    INSERT INTO quotetier.policy (name, currency) VALUES (p, 'USD');
    INSERT INTO quotetier.step (policy, seq, name, pick) VALUES (p, 20, 'discount', 'first');
    INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, scale_mode, priority, valid)
    SELECT rules * 10::bigint + id, p, 'discount',
           jsonb_strip_nulls(jsonb_build_object('customer', customer, 'tier', tier, 'sku', sku, 'category', category)),
           'percent_off', CASE WHEN from_qty = 0 THEN percent END, CASE WHEN from_qty > 0 THEN 'volume' END,
           priority, tstzrange(nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'))
      FROM bench.rule9;
    INSERT INTO quotetier.scale (rule, from_value, value)
    SELECT rules * 10::bigint + id, from_qty, percent FROM bench.rule9 WHERE from_qty > 0;
    ANALYZE bench.rule9; ANALYZE bench.line9; ANALYZE quotetier.rule; ANALYZE quotetier.scale;
END $$;

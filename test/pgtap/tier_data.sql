-- ABC and customer pyramid on real data, against figures worked out elsewhere
-- (segmentation references: Superstore customers and products, Northwind).
-- The data lie in QUOTETIER_DATA, by default ../shared/data; without them: skipped.
\set there `d="${QUOTETIER_DATA:-../shared/data}"; test -r "$d/superstore.csv.gz" && test -r "$d/northwind_orders.csv.gz" && echo true || echo false`
BEGIN;
SELECT plan(6);
\if :there

CREATE TEMP TABLE superstore (row_id text, order_id text, order_date date, ship_date date, ship_mode text, customer_id text,
    segment text, city text, state text, region text, product_id text, category text, sub_category text,
    sales numeric, quantity numeric, discount numeric, profit numeric);
\copy superstore FROM PROGRAM 'gzip -dc "${QUOTETIER_DATA:-../shared/data}/superstore.csv.gz"' CSV HEADER
CREATE TEMP TABLE orders (order_id int, customer_id text, employee_id int, order_date date, required_date date, shipped_date date,
    ship_via int, freight numeric, ship_country text);
\copy orders FROM PROGRAM 'gzip -dc "${QUOTETIER_DATA:-../shared/data}/northwind_orders.csv.gz"' CSV HEADER
CREATE TEMP TABLE details (order_id int, product_id int, unit_price numeric, quantity int, discount numeric);
\copy details FROM PROGRAM 'gzip -dc "${QUOTETIER_DATA:-../shared/data}/northwind_order_details.csv.gz"' CSV HEADER

CREATE TEMP VIEW entity AS
    SELECT 'superstore customers' AS entity, customer_id AS id, sum(sales) AS value FROM superstore GROUP BY 2
    UNION ALL SELECT 'superstore products', product_id, sum(sales) FROM superstore GROUP BY 2
    UNION ALL SELECT 'northwind', customer_id, sum(unit_price * quantity * (1 - discount)) FROM orders JOIN details USING (order_id) GROUP BY 2;
CREATE TEMP TABLE graded AS
    SELECT entity, id, value, quotetier.tier_over('abc', value) OVER w AS abc, quotetier.tier_over('pyramid', value) OVER w AS layer
    FROM entity WINDOW w AS (PARTITION BY entity ORDER BY value DESC, id);

SELECT results_eq(
    $$SELECT count(*) FILTER (WHERE abc = 'A'), count(*) FILTER (WHERE abc = 'B'), count(*) FILTER (WHERE abc = 'C')
      FROM graded WHERE entity = 'superstore customers'$$, $$VALUES (396::bigint, 209::bigint, 188::bigint)$$, 'ABC of Superstore''s customers');
SELECT results_eq(
    $$SELECT count(*) FILTER (WHERE abc = 'A'), count(*) FILTER (WHERE abc = 'B'), count(*) FILTER (WHERE abc = 'C')
      FROM graded WHERE entity = 'superstore products'$$, $$VALUES (414::bigint, 489::bigint, 959::bigint)$$, 'ABC of Superstore''s products');
SELECT results_eq(
    $$SELECT count(*) FILTER (WHERE abc = 'A'), count(*) FILTER (WHERE abc = 'B'), count(*) FILTER (WHERE abc = 'C')
      FROM graded WHERE entity = 'northwind'$$, $$VALUES (34::bigint, 27::bigint, 28::bigint)$$, 'ABC of Northwind''s customers');
SELECT results_eq(
    $$SELECT layer, count(*), round(sum(value) / (SELECT sum(value) FROM graded WHERE entity = 'superstore customers'), 6)
      FROM graded WHERE entity = 'superstore customers' GROUP BY 1 ORDER BY 2$$,
    $$VALUES ('top', 8::bigint, .056361), ('big', 32, .133834), ('medium', 119, .291289), ('small', 634, .518516)$$,
    'pyramid of Superstore''s customers');
SELECT results_eq(
    $$SELECT layer, count(*), round(sum(value) / (SELECT sum(value) FROM graded WHERE entity = 'northwind'), 6)
      FROM graded WHERE entity = 'northwind' GROUP BY 1 ORDER BY 2$$,
    $$VALUES ('top', 1::bigint, .087121), ('big', 4, .245154), ('medium', 13, .268295), ('small', 71, .399430)$$,
    'pyramid of Northwind''s customers');
SELECT is(sum(value), 2297200.8603, 'and nobody is left out') FROM graded WHERE entity = 'superstore customers';

\else
SELECT skip('no data in QUOTETIER_DATA', 6);
\endif
SELECT * FROM finish();
ROLLBACK;

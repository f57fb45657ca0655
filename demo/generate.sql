-- Stands in for the file when it cannot be had: rows of the same shape and size,
-- drawn by a fixed rule, so that every run has the same ones. The figures mean
-- nothing.
SET search_path = demo;

-- a number in [0,1) for line n, the same everywhere
CREATE FUNCTION draw(n int, what text) RETURNS float8
    IMMUTABLE STRICT LANGUAGE sql
    RETURN ('x' || left(md5(what || n), 7))::bit(28)::int / 268435456.0;

INSERT INTO raw (row_id, order_id, order_date, customer_id, customer_name, segment, region,
                 product_id, product_name, category, sales, quantity, discount, profit)
SELECT n, 'G-' || o, '2014-01-03'::date + (1457 * draw(o, 'date') ^ 0.7)::int,
       'C-' || c, 'Customer ' || c, (ARRAY['Consumer', 'Corporate', 'Home Office'])[1 + c % 3],
       (ARRAY['Central', 'East', 'South', 'West'])[1 + (4 * draw(o, 'region'))::int % 4],
       'P-' || p, 'Product ' || p, (ARRAY['Furniture', 'Office Supplies', 'Technology'])[1 + p % 3],
       round(list_price * quantity * (1 - discount), 4), quantity, discount,
       round(list_price * quantity * (0.85 - discount), 4) - round(list_price * quantity * 0.55, 4)
FROM generate_series(1, 9994) n
CROSS JOIN LATERAL (SELECT 1 + n / 2 AS o, (1862 * draw(n, 'product'))::int AS p) line
CROSS JOIN LATERAL (SELECT CASE WHEN o <= 793 THEN o ELSE 1 + (792 * draw(o, 'customer') ^ 1.5)::int END AS c,
                           round((2 + 300 * draw(p, 'price') ^ 4)::numeric, 2) AS list_price,
                           1 + (13 * draw(n, 'quantity') ^ 2)::int AS quantity,
                           (ARRAY[0, 0, 0, 0.2, 0.2, 0.3, 0.5])[1 + (7 * draw(n, 'discount'))::int % 7]::numeric AS discount) fact;

DROP FUNCTION draw;

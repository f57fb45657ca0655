-- From the file's rows to the shop's tables.
SET search_path = demo;

-- One product id in 60 stands for two products: the second gets a number of its own.
CREATE TEMP TABLE sku AS
SELECT product_id, product_name,
       product_id || CASE WHEN count(*) OVER earlier > 1 THEN '/' || count(*) OVER earlier ELSE '' END AS sku
FROM (SELECT DISTINCT product_id, product_name FROM raw) product
WINDOW earlier AS (PARTITION BY product_id ORDER BY product_name COLLATE "C");

INSERT INTO customers
SELECT DISTINCT customer_id, customer_name, segment FROM raw;

-- The file has no list price, but what was charged and the discount given: list
-- price = sales / quantity / (1 - discount), the same on every line of a product.
INSERT INTO products
SELECT sku, product_name, min(category), round(max(sales / quantity / (1 - discount)), 2)
FROM raw JOIN sku USING (product_id, product_name)
GROUP BY sku, product_name;

INSERT INTO orders
SELECT order_id, min(customer_id), min(order_date), min(region), sum(sales) FROM raw GROUP BY order_id;

INSERT INTO order_line
SELECT row_id, order_id, sku, quantity, sales, sales - profit
FROM raw JOIN sku USING (product_id, product_name);

CREATE INDEX ON order_line (order_id);
DROP TABLE raw;
ANALYZE;

\C 'What the shop has'
SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM products) AS products,
       (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_line) AS lines,
       (SELECT min(order_date) FROM orders) AS first, (SELECT max(order_date) FROM orders) AS last,
       (SELECT round(sum(charged)) FROM order_line) AS charged;

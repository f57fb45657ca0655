-- The shop: its own tables, as any application would have them. Nothing here
-- knows of quotetier.
CREATE SCHEMA demo;
SET search_path = demo;

-- the file as it comes, one row an order line
CREATE UNLOGGED TABLE raw (
    row_id int, order_id text, order_date date, ship_date date, ship_mode text,
    customer_id text, customer_name text, segment text, country text, city text, state text, postal_code text, region text,
    product_id text, category text, sub_category text, product_name text,
    sales numeric, quantity int, discount numeric, profit numeric
);

CREATE TABLE customers (
    customer_id text PRIMARY KEY,
    name        text NOT NULL,
    market      text NOT NULL              -- Consumer, Corporate, Home Office
);

CREATE TABLE products (
    sku        text PRIMARY KEY,
    name       text NOT NULL,
    category   text NOT NULL,
    list_price numeric(10,2) NOT NULL
);

CREATE TABLE orders (
    order_id    text PRIMARY KEY,
    customer_id text NOT NULL REFERENCES customers,
    order_date  date NOT NULL,
    region      text NOT NULL,
    amount      numeric NOT NULL           -- what was charged
);

CREATE TABLE order_line (
    line_id  int PRIMARY KEY,
    order_id text NOT NULL REFERENCES orders,
    sku      text NOT NULL REFERENCES products,
    qty      int NOT NULL,
    charged  numeric NOT NULL,             -- after the discount that was given
    cost     numeric NOT NULL
);

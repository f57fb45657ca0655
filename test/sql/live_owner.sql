-- live: whose rights are used. The tracker's owner owns the orders; who writes them needs nothing else
SET client_min_messages = warning;
CREATE ROLE live_owner;
CREATE ROLE live_writer;
CREATE ROLE live_stranger;
CREATE SCHEMA live_owner AUTHORIZATION live_owner;
GRANT USAGE ON SCHEMA live_owner TO live_writer, live_stranger;
SET search_path = live_owner, public;
\set SHOW_CONTEXT never

SET ROLE live_owner;
CREATE TABLE orders (customer int, at date, amount numeric) PARTITION BY RANGE (at);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
GRANT INSERT, UPDATE, DELETE, SELECT, TRUNCATE ON orders, orders_1 TO live_writer;
SELECT quotetier.track('owned', 'orders', customer => 'customer', at => 'at', amount => 'amount', flush_every => 1);
SELECT DISTINCT relowner::regrole FROM pg_class WHERE relname LIKE 'owned%';

SET ROLE live_writer;
INSERT INTO orders VALUES (1, '2024-02-01', 5), (2, '2024-02-01', 5);
UPDATE orders_1 SET amount = 6;
DELETE FROM orders WHERE customer = 1;
TRUNCATE orders_1;
INSERT INTO orders VALUES (1, '2024-02-01', 5);
SELECT * FROM owned_rfm;
SELECT * FROM owned_rfm_queue;
INSERT INTO owned_rfm_queue VALUES ('{1}', '{1}', '{1}', '{NULL}', '{NULL}', 0);
SELECT * FROM quotetier.check_tracking('owned');
SELECT quotetier.untrack('owned');
SELECT quotetier.rebuild_tracking('owned');
SELECT quotetier.flush_tracking('owned');       -- shows nothing, changes nothing that is shown

SET ROLE live_stranger;
SELECT quotetier.track('theirs', 'orders', customer => 'customer', at => 'at', amount => 'amount');
DELETE FROM quotetier.tracked;
CREATE TEMP TABLE mine (customers int[], orders bigint[], revenue numeric[], first_at timestamp[], last_at timestamp[], recheck smallint);
SELECT quotetier.write_tracked('remove', t) FROM quotetier.tracked t;
SELECT quotetier.write_tracked('change', t) FROM (SELECT (jsonb_populate_record(t, '{"source": "mine", "orders": "mine", "queue": "mine", "summary": "mine", "objects": [], "parts": ["mine"]}')).* FROM quotetier.tracked t) t;
SELECT quotetier.write_tracked('add', t) FROM (SELECT (jsonb_populate_record(t, '{"name": "stolen"}')).* FROM quotetier.tracked t) t;
SELECT quotetier.track_rows('owned', 'orders_1', 'mine', 1);
SELECT quotetier.as_tracker('owned', 'owned_rfm_queue', 'rebuild');
SELECT quotetier.track_rows('owned', 'orders_1', 'owned_rfm_queue', 1);
SELECT quotetier.fold_queue('owned', true);

-- a partition attached by its owner, under anyone's event trigger
SET ROLE live_owner;
CREATE TABLE orders_2 (customer int, at date, amount numeric);
INSERT INTO orders_2 VALUES (7, '2025-06-01', 7);
ALTER TABLE orders ATTACH PARTITION orders_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
GRANT SELECT ON owned_rfm TO live_stranger;
SELECT * FROM quotetier.check_tracking('owned');
SET ROLE live_stranger;
SELECT customer, orders, revenue FROM owned_rfm ORDER BY 1;

-- a user's search path captures nothing
SET ROLE live_owner;
CREATE FUNCTION live_owner.max(smallint) RETURNS smallint LANGUAGE sql AS 'SELECT 1/0::smallint';
CREATE FUNCTION live_owner.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS 'SELECT NULL';
SET search_path = live_owner, pg_catalog;
INSERT INTO orders VALUES (1, '2024-03-01', 5);
SELECT quotetier.rebuild_tracking('owned');
SELECT count(*) FROM quotetier.check_tracking('owned');
SELECT quotetier.untrack('owned');
SELECT count(*) FROM quotetier.tracked;
RESET ROLE;
DROP SCHEMA live_owner CASCADE;
DROP OWNED BY live_stranger;
DROP ROLE live_owner, live_writer, live_stranger;

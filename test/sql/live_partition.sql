-- live: partitions, written directly or through their parent, attached, detached, dropped
CREATE SCHEMA live_partition;
SET search_path = live_partition, public;
\set SHOW_CONTEXT never
CREATE TABLE o (cust text, d date, amt int, x int) PARTITION BY RANGE (d);
CREATE TABLE o1 PARTITION OF o FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE o2 (x int, amt int, junk text, d date, cust text);     -- columns in another order, one dropped
ALTER TABLE o2 DROP COLUMN junk;
ALTER TABLE o ATTACH PARTITION o2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE od PARTITION OF o DEFAULT PARTITION BY LIST (x);
CREATE TABLE odd PARTITION OF od DEFAULT;
INSERT INTO o SELECT 'c' || i % 7, '2024-01-01'::date + i % 100, i, i FROM generate_series(1, 300) i;
SELECT quotetier.track('p', 'o', customer => 'cust', at => 'd', amount => 'amt', by => 'x', flush_every => 0);
SELECT source, parts FROM quotetier.tracked;

-- orders counted; what differs
CREATE FUNCTION holds() RETURNS text LANGUAGE sql AS
$$
    SELECT format('%s orders, %s differ', (SELECT sum(orders) FROM p_rfm), (SELECT count(*) FROM quotetier.check_tracking('p')))
$$;
SELECT holds();

-- through the parent, through any level, to a leaf
INSERT INTO o VALUES ('a', '2024-01-05', 1, 1), ('a', '2024-02-05', 1, 1), ('a', '2025-02-05', 1, 1);
SELECT holds();
INSERT INTO o2 (cust, d, amt, x) VALUES ('b', '2024-02-10', 5, 5);
INSERT INTO od VALUES ('b', '2026-02-10', 5, 5);
INSERT INTO odd VALUES ('b', '2026-02-10', 5, 5);
SELECT holds();
UPDATE o SET d = '2024-02-20' WHERE cust = 'a';
SELECT holds();
UPDATE o2 SET amt = amt + 1, cust = 'bb' WHERE cust = 'b';
DELETE FROM odd WHERE cust = 'b';
UPDATE od SET x = x + 1 WHERE cust = 'c1';
SELECT holds();
COPY o FROM stdin;
z	2024-01-03	10	1
z	2024-02-03	10	1
\.
COPY o1 FROM stdin;
z	2024-01-03	10	1
\.
SELECT holds();
MERGE INTO o USING (VALUES ('a'), ('new')) s (c) ON o.cust = s.c
WHEN MATCHED THEN UPDATE SET amt = amt + 1, d = '2024-01-31'
WHEN NOT MATCHED THEN INSERT VALUES (s.c, '2024-06-09', 7, 7);
SELECT holds();
MERGE INTO o USING (VALUES ('a'), ('new')) s (c) ON o.cust = s.c
WHEN MATCHED AND o.amt = 2 THEN UPDATE SET d = '2024-02-02'
WHEN MATCHED THEN DELETE;
SELECT holds();
\c -
SET search_path = live_partition, public;
MERGE INTO o USING (VALUES ('a'), ('c1')) s (c) ON o.cust = s.c
WHEN MATCHED THEN UPDATE SET d = o.d + 20, cust = 'moved';
SELECT holds();

-- TRUNCATE of a leaf, of a part of the tree, of all
TRUNCATE o1;
SELECT holds();
BEGIN;
TRUNCATE od;
SELECT holds();
TRUNCATE o;
SELECT holds();
ROLLBACK;
SELECT holds();

-- partitions come with their rows, and go with them
CREATE TABLE o3 (LIKE o);
INSERT INTO o3 VALUES ('n', '2024-05-05', 5, 5);
ALTER TABLE o ATTACH PARTITION o3 FOR VALUES FROM ('2024-05-01') TO ('2024-06-01');
SELECT holds();
INSERT INTO o3 VALUES ('n', '2024-05-06', 5, 5);
SELECT holds();
ALTER TABLE o DETACH PARTITION o2;
SELECT holds();
INSERT INTO o2 (cust, d, amt, x) VALUES ('b', '2024-02-10', 5, 5);
SELECT holds();
SELECT tgname FROM pg_trigger WHERE tgrelid = 'o2'::regclass;
CREATE TABLE o4 PARTITION OF o FOR VALUES FROM ('2024-07-01') TO ('2024-08-01');
INSERT INTO o4 VALUES ('n', '2024-07-06', 5, 5);
SELECT holds();
-- a subtree with rows
CREATE TABLE o5 (LIKE o) PARTITION BY LIST (x);
CREATE TABLE o51 PARTITION OF o5 FOR VALUES IN (1);
INSERT INTO o5 VALUES ('s', '2024-08-05', 5, 1);
ALTER TABLE o ATTACH PARTITION o5 FOR VALUES FROM ('2024-08-01') TO ('2024-09-01');
INSERT INTO o51 VALUES ('s', '2024-08-05', 5, 1);
SELECT holds();
-- in a transaction that is rolled back
BEGIN;
ALTER TABLE o DETACH PARTITION o5;
SELECT holds();
ROLLBACK;
INSERT INTO o51 VALUES ('s', '2024-08-05', 5, 1);
SELECT holds();
DROP TABLE o3;
SELECT holds();
SELECT parts FROM quotetier.tracked;

-- the replica role
SET session_replication_role = replica;
INSERT INTO o VALUES ('a', '2024-01-05', 1, 1), ('a', '2024-07-05', 1, 1);
INSERT INTO o4 VALUES ('a', '2024-07-05', 1, 1);
UPDATE o SET d = '2024-07-07' WHERE d = '2024-01-05';
DELETE FROM o51;
TRUNCATE o4;
RESET session_replication_role;
SELECT holds();

-- a name of another's tracker in a trigger is no way into its queue
CREATE TABLE mine (cust text, d date, amt int, x int);
CREATE TRIGGER forged AFTER INSERT ON mine REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION quotetier.track_change('p');
INSERT INTO mine VALUES ('a', '2024-01-05', 1, 1);
DROP TABLE mine;

-- what cannot be part of it
CREATE UNLOGGED TABLE o6 PARTITION OF o FOR VALUES FROM ('2024-10-01') TO ('2024-11-01');

-- two trackers of one table
SELECT quotetier.track('second', 'o', customer => 'x', at => 'd', amount => 'amt');
INSERT INTO o VALUES ('a', '2024-01-05', 1, 1);
DELETE FROM o WHERE cust = 'c1';
SELECT holds(), (SELECT count(*) FROM quotetier.check_tracking('second'));
SELECT quotetier.untrack('second');
INSERT INTO o VALUES ('a', '2024-01-05', 1, 1);
SELECT holds();

-- dropped: a view that is needed; the table
DROP VIEW p_rfm_orders;
BEGIN;
DROP VIEW p_rfm_orders CASCADE;
INSERT INTO o VALUES ('a', '2024-01-05', 1, 1);
\d
ROLLBACK;
DROP TABLE o;
DROP TABLE o CASCADE;
\d
SELECT count(*) FROM quotetier.tracked;
DROP SCHEMA live_partition CASCADE;

-- Quotes in parallel workers, from a policy of 12,000 rules: the plan is parallel
-- by its costs, and workers see what their leader sees, own changes included. The
-- judge is a SELECT in the same statement, and the same query without workers.
SET timezone = 'UTC';
CREATE SCHEMA shop;
SET search_path = shop;
INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
SET session_replication_role = replica;     -- the checks take long
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
SELECT i, 'default', 'list', jsonb_build_object('sku', 'S' || i), 'price', i FROM generate_series(1, 12000) i;
RESET session_replication_role;
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
SELECT 20000 + i, 'default', 'tier', jsonb_build_object('tier', 'T' || i), 'percent_off', i FROM generate_series(1, 10) i;
CREATE TABLE line WITH (fillfactor = 10) AS
SELECT i AS id, 'S' || i * 37 % 12500 AS sku, 'T' || i % 12 AS tier, 1 + i % 5 AS qty FROM generate_series(1, 20000) i;
ANALYZE line, quotetier.rule;

CREATE VIEW compared AS
    SELECT count(*) AS lines, count(quoted) AS priced, count(*) FILTER (WHERE quoted IS DISTINCT FROM selected) AS different, round(sum(selected), 2) AS total
    FROM (SELECT quotetier.net_price(l, l.qty, '2025-01-01') * l.qty AS quoted,
              round(list.value * l.qty * (100 - coalesce(off.value, 0)) / 100, 2) AS selected
          FROM line l
          LEFT JOIN (SELECT scope ->> 'sku' AS sku, value FROM quotetier.rule WHERE step = 'list') list USING (sku)
          LEFT JOIN (SELECT scope ->> 'tier' AS tier, value FROM quotetier.rule WHERE step = 'tier') off USING (tier)
          WHERE l.id % 7 = 0 OR l.sku = 'S1') c;
CREATE VIEW totals AS
    SELECT count(q.net_amount) AS priced, sum(q.net_amount) AS total, count(DISTINCT q.version) AS versions
    FROM line l CROSS JOIN LATERAL quotetier.quote(l, l.qty, '2025-01-01') q;

-- with settings as they come the lines, spread over 8 MB and more, are worth a worker
EXPLAIN (COSTS OFF) SELECT sum(quotetier.net_price(l, l.qty, '2025-01-01')) FROM line l;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT * FROM totals;

CREATE FUNCTION same() RETURNS TABLE (same boolean, lines bigint, priced bigint, different bigint, total numeric) LANGUAGE plpgsql AS $$
DECLARE
    many totals; alone totals;
BEGIN
    SELECT * INTO many FROM totals;
    SET LOCAL max_parallel_workers_per_gather = 0;
    SELECT * INTO alone FROM totals;
    SET LOCAL max_parallel_workers_per_gather = 2;
    RETURN QUERY SELECT many = alone AND many.versions = 1, c.* FROM compared c;
END $$;
SELECT * FROM same();
UPDATE quotetier.rule SET value = value + 1000 WHERE id = 1;
SELECT * FROM same();

-- one's own changes, many and few, undone and kept
BEGIN;
UPDATE quotetier.rule SET value = value + 1 WHERE id = 1;
SELECT * FROM same();
SAVEPOINT s;
UPDATE quotetier.rule SET value = value + 1 WHERE id < 4000;
SELECT * FROM same();
DELETE FROM quotetier.rule WHERE step = 'tier';
SELECT * FROM same();
ROLLBACK TO s;
SELECT * FROM same();
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value) VALUES (20011, 'default', 'tier', '{"tier": "T11"}', 'percent_off', 50);
SELECT * FROM same();
COMMIT;
SELECT * FROM same();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM same();
DELETE FROM quotetier.rule WHERE id = 1;
SELECT * FROM same();
ROLLBACK;
SELECT * FROM same();

-- whole statements in a worker
SET force_parallel_mode = on;
SELECT quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01'), value AS selected FROM quotetier.rule WHERE id = 1;
BEGIN;
UPDATE quotetier.rule SET value = 7 WHERE id = 1;
SELECT quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01'), value AS selected FROM quotetier.rule WHERE id = 1;
ROLLBACK;
SELECT quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01'), value AS selected FROM quotetier.rule WHERE id = 1;

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
SET session_replication_role = replica;
DELETE FROM quotetier.rule;
RESET session_replication_role;
DELETE FROM quotetier.dimension;

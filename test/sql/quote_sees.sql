-- A quote sees exactly the rules that a SELECT in the same statement sees: in
-- parallel workers, through cursors, prepared statements and functions, with
-- changes of one's own, and after they are undone. The SELECT is the judge.
SET timezone = 'UTC';
CREATE SCHEMA shop;
SET search_path = shop;
INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'default', 'list', jsonb_build_object('sku', 'S' || i), 'price', i + 0.5 FROM generate_series(0, 99) i;
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'default', 'tier', jsonb_build_object('tier', 'T' || i), 'percent_off', i FROM generate_series(1, 9) i;
CREATE TABLE line AS SELECT i AS id, 'S' || i * 37 % 101 AS sku, 'T' || i % 11 AS tier, 1 + i % 5 AS qty FROM generate_series(1, 3000) i;
ANALYZE line;

CREATE VIEW quoted AS
    SELECT l.id, q.net_amount AS amount, q.status
    FROM line l CROSS JOIN LATERAL quotetier.quote(l, l.qty, '2025-01-01') q;
CREATE VIEW selected AS
    SELECT l.id, round(list.value * l.qty * (100 - coalesce(off.value, 0)) / 100, 2) AS amount
    FROM line l
    LEFT JOIN quotetier.rule list ON list.policy = 'default' AND list.step = 'list' AND list.scope ->> 'sku' = l.sku
    LEFT JOIN quotetier.rule off ON off.policy = 'default' AND off.step = 'tier' AND off.scope ->> 'tier' = l.tier;
CREATE VIEW compared AS
    SELECT count(*) AS lines, count(q.amount) AS priced, count(*) FILTER (WHERE q.amount IS DISTINCT FROM s.amount) AS different, sum(q.amount)
    FROM (SELECT * FROM quoted OFFSET 0) q JOIN (SELECT * FROM selected OFFSET 0) s USING (id);
TABLE compared;

-- ---------------------------------------------------------------------------
-- parallel workers
-- ---------------------------------------------------------------------------

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;

CREATE VIEW in_parallel AS
    SELECT count(quotetier.net_price(l, l.qty, '2025-01-01')) AS priced, sum(quotetier.net_price(l, l.qty, '2025-01-01')) AS prices FROM line l;
CREATE VIEW quoted_in_parallel AS
    SELECT count(*) AS lines, sum(q.net_amount) AS amount, count(DISTINCT q.version) AS versions
    FROM line l CROSS JOIN LATERAL quotetier.quote(l, l.qty, '2025-01-01') q;
CREATE VIEW explained_in_parallel AS
    SELECT count(*) AS rows, sum(e.amount) AS amount FROM line l CROSS JOIN LATERAL quotetier.explain_quote(l, l.qty, '2025-01-01') e;
EXPLAIN (COSTS OFF) SELECT * FROM in_parallel;
EXPLAIN (COSTS OFF) SELECT * FROM quoted_in_parallel;
EXPLAIN (COSTS OFF) SELECT * FROM explained_in_parallel;

CREATE FUNCTION same_in_parallel() RETURNS TABLE (same boolean, priced bigint, prices numeric, amount numeric, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    p record; q record; e record; sp record; sq record; se record;
BEGIN
    SELECT * INTO p FROM in_parallel;
    SELECT * INTO q FROM quoted_in_parallel;
    SELECT * INTO e FROM explained_in_parallel;
    SET LOCAL max_parallel_workers_per_gather = 0;
    SELECT * INTO sp FROM in_parallel;
    SELECT * INTO sq FROM quoted_in_parallel;
    SELECT * INTO se FROM explained_in_parallel;
    SET LOCAL max_parallel_workers_per_gather = 2;
    RETURN QUERY SELECT (p, q, e) = (sp, sq, se) AND q.amount = e.amount, p.priced, p.prices, q.amount, e.rows;
END $$;
SELECT * FROM same_in_parallel();
BEGIN;
UPDATE quotetier.rule SET value = value + 10 WHERE step = 'tier';
SELECT * FROM same_in_parallel();
TABLE compared;
SAVEPOINT s;
DELETE FROM quotetier.rule WHERE step = 'tier';
SELECT * FROM same_in_parallel();
ROLLBACK TO s;
SELECT * FROM same_in_parallel();
TABLE compared;
ROLLBACK;
SELECT * FROM same_in_parallel();
-- a single call, sent to a worker
SET force_parallel_mode = on;
SELECT quotetier.net_price('{"sku": "S10", "tier": "T3"}', 2, '2025-01-01');
SELECT count(*) FROM quotetier.explain_quote('{"sku": "S10", "tier": "T3"}', 2, '2025-01-01');
RESET force_parallel_mode;
RESET max_parallel_workers_per_gather;

-- ---------------------------------------------------------------------------
-- cursors keep the rules they were opened with
-- ---------------------------------------------------------------------------

BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR
    SELECT id, amount FROM quoted WHERE id <= 4;      -- no sort: a line is priced when it is fetched
FETCH 2 FROM c;
UPDATE quotetier.rule SET value = 1000 WHERE step = 'list';
SELECT id, amount FROM quoted WHERE id <= 4 ORDER BY id;
FETCH 1 FROM c;
SAVEPOINT s;
DELETE FROM quotetier.rule;
SELECT count(*), count(amount) FROM quoted;
ROLLBACK TO s;
FETCH 1 FROM c;
DECLARE d CURSOR FOR SELECT id, amount FROM quoted WHERE id <= 3;
FETCH 1 FROM d;
UPDATE quotetier.rule SET value = 2000 WHERE step = 'list';
FETCH 1 FROM d;
FETCH BACKWARD ALL FROM c;
UPDATE quotetier.rule SET value = 3000 WHERE step = 'list';
FETCH 1 FROM d;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
SELECT id, amount FROM quoted WHERE id <= 2 ORDER BY id;
UPDATE quotetier.rule SET value = substring(scope ->> 'sku' FROM 2)::int + 0.5 WHERE step = 'list';
TABLE compared;

BEGIN;
TRUNCATE quotetier.rule CASCADE;
SELECT count(*), count(amount) FROM quoted;
ROLLBACK;
SELECT count(*), count(amount) FROM quoted;

-- ---------------------------------------------------------------------------
-- prepared statements with a plan of yesterday
-- ---------------------------------------------------------------------------

INSERT INTO quotetier.policy (name, round_increment) VALUES ('other', 0.01);
INSERT INTO quotetier.step (policy, seq, name) VALUES ('other', 10, 'list');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('other', 'list', '{"sku": "S1"}', 'price', 77);
SET plan_cache_mode = force_generic_plan;
PREPARE ask (text, numeric, text) AS
    SELECT quotetier.net_price(jsonb_build_object('sku', $1, 'tier', 'T5'), $2, '2025-01-01', $3) AS from_jsonb,
           (SELECT net_price FROM (SELECT $1 AS sku, 'T5' AS tier) f, quotetier.quote(f, $2, '2025-01-01', $3)) AS from_record;
PREPARE fixed AS SELECT quotetier.net_price('{"sku": "S1", "tier": "T5"}', 1, '2025-01-01');
EXECUTE ask ('S1', 1, 'default');
EXECUTE fixed;
EXECUTE ask ('S1', 1, 'other');
EXECUTE ask ('S2', 1, 'other');
UPDATE quotetier.rule SET value = 50 WHERE scope = '{"tier": "T5"}';
EXECUTE ask ('S1', 1, 'default');
EXECUTE fixed;
BEGIN;
UPDATE quotetier.rule SET value = 90 WHERE scope = '{"tier": "T5"}';
EXECUTE fixed;
ROLLBACK;
EXECUTE fixed;
EXECUTE ask ('S1', 1, 'nowhere');
-- lines that name their policies in turn: what one needed makes room for the next
SELECT count(quotetier.net_price('{"sku": "S1"}', 1, '2025-01-01', CASE i % 2 WHEN 0 THEN 'default' ELSE 'other' END)) AS lines,
       (SELECT count(*) > 0 AND sum(total_bytes) < 100000 FROM pg_backend_memory_contexts WHERE name LIKE 'quotetier pricer%') AS bounded
FROM generate_series(1, 10000) i;
UPDATE quotetier.rule SET value = 5 WHERE scope = '{"tier": "T5"}';
RESET plan_cache_mode;
DEALLOCATE ALL;

-- ---------------------------------------------------------------------------
-- functions: a volatile one sees what it changes, a stable one what its caller sees
-- ---------------------------------------------------------------------------

CREATE FUNCTION price_stable() RETURNS numeric STABLE LANGUAGE plpgsql AS $$ BEGIN
    RETURN quotetier.net_price('{"sku": "S9", "tier": "T1"}', 1, '2025-01-01'); END $$;
CREATE FUNCTION price_volatile() RETURNS numeric VOLATILE LANGUAGE plpgsql AS $$ BEGIN
    RETURN quotetier.net_price('{"sku": "S9", "tier": "T1"}', 1, '2025-01-01'); END $$;
CREATE FUNCTION set_list(v numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN
    UPDATE quotetier.rule SET value = v WHERE scope = '{"sku": "S9"}'; RETURN v; END $$;
BEGIN;
SELECT set_list(v) AS set, price_stable() AS stable, price_volatile() AS volatile, quotetier.net_price('{"sku": "S9"}') AS direct
FROM generate_series(100, 300, 100) v;
SELECT price_stable(), price_volatile();
ROLLBACK;

-- each statement of a block its own, an exception's changes none
SELECT sum(amount) FROM quoted WHERE id <= 60;
DO $$
DECLARE
    l record;
    seen numeric[];
    total numeric := 0;
BEGIN
    FOR l IN SELECT id, amount FROM quoted WHERE id <= 60 LOOP   -- one snapshot, fetched in parts
        BEGIN
            UPDATE quotetier.rule SET value = 500 + l.id WHERE scope = '{"sku": "S9"}';
            seen := seen || quotetier.net_price('{"sku": "S9"}', 1, '2025-01-01');
            IF l.id % 2 = 0 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            seen := seen || quotetier.net_price('{"sku": "S9"}', 1, '2025-01-01');
        END;
        total := total + coalesce(l.amount, 0);
    END LOOP;
    RAISE NOTICE 'seen % ..., summed %', seen[1:6], total;
END $$;
TABLE compared;

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name = 'other';
DELETE FROM quotetier.dimension;

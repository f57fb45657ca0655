-- tier() in parallel workers: the leader's snapshot, and its uncommitted changes
INSERT INTO quotetier.scheme (name) VALUES ('wide');
INSERT INTO quotetier.tier (scheme, name, rank, from_value)
SELECT 'wide', 't' || i, i, i * 100 FROM generate_series(0, 99) i;
CREATE TABLE score AS SELECT (i * 7919 % 12000)::numeric - 500 AS score FROM generate_series(1, 3000) i;
ANALYZE score;

SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;

CREATE VIEW graded AS
    SELECT count(*) AS graded, count(tier) AS in_a_tier, sum(hashtext(tier)::numeric) AS sum
    FROM (SELECT quotetier.tier('wide', score) FROM score) s;
CREATE VIEW selected AS
    SELECT count(*) AS graded, count(tier) AS in_a_tier, sum(hashtext(tier)::numeric) AS sum
    FROM (SELECT (SELECT name FROM quotetier.tier WHERE scheme = 'wide' AND from_value <= score
                  ORDER BY from_value DESC LIMIT 1) AS tier FROM score) s;

-- graded below the Gather
EXPLAIN (COSTS OFF, VERBOSE) SELECT * FROM graded;

-- the workers' answers against a SELECT's
CREATE VIEW compared AS
    SELECT g.graded, g.in_a_tier, g = s AS same
    FROM (SELECT * FROM graded OFFSET 0) g, (SELECT * FROM selected OFFSET 0) s;
SELECT * FROM compared;

BEGIN;
DELETE FROM quotetier.tier WHERE scheme = 'wide' AND rank % 2 = 0;
SELECT * FROM compared;
SAVEPOINT s;
UPDATE quotetier.tier SET from_value = from_value + 50 WHERE scheme = 'wide';
SELECT * FROM compared;
ROLLBACK TO s;
SELECT * FROM compared;
ROLLBACK;
SELECT * FROM compared;

DROP VIEW compared, graded, selected;
DROP TABLE score;
DELETE FROM quotetier.scheme WHERE origin = 'user';

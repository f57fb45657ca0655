-- A row of columns is handed over as its columns. What comes out is what the row
-- as a value gives, here taken from an array; and a plan shows which it was.
SET timezone = 'UTC';
CREATE TYPE hue AS ENUM ('red', 'blue');
CREATE TABLE fact (id int PRIMARY KEY, list_price numeric, gone int, t text, c char(5), d date, b boolean, colour hue, tags text[], doc jsonb, long text, nothing text);
ALTER TABLE fact DROP COLUMN gone;
INSERT INTO fact VALUES
    (1, 100, 'gold', 'ab', '2025-06-15', true, 'blue', '{new,old}', '{"a": [1, 2]}', repeat('long ', 5000)), (2, 80, 'gold', NULL, NULL, false, 'red', NULL, '[]', 'short'),
    (3, NULL, 'gold', 'ab', NULL, NULL, NULL, '{}', NULL, NULL), (4, 19.99, NULL, 'xy', '2024-02-29', true, 'red', '{old}', '{"a": 2}', 'short');
ALTER TABLE fact ALTER long SET STORAGE EXTERNAL;
INSERT INTO fact SELECT 5, list_price, t, c, d, b, colour, tags, doc, long FROM fact WHERE id = 1;
INSERT INTO quotetier.dimension (name) VALUES ('t'), ('c'), ('d'), ('b'), ('colour'), ('tags'), ('long');
INSERT INTO quotetier.policy (name, round_increment) VALUES ('r', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick, level) VALUES ('r', 10, 'one', 'sum', 'line');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, condition) VALUES
    ('r', 'one', '{"t": "gold"}', 'percent_off', 1, NULL), ('r', 'one', '{"c": "ab"}', 'percent_off', 2, NULL), ('r', 'one', '{"d": "2025-06-15"}', 'percent_off', 3, NULL),
    ('r', 'one', '{"b": true}', 'percent_off', 4, NULL), ('r', 'one', '{"colour": "blue"}', 'percent_off', 5, NULL), ('r', 'one', '{"tags": "old"}', 'percent_off', 6, NULL),
    ('r', 'one', jsonb_build_object('long', repeat('long ', 5000)), 'percent_off', 7, NULL),
    ('r', 'one', '{}', 'percent_off', 8, '$.doc.a[*] == 2'), ('r', 'one', '{}', 'percent_off', 9, '$.id == 4 && !exists($.nothing)'), ('r', 'one', '{}', 'percent_off', 10, '$.f1 == 1');
INSERT INTO quotetier.class_scheme VALUES ('r');
INSERT INTO quotetier.class_rule (scheme, scope, condition, class, priority) VALUES ('r', '{"t": "gold", "tags": "old"}', NULL, 'old gold', 0), ('r', '{}', '$.doc.a == 2', 'two', 0), ('r', '{}', NULL, 'any', -1);
INSERT INTO quotetier.scorecard (name) VALUES ('r');
INSERT INTO quotetier.metric (scorecard, name, low, high) VALUES ('r', 'list_price', 0, 100);

CREATE FUNCTION handed_over(statement text) RETURNS TABLE (line text) LANGUAGE plpgsql AS $$
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS off) ' || statement LOOP
        IF line ~ 'quotetier\.\w+\(' THEN
            line := regexp_replace(line, '^.*?(quotetier\.\w+\(.*)$', '\1');
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

-- ----- the same, of every function -----
SELECT id, quotetier.net_price(fact, 3, '2025-06-15', 'r') AS net, quotetier.net_price((ARRAY[fact])[1], 3, '2025-06-15', 'r') AS expected,
       quotetier.classify('r', fact, '2025-06-15') AS class, quotetier.classify('r', (ARRAY[fact])[1], '2025-06-15') AS expected,
       quotetier.scorecard_score('r', fact) AS score, quotetier.scorecard_score('r', (ARRAY[fact])[1]) AS expected
FROM fact ORDER BY id;
SELECT id, q.net_amount, cardinality(q.rules) AS rules, q = e AS same FROM fact, quotetier.quote(fact, 3, '2025-06-15', 'r') q, quotetier.quote((ARRAY[fact])[1], 3, '2025-06-15', 'r') e ORDER BY id;
SELECT * FROM handed_over($$SELECT quotetier.net_price(fact, 3, '2025-06-15', 'r'), quotetier.net_price((ARRAY[fact])[1], 3, '2025-06-15', 'r') FROM fact$$);
SELECT * FROM handed_over($$SELECT quotetier.classify('r', fact, '2025-06-15'), quotetier.scorecard_score('r', fact) FROM fact$$);
SELECT * FROM handed_over($$SELECT q.* FROM fact, quotetier.quote(fact, 3, '2025-06-15', 'r') q$$);

-- ----- rows of all kinds -----
CREATE VIEW gold AS SELECT id, list_price, 'gold' AS t, doc FROM fact WHERE id < 3;
CREATE TABLE part (list_price numeric, t text) PARTITION BY LIST (t);
CREATE TABLE part_gold PARTITION OF part FOR VALUES IN ('gold');
CREATE TABLE part_rest (t text, list_price numeric);
ALTER TABLE part ATTACH PARTITION part_rest DEFAULT;
INSERT INTO part VALUES (100, 'gold'), (50, 'tin');
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r') FROM (SELECT list_price, upper(t) AS shout, lower('GOLD') AS t FROM fact WHERE id = 1) f;
SELECT quotetier.net_price(gold, 1, '2025-06-15', 'r') FROM gold ORDER BY id;
SELECT quotetier.net_price(part, 1, '2025-06-15', 'r') FROM part ORDER BY part.t;
SELECT quotetier.net_price(v, 1, '2025-06-15', 'r') FROM (VALUES (100, 'gold'), (10, 'tin')) v (list_price, t);
SELECT quotetier.net_price(j, 1, '2025-06-15', 'r') FROM (fact a JOIN (SELECT 1 AS other) b ON a.id = b.other) j;
SELECT quotetier.net_price(s, 1, '2025-06-15', 'r') FROM (SELECT t, sum(list_price) AS list_price FROM fact WHERE t = 'gold' GROUP BY t) s;
WITH c AS MATERIALIZED (SELECT list_price, t FROM fact WHERE id = 1) SELECT quotetier.net_price(c, 1, '2025-06-15', 'r') FROM c;
SELECT (SELECT quotetier.net_price(fact, 1, '2025-06-15', 'r')) FROM fact WHERE id = 1;
UPDATE fact SET list_price = list_price WHERE id = 1 RETURNING quotetier.net_price(fact, 1, '2025-06-15', 'r');
SELECT * FROM handed_over($$SELECT quotetier.net_price(gold, 1, '2025-06-15', 'r') FROM gold$$);
SELECT * FROM handed_over($$SELECT quotetier.net_price(s, 1, '2025-06-15', 'r') FROM (SELECT t, sum(list_price) AS list_price FROM fact GROUP BY t) s$$);
INSERT INTO fact (id, list_price, t) VALUES (1, 50, 'gold') ON CONFLICT (id) DO UPDATE SET nothing = quotetier.net_price(excluded, 1, '2025-06-15', 'r') || ' for ' || quotetier.net_price(fact, 1, '2025-06-15', 'r') RETURNING nothing;
SELECT quotetier.net_price(x, 1, '2025-06-15', 'r') FROM jsonb_to_recordset('[{"list_price": 100, "t": "gold"}, {"t": "gold"}]') x (list_price numeric, t text);
SELECT quotetier.net_price(ROW(id, list_price, t, c, d, b, colour, tags, doc, long, nothing)::fact, 1, '2025-06-15', 'r') FROM fact WHERE id = 1;
SELECT * FROM handed_over($$SELECT quotetier.net_price(ROW(id, list_price, t, c, d, b, colour, tags, doc, long, nothing)::fact, 1, '2025-06-15', 'r') FROM fact$$);
-- columns without names are f1, f2; a row in a row is a value
SELECT quotetier.net_price(ROW(id, list_price), 1, '2025-06-15', 'r') IS NULL AS "no list_price", quotetier.net_price(ROW(), 1, '2025-06-15', 'r') IS NULL AS none FROM fact WHERE id = 1;
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r') FROM (SELECT 100 AS list_price, 1 AS f1, ROW(2, 3) AS inner, NULL AS unknown) f;
-- names are those of a table's columns, whatever the query calls them; of other rows those that the query gives
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r'), quotetier.net_price((ARRAY[f])[1], 1, '2025-06-15', 'r') AS expected FROM fact f (a, b, list_price) WHERE a = 1;
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r') FROM (SELECT t, list_price FROM fact WHERE id = 1 OFFSET 0) f (a, b);
CREATE TABLE guarded (id int, t text, tags text);
INSERT INTO guarded VALUES (1, 'gold', 'old'), (2, 'tin', 'new');
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY others ON guarded USING (quotetier.classify('r', guarded, '2025-06-15') <> 'old gold');
CREATE ROLE row_columns_reader;
GRANT SELECT ON guarded TO row_columns_reader;
GRANT EXECUTE ON FUNCTION quotetier.classify(text, record, timestamptz) TO row_columns_reader;
SET ROLE row_columns_reader;
SELECT count(*) FROM guarded;
SELECT count(*) FROM guarded g (a, b, c);
RESET ROLE;
DROP OWNED BY row_columns_reader;
DROP ROLE row_columns_reader;
CREATE TABLE old_name (price numeric, t text);
INSERT INTO old_name VALUES (100, 'gold');
CREATE VIEW stored AS SELECT quotetier.net_price(o, 1, '2025-06-15', 'r') FROM old_name o;
SELECT * FROM stored;
ALTER TABLE old_name RENAME price TO list_price;
SELECT * FROM stored;
-- a table's constraint is looked at before its columns are the query's
CREATE TABLE parent (id int, list_price numeric, t text);
CREATE TABLE child (CHECK (quotetier.net_price(child, 1, '2025-06-15', 'r') > 10)) INHERITS (parent);
INSERT INTO child VALUES (1, 100, 'gold');
INSERT INTO child VALUES (1, 10, 'gold');
SELECT * FROM (SELECT 1 AS one) o, parent WHERE id = 1;
SELECT a.id FROM child a, child b WHERE a.id = b.id AND a.list_price > 10;
-- two columns of one name, of which a rule asks; and one that no rule asks for
SELECT quotetier.net_price(j, 1, '2025-06-15', 'r') FROM (fact a JOIN gold b USING (id, list_price)) j;
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r') FROM (SELECT list_price, 1 AS x, 2 AS x FROM fact WHERE id = 1) f;
-- each is evaluated once
CREATE SEQUENCE calls;
SELECT quotetier.net_price(f, 1, '2025-06-15', 'r'), currval('calls') FROM (SELECT 100 + 0 * nextval('calls') AS list_price, 1 AS f1 OFFSET 0) f;
SELECT ROW(nextval('calls') + list_price, t)::old_name AS grouped, quotetier.net_price(ROW(nextval('calls') + list_price, t)::old_name, 1, '2025-06-15', 'r') FROM old_name GROUP BY ROW(nextval('calls') + list_price, t)::old_name;
SELECT ROW(generate_series(1, 3), t) AS grouped, quotetier.net_price(ROW(generate_series(1, 3), t), 1, '2025-06-15', 'r') IS NULL AS "no price" FROM old_name GROUP BY ROW(generate_series(1, 3), t) ORDER BY 1;
-- as many as a call can have, and one more
SELECT format('SELECT quotetier.net_price(f, 1, ''2025-06-15'', ''r'') FROM (SELECT list_price, %s FROM fact WHERE id = 1) f', string_agg('id * ' || i || ' AS f' || i, ', ')) AS most FROM generate_series(1, 95) i \gset
SELECT replace(:'most', ' FROM fact', ', id * 96 AS f96 FROM fact') AS more \gset
:most;
:more;
SELECT left(line, 40) AS most, (SELECT left(line, 40) FROM handed_over(:'more')) AS more FROM handed_over(:'most');

-- ----- rows that are not there: they are of no class, where a row of nulls is of any -----
SELECT gold.id, quotetier.classify('r', f) AS class FROM gold LEFT JOIN fact f ON f.id = gold.id AND f.id > 1 ORDER BY 1;
SELECT id, quotetier.net_price(gold, 1, '2025-06-15', 'r') AS net, quotetier.classify('r', gold) AS class FROM fact LEFT JOIN gold USING (id) ORDER BY id;
SELECT id, q.* FROM fact LEFT JOIN gold USING (id) CROSS JOIN LATERAL quotetier.quote(gold, 1, '2025-06-15', 'r') q WHERE id > 3;
SELECT gold.id, quotetier.classify('r', gold) AS class FROM gold GROUP BY ROLLUP (gold), gold.id ORDER BY 1, 2;
SELECT fact.id, quotetier.classify('r', fact) AS class FROM fact GROUP BY ROLLUP (fact), fact.id ORDER BY 1, 2 LIMIT 2;
SELECT id, quotetier.classify('r', ROW(id, t)) AS class FROM fact WHERE id < 3 GROUP BY ROLLUP (ROW(id, t), id) ORDER BY 1, 2;
SELECT * FROM handed_over($$SELECT quotetier.net_price(fact, 1, '2025-06-15', 'r') FROM fact LEFT JOIN gold USING (id)$$);
-- one made of columns is there, whatever they are
SELECT fact.id, q.net_price FROM fact LEFT JOIN gold USING (id) CROSS JOIN LATERAL (SELECT fact.list_price, gold.t) f CROSS JOIN LATERAL quotetier.quote(f, 1, '2025-06-15', 'r') q ORDER BY id;
SELECT * FROM handed_over($$SELECT q.* FROM fact LEFT JOIN gold USING (id) CROSS JOIN LATERAL (SELECT fact.list_price, gold.t) f CROSS JOIN LATERAL quotetier.quote(f, 1, '2025-06-15', 'r') q$$);
SELECT quotetier.net_price(NULL::fact, 1, '2025-06-15', 'r') AS facts, quotetier.net_price(fact, NULL, '2025-06-15', 'r') AS qty, quotetier.net_price(fact, 1, NULL, 'r') AS as_of,
       quotetier.net_price(fact, 1, '2025-06-15', NULL) AS policy, quotetier.classify(NULL, fact) AS scheme, quotetier.scorecard_score(NULL, fact) AS scorecard FROM fact WHERE id = 1;

-- ----- who may -----
CREATE ROLE row_columns_somebody;
GRANT SELECT ON fact TO row_columns_somebody;
SET ROLE row_columns_somebody;
SELECT quotetier.net_price(fact, 1, '2025-06-15', 'r') FROM fact WHERE id = 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION quotetier.net_price(record, numeric, timestamptz, text) TO row_columns_somebody;
SET ROLE row_columns_somebody;
SELECT quotetier.net_price(fact, 1, '2025-06-15', 'r') FROM fact WHERE id = 1;
RESET ROLE;

-- ----- plans that are kept -----
PREPARE kept AS SELECT quotetier.net_price(fact, 1, '2025-06-15', 'r') FROM fact WHERE id = 2;
EXECUTE kept;
ALTER TABLE fact ADD COLUMN f1 int DEFAULT 1;
EXECUTE kept;
ALTER TABLE fact RENAME f1 TO f2;
EXECUTE kept;
CREATE TYPE attributes AS (price numeric, t text);
SET plan_cache_mode = force_generic_plan;
PREPARE of_type AS SELECT quotetier.net_price(ROW(list_price, t)::attributes, 1, '2025-06-15', 'r') FROM fact WHERE id = 2;
EXECUTE of_type;
ALTER TYPE attributes RENAME ATTRIBUTE price TO list_price;
EXECUTE of_type;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(quotetier.net_price(fact, 1, '2025-06-15', 'r')), sum(quotetier.net_price(fact, 1, '2025-06-15', 'r')) = sum(quotetier.net_price((ARRAY[fact])[1], 1, '2025-06-15', 'r')) AS same FROM fact;
RESET ALL;
DROP OWNED BY row_columns_somebody;
DROP ROLE row_columns_somebody;
DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name <> 'default';
DELETE FROM quotetier.class_scheme WHERE name = 'r';
DELETE FROM quotetier.scorecard WHERE name = 'r';
DELETE FROM quotetier.dimension;
SET client_min_messages = warning;
DROP TABLE fact, part, guarded, old_name, parent CASCADE;
DROP TYPE hue, attributes;
DROP FUNCTION handed_over;
DROP SEQUENCE calls;
RESET client_min_messages;

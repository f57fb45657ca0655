-- what may not be written into schemes and tiers, and what tier() will not grade
\set SHOW_CONTEXT never

CREATE FUNCTION refused(statement text) RETURNS TABLE (state text, message text, detail text, hint text)
LANGUAGE plpgsql AS
$$
BEGIN
    EXECUTE statement;
    RETURN QUERY VALUES (NULL, 'accepted', NULL, NULL);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                            detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END
$$;

INSERT INTO quotetier.scheme (name) VALUES ('l');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'bronze', 1, 0), ('l', 'silver', 2, 100), ('l', 'gold', 3, 200);

\x on
-- schemes
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, kind) VALUES ('s', 'ladder')$$);
SELECT * FROM refused($$UPDATE quotetier.scheme SET kind = '' WHERE name = 'l'$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, kind) VALUES ('s', NULL)$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name) VALUES ('')$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name) VALUES ('l')$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, origin) VALUES ('s', 'elsewhere')$$);

-- rungs
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('none', 'x', 1, 0)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, NULL)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, 'NaN')$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, 'Infinity')$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', '', 4, 300)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'gold', 4, 300)$$);

-- ladders: one rung at one place, ranks in the order of from_value
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, 200.00)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 3, 300)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, 150)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 0, '-Infinity'), ('l', 'y', -1, '-Infinity')$$);
SELECT * FROM refused($$UPDATE quotetier.tier SET from_value = 300 WHERE scheme = 'l' AND name = 'silver'$$);
SELECT * FROM refused($$UPDATE quotetier.tier SET rank = 2000000000 WHERE scheme = 'l' AND name = 'silver'$$);

-- what only some kinds have
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2) VALUES ('l', 'x', 4, 300, 1)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, keep_value) VALUES ('l', 'x', 4, 300, 300.01)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, keep_value) VALUES ('l', 'x', 4, 300, 'NaN')$$);
SELECT * FROM refused($$UPDATE quotetier.scheme SET kind = 'grid' WHERE name = 'l'$$);
SELECT * FROM refused($$UPDATE quotetier.scheme SET kind = 'share' WHERE name = 'l'$$);
INSERT INTO quotetier.scheme (name, kind) VALUES ('p', 'pareto'), ('g', 'grid');
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('p', 'x', 1, 100)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('p', 'x', 1, '-Infinity')$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, keep_value) VALUES ('p', 'x', 1, 0, 0)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('p', 'x', 1, NULL), ('p', 'y', 1, NULL)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('g', 'x', 1, 1)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2) VALUES ('g', 'x', 1, 1, 2), ('g', 'y', 2, 1.0, 2.0)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2) VALUES ('g', 'x', 1, 1, 2), ('g', 'y', 1, 1, 3)$$);
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2) VALUES ('g', 'x', 1, 1, 'NaN')$$);

-- tier life
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, validity) VALUES ('s', '-1 day')$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, confirm) VALUES ('s', 0)$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, grace) VALUES ('s', '1 month -40 days')$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, max_drop) VALUES ('s', -1)$$);

-- the floor below the triggers
SET session_replication_role = replica;
SELECT * FROM refused($$INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'x', 4, 'NaN')$$);
SELECT * FROM refused($$INSERT INTO quotetier.scheme (name, kind) VALUES ('s', 'ladder')$$);
RESET session_replication_role;

-- scores
SELECT * FROM refused($$SELECT quotetier.tier('l', 'NaN')$$);
SELECT * FROM refused($$SELECT quotetier.tier('l', 'Infinity')$$);
SELECT * FROM refused($$SELECT quotetier.tier('l', '-Infinity')$$);
SELECT * FROM refused($$SELECT quotetier.tier('none', 1)$$);
SELECT * FROM refused($$SELECT quotetier.tier('l', 'many')$$);
SELECT * FROM refused($$SELECT quotetier.tier('l', 1.5::float8)$$);
SELECT * FROM refused($$SELECT quotetier.tier('none', 'NaN')$$);
SELECT * FROM refused($$SELECT quotetier.tier('l', 1, 2)$$);
SELECT * FROM refused($$SELECT quotetier.tier('g', 1)$$);
SELECT * FROM refused($$SELECT quotetier.tier('p', 1)$$);

-- whole sets
SELECT * FROM refused($$SELECT quotetier.tier_over('l', v) OVER (ORDER BY v DESC) FROM (VALUES (1), (2)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('g', v) OVER (ORDER BY v DESC) FROM (VALUES (1), (2)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('none', v) OVER (ORDER BY v DESC) FROM (VALUES (1), (2)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('abc', v) OVER (ORDER BY v) FROM (VALUES (1.50), (2)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('abc', v) OVER () FROM (VALUES (1), (NULL), (2)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('abc', v) OVER (ORDER BY v DESC) FROM (VALUES (1), ('NaN'::numeric)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('abc', v) OVER (ORDER BY v DESC) FROM (VALUES (1), ('Infinity'::numeric)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over(s, v) OVER (ORDER BY v DESC) FROM (VALUES ('abc', 2), ('pyramid', 1)) t (s, v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('pyramid', v, 'gone') OVER (ORDER BY v DESC) FROM (VALUES (NULL::numeric)) t (v)$$);
SELECT * FROM refused($$SELECT quotetier.tier_over('abc', 1)$$);

-- trigger functions are of no use to anyone else
SELECT * FROM refused($$SELECT quotetier.tier_check()$$);
CREATE TABLE elsewhere (name text);
CREATE TRIGGER stamp AFTER INSERT ON elsewhere FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('tier');
SELECT * FROM refused($$INSERT INTO elsewhere VALUES ('x')$$);
DROP TABLE elsewhere;

-- row-level security would give every user other tiers
ALTER TABLE quotetier.tier ENABLE ROW LEVEL SECURITY;
SELECT * FROM refused($$SELECT quotetier.tier('l', 1)$$);
ALTER TABLE quotetier.tier DISABLE ROW LEVEL SECURITY;
\x off

-- nothing of all that was kept
SELECT name, rank, from_value FROM quotetier.tier WHERE scheme = 'l' ORDER BY rank;

-- what is allowed: swapping and renumbering in one statement, either direction, one by one
UPDATE quotetier.tier SET from_value = CASE name WHEN 'bronze' THEN 100 ELSE 0 END,
                          rank = CASE name WHEN 'bronze' THEN 2 ELSE 1 END
WHERE scheme = 'l' AND name IN ('bronze', 'silver');
UPDATE quotetier.tier SET rank = 10 - rank WHERE scheme = 'l';
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'vip', -5, 1000);
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('l', 'any', 100, '-Infinity');
DELETE FROM quotetier.tier WHERE scheme = 'l' AND name = 'bronze';
UPDATE quotetier.scheme SET name = 'm' WHERE name = 'l';
SELECT scheme, name, rank, from_value, quotetier.tier('m', CASE WHEN from_value < 0 THEN -1e9 ELSE from_value END)
FROM quotetier.tier WHERE scheme = 'm' ORDER BY from_value;

-- a caller needs the function, not the tables; a writer needs the tables only
CREATE ROLE tier_reader;
CREATE ROLE tier_writer;
GRANT USAGE ON SCHEMA quotetier TO tier_reader, tier_writer;
GRANT EXECUTE ON FUNCTION quotetier.tier(text, numeric) TO tier_reader, tier_writer;
GRANT SELECT (scheme, name), INSERT, UPDATE ON quotetier.tier TO tier_writer;
SET ROLE tier_reader;
SELECT quotetier.tier('m', 1000);
SELECT name FROM quotetier.tier;
INSERT INTO quotetier.stamp VALUES ('tier', 1, 1);
SET ROLE tier_writer;
UPDATE quotetier.tier SET from_value = 1001 WHERE scheme = 'm' AND name = 'vip';
SELECT quotetier.tier('m', 1000);
RESET ROLE;
REVOKE ALL ON SCHEMA quotetier FROM tier_reader, tier_writer;
DROP OWNED BY tier_reader, tier_writer;
DROP ROLE tier_reader, tier_writer;

DROP FUNCTION refused;
DELETE FROM quotetier.scheme WHERE origin = 'user';

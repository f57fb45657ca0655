-- One session changing tiers while it grades: every answer beside that of a SELECT.
-- What several sessions do to each other is in test/isolation.
INSERT INTO quotetier.scheme (name) VALUES ('own');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('own', 'a', 1, 0), ('own', 'b', 2, 10), ('own', 'c', 3, 20), ('own', 'd', 4, 30);

CREATE TABLE log (at text, tier text, selected text);
CREATE VIEW look AS
    SELECT quotetier.tier('own', 15) AS tier,
           (SELECT name FROM quotetier.tier WHERE scheme = 'own' AND from_value <= 15
            ORDER BY from_value DESC LIMIT 1) AS selected;

-- a volatile function that looks in the middle of the statement that changes the tiers
CREATE FUNCTION look(at text) RETURNS numeric LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
    INSERT INTO log SELECT at, look.* FROM look;
    RETURN 9;
END
$$;
UPDATE quotetier.tier SET from_value = from_value + look('update ' || name) WHERE scheme = 'own';
SELECT * FROM log; TRUNCATE log;

-- a trigger that looks after the change is announced and before it is stored, then another after it
CREATE FUNCTION look_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    PERFORM look(tg_when || ' ' || tg_level || ' ' || new.name);
    RETURN new;
END
$$;
CREATE TRIGGER zzz BEFORE UPDATE ON quotetier.tier FOR EACH ROW EXECUTE FUNCTION look_trigger();
CREATE TRIGGER zzz_after AFTER UPDATE ON quotetier.tier FOR EACH ROW EXECUTE FUNCTION look_trigger();
UPDATE quotetier.tier SET from_value = from_value - 9 WHERE scheme = 'own';
SELECT * FROM log; TRUNCATE log;

-- the same where the looking does not write: no command number is used up by it
CREATE OR REPLACE FUNCTION look(at text) RETURNS numeric LANGUAGE plpgsql VOLATILE AS
$$
DECLARE l record;
BEGIN
    SELECT * INTO l FROM look;
    RAISE NOTICE '%: % %', at, l.tier, l.selected;
    RETURN 9;
END
$$;
BEGIN;
UPDATE quotetier.tier SET from_value = from_value + 9 WHERE scheme = 'own' AND name = 'b';
SELECT * FROM look;
ROLLBACK;
BEGIN;
DROP TRIGGER zzz_after ON quotetier.tier;
UPDATE quotetier.tier SET from_value = from_value + 9 WHERE scheme = 'own' AND name = 'b';
SELECT * FROM look;
ROLLBACK;
DROP TRIGGER zzz ON quotetier.tier;
DROP TRIGGER zzz_after ON quotetier.tier;

-- a cursor opened by a trigger in the middle of a change, and read afterwards
CREATE FUNCTION open_cursor() RETURNS trigger LANGUAGE plpgsql AS
$$
DECLARE c refcursor := 'c';
BEGIN
    IF new.name = 'b' THEN
        OPEN c FOR SELECT look.* FROM generate_series(1, 3), LATERAL (SELECT * FROM look OFFSET 0) look;
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER aaa BEFORE UPDATE ON quotetier.tier FOR EACH ROW EXECUTE FUNCTION open_cursor();
SELECT * FROM look;
BEGIN;
UPDATE quotetier.tier SET from_value = from_value + 9 WHERE scheme = 'own' AND name = 'b';
FETCH 1 FROM c;
SELECT * FROM look;
FETCH 1 FROM c;
ROLLBACK;
SELECT * FROM look;
BEGIN;
UPDATE quotetier.tier SET from_value = from_value + 9 WHERE scheme = 'own' AND name = 'b';
FETCH 1 FROM c;
COMMIT;
SELECT * FROM look;
DROP TRIGGER aaa ON quotetier.tier;

-- RETURNING, a CTE that changes, and the statement after
WITH changed AS (UPDATE quotetier.tier SET from_value = 10 WHERE scheme = 'own' AND name = 'b' RETURNING name)
SELECT changed.name, look.* FROM changed, look;
SELECT * FROM look;
UPDATE quotetier.tier SET from_value = 12 WHERE scheme = 'own' AND name = 'b'
RETURNING quotetier.tier('own', 11), (SELECT name FROM quotetier.tier WHERE scheme = 'own' AND from_value <= 11
                                      ORDER BY from_value DESC LIMIT 1) AS selected;
SELECT * FROM look;

-- exceptions are subtransactions
DO $$
DECLARE l record;
BEGIN
    BEGIN
        UPDATE quotetier.tier SET from_value = 16 WHERE scheme = 'own' AND name = 'b';
        SELECT * INTO l FROM look; RAISE NOTICE 'inside: % %', l.tier, l.selected;
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
        SELECT * INTO l FROM look; RAISE NOTICE 'outside: % %', l.tier, l.selected;
    END;
    UPDATE quotetier.tier SET from_value = 17 WHERE scheme = 'own' AND name = 'b';
    SELECT * INTO l FROM look; RAISE NOTICE 'after: % %', l.tier, l.selected;
END
$$;
SELECT * FROM look;

-- a procedure that commits on its way
CREATE PROCEDURE walk() LANGUAGE plpgsql AS
$$
DECLARE l record;
BEGIN
    FOR i IN 14..17 LOOP
        UPDATE quotetier.tier SET from_value = i WHERE scheme = 'own' AND name = 'b';
        SELECT * INTO l FROM look; RAISE NOTICE '%: % %', i, l.tier, l.selected;
        IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
        SELECT * INTO l FROM look; RAISE NOTICE '%: % %', i, l.tier, l.selected;
    END LOOP;
END
$$;
CALL walk();

-- one transaction leaves one stamp, however many rows and savepoints; a lone writer uses one row
SELECT count(*) AS stamps FROM quotetier.stamp WHERE book = 'tier';

-- writers under REPEATABLE READ each add a row; the next other one tidies up
\set ECHO none
SELECT 'BEGIN ISOLATION LEVEL REPEATABLE READ', format('UPDATE quotetier.tier SET from_value = %s WHERE scheme = ''own'' AND name = ''b''', 11 + i % 8), 'COMMIT'
FROM generate_series(1, 40) i \gexec
\set ECHO all
SELECT count(*) AS stamps FROM quotetier.stamp WHERE book = 'tier';
SELECT * FROM look;
UPDATE quotetier.tier SET from_value = 16 WHERE scheme = 'own' AND name = 'b';
SELECT * FROM look;
UPDATE quotetier.tier SET from_value = 12 WHERE scheme = 'own' AND name = 'b';
SELECT * FROM look;
SELECT count(*) AS stamps FROM quotetier.stamp WHERE book = 'tier';

-- many savepoints at random, half of them undone; the seed is printed if an answer differs
DO $$
DECLARE
    seed double precision := random();
    different int := 0;
    l record;
BEGIN
    PERFORM setseed(seed);
    FOR i IN 1..300 LOOP
        BEGIN
            UPDATE quotetier.tier SET from_value = 11 + (random() * 8)::int WHERE scheme = 'own' AND name = 'b';
            SELECT * INTO l FROM look;
            different := different + (l.tier IS DISTINCT FROM l.selected)::int;
            IF random() < 0.5 THEN RAISE EXCEPTION 'undo'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        SELECT * INTO l FROM look;
        different := different + (l.tier IS DISTINCT FROM l.selected)::int;
    END LOOP;
    IF different > 0 THEN
        RAISE EXCEPTION '% answers differ, seed %', different, seed;
    END IF;
END
$$;
SELECT tier = selected AS same FROM look;

DROP VIEW look;
DROP TABLE log;
DROP FUNCTION look, look_trigger, open_cursor;
DROP PROCEDURE walk;
DELETE FROM quotetier.scheme WHERE origin = 'user';

-- live: customers of any type, times and amounts of those that are any
CREATE SCHEMA live_types;
SET search_path = live_types, public;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE DOMAIN code AS varchar(12) CHECK (VALUE <> '');
CREATE DOMAIN money_amount AS numeric(12, 2);
CREATE TYPE status AS ENUM ('a', 'b', 'c');
CREATE TYPE pair AS (shop int, nr text);
CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE FUNCTION try(customer text, at text, amount text, keys text[]) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
    drift int;
    customers int;
BEGIN
    EXECUTE format('CREATE TABLE o (c %s, t %s, a %s, id int)', customer, at, amount);
    EXECUTE format('INSERT INTO o SELECT ($1)[1 + i %% cardinality($1)]::%s, (date ''2024-01-01'' + i)::%s, i::text::%s, i FROM generate_series(1, 50) i',
                   split_part(customer, ' COLLATE', 1), at, amount) USING keys;
    PERFORM quotetier.track('any', 'o', customer => 'c', at => 't', amount => 'a', by => 'c', flush_every => 0);
    INSERT INTO o SELECT c, t, a, id + 100 FROM o;
    DELETE FROM o WHERE id % 5 = 0;
    UPDATE o SET c = (SELECT c FROM o WHERE id = 1) WHERE id % 7 = 0;
    SELECT count(*) INTO STRICT drift FROM quotetier.check_tracking('any');
    PERFORM quotetier.flush_tracking('any');
    SELECT drift + count(*) INTO STRICT drift FROM quotetier.check_tracking('any');
    SELECT count(*) INTO STRICT customers FROM any_rfm;
    PERFORM quotetier.untrack('any');
    DROP TABLE o;
    RETURN format('%s customers, %s differ', customers, drift);
END
$$;

SELECT try('int', 'date', 'int', '{1,2,3}');
SELECT try('smallint', 'timestamp', 'smallint', '{1,2,3}');
SELECT try('bigint', 'timestamptz', 'bigint', '{1,2,3}');
SELECT try('text', 'date', 'numeric', '{x,yy,"a long key that is not short at all"}');
SELECT try('numeric', 'date', 'numeric(20,6)', '{1,1.0,1.00,2}');           -- equal, written otherwise
SELECT try('uuid', 'date', 'double precision', '{6ecd8c99-4036-403d-bf84-cf8400f67836,3f333df6-90a4-4fda-8dd3-9485d27cee36}');
SELECT try('code', 'date', 'money_amount', '{x,y}');
SELECT try('char(5)', 'date', 'real', '{x,y}');
SELECT try('status', 'date', 'numeric', '{a,b,c}');
SELECT try('pair', 'date', 'numeric', '{"(1,a)","(1,b)","(2,)"}');
SELECT try('date', 'date', 'numeric', '{2024-01-01,2024-01-02}');
SELECT try('inet', 'date', 'numeric', '{10.0.0.1,10.0.0.2}');
SELECT try('int4range', 'date', 'numeric', '{"[1,2)","[1,1]",empty}');
SELECT try('bytea', 'date', 'numeric', '{\\x01,\\x02}');
SELECT try('boolean', 'date', 'numeric', '{t,f}');
SELECT try('name', 'date', 'numeric', '{t,f}');
SELECT try('"char"', 'date', 'numeric', '{t,f}');
SELECT try('jsonb', 'date', 'numeric', '{1,"{\"a\":1}"}');
SELECT try('text COLLATE "C"', 'date', 'numeric', '{t,f}');
SELECT try('text COLLATE live_types.anycase', 'date', 'numeric', '{Anna,ANNA,anna,Bob}');
-- keys of which few fill a row of the queue
SELECT try('text', 'date', 'numeric', ARRAY[(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 35) i), (SELECT string_agg(md5(i::text), '') FROM generate_series(2, 36) i), 'x']);

-- and those that are none
SELECT try('json', 'date', 'numeric', '{1}');
SELECT try('point', 'date', 'numeric', '{"(1,1)"}');
SELECT try('int[]', 'date', 'numeric', '{"{1}"}');
SELECT try('int', 'text', 'numeric', '{1}');
SELECT try('int', 'date', 'text', '{1}');

CREATE TABLE o (c int, t date, a int);
SELECT quotetier.track('any', 'o', 'c', 't', 'nothing');
SELECT quotetier.track('any', 'o', 'c', 't', 'ctid');
SELECT quotetier.track('an y', 'o', 'c', 't', 'a');
SELECT quotetier.track(NULL, 'o', 'c', 't', 'a');
SELECT quotetier.track('any', 'o', 'c', 't', 'a', flush_every => -1);
SELECT quotetier.track('any', 'o', 'c', 't', 'a');
SELECT quotetier.track('any', 'o', 'c', 't', 'a');
SELECT quotetier.track('other', 'any_rfm', 'customer', 'first_at', 'orders');
SELECT quotetier.untrack('nobody');
SELECT * FROM quotetier.check_tracking('nobody');
SELECT quotetier.flush_tracking('nobody');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT quotetier.rebuild_tracking('any');
ROLLBACK;
ALTER TABLE o ENABLE ROW LEVEL SECURITY;
ALTER TABLE o SET UNLOGGED;
SELECT quotetier.untrack('any');
ALTER TABLE o ENABLE ROW LEVEL SECURITY;
SELECT quotetier.track('any', 'o', 'c', 't', 'a');
CREATE TEMP TABLE t (c int, t date, a int);
SELECT quotetier.track('any', 't', 'c', 't', 'a');
CREATE TABLE parent (c int, t date, a int);
CREATE TABLE child () INHERITS (parent);
SELECT quotetier.track('any', 'parent', 'c', 't', 'a');
SELECT quotetier.track('any', 'child', 'c', 't', 'a');
-- an order's time that is not finite
CREATE TABLE i (c int, t date, a int);
INSERT INTO i VALUES (1, 'infinity', 1);
SELECT quotetier.track('any', 'i', 'c', 't', 'a');

DROP SCHEMA live_types CASCADE;

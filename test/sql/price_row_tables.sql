-- price_row() on tables of every shape, with facts from functions of every shape.
SET timezone = 'UTC';
CREATE SCHEMA shop;
CREATE SCHEMA elsewhere;
SET search_path = shop;
\pset null (null)

INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES
    ('default', 'list', '{"sku": "A"}', 'price', 20), ('default', 'list', '{"sku": "T"}', 'price', 3.3333),
    ('default', 'list', '{"sku": "H"}', 'price', 123456789.5), ('default', 'tier', '{"tier": "gold"}', 'percent_off', 10);

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; context text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
        context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(E'\n  ', state || ' ' || message, nullif(detail, ''), 'hint: ' || nullif(hint, ''),
                     'in: ' || substring(context FROM '(?n)^trigger [^\n]*'));
END $$;

-- ---------------------------------------------------------------------------
-- columns: odd names, dropped, generated, domains
-- ---------------------------------------------------------------------------

CREATE DOMAIN money_eur AS numeric(12, 2) CHECK (VALUE < 1000) NOT NULL;
CREATE DOMAIN pieces AS smallint CHECK (VALUE <> 13);
CREATE TABLE odd (
    gone1 int, "Qty = ""x""" pieces, sku char(5), "数量" numeric, gone2 text, tier text,
    total money_eur DEFAULT 1, twice numeric GENERATED ALWAYS AS (total * 2) STORED, gone3 text, state char(12), pct smallint
);
ALTER TABLE odd DROP gone1, DROP gone2, DROP gone3;
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON odd FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    ' quantity = Qty = "x"', 'net_price=数量', 'net_amount=total', 'status=state', 'discount_pct=pct');
INSERT INTO odd VALUES (3, 'A', 1, 'gold', 5), (4, 'A', 1, NULL, 5) RETURNING *;
UPDATE odd SET "Qty = ""x""" = 5 WHERE tier = 'gold';
UPDATE odd SET pct = 99 WHERE tier IS NULL;
ALTER TABLE odd ADD added text DEFAULT 'new';
UPDATE odd SET tier = 'gold';
TABLE odd;
\pset format unaligned
\pset tuples_only on
SELECT refused('INSERT INTO odd VALUES (60, $$A$$)');
SELECT refused('INSERT INTO odd VALUES (1, $$Z$$)');

-- what a column cannot hold exactly is refused, not rounded
CREATE TABLE narrow (sku text, qty int, price numeric(10, 2), amount int, pct numeric(4, 1), short varchar(3));
CREATE TRIGGER price BEFORE INSERT ON narrow FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'net_price=price', 'discount_pct=pct');
SELECT refused('INSERT INTO narrow VALUES ($$A$$, 3)');
SELECT refused('INSERT INTO narrow VALUES ($$T$$, 3)');
SELECT refused('INSERT INTO narrow VALUES ($$H$$, 3)');
CREATE OR REPLACE TRIGGER price BEFORE INSERT ON narrow FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'net_amount=amount', 'status=short');
SELECT refused('INSERT INTO narrow VALUES ($$A$$, 3)');
SELECT refused('INSERT INTO narrow VALUES ($$T$$, 10)');
SELECT refused('INSERT INTO narrow VALUES ($$H$$, 200)');
SELECT refused('INSERT INTO narrow VALUES ($$Z$$, 2)');
TABLE narrow;

-- a generated column is no fact, because it is not there yet
CREATE TABLE derived (code text, sku text GENERATED ALWAYS AS (upper(code)) STORED, price numeric);
CREATE TRIGGER price BEFORE INSERT ON derived FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price');
SELECT refused('INSERT INTO derived VALUES ($$a$$)');
CREATE FUNCTION derived_facts(derived) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_build_object('sku', upper($1.code)) $$;
CREATE OR REPLACE TRIGGER price BEFORE INSERT ON derived FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price', 'facts=derived_facts');
INSERT INTO derived VALUES ('a') RETURNING *;

-- ---------------------------------------------------------------------------
-- facts
-- ---------------------------------------------------------------------------

CREATE TABLE customer (id int PRIMARY KEY, tier text);
INSERT INTO customer VALUES (1, 'gold'), (2, 'basic');
CREATE TABLE sale (customer int, sku text, price numeric);
CREATE FUNCTION f_out(l sale, OUT sku text, OUT tier text) STABLE LANGUAGE sql AS $$ SELECT l.sku, c.tier FROM shop.customer c WHERE c.id = l.customer $$;
CREATE FUNCTION f_record(l sale) RETURNS record STABLE LANGUAGE sql AS $$ SELECT l.sku, c.tier FROM shop.customer c WHERE c.id = l.customer $$;
CREATE TYPE facts AS (tier text, sku text);
CREATE FUNCTION f_type(l sale) RETURNS facts LANGUAGE plpgsql AS $$ DECLARE f shop.facts; BEGIN
    f.sku := l.sku; SELECT tier INTO f.tier FROM shop.customer WHERE id = l.customer; RETURN f; END $$;
CREATE FUNCTION f_any(l record) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
    RETURN to_jsonb(l) || jsonb_build_object('tier', (SELECT tier FROM shop.customer WHERE id = l.customer)); END $$;
CREATE DOMAIN json_facts AS jsonb;
CREATE FUNCTION f_domain(l sale) RETURNS json_facts LANGUAGE sql AS $$ SELECT shop.f_any(l)::shop.json_facts $$;
-- a function that quotes on its way, changes of rules not its own included
CREATE FUNCTION f_quoting(l sale) RETURNS facts LANGUAGE plpgsql AS $$ BEGIN
    PERFORM quotetier.net_price(jsonb_build_object('sku', 'T'), i) FROM generate_series(1, 3) i;
    RETURN shop.f_type(l); END $$;

CREATE FUNCTION facts_from(f text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER price BEFORE INSERT ON shop.sale FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(%L, %L)',
                   'net_price=price', 'facts=' || f);
    WITH new AS (INSERT INTO shop.sale VALUES (1, 'A', 1), (2, 'A', 1) RETURNING price) SELECT string_agg(price::text, ' ') INTO result FROM new;
    RETURN result;
END $$;
SELECT f, facts_from(f) FROM unnest(ARRAY['f_out', 'f_record', 'f_type', 'f_any', 'f_domain', 'f_quoting', 'shop.f_out', 'Shop.F_Out', '"shop".f_out']) f;
BEGIN;
UPDATE quotetier.rule SET value = 50 WHERE adjust = 'percent_off';
SELECT facts_from('f_quoting');
ROLLBACK;

SELECT refused($$INSERT INTO sale VALUES (3, 'A')$$);
CREATE FUNCTION f_set(l sale) RETURNS SETOF facts LANGUAGE sql AS $$ SELECT 'a', 'b' $$;
CREATE FUNCTION f_text(l sale) RETURNS text LANGUAGE sql AS $$ SELECT '{}' $$;
CREATE FUNCTION f_void(l sale) RETURNS void LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION f_two(l sale, x int) RETURNS facts LANGUAGE sql AS $$ SELECT 'a', 'b' $$;
CREATE FUNCTION f_other(l customer) RETURNS facts LANGUAGE sql AS $$ SELECT 'a', 'b' $$;
CREATE PROCEDURE f_procedure(l sale) LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION f_state(jsonb, sale) RETURNS jsonb LANGUAGE sql AS $$ SELECT $1 $$;
CREATE AGGREGATE f_aggregate(sale) (SFUNC = f_state, STYPE = jsonb);
CREATE FUNCTION f_fails(l sale) RETURNS facts LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$;
SELECT f || ': ' || refused(format('SELECT shop.facts_from(%L)', f))
FROM unnest(ARRAY['f_set', 'f_text', 'f_void', 'f_two', 'f_other', 'f_procedure', 'f_aggregate', 'f_fails', 'nowhere', 'no.where', 'a.b.c.d', '"f', 'f_Type()']) f;

-- the function is the table's, not one that the session's search_path finds first
CREATE FUNCTION elsewhere.f_type(l shop.sale) RETURNS shop.facts LANGUAGE sql AS $$ SELECT 'gold', 'A' $$;
SELECT facts_from('f_type');
SET search_path = elsewhere, shop;
INSERT INTO sale VALUES (2, 'T') RETURNING price;
SET search_path = shop;

-- ---------------------------------------------------------------------------
-- partitions, attached with other columns in other places; inheritance
-- ---------------------------------------------------------------------------

CREATE TABLE parts (id int, region text, sku text, tier text, qty int, amount numeric, price numeric(10, 2)) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');
CREATE TABLE elsewhere.parts_us (price numeric(10, 2), x int, qty int, amount numeric, tier text, y text, sku text, region text, id int);
ALTER TABLE elsewhere.parts_us DROP x, DROP y;
ALTER TABLE parts ATTACH PARTITION elsewhere.parts_us FOR VALUES IN ('us');
CREATE TABLE parts_asia (amount numeric, region text, id int, sku text, qty int, price numeric(10, 2), tier text) PARTITION BY LIST (sku);
CREATE TABLE elsewhere.parts_asia_a PARTITION OF parts_asia FOR VALUES IN ('A');
ALTER TABLE parts ATTACH PARTITION parts_asia FOR VALUES IN ('asia');
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'net_price=price', 'net_amount=amount');
INSERT INTO parts SELECT i, r, 'A', t, i, -1, -1
FROM unnest('{eu,us,asia}'::text[]) WITH ORDINALITY r (r, i), unnest('{gold,basic}'::text[]) t;
COPY parts (id, region, sku, tier, qty) FROM stdin DELIMITER ',';
4,us,A,gold,10
5,asia,A,gold,20
6,eu,A,gold,30
\.
UPDATE parts SET qty = qty + 1;
UPDATE parts SET region = 'us', amount = 0 WHERE id = 1;
INSERT INTO elsewhere.parts_us (id, region, sku, qty, price) VALUES (7, 'us', 'A', 5, 1);
SELECT tableoid::regclass AS partition, id, sku, tier, qty, price, amount, amount = qty * CASE tier WHEN 'gold' THEN 18 ELSE 20 END AS right FROM parts ORDER BY id, tier, partition;

-- facts from a function of the partitioned table's row type, in its schema; a closer one goes first
CREATE FUNCTION part_facts(p parts) RETURNS facts LANGUAGE sql AS $$ SELECT 'gold', p.sku $$;
CREATE FUNCTION part_facts(p record) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'nor this one'; END $$;
CREATE FUNCTION elsewhere.part_facts(p record) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE FUNCTION part_facts(p parts_asia) RETURNS facts LANGUAGE plpgsql AS $$ BEGIN RETURN ROW(CASE p.id WHEN 9 THEN 'gold' END, p.sku); END $$;
CREATE OR REPLACE TRIGGER price BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'net_price=price', 'net_amount=amount', 'facts=part_facts');
TRUNCATE parts;
INSERT INTO parts (id, region, sku, qty) VALUES (8, 'eu', 'A', 2), (8, 'us', 'A', 2), (8, 'asia', 'A', 2), (9, 'asia', 'A', 2);
SELECT tableoid::regclass AS partition, id, qty, amount FROM parts ORDER BY id, partition;

CREATE TABLE ancestor (sku text, price numeric);
CREATE FUNCTION ancestor_facts(a ancestor) RETURNS facts LANGUAGE sql AS $$ SELECT 'gold', a.sku $$;
CREATE TABLE descendant (gone int, price numeric, extra int, sku text);
ALTER TABLE descendant DROP gone, INHERIT ancestor;
CREATE TRIGGER price BEFORE INSERT ON descendant FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price', 'facts=ancestor_facts');
INSERT INTO descendant (sku) VALUES ('A') RETURNING price;

-- conditions see the row, not the price in it; what is not computed yet they may not ask for
CREATE TABLE weighed (gone int, sku text, weight int, price numeric, list_price numeric, heavy boolean GENERATED ALWAYS AS (weight > 5) STORED);
ALTER TABLE weighed DROP gone;
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON weighed FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price');
BEGIN;
INSERT INTO quotetier.rule (policy, step, condition, adjust, value) VALUES
    ('default', 'volume', '$.weight > 10 && $.price < 5', 'amount_off', 19), ('default', 'volume', '$.weight > 10', 'amount_off', 1);
INSERT INTO weighed VALUES ('A', 20, 1, 21) RETURNING *;
UPDATE weighed SET price = 1 RETURNING *;
INSERT INTO quotetier.rule (policy, step, condition, adjust, value) VALUES ('default', 'volume', '$.heavy == true', 'amount_off', 18);
INSERT INTO weighed VALUES ('A', 20, 1, 21);
ROLLBACK;

-- a temporary table
CREATE TEMP TABLE cart (sku text, price numeric);
CREATE FUNCTION pg_temp.cart_facts(c cart) RETURNS facts LANGUAGE sql AS $$ SELECT 'gold', c.sku $$;
CREATE TRIGGER price BEFORE INSERT ON cart FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price', 'facts=cart_facts');
INSERT INTO cart VALUES ('A') RETURNING price;

-- long values that are stored out of line stay what they are
CREATE TABLE wide (sku text, long text, price numeric);
ALTER TABLE wide ALTER long SET STORAGE EXTERNAL;
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON wide FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price');
INSERT INTO wide VALUES ('A', repeat('x', 100000));
UPDATE wide SET sku = 'T';
UPDATE wide SET long = long || 'y';
SELECT price, length(long), md5(long) = md5(repeat('x', 100000) || 'y') AS same FROM wide;

-- ---------------------------------------------------------------------------
-- who may
-- ---------------------------------------------------------------------------

CREATE ROLE quotetier_clerk;
GRANT USAGE ON SCHEMA shop TO quotetier_clerk;
GRANT INSERT, SELECT ON sale TO quotetier_clerk;
SELECT facts_from('f_out');
SET ROLE quotetier_clerk;
-- the function reads customers as the clerk
SELECT refused($$INSERT INTO shop.sale VALUES (1, 'A')$$);
RESET ROLE;
GRANT SELECT ON customer TO quotetier_clerk;
SET ROLE quotetier_clerk;
INSERT INTO shop.sale VALUES (1, 'A') RETURNING price;
SELECT shop.refused($$SELECT FROM quotetier.rule$$);
SELECT shop.refused($$SELECT quotetier.net_price('{}')$$);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION f_out FROM PUBLIC;
SET ROLE quotetier_clerk;
SELECT shop.refused($$INSERT INTO shop.sale VALUES (1, 'A')$$);
CREATE TEMP TABLE oracle (sku text, price numeric);
SELECT shop.refused($$CREATE TRIGGER price BEFORE INSERT ON oracle FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price')$$);
RESET ROLE;

SET client_min_messages = warning;
DROP TABLE oracle, cart CASCADE;
DROP SCHEMA shop CASCADE;
DROP SCHEMA elsewhere CASCADE;
DROP ROLE quotetier_clerk;
DELETE FROM quotetier.rule;
DELETE FROM quotetier.dimension;

-- price_row(): what a row gets on the way in, whatever way it takes.
SET timezone = 'UTC';
CREATE SCHEMA shop;
SET search_path = shop;

INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, valid) VALUES
    ('default', 'list', '{"sku": "A"}', 'price', 20, '(,)'),
    ('default', 'list', '{"sku": "B"}', 'price', 9.99, '(,)'),
    ('default', 'tier', '{"tier": "gold"}', 'percent_off', 10, '(,)'),
    ('default', 'promotion', '{"sku": "B"}', 'percent_off', 50, '[2025-07-01 00:00+00, 2025-08-01 00:00+00)');

CREATE TABLE line (
    id int PRIMARY KEY, sku text, tier text, qty numeric DEFAULT 1, ordered_at timestamptz DEFAULT '2025-06-01',
    note text, net_price numeric, net_amount numeric, list_price numeric, list_amount numeric, discount_pct numeric,
    currency text, rules bigint[], version text
);
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON line FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'as_of=ordered_at', 'net_price=net_price', 'net_amount=net_amount', 'list_price = list_price',
    'list_amount=list_amount', 'discount_pct=discount_pct', 'currency=currency', 'rules=rules', 'version=version');

-- what the trigger must have stored; a price in the row is no fact
CREATE VIEW wrong AS
    SELECT l.*, q.net_price AS quoted
    FROM line l CROSS JOIN LATERAL (SELECT l.sku, l.tier) facts CROSS JOIN LATERAL quotetier.quote(facts, l.qty, l.ordered_at) q
    WHERE (l.net_price, l.net_amount, l.list_price, l.list_amount, l.discount_pct, l.currency, l.rules)
          IS DISTINCT FROM (q.net_price, q.net_amount, q.list_price, q.list_amount, q.discount_pct, q.currency, q.rules);

-- ---------------------------------------------------------------------------
-- mode=fill
-- ---------------------------------------------------------------------------

INSERT INTO line (id, sku, tier, qty, ordered_at) VALUES
    (1, 'A', 'gold', 3, '2025-06-01'), (2, 'A', 'gold', -3, '2025-06-01'), (3, 'A', NULL, 0, '2025-06-01'),
    (4, 'B', 'gold', 7, '2025-06-30 23:59:59.999999'), (5, 'B', 'gold', 7, '2025-07-01'), (6, 'B', 'gold', 1.5, '2025-08-01');
SELECT id, sku, qty, list_price, list_amount, net_price, net_amount, discount_pct, cardinality(rules) AS rules FROM line ORDER BY id;
SELECT count(DISTINCT version) AS versions, min(length(version)) FROM line;
TABLE wrong;

-- a forged price, on the way in and afterwards; a forged list price is no fact either
INSERT INTO line (id, sku, qty, net_price, net_amount, list_price) VALUES (7, 'A', 2, 0.01, 0.02, 0.01);
UPDATE line SET net_price = 1, net_amount = 1 WHERE id = 1;
UPDATE line SET list_price = 1 WHERE id = 4;
TABLE wrong;

-- inputs change, one by one
UPDATE line SET qty = 30 WHERE id = 1;
UPDATE line SET tier = 'none' WHERE id = 1;
UPDATE line SET ordered_at = '2025-07-15' WHERE id = 6;
TABLE wrong;
SELECT id, qty, net_amount FROM line WHERE id IN (1, 6) ORDER BY id;

-- the rules change: a row keeps its price until something of it changes
UPDATE quotetier.rule SET value = 25 WHERE scope = '{"sku": "A"}';
SELECT count(*) AS stale FROM wrong;
UPDATE line SET qty = qty, note = note;
SELECT count(*) AS stale FROM wrong;
UPDATE line SET note = 'seen';
SELECT count(*) AS stale FROM wrong;
UPDATE quotetier.rule SET value = 20 WHERE scope = '{"sku": "A"}';

-- with inputs named, only they count, and the prices themselves
CREATE TABLE narrow (id int, sku text, qty int, note text, net_amount numeric);
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON narrow FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'quantity=qty', 'input=sku', 'net_amount=net_amount');
INSERT INTO narrow VALUES (1, 'A', 2), (2, 'A', 2), (3, 'A', 2), (4, 'A', 2);
UPDATE quotetier.rule SET value = 25 WHERE scope = '{"sku": "A"}';
UPDATE narrow SET note = 'shipped' WHERE id = 1;
UPDATE narrow SET qty = 3 WHERE id = 2;
UPDATE narrow SET sku = 'B' WHERE id = 3;
UPDATE narrow SET net_amount = 0 WHERE id = 4;
SELECT id, net_amount FROM narrow ORDER BY id;
UPDATE quotetier.rule SET value = 20 WHERE scope = '{"sku": "A"}';

-- ---------------------------------------------------------------------------
-- every way in
-- ---------------------------------------------------------------------------

TRUNCATE line;
COPY line (id, sku, tier, qty, net_price) FROM stdin;
1	A	gold	1	0.5
2	B	\N	2	\N
\.
INSERT INTO line (id, sku, tier, qty) SELECT i, 'A', 'gold', i FROM generate_series(3, 5) i RETURNING id, net_price, net_amount;
INSERT INTO line (id, sku, qty, net_price) VALUES (5, 'B', 10, 1), (6, 'B', 10, 1)
    ON CONFLICT (id) DO UPDATE SET qty = EXCLUDED.qty, net_price = EXCLUDED.net_price RETURNING id, sku, net_price, net_amount;
MERGE INTO line USING (VALUES (6, 20), (7, 30)) AS new (id, qty) ON line.id = new.id
    WHEN MATCHED THEN UPDATE SET qty = new.qty, net_price = 1
    WHEN NOT MATCHED THEN INSERT (id, sku, qty, net_price) VALUES (new.id, 'A', new.qty, 1);
WITH changed AS (UPDATE line SET qty = qty + 1 WHERE id = 7 RETURNING *) SELECT id, qty, net_amount FROM changed;
UPDATE line SET net_price = u.p FROM (VALUES (1, 5)) u (id, p) WHERE line.id = u.id;
PREPARE add (int, text) AS INSERT INTO line (id, sku) VALUES ($1, $2);
SET plan_cache_mode = force_generic_plan;
EXECUTE add (8, 'A');
EXECUTE add (9, 'B');
RESET plan_cache_mode;
DEALLOCATE add;
TABLE wrong;
SELECT count(*) FROM line;

-- ---------------------------------------------------------------------------
-- which rules: the statement's
-- ---------------------------------------------------------------------------

BEGIN;
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('default', 'negotiated', '{"sku": "A"}', 'price', 1);
INSERT INTO line (id, sku) VALUES (20, 'A') RETURNING net_price AS uncommitted;
SAVEPOINT s;
UPDATE quotetier.rule SET value = 2 WHERE step = 'negotiated';
INSERT INTO line (id, sku) VALUES (21, 'A') RETURNING net_price AS changed_again;
ROLLBACK TO s;
INSERT INTO line (id, sku) VALUES (22, 'A') RETURNING net_price AS back_to_savepoint;
-- a change in the same statement is not seen by it
WITH change AS (UPDATE quotetier.rule SET value = 3 WHERE step = 'negotiated')
INSERT INTO line (id, sku) SELECT i, 'A' FROM generate_series(23, 24) i RETURNING net_price AS same_statement;
INSERT INTO line (id, sku) VALUES (25, 'A') RETURNING net_price AS next_statement;
ROLLBACK;
INSERT INTO line (id, sku) VALUES (20, 'A') RETURNING net_price AS rolled_back;

-- as_of from other types of column; a local time is taken as a cast takes it
CREATE TABLE dated (sku text, day date, at timestamp, by_day numeric, by_time numeric);
CREATE TRIGGER by_day BEFORE INSERT ON dated FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('as_of=day', 'net_price=by_day');
CREATE TRIGGER by_time BEFORE INSERT ON dated FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('as_of=at', 'net_price=by_time');
INSERT INTO dated VALUES ('B', '2025-06-30', '2025-06-30 20:00'), ('B', '2025-07-01', '2025-07-01'), ('B', '2025-07-31', '2025-07-31 23:00');
SET timezone = 'America/New_York';
INSERT INTO dated VALUES ('B', '2025-06-30', '2025-06-30 20:00'), ('B', '2025-07-01', '2025-07-01'), ('B', '2025-07-31', '2025-07-31 23:00');
RESET timezone;
TABLE dated;

-- a policy a row
INSERT INTO quotetier.policy (name, round_increment) VALUES ('outlet', 0.01);
INSERT INTO quotetier.step (policy, seq, name) VALUES ('outlet', 10, 'list');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('outlet', 'list', '{"sku": "A"}', 'price', 12);
CREATE TABLE by_policy (sku text, policy text DEFAULT 'default', a numeric, b numeric);
CREATE TRIGGER a BEFORE INSERT ON by_policy FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('policy_column=policy', 'net_price=a');
CREATE TRIGGER b BEFORE INSERT ON by_policy FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('policy=outlet', 'net_price=b');
INSERT INTO by_policy VALUES ('A', 'outlet'), ('A', DEFAULT), ('A', 'outlet'), ('A', 'default');
TABLE by_policy;

-- ---------------------------------------------------------------------------
-- mode=verify
-- ---------------------------------------------------------------------------

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; col text; tab text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, col = COLUMN_NAME, tab = TABLE_NAME;
    RETURN concat_ws(E'\n  ', state || ' ' || message, nullif(detail, ''), 'hint: ' || nullif(hint, ''),
                     'column: ' || nullif(tab || '.' || col, '.'));
END $$;
\pset format unaligned
\pset tuples_only on

CREATE TABLE checked (id int, sku text, qty int, price numeric(10, 2), amount numeric, rules bigint[], note text);
CREATE TRIGGER verify BEFORE INSERT OR UPDATE ON checked FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'mode=verify', 'quantity=qty', 'input=sku', 'net_price=price', 'net_amount=amount');
SELECT refused($$INSERT INTO checked VALUES (1, 'A', 3, 20, 60.000)$$);
SELECT refused($$INSERT INTO checked VALUES (2, 'A', 3, 20, 52)$$);
SELECT refused($$INSERT INTO checked VALUES (2, 'A', 3, 25, 75)$$);
SELECT refused($$INSERT INTO checked VALUES (2, 'A', -3, 20, -52)$$);
SELECT refused($$INSERT INTO checked VALUES (2, 'A', 3, 20, NULL)$$);
SELECT refused($$INSERT INTO checked VALUES (2, 'A', 3, NULL, 'NaN')$$);
SELECT refused($$UPDATE checked SET qty = 4$$);
SELECT refused($$UPDATE checked SET qty = 4, amount = 80$$);
UPDATE quotetier.rule SET value = 25 WHERE scope = '{"sku": "A"}' AND policy = 'default';
-- what is not an input may change on a line whose price is of yesterday
SELECT refused($$UPDATE checked SET note = 'shipped'$$);
SELECT refused($$UPDATE checked SET qty = 5, amount = 100$$);
UPDATE quotetier.rule SET value = 20 WHERE scope = '{"sku": "A"}' AND policy = 'default';
TABLE checked;

-- the waterfall's rules and the rule book's version can be verified as well
CREATE TABLE as_quoted (sku text, net_price numeric, status text, rules bigint[], version varchar(40));
CREATE TRIGGER verify BEFORE INSERT ON as_quoted FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'mode=verify', 'net_price=net_price', 'status=status', 'rules=rules', 'version=version');
INSERT INTO as_quoted SELECT 'A', net_price, status, rules, version FROM quotetier.quote('{"sku": "A"}');
INSERT INTO as_quoted SELECT 'Z', net_price, status, rules, version FROM quotetier.quote('{"sku": "Z"}');
SELECT refused($$INSERT INTO as_quoted SELECT 'A', net_price, status, rules || 7::bigint, version FROM quotetier.quote('{"sku": "A"}')$$) ~ '^23514.*\n.*Column "rules": given \{[0-9,]+,7\}, quoted \{[0-9]+\}.\n';
CREATE TEMP TABLE kept AS SELECT q.* FROM quotetier.quote('{"sku": "A"}') q;
UPDATE quotetier.rule SET note = 'x';
SELECT refused($$INSERT INTO as_quoted SELECT 'A', net_price, status, rules, version FROM kept$$) ~ '^23514.*\n.*Column "version": given [0-9a-f]{32}, quoted [0-9a-f]{32}.\n';

-- ---------------------------------------------------------------------------
-- a row without a price
-- ---------------------------------------------------------------------------

SELECT refused($$INSERT INTO line (id, sku) VALUES (50, 'Z')$$);
SELECT refused($$INSERT INTO checked VALUES (50, 'Z', 1, NULL, NULL)$$);
SELECT refused($$INSERT INTO as_quoted VALUES ('Z', 5, 'ok', '{}')$$) ~ '^23514.*\n.*Column "net_price": given 5, quoted null; column "status": given ok, quoted no_price; column "version"';
CREATE TYPE priced AS ENUM ('ok', 'no_price', 'needs_approval', 'blocked');
CREATE TABLE with_status (sku text, net_price numeric, list_price int, pct numeric, rules bigint[], status priced);
CREATE TRIGGER price BEFORE INSERT ON with_status FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(
    'net_price=net_price', 'list_price=list_price', 'discount_pct=pct', 'rules=rules', 'status=status');
INSERT INTO with_status VALUES ('Z', 5, 5, 5, '{5}', 'ok'), ('A', 5, 5, 5, '{5}', 'blocked');
\pset null (null)
SELECT net_price, list_price, pct, cardinality(rules), status FROM with_status;

-- nor a price that must not be sold at, which is not to say why
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, on_breach) VALUES
    ('default', 'guard', '{"sku": "A"}', 'floor_price', 123.45, 'block'), ('default', 'guard', '{"sku": "B"}', 'cap_percent_off', 12.34, 'approve');
SELECT refused($$INSERT INTO line (id, sku) VALUES (50, 'A')$$);
SELECT refused($$INSERT INTO line (id, sku, ordered_at) VALUES (50, 'B', '2025-07-04')$$);
SELECT refused($$INSERT INTO line (id, sku, ordered_at) VALUES (50, 'B', '2025-06-04')$$);
INSERT INTO with_status VALUES ('A') RETURNING net_price, status;
DELETE FROM quotetier.rule WHERE step = 'guard';

SELECT refused($$INSERT INTO line (id, sku, qty) VALUES (51, 'A', NULL)$$);
SELECT refused($$INSERT INTO line (id, sku, qty) VALUES (51, 'A', 'NaN')$$);
SELECT refused($$INSERT INTO line (id, sku, ordered_at) VALUES (51, 'A', NULL)$$);
SELECT refused($$INSERT INTO line (id, sku, ordered_at) VALUES (51, 'A', 'infinity')$$);
SELECT refused($$INSERT INTO by_policy VALUES ('A', NULL)$$);
SELECT refused($$INSERT INTO by_policy VALUES ('A', 'nowhere')$$);

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name = 'outlet';
DELETE FROM quotetier.dimension;

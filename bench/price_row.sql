-- What a price costs on the way in: the same rows inserted into three tables,
-- with no trigger, with price_row(), and with a trigger in PL/pgSQL that does
-- the same from a table of rules laid out for it: one row a rule and bracket,
-- found by one index probe for each set of dimensions that rules use. Both must
-- give the same prices. Needs race.sql. psql variables: rows (5000), rounds (11).

\if :{?rows} \else \set rows 5000 \endif
\if :{?rounds} \else \set rounds 11 \endif
\set QUIET on
SET client_min_messages = warning;
SET jit = off;
SET search_path = bench;
DROP TABLE IF EXISTS bench.line, bench.flat_rule, bench.no_trigger, bench.c_trigger, bench.plpgsql_trigger;
DELETE FROM quotetier.rule WHERE policy LIKE 'bench%';
DELETE FROM quotetier.policy WHERE name LIKE 'bench%';
DELETE FROM quotetier.dimension d WHERE NOT EXISTS (SELECT FROM quotetier.rule r WHERE r.scope ? d.name);
SELECT setseed(0.5) \g /dev/null

-- ---------------------------------------------------------------------------
-- 10,000 rules over five sets of dimensions
-- ---------------------------------------------------------------------------

INSERT INTO quotetier.policy (name, round_increment) VALUES ('bench', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick)
SELECT 'bench', seq, name, pick FROM quotetier.step WHERE policy = 'default';
INSERT INTO quotetier.dimension (name) VALUES ('customer'), ('sku'), ('tier'), ('category'), ('region');

INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'bench', 'list', jsonb_build_object('sku', 'S' || i), 'price', (5 + random() * 500)::numeric(8, 2)
FROM generate_series(1, 5000) i
UNION ALL
SELECT 'bench', 'tier', jsonb_build_object('tier', t), 'percent_off', 3
FROM unnest('{silver,gold,vip}'::text[]) t
UNION ALL
SELECT 'bench', 'tier', jsonb_build_object('tier', t, 'category', 'C' || c), 'percent_off', 4 + c % 7
FROM unnest('{silver,gold,vip}'::text[]) t, generate_series(1, 40) c
UNION ALL
SELECT 'bench', 'promotion', jsonb_build_object('sku', 'S' || (1 + i % 5000), 'region', 'R' || i % 4), 'percent_off', 5 + i % 20
FROM generate_series(1, 2857) i;

INSERT INTO quotetier.rule (policy, step, scope, adjust, value, final)
SELECT 'bench', 'contract', jsonb_build_object('customer', 'K' || i, 'sku', 'S' || (1 + i * 7 % 5000)), 'price', (5 + random() * 300)::numeric(8, 2), true
FROM generate_series(1, 2000) i;

WITH scaled AS (
    INSERT INTO quotetier.rule (policy, step, scope, adjust, scale_mode)
    SELECT 'bench', 'volume', jsonb_build_object('category', 'C' || c), 'percent_off', 'volume' FROM generate_series(1, 20) c
    RETURNING id
)
INSERT INTO quotetier.scale (rule, from_value, to_value, value)
SELECT id, b.* FROM scaled, (VALUES (10, 50, 2), (50, 200, 4), (200, NULL, 6)) b;

-- the same rules as the PL/pgSQL trigger would like them
CREATE TABLE flat_rule AS
SELECT r.id, s.seq AS step, r.final, r.adjust, coalesce(b.value, r.value) AS value,
       (SELECT string_agg(key, '+' ORDER BY key) FROM jsonb_object_keys(r.scope) key) AS shape,
       (SELECT string_agg(value, '+' ORDER BY key) FROM jsonb_each_text(r.scope)) AS key,
       (SELECT count(*) FROM jsonb_object_keys(r.scope)) AS rank,
       coalesce(lower(r.valid), '-infinity') AS valid_from, coalesce(upper(r.valid), 'infinity') AS valid_to,
       coalesce(b.from_value, 0) AS from_value, coalesce(b.to_value, 'Infinity') AS to_value
FROM quotetier.rule r JOIN quotetier.step s ON s.policy = r.policy AND s.name = r.step
LEFT JOIN quotetier.scale b ON b.rule = r.id
WHERE r.policy = 'bench';
CREATE INDEX ON flat_rule (shape, key);
ANALYZE flat_rule;

CREATE OR REPLACE FUNCTION price_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    r record;
    done int := 0;
    running numeric;
BEGIN
    FOR r IN
        SELECT rule.step, rule.adjust, rule.value, rule.final
        FROM (VALUES ('sku', NEW.sku), ('tier', NEW.tier), ('category', NEW.category),
                     ('customer+sku', NEW.customer || '+' || NEW.sku),
                     ('category+tier', NEW.category || '+' || NEW.tier),
                     ('region+sku', NEW.region || '+' || NEW.sku)) probe (shape, key)
        JOIN bench.flat_rule rule USING (shape, key)
        WHERE NEW.ordered_at >= rule.valid_from AND NEW.ordered_at < rule.valid_to
          AND NEW.qty >= rule.from_value AND NEW.qty < rule.to_value
        -- the winner of a step comes first: by precedence, or the largest discount
        ORDER BY rule.step, CASE WHEN rule.step IN (40, 50) THEN -rule.value END, rule.rank DESC, rule.id
    LOOP
        CONTINUE WHEN r.step = done;
        done := r.step;
        IF r.adjust = 'price' THEN
            running := r.value * NEW.qty;
        ELSE
            running := running - running * r.value / 100;
        END IF;
        EXIT WHEN r.final;
    END LOOP;
    NEW.net_amount := round(running, 2);
    NEW.net_price := round(NEW.net_amount / NEW.qty, 6);
    RETURN NEW;
END $$;

-- ---------------------------------------------------------------------------
-- the tables, and the rows to insert
-- ---------------------------------------------------------------------------

CREATE TABLE no_trigger (
    id int, customer text, sku text, tier text, category text, region text, qty int, ordered_at timestamptz,
    net_price numeric, net_amount numeric
);
CREATE TABLE c_trigger (LIKE no_trigger);
CREATE TABLE plpgsql_trigger (LIKE no_trigger);
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON c_trigger FOR EACH ROW EXECUTE FUNCTION
    quotetier.price_row('policy=bench', 'quantity=qty', 'as_of=ordered_at', 'net_price=net_price', 'net_amount=net_amount');
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON plpgsql_trigger FOR EACH ROW EXECUTE FUNCTION price_line();

CREATE TABLE line AS
SELECT i AS id, 'K' || k AS customer, 'S' || CASE WHEN i % 10 = 0 THEN 1 + k * 7 % 5000 ELSE 1 + (random() * 4999)::int END AS sku,
       (ARRAY['basic', 'silver', 'gold', 'vip'])[1 + i % 4] AS tier, 'C' || 1 + i % 40 AS category, 'R' || i % 4 AS region,
       1 + (random() * 100)::int AS qty, timestamptz '2025-07-01' + i * interval '1 minute' AS ordered_at
FROM generate_series(1, :rows) i, LATERAL (SELECT 1 + (random() * 2000)::int + i * 0 AS k) customer;
ANALYZE line;
VACUUM ANALYZE quotetier.rule, quotetier.scale;

-- a row at a time: what a statement of one row pays, set-up and all
CREATE OR REPLACE PROCEDURE insert_each(arm text, up_to int) LANGUAGE plpgsql AS $$
DECLARE
    l record;
BEGIN
    FOR l IN SELECT * FROM line WHERE id <= up_to LOOP
        CASE arm
            WHEN 'no_trigger' THEN
                INSERT INTO no_trigger VALUES (-l.id, l.customer, l.sku, l.tier, l.category, l.region, l.qty, l.ordered_at);
            WHEN 'c_trigger' THEN
                INSERT INTO c_trigger VALUES (-l.id, l.customer, l.sku, l.tier, l.category, l.region, l.qty, l.ordered_at);
            ELSE
                INSERT INTO plpgsql_trigger VALUES (-l.id, l.customer, l.sku, l.tier, l.category, l.region, l.qty, l.ordered_at);
        END CASE;
    END LOOP;
END $$;

CREATE TEMP TABLE figure (what text, rows int, arm text, ms numeric);
INSERT INTO figure
SELECT 'one statement', :rows, arm, median_ms FROM bench.race(:rounds, '{no,c,plpgsql}', ARRAY[
    'TRUNCATE no_trigger; INSERT INTO no_trigger SELECT * FROM line',
    'TRUNCATE c_trigger; INSERT INTO c_trigger SELECT * FROM line',
    'TRUNCATE plpgsql_trigger; INSERT INTO plpgsql_trigger SELECT * FROM line']);
INSERT INTO figure
SELECT 'a statement a row', 2000, arm, median_ms FROM bench.race(:rounds, '{no,c,plpgsql}', ARRAY[
    $$CALL insert_each('no_trigger', 2000)$$, $$CALL insert_each('c_trigger', 2000)$$,
    $$CALL insert_each('plpgsql_trigger', 2000)$$]);

\pset footer off
\echo
\echo Rows priced on the way in, 10,000 rules: microseconds a row, and how much less price_row() adds
SELECT count(*) AS rows, count(c.net_price) AS priced,
       count(*) FILTER (WHERE (c.net_price, c.net_amount) IS DISTINCT FROM (p.net_price, p.net_amount)) AS different
FROM c_trigger c JOIN plpgsql_trigger p USING (id) WHERE id > 0;

SELECT n.what, round(1000 * n.ms / n.rows, 2) AS "no trigger", round(1000 * c.ms / n.rows, 2) AS "price_row()",
       round(1000 * p.ms / n.rows, 2) AS "PL/pgSQL", round((p.ms - n.ms) / nullif(c.ms - n.ms, 0), 1) AS ratio
FROM figure n JOIN figure c USING (what) JOIN figure p USING (what)
WHERE (n.arm, c.arm, p.arm) = ('no', 'c', 'plpgsql') ORDER BY n.what DESC;

DROP TABLE line, flat_rule, no_trigger, c_trigger, plpgsql_trigger;
DROP FUNCTION price_line;
DROP PROCEDURE insert_each;
DELETE FROM quotetier.rule WHERE policy = 'bench';
DELETE FROM quotetier.policy WHERE name = 'bench';
DELETE FROM quotetier.dimension d WHERE NOT EXISTS (SELECT FROM quotetier.rule r WHERE r.scope ? d.name);

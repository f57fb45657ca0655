-- race(): runs statements in turn, several rounds, and compares their medians.
-- Every statement must consume what it computes: the planner drops the rest.
-- The clock is the backend's CPU time, so that others on the machine count for
-- little; wall => true where several processes work, or something waits.
-- psql variable: module, what floor.c was compiled to.

CREATE SCHEMA IF NOT EXISTS bench;

CREATE OR REPLACE FUNCTION bench.cpu_ms() RETURNS float8 LANGUAGE c VOLATILE AS :'module';

-- What is worth a place in doc/speed.tsv: of which bench, what, with how many rules, how much.
CREATE TABLE bench.figure (bench text, what text, rules int, value numeric, unit text);

-- The floor: functions of our arguments and results, called as ours are, that do nothing.
CREATE OR REPLACE FUNCTION bench.floor_price(facts record, qty numeric, as_of timestamptz, policy text) RETURNS numeric
LANGUAGE c STABLE PARALLEL SAFE SUPPORT quotetier.row_support AS :'module';
CREATE OR REPLACE FUNCTION bench.floor_quote(facts record, qty numeric, as_of timestamptz, policy text,
    OUT list_price numeric, OUT list_amount numeric, OUT net_price numeric, OUT net_amount numeric,
    OUT discount_pct numeric, OUT currency text, OUT status text, OUT rules bigint[], OUT version text)
LANGUAGE c STABLE PARALLEL SAFE SUPPORT quotetier.row_support AS :'module';

CREATE OR REPLACE FUNCTION bench.race(rounds int, arms text[], statements text[], wall boolean DEFAULT false)
RETURNS TABLE (arm text, median_ms numeric, times_first numeric)
LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz;
    cpu     float8;
    round   int;
    i       int;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS race_time (arm int, ms float8);
    TRUNCATE race_time;
    FOR round IN 0 .. rounds LOOP
        FOR i IN 1 .. cardinality(arms) LOOP
            started := clock_timestamp();
            cpu := bench.cpu_ms();
            EXECUTE statements[i];
            IF round > 0 THEN       -- round 0 warms up
                INSERT INTO race_time VALUES (i, CASE WHEN wall
                    THEN 1000 * extract(epoch FROM clock_timestamp() - started) ELSE bench.cpu_ms() - cpu END);
            END IF;
        END LOOP;
    END LOOP;
    RETURN QUERY
        WITH median AS (
            SELECT t.arm AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) AS ms
              FROM race_time t GROUP BY t.arm
        )
        SELECT arms[m.n], round(m.ms::numeric, 1), round((m.ms / f.ms)::numeric, 2)
          FROM median m, median f WHERE f.n = 1 ORDER BY m.n;
END $$;

-- Ways of pricing the same lines, each a statement of the policy (%1$L) and of how many lines (%2$s).
CREATE TABLE bench.arm (place int GENERATED ALWAYS AS IDENTITY, arm text PRIMARY KEY, lines int, statement text);

-- Races them, and notes microseconds a line. What gives amounts must give the same ones.
CREATE OR REPLACE PROCEDURE bench.race_arms(bench text, policy text, rules int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
    a        bench.arm;
    amount   numeric;
    expected numeric;
BEGIN
    FOR a IN SELECT * FROM bench.arm WHERE statement LIKE '%round(%' OR statement LIKE '%net_amount%' ORDER BY place LOOP
        EXECUTE format(a.statement, policy, (SELECT min(lines) FROM bench.arm)) INTO amount;
        expected := coalesce(expected, amount);
        IF amount IS DISTINCT FROM expected THEN
            RAISE EXCEPTION '% rules: % gives % where the first gives %', rules, a.arm, amount, expected;
        END IF;
    END LOOP;
    INSERT INTO bench.figure
    SELECT bench, r.arm, rules, round(1000 * r.median_ms / x.lines, 3), 'us'
      FROM (SELECT array_agg(arm ORDER BY place) AS arms, array_agg(format(statement, policy, lines) ORDER BY place) AS statements FROM bench.arm) all_arms,
           LATERAL bench.race(rounds, arms, statements) r JOIN bench.arm x USING (arm)
     ORDER BY x.place;
END $$;

-- 1000000 as people say it
CREATE OR REPLACE FUNCTION bench.size(n numeric) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN n >= 1000000 THEN trim_scale(n / 1000000) || ' M' WHEN n >= 1000 THEN trim_scale(n / 1000) || ' k' ELSE n::text END $$;

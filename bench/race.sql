-- race(): runs statements in turn, several rounds, and compares their medians.
-- Every statement must consume what it computes: the planner drops the rest.

CREATE SCHEMA IF NOT EXISTS bench;

CREATE OR REPLACE FUNCTION bench.race(rounds int, arms text[], statements text[])
RETURNS TABLE (arm text, median_ms numeric, times_first numeric)
LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz;
    round   int;
    i       int;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS race_time (arm int, ms double precision);
    TRUNCATE race_time;
    FOR round IN 0 .. rounds LOOP
        FOR i IN 1 .. cardinality(arms) LOOP
            started := clock_timestamp();
            EXECUTE statements[i];
            IF round > 0 THEN       -- round 0 warms up
                INSERT INTO race_time
                VALUES (i, 1000 * extract(epoch FROM clock_timestamp() - started));
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

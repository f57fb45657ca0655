\set SHOW_CONTEXT never
-- assess(): scores become memberships; judged by hand, then by a loop over customers
CREATE TABLE spend (customer text, at timestamptz, amount numeric);
CREATE FUNCTION half_year(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql STABLE AS
$$
    SELECT customer, sum(amount) FROM spend WHERE at < as_of AND at >= as_of - interval '6 months' GROUP BY 1
$$;
SET timezone = 'UTC';
SET intervalstyle = postgres;

INSERT INTO quotetier.scheme (name, scores, validity, grace, confirm, max_drop)
VALUES ('club', 'half_year', '3 months', '1 month', 2, 1);
INSERT INTO quotetier.tier (scheme, name, rank, from_value, keep_value) VALUES
    ('club', 'silver', 1, 100, NULL), ('club', 'gold', 2, 500, 400), ('club', 'vip', 3, 1000, NULL);
SELECT quotetier.scheme_definition('club');
SELECT count(*) AS versions FROM quotetier.scheme_version WHERE scheme = 'club';

INSERT INTO spend VALUES
    ('up', '2024-01-10', 150), ('up', '2024-02-10', 400), ('up', '2024-03-20', 5000),
    ('down', '2024-01-05', 1500),
    ('keeps', '2024-01-05', 550), ('keeps', '2024-07-01', 410),
    ('small', '2024-01-05', 99.99);

-- who would move, without moving
SELECT * FROM quotetier.assess_preview('club', '2024-02-01') ORDER BY 1;
SELECT count(*) FROM quotetier.tier_membership;

CREATE VIEW step AS
    SELECT m.as_of::date, a.*
    FROM generate_series(timestamptz '2024-02-01', '2025-04-01', '1 month') m (as_of),
         LATERAL quotetier.assess('club', m.as_of) a;
SELECT * FROM step ORDER BY as_of, customer;

SELECT customer, tier, lower(held)::date AS since, upper(held)::date AS until, verdict, valid_until::date, failed
FROM quotetier.tier_membership WHERE scheme = 'club' ORDER BY customer, held;

-- the tier at a time: half-open
SELECT at, quotetier.tier_of('up', 'club', at)
FROM unnest('{2024-01-31 23:59:59.999999, 2024-02-01, 2024-02-29, 2024-03-01, 2024-04-01, infinity, NULL}'::timestamptz[]) WITH ORDINALITY t (at, i) ORDER BY i;
SELECT quotetier.tier_of('nobody', 'club') IS NULL AS nobody;

-- who moved where
SELECT * FROM quotetier.tier_moves('club', '[2024-02-01,2024-04-01)');
SELECT * FROM quotetier.tier_moves('club', '[2024-04-01,)');
SELECT * FROM quotetier.tier_moves('club', 'empty');

-- times in order only; nothing half-done
SELECT * FROM quotetier.assess('club', '2025-04-01');
SELECT * FROM quotetier.assess_preview('club', '2025-03-01');
SELECT * FROM quotetier.assess('club', 'infinity');
SELECT * FROM quotetier.assess('none', '2025-05-01');
SELECT * FROM quotetier.assess_preview('none', '2025-05-01');
SELECT * FROM quotetier.assess('abc', '2025-05-01');
UPDATE quotetier.scheme SET scores = 'gone' WHERE name = 'abc';
SELECT * FROM quotetier.assess('abc', '2025-05-01');
CREATE FUNCTION twice(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql AS $$ VALUES ('a', 1), ('b', 2), ('a', 3) $$;
UPDATE quotetier.scheme SET scores = 'twice' WHERE name = 'abc';
SELECT * FROM quotetier.assess('abc', '2025-05-01');
CREATE OR REPLACE FUNCTION twice(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql AS $$ VALUES ('a', 'NaN'::numeric) $$;
SELECT * FROM quotetier.assess('abc', '2025-05-01');
DROP FUNCTION twice;
UPDATE quotetier.scheme SET scores = NULL WHERE name = 'abc';
SELECT count(*) AS assessments, sum(moved) AS moved FROM quotetier.assessment;

-- two tiers at once cannot be written, by nobody
INSERT INTO quotetier.tier_membership (scheme, customer, tier, held, version, valid_until)
SELECT scheme, customer, 'vip', '[2024-02-15,2024-02-16)', version, now() FROM quotetier.tier_membership WHERE customer = 'small' OR customer = 'up' LIMIT 1;

-- versions: changing a scheme keeps the old one; the same definition is the same version
CREATE VIEW version AS
    SELECT version = quotetier.current_version('club') AS current,
           (SELECT string_agg(concat_ws(' ', t ->> 'name', t ->> 'from_value'), ', ' ORDER BY t -> 'rank') FROM jsonb_array_elements(definition -> 'tiers') t) AS tiers
    FROM quotetier.scheme_version WHERE scheme = 'club' ORDER BY 2;
SELECT * FROM version;
UPDATE quotetier.tier SET from_value = 2000 WHERE scheme = 'club' AND name = 'vip';
SELECT * FROM version;
UPDATE quotetier.tier SET from_value = 1000.00 WHERE scheme = 'club' AND name = 'vip';
SELECT * FROM version;
SET intervalstyle = sql_standard;
SELECT count(*) AS current FROM version WHERE current;
RESET intervalstyle;
-- what a transaction goes through is no version
BEGIN;
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('club', 'bronze', 0, 10);
UPDATE quotetier.tier SET from_value = 20 WHERE scheme = 'club' AND name = 'bronze';
SAVEPOINT s;
DELETE FROM quotetier.tier WHERE scheme = 'club' AND name = 'bronze';
ROLLBACK TO s;
UPDATE quotetier.tier SET from_value = 30 WHERE scheme = 'club' AND name = 'bronze';
UPDATE quotetier.scheme SET grace = '2 months' WHERE name = 'club';
COMMIT;
SELECT * FROM version;
UPDATE quotetier.scheme SET grace = '1 month' WHERE name = 'club';
SELECT * FROM version;
-- whoever changes it, be it a trigger
CREATE TABLE desk (patience interval);
CREATE FUNCTION at_desk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE quotetier.scheme SET grace = NEW.patience WHERE name = 'club'; RETURN NULL; END $$;
CREATE TRIGGER at_desk AFTER INSERT ON desk FOR EACH ROW EXECUTE FUNCTION at_desk();
SELECT count(*) FROM version;
INSERT INTO desk VALUES ('7 months'), ('8 months');
INSERT INTO desk VALUES ('1 month');
SELECT count(*) AS two_more FROM version;
DROP TABLE desk;
DROP FUNCTION at_desk;
DELETE FROM quotetier.scheme_version v WHERE scheme = 'club' AND definition ->> 'grace' = 'P8M';
-- one that is undone keeps nothing, and the next one does
BEGIN;
UPDATE quotetier.tier SET from_value = 31 WHERE scheme = 'club' AND name = 'bronze';
ROLLBACK;
UPDATE quotetier.tier SET from_value = 32 WHERE scheme = 'club' AND name = 'bronze';
SELECT * FROM version;
BEGIN;
UPDATE quotetier.tier SET from_value = 33 WHERE scheme = 'club' AND name = 'bronze';
TRUNCATE quotetier.tier;
ROLLBACK;
BEGIN;
TRUNCATE quotetier.tier;
SELECT * FROM version;
SELECT count(DISTINCT scheme) > 5 AS all_kept FROM quotetier.scheme_version;
ROLLBACK;
UPDATE quotetier.tier SET from_value = 20 WHERE scheme = 'club' AND name = 'bronze';

-- a tier that is no more: the customer is graded anew; the history keeps the old one, and its version
SELECT * FROM quotetier.assess_preview('club', '2025-05-01') ORDER BY 1;
INSERT INTO spend VALUES ('up', '2025-04-20', 600);
SELECT * FROM quotetier.assess('club', '2025-05-01') ORDER BY 1;
UPDATE quotetier.tier SET name = 'golden' WHERE scheme = 'club' AND name = 'gold';
SELECT * FROM quotetier.assess('club', '2025-06-01') ORDER BY 1;
SELECT m.tier, m.verdict, (SELECT string_agg(t ->> 'name', ' ' ORDER BY t -> 'rank') FROM jsonb_array_elements(v.definition -> 'tiers') t) AS tiers_then
FROM quotetier.tier_membership m JOIN quotetier.scheme_version v USING (scheme, version)
WHERE customer = 'up' ORDER BY held;

-- a renamed scheme takes its memberships along; one with memberships cannot be deleted
UPDATE quotetier.scheme SET name = 'house' WHERE name = 'club';
SELECT quotetier.tier_of('up', 'house', '2025-06-02'), quotetier.tier_of('up', 'club', '2025-06-02') IS NULL AS gone;
DELETE FROM quotetier.scheme WHERE name = 'house';

-- sets and grids are assessed too
CREATE FUNCTION shares(as_of timestamptz) RETURNS TABLE (c int, v bigint) LANGUAGE sql STABLE AS
$$ SELECT i, (i * i * extract(month FROM as_of)::int) % 17 FROM generate_series(1, 10) i $$;
CREATE FUNCTION axes(as_of timestamptz) RETURNS TABLE (who text, attractive int, strong int) LANGUAGE sql STABLE AS
$$ VALUES ('x', 9, extract(month FROM as_of)::int), ('y', 2, 2), (NULL, 9, 9) $$;
INSERT INTO quotetier.scheme (name, kind, scores) VALUES ('layers', 'share', 'shares'), ('box', 'grid', 'axes');
INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2)
SELECT 'layers', name, rank, from_value, NULL::numeric FROM (VALUES ('upper', 1, 0), ('middle', 2, 20), ('lower', 3, 50)) t (name, rank, from_value)
UNION ALL SELECT 'box', name, rank, from_value, from_value2 FROM quotetier.tier WHERE scheme = 'kaism';
SELECT * FROM quotetier.assess('layers', '2024-01-01') ORDER BY score DESC, customer;
SELECT tier_before, tier_after, verdict, count(*) FROM quotetier.assess('layers', '2024-02-01') GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT * FROM quotetier.assess('box', '2024-03-01') ORDER BY customer;
SELECT * FROM quotetier.assess('box', '2024-10-01') ORDER BY customer;
SELECT * FROM quotetier.assess('box', '2025-01-01') ORDER BY customer;

-- against a loop over customers, with random rules and scores; the seed is printed if one differs
CREATE TABLE drawn (customer text, as_of timestamptz, score numeric);
CREATE FUNCTION drawn_scores(as_of timestamptz) RETURNS TABLE (customer text, score numeric) LANGUAGE sql STABLE AS
$$ SELECT customer, score FROM drawn WHERE drawn.as_of = $1 $$;
CREATE FUNCTION differences(seed double precision) RETURNS bigint LANGUAGE plpgsql AS
$$
#variable_conflict use_variable
DECLARE
    s quotetier.scheme;
    m timestamptz;
    c text;
    sc numeric;
    now_level int;
    to_level int;
    until timestamptz;
    fails int;
    names text[] := '{t1,t2,t3,t4}';
    froms numeric[] := '{10,20,30,40}';
    keeps numeric[];
    n bigint;
BEGIN
    PERFORM setseed(seed);
    DELETE FROM quotetier.tier_membership WHERE scheme = 'drawn';
    DELETE FROM quotetier.scheme WHERE name = 'drawn';
    TRUNCATE drawn;
    INSERT INTO quotetier.scheme (name, scores, validity, grace, confirm, max_drop)
    VALUES ('drawn', 'drawn_scores', make_interval(months => (random() * 4)::int), make_interval(days => (random() * 40)::int),
            1 + (random() * 2)::int, CASE WHEN random() < 0.3 THEN NULL ELSE 1 + (random() * 2)::int END)
    RETURNING * INTO s;
    INSERT INTO quotetier.tier (scheme, name, rank, from_value, keep_value)
    SELECT 'drawn', names[i], i, froms[i], CASE WHEN random() < 0.5 THEN froms[i] - (random() * 12)::int END FROM generate_series(1, 4) i;
    SELECT array_agg(coalesce(keep_value, from_value) ORDER BY rank) INTO keeps FROM quotetier.tier WHERE scheme = 'drawn';
    INSERT INTO drawn
    SELECT 'c' || i, t, CASE WHEN random() < 0.9 THEN (random() * 50)::int END
    FROM generate_series(1, 30) i, generate_series(timestamptz '2024-01-01', '2025-06-01', '1 month') t
    WHERE random() < 0.95;
    PERFORM quotetier.assess('drawn', t) FROM generate_series(timestamptz '2024-01-01', '2025-06-01', '1 month') t;

    CREATE TEMP TABLE expected (customer text, tier text, since timestamptz) ON COMMIT DROP;
    FOR c IN SELECT DISTINCT customer FROM drawn LOOP
        now_level := 0; fails := 0; until := NULL;
        FOR m IN SELECT generate_series(timestamptz '2024-01-01', '2025-06-01', '1 month') LOOP
            sc := (SELECT d.score FROM drawn d WHERE d.customer = c AND d.as_of = m);
            to_level := coalesce((SELECT count(*) FROM unnest(froms) f WHERE f <= sc), 0);
            IF to_level > now_level THEN
                NULL;                                   -- up at once
            ELSIF now_level = 0 THEN
                CONTINUE;
            ELSIF to_level = now_level OR sc >= keeps[now_level] THEN
                until := m + s.validity; fails := 0;    -- kept
                CONTINUE;
            ELSE
                fails := fails + 1;
                IF fails < s.confirm OR m < until + s.grace THEN
                    CONTINUE;
                END IF;
                IF s.max_drop IS NOT NULL AND now_level - to_level > s.max_drop THEN
                    to_level := now_level - s.max_drop;
                END IF;
            END IF;
            now_level := to_level; until := m + s.validity; fails := 0;
            INSERT INTO expected VALUES (c, names[now_level], m);
        END LOOP;
    END LOOP;
    SELECT count(*) INTO n
    FROM (SELECT customer, tier, since FROM expected WHERE tier IS NOT NULL) e
    FULL JOIN (SELECT customer, tier, lower(held) AS since, upper(held) AS ended FROM quotetier.tier_membership WHERE scheme = 'drawn') g
        USING (customer, tier, since)
    WHERE e IS NULL OR g IS NULL
       OR ended IS DISTINCT FROM (SELECT min(x.since) FROM expected x WHERE x.customer = g.customer AND x.since > g.since);
    DROP TABLE expected;
    RETURN n;
END
$$;
SELECT seed, different
FROM (SELECT random() * 2 - 1 AS seed FROM generate_series(1, 4)) s, LATERAL (SELECT differences(seed) AS different OFFSET 0) d
WHERE different <> 0;
SELECT count(*) > 0 AS there_were_some FROM quotetier.tier_membership WHERE scheme = 'drawn' AND verdict = 'demoted';

-- month by month as the orders come in, or all at the end: the same
INSERT INTO quotetier.scheme (name, scores, validity, confirm) VALUES ('live', 'half_year', '2 months', 1), ('later', 'half_year', '2 months', 1);
INSERT INTO quotetier.tier (scheme, name, rank, from_value)
SELECT s, name, rank, from_value FROM (VALUES ('silver', 1, 900), ('gold', 2, 1200)) t (name, rank, from_value), unnest('{live,later}'::text[]) s;
DO $$
DECLARE
    m timestamptz;
BEGIN
    TRUNCATE spend;
    FOR m IN SELECT generate_series(timestamptz '2024-02-01', '2025-02-01', '1 month') LOOP
        INSERT INTO spend SELECT 'c' || i, m - make_interval(days => i), (i * 37 * extract(month FROM m)::int) % 400 FROM generate_series(1, 20) i;
        PERFORM quotetier.assess('live', m);
    END LOOP;
    PERFORM quotetier.assess('later', t) FROM generate_series(timestamptz '2024-02-01', '2025-02-01', '1 month') t;
END
$$;
SELECT count(*) AS memberships, count(*) FILTER (WHERE l IS NULL OR r IS NULL) AS different
FROM (SELECT customer, tier, held, valid_until, failed FROM quotetier.tier_membership WHERE scheme = 'live') l
FULL JOIN (SELECT customer, tier, held, valid_until, failed FROM quotetier.tier_membership WHERE scheme = 'later') r
    USING (customer, tier, held, valid_until, failed);

DROP VIEW step, version;
DELETE FROM quotetier.tier_membership;
DELETE FROM quotetier.scheme WHERE origin = 'user';
DROP FUNCTION half_year, shares, axes, drawn_scores, differences;
DROP TABLE spend, drawn;

-- ---------------------------------------------------------------------------
-- tier: schemes, and the tiers they are made of
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.scheme (
    name      text PRIMARY KEY CHECK (name <> ''),
    kind      text NOT NULL DEFAULT 'threshold'
              CONSTRAINT scheme_kind_known CHECK (kind IN ('threshold', 'share', 'pareto', 'grid')),
    keep_ties boolean NOT NULL DEFAULT false,
    scores    text,
    validity  interval NOT NULL DEFAULT '0'
              CONSTRAINT scheme_validity_not_negative CHECK (validity >= '0'),
    grace     interval NOT NULL DEFAULT '0'
              CONSTRAINT scheme_grace_not_negative CHECK (grace >= '0'),
    confirm   int NOT NULL DEFAULT 1
              CONSTRAINT scheme_confirm_positive CHECK (confirm >= 1),
    max_drop  int
              CONSTRAINT scheme_max_drop_positive CHECK (max_drop >= 1),
    note      text,
    origin    text NOT NULL DEFAULT 'user' REFERENCES quotetier.origin
);

COMMENT ON TABLE quotetier.scheme IS 'Named ladders of tiers over a score, over two, or over the shares of a set.';
COMMENT ON COLUMN quotetier.scheme.name IS 'what tier() and tier_over() ask for';
COMMENT ON COLUMN quotetier.scheme.kind IS
    'what from_value counts. threshold: a score; share: percent of the rows before; pareto: percent of the value before; grid: two scores';
COMMENT ON COLUMN quotetier.scheme.keep_ties IS 'share and pareto: equal values get the tier of the first of them';
COMMENT ON COLUMN quotetier.scheme.scores IS
    'function that assess() calls with the time to assess; returns customers with their scores';
COMMENT ON COLUMN quotetier.scheme.validity IS 'how long a tier is held for certain once it is reached or kept';
COMMENT ON COLUMN quotetier.scheme.grace IS 'how much longer before it can be lost';
COMMENT ON COLUMN quotetier.scheme.confirm IS 'how many assessments in a row must fail before it is lost';
COMMENT ON COLUMN quotetier.scheme.max_drop IS 'how many tiers one assessment takes away at most; null: any number';
COMMENT ON COLUMN quotetier.scheme.note IS 'what the scores are, and where the scheme comes from';
COMMENT ON COLUMN quotetier.scheme.origin IS 'shipped with the extension, or the user''s own';

-- Where a rung begins is all that is written, so there is no gap and no overlap.
CREATE TABLE quotetier.tier (
    scheme      text NOT NULL REFERENCES quotetier.scheme ON UPDATE CASCADE ON DELETE CASCADE,
    name        text NOT NULL CHECK (name <> ''),
    rank        int  NOT NULL,
    from_value  numeric
                CONSTRAINT tier_from_value_bounded CHECK (from_value < 'Infinity'),
    label_zh    text,
    from_value2 numeric
                CONSTRAINT tier_from_value2_bounded CHECK (from_value2 < 'Infinity'),
    keep_value  numeric,
    PRIMARY KEY (scheme, name),
    CONSTRAINT tier_keep_value_not_above CHECK (keep_value <= from_value)
);

COMMENT ON TABLE quotetier.tier IS 'The tiers of a scheme: each from its from_value up to, not including, the next.';
COMMENT ON COLUMN quotetier.tier.scheme IS 'the scheme it belongs to';
COMMENT ON COLUMN quotetier.tier.name IS 'what tier() returns';
COMMENT ON COLUMN quotetier.tier.rank IS
    'its place in the scheme, counted from either end, in the order of from_value; in a grid 1 is best';
COMMENT ON COLUMN quotetier.tier.from_value IS
    'where it begins, in what the scheme''s kind counts; -Infinity: anywhere; null: for rows of a set without a value';
COMMENT ON COLUMN quotetier.tier.label_zh IS 'its name in Chinese';
COMMENT ON COLUMN quotetier.tier.from_value2 IS 'where it begins on the second axis of a grid';
COMMENT ON COLUMN quotetier.tier.keep_value IS
    'the lowest score that keeps it once it is held, up to from_value; null: from_value';

-- ---------------------------------------------------------------------------
-- What may be written
-- ---------------------------------------------------------------------------

CREATE VIEW quotetier.scheme_fault AS
WITH rung AS (
    SELECT t.*, s.kind, s.kind IN ('share', 'pareto') AS of_set
    FROM quotetier.tier t JOIN quotetier.scheme s ON s.name = t.scheme
), placed AS (
    SELECT scheme, kind, name, from_value, from_value2,
           lag(name) OVER ladder AS before,
           lag(from_value) OVER ladder AS from_before,
           lag(from_value2) OVER ladder AS from2_before,
           sign(rank::numeric - lag(rank::numeric) OVER ladder) AS step,
           sign(last_value(rank::numeric) OVER whole - first_value(rank::numeric) OVER whole) AS way
    FROM rung
    WHERE from_value IS NOT NULL
    WINDOW ladder AS (PARTITION BY scheme ORDER BY from_value, from_value2, name),
           whole AS (ladder ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
SELECT scheme, 1 AS seq,
       format('tier "%s" of scheme "%s" has no from_value%s', name, scheme,
              CASE WHEN from_value IS NULL THEN '' ELSE '2' END) AS fault,
       format('In a scheme of kind %s it says where the tier begins.', kind) AS detail,
       'Give the lowest score that reaches the tier; -Infinity for a tier that takes any.' AS hint
FROM rung
WHERE NOT of_set AND from_value IS NULL OR kind = 'grid' AND from_value2 IS NULL
UNION ALL
SELECT scheme, 2,
       format('tier "%s" of scheme "%s" has a %s', name, scheme,
              CASE WHEN kind <> 'grid' AND from_value2 IS NOT NULL THEN 'from_value2' ELSE 'keep_value' END),
       format('The scheme is of kind %s.', kind),
       'A from_value2 is for schemes of kind grid, a keep_value for schemes of kind threshold.'
FROM rung
WHERE kind <> 'grid' AND from_value2 IS NOT NULL OR kind <> 'threshold' AND keep_value IS NOT NULL
UNION ALL
SELECT scheme, 3,
       format('tier "%s" of scheme "%s" begins at %s', name, scheme, from_value),
       format('In a scheme of kind %s a tier begins where a percentage of the set has gone before it.', kind),
       'Write from 0 to under 100: for an A of 80 % and a B of 15 %, A begins at 0, B at 80, C at 95.'
FROM rung
WHERE of_set AND NOT (from_value >= 0 AND from_value < 100)
UNION ALL
SELECT scheme, 4,
       format('two tiers of scheme "%s" begin at %s', scheme, concat_ws(', ', from_value, from_value2)),
       format('"%s" and "%s" would both hold there.', before, name),
       'Give each tier of a scheme a place of its own.'
FROM placed
WHERE from_value = from_before AND from_value2 IS NOT DISTINCT FROM from2_before
UNION ALL
SELECT scheme, 5,
       format('the ranks of scheme "%s" contradict its from_values', scheme),
       format('"%s" follows "%s" by from_value, but not by rank.', name, before),
       'Number the tiers in the order of from_value, upwards or downwards; to move several, use one statement.'
FROM placed
WHERE kind <> 'grid' AND (step <> way OR step = 0)
UNION ALL
SELECT scheme, 6,
       format('two tiers of scheme "%s" have rank %s', scheme, rank),
       format('They are "%s" and "%s".', min(name), max(name)),
       'Give each tier of a scheme a rank of its own.'
FROM rung
GROUP BY scheme, rank
HAVING count(*) > 1;

COMMENT ON VIEW quotetier.scheme_fault IS 'What is wrong with a scheme. Empty, as nothing of this can be saved.';
COMMENT ON COLUMN quotetier.scheme_fault.scheme IS 'the scheme';
COMMENT ON COLUMN quotetier.scheme_fault.seq IS 'the kind of fault';
COMMENT ON COLUMN quotetier.scheme_fault.fault IS 'what is wrong';
COMMENT ON COLUMN quotetier.scheme_fault.detail IS 'why';
COMMENT ON COLUMN quotetier.scheme_fault.hint IS 'what to do';

CREATE FUNCTION quotetier.scheme_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'scheme_check';
COMMENT ON FUNCTION quotetier.scheme_check() IS 'trigger: refuses a scheme that could not be used, saying why';

CREATE FUNCTION quotetier.tier_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'tier_check';
COMMENT ON FUNCTION quotetier.tier_check() IS 'trigger: refuses tiers that do not make a scheme, saying why';

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.scheme
    FOR EACH ROW EXECUTE FUNCTION quotetier.scheme_check();
CREATE TRIGGER check_update AFTER UPDATE ON quotetier.scheme REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.scheme_check();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.tier
    FOR EACH ROW EXECUTE FUNCTION quotetier.tier_check();
CREATE TRIGGER check_insert AFTER INSERT ON quotetier.tier REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.tier_check();
CREATE TRIGGER check_update AFTER UPDATE ON quotetier.tier REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.tier_check();

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.scheme
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('tier');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.scheme
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('tier');
ALTER TABLE quotetier.scheme ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.scheme ENABLE ALWAYS TRIGGER stamp_truncate;
CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.tier
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('tier');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.tier
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('tier');
ALTER TABLE quotetier.tier ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.tier ENABLE ALWAYS TRIGGER stamp_truncate;

-- ---------------------------------------------------------------------------
-- Grading
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.tier(scheme text, score numeric) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tier_of_score';
COMMENT ON FUNCTION quotetier.tier(text, numeric) IS
    'the tier of a scheme that a score reaches; null below the first';

CREATE FUNCTION quotetier.tier(scheme text, score numeric, score2 numeric) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tier_of_scores';
COMMENT ON FUNCTION quotetier.tier(text, numeric, numeric) IS
    'the tier of a grid that two scores reach together; null below the first on either axis';

CREATE FUNCTION quotetier.tier_over(scheme text, value numeric) RETURNS text
    LANGUAGE c STABLE WINDOW PARALLEL SAFE AS 'MODULE_PATHNAME', 'tier_over';
COMMENT ON FUNCTION quotetier.tier_over(text, numeric) IS
    'window function over value DESC: the tier of a row by its share of the set; null for a row without a value';

CREATE FUNCTION quotetier.tier_over(scheme text, value numeric, otherwise text) RETURNS text
    LANGUAGE c STABLE WINDOW PARALLEL SAFE AS 'MODULE_PATHNAME', 'tier_over';
COMMENT ON FUNCTION quotetier.tier_over(text, numeric, text) IS
    'the same, with a tier for rows without a value: one of the scheme''s tiers that have no from_value';

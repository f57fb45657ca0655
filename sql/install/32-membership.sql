-- ---------------------------------------------------------------------------
-- membership: versions of schemes, and who held which tier when
-- ---------------------------------------------------------------------------

-- A version is named by its content: the same definition is the same version.
CREATE TABLE quotetier.scheme_version (
    scheme     text NOT NULL REFERENCES quotetier.scheme ON UPDATE CASCADE ON DELETE CASCADE,
    version    text NOT NULL,
    kept_at    timestamptz NOT NULL DEFAULT now(),
    definition jsonb NOT NULL,
    PRIMARY KEY (scheme, version)
);

COMMENT ON TABLE quotetier.scheme_version IS 'Definitions of schemes that have been changed since, or assessed by. Written by triggers and assess().';
COMMENT ON COLUMN quotetier.scheme_version.scheme IS 'the scheme';
COMMENT ON COLUMN quotetier.scheme_version.version IS 'a hash of the definition';
COMMENT ON COLUMN quotetier.scheme_version.kept_at IS 'when it was kept: at the first assessment by it, or at the change that ended it';
COMMENT ON COLUMN quotetier.scheme_version.definition IS 'the scheme''s columns and its tiers';

CREATE FUNCTION quotetier.scheme_definition(scheme text) RETURNS jsonb
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SET intervalstyle = iso_8601   -- or versions would depend on it
BEGIN ATOMIC
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'kind', s.kind, 'keep_ties', s.keep_ties, 'scores', s.scores,
        'validity', s.validity, 'grace', s.grace, 'confirm', s.confirm, 'max_drop', s.max_drop,
        'tiers', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                      'name', t.name, 'rank', t.rank, 'from_value', trim_scale(t.from_value),
                      'from_value2', trim_scale(t.from_value2), 'keep_value', trim_scale(t.keep_value),
                      'label_zh', t.label_zh) ORDER BY t.rank, t.name), '[]')
                  FROM quotetier.tier t WHERE t.scheme = s.name)))
    FROM quotetier.scheme s
    WHERE s.name = scheme_definition.scheme;
END;
COMMENT ON FUNCTION quotetier.scheme_definition(text) IS 'a scheme and its tiers as they are now; null if there is no such scheme';

CREATE FUNCTION quotetier.current_version(scheme text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT left(md5(quotetier.scheme_definition(current_version.scheme)::text), 12);
END;
COMMENT ON FUNCTION quotetier.current_version(text) IS 'the version of a scheme as it is now; null if there is no such scheme';

CREATE FUNCTION quotetier.keep_version(scheme text) RETURNS void
    LANGUAGE sql VOLATILE STRICT
BEGIN ATOMIC
    INSERT INTO quotetier.scheme_version (scheme, version, definition)
    SELECT keep_version.scheme, quotetier.current_version(keep_version.scheme), definition
    FROM quotetier.scheme_definition(keep_version.scheme) definition
    WHERE definition IS NOT NULL
      AND NOT EXISTS (SELECT FROM quotetier.scheme_version v
                      WHERE v.scheme = keep_version.scheme AND v.version = quotetier.current_version(keep_version.scheme))
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION quotetier.keep_version(text) IS 'adds a scheme''s present definition to its versions, unless it is there';

CREATE FUNCTION quotetier.first_change(scheme text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'first_change';
COMMENT ON FUNCTION quotetier.first_change(text) IS
    'whether it is called for this scheme for the first time in the transaction; for keep_version() alone';

-- The first change that a transaction makes to a scheme keeps what it was before.
-- As the tables' owner: a writer of tiers needs no privilege on the versions.
CREATE FUNCTION quotetier.keep_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    changed text[];
    one text;
BEGIN
    IF tg_op = 'TRUNCATE' THEN
        changed := ARRAY(SELECT name FROM quotetier.scheme);
    ELSIF tg_table_name = 'scheme' THEN
        changed := ARRAY[OLD.name];
    ELSE
        changed := ARRAY[OLD.scheme, NEW.scheme];
    END IF;
    FOREACH one IN ARRAY changed LOOP
        IF quotetier.first_change(one) THEN
            PERFORM quotetier.keep_version(one) WHERE EXISTS (SELECT FROM quotetier.tier WHERE scheme = one);
        END IF;
    END LOOP;
    IF tg_op = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quotetier.keep_version() IS 'trigger before a change of a scheme: keeps the version that it had';

-- Cascades come here, too, and keep nothing: the scheme they come from is not
-- there any more under the name that its tiers still have.
CREATE TRIGGER keep_version BEFORE UPDATE ON quotetier.scheme
    FOR EACH ROW EXECUTE FUNCTION quotetier.keep_version();
CREATE TRIGGER keep_version BEFORE INSERT OR UPDATE OR DELETE ON quotetier.tier
    FOR EACH ROW EXECUTE FUNCTION quotetier.keep_version();
CREATE TRIGGER keep_versions BEFORE TRUNCATE ON quotetier.tier
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.keep_version();

-- ---------------------------------------------------------------------------
-- Who held which tier when
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.tier_membership (
    scheme      text NOT NULL,
    customer    text NOT NULL,
    tier        text NOT NULL,
    held        tstzrange NOT NULL
                CONSTRAINT tier_membership_half_open CHECK
                    (NOT isempty(held) AND lower_inc(held) AND NOT upper_inc(held)),
    version     text NOT NULL,
    verdict     text NOT NULL DEFAULT 'new'
                CONSTRAINT tier_membership_verdict_known CHECK (verdict IN ('new', 'promoted', 'demoted', 'regraded')),
    valid_until timestamptz NOT NULL,
    failed      int NOT NULL DEFAULT 0 CHECK (failed >= 0),
    FOREIGN KEY (scheme, version) REFERENCES quotetier.scheme_version ON UPDATE CASCADE,
    CONSTRAINT tier_membership_one_at_a_time
        EXCLUDE USING gist (customer WITH =, scheme WITH =, held WITH &&)
) WITH (fillfactor = 50);      -- each assessment writes valid_until: in place, away from the indexes

COMMENT ON TABLE quotetier.tier_membership IS 'Who held which tier of a scheme when. Written by assess().';
COMMENT ON COLUMN quotetier.tier_membership.scheme IS 'the scheme';
COMMENT ON COLUMN quotetier.tier_membership.customer IS 'who, as the scheme''s scores name them';
COMMENT ON COLUMN quotetier.tier_membership.tier IS 'the tier held';
COMMENT ON COLUMN quotetier.tier_membership.held IS 'from when until when; open while it is held';
COMMENT ON COLUMN quotetier.tier_membership.version IS 'the version of the scheme that gave it';
COMMENT ON COLUMN quotetier.tier_membership.verdict IS
    'how it came: new, promoted, demoted, or regraded because the scheme no longer had the tier held before';
COMMENT ON COLUMN quotetier.tier_membership.valid_until IS 'held for certain until then, as far as assessed';
COMMENT ON COLUMN quotetier.tier_membership.failed IS 'assessments in a row that it has failed, up to the last one';

CREATE INDEX tier_membership_open ON quotetier.tier_membership (scheme, customer) WHERE upper_inf(held);

CREATE TABLE quotetier.assessment (
    scheme      text NOT NULL,
    as_of       timestamptz NOT NULL,
    version     text NOT NULL,
    assessed_at timestamptz NOT NULL DEFAULT now(),
    assessed_by text NOT NULL DEFAULT session_user,
    moved       bigint NOT NULL,
    PRIMARY KEY (scheme, as_of),
    FOREIGN KEY (scheme, version) REFERENCES quotetier.scheme_version ON UPDATE CASCADE ON DELETE CASCADE
);

COMMENT ON TABLE quotetier.assessment IS 'The assessments made, in order: a time cannot be assessed after a later one.';
COMMENT ON COLUMN quotetier.assessment.scheme IS 'the scheme';
COMMENT ON COLUMN quotetier.assessment.as_of IS 'the time assessed';
COMMENT ON COLUMN quotetier.assessment.version IS 'the version of the scheme';
COMMENT ON COLUMN quotetier.assessment.assessed_at IS 'when';
COMMENT ON COLUMN quotetier.assessment.assessed_by IS 'by whom';
COMMENT ON COLUMN quotetier.assessment.moved IS 'how many customers moved';

-- A tier's height: 0 is none, then from the lowest up.
CREATE VIEW quotetier.tier_level AS
    SELECT t.scheme, t.name AS tier,
           row_number() OVER (PARTITION BY t.scheme ORDER BY
               CASE s.kind WHEN 'threshold' THEN t.from_value WHEN 'grid' THEN -t.rank ELSE -t.from_value END NULLS FIRST,
               t.name) AS level,
           coalesce(t.keep_value, t.from_value) AS keep_value
    FROM quotetier.tier t JOIN quotetier.scheme s ON s.name = t.scheme;

COMMENT ON VIEW quotetier.tier_level IS 'The tiers of each scheme in the order of their worth.';
COMMENT ON COLUMN quotetier.tier_level.scheme IS 'the scheme';
COMMENT ON COLUMN quotetier.tier_level.tier IS 'the tier';
COMMENT ON COLUMN quotetier.tier_level.level IS '1 for the lowest, and so on up';
COMMENT ON COLUMN quotetier.tier_level.keep_value IS 'the lowest score that keeps it';

-- ---------------------------------------------------------------------------
-- Assessing
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.scheme_to_assess(scheme text, as_of timestamptz) RETURNS SETOF quotetier.scheme
    LANGUAGE plpgsql STABLE STRICT ROWS 1 SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    s quotetier.scheme;
    last timestamptz;
BEGIN
    SELECT * INTO s FROM quotetier.scheme WHERE name = scheme_to_assess.scheme;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'scheme "%" does not exist', scheme_to_assess.scheme
            USING ERRCODE = 'undefined_object',
                  HINT = 'SELECT name, kind FROM quotetier.scheme lists the schemes there are.';
    END IF;
    IF s.scores IS NULL THEN
        RAISE EXCEPTION 'scheme "%" has no scores to assess', s.name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Its column scores is null.',
                  HINT = 'Write a function of a timestamptz that returns customers and their scores, and put its name into quotetier.scheme.scores.';
    END IF;
    IF NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'cannot assess at %', as_of
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a finite time.';
    END IF;
    SELECT max(a.as_of) INTO last FROM quotetier.assessment a WHERE a.scheme = s.name;
    IF last >= as_of THEN
        RAISE EXCEPTION 'scheme "%" has been assessed up to %', s.name, last
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'What is held depends on all assessments before, in their order.',
                  HINT = 'To assess anew, delete the scheme''s rows from quotetier.tier_membership and quotetier.assessment, and assess from the first time on.';
    END IF;
    RETURN NEXT s;
END
$$;
COMMENT ON FUNCTION quotetier.scheme_to_assess(text, timestamptz) IS
    'the scheme, if it can be assessed at this time; else an error that says why';

CREATE FUNCTION quotetier.scored_once(scheme text, twice text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF twice IS NOT NULL THEN
        RAISE EXCEPTION 'customer "%" has more than one score', twice
            USING ERRCODE = 'cardinality_violation',
                  DETAIL = format('The function of scores of scheme "%s" has returned several rows for it.', scheme),
                  HINT = 'Let it return one row a customer.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quotetier.scored_once(text, text) IS 'true; an error if there is a customer scored more than once';

-- Calls the scheme's own function; with the caller's search path, as it may depend on it.
CREATE FUNCTION quotetier.scheme_scores(scheme text, as_of timestamptz)
    RETURNS TABLE (customer text, score numeric, score2 numeric)
    LANGUAGE plpgsql STABLE STRICT ROWS 100000 AS
$$
DECLARE
    s quotetier.scheme;
    source regprocedure;
BEGIN
    SELECT * INTO s FROM quotetier.scheme_to_assess(scheme, as_of);
    source := pg_catalog.to_regprocedure(pg_catalog.concat(s.scores, '(timestamptz)'));
    IF source IS NULL THEN
        RAISE EXCEPTION 'function %(timestamptz) does not exist', s.scores
            USING ERRCODE = 'undefined_function',
                  DETAIL = pg_catalog.format('It is what scheme "%s" takes its scores from.', s.name),
                  HINT = 'Write a function of a timestamptz that returns customers and their scores, and put its name into quotetier.scheme.scores.';
    END IF;
    RETURN QUERY EXECUTE pg_catalog.format(
        'WITH scores AS MATERIALIZED ('
        '  SELECT customer::pg_catalog.text, score::pg_catalog.numeric, %s AS score2 FROM %s($1) AS scores (customer, score%s)'
        '  WHERE customer IS NOT NULL)'
        ' SELECT * FROM scores WHERE quotetier.scored_once($2,'
        '  (SELECT customer FROM scores GROUP BY customer HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 LIMIT 1))',
        CASE s.kind WHEN 'grid' THEN 'score2::pg_catalog.numeric' ELSE 'NULL::pg_catalog.numeric' END,
        source::oid::regproc,
        CASE s.kind WHEN 'grid' THEN ', score2' ELSE '' END) USING as_of, s.name;
END
$$;
COMMENT ON FUNCTION quotetier.scheme_scores(text, timestamptz) IS
    'what a scheme''s function of scores returns for a time to be assessed';

CREATE FUNCTION quotetier.assess_all(scheme text, as_of timestamptz)
    RETURNS TABLE (customer text, score numeric, tier_before text, tier_after text, verdict text,
                   valid_until timestamptz, failed int)
    LANGUAGE sql STABLE STRICT ROWS 100000
BEGIN ATOMIC
    WITH s AS (
        SELECT * FROM quotetier.scheme_to_assess(assess_all.scheme, assess_all.as_of)
    ), scored AS MATERIALIZED (
        SELECT * FROM quotetier.scheme_scores(assess_all.scheme, assess_all.as_of)
    ), earned AS (
        SELECT customer, score, quotetier.tier(assess_all.scheme, score) AS tier
        FROM scored WHERE (SELECT kind FROM s) = 'threshold'
        UNION ALL
        SELECT customer, score, quotetier.tier(assess_all.scheme, score, score2)
        FROM scored WHERE (SELECT kind FROM s) = 'grid'
        UNION ALL
        SELECT customer, score, quotetier.tier_over(assess_all.scheme, score) OVER (ORDER BY score DESC NULLS LAST, customer)
        FROM scored WHERE (SELECT kind FROM s) IN ('share', 'pareto')
    ), present AS (
        SELECT m.customer, m.tier, m.valid_until, m.failed
        FROM quotetier.tier_membership m
        WHERE m.scheme = assess_all.scheme AND upper_inf(m.held)
    ), levelled AS (
        SELECT coalesce(e.customer, p.customer) AS customer, e.score, e.tier AS earned, p.tier AS present,
               p.valid_until, p.failed,
               coalesce(el.level, 0) AS earned_level,
               CASE WHEN p.tier IS NULL THEN 0 ELSE pl.level END AS present_level,      -- null: no longer a tier
               coalesce(e.score >= pl.keep_value AND (SELECT kind FROM s) = 'threshold', false) AS keeps
        FROM earned e
        FULL JOIN present p ON p.customer = e.customer
        LEFT JOIN quotetier.tier_level el ON el.scheme = assess_all.scheme AND el.tier = e.tier
        LEFT JOIN quotetier.tier_level pl ON pl.scheme = assess_all.scheme AND pl.tier = p.tier
    ), judged AS (
        SELECT l.*,
               CASE WHEN present_level IS NULL THEN CASE WHEN earned IS NULL THEN 'left' ELSE 'regraded' END
                    WHEN earned_level > present_level THEN CASE present_level WHEN 0 THEN 'new' ELSE 'promoted' END
                    WHEN present_level = 0 THEN 'none'
                    WHEN earned_level = present_level OR keeps THEN 'kept'
                    WHEN assess_all.as_of < l.valid_until + s.grace OR l.failed + 1 < s.confirm THEN 'failed'
                    WHEN greatest(earned_level, present_level - coalesce(s.max_drop, present_level)) = 0 THEN 'left'
                    ELSE 'demoted' END AS verdict,
               greatest(earned_level, present_level - coalesce(s.max_drop, present_level)) AS demoted_level,
               assess_all.as_of + s.validity AS renewed
        FROM levelled l CROSS JOIN s
    )
    SELECT j.customer, j.score, j.present,
           CASE WHEN j.verdict IN ('new', 'promoted', 'regraded') THEN j.earned
                WHEN j.verdict = 'demoted' THEN dl.tier
                WHEN j.verdict IN ('kept', 'failed') THEN j.present END,
           j.verdict,
           CASE j.verdict WHEN 'failed' THEN j.valid_until ELSE j.renewed END,
           CASE j.verdict WHEN 'failed' THEN j.failed + 1 ELSE 0 END
    FROM judged j
    LEFT JOIN quotetier.tier_level dl ON dl.scheme = assess_all.scheme AND dl.level = j.demoted_level;
END;
COMMENT ON FUNCTION quotetier.assess_all(text, timestamptz) IS
    'what an assessment would find for every customer, moved or not; changes nothing';

CREATE FUNCTION quotetier.assess_preview(scheme text, as_of timestamptz)
    RETURNS TABLE (customer text, score numeric, tier_before text, tier_after text, verdict text)
    LANGUAGE sql STABLE STRICT SET jit = off    -- compiling takes longer than running
BEGIN ATOMIC
    SELECT customer, score, tier_before, tier_after, verdict
    FROM quotetier.assess_all(assess_preview.scheme, assess_preview.as_of)
    WHERE verdict NOT IN ('none', 'kept', 'failed');
END;
COMMENT ON FUNCTION quotetier.assess_preview(text, timestamptz) IS
    'who would move if the scheme were assessed at this time; changes nothing';

CREATE FUNCTION quotetier.assess(scheme text, as_of timestamptz)
    RETURNS TABLE (customer text, score numeric, tier_before text, tier_after text, verdict text)
    LANGUAGE plpgsql VOLATILE STRICT SET jit = off AS
$$
#variable_conflict use_column
DECLARE
    new_version text;
    n bigint;
BEGIN
    -- one assessment of a scheme at a time
    PERFORM pg_catalog.pg_advisory_xact_lock(
        pg_catalog.hashtextextended(pg_catalog.concat('quotetier.assess ', assess.scheme), 0));
    PERFORM quotetier.scheme_to_assess(assess.scheme, assess.as_of);
    PERFORM quotetier.keep_version(assess.scheme);
    new_version := quotetier.current_version(assess.scheme);

    -- The new rows are added only when "ended" is counted, that is when all old
    -- ones have ended: two tiers of a customer never overlap.
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT * FROM quotetier.assess_all(assess.scheme, assess.as_of)
    ), ended AS (
        UPDATE quotetier.tier_membership m
        SET held = pg_catalog.tstzrange(pg_catalog.lower(m.held), assess.as_of)
        FROM found f
        WHERE m.scheme OPERATOR(pg_catalog.=) assess.scheme AND pg_catalog.upper_inf(m.held)
          AND m.customer OPERATOR(pg_catalog.=) f.customer
          AND f.verdict IN ('promoted', 'demoted', 'regraded', 'left')
        RETURNING m.customer
    ), going_on AS (
        UPDATE quotetier.tier_membership m
        SET valid_until = f.valid_until, failed = f.failed
        FROM found f
        WHERE m.scheme OPERATOR(pg_catalog.=) assess.scheme AND pg_catalog.upper_inf(m.held)
          AND m.customer OPERATOR(pg_catalog.=) f.customer AND f.verdict IN ('kept', 'failed')
          AND (m.valid_until, m.failed) IS DISTINCT FROM (f.valid_until, f.failed)
    ), begun AS (
        INSERT INTO quotetier.tier_membership (scheme, customer, tier, held, version, verdict, valid_until)
        SELECT assess.scheme, f.customer, f.tier_after, pg_catalog.tstzrange(assess.as_of, NULL), new_version, f.verdict, f.valid_until
        FROM found f
        WHERE f.verdict IN ('new', 'promoted', 'demoted', 'regraded')
          AND (SELECT pg_catalog.count(*) FROM ended) OPERATOR(pg_catalog.>=) 0
    )
    SELECT f.customer, f.score, f.tier_before, f.tier_after, f.verdict
    FROM found f WHERE f.verdict NOT IN ('none', 'kept', 'failed');
    GET DIAGNOSTICS n = ROW_COUNT;

    INSERT INTO quotetier.assessment (scheme, as_of, version, moved)
    VALUES (assess.scheme, assess.as_of, new_version, n);
END
$$;
COMMENT ON FUNCTION quotetier.assess(text, timestamptz) IS
    'turns a scheme''s scores at a time into memberships; returns who moved';

CREATE FUNCTION quotetier.tier_of(customer text, scheme text, at timestamptz DEFAULT now()) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT m.tier FROM quotetier.tier_membership m
    WHERE m.scheme = tier_of.scheme AND m.customer = tier_of.customer AND m.held @> tier_of.at;
END;
COMMENT ON FUNCTION quotetier.tier_of(text, text, timestamptz) IS 'the tier that a customer held at a time; null for none';

CREATE FUNCTION quotetier.tier_moves(scheme text, period tstzrange)
    RETURNS TABLE (tier_before text, tier_after text, customers bigint)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT b.tier, a.tier, count(*)
    FROM (SELECT customer, tier FROM quotetier.tier_membership m
          WHERE m.scheme = tier_moves.scheme AND m.held @> coalesce(lower(tier_moves.period), '-infinity')) b
    FULL JOIN (SELECT customer, tier FROM quotetier.tier_membership m
               WHERE m.scheme = tier_moves.scheme AND m.held @> coalesce(upper(tier_moves.period), 'infinity')) a
        ON a.customer = b.customer
    LEFT JOIN quotetier.tier_level bl ON bl.scheme = tier_moves.scheme AND bl.tier = b.tier
    LEFT JOIN quotetier.tier_level al ON al.scheme = tier_moves.scheme AND al.tier = a.tier
    WHERE NOT isempty(tier_moves.period)
    GROUP BY b.tier, a.tier, bl.level, al.level
    ORDER BY bl.level DESC NULLS LAST, al.level DESC NULLS LAST, b.tier, a.tier;
END;
COMMENT ON FUNCTION quotetier.tier_moves(text, tstzrange) IS
    'migration matrix: how many customers held which tier when the period begins and when it ends; null for none';

-- ---------------------------------------------------------------------------
-- tier: schemes, and the ladders of tiers they are made of
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.scheme (
    name   text PRIMARY KEY CHECK (name <> ''),
    kind   text NOT NULL DEFAULT 'threshold'
           CONSTRAINT scheme_kind_known CHECK (kind IN ('threshold')),
    origin text NOT NULL DEFAULT 'user' REFERENCES quotetier.origin
);

COMMENT ON TABLE quotetier.scheme IS 'Named ladders of tiers over a score.';
COMMENT ON COLUMN quotetier.scheme.name IS 'what tier() asks for';
COMMENT ON COLUMN quotetier.scheme.kind IS 'threshold: a tier is reached by a score';
COMMENT ON COLUMN quotetier.scheme.origin IS 'shipped with the extension, or the user''s own';

-- Where a rung begins is all that is written, so there is no gap and no overlap.
-- That no two begin at one place is seen to by tier_check().
CREATE TABLE quotetier.tier (
    scheme     text    NOT NULL REFERENCES quotetier.scheme ON UPDATE CASCADE ON DELETE CASCADE,
    name       text    NOT NULL CHECK (name <> ''),
    rank       int     NOT NULL,
    from_value numeric NOT NULL
               CONSTRAINT tier_from_value_bounded CHECK (from_value < 'Infinity'),
    label_zh   text,
    PRIMARY KEY (scheme, name)
);

COMMENT ON TABLE quotetier.tier IS 'The rungs of a scheme: each from its from_value up to, not including, the next.';
COMMENT ON COLUMN quotetier.tier.scheme IS 'the scheme it is a rung of';
COMMENT ON COLUMN quotetier.tier.name IS 'what tier() returns';
COMMENT ON COLUMN quotetier.tier.rank IS 'its place in the scheme, counted from either end, in the order of from_value';
COMMENT ON COLUMN quotetier.tier.from_value IS 'the lowest score that reaches it; -Infinity: any';
COMMENT ON COLUMN quotetier.tier.label_zh IS 'its name in Chinese';

CREATE FUNCTION quotetier.scheme_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'scheme_check';
COMMENT ON FUNCTION quotetier.scheme_check() IS 'trigger: refuses a scheme that could not be used, saying why';

CREATE FUNCTION quotetier.tier_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'tier_check';
COMMENT ON FUNCTION quotetier.tier_check() IS 'trigger: refuses tiers that do not make a ladder, saying why';

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.scheme
    FOR EACH ROW EXECUTE FUNCTION quotetier.scheme_check();
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.tier
    FOR EACH ROW EXECUTE FUNCTION quotetier.tier_check();
CREATE TRIGGER check_ladder AFTER INSERT OR UPDATE ON quotetier.tier
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

CREATE FUNCTION quotetier.tier(scheme text, score numeric) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tier_of_score';

COMMENT ON FUNCTION quotetier.tier(text, numeric) IS
    'the tier of a scheme that a score reaches; null below the first';

SELECT pg_catalog.pg_extension_config_dump('quotetier.scheme', '');
SELECT pg_catalog.pg_extension_config_dump('quotetier.tier', '');

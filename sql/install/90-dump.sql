-- ---------------------------------------------------------------------------
-- dump: the configuration goes into dumps whole, and comes back from them
--
-- Not table by table, as extensions usually do: pg_restore -j loads the tables
-- of an extension in the order of their size, at the same time, whatever their
-- foreign keys say, and CREATE EXTENSION has just made the shipped rows again,
-- which users may have edited or deleted. So all goes through one table, in one
-- order: dump_rows() is what pg_dump reads, and writing it is restoring.
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.dumped (
    place   int    NOT NULL,
    rank    bigint NOT NULL,
    name    text   NOT NULL,
    content jsonb  NOT NULL
);

COMMENT ON TABLE quotetier.dumped IS
    'What pg_dump reads the configuration by, and what a restore writes it by. Holds nothing itself.';
COMMENT ON COLUMN quotetier.dumped.place IS 'tables that others refer to come first';
COMMENT ON COLUMN quotetier.dumped.rank IS 'order inside a table, where one row depends on another';
COMMENT ON COLUMN quotetier.dumped.name IS 'the table, or begin: shipped rows give way';
COMMENT ON COLUMN quotetier.dumped.content IS 'the row, by its columns'' names';

-- Every table that holds something of the user's has a line here.
CREATE FUNCTION quotetier.dump_rows() RETURNS SETOF quotetier.dumped
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100000
BEGIN ATOMIC
    SELECT 0, 0, 'begin', pg_catalog.jsonb_build_object('version', extversion)
        FROM pg_catalog.pg_extension WHERE extname = 'quotetier'
    UNION ALL SELECT 10, 0, 'segment_map', pg_catalog.to_jsonb(t) FROM quotetier.segment_map t
    UNION ALL SELECT 11, t.rank, 'segment', pg_catalog.to_jsonb(t) FROM quotetier.segment t
    UNION ALL SELECT 12, 0, 'rfm_model', pg_catalog.to_jsonb(t) FROM quotetier.rfm_model t
    UNION ALL SELECT 20, 0, 'scheme', pg_catalog.to_jsonb(t) FROM quotetier.scheme t
    UNION ALL SELECT 21, t.rank, 'tier', pg_catalog.to_jsonb(t) FROM quotetier.tier t
    UNION ALL SELECT 22, 0, 'scheme_version', pg_catalog.to_jsonb(t) FROM quotetier.scheme_version t
    UNION ALL SELECT 23, 0, 'assessment', pg_catalog.to_jsonb(t) FROM quotetier.assessment t
    UNION ALL SELECT 24, 0, 'tier_membership', pg_catalog.to_jsonb(t) FROM quotetier.tier_membership t
    UNION ALL SELECT 25, 0, 'scorecard', pg_catalog.to_jsonb(t) FROM quotetier.scorecard t
    UNION ALL SELECT 26, 0, 'metric', pg_catalog.to_jsonb(t) FROM quotetier.metric t
    UNION ALL SELECT 27, 0, 'metric_bracket', pg_catalog.to_jsonb(t) FROM quotetier.metric_bracket t
    UNION ALL SELECT 30, t.id, 'dimension', pg_catalog.to_jsonb(t) FROM quotetier.dimension t
    UNION ALL SELECT 31, 0, 'policy', pg_catalog.to_jsonb(t) FROM quotetier.policy t
    -- a step excludes later ones
    UNION ALL SELECT 32, -t.seq, 'step', pg_catalog.to_jsonb(t) FROM quotetier.step t
    UNION ALL SELECT 33, t.id, 'rule', pg_catalog.to_jsonb(t) FROM quotetier.rule t
    UNION ALL SELECT 34, t.rule, 'scale', pg_catalog.to_jsonb(t) FROM quotetier.scale t
    UNION ALL SELECT 35, 0, 'class_scheme', pg_catalog.to_jsonb(t) FROM quotetier.class_scheme t
    UNION ALL SELECT 36, t.id, 'class_rule', pg_catalog.to_jsonb(t) FROM quotetier.class_rule t
    UNION ALL SELECT 40, 0, 'fx_rate', pg_catalog.to_jsonb(t) FROM quotetier.fx_rate t
    UNION ALL SELECT 41, 0, 'uom', pg_catalog.to_jsonb(t) FROM quotetier.uom t
    ORDER BY 1, 2, 4;
END;

COMMENT ON FUNCTION quotetier.dump_rows() IS 'all configuration, row by row, in an order in which it can be restored';

SELECT pg_extension_config_dump('quotetier.dumped', 'WHERE false UNION ALL SELECT * FROM quotetier.dump_rows()');
SELECT pg_extension_config_dump('quotetier.dimension_id_seq', '');
SELECT pg_extension_config_dump('quotetier.rule_id_seq', '');
SELECT pg_extension_config_dump('quotetier.class_rule_id_seq', '');

CREATE FUNCTION quotetier.restore_rows() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'restore_rows';

COMMENT ON FUNCTION quotetier.restore_rows() IS 'trigger: puts dumped rows where they belong';

CREATE TRIGGER restore_rows AFTER INSERT ON quotetier.dumped REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.restore_rows();
ALTER TABLE quotetier.dumped ENABLE ALWAYS TRIGGER restore_rows;

-- pg_restore --disable-triggers disables that one; a CHECK is not skipped
CREATE FUNCTION quotetier.restore_row(name text, content jsonb) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'restore_row';

COMMENT ON FUNCTION quotetier.restore_row(text, jsonb) IS 'true; puts a dumped row where it belongs if the trigger is disabled';

ALTER TABLE quotetier.dumped ADD CONSTRAINT restored_without_trigger CHECK (quotetier.restore_row(name, content));

CREATE FUNCTION quotetier.heal() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'heal';

COMMENT ON FUNCTION quotetier.heal() IS
    'enables the stamp triggers again, makes every session compile anew, and tidies up after restores; returns the triggers enabled';

-- ---------------------------------------------------------------------------
-- dump: configuration goes into dumps whole, and a restore finds room for it
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.restore_begins(name text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'restore_begins';

COMMENT ON FUNCTION quotetier.restore_begins(text) IS
    'true; where the origin is there already, as in a restore, its rows are removed to be restored. Only for a CHECK of origin';

-- pg_dump writes the tables in the order of their foreign keys, and pg_restore
-- -j waits for them. Shipped rows refer to origin, and rules lead there by step
-- and policy. Scopes and access lists name dimensions in a way that no foreign
-- key can follow, so origin leads on to them.
ALTER TABLE quotetier.origin ADD COLUMN dimension text REFERENCES quotetier.dimension
    CONSTRAINT origin_dimension_unused CHECK (dimension IS NULL);

COMMENT ON COLUMN quotetier.origin.dimension IS
    'always null: its foreign key lets a restore load dimensions before everything that names them';

-- NOT VALID: for rows to come, not for those just made
ALTER TABLE quotetier.origin ADD CONSTRAINT restore_begins CHECK (quotetier.restore_begins(name)) NOT VALID;

CREATE FUNCTION quotetier.heal() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'heal';

COMMENT ON FUNCTION quotetier.heal() IS
    'after a restore with --disable-triggers: enables the stamp triggers again and makes every session compile anew; returns the triggers enabled';

-- one statement a table; an identity's sequence goes with its table
SELECT pg_extension_config_dump('quotetier.origin', 'WHERE name = ''shipped''');
SELECT pg_extension_config_dump('quotetier.dimension', '');
SELECT pg_extension_config_dump('quotetier.dimension_id_seq', '');
SELECT pg_extension_config_dump('quotetier.policy', '');
SELECT pg_extension_config_dump('quotetier.step', '');
SELECT pg_extension_config_dump('quotetier.rule', '');
SELECT pg_extension_config_dump('quotetier.rule_id_seq', '');
SELECT pg_extension_config_dump('quotetier.scale', '');

-- ---------------------------------------------------------------------------
-- base: stamps, and the rows that came with the extension
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.stamp (
    book name   NOT NULL,
    high bigint NOT NULL,
    low  bigint NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 20, autovacuum_vacuum_scale_factor = 0);

COMMENT ON TABLE quotetier.stamp IS
    'Random stamps left by transactions that changed configuration. Their XOR names what a snapshot sees. Not for users.';
COMMENT ON COLUMN quotetier.stamp.book IS 'kind of book the change belongs to';
COMMENT ON COLUMN quotetier.stamp.high IS 'first 64 random bits';
COMMENT ON COLUMN quotetier.stamp.low IS 'last 64 random bits';

CREATE TABLE quotetier.change (
    book text   NOT NULL,
    high bigint NOT NULL,
    low  bigint NOT NULL,
    key  text,
    item bigint
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

COMMENT ON TABLE quotetier.change IS
    'What transactions changed of a rule book, so that a compiled one is patched instead of compiled anew. Not for users.';
COMMENT ON COLUMN quotetier.change.book IS 'kind of book the change belongs to';
COMMENT ON COLUMN quotetier.change.high IS 'first 64 bits of the transaction''s stamp';
COMMENT ON COLUMN quotetier.change.low IS 'last 64 bits of the transaction''s stamp';
COMMENT ON COLUMN quotetier.change.key IS 'the policy; null: any';
COMMENT ON COLUMN quotetier.change.item IS 'the rule that changed; null: all of them';

CREATE FUNCTION quotetier.stamp_change() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'stamp_change';

COMMENT ON FUNCTION quotetier.stamp_change() IS
    'trigger on every configuration table: leaves a stamp, so that every session sees the change exactly when a SELECT would';

CREATE TABLE quotetier.origin (
    name text PRIMARY KEY
);

COMMENT ON TABLE quotetier.origin IS
    'Where a row of configuration came from: shipped with the extension, or the user''s own.';
COMMENT ON COLUMN quotetier.origin.name IS 'shipped or user';

INSERT INTO quotetier.origin VALUES ('shipped'), ('user');

-- calls

CREATE FUNCTION quotetier.row_support(internal) RETURNS internal
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'row_support';

COMMENT ON FUNCTION quotetier.row_support(internal) IS
    'planner support: a function that takes a row gets its columns as they are, so that no row is made for the call';

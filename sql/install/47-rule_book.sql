-- ---------------------------------------------------------------------------
-- rule_book: what compiled policies hold, and what they cost
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.rule_book_stats(
    of_policy text DEFAULT NULL,
    OUT policy text, OUT rules bigint, OUT shapes bigint, OUT buckets bigint, OUT longest_bucket bigint,
    OUT bytes bigint, OUT patched bigint, OUT shared boolean, OUT version text,
    OUT hits bigint, OUT loads bigint, OUT load_ms numeric, OUT compile_ms numeric
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'rule_book_stats';

COMMENT ON FUNCTION quotetier.rule_book_stats(text) IS
    'compiled policies of this session as the statement sees them: size, version, and what they cost; one that is named is loaded first';

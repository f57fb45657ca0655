-- ---------------------------------------------------------------------------
-- scores: 1 .. bins by rank or by cut points; ties are never split
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.quantile_score(bins int) RETURNS int
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_score';
COMMENT ON FUNCTION quotetier.quantile_score(int) IS
    'window function: 1 .. bins by the rank of the ordering value, right-closed type-7 quantiles; NULL scores NULL';

CREATE FUNCTION quotetier.quantile_cuts_add(internal, numeric, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_add';
COMMENT ON FUNCTION quotetier.quantile_cuts_add(internal, numeric, int) IS 'aggregate transition function';
CREATE FUNCTION quotetier.quantile_cuts_final(internal) RETURNS numeric[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_final';
COMMENT ON FUNCTION quotetier.quantile_cuts_final(internal) IS 'aggregate final function';

CREATE AGGREGATE quotetier.quantile_cuts(v numeric, bins int) (
    SFUNC = quotetier.quantile_cuts_add, STYPE = internal, SSPACE = 65536,
    FINALFUNC = quotetier.quantile_cuts_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.quantile_cuts(numeric, int) IS
    'the bins - 1 type-7 quantiles of the values, exact and in ascending order; NULLs are skipped';

CREATE FUNCTION quotetier.score(v numeric, cuts numeric[]) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'score';
COMMENT ON FUNCTION quotetier.score(numeric, numeric[]) IS
    '1 + the number of cuts below the value: a value equal to a cut stays in the lower bin';

-- ---------------------------------------------------------------------------
-- scores: 1 .. bins by rank or by cut points; ties are never split
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.quantile_score(bins int) RETURNS int
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_score';
COMMENT ON FUNCTION quotetier.quantile_score(int) IS
    'window function: 1 .. bins by the rank of the ordering value, right-closed type-7 quantiles; NULL scores NULL';

CREATE FUNCTION quotetier.quantile_cuts_add(internal, numeric, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_add';
CREATE FUNCTION quotetier.quantile_cuts_add(internal, smallint, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_add_int2';
CREATE FUNCTION quotetier.quantile_cuts_add(internal, int, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_add_int4';
CREATE FUNCTION quotetier.quantile_cuts_add(internal, bigint, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_add_int8';
COMMENT ON FUNCTION quotetier.quantile_cuts_add(internal, numeric, int) IS 'aggregate transition function';
COMMENT ON FUNCTION quotetier.quantile_cuts_add(internal, smallint, int) IS 'aggregate transition function';
COMMENT ON FUNCTION quotetier.quantile_cuts_add(internal, int, int) IS 'aggregate transition function';
COMMENT ON FUNCTION quotetier.quantile_cuts_add(internal, bigint, int) IS 'aggregate transition function';
CREATE FUNCTION quotetier.quantile_cuts_final(internal) RETURNS numeric[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'quantile_cuts_final';
COMMENT ON FUNCTION quotetier.quantile_cuts_final(internal) IS 'aggregate final function';

CREATE AGGREGATE quotetier.quantile_cuts(v numeric, bins int) (
    SFUNC = quotetier.quantile_cuts_add, STYPE = internal, SSPACE = 65536,
    FINALFUNC = quotetier.quantile_cuts_final,
    PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.quantile_cuts(v smallint, bins int) (
    SFUNC = quotetier.quantile_cuts_add, STYPE = internal, SSPACE = 65536,
    FINALFUNC = quotetier.quantile_cuts_final,
    PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.quantile_cuts(v int, bins int) (
    SFUNC = quotetier.quantile_cuts_add, STYPE = internal, SSPACE = 65536,
    FINALFUNC = quotetier.quantile_cuts_final,
    PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.quantile_cuts(v bigint, bins int) (
    SFUNC = quotetier.quantile_cuts_add, STYPE = internal, SSPACE = 65536,
    FINALFUNC = quotetier.quantile_cuts_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.quantile_cuts(numeric, int) IS
    'the bins - 1 type-7 quantiles of the values, exact and in ascending order; NULLs are skipped';
COMMENT ON AGGREGATE quotetier.quantile_cuts(smallint, int) IS
    'the bins - 1 type-7 quantiles of the values, exact and in ascending order; NULLs are skipped';
COMMENT ON AGGREGATE quotetier.quantile_cuts(int, int) IS
    'the bins - 1 type-7 quantiles of the values, exact and in ascending order; NULLs are skipped';
COMMENT ON AGGREGATE quotetier.quantile_cuts(bigint, int) IS
    'the bins - 1 type-7 quantiles of the values, exact and in ascending order; NULLs are skipped';

CREATE FUNCTION quotetier.score_whole(v bigint, cuts numeric[]) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'score_whole';
COMMENT ON FUNCTION quotetier.score_whole(bigint, numeric[]) IS
    'score() of a whole number; the planner puts it in the place of score() where it can';

CREATE FUNCTION quotetier.score_support(internal) RETURNS internal
    LANGUAGE c AS 'MODULE_PATHNAME', 'score_support';
COMMENT ON FUNCTION quotetier.score_support(internal) IS 'planner support for score()';

CREATE FUNCTION quotetier.score(v numeric, cuts numeric[]) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SUPPORT quotetier.score_support
    AS 'MODULE_PATHNAME', 'score';
COMMENT ON FUNCTION quotetier.score(numeric, numeric[]) IS
    '1 + the number of cuts below the value: a value equal to a cut stays in the lower bin';

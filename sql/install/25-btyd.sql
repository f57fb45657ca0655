-- ---------------------------------------------------------------------------
-- btyd: what lifetime models need of a customer's orders
-- ---------------------------------------------------------------------------

CREATE TYPE quotetier.btyd;

CREATE FUNCTION quotetier.btyd_in(cstring) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_in';
CREATE FUNCTION quotetier.btyd_out(quotetier.btyd) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_out';
CREATE FUNCTION quotetier.btyd_recv(internal) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_recv';
CREATE FUNCTION quotetier.btyd_send(quotetier.btyd) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_send';

CREATE TYPE quotetier.btyd (
    INPUT = quotetier.btyd_in,
    OUTPUT = quotetier.btyd_out,
    RECEIVE = quotetier.btyd_recv,
    SEND = quotetier.btyd_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);

COMMENT ON TYPE quotetier.btyd IS
    'the periods in which a customer bought, and for how much: the input of lifetime models; written (period,revenue,first_revenue,{starts})';
COMMENT ON FUNCTION quotetier.btyd_in(cstring) IS 'I/O';
COMMENT ON FUNCTION quotetier.btyd_out(quotetier.btyd) IS 'I/O';
COMMENT ON FUNCTION quotetier.btyd_recv(internal) IS 'I/O';
COMMENT ON FUNCTION quotetier.btyd_send(quotetier.btyd) IS 'I/O';

CREATE FUNCTION quotetier.btyd_merge(quotetier.btyd, quotetier.btyd) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_merge';
COMMENT ON FUNCTION quotetier.btyd_merge(quotetier.btyd, quotetier.btyd) IS
    'one summary of two of the same period that have no order in common';
CREATE FUNCTION quotetier.btyd_final(quotetier.btyd) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_final';
COMMENT ON FUNCTION quotetier.btyd_final(quotetier.btyd) IS 'aggregate final function';

CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at date, amount numeric) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_date';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, date, numeric) IS
    'the summary, by days, with one order more';
CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at timestamp, amount numeric) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_timestamp';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, timestamp, numeric) IS
    'the summary, by days, with one order more';
CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at timestamptz, amount numeric) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_timestamp';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, timestamptz, numeric) IS
    'the summary, by days, with one order more; times as their UTC wall clock';
CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at date, amount numeric, period interval) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_date';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, date, numeric, interval) IS
    'the summary, by periods of the given length, with one order more';
CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at timestamp, amount numeric, period interval) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_timestamp';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, timestamp, numeric, interval) IS
    'the summary, by periods of the given length, with one order more';
CREATE FUNCTION quotetier.btyd_add(summary quotetier.btyd, at timestamptz, amount numeric, period interval) RETURNS quotetier.btyd
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_add_timestamp';
COMMENT ON FUNCTION quotetier.btyd_add(quotetier.btyd, timestamptz, numeric, interval) IS
    'the summary, by periods of the given length, with one order more; times as their UTC wall clock';

CREATE AGGREGATE quotetier.btyd_agg(at date, amount numeric) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(date, numeric) IS
    'the days in which a customer bought, and for how much: the input of lifetime models';
CREATE AGGREGATE quotetier.btyd_agg(at timestamp, amount numeric) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(timestamp, numeric) IS
    'the days in which a customer bought, and for how much: the input of lifetime models';
CREATE AGGREGATE quotetier.btyd_agg(at timestamptz, amount numeric) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(timestamptz, numeric) IS
    'the days in which a customer bought, and for how much: the input of lifetime models; times as their UTC wall clock';
CREATE AGGREGATE quotetier.btyd_agg(at date, amount numeric, period interval) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(date, numeric, interval) IS
    'the periods of the given length in which a customer bought, and for how much: the input of lifetime models';
CREATE AGGREGATE quotetier.btyd_agg(at timestamp, amount numeric, period interval) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(timestamp, numeric, interval) IS
    'the periods of the given length in which a customer bought, and for how much: the input of lifetime models';
CREATE AGGREGATE quotetier.btyd_agg(at timestamptz, amount numeric, period interval) (
    SFUNC = quotetier.btyd_add, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(timestamptz, numeric, interval) IS
    'the periods of the given length in which a customer bought, and for how much: the input of lifetime models; times as their UTC wall clock';
CREATE AGGREGATE quotetier.btyd_agg(summary quotetier.btyd) (
    SFUNC = quotetier.btyd_merge, STYPE = quotetier.btyd, SSPACE = 256,
    FINALFUNC = quotetier.btyd_final, COMBINEFUNC = quotetier.btyd_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.btyd_agg(quotetier.btyd) IS
    'one summary of many of the same period that have no order in common';

CREATE FUNCTION quotetier.btyd_stats(
    summary quotetier.btyd,
    as_of   timestamp,
    OUT x   bigint,
    OUT t_x bigint,
    OUT t   bigint,
    OUT m_x numeric
) LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_stats';
COMMENT ON FUNCTION quotetier.btyd_stats(quotetier.btyd, timestamp) IS
    'repeat periods, age at the last, age at as_of, and mean revenue of the repeat periods, as lifetimes and BTYD count them';

CREATE FUNCTION quotetier.btyd_eq(quotetier.btyd, quotetier.btyd) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_eq';
CREATE FUNCTION quotetier.btyd_ne(quotetier.btyd, quotetier.btyd) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'btyd_ne';
COMMENT ON FUNCTION quotetier.btyd_eq(quotetier.btyd, quotetier.btyd) IS 'implementation of = operator';
COMMENT ON FUNCTION quotetier.btyd_ne(quotetier.btyd, quotetier.btyd) IS 'implementation of <> operator';

CREATE OPERATOR quotetier.= (
    LEFTARG = quotetier.btyd, RIGHTARG = quotetier.btyd, FUNCTION = quotetier.btyd_eq,
    COMMUTATOR = OPERATOR(quotetier.=), NEGATOR = OPERATOR(quotetier.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel
);
CREATE OPERATOR quotetier.<> (
    LEFTARG = quotetier.btyd, RIGHTARG = quotetier.btyd, FUNCTION = quotetier.btyd_ne,
    COMMUTATOR = OPERATOR(quotetier.<>), NEGATOR = OPERATOR(quotetier.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR quotetier.|| (
    LEFTARG = quotetier.btyd, RIGHTARG = quotetier.btyd,
    FUNCTION = quotetier.btyd_merge, COMMUTATOR = OPERATOR(quotetier.||)
);
COMMENT ON OPERATOR quotetier.= (quotetier.btyd, quotetier.btyd) IS 'equal; revenues as numbers';
COMMENT ON OPERATOR quotetier.<> (quotetier.btyd, quotetier.btyd) IS 'not equal';
COMMENT ON OPERATOR quotetier.|| (quotetier.btyd, quotetier.btyd) IS
    'one summary of two of the same period that have no order in common';

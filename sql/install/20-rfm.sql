-- ---------------------------------------------------------------------------
-- rfm: what a customer's orders come down to
-- ---------------------------------------------------------------------------

CREATE TYPE quotetier.rfm;

CREATE FUNCTION quotetier.rfm_in(cstring) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_in';
CREATE FUNCTION quotetier.rfm_out(quotetier.rfm) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_out';
CREATE FUNCTION quotetier.rfm_recv(internal) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_recv';
CREATE FUNCTION quotetier.rfm_send(quotetier.rfm) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_send';

CREATE TYPE quotetier.rfm (
    INPUT = quotetier.rfm_in,
    OUTPUT = quotetier.rfm_out,
    RECEIVE = quotetier.rfm_recv,
    SEND = quotetier.rfm_send,
    INTERNALLENGTH = 64,
    ALIGNMENT = double,
    STORAGE = plain
);

COMMENT ON TYPE quotetier.rfm IS
    'a customer''s orders in 64 bytes: first, last, how many, exact revenue; written (first_at,last_at,orders,revenue)';
COMMENT ON FUNCTION quotetier.rfm_in(cstring) IS 'I/O';
COMMENT ON FUNCTION quotetier.rfm_out(quotetier.rfm) IS 'I/O';
COMMENT ON FUNCTION quotetier.rfm_recv(internal) IS 'I/O';
COMMENT ON FUNCTION quotetier.rfm_send(quotetier.rfm) IS 'I/O';

-- ----- making one -----

CREATE FUNCTION quotetier.rfm(first_at timestamp, last_at timestamp, orders bigint, revenue numeric)
    RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_make';
COMMENT ON FUNCTION quotetier.rfm(timestamp, timestamp, bigint, numeric) IS
    'an rfm from a rollup kept elsewhere';

CREATE FUNCTION quotetier.rfm_add(summary quotetier.rfm, at date, amount numeric) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_add_date';
CREATE FUNCTION quotetier.rfm_add(summary quotetier.rfm, at timestamp, amount numeric) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_add_timestamp';
CREATE FUNCTION quotetier.rfm_add(summary quotetier.rfm, at timestamptz, amount numeric) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_add_timestamp';
COMMENT ON FUNCTION quotetier.rfm_add(quotetier.rfm, date, numeric) IS
    'the summary with one order more; a NULL summary begins one, an order without time or amount changes nothing';
COMMENT ON FUNCTION quotetier.rfm_add(quotetier.rfm, timestamp, numeric) IS
    'the summary with one order more; a NULL summary begins one, an order without time or amount changes nothing';
COMMENT ON FUNCTION quotetier.rfm_add(quotetier.rfm, timestamptz, numeric) IS
    'the summary with one order more, its time taken as the UTC wall clock';

CREATE FUNCTION quotetier.rfm_merge(quotetier.rfm, quotetier.rfm) RETURNS quotetier.rfm
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_merge';
COMMENT ON FUNCTION quotetier.rfm_merge(quotetier.rfm, quotetier.rfm) IS
    'one summary of two that have no order in common';

CREATE OPERATOR quotetier.|| (
    LEFTARG = quotetier.rfm, RIGHTARG = quotetier.rfm,
    FUNCTION = quotetier.rfm_merge, COMMUTATOR = OPERATOR(quotetier.||)
);
COMMENT ON OPERATOR quotetier.|| (quotetier.rfm, quotetier.rfm) IS
    'one summary of two that have no order in common';

CREATE AGGREGATE quotetier.rfm_agg(at date, amount numeric) (
    SFUNC = quotetier.rfm_add, STYPE = quotetier.rfm,
    COMBINEFUNC = quotetier.rfm_merge, PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.rfm_agg(at timestamp, amount numeric) (
    SFUNC = quotetier.rfm_add, STYPE = quotetier.rfm,
    COMBINEFUNC = quotetier.rfm_merge, PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.rfm_agg(at timestamptz, amount numeric) (
    SFUNC = quotetier.rfm_add, STYPE = quotetier.rfm,
    COMBINEFUNC = quotetier.rfm_merge, PARALLEL = SAFE
);
CREATE AGGREGATE quotetier.rfm_agg(summary quotetier.rfm) (
    SFUNC = quotetier.rfm_merge, STYPE = quotetier.rfm,
    COMBINEFUNC = quotetier.rfm_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE quotetier.rfm_agg(date, numeric) IS
    'first order, last order, number of orders and exact revenue, in one value';
COMMENT ON AGGREGATE quotetier.rfm_agg(timestamp, numeric) IS
    'first order, last order, number of orders and exact revenue, in one value';
COMMENT ON AGGREGATE quotetier.rfm_agg(timestamptz, numeric) IS
    'first order, last order, number of orders and exact revenue, in one value; times as their UTC wall clock';
COMMENT ON AGGREGATE quotetier.rfm_agg(quotetier.rfm) IS
    'one summary of many that have no order in common';

-- ----- its parts -----

CREATE FUNCTION quotetier.first_at(quotetier.rfm) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_first_at';
CREATE FUNCTION quotetier.last_at(quotetier.rfm) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_last_at';
CREATE FUNCTION quotetier.orders(quotetier.rfm) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_orders';
CREATE FUNCTION quotetier.revenue(quotetier.rfm) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_revenue';
CREATE FUNCTION quotetier.average_order(quotetier.rfm) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_average_order';
CREATE FUNCTION quotetier.recency_days(summary quotetier.rfm, as_of date) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_recency_days';
COMMENT ON FUNCTION quotetier.first_at(quotetier.rfm) IS 'time of the first order, without zone';
COMMENT ON FUNCTION quotetier.last_at(quotetier.rfm) IS 'time of the last order, without zone';
COMMENT ON FUNCTION quotetier.orders(quotetier.rfm) IS 'number of orders';
COMMENT ON FUNCTION quotetier.revenue(quotetier.rfm) IS 'sum of the amounts, exact';
COMMENT ON FUNCTION quotetier.average_order(quotetier.rfm) IS 'revenue / orders';
COMMENT ON FUNCTION quotetier.recency_days(quotetier.rfm, date) IS
    'days from the last order''s day to as_of; negative if that is earlier';

-- ----- equality -----

CREATE FUNCTION quotetier.rfm_eq(quotetier.rfm, quotetier.rfm) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_eq';
CREATE FUNCTION quotetier.rfm_ne(quotetier.rfm, quotetier.rfm) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_ne';
CREATE FUNCTION quotetier.rfm_hash(quotetier.rfm) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_hash';
CREATE FUNCTION quotetier.rfm_hash_extended(quotetier.rfm, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_hash_extended';
COMMENT ON FUNCTION quotetier.rfm_eq(quotetier.rfm, quotetier.rfm) IS 'implementation of = operator';
COMMENT ON FUNCTION quotetier.rfm_ne(quotetier.rfm, quotetier.rfm) IS 'implementation of <> operator';
COMMENT ON FUNCTION quotetier.rfm_hash(quotetier.rfm) IS 'hash';
COMMENT ON FUNCTION quotetier.rfm_hash_extended(quotetier.rfm, bigint) IS 'hash';

CREATE OPERATOR quotetier.= (
    LEFTARG = quotetier.rfm, RIGHTARG = quotetier.rfm, FUNCTION = quotetier.rfm_eq,
    COMMUTATOR = OPERATOR(quotetier.=), NEGATOR = OPERATOR(quotetier.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
CREATE OPERATOR quotetier.<> (
    LEFTARG = quotetier.rfm, RIGHTARG = quotetier.rfm, FUNCTION = quotetier.rfm_ne,
    COMMUTATOR = OPERATOR(quotetier.<>), NEGATOR = OPERATOR(quotetier.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR quotetier.= (quotetier.rfm, quotetier.rfm) IS 'equal; revenues as numbers, so 1.5 equals 1.50';
COMMENT ON OPERATOR quotetier.<> (quotetier.rfm, quotetier.rfm) IS 'not equal';

CREATE OPERATOR CLASS quotetier.rfm_hash_ops DEFAULT FOR TYPE quotetier.rfm USING hash AS
    OPERATOR 1 quotetier.= (quotetier.rfm, quotetier.rfm),
    FUNCTION 1 quotetier.rfm_hash(quotetier.rfm),
    FUNCTION 2 quotetier.rfm_hash_extended(quotetier.rfm, bigint);
COMMENT ON OPERATOR CLASS quotetier.rfm_hash_ops USING hash IS
    'GROUP BY, DISTINCT and EXCEPT over summaries';

-- ---------------------------------------------------------------------------
-- order: what all lines of an order cost together
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.quote_order(
    lines jsonb,
    header jsonb DEFAULT '{}',
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now()
) RETURNS TABLE (
    line int, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric,
    discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
    AS 'MODULE_PATHNAME', 'quote_order';

CREATE FUNCTION quotetier.quote_order(
    lines text,
    header text DEFAULT '{}',
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now()
) RETURNS TABLE (
    line int, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric,
    discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
    AS 'MODULE_PATHNAME', 'quote_order_text';

CREATE FUNCTION quotetier.quote_order(
    lines record[],
    header record DEFAULT ROW(),
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now()
) RETURNS TABLE (
    line int, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric,
    discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10
    AS 'MODULE_PATHNAME', 'quote_order_records';

CREATE FUNCTION quotetier.explain_order(
    lines jsonb,
    header jsonb DEFAULT '{}',
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now(),
    format text DEFAULT 'rows'
) RETURNS TABLE (
    line int, seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 50
    AS 'MODULE_PATHNAME', 'explain_order';

CREATE FUNCTION quotetier.explain_order(
    lines text,
    header text DEFAULT '{}',
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now(),
    format text DEFAULT 'rows'
) RETURNS TABLE (
    line int, seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 50
    AS 'MODULE_PATHNAME', 'explain_order_text';

CREATE FUNCTION quotetier.explain_order(
    lines record[],
    header record DEFAULT ROW(),
    policy text DEFAULT 'default',
    as_of timestamptz DEFAULT pg_catalog.now(),
    format text DEFAULT 'rows'
) RETURNS TABLE (
    line int, seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 50
    AS 'MODULE_PATHNAME', 'explain_order_records';

COMMENT ON FUNCTION quotetier.quote_order(jsonb, jsonb, text, timestamptz) IS
    'the price of every line of an order, gifts, and the order''s own row; lines as a JSON array, facts of all lines in header';
COMMENT ON FUNCTION quotetier.quote_order(text, text, text, timestamptz) IS
    'the price of every line of an order, gifts, and the order''s own row; lines as JSON text, facts of all lines in header';
COMMENT ON FUNCTION quotetier.quote_order(record[], record, text, timestamptz) IS
    'the price of every line of an order, gifts, and the order''s own row; lines as an array of rows, facts of all lines in header';
COMMENT ON FUNCTION quotetier.explain_order(jsonb, jsonb, text, timestamptz, text) IS
    'the waterfall of every line of an order, then the candidates that lost and why; rows without a line are the order''s';
COMMENT ON FUNCTION quotetier.explain_order(text, text, text, timestamptz, text) IS
    'the waterfall of every line of an order, then the candidates that lost and why, from JSON text; rows without a line are the order''s';
COMMENT ON FUNCTION quotetier.explain_order(record[], record, text, timestamptz, text) IS
    'the waterfall of every line of an order, then the candidates that lost and why, from an array of rows; rows without a line are the order''s';

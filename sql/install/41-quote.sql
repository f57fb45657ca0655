-- ---------------------------------------------------------------------------
-- quote: what a customer pays, and why
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.quote(
    facts record,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    OUT list_price numeric, OUT list_amount numeric, OUT net_price numeric, OUT net_amount numeric,
    OUT discount_pct numeric, OUT currency text, OUT status text, OUT rules bigint[], OUT version text
)
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT quotetier.row_support
    AS 'MODULE_PATHNAME', 'quote_record';

CREATE FUNCTION quotetier.quote(
    facts jsonb,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    OUT list_price numeric, OUT list_amount numeric, OUT net_price numeric, OUT net_amount numeric,
    OUT discount_pct numeric, OUT currency text, OUT status text, OUT rules bigint[], OUT version text
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'quote_jsonb';

CREATE FUNCTION quotetier.quote(
    facts text,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    OUT list_price numeric, OUT list_amount numeric, OUT net_price numeric, OUT net_amount numeric,
    OUT discount_pct numeric, OUT currency text, OUT status text, OUT rules bigint[], OUT version text
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'quote_text';

CREATE FUNCTION quotetier.net_price(
    facts record,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default'
) RETURNS numeric
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT quotetier.row_support
    AS 'MODULE_PATHNAME', 'net_price_record';

CREATE FUNCTION quotetier.net_price(
    facts jsonb,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default'
) RETURNS numeric
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'net_price_jsonb';

CREATE FUNCTION quotetier.net_price(
    facts text,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default'
) RETURNS numeric
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'net_price_text';

CREATE FUNCTION quotetier.explain_quote(
    facts record,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    format text DEFAULT 'rows'
) RETURNS TABLE (
    seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 10
    AS 'MODULE_PATHNAME', 'explain_quote_record';

CREATE FUNCTION quotetier.explain_quote(
    facts jsonb,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    format text DEFAULT 'rows'
) RETURNS TABLE (
    seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 10
    AS 'MODULE_PATHNAME', 'explain_quote_jsonb';

CREATE FUNCTION quotetier.explain_quote(
    facts text,
    qty numeric DEFAULT 1,
    as_of timestamptz DEFAULT pg_catalog.now(),
    policy text DEFAULT 'default',
    format text DEFAULT 'rows'
) RETURNS TABLE (
    seq int, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric
)
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 10
    AS 'MODULE_PATHNAME', 'explain_quote_text';

COMMENT ON FUNCTION quotetier.quote(record, numeric, timestamptz, text) IS
    'the price of one line: list and net, per unit and in all, with the rules that led to it; facts from a row';
COMMENT ON FUNCTION quotetier.quote(jsonb, numeric, timestamptz, text) IS
    'the price of one line: list and net, per unit and in all, with the rules that led to it; facts from a JSON object';
COMMENT ON FUNCTION quotetier.quote(text, numeric, timestamptz, text) IS
    'the price of one line: list and net, per unit and in all, with the rules that led to it; facts from a JSON text';
COMMENT ON FUNCTION quotetier.net_price(record, numeric, timestamptz, text) IS
    'the net price per unit of one line, null where there is none; facts from a row';
COMMENT ON FUNCTION quotetier.net_price(jsonb, numeric, timestamptz, text) IS
    'the net price per unit of one line, null where there is none; facts from a JSON object';
COMMENT ON FUNCTION quotetier.net_price(text, numeric, timestamptz, text) IS
    'the net price per unit of one line, null where there is none; facts from a JSON text';
COMMENT ON FUNCTION quotetier.explain_quote(record, numeric, timestamptz, text, text) IS
    'the waterfall of one line, then the candidates that lost and why; facts from a row';
COMMENT ON FUNCTION quotetier.explain_quote(jsonb, numeric, timestamptz, text, text) IS
    'the waterfall of one line, then the candidates that lost and why; facts from a JSON object';
COMMENT ON FUNCTION quotetier.explain_quote(text, numeric, timestamptz, text, text) IS
    'the waterfall of one line, then the candidates that lost and why; facts from a JSON text';

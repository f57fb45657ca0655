-- ---------------------------------------------------------------------------
-- rfm_table: customers of a table of orders, scored and named, in one call
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.rfm_table(
    source   regclass,
    customer name,
    at       name,
    amount   name,
    as_of    date DEFAULT CURRENT_DATE,
    bins     int  DEFAULT 5,
    mode     text DEFAULT 'quantile',
    map      text DEFAULT 'standard',
    OUT customer     text,
    OUT recency_days int,
    OUT frequency    bigint,
    OUT monetary     numeric,
    OUT r            int,
    OUT f            int,
    OUT m            int,
    OUT segment      text
) RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10000 COST 100000
    AS 'MODULE_PATHNAME', 'rfm_table';
COMMENT ON FUNCTION quotetier.rfm_table(regclass, name, name, name, date, int, text, text) IS
    'customers of a table of orders up to as_of, with recency, frequency and monetary value, their scores and segment';

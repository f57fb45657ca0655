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
    r_cuts   numeric[] DEFAULT NULL,
    f_cuts   numeric[] DEFAULT NULL,
    m_cuts   numeric[] DEFAULT NULL,
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
COMMENT ON FUNCTION quotetier.rfm_table(regclass, name, name, name, date, int, text, text, numeric[], numeric[], numeric[]) IS
    'customers of a table of orders up to as_of, with recency, frequency and monetary value, their scores and segment';

CREATE FUNCTION quotetier.rfm_cuts(
    source   regclass,
    customer name,
    at       name,
    amount   name,
    as_of    date DEFAULT CURRENT_DATE,
    bins     int  DEFAULT 5,
    mode     text DEFAULT 'quantile',
    map      text DEFAULT 'standard',
    r_cuts   numeric[] DEFAULT NULL,
    f_cuts   numeric[] DEFAULT NULL,
    m_cuts   numeric[] DEFAULT NULL,
    OUT customers      bigint,
    OUT recency_cuts   numeric[],
    OUT frequency_cuts numeric[],
    OUT monetary_cuts  numeric[]
) LANGUAGE c STABLE PARALLEL UNSAFE COST 100000
    AS 'MODULE_PATHNAME', 'rfm_cuts';
COMMENT ON FUNCTION quotetier.rfm_cuts(regclass, name, name, name, date, int, text, text, numeric[], numeric[], numeric[]) IS
    'the cut points by which rfm_table, called alike, scores: days, orders, money';

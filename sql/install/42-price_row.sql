-- ---------------------------------------------------------------------------
-- price_row: a row gets its price on the way in
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.price_row() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'price_row';

COMMENT ON FUNCTION quotetier.price_row() IS
    'BEFORE INSERT OR UPDATE row trigger: fills in the price of a row (mode=fill), or refuses a row whose price is not its quote (mode=verify)';

-- ---------------------------------------------------------------------------
-- time: periods from days in a named zone, and what part of a period is covered
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.valid_days("from" date, to_inclusive date, zone text) RETURNS tstzrange
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'valid_days';

COMMENT ON FUNCTION quotetier.valid_days(date, date, text) IS
    'the period [from,to) of whole days in a time zone, the last one included; a null day: no bound';

CREATE FUNCTION quotetier.proration(valid tstzrange, period tstzrange) RETURNS numeric
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'proration';

COMMENT ON FUNCTION quotetier.proration(tstzrange, tstzrange) IS
    'the part of the period that valid covers: 0 to 1, to 20 decimals';

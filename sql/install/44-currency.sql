-- ---------------------------------------------------------------------------
-- currency: what other money and other units are worth
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.fx_rate (
    from_currency text NOT NULL
                  CONSTRAINT fx_rate_from_three_letters CHECK (from_currency ~ '^[A-Z]{3}$'),
    to_currency   text NOT NULL
                  CONSTRAINT fx_rate_to_three_letters CHECK (to_currency ~ '^[A-Z]{3}$'),
    rate          numeric NOT NULL
                  CONSTRAINT fx_rate_positive CHECK (rate > 0 AND rate < 'Infinity'),
    valid         tstzrange NOT NULL DEFAULT '(,)'
                  CONSTRAINT fx_rate_valid_half_open CHECK
                      (NOT isempty(valid) AND NOT upper_inc(valid) AND (lower_inc(valid) OR lower_inf(valid))),
    PRIMARY KEY (from_currency, to_currency, valid),
    CONSTRAINT fx_rate_two_currencies CHECK (from_currency <> to_currency),
    CONSTRAINT fx_rate_one_at_a_time EXCLUDE USING gist
        (from_currency WITH =, to_currency WITH =, valid WITH &&)
);

COMMENT ON TABLE quotetier.fx_rate IS 'Exchange rates, each for a period: at any time a pair has one or none.';
COMMENT ON COLUMN quotetier.fx_rate.from_currency IS 'ISO 4217 code of the money to convert';
COMMENT ON COLUMN quotetier.fx_rate.to_currency IS 'ISO 4217 code of the money wanted';
COMMENT ON COLUMN quotetier.fx_rate.rate IS 'one unit of from_currency is worth this many of to_currency';
COMMENT ON COLUMN quotetier.fx_rate.valid IS 'when it is in force: half-open, [from,to)';

CREATE TABLE quotetier.uom (
    sku    text CONSTRAINT uom_sku_named CHECK (sku <> ''),
    uom    text NOT NULL CONSTRAINT uom_named CHECK (uom <> ''),
    factor numeric NOT NULL
           CONSTRAINT uom_factor_positive CHECK (factor > 0 AND factor < 'Infinity'),
    CONSTRAINT uom_once UNIQUE NULLS NOT DISTINCT (sku, uom)
);

COMMENT ON TABLE quotetier.uom IS 'Units of measure: how many base units of a product each is.';
COMMENT ON COLUMN quotetier.uom.sku IS 'the product; null: any that has no unit of that name of its own';
COMMENT ON COLUMN quotetier.uom.uom IS 'the unit, as a line''s fact uom names it';
COMMENT ON COLUMN quotetier.uom.factor IS 'base units in one of it: 12 for a box of twelve';

CREATE FUNCTION quotetier.fx_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'fx_check';
COMMENT ON FUNCTION quotetier.fx_check() IS 'trigger: refuses bad exchange rates';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.fx_rate
    FOR EACH ROW EXECUTE FUNCTION quotetier.fx_check();

CREATE FUNCTION quotetier.uom_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'uom_check';
COMMENT ON FUNCTION quotetier.uom_check() IS 'trigger: refuses bad units of measure';
CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.uom
    FOR EACH ROW EXECUTE FUNCTION quotetier.uom_check();

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.fx_rate
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('price');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.fx_rate
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('price');
ALTER TABLE quotetier.fx_rate ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.fx_rate ENABLE ALWAYS TRIGGER stamp_truncate;

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.uom
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('price');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.uom
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('price');
ALTER TABLE quotetier.uom ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.uom ENABLE ALWAYS TRIGGER stamp_truncate;

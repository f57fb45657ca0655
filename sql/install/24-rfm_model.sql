-- ---------------------------------------------------------------------------
-- rfm models: cuts kept, to score customers one by one until the next fit
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.rfm_model (
    name           text PRIMARY KEY CHECK (name <> ''),
    source         text NOT NULL,
    customer       name NOT NULL,
    at             name NOT NULL,
    amount         name NOT NULL,
    as_of          date NOT NULL,
    bins           int  NOT NULL CHECK (bins BETWEEN 2 AND 9),
    mode           text NOT NULL CHECK (mode IN ('quantile', 'rfm_r', 'ntile', 'fixed', 'jenks', 'mean', 'median')),
    map            text REFERENCES quotetier.segment_map ON UPDATE CASCADE,
    recency_cuts   numeric[] NOT NULL CHECK (array_ndims(recency_cuts) = 1 AND cardinality(recency_cuts) = bins - 1 AND quotetier.score(0, recency_cuts) > 0),
    frequency_cuts numeric[] NOT NULL CHECK (array_ndims(frequency_cuts) = 1 AND cardinality(frequency_cuts) = bins - 1 AND quotetier.score(0, frequency_cuts) > 0),
    monetary_cuts  numeric[] NOT NULL CHECK (array_ndims(monetary_cuts) = 1 AND cardinality(monetary_cuts) = bins - 1 AND quotetier.score(0, monetary_cuts) > 0),
    customers      bigint NOT NULL,
    fitted_at      timestamptz NOT NULL DEFAULT now(),
    fitted_by      name NOT NULL DEFAULT current_user
);
COMMENT ON TABLE quotetier.rfm_model IS 'Saved RFM models: the cuts by which rfm_apply scores, and where they come from.';
COMMENT ON COLUMN quotetier.rfm_model.name IS 'name of the model';
COMMENT ON COLUMN quotetier.rfm_model.source IS 'relation it was fitted to, with its schema';
COMMENT ON COLUMN quotetier.rfm_model.customer IS 'its column of the customer';
COMMENT ON COLUMN quotetier.rfm_model.at IS 'its column of the order''s time';
COMMENT ON COLUMN quotetier.rfm_model.amount IS 'its column of the order''s amount';
COMMENT ON COLUMN quotetier.rfm_model.as_of IS 'last day of the orders fitted to';
COMMENT ON COLUMN quotetier.rfm_model.bins IS 'scores run from 1 to bins';
COMMENT ON COLUMN quotetier.rfm_model.mode IS 'how the cuts were found; it says whether a value equal to one scores above it';
COMMENT ON COLUMN quotetier.rfm_model.map IS 'segment map; NULL: no segments';
COMMENT ON COLUMN quotetier.rfm_model.recency_cuts IS 'cuts in days since the last order, ascending';
COMMENT ON COLUMN quotetier.rfm_model.frequency_cuts IS 'cuts in orders, ascending';
COMMENT ON COLUMN quotetier.rfm_model.monetary_cuts IS 'cuts in money, ascending';
COMMENT ON COLUMN quotetier.rfm_model.customers IS 'customers fitted to';
COMMENT ON COLUMN quotetier.rfm_model.fitted_at IS 'when it was fitted';
COMMENT ON COLUMN quotetier.rfm_model.fitted_by IS 'who fitted it';

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.rfm_model
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('rfm_model');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.rfm_model
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('rfm_model');
ALTER TABLE quotetier.rfm_model ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.rfm_model ENABLE ALWAYS TRIGGER stamp_truncate;

CREATE FUNCTION quotetier.rfm_fit(
    name     text,
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
    m_cuts   numeric[] DEFAULT NULL
) RETURNS quotetier.rfm_model LANGUAGE plpgsql AS
$$
DECLARE
    cuts  record;
    model quotetier.rfm_model;
BEGIN
    SELECT * INTO cuts FROM quotetier.rfm_cuts(rfm_fit.source, rfm_fit.customer, rfm_fit.at, rfm_fit.amount, rfm_fit.as_of,
        rfm_fit.bins, rfm_fit.mode, rfm_fit.map, rfm_fit.r_cuts, rfm_fit.f_cuts, rfm_fit.m_cuts);
    IF cuts.customers OPERATOR(pg_catalog.=) 0 THEN
        RAISE EXCEPTION 'there is nothing to fit model "%" to', rfm_fit.name
            USING ERRCODE = 'no_data_found',
                  DETAIL = pg_catalog.format('%s has no complete order up to %s.', rfm_fit.source, rfm_fit.as_of),
                  HINT = 'Pass a later as_of.';
    END IF;
    INSERT INTO quotetier.rfm_model AS m (name, source, customer, at, amount, as_of, bins, mode, map,
                                          recency_cuts, frequency_cuts, monetary_cuts, customers)
    VALUES (rfm_fit.name, (pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, rfm_fit.source, 0)).identity, rfm_fit.customer, rfm_fit.at, rfm_fit.amount, rfm_fit.as_of, rfm_fit.bins, rfm_fit.mode, rfm_fit.map,
            cuts.recency_cuts, cuts.frequency_cuts, cuts.monetary_cuts, cuts.customers)
    ON CONFLICT ON CONSTRAINT rfm_model_pkey DO UPDATE
    SET (source, customer, at, amount, as_of, bins, mode, map, recency_cuts, frequency_cuts, monetary_cuts, customers, fitted_at, fitted_by) =
        (excluded.source, excluded.customer, excluded.at, excluded.amount, excluded.as_of, excluded.bins, excluded.mode, excluded.map,
         excluded.recency_cuts, excluded.frequency_cuts, excluded.monetary_cuts, excluded.customers, excluded.fitted_at, excluded.fitted_by)
    RETURNING * INTO model;
    RETURN model;
END
$$;
COMMENT ON FUNCTION quotetier.rfm_fit(text, regclass, name, name, name, date, int, text, text, numeric[], numeric[], numeric[]) IS
    'fits a model to a table of orders, saves it under its name, and returns it; the arguments are rfm_table''s';

CREATE FUNCTION quotetier.rfm_apply(
    model   text,
    summary quotetier.rfm,
    as_of   date DEFAULT CURRENT_DATE,
    OUT recency_days int,
    OUT frequency    bigint,
    OUT monetary     numeric,
    OUT r            int,
    OUT f            int,
    OUT m            int,
    OUT segment      text
) LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_apply';
COMMENT ON FUNCTION quotetier.rfm_apply(text, quotetier.rfm, date) IS
    'scores and segment of one customer by a saved model';

-- The thresholds of all models, a row a score.
CREATE VIEW quotetier.rfm_models AS
    SELECT model.name AS model, model.mode, model.as_of, score,
           numrange(model.recency_cuts[model.bins - score], model.recency_cuts[model.bins + 1 - score],
                    CASE WHEN model.mode = 'rfm_r' THEN '[)' ELSE '(]' END) AS recency_days,
           numrange(model.frequency_cuts[score - 1], model.frequency_cuts[score],
                    CASE WHEN model.mode IN ('rfm_r', 'mean', 'median') THEN '[)' ELSE '(]' END) AS frequency,
           numrange(model.monetary_cuts[score - 1], model.monetary_cuts[score],
                    CASE WHEN model.mode IN ('rfm_r', 'mean', 'median') THEN '[)' ELSE '(]' END) AS monetary
    FROM quotetier.rfm_model AS model
    CROSS JOIN LATERAL generate_series(1, model.bins) AS score;
COMMENT ON VIEW quotetier.rfm_models IS 'What the scores of every model stand for: a row a model and score.';
COMMENT ON COLUMN quotetier.rfm_models.model IS 'model';
COMMENT ON COLUMN quotetier.rfm_models.mode IS 'how its cuts were found';
COMMENT ON COLUMN quotetier.rfm_models.as_of IS 'last day of the orders fitted to';
COMMENT ON COLUMN quotetier.rfm_models.score IS 'score';
COMMENT ON COLUMN quotetier.rfm_models.recency_days IS 'days since the last order that give it as r';
COMMENT ON COLUMN quotetier.rfm_models.frequency IS 'numbers of orders that give it as f';
COMMENT ON COLUMN quotetier.rfm_models.monetary IS 'revenues that give it as m';

-- ---------------------------------------------------------------------------
-- scorecard: several metrics as one score
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.scorecard (
    name   text PRIMARY KEY CHECK (name <> ''),
    points numeric NOT NULL DEFAULT 100
           CONSTRAINT scorecard_points_positive CHECK (points > 0 AND points < 'Infinity'),
    note   text,
    origin text NOT NULL DEFAULT 'user' REFERENCES quotetier.origin
);

COMMENT ON TABLE quotetier.scorecard IS 'Named weighted averages of metrics.';
COMMENT ON COLUMN quotetier.scorecard.name IS 'what scorecard_score() asks for';
COMMENT ON COLUMN quotetier.scorecard.points IS 'the score of one who is best in every metric';
COMMENT ON COLUMN quotetier.scorecard.note IS 'what it measures';
COMMENT ON COLUMN quotetier.scorecard.origin IS 'shipped with the extension, or the user''s own';

CREATE TABLE quotetier.metric (
    scorecard text NOT NULL REFERENCES quotetier.scorecard ON UPDATE CASCADE ON DELETE CASCADE,
    name      text NOT NULL CHECK (name <> ''),
    weight    numeric NOT NULL DEFAULT 1
              CONSTRAINT metric_weight_positive CHECK (weight > 0 AND weight < 'Infinity'),
    direction text NOT NULL DEFAULT 'more'
              CONSTRAINT metric_direction_known CHECK (direction IN ('more', 'less')),
    scale     text NOT NULL DEFAULT 'linear'
              CONSTRAINT metric_scale_known CHECK (scale IN ('linear', 'z', 'percentile', 'bracket', 'decay')),
    low       numeric,
    high      numeric,
    mean      numeric,
    deviation numeric,
    cuts      numeric[],
    half_life numeric,
    note      text,
    PRIMARY KEY (scorecard, name),
    CONSTRAINT metric_scale_numbers CHECK (coalesce(CASE scale
        WHEN 'linear'     THEN low > '-Infinity' AND low < high AND high < 'Infinity' AND num_nonnulls(mean, deviation, cuts, half_life) = 0
        WHEN 'z'          THEN mean > '-Infinity' AND mean < 'Infinity' AND deviation > 0 AND deviation < 'Infinity'
                               AND num_nonnulls(low, high, cuts, half_life) = 0
        WHEN 'percentile' THEN array_ndims(cuts) = 1 AND array_position(cuts, NULL) IS NULL
                               AND num_nonnulls(low, high, mean, deviation, half_life) = 0
        WHEN 'bracket'    THEN direction = 'more' AND num_nonnulls(low, high, mean, deviation, cuts, half_life) = 0
        WHEN 'decay'      THEN half_life > 0 AND half_life < 'Infinity' AND num_nonnulls(low, high, mean, deviation, cuts) = 0
        END, false))
);

COMMENT ON TABLE quotetier.metric IS 'The metrics of a scorecard: facts, how they become points, and how much they weigh.';
COMMENT ON COLUMN quotetier.metric.scorecard IS 'the scorecard it belongs to';
COMMENT ON COLUMN quotetier.metric.name IS 'the fact that it reads';
COMMENT ON COLUMN quotetier.metric.weight IS 'how much it weighs beside the others; any unit';
COMMENT ON COLUMN quotetier.metric.direction IS 'more: a larger value is better; less: a smaller one is';
COMMENT ON COLUMN quotetier.metric.scale IS
    'how a value becomes points. linear: from low to high; z: by deviations from the mean; percentile: by cuts passed; bracket: by table; decay: by half-lives';
COMMENT ON COLUMN quotetier.metric.low IS 'linear: the value of no points (all points for less)';
COMMENT ON COLUMN quotetier.metric.high IS 'linear: the value of all points (none for less)';
COMMENT ON COLUMN quotetier.metric.mean IS 'z: the value of half the points';
COMMENT ON COLUMN quotetier.metric.deviation IS 'z: the standard deviation; three of them make all the difference';
COMMENT ON COLUMN quotetier.metric.cuts IS 'percentile: values in ascending order; the part of them that is reached';
COMMENT ON COLUMN quotetier.metric.half_life IS 'decay: each further so much halves what is left';
COMMENT ON COLUMN quotetier.metric.note IS 'what it is, and in which unit';

CREATE TABLE quotetier.metric_bracket (
    scorecard  text NOT NULL,
    metric     text NOT NULL,
    from_value numeric NOT NULL CONSTRAINT metric_bracket_from_value_bounded CHECK (from_value < 'Infinity'),
    points     numeric NOT NULL CONSTRAINT metric_bracket_points_not_negative CHECK (points >= 0 AND points < 'Infinity'),
    PRIMARY KEY (scorecard, metric, from_value),
    FOREIGN KEY (scorecard, metric) REFERENCES quotetier.metric ON UPDATE CASCADE ON DELETE CASCADE
);

COMMENT ON TABLE quotetier.metric_bracket IS 'Points by bracket: each from its from_value up to, not including, the next.';
COMMENT ON COLUMN quotetier.metric_bracket.scorecard IS 'the scorecard';
COMMENT ON COLUMN quotetier.metric_bracket.metric IS 'its metric, of scale bracket';
COMMENT ON COLUMN quotetier.metric_bracket.from_value IS 'the lowest value of the bracket; below the first there are no points';
COMMENT ON COLUMN quotetier.metric_bracket.points IS 'points on the scorecard''s own scale';

CREATE FUNCTION quotetier.metric_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    needs text := CASE NEW.scale
        WHEN 'linear' THEN 'low and high, low under high'
        WHEN 'z' THEN 'mean and deviation, deviation over 0'
        WHEN 'percentile' THEN 'cuts, in ascending order'
        WHEN 'bracket' THEN 'rows in quotetier.metric_bracket, and direction more'
        WHEN 'decay' THEN 'half_life, over 0' END;
    ok boolean := CASE NEW.scale
        WHEN 'linear' THEN NEW.low > '-Infinity' AND NEW.low < NEW.high AND NEW.high < 'Infinity'
        WHEN 'z' THEN NEW.mean > '-Infinity' AND NEW.mean < 'Infinity' AND NEW.deviation > 0 AND NEW.deviation < 'Infinity'
        WHEN 'percentile' THEN array_ndims(NEW.cuts) = 1 AND NEW.cuts = (SELECT array_agg(c ORDER BY c) FROM unnest(NEW.cuts) c WHERE c > '-Infinity' AND c < 'Infinity')
        WHEN 'bracket' THEN NEW.direction = 'more'
        WHEN 'decay' THEN NEW.half_life > 0 AND NEW.half_life < 'Infinity' END;
    others text[] := ARRAY(
        SELECT k FROM jsonb_object_keys(jsonb_strip_nulls(to_jsonb(NEW))) k
        WHERE k IN ('low', 'high', 'mean', 'deviation', 'cuts', 'half_life')
          AND k <> ALL (CASE NEW.scale WHEN 'linear' THEN '{low,high}'::text[] WHEN 'z' THEN '{mean,deviation}'
                        WHEN 'percentile' THEN '{cuts}' WHEN 'decay' THEN '{half_life}' ELSE '{}' END) ORDER BY k);
BEGIN
    IF needs IS NULL THEN
        RAISE EXCEPTION 'unknown scale "%"', NEW.scale
            USING ERRCODE = 'check_violation',
                  DETAIL = format('Metric "%s" of scorecard "%s" has it.', NEW.name, NEW.scorecard),
                  HINT = 'Write linear, z, percentile, bracket or decay.';
    END IF;
    IF NEW.direction NOT IN ('more', 'less') OR NOT (NEW.weight > 0 AND NEW.weight < 'Infinity') THEN
        RAISE EXCEPTION 'metric "%" of scorecard "%" cannot be weighed', NEW.name, NEW.scorecard
            USING ERRCODE = 'check_violation',
                  DETAIL = format('Its direction is %s, its weight %s.', NEW.direction, NEW.weight),
                  HINT = 'A direction is more or less, whichever is better; a weight is a number over 0.';
    END IF;
    IF ok IS NOT TRUE OR others <> '{}' THEN
        RAISE EXCEPTION 'metric "%" of scorecard "%" does not fit its scale', NEW.name, NEW.scorecard
            USING ERRCODE = 'check_violation',
                  DETAIL = CASE WHEN ok THEN format('Scale %s takes no %s.', NEW.scale, array_to_string(others, ', '))
                                ELSE format('Scale %s needs %s.', NEW.scale, needs) END,
                  HINT = 'Give finite numbers for the columns that its scale reads, and leave the others null.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quotetier.metric_check() IS 'trigger: refuses a metric that could not be scored, saying why';

CREATE TRIGGER check_row BEFORE INSERT OR UPDATE ON quotetier.metric
    FOR EACH ROW EXECUTE FUNCTION quotetier.metric_check();

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.scorecard
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('scorecard');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.scorecard
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('scorecard');
ALTER TABLE quotetier.scorecard ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.scorecard ENABLE ALWAYS TRIGGER stamp_truncate;
CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.metric
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('scorecard');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.metric
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('scorecard');
ALTER TABLE quotetier.metric ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.metric ENABLE ALWAYS TRIGGER stamp_truncate;
CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.metric_bracket
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('scorecard');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.metric_bracket
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('scorecard');
ALTER TABLE quotetier.metric_bracket ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.metric_bracket ENABLE ALWAYS TRIGGER stamp_truncate;

-- ---------------------------------------------------------------------------
-- Scoring
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.scorecard_score(scorecard text, facts record, OUT score numeric, OUT coverage numeric)
    LANGUAGE c STABLE PARALLEL SAFE SUPPORT quotetier.row_support AS 'MODULE_PATHNAME', 'scorecard_score';
CREATE FUNCTION quotetier.scorecard_score(scorecard text, facts jsonb, OUT score numeric, OUT coverage numeric)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'scorecard_score_json';
CREATE FUNCTION quotetier.scorecard_score(scorecard text, facts text, OUT score numeric, OUT coverage numeric)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'scorecard_score_text';
COMMENT ON FUNCTION quotetier.scorecard_score(text, record) IS
    'the weighted score of the metrics known, and what part of the weight they have';
COMMENT ON FUNCTION quotetier.scorecard_score(text, jsonb) IS
    'the weighted score of the metrics known, and what part of the weight they have';
COMMENT ON FUNCTION quotetier.scorecard_score(text, text) IS
    'the weighted score of the metrics known, and what part of the weight they have';

CREATE FUNCTION quotetier.scorecard_points(scorecard text, facts record)
    RETURNS TABLE (metric text, value numeric, weight numeric, points numeric)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'scorecard_points';
CREATE FUNCTION quotetier.scorecard_points(scorecard text, facts jsonb)
    RETURNS TABLE (metric text, value numeric, weight numeric, points numeric)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'scorecard_points_json';
CREATE FUNCTION quotetier.scorecard_points(scorecard text, facts text)
    RETURNS TABLE (metric text, value numeric, weight numeric, points numeric)
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'scorecard_points_text';
COMMENT ON FUNCTION quotetier.scorecard_points(text, record) IS 'where a score comes from: the points of every metric; null for one not known';
COMMENT ON FUNCTION quotetier.scorecard_points(text, jsonb) IS 'where a score comes from: the points of every metric; null for one not known';
COMMENT ON FUNCTION quotetier.scorecard_points(text, text) IS 'where a score comes from: the points of every metric; null for one not known';

-- ---------------------------------------------------------------------------
-- Weights and scales
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.ahp_weights(matrix double precision[], force boolean DEFAULT false,
        OUT weights double precision[], OUT lambda_max double precision, OUT ci double precision, OUT cr double precision)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ahp_weights';
COMMENT ON FUNCTION quotetier.ahp_weights(double precision[], boolean) IS
    'weights from a matrix of pairwise comparisons, with their consistency; refused from a ratio of 0.10 unless forced';

CREATE FUNCTION quotetier.entropy_weights(source regclass, columns text[])
    RETURNS TABLE (metric text, entropy double precision, weight double precision)
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    listed text;
    known text;
    bad record;
    n bigint;
BEGIN
    IF cardinality(columns) = 0 OR array_position(columns, NULL) IS NOT NULL
       OR (SELECT count(DISTINCT c) FROM unnest(columns) c) < cardinality(columns) THEN
        RAISE EXCEPTION 'columns must be different names'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write ARRAY[''revenue'', ''margin''].';
    END IF;
    SELECT string_agg(format('(%L, source.%I::double precision)', c, c), ', ' ORDER BY i),
           string_agg(format('source.%I IS NOT NULL', c), ' AND ')
    INTO listed, known
    FROM unnest(columns) WITH ORDINALITY u (c, i);

    EXECUTE format('SELECT v.c, v.x FROM %s AS source, LATERAL (VALUES %s) v (c, x)'
                   ' WHERE %s AND NOT (v.x >= 0 AND v.x < ''Infinity'') LIMIT 1', source, listed, known) INTO bad;
    IF bad.c IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" has the value %', bad.c, bad.x
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Entropy is of shares of a sum: values must be finite, and not negative.',
                  HINT = 'Bring the column to a scale from 0 first: value - min(value), or max(value) - value where less is better.';
    END IF;
    EXECUTE format('SELECT count(*) FROM %s AS source WHERE %s', source, known) INTO n;
    IF n < 2 THEN
        RAISE EXCEPTION 'entropy needs two rows at least'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('%s has %s without nulls in these columns.', source, n);
    END IF;

    RETURN QUERY EXECUTE format(
        'WITH v AS (SELECT v.c, v.x, sum(v.x) OVER w AS total, min(v.x) OVER w = max(v.x) OVER w AS constant'
        '             FROM %s AS source, LATERAL (VALUES %s) v (c, x) WHERE %s WINDOW w AS (PARTITION BY v.c)),'
        ' e AS (SELECT c, CASE WHEN bool_and(constant) THEN 1 ELSE'
        '              -sum(CASE WHEN x > 0 THEN x / total * ln(x / total) ELSE 0 END) / ln($2) END AS entropy'
        '         FROM v GROUP BY c)'
        ' SELECT e.c, e.entropy, CASE WHEN sum(1 - e.entropy) OVER () > 0'
        '        THEN (1 - e.entropy) / sum(1 - e.entropy) OVER () ELSE 1.0::double precision / cardinality($1) END'
        ' FROM e ORDER BY array_position($1, e.c)', source, listed, known)
    USING columns, n::double precision;
END
$$;
COMMENT ON FUNCTION quotetier.entropy_weights(regclass, text[]) IS
    'weights from the data: a column weighs the more, the more it tells rows apart';

CREATE FUNCTION quotetier.scorecard_fit(scorecard text, source regclass) RETURNS SETOF quotetier.metric
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS
$$
#variable_conflict use_column
DECLARE
    m quotetier.metric;
    f record;
BEGIN
    PERFORM FROM quotetier.scorecard s WHERE s.name = scorecard_fit.scorecard;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'scorecard "%" does not exist', scorecard_fit.scorecard
            USING ERRCODE = 'undefined_object',
                  HINT = 'SELECT name FROM quotetier.scorecard lists the scorecards there are.';
    END IF;
    FOR m IN
        SELECT t.* FROM quotetier.metric t JOIN pg_attribute a ON a.attname = t.name
        WHERE t.scorecard = scorecard_fit.scorecard AND t.scale IN ('linear', 'z', 'percentile')
          AND a.attrelid = source AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY t.name
    LOOP
        EXECUTE format('SELECT min(%1$I)::numeric AS low, max(%1$I)::numeric AS high,'
                       ' avg(%1$I::numeric) AS mean, stddev_samp(%1$I::numeric) AS deviation,'
                       ' (percentile_disc(ARRAY(SELECT i / 100.0 FROM generate_series(1, 99) i)) WITHIN GROUP (ORDER BY %1$I::numeric))::numeric[] AS cuts'
                       ' FROM %2$s', m.name, source) INTO f;
        RETURN QUERY
        UPDATE quotetier.metric t
        SET low = CASE m.scale WHEN 'linear' THEN f.low END, high = CASE m.scale WHEN 'linear' THEN f.high END,
            mean = CASE m.scale WHEN 'z' THEN f.mean END, deviation = CASE m.scale WHEN 'z' THEN f.deviation END,
            cuts = CASE m.scale WHEN 'percentile' THEN f.cuts END
        WHERE t.scorecard = m.scorecard AND t.name = m.name
        RETURNING t.*;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.scorecard_fit(text, regclass) IS
    'sets the scales of a scorecard''s metrics by the columns of a table that have their names; returns the metrics set';

-- ---------------------------------------------------------------------------
-- Scorecards that come with the extension
-- ---------------------------------------------------------------------------

INSERT INTO quotetier.scorecard (name, note, origin) VALUES
    ('customer_value', 'What a customer is worth to us: orders, profit, credit, prospects.', 'shipped'),
    ('customer_health', 'How well the relation is: recency, trend, complaints, returns, satisfaction.', 'shipped'),
    ('engagement', 'How lively the contact is: contacts, responses, visits.', 'shipped');

INSERT INTO quotetier.metric (scorecard, name, weight, direction, scale, low, high, half_life, note) VALUES
    ('customer_value', 'order_amount', 40, 'more', 'linear', 0, 100000, NULL, 'revenue of a year'),
    ('customer_value', 'profit',       30, 'more', 'linear', 0, 20000, NULL, 'profit of a year'),
    ('customer_value', 'credit',       15, 'more', 'linear', 0, 100, NULL, 'credit rating from 0 to 100'),
    ('customer_value', 'prospects',    15, 'more', 'linear', 1, 10, NULL, 'judged from 1 to 10'),
    ('customer_health', 'recency_days',   30, 'less', 'decay', NULL, NULL, 90, 'days since the last order'),
    ('customer_health', 'trend',          20, 'more', 'linear', -1, 1, NULL, '(recent - prior) / (recent + prior) revenue'),
    ('customer_health', 'complaint_rate', 20, 'less', 'linear', 0, 0.1, NULL, 'complaints an order'),
    ('customer_health', 'return_ratio',   15, 'less', 'linear', 0, 0.3, NULL, 'value returned / value bought'),
    ('customer_health', 'satisfaction',   15, 'more', 'linear', 1, 5, NULL, 'stated, from 1 to 5'),
    ('engagement', 'contacts',      20, 'more', 'linear', 0, 12, NULL, 'contacts in a year'),
    ('engagement', 'response_rate', 50, 'more', 'linear', 0, 1, NULL, 'responses / contacts'),
    ('engagement', 'visits',        30, 'more', 'linear', 0, 30, NULL, 'visits in a year');

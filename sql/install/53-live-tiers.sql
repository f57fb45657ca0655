-- ---------------------------------------------------------------------------
-- live: views of tracked customers for reports, of plain columns
--
--   shop_scores           recency, frequency, monetary, their scores, the segment
--   shop_tiers            the same, and every tier that is held
--   shop_tiers_<scheme>   the same, and the tier in one scheme: tier_view()
--   shop_variety          with by: how many values, and which most of all
-- ---------------------------------------------------------------------------

-- As rfm_table() scores by default: five bins by quantile, on the day it is read.
CREATE FUNCTION quotetier.make_reports(INOUT t quotetier.tracked)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    schema name := (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = t.rfm);
    scores text := format('%I.%I', schema, t.name || '_scores');
    tiers text := format('%I.%I', schema, t.name || '_tiers');
    variety text := format('%I.%I', schema, t.name || '_variety');
BEGIN
    EXECUTE format($view$
        CREATE VIEW %s AS
        SELECT customer, recency, frequency, monetary, r, f, m, quotetier.rfm_segment(r, f, m) AS segment
        FROM (SELECT customer, quotetier.recency_days(rfm, CURRENT_DATE) AS recency, orders AS frequency, revenue AS monetary,
                     6 - quotetier.quantile_score(5) OVER (ORDER BY quotetier.recency_days(rfm, CURRENT_DATE)) AS r,
                     quotetier.quantile_score(5) OVER (ORDER BY orders) AS f,
                     quotetier.quantile_score(5) OVER (ORDER BY revenue) AS m
              FROM %s) s
        $view$, scores, t.rfm);
    EXECUTE format('COMMENT ON VIEW %s IS %L', scores, format('tracker %s: customers scored and named as of today', t.name));

    EXECUTE format($view$
        CREATE VIEW %s AS
        SELECT s.*, h.scheme, h.tier, lower(h.held) AS since, coalesce(l.zh, h.tier) AS label
        FROM %s s
        LEFT JOIN quotetier.tier_membership h ON h.customer = s.customer::text AND h.held @> CURRENT_TIMESTAMP
        LEFT JOIN quotetier.labels l ON l.kind = 'scheme' AND l."of" = h.scheme AND l.name = h.tier
        $view$, tiers, scores);
    EXECUTE format('COMMENT ON VIEW %s IS %L', tiers,
                   format('tracker %s: customers scored and named as of today, with every tier they hold: a row a customer and scheme', t.name));
    t.objects := ARRAY[tiers::regclass, scores::regclass] || t.objects;

    IF t.by_rfm IS NOT NULL THEN
        EXECUTE format($view$
            CREATE VIEW %s AS
            SELECT customer, count(*) AS variety, (array_agg(value ORDER BY orders DESC, revenue DESC, value))[1] AS favourite,
                   (array_agg(value ORDER BY orders DESC, revenue DESC, value))[1:3] AS favourites
            FROM %s GROUP BY customer
            $view$, variety, t.by_rfm);
        EXECUTE format('COMMENT ON VIEW %s IS %L', variety, format('tracker %s: how many values a customer has ordered, and which most often', t.name));
        t.objects := ARRAY[variety::regclass] || t.objects;
    END IF;
END
$$;
COMMENT ON FUNCTION quotetier.make_reports(quotetier.tracked) IS 'a step of track(): the views for reports';

CREATE FUNCTION quotetier.tier_view(name text, scheme text) RETURNS regclass
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    schema name := (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = t.rfm);
    scores text := format('%I.%I', schema, t.name || '_scores');
    made text := t.name || '_tiers_' || scheme;
    s quotetier.scheme;
BEGIN
    SELECT * INTO s FROM quotetier.scheme WHERE scheme.name = tier_view.scheme;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'scheme "%" does not exist', scheme
            USING ERRCODE = 'undefined_object',
                  DETAIL = format('A view of tracker "%s" is of the tiers of one scheme.', name),
                  HINT = 'SELECT name, kind FROM quotetier.scheme lists the schemes there are.';
    END IF;
    IF octet_length(made) > 63 THEN
        RAISE EXCEPTION 'the name of view "%" is too long', made
            USING ERRCODE = 'name_too_long', DETAIL = 'A name has 63 bytes at most.', HINT = 'Give the tracker or the scheme a shorter name.';
    END IF;

    -- Who is assessed holds a tier since some time. Otherwise it is graded when it is read.
    EXECUTE CASE WHEN s.scores IS NOT NULL OR s.kind = 'grid' THEN format($view$
            CREATE VIEW %1$I.%2$I AS
            SELECT s.*, h.tier, lower(h.held) AS since, coalesce(l.zh, h.tier) AS label
            FROM %3$s s
            LEFT JOIN quotetier.tier_membership h ON h.scheme = %4$L AND h.customer = s.customer::text AND h.held @> CURRENT_TIMESTAMP
            LEFT JOIN quotetier.labels l ON l.kind = 'scheme' AND l."of" = %4$L AND l.name = h.tier
            $view$, schema, made, scores, scheme)
        ELSE format($view$
            CREATE VIEW %1$I.%2$I AS
            SELECT s.*, NULL::timestamptz AS since, coalesce(l.zh, s.tier) AS label
            FROM (SELECT *, %5$s AS tier FROM %3$s) s
            LEFT JOIN quotetier.labels l ON l.kind = 'scheme' AND l."of" = %4$L AND l.name = s.tier
            $view$, schema, made, scores, scheme,
            CASE WHEN s.kind = 'threshold' THEN format('quotetier.tier(%L, monetary)', scheme)
                 ELSE format('quotetier.tier_over(%L, monetary) OVER (ORDER BY monetary DESC)', scheme) END)
        END;
    made := format('%I.%I', schema, made);
    EXECUTE format('COMMENT ON VIEW %s IS %L', made, format('tracker %s: customers as of today, with their tier of scheme %s', t.name, scheme));
    t.objects := made::regclass || t.objects;
    PERFORM quotetier.write_tracked('change', t);
    RETURN made;
END
$$;
COMMENT ON FUNCTION quotetier.tier_view(text, text) IS
    'makes a view of a tracker''s customers with their tiers of one scheme, for reports';

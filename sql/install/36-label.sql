-- ---------------------------------------------------------------------------
-- labels: what a segment or a tier is called in English or Chinese
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.label(name text, language text DEFAULT 'zh', "of" text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF language IS NOT NULL AND language NOT IN ('en', 'zh') THEN
        RAISE EXCEPTION 'there are no labels in language "%"', language
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The languages are en and zh.';
    END IF;
    RETURN coalesce(
        (SELECT found.label
         FROM (SELECT 1 AS place, s.map AS owner, s.rank, CASE language WHEN 'en' THEN s.label_en ELSE s.label_zh END AS label
               FROM quotetier.segment s WHERE s.name = label.name
               UNION ALL
               SELECT 2, m.name, 0, CASE language WHEN 'en' THEN m.fallback_en ELSE m.fallback_zh END
               FROM quotetier.segment_map m WHERE m.fallback = label.name
               UNION ALL
               SELECT 3, t.scheme, t.rank, CASE language WHEN 'zh' THEN t.label_zh END
               FROM quotetier.tier t WHERE t.name = label.name) found
         WHERE found.label IS NOT NULL AND (label."of" IS NULL OR found.owner = label."of")
         ORDER BY found.owner IS DISTINCT FROM 'standard', found.place, found.owner, found.rank LIMIT 1),
        CASE WHEN language IS NOT NULL THEN name END);
END
$$;
COMMENT ON FUNCTION quotetier.label(text, text, text) IS
    'label of a segment or tier in a language (en, zh), of a map or scheme or of any; its name if it has none';

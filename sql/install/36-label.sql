-- ---------------------------------------------------------------------------
-- labels: what segments, tiers and classes are called in English and Chinese
-- ---------------------------------------------------------------------------

CREATE VIEW quotetier.labels AS
    SELECT kind, "of", name,
           coalesce((array_agg(label_en ORDER BY rank) FILTER (WHERE label_en IS NOT NULL))[1], name) AS en,
           coalesce((array_agg(label_zh ORDER BY rank) FILTER (WHERE label_zh IS NOT NULL))[1], name) AS zh
    FROM (SELECT 'map' AS kind, map AS "of", name, label_en, label_zh, rank::bigint FROM quotetier.segment
          UNION ALL
          SELECT 'map', name, fallback, fallback_en, fallback_zh, NULL FROM quotetier.segment_map
          UNION ALL
          SELECT 'scheme', scheme, name, NULL, label_zh, rank FROM quotetier.tier
          UNION ALL
          SELECT 'class_scheme', scheme, class, NULL, label_zh, id FROM quotetier.class_rule) named
    GROUP BY kind, "of", name;
COMMENT ON VIEW quotetier.labels IS 'What segments, tiers and classes are called in English and Chinese, a row a name; for everybody to read.';
COMMENT ON COLUMN quotetier.labels.kind IS 'what has the name: map, scheme or class_scheme';
COMMENT ON COLUMN quotetier.labels."of" IS 'the map, scheme or class scheme';
COMMENT ON COLUMN quotetier.labels.name IS 'the segment, tier or class';
COMMENT ON COLUMN quotetier.labels.en IS 'its English label; its name if it has none';
COMMENT ON COLUMN quotetier.labels.zh IS 'its Chinese label; its name if it has none';

CREATE FUNCTION quotetier.label(name text, language text DEFAULT 'zh', "of" text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    answer text;
BEGIN
    IF language NOT IN ('en', 'zh') THEN
        RAISE EXCEPTION 'there are no labels in language "%"', language
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'There are labels in English (en) and in Chinese (zh).', HINT = 'Write en or zh.';
    END IF;
    -- of several, one that is more than the name
    SELECT called INTO answer
    FROM quotetier.labels l, LATERAL (SELECT CASE language WHEN 'en' THEN l.en WHEN 'zh' THEN l.zh END AS called) c
    WHERE l.name = label.name AND (label."of" IS NULL OR l."of" = label."of")
    ORDER BY called = l.name, l."of" <> 'standard', array_position(ARRAY['map', 'scheme', 'class_scheme'], l.kind), l."of" LIMIT 1;
    IF NOT FOUND AND label."of" IS NULL AND language IS NOT NULL THEN
        answer := name;
    ELSIF NOT FOUND AND label."of" IS NOT NULL AND NOT EXISTS (SELECT FROM quotetier.labels l WHERE l."of" = label."of") THEN
        RAISE EXCEPTION 'nothing is named by "%"', label."of"
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'There is no map, scheme or class scheme of that name, or nothing in it.',
                  HINT = 'SELECT kind, "of", name FROM quotetier.labels lists the names there are.';
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION quotetier.label(text, text, text) IS
    'label of a segment, tier or class in a language (en, zh), of a map or scheme or of any; its name if it has none';

CREATE FUNCTION quotetier.tier_label(scheme text, tier text, language text DEFAULT 'zh') RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT quotetier.label(tier_label.tier, tier_label.language, tier_label.scheme);
END;
COMMENT ON FUNCTION quotetier.tier_label(text, text, text) IS 'label() of a tier of a scheme';

CREATE FUNCTION quotetier.class_label(scheme text, class text, language text DEFAULT 'zh') RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT quotetier.label(class_label.class, class_label.language, class_label.scheme);
END;
COMMENT ON FUNCTION quotetier.class_label(text, text, text) IS 'label() of a class of a class scheme';

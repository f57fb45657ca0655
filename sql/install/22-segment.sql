-- ---------------------------------------------------------------------------
-- segments: names for the cells that r, f and m scores span
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.segment_map (
    name        text PRIMARY KEY CHECK (name <> ''),
    bins        int  NOT NULL DEFAULT 5 CHECK (bins BETWEEN 2 AND 9),
    fallback    text NOT NULL DEFAULT 'Others' CHECK (fallback <> ''),
    fallback_en text,
    fallback_zh text,
    note        text,
    origin      text NOT NULL DEFAULT 'user' REFERENCES quotetier.origin
);
COMMENT ON TABLE quotetier.segment_map IS 'Maps of (r, f, m) scores to segments.';
COMMENT ON COLUMN quotetier.segment_map.name IS 'name of the map';
COMMENT ON COLUMN quotetier.segment_map.bins IS 'scores run from 1 to bins';
COMMENT ON COLUMN quotetier.segment_map.fallback IS 'segment of the cells that no row covers';
COMMENT ON COLUMN quotetier.segment_map.fallback_en IS 'English label of the fallback; NULL: its name';
COMMENT ON COLUMN quotetier.segment_map.fallback_zh IS 'Chinese label of the fallback; NULL: its name';
COMMENT ON COLUMN quotetier.segment_map.note IS 'where the map comes from';
COMMENT ON COLUMN quotetier.segment_map.origin IS 'shipped with the extension, or the user''s own';

CREATE TABLE quotetier.segment (
    map      text NOT NULL REFERENCES quotetier.segment_map ON UPDATE CASCADE ON DELETE CASCADE,
    rank     int  NOT NULL,
    name     text NOT NULL CHECK (name <> ''),
    r        int4range CHECK (NOT isempty(r)),
    f        int4range CHECK (NOT isempty(f)),
    m        int4range CHECK (NOT isempty(m)),
    cells    text[] CHECK (array_position(cells, NULL) IS NULL AND
                           array_to_string(cells, ',') ~ '^[1-9]{3}(,[1-9]{3})*$'),
    label_en text,
    label_zh text,
    PRIMARY KEY (map, rank),
    CONSTRAINT segment_ranges_or_cells
        CHECK (cells IS NULL OR (r IS NULL AND f IS NULL AND m IS NULL))
);
COMMENT ON TABLE quotetier.segment IS
    'Rows of the maps: ranges of scores, or a list of cells, and the segment they are. The first row that covers a cell names it.';
COMMENT ON COLUMN quotetier.segment.map IS 'map the row belongs to';
COMMENT ON COLUMN quotetier.segment.rank IS 'rows are tried in this order';
COMMENT ON COLUMN quotetier.segment.name IS 'name of the segment; several rows may share it';
COMMENT ON COLUMN quotetier.segment.r IS 'recency scores covered; NULL: any';
COMMENT ON COLUMN quotetier.segment.f IS 'frequency scores covered; NULL: any';
COMMENT ON COLUMN quotetier.segment.m IS 'monetary scores covered; NULL: any';
COMMENT ON COLUMN quotetier.segment.cells IS 'cells covered, instead of ranges: {555,554} is r 5 f 5 m 5 and r 5 f 5 m 4';
COMMENT ON COLUMN quotetier.segment.label_en IS 'English label; NULL: the name';
COMMENT ON COLUMN quotetier.segment.label_zh IS 'Chinese label; NULL: the name';

CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.segment_map
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('segment');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.segment_map
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('segment');
ALTER TABLE quotetier.segment_map ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.segment_map ENABLE ALWAYS TRIGGER stamp_truncate;
CREATE TRIGGER stamp_row BEFORE INSERT OR UPDATE OR DELETE ON quotetier.segment
    FOR EACH ROW EXECUTE FUNCTION quotetier.stamp_change('segment');
CREATE TRIGGER stamp_truncate BEFORE TRUNCATE ON quotetier.segment
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.stamp_change('segment');
ALTER TABLE quotetier.segment ENABLE ALWAYS TRIGGER stamp_row;
ALTER TABLE quotetier.segment ENABLE ALWAYS TRIGGER stamp_truncate;

-- Which rows cover which cells; the lowest rank wins.
CREATE VIEW quotetier.segment_cell AS
    SELECT s.map, s.rank, s.name AS segment, r.score AS r, f.score AS f, m.score AS m
    FROM quotetier.segment s
    JOIN quotetier.segment_map ON segment_map.name = s.map
    CROSS JOIN LATERAL generate_series(1, segment_map.bins) AS r(score)
    CROSS JOIN LATERAL generate_series(1, segment_map.bins) AS f(score)
    CROSS JOIN LATERAL generate_series(1, segment_map.bins) AS m(score)
    WHERE CASE WHEN s.cells IS NOT NULL
               THEN concat(r.score, f.score, m.score) = ANY (s.cells)
               ELSE (s.r IS NULL OR s.r @> r.score) AND
                    (s.f IS NULL OR s.f @> f.score) AND
                    (s.m IS NULL OR s.m @> m.score) END;
COMMENT ON VIEW quotetier.segment_cell IS 'Which rows of the maps cover which cells; of several the lowest rank wins.';
COMMENT ON COLUMN quotetier.segment_cell.map IS 'map';
COMMENT ON COLUMN quotetier.segment_cell.rank IS 'rank of the covering row';
COMMENT ON COLUMN quotetier.segment_cell.segment IS 'segment of the covering row';
COMMENT ON COLUMN quotetier.segment_cell.r IS 'recency score of the cell';
COMMENT ON COLUMN quotetier.segment_cell.f IS 'frequency score of the cell';
COMMENT ON COLUMN quotetier.segment_cell.m IS 'monetary score of the cell';

-- A row that asks for scores its map does not have is a mistake, not a wish.
CREATE FUNCTION quotetier.check_segment_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    bins int;
    outside text;
BEGIN
    SELECT segment_map.bins INTO bins FROM quotetier.segment_map WHERE segment_map.name = NEW.map;
    IF NOT FOUND THEN
        RETURN NEW;     -- the foreign key says so
    END IF;
    SELECT string_agg(c, ', ') INTO outside FROM unnest(NEW.cells) c WHERE c ~ format('[^1-%s]', bins);
    SELECT coalesce(outside, string_agg(range::text, ', ')) INTO outside
    FROM unnest(ARRAY[NEW.r, NEW.f, NEW.m]) range WHERE NOT range <@ int4range(1, bins, '[]');
    IF outside IS NOT NULL THEN
        RAISE EXCEPTION 'segment "%" covers scores that map "%" does not have', NEW.name, NEW.map
            USING ERRCODE = 'check_violation',
                  DETAIL = format('Outside of 1 to %s: %s.', bins, outside),
                  HINT = 'Leave a range NULL to cover every score, or set the map''s bins first.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quotetier.check_segment_row() IS
    'trigger on segment: refuses scores that the map does not have';

CREATE TRIGGER check_segment_row BEFORE INSERT OR UPDATE ON quotetier.segment
    FOR EACH ROW EXECUTE FUNCTION quotetier.check_segment_row();

-- A map's bins must not shrink under its rows.
CREATE FUNCTION quotetier.check_segment_map_bins() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    UPDATE quotetier.segment SET rank = rank WHERE map = NEW.name;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quotetier.check_segment_map_bins() IS
    'trigger on segment_map: checks the map''s rows anew when its bins change';

CREATE TRIGGER check_segment_map_bins AFTER UPDATE OF bins ON quotetier.segment_map
    FOR EACH ROW WHEN (OLD.bins <> NEW.bins) EXECUTE FUNCTION quotetier.check_segment_map_bins();

CREATE FUNCTION quotetier.rfm_segment(r int, f int, m int, map text DEFAULT 'standard') RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_segment';
COMMENT ON FUNCTION quotetier.rfm_segment(int, int, int, text) IS
    'segment of a cell in a map; NULL if a score is';

-- ----- the maps that come with the extension -----

INSERT INTO quotetier.segment_map (name, bins, fallback, fallback_zh, note, origin) VALUES
    ('standard', 5, 'Others', '其他客户', 'The widely copied 11 segments over 125 cells; 231, 241 and 251, which some copies list twice, are About To Sleep.', 'shipped'),
    ('rf_grid', 5, 'others', '其他客户', 'The widely copied 10 segments over recency and frequency alone.', 'shipped'),
    ('r_rfm', 5, 'Others', '其他客户', 'The map of the vignette of R''s package rfm, first match wins.', 'shipped'),
    ('chinese_8', 2, '其他客户', '其他客户', 'Eight classes by high (2) and low (1): mode ''mean'' or ''median'', bins 2.', 'shipped'),
    ('klaviyo_27', 3, 'Others', '其他客户', 'Klaviyo''s six groups over scores from 1 to 3.', 'shipped');
UPDATE quotetier.segment_map SET fallback_en = 'Others' WHERE name IN ('rf_grid', 'chinese_8');

INSERT INTO quotetier.segment (map, rank, name, cells, label_zh) VALUES
    ('standard', 1, 'Champions', '{555,554,544,545,454,455,445}', '冠军客户'),
    ('standard', 2, 'Loyal', '{543,444,435,355,354,345,344,335}', '忠诚客户'),
    ('standard', 3, 'Potential Loyalist', '{553,551,552,541,542,533,532,531,452,451,442,441,431,453,433,432,423,353,352,351,342,341,333,323}', '潜在忠诚客户'),
    ('standard', 4, 'New Customers', '{512,511,422,421,412,411,311}', '新客户'),
    ('standard', 5, 'Promising', '{525,524,523,522,521,515,514,513,425,424,413,414,415,315,314,313}', '有潜力客户'),
    ('standard', 6, 'Need Attention', '{535,534,443,434,343,334,325,324}', '需要关注客户'),
    ('standard', 7, 'About To Sleep', '{331,321,312,221,213,231,241,251}', '即将沉睡客户'),
    ('standard', 8, 'At Risk', '{255,254,245,244,253,252,243,242,235,234,225,224,153,152,145,143,142,135,134,133,125,124}', '流失风险客户'),
    ('standard', 9, 'Cannot Lose Them', '{155,154,144,214,215,115,114,113}', '不能流失客户'),
    ('standard', 10, 'Hibernating', '{332,322,233,232,223,222,132,123,122,212,211}', '沉睡客户'),
    ('standard', 11, 'Lost', '{111,112,121,131,141,151}', '已流失客户');

INSERT INTO quotetier.segment (map, rank, name, r, f, label_en, label_zh) VALUES
    ('rf_grid', 1, 'hibernating', '[1,2]', '[1,2]', 'Hibernating', '沉睡客户'),
    ('rf_grid', 2, 'at_risk', '[1,2]', '[3,4]', 'At Risk', '流失风险客户'),
    ('rf_grid', 3, 'cant_lose', '[1,2]', '[5,5]', 'Can''t Lose', '不能流失客户'),
    ('rf_grid', 4, 'about_to_sleep', '[3,3]', '[1,2]', 'About To Sleep', '即将沉睡客户'),
    ('rf_grid', 5, 'need_attention', '[3,3]', '[3,3]', 'Need Attention', '需要关注客户'),
    ('rf_grid', 6, 'loyal_customers', '[3,4]', '[4,5]', 'Loyal Customers', '忠诚客户'),
    ('rf_grid', 7, 'promising', '[4,4]', '[1,1]', 'Promising', '有潜力客户'),
    ('rf_grid', 8, 'new_customers', '[5,5]', '[1,1]', 'New Customers', '新客户'),
    ('rf_grid', 9, 'potential_loyalists', '[4,5]', '[2,3]', 'Potential Loyalists', '潜在忠诚客户'),
    ('rf_grid', 10, 'champions', '[5,5]', '[4,5]', 'Champions', '冠军客户');

INSERT INTO quotetier.segment (map, rank, name, r, f, m, label_zh) VALUES
    ('r_rfm', 1, 'Champions', '[5,5]', '[5,5]', '[5,5]', '冠军客户'),
    ('r_rfm', 2, 'Potential Loyalist', '[3,5]', '[3,5]', '[2,5]', '潜在忠诚客户'),
    ('r_rfm', 3, 'Loyal Customers', '[2,4]', '[2,4]', '[2,4]', '忠诚客户'),
    ('r_rfm', 4, 'Promising', '[3,4]', '[1,3]', '[3,5]', '有潜力客户'),
    ('r_rfm', 5, 'New Customers', '[4,5]', '[1,3]', '[1,5]', '新客户'),
    ('r_rfm', 6, 'Can''t Lose Them', '[1,2]', '[3,4]', '[4,5]', '不能流失客户'),
    ('r_rfm', 7, 'At Risk', '[1,2]', '[2,5]', '[4,5]', '流失风险客户'),
    ('r_rfm', 8, 'Need Attention', '[1,3]', '[3,5]', '[3,5]', '需要关注客户'),
    ('r_rfm', 9, 'About To Sleep', '[2,3]', '[1,3]', '[1,4]', '即将沉睡客户'),
    ('r_rfm', 10, 'Lost', '[1,1]', '[1,5]', '[1,5]', '已流失客户');

INSERT INTO quotetier.segment (map, rank, name, cells, label_en, label_zh) VALUES
    ('chinese_8', 1, '重要价值客户', '{222}', 'Important Value', '重要价值客户'),
    ('chinese_8', 2, '重要保持客户', '{122}', 'Important Retain', '重要保持客户'),
    ('chinese_8', 3, '重要发展客户', '{212}', 'Important Develop', '重要发展客户'),
    ('chinese_8', 4, '重要挽留客户', '{112}', 'Important Win-back', '重要挽留客户'),
    ('chinese_8', 5, '一般价值客户', '{221}', 'General Value', '一般价值客户'),
    ('chinese_8', 6, '一般保持客户', '{121}', 'General Retain', '一般保持客户'),
    ('chinese_8', 7, '一般发展客户', '{211}', 'General Develop', '一般发展客户'),
    ('chinese_8', 8, '一般挽留客户', '{111}', 'General Win-back', '一般挽留客户');

INSERT INTO quotetier.segment (map, rank, name, cells, label_zh) VALUES
    ('klaviyo_27', 1, 'Champions', '{333,332,323}', '冠军客户'),
    ('klaviyo_27', 2, 'Loyal', '{321,322,331,232,233}', '忠诚客户'),
    ('klaviyo_27', 3, 'Recent', '{312,313,311,222,223}', '近期客户'),
    ('klaviyo_27', 4, 'Needs Attention', '{213,221,123,132,133}', '需要关注客户'),
    ('klaviyo_27', 5, 'At Risk', '{231,212,122,131,211}', '流失风险客户'),
    ('klaviyo_27', 6, 'Inactive', '{111,112,113,121}', '不活跃客户');

-- ----- what a map leaves out, says twice, or can never say -----

CREATE FUNCTION quotetier.check_segment_map(
    map text,
    OUT problem text,
    OUT rank    int,
    OUT segment text,
    OUT cells   text[],
    OUT detail  text
) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    fallback text;
    bins     int;
BEGIN
    SELECT segment_map.fallback, segment_map.bins INTO fallback, bins
    FROM quotetier.segment_map WHERE segment_map.name = check_segment_map.map;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'segment map "%" does not exist', map
            USING ERRCODE = 'undefined_object', HINT = 'The maps are the rows of quotetier.segment_map.';
    END IF;

    RETURN QUERY
    WITH cover AS (
        SELECT c.rank, c.segment, concat(c.r, c.f, c.m) AS cell,
               first_value(c.rank) OVER (PARTITION BY c.r, c.f, c.m ORDER BY c.rank) AS winner
        FROM quotetier.segment_cell c WHERE c.map = check_segment_map.map
    )
    SELECT 'gap', NULL::int, fallback, array_agg(concat(r, f, m) ORDER BY r, f, m),
           'no row covers these cells: they are the fallback'
    FROM generate_series(1, bins) r, generate_series(1, bins) f, generate_series(1, bins) m
    WHERE concat(r, f, m) NOT IN (SELECT cell FROM cover)
    HAVING count(*) > 0
    UNION ALL
    SELECT CASE WHEN bool_and(winner < cover.rank) THEN 'unreachable' ELSE 'overlap' END,
           cover.rank, cover.segment, array_agg(cell ORDER BY cell) FILTER (WHERE winner < cover.rank),
           'rows that come first name these cells: rank '
           || string_agg(DISTINCT winner::text, ', ') FILTER (WHERE winner < cover.rank)
    FROM cover GROUP BY cover.rank, cover.segment HAVING bool_or(winner < cover.rank)
    ORDER BY 2 NULLS FIRST;
END
$$;
COMMENT ON FUNCTION quotetier.check_segment_map(text) IS
    'gaps, overlaps and unreachable rows of a segment map, with their cells';

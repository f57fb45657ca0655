-- Segment maps: the published tables, first match wins, and what is refused.
SET search_path = public, quotetier;

-- ----- what ships -----

SELECT name, bins, fallback, origin FROM segment_map ORDER BY 1;
SELECT name AS segment, count(*) AS cells
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m, rfm_segment(r, f, m) name
GROUP BY 1 ORDER BY 1;
SELECT r, f, string_agg(rfm_segment(r, f, m), ', ' ORDER BY m) AS "m from 1 to 5"
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC;
SELECT r, string_agg(rfm_segment(r, f, 1, 'rf_grid'), ', ' ORDER BY f) AS "f from 1 to 5"
FROM generate_series(1, 5) r, generate_series(1, 5) f GROUP BY 1 ORDER BY 1 DESC;
SELECT r, f, m, rfm_segment(r, f, m, 'chinese_8'), label_en
FROM generate_series(1, 2) r, generate_series(1, 2) f, generate_series(1, 2) m,
     (SELECT name, label_en FROM segment WHERE map = 'chinese_8') s
WHERE name = rfm_segment(r, f, m, 'chinese_8') ORDER BY 1, 2, 3;
SELECT rfm_segment(r, f, m, 'klaviyo_27') AS segment, string_agg(concat(r, f, m), ' ' ORDER BY r, f, m) AS cells
FROM generate_series(1, 3) r, generate_series(1, 3) f, generate_series(1, 3) m GROUP BY 1 ORDER BY 1;
SELECT rfm_segment(r, f, m, 'r_rfm') AS segment, count(*) AS cells, min(concat(r, f, m)) AS lowest, max(concat(r, f, m)) AS highest
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m GROUP BY 1 ORDER BY 1;
SELECT rfm_segment(NULL, 1, 1) IS NULL AND rfm_segment(1, NULL, 1) IS NULL AND rfm_segment(1, 1, NULL) IS NULL
   AND rfm_segment(1, 1, 1, NULL) IS NULL AS null_is_null;

-- ----- one's own -----

INSERT INTO segment_map (name, bins, fallback) VALUES ('two', 2, 'Rest');
INSERT INTO segment (map, rank, name, r, f, cells) VALUES
    ('two', 20, 'Recent', '[2,2]', NULL, NULL),
    ('two', 10, 'Best', NULL, NULL, '{222}'),
    ('two', 30, 'Shadowed', '[2,3)', '[1,2]', NULL);
SELECT string_agg(concat(r, f, m, ' ', rfm_segment(r, f, m, 'two')), ', ' ORDER BY r, f, m) AS cells
FROM generate_series(1, 2) r, generate_series(1, 2) f, generate_series(1, 2) m;
BEGIN;
UPDATE segment SET name = 'Changed' WHERE map = 'two' AND rank = 10;
SELECT rfm_segment(2, 2, 2, 'two');
SAVEPOINT s;
DELETE FROM segment WHERE map = 'two' AND rank = 10;
SELECT rfm_segment(2, 2, 2, 'two');
ROLLBACK TO s;
SELECT rfm_segment(2, 2, 2, 'two');
ROLLBACK;
SELECT rfm_segment(2, 2, 2, 'two');
UPDATE segment_map SET name = 'deux' WHERE name = 'two';
SELECT rfm_segment(1, 2, 2, 'deux'), rfm_segment(2, 1, 2, 'deux');

-- ----- bad input -----

SELECT rfm_segment(6, 5, 5);
SELECT rfm_segment(1, 0, 1, 'chinese_8');
SELECT rfm_segment(1, 1, 1, 'no such map');
INSERT INTO segment_map (name, bins) VALUES ('ten', 10);
INSERT INTO segment_map (name, bins) VALUES ('', 5);
INSERT INTO segment (map, rank, name, r) VALUES ('no such map', 1, 'x', '[1,1]');
INSERT INTO segment (map, rank, name, r) VALUES ('deux', 40, 'x', '[2,3]');
INSERT INTO segment (map, rank, name, r) VALUES ('deux', 40, 'x', '[1,)');
INSERT INTO segment (map, rank, name, r) VALUES ('deux', 40, 'x', 'empty');
INSERT INTO segment (map, rank, name, cells) VALUES ('deux', 40, 'x', '{222,223,113}');
INSERT INTO segment (map, rank, name, cells) VALUES ('deux', 40, 'x', '{22}');
INSERT INTO segment (map, rank, name, cells) VALUES ('deux', 40, 'x', '{NULL}');
INSERT INTO segment (map, rank, name, r, cells) VALUES ('deux', 40, 'x', '[1,1]', '{111}');
INSERT INTO segment (map, rank, name) VALUES ('deux', 10, 'x');
UPDATE segment_map SET bins = 4 WHERE name = 'standard';
UPDATE segment_map SET bins = 3 WHERE name = 'deux';
SELECT rfm_segment(3, 1, 1, 'deux');
ALTER TABLE segment ENABLE ROW LEVEL SECURITY;
SELECT rfm_segment(1, 1, 1, 'standard');
ALTER TABLE segment DISABLE ROW LEVEL SECURITY;
DELETE FROM segment_map WHERE name = 'deux';
SELECT rfm_segment(1, 1, 1, 'deux');
SELECT count(*) AS left_behind FROM segment WHERE map = 'deux';

-- ----- what is wrong with a map -----

SELECT name, problem, count(c.problem) AS rows, sum(cardinality(cells)) AS cells
FROM segment_map LEFT JOIN LATERAL check_segment_map(name) c ON true GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO segment_map (name, bins) VALUES ('faulty', 2);
INSERT INTO segment (map, rank, name, r, f, cells) VALUES
    ('faulty', 1, 'Recent', '[2,2]', NULL, NULL), ('faulty', 2, 'Frequent', NULL, '[2,2]', NULL),
    ('faulty', 3, 'Never', NULL, NULL, '{222,221}');
SELECT * FROM check_segment_map('faulty');
DELETE FROM segment_map WHERE name = 'faulty';
SELECT * FROM check_segment_map('faulty');

-- ----- labels -----

SELECT label('Champions') AS zh, label('Champions', 'en') AS en, label('重要价值客户', 'en') AS of_chinese,
       label('at_risk', 'en') AS of_grid, label('Others', 'zh') AS fallback, label('nobody') AS unknown, label(NULL) AS nothing;
-- several maps, schemes and class schemes have the name: that of the one asked for; else of standard; else one that is more than the name
SELECT label('At Risk', 'zh', 'klaviyo_27') AS of_klaviyo, label('nobody', 'zh', 'standard') AS nobody_there, label('Lost', 'zh', NULL) AS of_any;
INSERT INTO segment_map (name, bins, fallback) VALUES ('aaa', 2, 'gold'), ('twice', 2, 'Rest');
INSERT INTO segment (map, rank, name, cells, label_en, label_zh) VALUES
    ('aaa', 1, 'Champions', '{222}', 'Best of two', '两者之最'), ('twice', 1, 'Same', '{222}', NULL, NULL), ('twice', 2, 'Same', '{221}', NULL, '相同');
INSERT INTO scheme (name) VALUES ('club');
INSERT INTO tier (scheme, name, rank, from_value, label_zh) VALUES ('club', 'gold', 1, 1, '金卡'), ('club', 'Champions', 2, 2, '冠军');
INSERT INTO class_scheme (name) VALUES ('kind');
INSERT INTO class_rule (scheme, class, label_zh, condition) VALUES ('kind', 'gold', NULL, '$.a == 1'), ('kind', 'gold', '黄金', '$.a == 2'), ('kind', 'plain', NULL, NULL);
SELECT label('Champions') AS standard, label('Champions', 'en', 'aaa') AS aaa, label('Champions', 'zh', 'club') AS club,
       label('gold') AS has_one, label('gold', 'en') AS no_english, label('gold', 'zh', 'kind') AS class, label('plain', 'zh', 'kind') AS none, label('Same') AS same;
SELECT * FROM labels WHERE "of" IN ('aaa', 'twice', 'club', 'kind') ORDER BY 1, 2, 3;
-- the same of a scheme's tiers and of classes alone
SELECT tier_label('club', 'gold'), tier_label('club', 'gold', 'en'), tier_label('club', 'none') IS NULL AS none,
       class_label('kind', 'gold'), class_label('kind', 'gold', 'en'), class_label('kind', 'none') IS NULL AS none;
DELETE FROM segment_map WHERE name IN ('aaa', 'twice');
DELETE FROM scheme WHERE name = 'club';
DELETE FROM class_scheme WHERE name = 'kind';
SELECT label('At Risk', 'zh', 'no such map');
SELECT label('Champions', 'fr');
SELECT label('Champions', NULL) AS nothing;

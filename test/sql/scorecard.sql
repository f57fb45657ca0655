\set SHOW_CONTEXT never
-- scorecards, and weights from comparisons and from data

-- ----- AHP: published figures -----
SELECT (SELECT array_agg(round(w::numeric, 8)) FROM unnest(weights) w) AS weights, round(lambda_max::numeric, 8) AS lambda_max,
       round(ci::numeric, 8) AS ci, round(cr::numeric, 8) AS cr
FROM (VALUES (1, ARRAY[[1,3,5],[1/3.0,1,3],[1/5.0,1/3.0,1]]::float8[]), (2, ARRAY[[1,2,4],[.5,1,2],[.25,.5,1]]),
             (3, ARRAY[[1,1/3.0,1/5.0,1/7.0],[3,1,1/2.0,1/3.0],[5,2,1,1/2.0],[7,3,2,1]]), (4, ARRAY[[1]]), (5, ARRAY[[1,9],[1/9.0,1]])) m (i, matrix),
     quotetier.ahp_weights(matrix)
ORDER BY i;
-- comparisons that do not contradict each other at all: not even by the last digit
SELECT ci, cr FROM quotetier.ahp_weights(ARRAY[[1,2,4],[0.5,1,2],[0.25,0.5,1]]);
SELECT round(cr::numeric, 4) AS cr FROM quotetier.ahp_weights(ARRAY[[1,9,1/9.0],[1/9.0,1,9],[9,1/9.0,1]]);
SELECT (SELECT array_agg(round(w::numeric, 4)) FROM unnest(weights) w) AS weights, round(cr::numeric, 4) AS cr
FROM quotetier.ahp_weights(ARRAY[[1,9,1/9.0],[1/9.0,1,9],[9,1/9.0,1]], force => true);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,2],[1,2],[1,2]]::float8[]);
SELECT weights FROM quotetier.ahp_weights('{1,2}');
SELECT weights FROM quotetier.ahp_weights('{}');
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,2],[0,1]]);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,2],[2,1]]);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[2,2],[0.5,1]]);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,NULL],[1,1]]::float8[]);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,'NaN'],[1,1]]::float8[]);
SELECT weights FROM quotetier.ahp_weights(ARRAY[[1,1e308],[1e-308,1]]::float8[]);
SELECT weights FROM quotetier.ahp_weights((SELECT array_agg(r) FROM (SELECT array_agg(1) AS r FROM generate_series(1, 16) i, generate_series(1, 16) j GROUP BY i) m));
SELECT weights IS NULL AS null_in FROM quotetier.ahp_weights(NULL);

-- ----- entropy: published figures -----
CREATE TABLE sample (a int, b numeric, c float8, "Odd, 'name'" int);
INSERT INTO sample VALUES (5, 4, 3, 1), (4, 5, 1, 1), (1, 2, 5, 1), (3, 3, 3, 1);
SELECT metric, round(entropy::numeric, 8) AS entropy, round(weight::numeric, 8) AS weight FROM quotetier.entropy_weights('sample', '{a,b,c}');
SELECT metric, round(weight::numeric, 8) AS weight FROM quotetier.entropy_weights('sample', ARRAY['Odd, ''name''', 'a']);
SELECT * FROM quotetier.entropy_weights('sample', ARRAY['Odd, ''name''']);
INSERT INTO sample VALUES (NULL, 1000, 1000, 0);
SELECT metric, round(weight::numeric, 8) AS weight FROM quotetier.entropy_weights('sample', '{c,a,b}');
SELECT * FROM quotetier.entropy_weights('sample', '{}');
SELECT * FROM quotetier.entropy_weights('sample', '{a,a}');
SELECT * FROM quotetier.entropy_weights('sample', '{nothing}');
INSERT INTO sample VALUES (-1, 1, 1, 1);
SELECT * FROM quotetier.entropy_weights('sample', '{a}');
DELETE FROM sample WHERE a IS DISTINCT FROM 5;
SELECT * FROM quotetier.entropy_weights('sample', '{a}');

-- ----- scores -----
INSERT INTO quotetier.scorecard (name, points) VALUES ('all', 100), ('ten', 10), ('empty', 100);
INSERT INTO quotetier.metric (scorecard, name, weight, direction, scale, low, high, mean, deviation, cuts, half_life) VALUES
    ('all', 'up', 1, 'more', 'linear', 10, 30, NULL, NULL, NULL, NULL),
    ('all', 'down', 2, 'less', 'linear', 0, 0.1, NULL, NULL, NULL, NULL),
    ('all', 'norm', 1, 'more', 'z', NULL, NULL, 50, 10, NULL, NULL),
    ('all', 'rank', 1, 'more', 'percentile', NULL, NULL, NULL, NULL, '{1,2,2,4}', NULL),
    ('all', 'table', 1, 'more', 'bracket', NULL, NULL, NULL, NULL, NULL, NULL),
    ('all', 'days', 4, 'less', 'decay', NULL, NULL, NULL, NULL, NULL, 90),
    ('ten', 'x', 0.3, 'more', 'linear', 0, 3, NULL, NULL, NULL, NULL);
INSERT INTO quotetier.metric_bracket VALUES ('all', 'table', 0, 20), ('all', 'table', 10, 60), ('all', 'table', 100, 100);

-- by hand: 50, 75, 66.67, 75, 60, 50
SELECT * FROM quotetier.scorecard_points('all', '{"up": 20, "down": 0.025, "norm": 60, "rank": 2, "table": 99.9, "days": 90}');
SELECT *, round((1 * 50 + 2 * 75 + 1 * 66.666667 + 1 * 75 + 1 * 60 + 4 * 50) / 10, 6) AS by_hand
FROM quotetier.scorecard_score('all', '{"up": 20, "down": 0.025, "norm": 60, "rank": 2, "table": 99.9, "days": 90}');

-- every scale at its ends and beyond
SELECT v AS value, string_agg(format('%s %s', p.metric, trim_scale(round(p.points, 3))), ', ' ORDER BY p.metric) AS points
FROM unnest('{-1000000,-1,0,1,2,3.99,4,10,29.9,30,100,1000000}'::numeric[]) WITH ORDINALITY u (v, i),
     quotetier.scorecard_points('all', jsonb_build_object('up', v, 'down', v, 'norm', v, 'rank', v, 'table', v, 'days', v)) p
GROUP BY i, v ORDER BY i;

-- what is missing is left out, and said
SELECT * FROM quotetier.scorecard_score('all', '{"up": 20}');
SELECT * FROM quotetier.scorecard_score('all', '{"up": null, "days": 0}');
SELECT * FROM quotetier.scorecard_score('all', '{}');
SELECT * FROM quotetier.scorecard_score('empty', '{"up": 1}');
SELECT * FROM quotetier.scorecard_score('ten', '{"x": 1}');
SELECT (quotetier.scorecard_score(NULL, '{"x": 1}'::jsonb)).score IS NULL AS no_name;

-- from any row
CREATE TABLE customer (id int, up int, down numeric(6,3), norm bigint, days smallint, gone int);
INSERT INTO customer VALUES (1, 20, 0.025, 60, 90, 1), (2, 30, 0, 100, 0, 1), (3, NULL, NULL, NULL, 180, 1);
ALTER TABLE customer DROP COLUMN gone;
SELECT c.id, s.* FROM customer c, quotetier.scorecard_score('all', c) s ORDER BY id;
SELECT c.id, s.* FROM customer c, LATERAL (SELECT c.up, c.days AS "table") f, quotetier.scorecard_score('all', f) s ORDER BY id;
SELECT id, quotetier.tier('loyal', (quotetier.scorecard_score('all', c)).score) FROM customer c ORDER BY id;
INSERT INTO quotetier.scheme (name) VALUES ('loyal');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('loyal', 'low', 1, 0), ('loyal', 'high', 2, 60);
SELECT id, quotetier.tier('loyal', (quotetier.scorecard_score('all', c)).score) FROM customer c ORDER BY id;

-- changes are seen at once
BEGIN;
UPDATE quotetier.metric SET weight = 1000 WHERE scorecard = 'all' AND name = 'up';
SELECT score FROM quotetier.scorecard_score('all', '{"up": 30, "days": 90}');
ROLLBACK;
SELECT score FROM quotetier.scorecard_score('all', '{"up": 30, "days": 90}');

-- scales from data
CREATE TABLE history (up numeric, norm int, rank int, days int);
INSERT INTO history SELECT i, i * 2, i, i FROM generate_series(1, 100) i;
SELECT name, scale, low, high, round(mean, 2) AS mean, round(deviation, 4) AS deviation, cuts[1:3], cuts[99] FROM quotetier.scorecard_fit('all', 'history');
SELECT * FROM quotetier.scorecard_points('all', '{"up": 100, "norm": 101, "rank": 50}') WHERE value IS NOT NULL;
UPDATE history SET up = 5;
SELECT * FROM quotetier.scorecard_fit('all', 'history');
SELECT * FROM quotetier.scorecard_fit('none', 'history');

-- ----- what is refused -----
SELECT * FROM quotetier.scorecard_score('none', '{}');
SELECT * FROM quotetier.scorecard_score('all', '[1]');
SELECT * FROM quotetier.scorecard_score('all', '{"up": "many"}');
SELECT * FROM quotetier.scorecard_score('all', '{"up": [1]}');
SELECT s.* FROM (VALUES ('x'::text)) f (up), quotetier.scorecard_score('all', f) s;
SELECT s.* FROM (VALUES ('NaN'::numeric)) f (up), quotetier.scorecard_score('all', f) s;
INSERT INTO quotetier.metric (scorecard, name, scale) VALUES ('ten', 'y', 'curve');
INSERT INTO quotetier.metric (scorecard, name, low, high) VALUES ('ten', 'y', 1, 1);
INSERT INTO quotetier.metric (scorecard, name, low, high) VALUES ('ten', 'y', 1, 'NaN');
INSERT INTO quotetier.metric (scorecard, name, low) VALUES ('ten', 'y', 1);
INSERT INTO quotetier.metric (scorecard, name, low, high, half_life) VALUES ('ten', 'y', 1, 2, 3);
INSERT INTO quotetier.metric (scorecard, name, scale, mean, deviation) VALUES ('ten', 'y', 'z', 1, 0);
INSERT INTO quotetier.metric (scorecard, name, scale, cuts) VALUES ('ten', 'y', 'percentile', '{2,1}');
INSERT INTO quotetier.metric (scorecard, name, scale, cuts) VALUES ('ten', 'y', 'percentile', '{}');
INSERT INTO quotetier.metric (scorecard, name, scale, half_life) VALUES ('ten', 'y', 'decay', 0);
INSERT INTO quotetier.metric (scorecard, name, scale, direction) VALUES ('ten', 'y', 'bracket', 'less');
INSERT INTO quotetier.metric (scorecard, name, low, high, weight) VALUES ('ten', 'y', 1, 2, 0);
INSERT INTO quotetier.metric (scorecard, name, low, high, direction) VALUES ('ten', 'y', 1, 2, 'up');
INSERT INTO quotetier.metric (scorecard, name, scale) VALUES ('ten', 'y', 'bracket');
SELECT * FROM quotetier.scorecard_score('ten', '{"y": 1}');

-- ----- those that ship -----
SELECT * FROM quotetier.scorecard_score('customer_health', '{"recency_days": 90, "trend": 0, "complaint_rate": 0.05, "return_ratio": 0.15, "satisfaction": 3}');
SELECT * FROM quotetier.scorecard_score('customer_value', '{"order_amount": 250000, "profit": 20000, "credit": 100, "prospects": 10}');
SELECT * FROM quotetier.scorecard_score('engagement', '{"contacts": 0, "visits": 0}');

DELETE FROM quotetier.scorecard WHERE origin = 'user';
DELETE FROM quotetier.scheme WHERE origin = 'user';
DROP TABLE sample, customer, history;

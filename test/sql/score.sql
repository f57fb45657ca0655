-- Scores by rank and by cut points, judged by type-7 quantiles in plain SQL.
SET search_path = public, quotetier;

-- ----- what they are -----

SELECT v, quantile_score(5) OVER (ORDER BY v) AS quintile,
       quantile_score(3) OVER (ORDER BY v DESC) AS third_downwards,
       score(v, '{1.6,3,3,4.4}') AS by_cuts
FROM (VALUES (1), (1), (2), (3), (3), (3), (4), (NULL), (5), (9.5), (NULL)) t (v) ORDER BY v;
SELECT bins, quantile_cuts(v, bins)
FROM (VALUES (1), (1), (2), (3), (3), (3), (4), (NULL), (5), (9.5)) t (v), generate_series(1, 4) bins GROUP BY 1 ORDER BY 1;
-- R: quantile(mtcars$mpg, 1:4/5, type = 7) is 15.20 17.92 21.00 24.08
SELECT quantile_cuts(mpg, 5)
FROM unnest('{21,21,22.8,21.4,18.7,18.1,14.3,24.4,22.8,19.2,17.8,16.4,17.3,15.2,10.4,10.4,14.7,32.4,30.4,33.9,21.5,15.5,15.2,13.3,19.2,27.3,26,30.4,15.8,19.7,15,21.4}'::numeric[]) mpg;

-- ----- edges -----

SELECT v, quantile_score(5) OVER (ORDER BY v) FROM (VALUES (7)) t (v);
SELECT v, quantile_score(5) OVER (ORDER BY v) FROM (VALUES (NULL::int), (NULL)) t (v);
SELECT v, quantile_score(5) OVER (ORDER BY v NULLS FIRST) AS first, quantile_score(5) OVER (ORDER BY v DESC NULLS LAST) AS last
FROM (VALUES (NULL), (7), (7), (8), (NULL), (9)) t (v) ORDER BY v;
SELECT quantile_score(5) OVER () AS all_are_ties FROM generate_series(1, 2);
SELECT quantile_score(1) OVER (ORDER BY i), quantile_score(NULL) OVER (ORDER BY i), quantile_score(1000) OVER (ORDER BY i)
FROM generate_series(1, 3) i;
-- by partition, by two columns, over text
SELECT g, v, quantile_score(4) OVER (PARTITION BY g ORDER BY v, g) AS score
FROM (VALUES ('a', 'x'), ('a', 'y'), ('a', NULL), ('b', 'z'), ('b', NULL), ('c', NULL)) t (g, v) ORDER BY g, v;
SELECT quantile_cuts(v, 5) IS NULL AS no_values FROM (VALUES (NULL::numeric)) t (v);
SELECT quantile_cuts(v, 5) FROM (VALUES (7)) t (v);
SELECT quantile_cuts(v, 3) AS thirds FROM (VALUES (0), (1)) t (v);
SELECT score(v, '{}') AS one_bin, score(NULL, '{1}') AS nothing FROM (VALUES (7)) t (v);
SELECT score(v, '{1,2.50,2.5000001,1e30}') FROM (VALUES (1), (1.00000000000000000000001), (2.5), (2.50000005), (2.6), (1e29), (1e31), (-1e40)) t (v);
-- too long for 128 bits
SELECT quantile_cuts(v, 4) FROM (VALUES (1e60), (2e60), (0.5), (-3e50), (1e-30)) t (v);
-- the cuts may be another's on every row
SELECT score(5, cuts) FROM (VALUES ('{1,2}'::numeric[]), ('{9}'), ('{1,2}'), ('{5}')) t (cuts);

-- whole numbers are not made numerics first: the same cuts and scores, and no cast in the plan
SELECT pg_typeof(v), quantile_cuts(v, 3), array_agg(score(v, '{-32768,1.5,2,2,32767}') ORDER BY v)
FROM (SELECT unnest('{-32768,1,2,NULL,3,32767}'::smallint[])) t (v) GROUP BY 1;
SELECT pg_typeof(v), quantile_cuts(v, 3), array_agg(score(v, '{-2147483648,1.5,2,2,2147483647}') ORDER BY v)
FROM (VALUES ('-2147483648'::int), (1), (2), (NULL), (3), (2147483647)) t (v) GROUP BY 1;
SELECT pg_typeof(v), quantile_cuts(v, 3), array_agg(score(v, '{-9223372036854775808,1.5,2,2,9223372036854775807}') ORDER BY v)
FROM (VALUES ('-9223372036854775808'::bigint), (1), (2), (NULL), (3), (9223372036854775807)) t (v) GROUP BY 1;
SELECT v, score(v, '{-1e30,1.00000000000000000000000000001,2,1e30}') AS long_cuts, score(v, '{0.9999999999999999999}') AS many_decimals
FROM (VALUES (NULL), (-9223372036854775808), (1), (2), (3), (9223372036854775807)) t (v);
EXPLAIN (VERBOSE, COSTS OFF)
SELECT score(a::smallint, '{1}'), score(a, '{1}'), score(b, '{1}'), score(b::numeric, '{1}'), score(n, '{1}') FROM (SELECT 1 AS a, 1::bigint AS b, 1.0 AS n OFFSET 0) t;
-- so a parameter without a type is still a numeric
PREPARE score_of AS SELECT score($1, '{1.5,2}'), score('1.5', '{1.5,2}'), score(NULL, '{1}');
EXECUTE score_of (1.75);

-- ----- bad input -----

SELECT quantile_score(0) OVER (ORDER BY i) FROM generate_series(1, 3) i;
SELECT quantile_score(1001) OVER (ORDER BY i) FROM generate_series(1, 3) i;
SELECT quantile_cuts(i, 0) FROM generate_series(1, 3) i;
SELECT quantile_cuts(i, NULL) FROM generate_series(1, 3) i;
SELECT quantile_cuts(i, i) FROM generate_series(1, 3) i;
SELECT quantile_cuts(v, 5) FROM (VALUES (1), ('NaN'::numeric)) t (v);
SELECT quantile_cuts(v, 5) FROM (VALUES (1e60), ('Infinity'::numeric)) t (v);
SELECT score('NaN', '{1,2}');
SELECT score(1, '{2,1}');
SELECT score(1, '{1,NULL}');
SELECT score(1, '{1,Infinity}');
SELECT score(1, '{{1,2},{3,4}}');

-- ----- 10,000 random samples full of ties, by exact quantiles in SQL; the seed is printed -----

\set seed 0.7
\echo seed :seed
SELECT setseed(:seed);
CREATE TEMP TABLE sample AS
SELECT id, bins, (random() * spread)::int / divisor AS v
FROM (SELECT id, 2 + (random() * 7)::int AS bins, 1 + (random() * 30)::int AS n, (random() * 12)::int AS spread,
             (ARRAY[1, 10, 100])[1 + (random() * 2)::int]::numeric AS divisor
      FROM generate_series(1, 10000) id) s, LATERAL generate_series(1, n);
ANALYZE sample;
-- score = 1 + the number of k for which v > x[low] + (x[low + 1] - x[low]) * part / bins
CREATE TEMP TABLE truth AS
WITH sorted AS (SELECT id, bins, count(*)::int AS n, array_agg(v ORDER BY v) AS x FROM sample GROUP BY 1, 2),
cut AS (SELECT id, bins, x[(n - 1) * k / bins + 1] AS low,
               coalesce(x[(n - 1) * k / bins + 2], x[n]) - x[(n - 1) * k / bins + 1] AS step, (n - 1) * k % bins AS part
        FROM sorted, generate_series(1, bins - 1) k)
SELECT id, v, 1 + count(*) FILTER (WHERE (v - low) * bins > step * part) AS score
FROM (SELECT DISTINCT id, v FROM sample) value JOIN cut USING (id) GROUP BY 1, 2;
SELECT count(DISTINCT id) AS samples, count(*) AS distinct_values, max(score) AS highest FROM truth;
SELECT count(*) AS differences_by_rank
FROM (SELECT id, v, quantile_score(bins) OVER (PARTITION BY id ORDER BY v) AS score FROM sample) mine
JOIN truth USING (id, v) WHERE mine.score <> truth.score;
SELECT count(*) AS differences_by_cuts
FROM (SELECT id, quantile_cuts(v, bins) AS cuts FROM sample GROUP BY 1) mine
JOIN truth USING (id) WHERE score(v, cuts) <> truth.score;
-- and of the same as whole numbers
SELECT count(*) FILTER (WHERE score(v, cuts) <> by_numeric) AS int, count(*) FILTER (WHERE score(v::bigint, cuts) <> by_numeric) AS bigint,
       count(*) FILTER (WHERE score(v::smallint, cuts) <> by_numeric) AS smallint
FROM (SELECT id, quantile_cuts((v * 100)::int, bins) AS cuts FROM sample GROUP BY 1) mine
JOIN (SELECT id, (v * 100)::int AS v, score FROM truth) t (id, v, by_numeric) USING (id);
-- and larger ones, where selection has work to do
SELECT count(*) AS differences
FROM (SELECT v, quantile_score(9) OVER (ORDER BY v) AS by_rank, (SELECT quantile_cuts(v, 9) FROM sample) AS cuts FROM sample) s
WHERE by_rank <> score(v, cuts);
SELECT (SELECT array_agg(trim_scale(q::numeric)) FROM unnest(percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY i * 7919 % 100003)) q)
     = quantile_cuts(i * 7919 % 100003, 4) AS as_percentile_cont
FROM generate_series(1, 100001) i;

-- tier_over(): shares of a whole set, judged by plain SQL
CREATE TEMP TABLE item (id int, value numeric);

-- by hand: 100 is the whole; A while under 80 has gone before, B under 95
INSERT INTO item VALUES (1, 50), (2, 29), (3, 11), (4, 5), (5, 3), (6, 2);
SELECT id, value, 100 - sum(value) OVER (ORDER BY value) AS gone_before,
       quotetier.tier_over('abc', value) OVER (ORDER BY value DESC) AS abc,
       quotetier.tier_over('pyramid', value) OVER (ORDER BY value DESC) AS pyramid
FROM item ORDER BY id;

-- exactly at a cut: 80 has gone before, so B
SELECT value, quotetier.tier_over('abc', value) OVER (ORDER BY value DESC)
FROM (VALUES (40), (40), (15), (5)) t (value);

-- what is not positive stands last and counts for nothing; NULL has no tier
SELECT value, quotetier.tier_over('abc', value) OVER (ORDER BY value DESC NULLS LAST)
FROM (VALUES (8), (1.5), (0.5), (0), (-100), (NULL)) t (value);
SELECT value, quotetier.tier_over('abc', value) OVER (ORDER BY value DESC)
FROM (VALUES (0), (-1), (NULL)) t (value);
SELECT value, quotetier.tier_over('abc', value) OVER () FROM (VALUES (7)) t (value);
SELECT quotetier.tier_over('abc', value) OVER (ORDER BY value DESC) FROM item WHERE false;
SELECT quotetier.tier_over(NULL, value) OVER (ORDER BY value DESC) FROM item WHERE id = 1;

-- equal values: by position, or together with the first of them
INSERT INTO quotetier.scheme (name, kind, keep_ties) VALUES ('halves', 'share', false), ('halves_ties', 'share', true), ('abc_ties', 'pareto', true);
INSERT INTO quotetier.tier (scheme, name, rank, from_value)
SELECT s, name, rank, from_value FROM (VALUES ('upper', 1, 0), ('lower', 2, 50)) t (name, rank, from_value), unnest('{halves,halves_ties}'::text[]) s
UNION ALL SELECT 'abc_ties', name, rank, from_value FROM quotetier.tier WHERE scheme = 'abc';
SELECT value, quotetier.tier_over('halves', value) OVER w AS halves, quotetier.tier_over('halves_ties', value) OVER w AS together,
       quotetier.tier_over('abc', value) OVER w AS abc, quotetier.tier_over('abc_ties', value) OVER w AS abc_together
FROM (VALUES (8), (4), (4), (4)) t (value)
WINDOW w AS (ORDER BY value DESC);

-- under the first rung, and rows without a value
INSERT INTO quotetier.scheme (name, kind) VALUES ('tail', 'share');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('tail', 'rest', 1, 50), ('tail', 'none', 2, NULL);
SELECT value, quotetier.tier_over('tail', value, 'none') OVER (ORDER BY value DESC NULLS LAST) AS tail,
       quotetier.tier_over('pyramid', value, state) OVER (ORDER BY value DESC NULLS LAST) AS pyramid
FROM (VALUES (9, NULL), (8, NULL), (7, NULL), (6, 'prospect'), (NULL, 'inactive'), (NULL, 'prospect'), (NULL, 'suspect'), (NULL, NULL)) t (value, state);

-- several partitions, and a scheme a partition
SELECT g, string_agg(tier, ' ' ORDER BY value DESC) AS tiers
FROM (SELECT g, value, quotetier.tier_over(CASE g WHEN 3 THEN 'halves' ELSE 'abc' END, value) OVER (PARTITION BY g ORDER BY value DESC) AS tier
      FROM generate_series(1, 3) g, LATERAL (SELECT (10 - i)::numeric ^ g AS value FROM generate_series(1, 6) i) v) t
GROUP BY g ORDER BY g;

-- against plain SQL: random sets with ties, zeros and long fractions; the seed is printed if one differs
CREATE FUNCTION differences(seed double precision) RETURNS bigint LANGUAGE plpgsql AS
$$
DECLARE
    different bigint;
BEGIN
    PERFORM setseed(seed);
    TRUNCATE item;
    INSERT INTO item
    SELECT i, CASE (random() * 4)::int
                  WHEN 0 THEN round((random() * 20)::numeric - 2)
                  WHEN 1 THEN 10 ^ (random() * 40 - 20)::numeric
                  WHEN 2 THEN 0
                  ELSE (random() * 1000)::numeric(12, 2) END
    FROM generate_series(1, 1 + (random() * 400)::int) i;
    WITH sum AS (
        SELECT id, value,
               sum(greatest(value, 0)) OVER (ORDER BY value DESC, id) - greatest(value, 0) AS before,
               sum(greatest(value, 0)) OVER (ORDER BY value DESC) AS through_ties,
               sum(greatest(value, 0)) OVER () AS total,
               row_number() OVER (ORDER BY value DESC, id) AS place,
               rank() OVER (ORDER BY value DESC) AS first_place,
               count(*) OVER () AS n
        FROM item
    ), expected AS (
        SELECT *,
               CASE WHEN value <= 0 THEN 'C' WHEN before * 100 < total * 80 THEN 'A' WHEN before * 100 < total * 95 THEN 'B' ELSE 'C' END AS abc,
               min(CASE WHEN value <= 0 THEN 'C' WHEN before * 100 < total * 80 THEN 'A' WHEN before * 100 < total * 95 THEN 'B' ELSE 'C' END)
                   OVER (PARTITION BY value) AS abc_ties,
               CASE WHEN place <= ceil(n * 1 / 100.0) THEN 'top' WHEN place <= ceil(n * 5 / 100.0) THEN 'big'
                    WHEN place <= ceil(n * 20 / 100.0) THEN 'medium' ELSE 'small' END AS pyramid,
               CASE WHEN first_place <= ceil(n * 50 / 100.0) THEN 'upper' ELSE 'lower' END AS halves_ties
        FROM sum
    ), graded AS (
        SELECT id, quotetier.tier_over('abc', value) OVER w AS abc, quotetier.tier_over('abc_ties', value) OVER w AS abc_ties,
               quotetier.tier_over('pyramid', value) OVER w AS pyramid, quotetier.tier_over('halves_ties', value) OVER w AS halves_ties
        FROM item WINDOW w AS (ORDER BY value DESC, id)
    )
    SELECT count(*) INTO different FROM expected e JOIN graded g USING (id)
    WHERE (e.abc, e.abc_ties, e.pyramid, e.halves_ties) IS DISTINCT FROM (g.abc, g.abc_ties, g.pyramid, g.halves_ties);
    RETURN different;
END
$$;
SELECT seed, different
FROM (SELECT random() * 2 - 1 AS seed FROM generate_series(1, 100)) s, LATERAL (SELECT differences(seed) AS different OFFSET 0) d
WHERE different <> 0;

-- grids
SELECT attractiveness, strength, quotetier.tier('kaism', attractiveness, strength),
       quotetier.tier_label('kaism', quotetier.tier('kaism', attractiveness, strength)) AS zh
FROM (VALUES (9, 9), (5.5, 5.499), (5.499, 5.5), (1, -3)) t (attractiveness, strength);
SELECT size, string_agg(quotetier.tier('size_potential', size, potential), ' ' ORDER BY potential DESC) AS potential
FROM unnest('{7,6.99,4,3.99}'::numeric[]) size, unnest('{1,5,9}'::numeric[]) potential GROUP BY size ORDER BY size DESC;
SELECT profit, days, quotetier.tier('prospect', profit, days)
FROM (VALUES (8, 10), (8, 30), (8, 400), (2, 10), (2, 89), (2, 90), (2, -1), (2, NULL)) t (profit, days);
INSERT INTO quotetier.scheme (name, kind) VALUES ('holes', 'grid');
INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2) VALUES ('holes', 'a', 1, 1, 1), ('holes', 'b', 2, 2, 2);
SELECT quotetier.tier('holes', 1, 1), quotetier.tier('holes', 0, 5), quotetier.tier('holes', 7, 7);
SELECT quotetier.tier('holes', 1, 2);

-- labels
SELECT quotetier.tier_label('abc', 'A'), quotetier.tier_label('abc', 'A', 'en'), quotetier.tier_label('holes', 'a'), quotetier.tier_label('abc', 'Z') IS NULL AS none;
SELECT scheme, string_agg(quotetier.tier_label(scheme, t.name), ' ' ORDER BY rank) AS tiers
FROM quotetier.tier t JOIN quotetier.scheme s ON s.name = t.scheme WHERE origin = 'shipped' GROUP BY 1 ORDER BY 1;

DELETE FROM quotetier.scheme WHERE origin = 'user';
DROP FUNCTION differences;

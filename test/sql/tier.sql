-- tier(): a score against a ladder of half-open rungs, judged by a SELECT
INSERT INTO quotetier.scheme (name) VALUES ('loyalty'), ('debt'), ('empty');
INSERT INTO quotetier.tier (scheme, name, rank, from_value, label_zh) VALUES
    ('loyalty', 'bronze', 1, 0, '铜牌'),
    ('loyalty', 'silver', 2, 1000, '银牌'),
    ('loyalty', 'gold', 3, 5000.50, '金牌');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES
    ('debt', 'small', 1, '-0.5'),       -- ranks may run the other way
    ('debt', 'owed', 2, -1000),
    ('debt', 'deep', 3, '-Infinity');

CREATE FUNCTION selected(scheme text, score numeric) RETURNS text LANGUAGE sql STABLE AS
$$
    SELECT t.name FROM quotetier.tier t
    WHERE t.scheme = $1 AND t.from_value <= $2
    ORDER BY t.from_value DESC LIMIT 1
$$;

SELECT score, quotetier.tier('loyalty', score)
FROM unnest('{-1e-20, 0, 0.00, 999.99999999999999999999, 1000, 1000.0, 5000.4999, 5000.5, 5000.500000, 1e45}'::numeric[])
     WITH ORDINALITY s (score, i) ORDER BY i;

SELECT score, quotetier.tier('debt', score)
FROM unnest('{-1e45, -1000.000001, -1000, -0.51, -0.5, 0, 7}'::numeric[]) WITH ORDINALITY s (score, i) ORDER BY i;

-- every place around every rung, at several scales
SELECT count(*) AS compared,
       count(*) FILTER (WHERE quotetier.tier(t.scheme, score) IS DISTINCT FROM selected(t.scheme, score)) AS different
FROM quotetier.tier t,
     unnest('{0, 1, -1, 0.5, -0.5, 1e-9, -1e-9, 1e-25, -1e-25, 1e9, -1e9, 1e40, -1e40}'::numeric[]) d,
     LATERAL (SELECT CASE WHEN t.from_value = '-Infinity' THEN 0 ELSE t.from_value END + d AS score) s
WHERE t.scheme IN ('loyalty', 'debt');

-- rungs that 128 bits do not hold
INSERT INTO quotetier.scheme (name) VALUES ('wide');
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES
    ('wide', 'a', 1, -1e60), ('wide', 'b', 2, 1e-60), ('wide', 'c', 3, 1e60), ('wide', 'd', 4, 1e60 + 1e-60);
SELECT count(*) AS compared,
       count(*) FILTER (WHERE quotetier.tier('wide', score) IS DISTINCT FROM selected('wide', score)) AS different
FROM quotetier.tier t, unnest('{0, 1e-60, -1e-60, 1e-61, -1e-61, 1, -1}'::numeric[]) d,
     LATERAL (SELECT t.from_value + d AS score) s
WHERE t.scheme = 'wide';

-- whole numbers need no cast
SELECT quotetier.tier('loyalty', 1000::int), quotetier.tier('loyalty', 5001::bigint), quotetier.tier('loyalty', '17');

-- what is not known is not graded
SELECT quotetier.tier('loyalty', NULL) IS NULL AS no_score,
       quotetier.tier(NULL, 5) IS NULL AS no_scheme,
       quotetier.tier('empty', 5) IS NULL AS no_tiers;

-- a name is its bytes: no padding, no folding
SELECT quotetier.tier('Loyalty', 5);
SELECT quotetier.tier('loyalty ', 5);
SELECT quotetier.tier('', 5);

-- several schemes in one statement, by turns
SELECT string_agg(quotetier.tier(s.name, i * 400), ' ' ORDER BY i, s.name) AS by_turns
FROM generate_series(0, 4) i, (VALUES ('loyalty'), ('debt'), ('wide')) s (name);

-- a name longer than any identifier
INSERT INTO quotetier.scheme (name) VALUES (repeat('长', 5000));
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES (repeat('长', 5000), repeat('名', 5000), 1, 0);
SELECT length(quotetier.tier(repeat('长', 5000), 1));

-- ON CONFLICT works as anywhere else
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('loyalty', 'gold', 3, 7000) ON CONFLICT DO NOTHING;
SELECT quotetier.tier('loyalty', 6000);
INSERT INTO quotetier.tier (scheme, name, rank, from_value) VALUES ('loyalty', 'gold', 3, 7000)
ON CONFLICT (scheme, name) DO UPDATE SET from_value = excluded.from_value;
SELECT quotetier.tier('loyalty', 6000);

SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE oid = 'quotetier.tier(text, numeric)'::regprocedure;

DROP FUNCTION selected;
DELETE FROM quotetier.scheme WHERE origin = 'user';

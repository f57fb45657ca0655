-- classify against the same decision in plain SQL, over random rules and facts.
SET timezone = 'UTC';
\echo seed 0.31415
SELECT setseed(0.31415);
INSERT INTO quotetier.dimension (name, kind, weight) VALUES
    ('a', 'label', 3), ('b', 'label', 1), ('c', 'path', 2), ('d', 'label', 1), ('e', 'path', 1);
INSERT INTO quotetier.class_scheme (name) VALUES ('random');

-- a value of a dimension: one of few, so that much matches; paths of one to three parts
CREATE FUNCTION pick_value(dim text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN dim IN ('c', 'e') THEN substr((ARRAY['X', 'Y'])[1 + floor(random() * 2)::int] ||
                (ARRAY['.p', '.q'])[1 + floor(random() * 2)::int] || (ARRAY['.p', '.q'])[1 + floor(random() * 2)::int], 1, 1 + 2 * floor(random() * 3)::int)
           ELSE 'v' || floor(random() * 4)::int END $$;
CREATE FUNCTION pick_scope() RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    scope jsonb := '{}';
    dim text;
    vals text[];
BEGIN
    FOREACH dim IN ARRAY ARRAY['a', 'b', 'c', 'd', 'e'] LOOP
        CONTINUE WHEN random() < 0.6;
        SELECT array_agg(DISTINCT pick_value(dim)) INTO vals FROM generate_series(1, 1 + floor(random() * 3)::int);
        scope := scope || jsonb_build_object(dim, CASE WHEN random() < 0.15 THEN jsonb_build_object('not', to_jsonb(vals))
                                                       WHEN cardinality(vals) = 1 THEN to_jsonb(vals[1]) ELSE to_jsonb(vals) END);
    END LOOP;
    RETURN scope;
END $$;
INSERT INTO quotetier.class_rule (scheme, scope, condition, valid, priority, class)
SELECT 'random', pick_scope(), CASE WHEN random() < 0.3 THEN ('$.n > ' || floor(random() * 10))::jsonpath END,
    CASE WHEN random() < 0.8 THEN '(,)' ELSE tstzrange(timestamptz '2025-01-01' + floor(random() * 10) * interval '1 day', timestamptz '2025-01-11' + floor(random() * 10) * interval '1 day') END,
    floor(random() * 3)::int, 'class ' || i
FROM generate_series(1, 250) i;
CREATE TABLE sample AS
SELECT i, jsonb_strip_nulls(jsonb_build_object('n', floor(random() * 12)::int,
    'a', CASE WHEN random() < 0.8 THEN to_jsonb(pick_value('a')) END, 'b', CASE WHEN random() < 0.8 THEN to_jsonb(pick_value('b')) END,
    'c', CASE WHEN random() < 0.8 THEN to_jsonb(pick_value('c')) END, 'd', CASE WHEN random() < 0.8 THEN jsonb_build_array(pick_value('d'), pick_value('d')) END,
    'e', CASE WHEN random() < 0.8 THEN jsonb_build_array(pick_value('e'), pick_value('e')) END)) AS facts,
    timestamptz '2025-01-01' + floor(random() * 20) * interval '1 day' AS as_of
FROM generate_series(1, 500) i;

-- the decision, in words of SQL: a rule applies if each dimension of its scope does; the strongest such rule wins
CREATE FUNCTION covers(rule_value text, fact text, kind text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT rule_value = fact OR (kind = 'path' AND starts_with(fact, rule_value || '.')) $$;
CREATE TABLE wanted AS
SELECT r.id, d.name, d.kind, negated, w AS value
FROM quotetier.class_rule r CROSS JOIN LATERAL jsonb_each(r.scope) s(key, value) JOIN quotetier.dimension d ON d.name = s.key,
     LATERAL (SELECT jsonb_typeof(value) = 'object' AS negated) n,
     LATERAL (SELECT CASE WHEN negated THEN value -> 'not' ELSE value END AS list) l,
     LATERAL jsonb_array_elements_text(CASE jsonb_typeof(list) WHEN 'array' THEN list ELSE jsonb_build_array(list) END) w
WHERE r.scheme = 'random';
CREATE TABLE known AS
SELECT i, key AS name, f AS value
FROM sample CROSS JOIN LATERAL jsonb_each(facts) e(key, value),
     LATERAL jsonb_array_elements_text(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE jsonb_build_array(value) END) f
WHERE key <> 'n';
ANALYZE known, wanted;
CREATE TABLE met AS  -- dimension by dimension: does the row have what the rule wants, how deep, or what it leaves out?
SELECT k.i, w.id, w.name, w.negated, bool_or(covers(w.value, k.value, w.kind)) AS has,
    coalesce(max(cardinality(string_to_array(w.value, '.'))) FILTER (WHERE w.kind = 'path' AND NOT w.negated AND covers(w.value, k.value, w.kind)), 0) AS depth
FROM known k JOIN wanted w USING (name) GROUP BY k.i, w.id, w.name, w.negated;
CREATE TABLE strength AS
SELECT r.*, (SELECT count(*) FROM jsonb_object_keys(scope)) AS dimensions,
    (SELECT string_agg(CASE WHEN r.scope ? d.name THEN '1' ELSE '0' END, '' ORDER BY d.weight DESC, d.id) FROM quotetier.dimension d) AS mask
FROM quotetier.class_rule r WHERE r.scheme = 'random';
ANALYZE met, strength, sample;
CREATE TABLE expected_class AS
WITH applies AS MATERIALIZED (
    SELECT i, id, jsonb_object_agg(name, depth) AS depths, count(*) AS dimensions FROM met WHERE has <> negated GROUP BY i, id
    UNION ALL
    SELECT i, id, '{}', 0 FROM sample, strength WHERE dimensions = 0
), ranked AS (
    SELECT s.i, r.class, row_number() OVER (PARTITION BY s.i ORDER BY r.mask DESC,
        (SELECT array_agg(coalesce((a.depths ->> d.name)::int, 0) ORDER BY d.weight DESC, d.id) FROM quotetier.dimension d) DESC, r.priority DESC, r.id) AS place
    FROM applies a JOIN sample s USING (i) JOIN strength r USING (id, dimensions)
    WHERE r.valid @> s.as_of AND (r.condition IS NULL OR coalesce(jsonb_path_match(s.facts, r.condition, silent => true), false))
)
SELECT s.i, r.class FROM sample s LEFT JOIN ranked r ON r.i = s.i AND r.place = 1;
SELECT count(*) AS rows, count(class) > 350 AS most_have_a_class, count(DISTINCT class) > 100 AS of_many,
    count(*) FILTER (WHERE quotetier.classify('random', facts, as_of) IS DISTINCT FROM class) AS differ,
    min(facts::text) FILTER (WHERE quotetier.classify('random', facts, as_of) IS DISTINCT FROM class) AS first_that_differs
FROM sample JOIN expected_class USING (i);
-- what explain_class says applied is what classify returned
SELECT count(*) FILTER (WHERE applied IS DISTINCT FROM class) AS differ, count(*) FILTER (WHERE more_than_one) AS repeated
FROM sample JOIN expected_class USING (i), LATERAL (
    SELECT max(e.class) FILTER (WHERE verdict = 'applied') AS applied, count(*) > count(DISTINCT rule) AS more_than_one
    FROM quotetier.explain_class('random', facts, as_of) e) explained;

DELETE FROM quotetier.class_scheme WHERE name = 'random';
DELETE FROM quotetier.dimension;
DROP TABLE sample, wanted, known, met, strength, expected_class;
DROP FUNCTION pick_scope, pick_value, covers;

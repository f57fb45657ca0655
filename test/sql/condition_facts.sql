-- Conditions are given only the facts that they name. Each must hold as it does of
-- all facts: by jsonb_path_match, of the row as jsonb.
SET timezone = 'UTC';
INSERT INTO quotetier.policy (name, round_increment) VALUES ('c', 0.01);
INSERT INTO quotetier.step (policy, seq, name, pick, level) VALUES ('c', 10, 'one', 'first', 'line');
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TYPE place AS (town text, rooms int);
CREATE DOMAIN code AS varchar(5);
CREATE TABLE fact (list_price numeric, t text, v varchar(9), c char(5), n name, d code, i2 smallint, i4 int, i8 bigint, num numeric, nan numeric, inf numeric, b boolean,
                   day date, bc date, forever date, at timestamptz, id uuid, hue colour, f float8, tags text[], numbers int[], doc jsonb, js json, home place, nothing text, "odd name" int);
INSERT INTO fact VALUES (100, 'five', 'nine', 'ab', 'name', 'code', 2, -4, 9007199254740993, 1.500, 'NaN', 'Infinity', true,
                         '2025-06-15', '0044-03-15 BC', 'infinity', '2025-06-15 12:00+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'blue', 1.5, '{new,old}', '{1,2,3}',
                         '{"a": {"b": [1, 2, {"c": null}]}, "n": null}', '[1, "x"]', '(Ulm,3)', NULL, 7);
CREATE TABLE path (nr int GENERATED ALWAYS AS IDENTITY, path jsonpath);
INSERT INTO path (path) VALUES
    ('$.t == "five"'), ('$.v == "nine"'), ('$.c == "ab"'), ('$.c == "ab   "'), ('$.n == "name"'), ('$.d == "code"'), ('$.i2 == 2'), ('$.i4 == -4'), ('$.i8 == 9007199254740993'), ('$.num == 1.5'),
    ('$.nan == "NaN"'), ('$.nan > 0'), ('$.inf == "Infinity"'), ('$.b == true'), ('$.day == "2025-06-15"'), ('$.bc == "0044-03-15 BC"'), ('$.forever == "infinity"'),
    ('$.at starts with "2025-06-15T12"'), ('$.id == "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'), ('$.hue == "blue"'), ('$.f == 1.5'), ('$.tags == "old"'), ('$.tags.size() == 2'), ('$.tags[1] == "old"'),
    ('$.numbers[$.i2] == 3'), ('$.numbers[0 to $.i2] == 2'), ('$.numbers[last] == 3'), ('$.doc.a.b[*] == 2'), ('$.doc.n == null'), ('$.doc.a.b[2].c == null'), ('exists($.doc.a.b[*] ? (@ > $.num))'),
    ('exists($.doc.**.c)'), ('$.js[1] == "x"'), ('$.home.town == "Ulm" && $.home.rooms == 3'), ('exists($.nothing)'), ('!exists($.nothing)'), ('($.nothing == 1) is unknown'), ('($.t > 1) is unknown'),
    ('$."odd name" == 7'), ('$.t like_regex "^F" flag "i"'), ('$.t starts with "fi"'), ('$.i4 + $.i2 * 3 == 2'), ('-$.i4 == 4'), ('+$.num - 1 == 0.5'), ('$.num.floor() == 1'), ('$.num.type() == "number"'),
    ('$.t.double() > 1'), ('$.* == "five"'), ('exists($ ? (@.t == "five"))'), ('$[*].t == "five"'), ('$.type() == "object"'), ('exists($.keyvalue() ? (@.key == "t"))'),
    ('strict $.t == "five"'), ('strict $.nothing == 1'), ('strict !($.nothing == 1)'), ('exists($.doc ? (@.a.b[*] == $.i2))'), ('$.qty == 3 && $.num == 1.5'), ('$.list_price == 100'), ('$.running_price < $.i8'), ('$.discounted == false'),
    ('$.date == "2025-06-15"'), ('$.weekday == 7 && $.hour == 0'), ('$.order_amount == 5'), ('$.counted == 5'), ('$.t == "five" || $.absent == 1 || $.b == false'), ('$.a.b.c == 1');

CREATE FUNCTION holds(condition jsonpath) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    result boolean[];
BEGIN
    INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'one', 'line_amount_off', 1, condition);
    SELECT ARRAY[quotetier.net_price(fact, 3, '2025-06-15 00:00', 'c') < 100, quotetier.net_price(to_jsonb(fact), 3, '2025-06-15 00:00', 'c') < 100] INTO result FROM fact;
    DELETE FROM quotetier.rule WHERE policy = 'c';
    RETURN result;
END
$$;
CREATE VIEW expected AS
SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(fact)) WHERE value <> 'null')
       || '{"qty": 3, "running_price": 100, "discounted": false, "date": "2025-06-15", "weekday": 7, "hour": 0}' AS facts FROM fact;

-- of a row, and of the same row as jsonb
SELECT count(*) AS paths, count(*) FILTER (WHERE expected) AS hold, count(*) FILTER (WHERE holds <> ARRAY[expected, expected]) AS differ,
       array_agg(path) FILTER (WHERE holds <> ARRAY[expected, expected]) AS which
FROM (SELECT path, holds(path), coalesce(jsonb_path_match(facts, path, '{}', true), false) AS expected FROM path, expected ORDER BY nr) p;

-- a class scheme's conditions likewise, which see nothing but the row
INSERT INTO quotetier.class_scheme VALUES ('c');
CREATE FUNCTION class_holds(condition jsonpath) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    result boolean[];
BEGIN
    INSERT INTO quotetier.class_rule (scheme, condition, class) VALUES ('c', condition, 'met');
    SELECT ARRAY[quotetier.classify('c', fact) IS NOT NULL, quotetier.classify('c', to_jsonb(fact)) IS NOT NULL] INTO result FROM fact;
    DELETE FROM quotetier.class_rule WHERE scheme = 'c';
    RETURN result;
END
$$;
SELECT count(*) FILTER (WHERE expected) AS hold, count(*) FILTER (WHERE holds <> ARRAY[expected, expected]) AS differ,
       array_agg(path) FILTER (WHERE holds <> ARRAY[expected, expected]) AS which
FROM (SELECT path, class_holds(path) AS holds, coalesce(jsonb_path_match(facts - '{qty,running_price,discounted,date,weekday,hour}'::text[], path, '{}', true), false) AS expected
      FROM path, expected ORDER BY nr) p;
INSERT INTO quotetier.class_rule (scheme, condition, class)
SELECT 'c', (string_agg('$.f' || i || ' == 1', ' || ') || ' || $.num == 1.5')::jsonpath, 'many names' FROM generate_series(1, 70) i;
SELECT quotetier.classify('c', fact) FROM fact;

-- all of them in one policy
INSERT INTO quotetier.rule (policy, step, adjust, value, condition) SELECT 'c', 'one', 'line_amount_off', 1, path FROM path;
UPDATE quotetier.step SET pick = 'sum' WHERE policy = 'c';
SELECT cardinality(rules) = (SELECT count(*) FROM path, expected WHERE jsonb_path_match(facts, path, '{}', true)) AS "all that hold" FROM fact, quotetier.quote(fact, 3, '2025-06-15 00:00', 'c');

-- more names than are worth to be picked out; a new session has no book yet
DELETE FROM quotetier.rule WHERE policy = 'c';
\c
INSERT INTO quotetier.rule (policy, step, adjust, value, condition)
SELECT 'c', 'one', 'amount_off', 1, (string_agg('$.f' || i || ' == 1', ' || ') || ' || $.num == 1.5')::jsonpath FROM generate_series(1, 70) i;
SELECT net_price, cardinality(rules) FROM fact, quotetier.quote(fact, 1, '2025-06-15 00:00', 'c');

-- patched: the book has names of its own, and the patch others; then the book may ask for any
DELETE FROM quotetier.rule WHERE policy = 'c';
INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'one', 'amount_off', 1, '$.num == 1.5');
SELECT net_price, cardinality(rules) FROM fact, quotetier.quote(fact, 1, '2025-06-15 00:00', 'c');
INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'one', 'amount_off', 10, '$.i4 < 0 && $.i2 > 0');
SELECT net_price, cardinality(rules) FROM fact, quotetier.quote(fact, 1, '2025-06-15 00:00', 'c');
SELECT patched > 0 AS patched FROM quotetier.rule_book_stats('c');
INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'one', 'amount_off', 20, '$.* == "five"');
\c
SELECT net_price, cardinality(rules) FROM fact, quotetier.quote(fact, 1, '2025-06-15 00:00', 'c');
INSERT INTO quotetier.rule (policy, step, adjust, value, condition) VALUES ('c', 'one', 'amount_off', 3, '$.b == true');
SELECT net_price, cardinality(rules) FROM fact, quotetier.quote(fact, 1, '2025-06-15 00:00', 'c');
SELECT patched > 0 AS patched FROM quotetier.rule_book_stats('c');

DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name = 'c';
DROP VIEW expected;
DROP TABLE fact, path;
DELETE FROM quotetier.class_rule WHERE scheme = 'c';
DELETE FROM quotetier.class_scheme WHERE name = 'c';
DROP FUNCTION holds, class_holds;
DROP TYPE colour, place;
DROP DOMAIN code;

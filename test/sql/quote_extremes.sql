-- Facts as long, as deep and as small as nobody writes them: an answer in time, or an error.
CREATE EXTENSION IF NOT EXISTS quotetier CASCADE;
INSERT INTO quotetier.dimension (name, kind) VALUES ('place', 'path');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
VALUES ('default', 'list', '{"place": "a.b"}', 'price', 3),
       ('default', 'list', jsonb_build_object('place', 'a.b' || repeat('.c', 253)), 'price', 4);

-- a path of a million parts (in minutes, were every part of it looked for)
SET statement_timeout = '30s';
SELECT quotetier.net_price(jsonb_build_object('place', 'a.b' || repeat('.d', 1000000)));
SELECT quotetier.net_price(jsonb_build_object('place', 'a.b' || repeat('.c', 252)));
SELECT quotetier.net_price(jsonb_build_object('place', 'a.b' || repeat('.c', 253)));
SELECT quotetier.net_price(jsonb_build_object('place', 'a.b' || repeat('.c', 254)));

-- the same value again and again, in two lists
INSERT INTO quotetier.dimension (name) VALUES ('tag'), ('grp');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
VALUES ('default', 'list', '{"tag": "a", "grp": "b"}', 'price', 5), ('default', 'list', '{"tag": "z", "grp": "b"}', 'price', 6);
SELECT quotetier.net_price(jsonb_build_object('tag', array_agg('a'::text), 'grp', array_agg('b'::text))) FROM generate_series(1, 100000);
SELECT quotetier.net_price(jsonb_build_object('tag', array_agg('t' || i) || '{z,z}', 'grp', array_agg('b'::text))) FROM generate_series(1, 100000) i;
RESET statement_timeout;

-- two thousand combinations of values, each with a rule of its own: all are found
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('default', 15, 'each', 'sum');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value)
SELECT 'default', 'each', jsonb_build_object('tag', 't' || t, 'grp', 'g' || g), 'line_amount_off', 1 FROM generate_series(1, 40) t, generate_series(1, 50) g;
SELECT quotetier.net_price(jsonb_build_object('list_price', 5000, 'tag', (SELECT array_agg('t' || t) FROM generate_series(1, 40) t),
                                              'grp', (SELECT array_agg('g' || g) FROM generate_series(1, 50) g)));
DELETE FROM quotetier.rule WHERE step = 'each';
DELETE FROM quotetier.step WHERE name = 'each';

-- more exclusive groups than 16 bits can number: of each still one rule only
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('default', 15, 'groups', 'sum');
SET session_replication_role = replica;
INSERT INTO quotetier.rule (policy, step, scope, adjust, value, exclusive_group)
SELECT 'default', 'groups', jsonb_build_object('grp', i % 66000), 'line_amount_off', 1 + i / 66000, 'group ' || i % 66000
FROM generate_series(0, 66000 + 65999) i WHERE i < 66000 OR i % 66000 >= 65400;
RESET session_replication_role;
SELECT count(*) AS groups, count(*) FILTER (WHERE net_price = 8) AS one_of_each
FROM generate_series(65400, 65999) i, quotetier.net_price(jsonb_build_object('list_price', 10, 'grp', i)) net_price;
DELETE FROM quotetier.rule WHERE step = 'groups';
DELETE FROM quotetier.step WHERE name = 'groups';

-- more decimals than numeric has
SELECT net_amount FROM quotetier.quote('{"list_price": 1e-9000}');
SELECT net_amount FROM quotetier.quote('{"list_price": 1e-9000}', 1e9000);
SELECT list_amount FROM quotetier.quote('{"list_price": 1e-9000}', 1e-9000);

DELETE FROM quotetier.rule;
DELETE FROM quotetier.dimension;

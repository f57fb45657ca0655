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
RESET statement_timeout;

-- more decimals than numeric has
SELECT net_amount FROM quotetier.quote('{"list_price": 1e-9000}');
SELECT net_amount FROM quotetier.quote('{"list_price": 1e-9000}', 1e9000);
SELECT list_amount FROM quotetier.quote('{"list_price": 1e-9000}', 1e-9000);

DELETE FROM quotetier.rule;
DELETE FROM quotetier.dimension;

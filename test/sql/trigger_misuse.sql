-- Trigger functions of our tables put on other tables, whose columns have the same
-- names and other types: refused, not taken for what they are not.
CREATE EXTENSION IF NOT EXISTS quotetier CASCADE;

CREATE TABLE misused (scheme int, from_value int, keep_value int, class int, name int,
                      place int, rank int, content int,
                      from_currency int, to_currency int, rate int, sku int, uom int, factor int);

CREATE TRIGGER t BEFORE INSERT ON misused FOR EACH ROW EXECUTE FUNCTION quotetier.tier_check();
INSERT INTO misused VALUES (1, 2, 3);
DROP TRIGGER t ON misused;

CREATE TRIGGER t AFTER INSERT ON misused REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.scheme_check();
INSERT INTO misused VALUES (1, 2, 3);
DROP TRIGGER t ON misused;

CREATE TRIGGER t BEFORE INSERT ON misused FOR EACH ROW EXECUTE FUNCTION quotetier.class_rule_check();
INSERT INTO misused VALUES (12345);
DROP TRIGGER t ON misused;

CREATE TRIGGER t BEFORE INSERT ON misused FOR EACH ROW EXECUTE FUNCTION quotetier.fx_check();
INSERT INTO misused (from_currency, to_currency, rate) VALUES (1, 2, 3);
DROP TRIGGER t ON misused;

CREATE TRIGGER t AFTER INSERT ON misused REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION quotetier.restore_rows();
INSERT INTO misused (name, place, content) VALUES (1, 2, 3);
DROP TRIGGER t ON misused;

DROP TABLE misused;

-- the one for all tables, with a queue of the user's own making
SET client_min_messages = warning;
CREATE TABLE misused (c int, at date, amount numeric);
CREATE TABLE misused_queue (customers int[], orders text, revenue text, first_at text, last_at text, recheck text);
SELECT quotetier.track('misused', 'misused', customer => 'c', at => 'at', amount => 'amount');
UPDATE quotetier.tracked SET queue = 'misused_queue' WHERE name = 'misused';
INSERT INTO misused VALUES (1, '2024-01-01', 5);
UPDATE quotetier.tracked SET queue = 'misused_rfm_queue' WHERE name = 'misused';
INSERT INTO misused VALUES (1, '2024-01-01', 5);
SELECT customer, orders, revenue FROM misused_rfm;
SELECT quotetier.untrack('misused');
DROP TABLE misused, misused_queue;

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

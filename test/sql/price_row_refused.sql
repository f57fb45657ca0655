-- price_row(): triggers it does not serve, and arguments it does not understand.
CREATE SCHEMA shop;
SET search_path = shop;
INSERT INTO quotetier.dimension (name) VALUES ('sku');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('default', 'list', '{"sku": "A"}', 'price', 20);

CREATE TABLE line (
    sku text, qty int, at timestamptz, policy text, price numeric, amount numeric, status text, rules bigint[],
    real real, money money, ints int[], day text, twice int GENERATED ALWAYS AS (qty * 2) STORED
);

-- what inserting a row says when the trigger is created so
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    INSERT INTO shop.line (sku, qty) VALUES ('A', 1);
    UPDATE shop.line SET qty = 2;
    DELETE FROM shop.line;
    RAISE 'accepted';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n  ', state || ' ' || message, nullif(detail, ''),
                     'hint: ' || CASE WHEN hint LIKE 'Arguments are texts%' THEN '(the arguments there are)' ELSE nullif(hint, '') END);
END $$;
\pset format unaligned
\pset tuples_only on

SELECT w || ': ' || refused(format('CREATE TRIGGER t %s EXECUTE FUNCTION quotetier.price_row(''net_price=price'')', w))
FROM unnest(ARRAY[
    'AFTER INSERT ON shop.line FOR EACH ROW', 'BEFORE INSERT ON shop.line FOR EACH STATEMENT', 'BEFORE INSERT ON shop.line',
    'AFTER UPDATE ON shop.line', 'BEFORE DELETE ON shop.line FOR EACH ROW', 'BEFORE INSERT OR UPDATE ON shop.line FOR EACH ROW']) w;
SELECT quotetier.price_row();
CREATE VIEW view AS SELECT * FROM line;
CREATE TRIGGER t INSTEAD OF INSERT ON view FOR EACH ROW EXECUTE FUNCTION quotetier.price_row('net_price=price');
INSERT INTO view (sku) VALUES ('A');
CREATE TRIGGER t BEFORE TRUNCATE ON line EXECUTE FUNCTION quotetier.price_row('net_price=price');
TRUNCATE line;
DROP TRIGGER t ON line;

SELECT a::text || ': ' || refused(format('CREATE TRIGGER t BEFORE INSERT OR UPDATE ON shop.line FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(%s)',
                             (SELECT string_agg(quote_literal(x), ', ' ORDER BY i) FROM jsonb_array_elements_text(a) WITH ORDINALITY u (x, i))))
FROM jsonb_array_elements('[
    [], ["quantity=qty"], ["net_price"], ["net_price="], ["=price"], ["net_price= "], [""], ["price=price"], ["NET_PRICE=price"], ["net_price=Price"],
    ["net_price=nothing"], ["net_price=ctid"], ["net_price=price", "net_price=amount"], ["net_price=price", "net_amount=price"],
    ["net_price=price", "quantity=qty", "quantity=qty"], ["net_price=price", "mode=check"], ["net_price=price", "mode=fill", "mode=fill"],
    ["net_price=price", "policy=default", "policy_column=policy"], ["net_price=price", "policy=none"], ["net_price=price", "input=nothing"], ["net_price=price", "input=twice"],
    ["net_price=price", "quantity=price"], ["net_price=price", "quantity=real"], ["net_price=price", "quantity=sku"],
    ["net_price=price", "quantity=ints"], ["net_price=price", "quantity=twice"], ["net_price=price", "as_of=day"], ["net_price=price", "as_of=qty"],
    ["net_price=price", "policy_column=qty"], ["net_price=real"], ["net_price=money"], ["net_price=sku"], ["net_price=twice"],
    ["status=qty"], ["rules=ints"], ["rules=sku"], ["version=price"],
    ["net_price=price", "facts=nothing"],
    ["net_price=price", "quantity=qty", "mode=fill", "policy=default", "input=sku", "status=status", "rules=rules", "currency=day"]
]') a;

SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DELETE FROM quotetier.rule;
DELETE FROM quotetier.dimension;

-- What may not be saved: each statement is refused with a state, a detail and a hint.
SET timezone = 'UTC';
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    EXECUTE statement;
    SET CONSTRAINTS ALL DEFERRED;
    RETURN 'SAVED: ' || statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, coalesce(nullif(detail, ''), 'NO DETAIL'),
                     coalesce(nullif(hint, ''), 'NO HINT'), '');
END $$;

-- a rule in the way most of these want it, with one thing wrong
CREATE FUNCTION bad_rule(columns text, vals text, step text DEFAULT 'promotion') RETURNS text LANGUAGE sql AS $$
    SELECT refused(format('INSERT INTO quotetier.rule (policy, step, %s) VALUES (''default'', %L, %s)', columns, step, vals))
$$;
INSERT INTO quotetier.dimension (name) VALUES ('tier'), ('sku');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('default', 60, 'rebates', 'sum');
INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode)
VALUES (1000, 'default', 'volume', '{"tier": "gold"}', 'percent_off', 'volume'),
    (1001, 'default', 'volume', '{}', 'line_amount_off', 'block'),
    (1002, 'default', 'volume', '{}', 'price', 'package'),
    (1003, 'default', 'rebates', '{}', 'amount_off', 'graduated');
INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (1000, 0, 10, 1), (1000, 10, 20, 2);
\pset tuples_only on
\pset format unaligned

-- scope
SELECT bad_rule('adjust, value, scope', vals) FROM (VALUES
    (1, $$'percent_off', 5, '[]'$$),
    (2, $$'percent_off', 5, '"gold"'$$),
    (3, $$'percent_off', 5, 'null'$$),
    (4, $$'percent_off', 5, '{"color": "red"}'$$),
    (5, $$'percent_off', 5, '{"tier": []}'$$),
    (6, $$'percent_off', 5, '{"tier": null}'$$),
    (7, $$'percent_off', 5, '{"tier": ["gold", null]}'$$),
    (8, $$'percent_off', 5, '{"tier": [["gold"]]}'$$),
    (9, $$'percent_off', 5, '{"tier": {"is": "gold"}}'$$),
    (10, $$'percent_off', 5, '{"tier": ["gold", "vip", "gold"]}'$$),
    (11, $$'percent_off', 5, '{"tier": [1, "1.0", 1.00]}'$$),
    (12, $$'percent_off', 5, (SELECT jsonb_build_object('tier', jsonb_agg(i), 'sku', jsonb_agg(i)) FROM generate_series(1, 1001) i)$$),
    (13, $$'percent_off', 5, jsonb_build_object('tier', 'a' || repeat('.b', 255))$$),
    (14, $$'percent_off', 5, jsonb_build_object('tier', jsonb_build_object('not', jsonb_build_array('a', 'a' || repeat('.b', 255))))$$)
) v(n, vals) ORDER BY n;

-- adjust and value
SELECT bad_rule('adjust, value', vals) FROM (VALUES
    (1, $$'discount', 5$$),
    (2, $$'percent_off', NULL$$),
    (3, $$'percent_off', 100.01$$),
    (4, $$'percent_off', -1$$),
    (5, $$'percent_on', -1$$),
    (6, $$'price', -0.01$$),
    (7, $$'price_percent', -1$$),
    (8, $$'margin', 100$$),
    (9, $$'markup', -101$$),
    (10, $$'amount_off', -1$$),
    (11, $$'amount_on', -1$$),
    (12, $$'line_amount_off', -1$$),
    (13, $$'price', 'NaN'$$),
    (14, $$'price', 'Infinity'$$),
    (15, $$'margin', '-Infinity'$$)
) v(n, vals) ORDER BY n;

-- the other columns
SELECT bad_rule('adjust, value, ' || columns, $$'percent_off', 5, $$ || vals) FROM (VALUES
    (1, 'base', $$'negotiated'$$),
    (2, 'base', $$'promotion'$$),
    (3, 'valid', $$'[2024-01-01,2024-01-01)'$$),
    (4, 'valid', $$'[2024-01-01,2024-02-01]'$$),
    (5, 'valid', $$'(2024-01-01,2024-02-01)'$$),
    (6, 'scale_mode', $$'volume'$$),
    (7, 'scale_on', $$'amount'$$),
    (8, 'scale_bounds', $$'(]'$$),
    (9, 'scale_bounds', $$'[]'$$),
    (10, 'ending', $$'99 cents'$$),
    (11, 'ending', $$'19.99/10'$$),
    (12, 'ending', $$'-0.01'$$),
    (13, 'ending', $$''$$),
    (14, 'state', $$'deleted'$$),
    (15, 'valid', $$'[infinity,)'$$),
    (16, 'valid', $$'(,-infinity)'$$)
) v(n, columns, vals) ORDER BY n;
SELECT bad_rule('adjust, scale_mode, scale_on', vals) FROM (VALUES
    (1, $$'percent_off', 'tiered', 'quantity'$$),
    (2, $$'percent_off', 'graduated', 'stock'$$),
    (3, $$'percent_off', 'block', 'quantity'$$),
    (4, $$'markup', 'package', 'quantity'$$),
    (5, $$'line_amount_off', 'graduated', 'quantity'$$)
) v(n, vals) ORDER BY n;
SELECT refused($$UPDATE quotetier.rule SET scale_mode = 'graduated' WHERE id = 1001$$);
SELECT refused($$UPDATE quotetier.rule SET adjust = 'line_amount_off' WHERE id = 1003$$);

-- conditions, exclusions, guards, offsets
SELECT bad_rule('adjust, value, ' || columns, $$'percent_off', 5, $$ || vals) FROM (VALUES
    (1, 'condition', $$'$.orders'$$),
    (2, 'condition', $$'$ ? (@.orders == 0)'$$),
    (3, 'condition', $$'1'$$),
    (3, 'condition', $$'$.since.datetime() < "2020-01-01".datetime()'$$),
    (4, 'scope', $$'{"tier": {"not": []}}'$$),
    (5, 'scope', $$'{"tier": {"not": null}}'$$),
    (6, 'scope', $$'{"tier": {"not": {"a": 1}}}'$$),
    (7, 'scope', $$'{"tier": {"not": ["a", "a"]}}'$$),
    (8, 'scope', $$'{"tier": {"not": "a", "or": "b"}}'$$),
    (9, 'scope', $$'{"team": {"not": "a"}}'$$),
    (10, 'on_breach', $$'clamp'$$),
    (11, 'scale_offset', $$'used'$$),
    (12, 'value_expr', $$'$.cost'$$),
    (13, 'currency', $$'usd'$$)
) v(n, columns, vals) ORDER BY n;
SELECT bad_rule('adjust, value, on_breach', $$'floor_price', 5, 'warn'$$, 'guard');
SELECT bad_rule('adjust, value', $$'floor_margin', 100$$, 'guard');
SELECT bad_rule('adjust, value', $$'cap_percent_off', 101$$, 'guard');
SELECT bad_rule('adjust, scale_mode', $$'floor_price', 'graduated'$$, 'guard');
SELECT bad_rule('adjust, value', $$'round_to', 0$$, 'guard');
SELECT bad_rule('adjust, scale_mode, scale_offset', $$'price', 'block', 'used'$$);

-- where a rule belongs
SELECT refused($$INSERT INTO quotetier.rule (policy, step, adjust, value) VALUES ('retail', 'tier', 'price', 5)$$);
SELECT bad_rule('adjust, value', $$'price', 5$$, 'discounts');
SELECT bad_rule('adjust, value', adjust, 'rebates') FROM (VALUES
    ($$'price', 5$$), ($$'price_percent', 5$$), ($$'margin', 5$$), ($$'markup', 5$$)) v(adjust);
SELECT refused($$UPDATE quotetier.rule SET step = 'rebates', adjust = 'price', value = 1, scale_mode = NULL WHERE id = 1002$$);

-- brackets
SELECT refused('INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage) VALUES ' || vals) FROM (VALUES
    (1, '(1000, 5, 15, 3, 0, NULL, NULL)'),
    (2, '(1000, 15, NULL, 3, 0, NULL, NULL)'),
    (3, '(1000, 0, 1, 3, 0, NULL, NULL)'),
    (4, '(1000, 20, NULL, 101, 0, NULL, NULL)'),
    (5, '(1000, 30, 30, 5, 0, NULL, NULL)'),
    (6, '(1000, 40, 30, 5, 0, NULL, NULL)'),
    (7, '(1000, -1, 0, 5, 0, NULL, NULL)'),
    (8, '(1000, 20, NULL, 5, -1, NULL, NULL)'),
    (9, $$(1000, 'NaN', NULL, 5, 0, NULL, NULL)$$),
    (10, $$(1000, 20, 'Infinity', 5, 0, NULL, NULL)$$),
    (11, $$(1000, 20, NULL, 'NaN', 0, NULL, NULL)$$),
    (12, $$(1000, 20, NULL, 5, 'Infinity', NULL, NULL)$$),
    (13, '(1000, 20, NULL, 5, 0, 12, NULL)'),
    (14, '(1000, 20, NULL, 5, 0, NULL, 12)'),
    (15, '(1001, 0, 10, -5, 0, NULL, NULL)'),
    (16, '(1001, 0, 10, 5, 0, NULL, -1)'),
    (17, '(1002, 0, NULL, 5, 0, NULL, NULL)'),
    (18, '(1002, 0, NULL, 5, 0, 0, NULL)'),
    (19, '(999, 0, NULL, 5, 0, NULL, NULL)')
) v(n, vals) ORDER BY n;
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (1004, 'default', 'tier', 'percent_off', 5);
SELECT refused('INSERT INTO quotetier.scale (rule, from_value, value) VALUES (1004, 0, 5)');
SELECT refused('UPDATE quotetier.scale SET from_value = 9 WHERE rule = 1000 AND from_value = 10');
SELECT refused($$UPDATE quotetier.rule SET scale_mode = NULL, value = 5 WHERE id = 1000$$);
SELECT refused($$UPDATE quotetier.rule SET scale_mode = 'package', adjust = 'price' WHERE id = 1000$$);
BEGIN;
UPDATE quotetier.rule SET adjust = 'percent_on' WHERE id = 1000;
UPDATE quotetier.scale SET value = 150 WHERE rule = 1000;
SELECT refused($$UPDATE quotetier.rule SET adjust = 'percent_off' WHERE id = 1000$$);
ROLLBACK;

-- dimensions
SELECT refused('INSERT INTO quotetier.dimension (name, kind, weight) VALUES ' || vals) FROM (VALUES
    (1, $$('', 'label', 1)$$),
    (2, $$('region', 'tree', 1)$$),
    (3, $$('region', 'label', 0)$$),
    (4, $$('region+sku', 'label', 1)$$)
) v(n, vals) ORDER BY n;
SELECT refused($$INSERT INTO quotetier.dimension (name) SELECT 'd' || i FROM generate_series(1, 63) i$$);
SELECT refused($$INSERT INTO quotetier.dimension (name, kind) SELECT 'd' || i, 'path' FROM generate_series(1, 9) i$$);
BEGIN;
INSERT INTO quotetier.dimension (name, kind) SELECT 'd' || i, 'path' FROM generate_series(1, 8) i;
INSERT INTO quotetier.dimension (name) SELECT 'd' || i FROM generate_series(9, 62) i;
SELECT refused($$INSERT INTO quotetier.dimension (name) VALUES ('one more')$$);
SELECT refused($$UPDATE quotetier.dimension SET kind = 'path' WHERE name = 'tier'$$);
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) SELECT 'default', 'tier', jsonb_build_object(name, 'x'), 'percent_off', 5 FROM quotetier.dimension;
SELECT net_price FROM quotetier.quote('{"list_price": 100, "sku": "x"}');
ROLLBACK;
SELECT refused($$DELETE FROM quotetier.dimension WHERE name = 'tier'$$);
SELECT refused($$UPDATE quotetier.dimension SET name = 'level' WHERE name = 'tier'$$);
BEGIN;
UPDATE quotetier.step SET access = ARRAY['sku'] WHERE name = 'contract';
SELECT refused($$DELETE FROM quotetier.dimension WHERE name = 'sku'$$);
ROLLBACK;

-- policies
SELECT refused(format('INSERT INTO quotetier.policy (name, %s) VALUES (''p'', %s)', columns, vals)) FROM (VALUES
    (1, 'currency', $$'EURO'$$),
    (2, 'currency', $$'eur'$$),
    (3, 'currency', $$'XAU'$$),
    (4, 'zone', $$'Asia/Shangai'$$),
    (5, 'zone', $$''$$),
    (6, 'round_target', $$'cent'$$),
    (7, 'round_mode', $$'bankers'$$),
    (8, 'round_increment', '0'),
    (9, 'round_increment', '-0.01'),
    (10, 'round_increment', $$'NaN'$$),
    (11, 'round_increment', $$'Infinity'$$),
    (12, 'ending', $$'.99/'$$)
) v(n, columns, vals) ORDER BY n;
SELECT refused($$INSERT INTO quotetier.policy (name) VALUES ('')$$);
SELECT refused($$DELETE FROM quotetier.policy WHERE name = 'default'$$);

-- steps, one by one
SELECT refused(format('INSERT INTO quotetier.step (policy, seq, name, %s) VALUES (''default'', 100, ''x'', %s)', columns, vals)) FROM (VALUES
    (1, 'pick', $$'worst'$$),
    (2, 'level', $$'header'$$),
    (3, 'access', $$ARRAY['tier+region']$$),
    (4, 'access', $$ARRAY['tier + sku']$$),
    (5, 'access', $$ARRAY['tier+tier']$$),
    (6, 'access', $$ARRAY['tier+sku', 'tier', 'sku+tier']$$),
    (7, 'access', $$ARRAY['tier', NULL]$$),
    (8, 'ending', $$'R'$$)
) v(n, columns, vals) ORDER BY n;
SELECT refused($$INSERT INTO quotetier.step (policy, seq, name) VALUES ('default', 100, 'running')$$);
SELECT refused($$INSERT INTO quotetier.step (policy, seq, name) VALUES ('default', 100, '')$$);
SELECT refused($$DELETE FROM quotetier.step WHERE name = 'volume'$$);

-- steps, together
SELECT refused('UPDATE quotetier.step SET ' || change) FROM (VALUES
    (1, $$excludes = ARRAY['clearance'] WHERE name = 'tier'$$),
    (2, $$excludes = ARRAY['contract'] WHERE name = 'tier'$$),
    (3, $$excludes = ARRAY['tier'] WHERE name = 'tier'$$),
    (4, $$base = 'volume' WHERE name = 'tier'$$),
    (5, $$base = 'tier' WHERE name = 'tier'$$),
    (6, $$compete = 'offer' WHERE name IN ('tier', 'promotion')$$),
    (7, $$pick = 'sum' WHERE name = 'volume'$$),
    (8, $$compete = 'offer' WHERE name = 'list'$$)
) v(n, change) ORDER BY n;
BEGIN;
UPDATE quotetier.step SET base = 'contract' WHERE name = 'tier';
SELECT refused($$UPDATE quotetier.step SET name = 'agreement' WHERE name = 'contract'$$);
SELECT refused($$DELETE FROM quotetier.step WHERE name = 'contract'$$);
SELECT refused($$UPDATE quotetier.step SET seq = 35 WHERE name = 'contract'$$);
ROLLBACK;
BEGIN;
UPDATE quotetier.rule SET base = 'contract' WHERE id = 1004;
SELECT refused($$UPDATE quotetier.step SET name = 'agreement' WHERE name = 'contract'$$);
SELECT refused($$UPDATE quotetier.step SET seq = 35 WHERE name = 'contract'$$);
ROLLBACK;
BEGIN;
UPDATE quotetier.rule SET base = 'msrp' WHERE id = 1004;
SELECT refused($$INSERT INTO quotetier.step (policy, seq, name) VALUES ('default', 70, 'msrp')$$);
ROLLBACK;
SELECT refused($$INSERT INTO quotetier.step (policy, seq, name) SELECT 'default', 100 + i, 's' || i FROM generate_series(1, 57) i$$);

-- what cannot be applied yet
SELECT bad_rule('adjust, value, ' || columns, $$'percent_off', 5, $$ || vals) FROM (VALUES
    (1, 'state', $$'draft'$$)
) v(n, columns, vals) ORDER BY n;
SELECT refused($$INSERT INTO quotetier.policy (name, needs_approval) VALUES ('p', true)$$);

-- orders: what belongs into which steps
INSERT INTO quotetier.step (policy, seq, name, level, pick) VALUES
    ('default', 45, 'early', 'order', 'best'), ('default', 85, 'order', 'order', 'best'), ('default', 95, 'accrual', 'statistical', 'best');
SELECT bad_rule('adjust, value, ' || columns, $$'percent_off', 5, $$ || vals) FROM (VALUES
    (1, 'lines', $$'{}'$$),
    (2, 'counts', $$'{"tier": "gold"}'$$),
    (3, 'max_units', '5'),
    (4, 'unit_step', '5'),
    (5, 'free_from', $$'dearest'$$),
    (6, 'free_whole', 'true'),
    (7, 'scale_by', $$ARRAY['tier']$$),
    (8, 'max_amount', '-1'),
    (9, 'max_amount', $$'NaN'$$),
    (10, 'base', $$'early'$$)
) v(n, columns, vals) ORDER BY n;
SELECT bad_rule('adjust, value, max_amount', $$'price', 5, 5$$);
SELECT bad_rule('adjust, value', quote_literal(adjust) || ', 5', 'promotion') FROM unnest(ARRAY['free_units', 'add_line']) adjust;
SELECT bad_rule('adjust, value', quote_literal(adjust) || ', 5', step)
FROM unnest(ARRAY['floor_price', 'cap_price']) adjust, unnest(ARRAY['order', 'accrual']) step;
SELECT bad_rule('adjust, ' || columns, quote_literal(adjust) || ', ' || vals, 'order') FROM (VALUES
    (1, 'percent_off', 'value, lines', $$5, '[]'$$),
    (2, 'percent_off', 'value, lines', $$5, '{"color": "red"}'$$),
    (3, 'percent_off', 'value, lines', $$5, '{"tier": []}'$$),
    (4, 'percent_off', 'value, lines', $$5, '{"tier": {"not": ["a", "a"]}}'$$),
    (5, 'percent_off', 'value, counts', $$5, '"gold"'$$),
    (6, 'percent_off', 'value, counts', $$5, '{"color": "red"}'$$),
    (7, 'percent_off', 'value, counts', $$5, '{"tier": null}'$$),
    (8, 'percent_off', 'value, ending', $$5, '.99'$$),
    (9, 'percent_off', 'scale_mode, scale_by', $$'volume', ARRAY['tier']$$),
    (10, 'percent_off', 'value, unit_step', $$5, 2$$),
    (11, 'free_units', 'value', '0'),
    (12, 'free_units', 'value, unit_step', '1, 0'),
    (13, 'free_units', 'value, max_units', '1, -1'),
    (14, 'free_units', 'value, max_amount', '1, 5'),
    (15, 'free_units', 'value, base', $$1, 'list'$$),
    (16, 'free_units', 'scale_mode', $$'volume'$$),
    (17, 'free_units', 'value_expr', $$'$.n'$$),
    (18, 'free_units', 'value, free_from', $$1, 'newest'$$),
    (19, 'add_line', 'value', '1'),
    (20, 'add_line', 'value, lines', $$1, '{}'$$),
    (21, 'add_line', 'value, lines', $$0, '{"sku": "a"}'$$),
    (22, 'add_line', 'value, lines', $$1, '{"sku": ["a", "b"]}'$$),
    (23, 'add_line', 'value, lines', $$1, '{"sku": null}'$$),
    (24, 'add_line', 'value, lines, free_whole', $$1, '{"sku": "a"}', true$$)
) v(n, adjust, columns, vals) ORDER BY n;
SELECT bad_rule('adjust, scale_mode, scale_by', $$'percent_off', 'volume', $$ || by) FROM (VALUES
    (1, 'ARRAY[]::text[]'), (2, $$ARRAY['tier', 'tier']$$), (3, 'ARRAY[NULL]')) v(n, by) ORDER BY n;
SELECT bad_rule('adjust, scale_mode, scale_by', $$'floor_price', 'volume', ARRAY['tier']$$, 'guard');
SELECT refused('UPDATE quotetier.step SET ' || change) FROM (VALUES
    (1, $$remainder = 'carry' WHERE name = 'tier'$$),
    (2, $$remainder = 'fair' WHERE name = 'order'$$),
    (3, $$ending = '.99' WHERE name = 'order'$$),
    (4, $$base = 'early' WHERE name = 'negotiated'$$),
    (5, $$excludes = ARRAY['negotiated'] WHERE name = 'early'$$),
    (6, $$excludes = ARRAY['accrual'] WHERE name = 'order'$$),
    (7, $$base = 'accrual', seq = 96 WHERE name = 'order'$$)
) v(n, change) ORDER BY n;

-- a level, or a dimension, that rules rely on
BEGIN;
INSERT INTO quotetier.dimension (name) VALUES ('color'), ('size');
INSERT INTO quotetier.rule (id, policy, step, adjust, value, lines) VALUES (1100, 'default', 'order', 'percent_off', 5, '{"color": "red"}');
INSERT INTO quotetier.rule (id, policy, step, adjust, value, counts) VALUES (1101, 'default', 'early', 'percent_off', 5, '{"size": "L"}');
INSERT INTO quotetier.rule (id, policy, step, adjust, value) VALUES (1102, 'default', 'guard', 'floor_price', 5);
INSERT INTO quotetier.rule (id, policy, step, adjust, value, lines) VALUES (1103, 'default', 'early', 'add_line', 1, '{"sku": "mug"}');
SELECT refused($$DELETE FROM quotetier.dimension WHERE name = 'color'$$);
SELECT refused($$UPDATE quotetier.dimension SET name = 'dress_size' WHERE name = 'size'$$);
SELECT refused($$UPDATE quotetier.step SET level = 'line' WHERE name = 'order'$$);
SELECT refused($$UPDATE quotetier.step SET level = 'line' WHERE name = 'early'$$);
SELECT refused($$UPDATE quotetier.step SET level = 'order' WHERE name = 'guard'$$);
ROLLBACK;
DELETE FROM quotetier.step WHERE name IN ('early', 'order', 'accrual');

-- currencies
SELECT refused($$SELECT quotetier.minor_unit('EURO')$$);

-- the floor: what holds when triggers are off
SET session_replication_role = replica;
SELECT split_part(bad_rule(columns, vals), E'\n', 1) FROM (VALUES
    (1, 'adjust, value, scope', $$'price', 5, '[]'$$),
    (2, 'adjust, value', $$'discount', 5$$),
    (3, 'adjust, value', $$'price', 'NaN'$$),
    (4, 'adjust, value, valid', $$'price', 5, 'empty'$$),
    (5, 'adjust', $$'price'$$),
    (6, 'adjust, value, scale_mode', $$'price', 5, 'volume'$$),
    (7, 'adjust, value, lines', $$'price', 5, '[]'$$),
    (8, 'adjust, value, counts', $$'price', 5, '1'$$)
) v(n, columns, vals) ORDER BY n;
SELECT split_part(refused('INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES ' || vals), E'\n', 1)
FROM (VALUES (1, '(1000, 5, 15, 3)'), (2, '(1000, 40, 30, 3)'), (3, $$(1000, 40, 'Infinity', 3)$$)) v(n, vals) ORDER BY n;
RESET session_replication_role;

DELETE FROM quotetier.rule WHERE id >= 1000;
DELETE FROM quotetier.step WHERE name = 'rebates';
DELETE FROM quotetier.dimension WHERE name IN ('tier', 'sku');
DROP FUNCTION bad_rule, refused;

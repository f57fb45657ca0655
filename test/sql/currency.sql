-- Exchange rates and units of measure: what may be saved, and that every change leaves a stamp.
SET timezone = 'UTC';
INSERT INTO quotetier.fx_rate VALUES
    ('EUR', 'CNY', 7.8102, quotetier.valid_days(NULL, '2025-06-30', 'Europe/Berlin')),
    ('EUR', 'CNY', 8.4,    quotetier.valid_days('2025-07-01', NULL, 'Europe/Berlin')),
    ('CNY', 'EUR', 0.128,  '(,)'),
    ('JPY', 'EUR', 0.0000000001, DEFAULT);
SELECT * FROM quotetier.fx_rate ORDER BY from_currency, to_currency, valid;
SELECT rate FROM quotetier.fx_rate WHERE (from_currency, to_currency) = ('EUR', 'CNY') AND valid @> timestamptz '2025-06-30 22:00Z';

INSERT INTO quotetier.uom VALUES (NULL, 'dozen', 12), ('A-100', 'box', 10), ('B-7', 'box', 24), (NULL, 'box', 20), ('A-100', '箱', 0.5);
-- what a loader does again and again
INSERT INTO quotetier.uom VALUES (NULL, 'box', 21), ('C', 'box', 6) ON CONFLICT (sku, uom) DO UPDATE SET factor = excluded.factor;
INSERT INTO quotetier.fx_rate VALUES ('EUR', 'CNY', 8, '[2025-01-01,2025-02-01)') ON CONFLICT DO NOTHING;
SELECT * FROM quotetier.uom ORDER BY sku, uom;
SELECT count(*) FROM quotetier.fx_rate;

CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'SAVED: ' || statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, coalesce(nullif(detail, ''), 'NO DETAIL'),
                     coalesce(nullif(hint, ''), 'NO HINT'), '');
END $$;
\pset tuples_only on
\pset format unaligned
SELECT refused('INSERT INTO quotetier.fx_rate VALUES (' || vals || ')') FROM (VALUES
    (1, $$'eur', 'CNY', 7.8$$),
    (2, $$'EUR', 'RMB', 7.8$$),
    (3, $$'EUR', 'EUR', 1$$),
    (4, $$'USD', 'EUR', 0$$),
    (5, $$'USD', 'EUR', -0.9$$),
    (6, $$'USD', 'EUR', 'NaN'$$),
    (7, $$'USD', 'EUR', 'Infinity'$$),
    (8, $$'USD', 'EUR', 0.9, 'empty'$$),
    (9, $$'USD', 'EUR', 0.9, '[2025-01-01,2025-01-31]'$$),
    (10, $$'USD', 'EUR', 0.9, '(2025-01-01,2025-02-01)'$$),
    (11, $$'EUR', 'CNY', 8, '[2025-06-01,2025-08-01)'$$)
) v(n, vals) ORDER BY n;
SELECT refused('UPDATE quotetier.fx_rate SET valid = ''(,)'' WHERE rate = 8.4');
SELECT refused('INSERT INTO quotetier.uom VALUES (' || vals || ')') FROM (VALUES
    (1, $$NULL, '', 12$$),
    (2, $$'', 'box', 12$$),
    (3, $$NULL, 'gross', 0$$),
    (4, $$NULL, 'gross', -144$$),
    (5, $$NULL, 'gross', 'NaN'$$),
    (6, $$NULL, 'gross', 'Infinity'$$),
    (7, $$NULL, 'dozen', 13$$),
    (8, $$'A-100', 'box', 11$$)
) v(n, vals) ORDER BY n;
\pset tuples_only off
\pset format aligned

-- the tables' own constraints hold where triggers do not run
SET session_replication_role = replica;
SELECT refused('INSERT INTO quotetier.fx_rate VALUES (''USD'', ''EUR'', -1)') ~ '^23514' AS rate,
    refused('INSERT INTO quotetier.fx_rate VALUES (''USD'', ''USD'', 1)') ~ '^23514' AS currencies,
    refused('INSERT INTO quotetier.fx_rate VALUES (''USD'', ''EUR'', 1, ''(2025-01-01,)'')') ~ '^23514' AS valid,
    refused('INSERT INTO quotetier.uom VALUES (NULL, ''gross'', 0)') ~ '^23514' AS factor;
RESET session_replication_role;

-- every change moves the version a quote names
CREATE TEMP TABLE version (v text);
CREATE PROCEDURE note() LANGUAGE sql AS $$ INSERT INTO version SELECT version FROM quotetier.quote('{"list_price": 1}'::jsonb) $$;
CALL note();
UPDATE quotetier.fx_rate SET rate = 0.129 WHERE from_currency = 'CNY'; CALL note();
DELETE FROM quotetier.fx_rate WHERE from_currency = 'JPY'; CALL note();
TRUNCATE quotetier.fx_rate; CALL note();
UPDATE quotetier.uom SET factor = 13 WHERE uom = 'dozen'; CALL note();
TRUNCATE quotetier.uom; CALL note();
SELECT count(*) AS noted, count(DISTINCT v) AS different FROM version;

SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid IN ('quotetier.fx_rate'::regclass, 'quotetier.uom'::regclass) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
DROP PROCEDURE note;
DROP FUNCTION refused;

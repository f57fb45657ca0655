-- What callers of the quote functions rely on: their signatures, what the
-- planner may do with them, and who may call them and read what they read.
BEGIN;
SELECT no_plan();

CREATE TEMP TABLE call AS
SELECT name, type, what, args, names, kind
FROM (VALUES ('quote', 'record', '{}'), ('net_price', 'numeric', '{}'), ('explain_quote', 'setof record', '{format}'::text[])) f (name, what, more),
     (VALUES ('record'), ('jsonb'), ('text')) t (type),
     LATERAL (SELECT ARRAY[type, 'numeric', 'timestamp with time zone', 'text'] || array_fill('text'::text, ARRAY[cardinality(more)]) AS args,
                     ARRAY['facts', 'qty', 'as_of', 'policy'] || more AS names, 'c' AS kind) a;

-- there are these, and no others of the name
SELECT has_function('quotetier', name, args) FROM call;
SELECT is(count(*)::int, 3, 'three overloads of ' || name || ': record, jsonb, text')
FROM pg_proc JOIN (SELECT DISTINCT name FROM call) c ON c.name = proname
WHERE pronamespace = 'quotetier'::regnamespace GROUP BY name ORDER BY name;

SELECT function_returns('quotetier', name, args, what) FROM call;
SELECT function_lang_is('quotetier', name, args, 'c') FROM call;
SELECT volatility_is('quotetier', name, args, 'stable') FROM call;
-- of those that get a row's columns none is strict, for a column may be null; null in, null out holds of all
SELECT CASE WHEN type = 'record' AND name <> 'explain_quote' THEN isnt_strict('quotetier', name, args) ELSE is_strict('quotetier', name, args) END FROM call;
SELECT isnt_definer('quotetier', name, args) FROM call;
SELECT is(p.proparallel::text, 's', name || ' from ' || type || ' is parallel safe')
FROM call JOIN pg_proc p ON p.oid = format('quotetier.%s(%s)', name, array_to_string(args, ', '))::regprocedure;
SELECT is(p.proargnames[1:cardinality(names)], names, name || ' from ' || type || ' takes its arguments by these names')
FROM call JOIN pg_proc p ON p.oid = format('quotetier.%s(%s)', name, array_to_string(args, ', '))::regprocedure;
SELECT is(pg_get_function_arguments(p.oid), format('facts %s, qty numeric DEFAULT 1, as_of timestamp with time zone DEFAULT now(), policy text DEFAULT %L::text', type, 'default'),
          name || ' from ' || type || ' has these defaults')
FROM call JOIN pg_proc p ON p.oid = format('quotetier.%s(%s)', name, array_to_string(args, ', '))::regprocedure
WHERE name = 'net_price';

-- what the rows look like
SELECT is(pg_get_function_result(p.oid), 'TABLE(seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)',
          'columns of explain_quote from ' || type)
FROM call JOIN pg_proc p ON p.oid = format('quotetier.%s(%s)', name, array_to_string(args, ', '))::regprocedure
WHERE name = 'explain_quote';
SELECT is((SELECT string_agg(n || ' ' || format_type(t, NULL), ', ' ORDER BY i)
           FROM unnest(p.proargnames, p.proallargtypes, p.proargmodes) WITH ORDINALITY u (n, t, m, i) WHERE m = 'o'),
          'list_price numeric, list_amount numeric, net_price numeric, net_amount numeric, discount_pct numeric, currency text, status text, rules bigint[], version text',
          'columns of quote from ' || type)
FROM call JOIN pg_proc p ON p.oid = format('quotetier.%s(%s)', name, array_to_string(args, ', '))::regprocedure
WHERE name = 'quote';

-- null in, null out; without a price no row is missing
SELECT is(quotetier.net_price(NULL::jsonb), NULL, 'net_price of null facts is null');
SELECT is((SELECT count(*)::int FROM quotetier.quote('{}')), 1, 'quote without a price is a row');
SELECT is((SELECT status FROM quotetier.quote('{}')), 'no_price', 'that says so');
SELECT is((SELECT count(*)::int FROM quotetier.explain_quote('{}')), 0, 'explain_quote then has nothing to tell');
SELECT is((SELECT string_agg(reason, E'\n' ORDER BY seq) FROM quotetier.explain_quote('{}', format => 'text')), 'status: no_price', 'but a text that says so');
SELECT throws_ok($$SELECT quotetier.explain_quote('{}', format => 'csv')$$, '22023', 'unknown format "csv"', 'an unknown format');
SELECT throws_ok($$SELECT quotetier.net_price('{}', 1, now(), 'nowhere')$$, '42704', 'policy "nowhere" does not exist', 'an unknown policy');
SELECT throws_ok($$SELECT quotetier.net_price('{}', 'NaN')$$, '22023', NULL, 'a quantity that is no number');
SELECT throws_ok($$SELECT quotetier.net_price('{}', '-Infinity')$$, '22023', NULL, 'an infinite quantity');
SELECT throws_ok($$SELECT quotetier.net_price('{}', 1, 'infinity')$$, '22023', NULL, 'an infinite time');
SELECT throws_ok($$SELECT quotetier.net_price('[]')$$, '22023', NULL, 'facts that are no object');
SELECT throws_ok($$SELECT quotetier.net_price('{')$$, '22P02', NULL, 'facts that are no JSON');

-- the trigger
SELECT has_function('quotetier', 'price_row', '{}'::name[]);
SELECT function_returns('quotetier', 'price_row', '{}'::name[], 'trigger');
SELECT isnt_definer('quotetier', 'price_row', '{}'::name[]);
SELECT throws_ok('SELECT quotetier.price_row()', '39P01', NULL, 'price_row is a trigger');

-- privileges: nobody may quote, or read what quotes are made of, until granted
CREATE ROLE quotetier_nobody;
SELECT function_privs_are('quotetier', name, args, 'quotetier_nobody', '{}') FROM call;
SELECT function_privs_are('quotetier', 'price_row', '{}'::name[], 'quotetier_nobody', '{}');
SELECT schema_privs_are('quotetier', 'quotetier_nobody', '{USAGE}');
SELECT table_privs_are('quotetier', relname, 'quotetier_nobody'::name, '{}'::name[])
FROM pg_class WHERE relnamespace = 'quotetier'::regnamespace AND relname IN ('dimension', 'policy', 'step', 'rule', 'scale', 'stamp') ORDER BY relname;

-- EXECUTE is all it takes, and gives no more than the answers
INSERT INTO quotetier.dimension (name) VALUES ('sku');
INSERT INTO quotetier.rule (policy, step, scope, adjust, value) VALUES ('default', 'list', '{"sku": "A"}', 'price', 20);
GRANT EXECUTE ON FUNCTION quotetier.net_price(jsonb, numeric, timestamptz, text) TO quotetier_nobody;
CREATE FUNCTION pg_temp.as_nobody(query text) RETURNS text LANGUAGE plpgsql SET role = quotetier_nobody AS $$
DECLARE
    result text;
BEGIN
    EXECUTE query INTO result;
    RETURN result;
END $$;
SELECT is(pg_temp.as_nobody($$SELECT quotetier.net_price('{"sku": "A"}'::jsonb)$$), '20.00', 'EXECUTE is enough to quote');
SELECT throws_ok($$SELECT pg_temp.as_nobody('SELECT 1 FROM quotetier.rule')$$, '42501', NULL, 'but not to read rules');
SELECT throws_ok($$SELECT pg_temp.as_nobody('SELECT status FROM quotetier.quote(''{"sku": "A"}''::jsonb)')$$, '42501', NULL, 'nor to call its neighbours');

SELECT * FROM finish();
ROLLBACK;

-- The names users rely on: nothing in these lists may go or change its type. A
-- change here is a change of the contract, and needs a line in CHANGELOG.md and,
-- once released, a way over in sql/updates.
BEGIN;
SELECT plan(6);

SELECT has_extension('quotetier');
SELECT is(extnamespace::regnamespace::text, 'quotetier', 'it lives in the schema quotetier') FROM pg_extension WHERE extname = 'quotetier';
SELECT ok(NOT extrelocatable, 'and stays there') FROM pg_extension WHERE extname = 'quotetier';

CREATE TEMP VIEW function_now AS
SELECT oid::regprocedure::text AS signature, pg_get_function_result(oid) AS result,
       CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel
FROM pg_proc WHERE pronamespace = 'quotetier'::regnamespace;

PREPARE missing_functions AS
SELECT * FROM (VALUES
    ('quotetier.rfm_agg(date,numeric)', 'quotetier.rfm', 'immutable', 'safe'),
    ('quotetier.rfm_agg(timestamp without time zone,numeric)', 'quotetier.rfm', 'immutable', 'safe'),
    ('quotetier.rfm_agg(timestamp with time zone,numeric)', 'quotetier.rfm', 'immutable', 'safe'),
    ('quotetier.rfm_agg(quotetier.rfm)', 'quotetier.rfm', 'immutable', 'safe'),
    ('quotetier.first_at(quotetier.rfm)', 'timestamp without time zone', 'immutable', 'safe'),
    ('quotetier.last_at(quotetier.rfm)', 'timestamp without time zone', 'immutable', 'safe'),
    ('quotetier.orders(quotetier.rfm)', 'bigint', 'immutable', 'safe'),
    ('quotetier.revenue(quotetier.rfm)', 'numeric', 'immutable', 'safe'),
    ('quotetier.average_order(quotetier.rfm)', 'numeric', 'immutable', 'safe'),
    ('quotetier.recency_days(quotetier.rfm,date)', 'integer', 'immutable', 'safe'),
    ('quotetier.quantile_score(integer)', 'integer', 'immutable', 'safe'),
    ('quotetier.quantile_cuts(numeric,integer)', 'numeric[]', 'immutable', 'safe'),
    ('quotetier.quantile_cuts(smallint,integer)', 'numeric[]', 'immutable', 'safe'),
    ('quotetier.quantile_cuts(integer,integer)', 'numeric[]', 'immutable', 'safe'),
    ('quotetier.quantile_cuts(bigint,integer)', 'numeric[]', 'immutable', 'safe'),
    ('quotetier.score(numeric,numeric[])', 'integer', 'immutable', 'safe'),
    ('quotetier.rfm_segment(integer,integer,integer,text)', 'text', 'stable', 'safe'),
    ('quotetier.tier(text,numeric)', 'text', 'stable', 'safe'),
    ('quotetier.classify(text,record,timestamp with time zone)', 'text', 'stable', 'safe'),
    ('quotetier.classify(text,jsonb,timestamp with time zone)', 'text', 'stable', 'safe'),
    ('quotetier.classify(text,text,timestamp with time zone)', 'text', 'stable', 'safe'),
    ('quotetier.valid_days(date,date,text)', 'tstzrange', 'immutable', 'safe'),
    ('quotetier.proration(tstzrange,tstzrange)', 'numeric', 'immutable', 'safe'),
    ('quotetier.net_price(record,numeric,timestamp with time zone,text)', 'numeric', 'stable', 'safe'),
    ('quotetier.net_price(jsonb,numeric,timestamp with time zone,text)', 'numeric', 'stable', 'safe'),
    ('quotetier.net_price(text,numeric,timestamp with time zone,text)', 'numeric', 'stable', 'safe'),
    ('quotetier.quote(record,numeric,timestamp with time zone,text)', 'record', 'stable', 'safe'),
    ('quotetier.quote(jsonb,numeric,timestamp with time zone,text)', 'record', 'stable', 'safe'),
    ('quotetier.quote(text,numeric,timestamp with time zone,text)', 'record', 'stable', 'safe'),
    ('quotetier.explain_quote(record,numeric,timestamp with time zone,text,text)', 'TABLE(seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.explain_quote(jsonb,numeric,timestamp with time zone,text,text)', 'TABLE(seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.explain_quote(text,numeric,timestamp with time zone,text,text)', 'TABLE(seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.example_policy(text)', 'text', 'volatile', 'unsafe'),
    ('quotetier.quote_order(record[],record,text,timestamp with time zone)', 'TABLE(line integer, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric, discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb)', 'stable', 'safe'),
    ('quotetier.quote_order(jsonb,jsonb,text,timestamp with time zone)', 'TABLE(line integer, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric, discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb)', 'stable', 'safe'),
    ('quotetier.quote_order(text,text,text,timestamp with time zone)', 'TABLE(line integer, kind text, list_price numeric, list_amount numeric, net_price numeric, net_amount numeric, discount_pct numeric, currency text, status text, rules bigint[], version text, undistributed numeric, facts jsonb)', 'stable', 'safe'),
    ('quotetier.explain_order(record[],record,text,timestamp with time zone,text)', 'TABLE(line integer, seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.explain_order(jsonb,jsonb,text,timestamp with time zone,text)', 'TABLE(line integer, seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.explain_order(text,text,text,timestamp with time zone,text)', 'TABLE(line integer, seq integer, step text, rule bigint, verdict text, reason text, base numeric, amount numeric, running numeric)', 'stable', 'safe'),
    ('quotetier.price_row()', 'trigger', 'volatile', 'unsafe')
) contract (signature, result, volatility, parallel)
EXCEPT SELECT * FROM function_now;
SELECT is_empty('missing_functions', 'functions, with what they return and promise the planner');

PREPARE missing_columns_of_results AS
SELECT * FROM (VALUES
    ('quote', '{list_price,list_amount,net_price,net_amount,discount_pct,currency,status,rules,version}'::text[]),
    ('explain_class', '{seq,rule,class,verdict,reason}'),
    ('explain_quote', '{seq,step,rule,verdict,reason,base,amount,running}'),
    ('quote_order', '{line,kind,list_price,list_amount,net_price,net_amount,discount_pct,currency,status,rules,version,undistributed,facts}'),
    ('explain_order', '{line,seq,step,rule,verdict,reason,base,amount,running}'),
    ('rfm_table', '{customer,recency_days,frequency,monetary,r,f,m,segment}')
) contract (name, columns)
EXCEPT
SELECT proname::text, (SELECT array_agg(argument ORDER BY place)
                       FROM unnest(proargnames, proargmodes) WITH ORDINALITY a (argument, mode, place)
                       WHERE mode IN ('o', 't'))
FROM pg_proc WHERE pronamespace = 'quotetier'::regnamespace;
SELECT is_empty('missing_columns_of_results', 'columns of results, in their order');

PREPARE missing_columns AS
SELECT name, unnest(string_to_array(columns, ' ')) FROM (VALUES
    ('dimension', 'name kind weight'),
    ('policy', 'name currency zone round_target round_mode round_increment ending strict needs_approval'),
    ('step', 'policy seq name level base pick access excludes compete only_down ending remainder'),
    ('rule', 'id policy step base scope condition valid priority adjust value value_expr currency scale_mode scale_on '
          || 'scale_by scale_offset scale_bounds exclusive_group final stop on_breach ending max_amount max_units '
          || 'unit_step free_from free_whole lines counts note state'),
    ('scale', 'rule from_value to_value value fee size overage'),
    ('scheme', 'name kind'),
    ('tier', 'scheme name rank from_value label_zh'),
    ('class_scheme', 'name'),
    ('class_rule', 'id scheme scope condition valid priority class label_zh note'),
    ('fx_rate', 'from_currency to_currency rate valid'),
    ('uom', 'sku uom factor')
) contract (name, columns)
EXCEPT
SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'quotetier'::regnamespace;
SELECT is_empty('missing_columns', 'tables and columns that a pricing manager writes');

SELECT * FROM finish();
ROLLBACK;

-- A policy of ten steps with every kind of step, against the plain SQL reference
-- of the tests on the same policy; and what a step costs that does not apply. Then
-- a policy of twelve conditions, against asking them of each row in plain SQL.
-- psql variables: lines (2000), rounds (5).

\if :{?lines} \else \set lines 2000 \endif
\if :{?rounds} \else \set rounds 5 \endif
\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
\ir ../test/oracle/quote.sql

INSERT INTO quotetier.dimension (name, kind) VALUES ('sku', 'label'), ('tier', 'label'), ('customer', 'label'), ('region', 'path');
INSERT INTO quotetier.policy (name, currency) VALUES ('ten', 'USD'), ('ten_of_twenty', 'USD');
INSERT INTO quotetier.step (policy, seq, name, level, base, pick, compete, excludes)
SELECT p, seq, name, level, base, pick, compete, excludes
FROM unnest(ARRAY['ten', 'ten_of_twenty']) p, (VALUES
    (10, 'list', 'line', 'running', 'first', NULL, NULL::text[]),
    (20, 'contract', 'line', 'running', 'first', NULL, '{promotion}'),
    (30, 'tier', 'line', 'list', 'first', NULL, NULL),
    (40, 'volume', 'line', 'running', 'best', NULL, NULL),
    (50, 'promotion', 'line', 'running', 'sum', 'deal', NULL),
    (60, 'season', 'line', 'running', 'chain', 'deal', NULL),
    (70, 'surcharge', 'line', 'list', 'best', NULL, NULL),
    (80, 'negotiated', 'line', 'running', 'first', NULL, NULL),
    (90, 'guard', 'line', 'cost', 'best', NULL, NULL),
    (100, 'rebate', 'statistical', 'running', 'sum', NULL, NULL)) s (seq, name, level, base, pick, compete, excludes);
INSERT INTO quotetier.step (policy, seq, name) SELECT 'ten_of_twenty', 100 + i, 'idle' || i FROM generate_series(1, 10) i;

INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value, condition, exclusive_group, scale_mode, on_breach)
SELECT n * 1000 + id, p, step, scope::jsonb, adjust, value, condition::jsonpath, exclusive_group, scale_mode, on_breach
FROM (VALUES ('ten', 1), ('ten_of_twenty', 2)) p (p, n), (
    SELECT i AS id, 'list' AS step, format('{"sku": "S%s"}', i) AS scope, 'price' AS adjust, (i * 7 % 90 + 10)::numeric AS value, NULL AS condition, NULL AS exclusive_group, NULL AS scale_mode, NULL AS on_breach
      FROM generate_series(1, 200) i
    UNION ALL SELECT 300 + i, 'contract', format('{"customer": "C%s"}', i), 'percent_off', 5, NULL, NULL, NULL, NULL FROM generate_series(1, 20) i
    UNION ALL SELECT 400 + i, 'tier', format('{"tier": "t%s"}', i), 'percent_off', i * 2, NULL, NULL, NULL, NULL FROM generate_series(1, 4) i
    UNION ALL VALUES (501, 'volume', '{}', 'percent_off', NULL, NULL, NULL, 'volume', NULL),
                     (601, 'promotion', '{"region": "EU"}', 'percent_off', 3, NULL, NULL, NULL, NULL),
                     (602, 'promotion', '{"region": "EU.DE"}', 'amount_off', 0.25, NULL, 'x', NULL, NULL),
                     (701, 'season', '{"region": "EU"}', 'percent_off', 2, NULL, NULL, NULL, NULL),
                     (702, 'season', '{"region": "EU.FR"}', 'percent_off', 4, NULL, NULL, NULL, NULL),
                     (801, 'surcharge', '{"region": "EU"}', 'percent_on', 1, NULL, NULL, NULL, NULL),
                     (901, 'negotiated', '{"customer": "C3"}', 'percent_off', 1, '$.qty > 50', NULL, NULL, NULL),
                     (951, 'guard', '{}', 'floor_margin', 5, NULL, NULL, NULL, NULL),
                     (952, 'guard', '{}', 'cap_percent_off', 40, NULL, NULL, NULL, 'approve'),
                     (981, 'rebate', '{}', 'percent_off', 2, NULL, NULL, NULL, NULL)) r;
INSERT INTO quotetier.scale (rule, from_value, to_value, value)
SELECT n * 1000 + 501, f, t, v FROM (VALUES (1), (2)) p (n), (VALUES (10, 50, 2), (50, 200, 4), (200, NULL, 6)) s (f, t, v);

CREATE TABLE bench.line AS
SELECT i AS id, 'S' || i % 200 + 1 AS sku, 't' || i % 5 AS tier, 'C' || i % 60 AS customer,
       (ARRAY['EU.DE.Berlin', 'EU.FR', 'US.NY', 'EU.DE'])[i % 4 + 1] AS region, 4.5 + i % 7 AS cost, (i * 13 % 300 + 1)::numeric AS qty
  FROM generate_series(1, :lines) i;
ANALYZE bench.line;

\set facts 'CROSS JOIN LATERAL (SELECT l.sku, l.tier, l.customer, l.region, l.cost) f'
\set ours 'SELECT sum(quotetier.net_price(f, l.qty, ''2025-06-01'', ''ten'')) FROM bench.line l ' :facts
\set ours20 'SELECT sum(quotetier.net_price(f, l.qty, ''2025-06-01'', ''ten_of_twenty'')) FROM bench.line l ' :facts
\set quote 'SELECT sum(q.net_amount), count(q.rules) FROM bench.line l ' :facts ' CROSS JOIN LATERAL quotetier.quote(f, l.qty, ''2025-06-01'', ''ten'') q'
\set reference 'SELECT sum((oracle.quote(to_jsonb(f), l.qty, ''2025-06-01'')).net_price) FROM bench.line l ' :facts

SELECT oracle.load('ten') \g /dev/null
\echo
\echo 'ten steps of every kind (the reference: >= 25 x)'
SELECT arm, median_ms, times_first AS "x net_price"
FROM bench.race(:rounds, ARRAY['net_price', 'quote', 'the same, and ten steps more without rules', 'plain SQL reference'],
                ARRAY[:'ours', :'quote', :'ours20', :'reference']);

INSERT INTO quotetier.policy (name, currency) VALUES ('asking', 'USD');
INSERT INTO quotetier.step (policy, seq, name, pick) SELECT 'asking', s * 10, 's' || s, 'best' FROM generate_series(1, 4) s;
INSERT INTO quotetier.rule (policy, step, adjust, value, condition)
SELECT 'asking', 's' || s, 'percent_off', r, format('$.tier == "t%s" && $.qty > %s', r, s * 10)::jsonpath FROM generate_series(1, 4) s, generate_series(1, 3) r;
SELECT string_agg(format('count(*) FILTER (WHERE jsonb_path_match(row, %L))', condition), ', ') AS counts FROM quotetier.rule WHERE policy = 'asking' \gset
\set asking 'SELECT sum(quotetier.net_price(f, l.qty, ''2025-06-01'', ''asking'')) FROM bench.line l CROSS JOIN LATERAL (SELECT l.sku, l.tier, l.customer, l.region, l.cost, 100 AS list_price) f'
\set paths 'SELECT ' :counts ' FROM (SELECT to_jsonb(l) AS row FROM bench.line l OFFSET 0) l'
\echo
\echo 'twelve conditions, priced, and only asked'
SELECT arm, median_ms, times_first AS "x net_price" FROM bench.race(:rounds, ARRAY['net_price', 'jsonb_path_match'], ARRAY[:'asking', :'paths']);

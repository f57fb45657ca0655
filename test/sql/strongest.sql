-- Where the strongest rule takes a step, a quote does not look at rules that others
-- of the same scope outdo; explain_quote looks at all. Both must say the same: over
-- many rules of few scopes, with ties, prices of 0, conditions and validity; and
-- when what outdid others is changed or taken away.
INSERT INTO quotetier.dimension (name) VALUES ('tier'), ('sku');
INSERT INTO quotetier.policy (name, currency, round_target, round_increment, "strict") VALUES
    ('some', 'EUR', 'unit_adjustment', NULL, false), ('stern', 'EUR', 'line', NULL, true), ('late', 'EUR', 'line', NULL, false), ('each', 'EUR', 'unit_adjustment', 5, false);
INSERT INTO quotetier.fx_rate (from_currency, to_currency, rate) VALUES ('USD', 'EUR', 0.9);
INSERT INTO quotetier.step (policy, seq, name, pick)
SELECT p, seq, name, 'first' FROM unnest('{some,stern,late,each}'::text[]) p, (VALUES (10, 'list'), (20, 'discount'), (30, 'more')) s (seq, name);

CREATE FUNCTION pg_temp.number(n bigint, salt int, range int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(n, salt) & 2147483647)::int % range $$;

INSERT INTO quotetier.rule (id, policy, step, scope, priority, adjust, value, value_expr, valid, condition, max_amount, note, final, currency)
SELECT i, CASE WHEN i % 4 = 0 THEN 'stern' ELSE 'some' END, CASE WHEN i % 7 = 0 THEN 'list' WHEN i % 7 < 4 THEN 'discount' ELSE 'more' END,
       CASE pg_temp.number(i, 1, 3) WHEN 0 THEN '{"tier": "a"}' WHEN 1 THEN '{"tier": ["a", "b"], "sku": "x"}' ELSE '{}' END::jsonb,
       pg_temp.number(i, 2, 3), adjust,
       CASE WHEN NOT formula THEN pg_temp.number(i, 3, 12) + CASE adjust WHEN 'price' THEN 200 ELSE 1 END END, CASE WHEN formula THEN '$.score' END::jsonpath,
       CASE pg_temp.number(i, 4, 3) WHEN 0 THEN '[2025-01-01,2025-06-01)' ELSE '(,)' END::tstzrange,
       CASE pg_temp.number(i, 5, 6) WHEN 0 THEN '$.score > 5' END::jsonpath,
       CASE WHEN adjust LIKE '%off' AND pg_temp.number(i, 6, 5) = 0 THEN pg_temp.number(i, 7, 3) END,
       CASE WHEN i % 5 = 0 THEN 'rule ' || i END, i % 50 = 1, CASE WHEN i % 9 = 0 THEN 'USD' END
FROM (SELECT i, pg_temp.number(i, 8, 10) = 0 AS formula,
             CASE WHEN i % 7 = 0 THEN (ARRAY['price', 'price', 'markup'])[pg_temp.number(i, 9, 3) + 1]
                  ELSE CASE WHEN i % 40 = 1 THEN 'price' ELSE (ARRAY['percent_off', 'percent_off', 'percent_off', 'amount_off', 'percent_on'])[pg_temp.number(i, 9, 5) + 1] END END AS adjust
      FROM generate_series(1, 600) i) r;

-- plain percentages, which are told apart by their values, unless these lead to one price: of 0, or rounded in between
INSERT INTO quotetier.rule (id, policy, step, scope, priority, adjust, value, valid, condition, max_amount)
SELECT 1000 + i, (ARRAY['late', 'each'])[i % 2 + 1], CASE WHEN i % 6 < 3 THEN 'discount' ELSE 'more' END,
       CASE pg_temp.number(i, 1, 3) WHEN 0 THEN '{"tier": "a"}' WHEN 1 THEN '{"tier": ["a", "b"], "sku": "x"}' ELSE '{}' END::jsonb,
       pg_temp.number(i, 2, 3), 'percent_off', CASE pg_temp.number(i, 3, 200) WHEN 0 THEN 100 ELSE pg_temp.number(i, 4, 3) + 0.5 END,
       CASE pg_temp.number(i, 5, 3) WHEN 0 THEN '[2025-01-01,2025-06-01)' WHEN 1 THEN '[2025-02-01,)' ELSE '(,)' END::tstzrange,
       CASE pg_temp.number(i, 6, 30) WHEN 0 THEN '$.score > 5' END::jsonpath, CASE pg_temp.number(i, 7, 30) WHEN 0 THEN 1 END
FROM generate_series(1, 400) i;

CREATE TEMP TABLE line AS
SELECT i, jsonb_strip_nulls(jsonb_build_object('tier', (ARRAY['a', 'b', 'c'])[i % 3 + 1], 'sku', CASE i % 2 WHEN 0 THEN 'x' ELSE 'y' END, 'score', i % 11,
                                               'list_price', CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 0 ELSE 100 + i END)) AS facts,
       1 + i % 3 AS qty, '2025-04-01'::timestamptz + i % 5 * interval '1 month' AS at
FROM generate_series(1, 120) i;

-- what differs between the two; a strict policy refuses a tie in both
CREATE FUNCTION pg_temp.by_quote(l line, policy text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT concat_ws(' ', trim_scale(net_amount), rules) FROM quotetier.quote(l.facts, l.qty, l.at, policy));
EXCEPTION WHEN cardinality_violation THEN RETURN SQLERRM;
END $$;
CREATE FUNCTION pg_temp.by_explain(l line, policy text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT concat_ws(' ', trim_scale(sum(amount)), coalesce(array_agg(rule ORDER BY seq) FILTER (WHERE rule IS NOT NULL), '{}'))
            FROM quotetier.explain_quote(l.facts, l.qty, l.at, policy) WHERE verdict <> 'rejected');
EXCEPTION WHEN cardinality_violation THEN RETURN SQLERRM;
END $$;
CREATE TEMP VIEW compared AS
SELECT policy, count(*) FILTER (WHERE by_quote <> by_explain) AS different, count(*) FILTER (WHERE by_quote LIKE 'rules%') AS refused,
       count(DISTINCT by_quote) AS answers
FROM (SELECT policy, pg_temp.by_quote(line, policy) AS by_quote, pg_temp.by_explain(line, policy) AS by_explain FROM line, unnest('{some,stern,late,each}'::text[]) policy) q
GROUP BY policy ORDER BY policy;

SELECT * FROM compared;

-- the strongest taken away, in the transaction that looks: patched, what they outdid is there again
BEGIN;
DELETE FROM quotetier.rule WHERE priority = 2;
SELECT * FROM compared;
SELECT patched > 10 AS patched FROM quotetier.rule_book_stats('some');
-- a group where there was none: all candidates count
INSERT INTO quotetier.rule (id, policy, step, adjust, value, exclusive_group, priority) VALUES (9001, 'some', 'discount', 'percent_off', 1, '*', 0), (9002, 'some', 'discount', 'percent_off', 2, 'g', 3);
SELECT * FROM compared;
ROLLBACK;
SELECT * FROM compared;

-- a weaker rule is not tried, which fails for want of a rate: not even behind an equal one that is not in force
INSERT INTO quotetier.policy (name, currency) VALUES ('tried', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('tried', 10, 'discount', 'first');
INSERT INTO quotetier.rule (id, policy, step, adjust, value, priority, valid, currency) VALUES
    (9011, 'tried', 'discount', 'percent_off', 10, 2, '[2025-01-01,)', NULL), (9012, 'tried', 'discount', 'percent_off', 20, 2, '[2025-01-01,2025-02-01)', NULL),
    (9013, 'tried', 'discount', 'amount_off', 5, 1, '(,)', 'CHF');
SELECT net_price FROM quotetier.quote('{"list_price": 100}'::jsonb, 1, '2025-06-01', 'tried');
SELECT net_price FROM quotetier.quote('{"list_price": 100}'::jsonb, 1, '2024-06-01', 'tried');

DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name <> 'default';
DELETE FROM quotetier.dimension;
DELETE FROM quotetier.fx_rate;

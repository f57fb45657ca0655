-- Rules over more sets of dimensions than a word has bits. The strongest sets are
-- looked at first, and the others only where none of their rules stands: net_price
-- and quote must find what a SELECT finds that looks at all rules, and so must
-- explain_quote, which looks at all itself. In a policy of one step, of two, of one
-- whose sets are ordered by an access list, and of two of which one is of the order.
INSERT INTO quotetier.dimension (name, weight) SELECT 'd' || d, 100 - d FROM generate_series(1, 8) d;
INSERT INTO quotetier.policy (name, currency) VALUES ('one', 'EUR'), ('two', 'EUR'), ('listed', 'EUR'), ('order', 'EUR');
INSERT INTO quotetier.step (policy, seq, name, pick, level, access) VALUES
    ('one', 10, 'discount', 'first', 'line', NULL), ('two', 10, 'discount', 'first', 'line', NULL), ('two', 20, 'more', 'first', 'line', NULL),
    ('listed', 10, 'discount', 'first', 'line', '{d8,d7,d6,d5}'), ('order', 10, 'discount', 'first', 'line', NULL), ('order', 20, 'more', 'first', 'order', NULL);

CREATE FUNCTION pg_temp.number(n bigint, salt int, range int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(n, salt) & 2147483647)::int % range $$;

-- some 230 of the 255 sets; two rules in three are in force, and some are equally strong
INSERT INTO quotetier.rule (id, policy, step, scope, priority, adjust, value, valid)
SELECT i, policy, CASE WHEN policy IN ('two', 'order') AND pg_temp.number(i, 24, 2) = 0 THEN 'more' ELSE 'discount' END,
       (SELECT coalesce(jsonb_object_agg('d' || d, chr(97 + pg_temp.number(i, d, 3))), '{}') FROM generate_series(1, 8) d WHERE (pg_temp.number(i, 20, 255) + 1) & (1 << d - 1) > 0),
       pg_temp.number(i, 21, 2), 'percent_off', pg_temp.number(i, 22, 40) + 1,
       CASE pg_temp.number(i, 23, 3) WHEN 0 THEN '[2025-06-01,2025-07-01)' ELSE '(,)' END::tstzrange
FROM generate_series(1, 2400) i, LATERAL (SELECT (ARRAY['one', 'two', 'listed', 'order'])[i % 4 + 1]) p (policy);
SELECT policy, shapes > 128 AS "more than two words" FROM quotetier.rule_book_stats('one');

-- a line has a value in most dimensions, or two, or one that no rule asks for
CREATE TEMP TABLE line AS
SELECT i, (SELECT jsonb_object_agg('d' || d, CASE pg_temp.number(i, 30 + d, 9) WHEN 0 THEN '["a", "c"]' WHEN 1 THEN '"z"' WHEN 2 THEN '"y"' WHEN 3 THEN 'null'
                                               ELSE to_jsonb(chr(97 + pg_temp.number(i, 40 + d, 3))) END::jsonb) FROM generate_series(1, 8) d)
          || '{"list_price": 100}' AS facts, '2025-06-15'::timestamptz + i % 2 * interval '1 year' AS at
FROM generate_series(1, 400) i;

-- strength: the place in the access list, or the heavier dimensions; then priority; then the lower price
CREATE TEMP VIEW strongest AS
SELECT i, p.policy, s.step, (100 - r.value) / 100 AS factor, r.id
FROM line CROSS JOIN unnest('{one,two,listed,order}'::text[]) p (policy) CROSS JOIN unnest('{discount,more}'::text[]) s (step),
LATERAL (SELECT r.* FROM quotetier.rule r, LATERAL (SELECT string_agg(CASE WHEN scope ? ('d' || d) THEN '1' ELSE '0' END, '' ORDER BY d) AS mask FROM generate_series(1, 8) d) m
         WHERE r.policy = p.policy AND r.step = s.step AND valid @> at
           AND NOT EXISTS (SELECT FROM jsonb_each(scope) WHERE NOT coalesce(facts->key @> value, false))
         ORDER BY CASE WHEN r.policy = 'listed' THEN array_position('{00000001,00000010,00000100,00001000}', mask) END, mask DESC, priority DESC, r.value DESC, r.id LIMIT 1) r;
CREATE TEMP VIEW expected AS
SELECT i, policy, round(100 * coalesce(max(factor) FILTER (WHERE step = 'discount'), 1) * coalesce(max(factor) FILTER (WHERE step = 'more'), 1), 2) AS price,
       coalesce(array_agg(id ORDER BY step) FILTER (WHERE id IS NOT NULL), '{}') AS rules
FROM line CROSS JOIN unnest('{one,two,listed,order}'::text[]) policy LEFT JOIN strongest USING (i, policy) GROUP BY i, policy;

SELECT policy, count(*) AS lines, count(*) FILTER (WHERE e.rules = '{}') > 0 AS "some have no rule", count(DISTINCT e.rules) > 30 AS "many win",
       count(*) FILTER (WHERE q.rules IS DISTINCT FROM e.rules) AS "quote differs",
       count(*) FILTER (WHERE q.net_price <> e.price) AS "its price differs",
       count(*) FILTER (WHERE quotetier.net_price(facts, 1, at, policy) <> q.net_price) AS "net_price differs",
       count(*) FILTER (WHERE e.rules IS DISTINCT FROM x.rules) AS "explain_quote differs"
FROM line JOIN expected e USING (i), LATERAL quotetier.quote(facts, 1, at, policy) q,
     LATERAL (SELECT coalesce(array_agg(rule ORDER BY seq) FILTER (WHERE rule IS NOT NULL), '{}') AS rules FROM quotetier.explain_quote(facts, 1, at, policy) WHERE verdict = 'applied') x
WHERE policy <> 'order' GROUP BY policy ORDER BY policy;

SELECT count(*) AS orders, count(*) FILTER (WHERE o.net_amount <> e.price) AS "quote_order differs"
FROM line JOIN expected e USING (i), LATERAL quotetier.quote_order('[{"qty": 1}]', facts, policy, at) o WHERE policy = 'order' AND o.kind = 'order';

DELETE FROM quotetier.rule;
DELETE FROM quotetier.policy WHERE name <> 'default';
DELETE FROM quotetier.dimension;

-- Random policies and lines, priced by quotetier and by the oracle: they must
-- agree, to the last digit, on the quote and on every row of its waterfall.
-- Needs test/oracle/quote.sql. A line that differs is shown with both waterfalls,
-- and the policy stays in the tables.
--
--   CALL fuzz.quotes(seed, lines);      the comparison, and what must hold on every line
--   CALL fuzz.graduated(seed, scales);  totals of a graduated scale never fall
--
-- The same seed gives the same lines.
CREATE SCHEMA fuzz;

CREATE FUNCTION fuzz.chance(p float) RETURNS boolean LANGUAGE sql AS 'SELECT random() < p';

CREATE FUNCTION fuzz.one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql AS $$
    SELECT choices[1 + floor(random() * cardinality(choices))::int]
$$;

-- each with probability p, in their order
CREATE FUNCTION fuzz.some_of(p float, VARIADIC choices text[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY(SELECT c FROM unnest(choices) WITH ORDINALITY AS u (c, place) WHERE random() < p ORDER BY place)
$$;

-- round numbers and awkward ones, up to about the limit
CREATE FUNCTION fuzz.number(up_to numeric) RETURNS numeric LANGUAGE sql AS $$
    SELECT CASE floor(random() * 5)::int
        WHEN 0 THEN round(up_to * random()::numeric, 0)
        WHEN 1 THEN round(up_to * random()::numeric / 5, 0) * 5
        WHEN 2 THEN round(up_to * random()::numeric, 1)
        WHEN 3 THEN round(up_to * random()::numeric, 2)
        ELSE round(up_to * random()::numeric, 5) END
$$;

-- ---------------------------------------------------------------------------
-- A random policy
-- ---------------------------------------------------------------------------

CREATE PROCEDURE fuzz.make_scale(rule bigint, percent boolean, up_to numeric, mode text, measure text) LANGUAGE plpgsql AS $$
DECLARE
    n      int := 1 + floor(random() * 4);
    reach  numeric := CASE measure WHEN 'amount' THEN 400 WHEN 'quantity' THEN 12 ELSE 20 END;
    low    numeric := CASE WHEN measure = 'score' THEN -10 WHEN fuzz.chance(0.7) THEN 0 ELSE round(reach * random()::numeric / 4, 1) END;
    high   numeric;
BEGIN
    FOR i IN 1 .. n LOOP
        high := low + 0.5 + fuzz.number(reach);
        IF i = n AND fuzz.chance(0.75) THEN high := NULL; END IF;
        INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size, overage)
        VALUES (rule, low, high, fuzz.number(up_to),
                CASE WHEN fuzz.chance(0.25) THEN fuzz.number(10) ELSE 0 END,
                CASE WHEN mode = 'package' THEN 0.5 + fuzz.number(10) END,
                CASE WHEN mode = 'block' AND fuzz.chance(0.5) THEN fuzz.number(5) END);
        low := high + CASE WHEN fuzz.chance(0.9) THEN 0 ELSE 1 END;
    END LOOP;
END
$$;

CREATE PROCEDURE fuzz.make_rule(policy text, step text, pick text, bases text[]) LANGUAGE plpgsql AS $$
DECLARE
    adjust  text;
    percent boolean;
    up_to   numeric;
    mode    text;
    measure text := 'quantity';
    scope   jsonb := '{}';
    dim     text;
    id      bigint;
    formula jsonpath;
BEGIN
    adjust := CASE
        WHEN step = 'guard' THEN fuzz.one_of('floor_price', 'floor_percent', 'floor_over', 'floor_margin', 'cap_percent_off', 'cap_price')
        WHEN step = 'list' AND fuzz.chance(0.7) THEN 'price'
        WHEN pick = 'sum' THEN fuzz.one_of('percent_off', 'percent_off', 'percent_on', 'amount_off', 'amount_on', 'line_amount_off')
        ELSE fuzz.one_of('price', 'price_percent', 'margin', 'markup', 'percent_off', 'percent_off', 'percent_off',
                         'percent_on', 'amount_off', 'amount_off', 'amount_on', 'line_amount_off', 'round_to') END;
    percent := adjust IN ('price_percent', 'margin', 'markup', 'percent_off', 'percent_on', 'floor_percent', 'floor_margin', 'cap_percent_off');
    up_to := CASE adjust WHEN 'price' THEN 100 WHEN 'price_percent' THEN 140 WHEN 'margin' THEN 90
        WHEN 'markup' THEN 60 WHEN 'percent_off' THEN CASE WHEN fuzz.chance(0.1) THEN 100 ELSE 30 END
        WHEN 'line_amount_off' THEN 40 WHEN 'floor_percent' THEN 120 WHEN 'cap_percent_off' THEN 60 WHEN 'floor_margin' THEN 60
        WHEN 'floor_price' THEN 60 WHEN 'cap_price' THEN 120 ELSE 12 END;
    IF fuzz.chance(0.05) AND step <> 'guard' THEN
        formula := fuzz.one_of('$.score', '$.cost * 1.25', '$.running_price / 10', '$.qty + 0.5', '$.sku', '$.list_price - 20')::jsonpath;
    ELSIF fuzz.chance(0.35) AND step <> 'guard' AND adjust <> 'round_to' THEN
        mode := CASE WHEN percent THEN fuzz.one_of('volume', 'graduated')
                     WHEN adjust = 'line_amount_off' THEN fuzz.one_of('volume', 'block', 'package')
                     ELSE fuzz.one_of('volume', 'graduated', 'block', 'package') END;
        measure := CASE WHEN mode = 'volume' THEN fuzz.one_of('quantity', 'amount', 'score') ELSE fuzz.one_of('quantity', 'quantity', 'amount') END;
    END IF;
    FOREACH dim IN ARRAY fuzz.some_of(0.3, 'tier', 'region', 'sku', 'tags') LOOP
        scope := scope || jsonb_build_object(dim, CASE
            WHEN dim = 'region' AND fuzz.chance(0.7) THEN to_jsonb(fuzz.one_of('a', 'a.x', 'a.x.y', 'b', 'c.z'))
            WHEN dim = 'region' THEN to_jsonb(fuzz.some_of(0.5, 'a', 'a.x', 'c.z') || 'b'::text)
            WHEN fuzz.chance(0.7) THEN to_jsonb(fuzz.one_of('a', 'b', 'c'))
            ELSE to_jsonb(fuzz.some_of(0.5, 'a', 'b', 'c') || 'd'::text) END);
        IF fuzz.chance(0.1) THEN
            scope := scope || jsonb_build_object(dim, jsonb_build_object('not', scope -> dim));
        END IF;
    END LOOP;
    INSERT INTO quotetier.rule (policy, step, base, scope, valid, priority, adjust, value, scale_mode, scale_on, scale_bounds,
                                exclusive_group, final, stop, ending, condition, value_expr, scale_offset, currency, on_breach, max_amount)
    VALUES (policy, step, CASE WHEN fuzz.chance(0.25) THEN fuzz.one_of(VARIADIC bases) END, scope,
            CASE WHEN fuzz.chance(0.8) THEN '(,)'
                 ELSE tstzrange('2024-01-01'::timestamptz + floor(random() * 4) * interval '1 day',
                                '2024-01-05'::timestamptz + floor(random() * 4) * interval '1 day') END,
            floor(random() * 3), adjust, CASE WHEN mode IS NULL AND formula IS NULL THEN least(fuzz.number(up_to) + CASE adjust WHEN 'round_to' THEN 0.05 ELSE 0.1 END, CASE adjust WHEN 'percent_off' THEN 100 END) END, mode, measure,
            CASE WHEN mode IS NULL OR fuzz.chance(0.7) THEN '[)' ELSE '(]' END,
            CASE WHEN fuzz.chance(0.15) AND step <> 'guard' THEN fuzz.one_of('g', 'h', '*') END,
            fuzz.chance(0.06) AND step <> 'guard', fuzz.chance(0.06) AND step <> 'guard',
            CASE WHEN fuzz.chance(0.05) AND step <> 'guard' AND step NOT LIKE 'rebate%' THEN fuzz.one_of('.95', '4.99/5') END,
            CASE WHEN fuzz.chance(0.15) THEN fuzz.one_of('$.qty >= 5', '$.discounted == true', '$.running_price > 40', '$.list_price < 50 || $.score > 0',
                                                         '$.weekday >= 4', '$.hour == 20', '$.date < "2024-01-04"', '$.tags[*] == "a"', '$.unknown == 1')::jsonpath END,
            formula, CASE WHEN mode = 'graduated' AND measure = 'quantity' AND fuzz.chance(0.3) THEN 'used' END,
            CASE WHEN NOT percent AND fuzz.chance(0.2) THEN fuzz.one_of('EUR', 'USD') END,
            CASE WHEN step = 'guard' THEN nullif(fuzz.one_of('clamp', 'default', 'block', 'approve'), 'default') END,
            CASE WHEN adjust IN ('percent_off', 'amount_off', 'line_amount_off') AND fuzz.chance(0.1) THEN fuzz.number(30) END)
    RETURNING rule.id INTO id;
    IF mode IS NOT NULL THEN
        CALL fuzz.make_scale(id, percent, up_to, mode, measure);
    END IF;
END
$$;

CREATE PROCEDURE fuzz.make_policy(policy text) LANGUAGE plpgsql AS $$
DECLARE
    steps text[] := '{}';
    bases text[] := '{list,running,running,cost,competitor}';
    this  text;
    compete text;
    picks text;
BEGIN
    DELETE FROM quotetier.rule;
    DELETE FROM quotetier.policy WHERE quotetier.policy.name <> 'default';
    DELETE FROM quotetier.dimension;
    INSERT INTO quotetier.dimension (name, weight, kind)
    SELECT d, 1 + floor(random() * 3), CASE d WHEN 'region' THEN 'path' ELSE 'label' END FROM unnest(ARRAY['tier', 'region', 'sku', 'tags']) d;
    INSERT INTO quotetier.policy (name, currency, zone, round_target, round_mode, round_increment, ending, strict)
    VALUES (policy, fuzz.one_of('EUR', 'EUR', 'USD'), fuzz.one_of('UTC', 'Asia/Shanghai', 'America/St_Johns'),
            fuzz.one_of('line', 'line', 'unit', 'adjustment', 'unit_adjustment', 'line_step', 'unit_step'),
            fuzz.one_of('half_up', 'half_up', 'half_even', 'up', 'down', 'ceiling', 'floor'),
            fuzz.one_of('0.01', '0.01', '0.05', '1', '0.001', '0.25')::numeric,
            CASE WHEN fuzz.chance(0.15) THEN fuzz.one_of('.99', '9.99/10', '.05', '0', '0/.5', '.90/1') END,
            fuzz.chance(0.05));
    IF fuzz.chance(0.8) THEN
        INSERT INTO quotetier.step (policy, seq, name, pick)
        VALUES (policy, 0, 'list', fuzz.one_of('first', 'first', 'first', 'best', 'chain'));
        steps := '{list}';
    END IF;
    FOR i IN 1 .. 2 + floor(random() * 5)::int LOOP
        this := 's' || i;
        compete := CASE WHEN fuzz.chance(0.5) THEN compete ELSE CASE WHEN fuzz.chance(0.4) THEN this END END;
        INSERT INTO quotetier.step (policy, seq, name, level, base, pick, access, excludes, compete, only_down, ending)
        VALUES (policy, i, this, 'line', fuzz.one_of(VARIADIC bases), fuzz.one_of('first', 'best', 'sum', 'chain'),
                CASE WHEN fuzz.chance(0.2) THEN fuzz.some_of(0.5, 'sku', 'tier+region', 'tags', 'region', 'sku+tier', '') END,
                CASE WHEN fuzz.chance(0.15) THEN ARRAY['s' || i + 1 + floor(random() * 2)::int] END,
                compete,
                fuzz.chance(0.15),
                CASE WHEN fuzz.chance(0.05) THEN fuzz.one_of('.49', '9/10') END);
        steps := steps || this;
        bases := bases || this;
    END LOOP;
    INSERT INTO quotetier.step (policy, seq, name, level, base, pick)
    SELECT policy, 80 + i, 'rebate' || i, 'statistical', fuzz.one_of(VARIADIC bases), fuzz.one_of('first', 'sum', 'chain') FROM generate_series(1, 2) i;
    INSERT INTO quotetier.step (policy, seq, name, base) VALUES (policy, 90, 'guard', fuzz.one_of('running', 'running', 'cost', 'list', 'competitor', 's1'));
    UPDATE quotetier.step s SET excludes = ARRAY(SELECT unnest(excludes) INTERSECT SELECT unnest(steps))
    WHERE s.policy = make_policy.policy AND excludes IS NOT NULL;

    bases := '{list,running,running,cost,competitor}';
    FOREACH this IN ARRAY steps LOOP
        SELECT s.pick INTO picks FROM quotetier.step s WHERE s.policy = make_policy.policy AND s.name = this;
        FOR i IN 1 .. floor(random() * 6)::int LOOP
            CALL fuzz.make_rule(policy, this, picks, CASE WHEN this = 'list' THEN '{cost,competitor,list,running}' ELSE bases END);
        END LOOP;
        IF this <> 'list' THEN bases := bases || this; END IF;
    END LOOP;
    FOR i IN 1 .. greatest(floor(random() * 6)::int - 2, 0) LOOP
        CALL fuzz.make_rule(policy, 'guard', 'best', bases);
    END LOOP;
    FOR i IN 1 .. greatest(floor(random() * 6)::int - 2, 0) LOOP
        CALL fuzz.make_rule(policy, 'rebate' || 1 + i % 2, 'sum', bases);
    END LOOP;
END
$$;

-- ---------------------------------------------------------------------------
-- Random lines, and what both make of them
-- ---------------------------------------------------------------------------

INSERT INTO quotetier.fx_rate (from_currency, to_currency, rate, valid) VALUES
    ('EUR', 'USD', 1.0837, '(,2024-01-03)'), ('EUR', 'USD', 1.1, '[2024-01-03,)'), ('USD', 'EUR', 0.9, '(,)');
INSERT INTO quotetier.uom (sku, uom, factor) VALUES (NULL, 'box', 12), ('a', 'box', 7.5);

CREATE UNLOGGED TABLE fuzz.line (no int, facts jsonb, qty numeric, as_of timestamptz);

CREATE PROCEDURE fuzz.make_lines(n int) LANGUAGE sql AS $$
    TRUNCATE fuzz.line;
    INSERT INTO fuzz.line
    SELECT no,
           (SELECT jsonb_object_agg(d, CASE WHEN fuzz.chance(0.1) THEN 'null'
                WHEN d = 'region' THEN to_jsonb(fuzz.one_of('a', 'a.x', 'a.x.y', 'a.x.y.q', 'b', 'b.w', 'c', 'c.z'))
                ELSE to_jsonb(fuzz.one_of('a', 'b', 'c', 'd', 'z')) END)
            FROM unnest(ARRAY['tier', 'region', 'sku']) d WHERE no > 0)
           || jsonb_strip_nulls(jsonb_build_object(
                'tags', CASE WHEN fuzz.chance(0.8) THEN fuzz.some_of(0.4, 'a', 'b', 'c', 'z') END,
                'list_price', CASE WHEN fuzz.chance(0.85) THEN fuzz.number(100) END,
                'cost', CASE WHEN fuzz.chance(0.75) THEN fuzz.number(60) END,
                'competitor', CASE WHEN fuzz.chance(0.6) THEN fuzz.number(120) END,
                'score', CASE WHEN fuzz.chance(0.8) THEN fuzz.number(40) - 15 END,
                'used', CASE WHEN fuzz.chance(0.3) THEN fuzz.number(20) END,
                'currency', CASE WHEN fuzz.chance(0.3) THEN fuzz.one_of('EUR', 'USD') END,
                'uom', CASE WHEN fuzz.chance(0.1) THEN 'box' END,
                'uom_factor', CASE WHEN fuzz.chance(0.1) THEN 0.1 + fuzz.number(20) END)),
           CASE floor(random() * 8)::int WHEN 0 THEN 0 WHEN 1 THEN -round(1 + 9 * random()::numeric, 0) WHEN 2 THEN round(10 * random()::numeric, 3)
                WHEN 3 THEN -round(10 * random()::numeric, 2) WHEN 4 THEN 1 WHEN 5 THEN round(300 * random()::numeric, 0)
                ELSE 1 + round(19 * random()::numeric, 0) END,
           '2024-01-01'::timestamptz + floor(random() * 16) * interval '12 hours'
    FROM generate_series(1, n) no;
$$;

-- what a strict policy refuses is refused by both
CREATE FUNCTION fuzz.quote(facts jsonb, qty numeric, as_of timestamptz, policy text, OUT q jsonb) STABLE LANGUAGE plpgsql AS $$
BEGIN
    SELECT to_jsonb(r) - 'version' INTO q FROM quotetier.quote(facts, qty, as_of, policy) r;
EXCEPTION WHEN cardinality_violation THEN q := '"ambiguous"';
END
$$;

CREATE FUNCTION fuzz.oracle(facts jsonb, qty numeric, as_of timestamptz, OUT q jsonb) STABLE LANGUAGE plpgsql AS $$
BEGIN
    SELECT to_jsonb(r) - '{steps,by_rule,verdicts,bases,amounts,pocket,doubt}'::text[] INTO q FROM oracle.quote(facts, qty, as_of) r;
EXCEPTION WHEN cardinality_violation THEN q := '"ambiguous"';
END
$$;

CREATE PROCEDURE fuzz.show(l fuzz.line, policy text, what text) LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    RAISE NOTICE '% differs: quantity %, as_of %, facts %', what, l.qty, l.as_of, l.facts;
    RAISE NOTICE 'quotetier: %', fuzz.quote(l.facts, l.qty, l.as_of, policy);
    RAISE NOTICE 'oracle:    %', fuzz.oracle(l.facts, l.qty, l.as_of);
    FOR r IN SELECT p FROM quotetier.policy p WHERE name = policy LOOP RAISE NOTICE '%', r; END LOOP;
    FOR r IN SELECT s FROM quotetier.step s WHERE s.policy = show.policy ORDER BY seq LOOP RAISE NOTICE '%', r; END LOOP;
    FOR r IN SELECT u, ARRAY(SELECT s FROM quotetier.scale s WHERE rule = u.id ORDER BY from_value) AS scale
             FROM quotetier.rule u JOIN quotetier.step s ON s.policy = u.policy AND s.name = u.step
             WHERE u.policy = show.policy ORDER BY seq, id
    LOOP RAISE NOTICE '%', r; END LOOP;
    RAISE NOTICE 'quotetier''s waterfall:';
    FOR r IN SELECT * FROM quotetier.explain_quote(l.facts, l.qty, l.as_of, policy) LOOP RAISE NOTICE '%', r; END LOOP;
    RAISE NOTICE 'the oracle''s waterfall:';
    FOR r IN SELECT * FROM oracle.explain(l.facts, l.qty, l.as_of) LOOP RAISE NOTICE '%', r; END LOOP;
END
$$;

-- ---------------------------------------------------------------------------
-- The comparisons
-- ---------------------------------------------------------------------------

-- A copy of the policy whose rules were written in another order.
CREATE PROCEDURE fuzz.shuffle(policy text, copy text) LANGUAGE plpgsql AS $$
DECLARE
    r      quotetier.rule;
    old_id bigint;
BEGIN
    INSERT INTO quotetier.policy SELECT (jsonb_populate_record(p, jsonb_build_object('name', copy))).* FROM quotetier.policy p WHERE name = policy;
    INSERT INTO quotetier.step SELECT (jsonb_populate_record(s, jsonb_build_object('policy', copy))).* FROM quotetier.step s WHERE s.policy = shuffle.policy ORDER BY random();
    TRUNCATE fuzz.twin;
    FOR r IN SELECT * FROM quotetier.rule u WHERE u.policy = shuffle.policy ORDER BY random() LOOP
        old_id := r.id;
        r.id := nextval(pg_get_serial_sequence('quotetier.rule', 'id'));
        r.policy := copy;
        INSERT INTO quotetier.rule SELECT r.*;
        INSERT INTO quotetier.scale SELECT (jsonb_populate_record(s, jsonb_build_object('rule', r.id))).* FROM quotetier.scale s WHERE rule = old_id ORDER BY random();
        INSERT INTO fuzz.twin VALUES (old_id, r.id);
    END LOOP;
END
$$;

CREATE UNLOGGED TABLE fuzz.twin (id bigint PRIMARY KEY, copy bigint);

-- Lines that have nothing to do with each other cost in an order what they cost alone, and for the same reasons.
CREATE FUNCTION fuzz.differs_in_order(policy text) RETURNS SETOF fuzz.line STABLE LANGUAGE sql AS $$
    WITH orders AS (
        SELECT min(no) AS id, as_of, jsonb_strip_nulls(jsonb_build_object('currency', facts -> 'currency')) AS header,
               array_agg(l ORDER BY no) AS lines, jsonb_agg(facts - 'currency' || jsonb_build_object('qty', qty) ORDER BY no) AS json
        FROM fuzz.line l GROUP BY as_of, facts -> 'currency'
    ), told AS (
        SELECT o.id, e.line, array_agg((seq, step, rule, verdict, reason, base, amount, running)::text ORDER BY seq) AS rows
        FROM orders o, quotetier.explain_order(json, header, policy, as_of) e GROUP BY o.id, e.line
    )
    SELECT (l).*
    FROM (SELECT o.id, q.*, ROW(u.no, u.facts, u.qty, u.as_of)::fuzz.line AS l
          FROM orders o, quotetier.quote_order(json, header, policy, o.as_of) q
               JOIN unnest(o.lines) WITH ORDINALITY AS u (no, facts, qty, as_of, place) ON place = q.line) o
         LEFT JOIN told USING (id, line),
         quotetier.quote((l).facts, (l).qty, (l).as_of, policy) q,
         LATERAL (SELECT array_agg((seq, step, rule, verdict, reason, base, amount, running)::text ORDER BY seq) AS rows
                  FROM quotetier.explain_quote((l).facts, (l).qty, (l).as_of, policy)) alone
    WHERE (o.list_price, o.list_amount, o.net_price, o.net_amount, o.discount_pct, o.currency, o.status, o.rules, told.rows)
          IS DISTINCT FROM (q.list_price, q.list_amount, q.net_price, q.net_amount, q.discount_pct, q.currency, q.status, q.rules, alone.rows)
$$;

CREATE PROCEDURE fuzz.quotes(seed int, lines int) LANGUAGE plpgsql AS $$
DECLARE
    per_policy CONSTANT int := 100;
    done  int := 0;
    wrong record;
    ambiguity_raises boolean;
BEGIN
    PERFORM setseed((seed % 1000000) / 1000000.0);
    WHILE done < lines LOOP
        CALL fuzz.make_policy('fuzz');
        CALL fuzz.shuffle('fuzz', 'shuffled');
        CALL fuzz.make_lines(least(per_policy, lines - done));
        COMMIT;
        PERFORM oracle.load('fuzz');
        SELECT p."strict" INTO ambiguity_raises FROM oracle.policy p;

        IF ambiguity_raises THEN
            SELECT l, 'the quote of a strict policy' AS what INTO wrong
            FROM fuzz.line l
            WHERE fuzz.quote(facts, qty, as_of, 'fuzz') IS DISTINCT FROM fuzz.oracle(facts, qty, as_of)
            ORDER BY no LIMIT 1;
        ELSE
            SELECT * INTO wrong FROM (
            SELECT l, CASE
                WHEN (q.list_price, q.list_amount, q.net_price, q.net_amount, q.discount_pct, q.currency, q.status, q.rules)
                     IS DISTINCT FROM (o.list_price, o.list_amount, o.net_price, o.net_amount, o.discount_pct, o.currency, o.status, o.rules)
                    THEN 'the quote'
                WHEN (q.list_price::text, q.net_price::text, q.discount_pct::text)
                     IS DISTINCT FROM (o.list_price::text, o.net_price::text, o.discount_pct::text)
                    THEN 'how a number is written'
                WHEN (w.steps, w.by_rule, w.verdicts, w.bases, w.amounts, w.pocket)
                     IS DISTINCT FROM (o.steps, o.by_rule, o.verdicts, o.bases, o.amounts, o.pocket)
                     AND o.status <> 'no_price'
                    THEN 'the waterfall'
                WHEN q.list_amount + w.changes <> q.net_amount OR w.total <> q.net_amount OR w.last_running <> q.net_amount
                    THEN 'the sum of the waterfall'
                WHEN n.net_price IS DISTINCT FROM q.net_price
                    THEN 'net_price()'
                WHEN NOT o.doubt AND (t.list_amount, t.net_amount, t.net_price, t.rules)
                     IS DISTINCT FROM (q.list_amount, q.net_amount, q.net_price,
                                       ARRAY(SELECT copy FROM unnest(q.rules) WITH ORDINALITY AS u (id, place) JOIN fuzz.twin USING (id) ORDER BY place))
                    THEN 'the quote by rules written in another order'
                END AS what
            FROM fuzz.line l,
                 quotetier.quote(facts, qty, as_of, 'fuzz') q,
                 quotetier.quote(facts, qty, as_of, 'shuffled') t,
                 quotetier.net_price(facts, qty, as_of, 'fuzz') n (net_price),
                 oracle.quote(facts, qty, as_of) o,
                 LATERAL (SELECT array_agg(step ORDER BY seq) AS steps, array_agg(rule ORDER BY seq) AS by_rule,
                                 array_agg(verdict ORDER BY seq) AS verdicts, array_agg(base ORDER BY seq) AS bases,
                                 array_agg(amount ORDER BY seq) AS amounts, sum(amount) AS total,
                                 coalesce(array_agg(running ORDER BY seq) FILTER (WHERE verdict = 'statistical'), '{}') AS pocket,
                                 coalesce(sum(amount) FILTER (WHERE verdict <> 'list'), 0) AS changes,
                                 (array_agg(running ORDER BY seq DESC) FILTER (WHERE verdict <> 'statistical'))[1] AS last_running
                          FROM quotetier.explain_quote(facts, qty, as_of, 'fuzz')
                          WHERE verdict <> 'rejected') w) judged
            ORDER BY what IS NULL, (l).no LIMIT 1;
            IF wrong.what IS NULL THEN
                SELECT l, 'the quote as a line of an order' AS what INTO wrong FROM fuzz.differs_in_order('fuzz') l ORDER BY no LIMIT 1;
            END IF;
        END IF;
        IF wrong.what IS NOT NULL THEN
            CALL fuzz.show(wrong.l, 'fuzz', wrong.what);
            COMMIT;
            RAISE EXCEPTION 'seed %: % after % lines', seed, wrong.what, done + (wrong.l).no;
        END IF;
        done := done + least(per_policy, lines - done);
    END LOOP;
    RAISE NOTICE '% lines, 0 differences', done;
END
$$;

-- Totals of a graduated scale never fall as the quantity grows, whatever the rounding.
CREATE PROCEDURE fuzz.graduated(seed int, scales int) LANGUAGE plpgsql AS $$
DECLARE
    id    bigint;
    wrong record;
BEGIN
    PERFORM setseed((seed % 1000000) / 1000000.0);
    FOR i IN 1 .. scales LOOP
        DELETE FROM quotetier.rule;
        DELETE FROM quotetier.policy WHERE name <> 'default';
        INSERT INTO quotetier.policy (name, round_target, round_mode)
        VALUES ('fuzz', fuzz.one_of('line', 'adjustment', 'line_step'),
                fuzz.one_of('half_up', 'half_even', 'up', 'down', 'ceiling', 'floor'));
        INSERT INTO quotetier.step (policy, seq, name) VALUES ('fuzz', 1, 'list');
        INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_bounds)
        VALUES ('fuzz', 'list', 'price', 'graduated', fuzz.one_of('[)', '(]')) RETURNING rule.id INTO id;
        CALL fuzz.make_scale(id, false, 100, 'graduated', 'quantity');
        SELECT * INTO wrong FROM (
            SELECT q, net_amount, lag(net_amount) OVER (ORDER BY q) AS before
            FROM (SELECT q FROM generate_series(0, 60, 0.25) q
                  UNION SELECT from_value + d FROM quotetier.scale, (VALUES (0), (0.0001)) v (d) WHERE rule = id) quantity (q),
                 quotetier.quote('{}'::jsonb, q, '2024-01-01', 'fuzz')
            WHERE net_amount IS NOT NULL) totals
        WHERE net_amount < before LIMIT 1;
        IF wrong.q IS NOT NULL THEN
            RAISE EXCEPTION 'seed %: the total falls from % to % at quantity %', seed, wrong.before, wrong.net_amount, wrong.q
                USING DETAIL = (SELECT string_agg(s::text, ' ' ORDER BY from_value) FROM quotetier.scale s WHERE rule = id);
        END IF;
    END LOOP;
    RAISE NOTICE '% graduated scales, no total falls', scales;
END
$$;

-- Random orders with floors, a discount shared over their lines by quotetier and
-- by plain SQL on whole cents: they must agree to the cent.
--
--   CALL fuzz.shares(seed, orders);    the comparison, and what must hold of every remainder rule
--
-- The reference finds who is at the floor by one pass over the lines sorted by
-- room / weight, where quotetier fills and spreads again until nobody is over; and
-- takes quotients and rests of integers, where quotetier compares fractions.
-- The same seed gives the same orders.
CREATE SCHEMA IF NOT EXISTS fuzz;

-- a policy for each remainder rule, and one whose increment is 0.05
CREATE PROCEDURE fuzz.share_policies() LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{largest,last_line,first_lines,carry,none,coarse}'::text[] LOOP
        INSERT INTO quotetier.policy (name, round_increment) VALUES (name, CASE name WHEN 'coarse' THEN 0.05 ELSE 0.01 END);
        INSERT INTO quotetier.step (policy, seq, name, level, remainder)
        VALUES (name, 10, 'guard', 'line', NULL), (name, 20, 'cart', 'order', nullif(name, 'coarse'));
        INSERT INTO quotetier.rule (policy, step, adjust, base, value, on_breach, condition)
        VALUES (name, 'guard', 'floor_percent', 'floor', 100, 'clamp', 'exists($.floor)');
        INSERT INTO quotetier.rule (policy, step, adjust, value_expr) VALUES (name, 'cart', 'amount_off', '$.off');
    END LOOP;
END
$$;

CREATE PROCEDURE fuzz.shares(seed int, orders int) LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    PERFORM setseed(seed / 1000000.0);
    RAISE NOTICE 'seed %', seed;
    CREATE TEMP TABLE line ON COMMIT DROP AS
    SELECT o, i AS line, qty, price * unit AS price, CASE WHEN random() < 0.5 THEN floor(random() * price * 1.2)::bigint * unit END AS floor, unit
    FROM (SELECT o, i, 1 + floor(random() * 3)::bigint AS qty, CASE WHEN kind < 0.1 THEN 0 WHEN kind < 0.5 THEN 500 ELSE floor(random() * 10000)::bigint END AS price, unit
          FROM (SELECT o, CASE WHEN o % 6 = 5 THEN 5 ELSE 1 END AS unit, 1 + floor(random() * 12)::int AS n, random() AS kind_of_order FROM generate_series(1, orders) o) a,
               LATERAL (SELECT i, CASE WHEN kind_of_order < 0.3 THEN 0.3 ELSE random() END AS kind FROM generate_series(1, n) i) b) c;

    CREATE INDEX ON line (o);
    ANALYZE line;

    -- before the discount, in increments: what a line weighs, and may give
    CREATE TEMP TABLE weighed ON COMMIT DROP AS
    SELECT o, line, unit, greatest(price, floor) * qty / unit AS weight, (greatest(price, floor) - coalesce(floor, 0)) * qty / unit AS room
    FROM line;
    CREATE INDEX ON weighed (o, line);
    ANALYZE weighed;
    CREATE TEMP TABLE discount ON COMMIT DROP AS
    SELECT o, unit, floor(random() * 1.1 * total)::numeric AS amount,
           CASE WHEN unit = 5 THEN 'coarse' ELSE (ARRAY['largest', 'last_line', 'first_lines', 'carry', 'none'])[1 + o % 5] END AS policy
    FROM (SELECT o, unit, sum(weight) AS total FROM weighed GROUP BY o, unit) w;
    ANALYZE discount;

    CREATE TEMP TABLE expected ON COMMIT DROP AS
    WITH sorted AS (
        -- in this order: what those before have taken, what those from here on weigh
        SELECT w.*, d.amount, d.policy, coalesce(sum(room) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS taken,
               sum(weight) OVER (before ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS weight_left
        FROM weighed w JOIN discount d USING (o) WHERE weight > 0
        WINDOW before AS (PARTITION BY o ORDER BY room::numeric(60, 40) / weight::numeric(60, 40), line)
    ), capped AS (
        SELECT *, (amount - taken) * weight > room * weight_left AS at_floor FROM sorted
    ), rest AS (
        SELECT *, amount - sum(CASE WHEN at_floor THEN room ELSE 0 END) OVER (PARTITION BY o) AS to_share,
               sum(CASE WHEN at_floor THEN 0 ELSE weight END) OVER (PARTITION BY o) AS weight_sharing
        FROM capped
    ), rounded AS (
        SELECT *, CASE WHEN at_floor THEN room ELSE div(to_share * weight, weight_sharing) END AS down,
               CASE WHEN NOT at_floor THEN mod(to_share * weight, weight_sharing) END AS fraction
        FROM rest
    )
    SELECT o, line, policy, at_floor, room, down, fraction, weight_sharing,
           down + CASE WHEN NOT at_floor AND row_number() OVER (PARTITION BY o, at_floor ORDER BY fraction DESC, line)
                                    <= to_share - sum(CASE WHEN at_floor THEN 0 ELSE down END) OVER (PARTITION BY o) THEN 1 ELSE 0 END AS share
    FROM rounded;

    CREATE TEMP TABLE got ON COMMIT DROP AS
    WITH orders AS (
        SELECT o, jsonb_agg(fact ORDER BY line) AS lines, jsonb_agg(fact ORDER BY line DESC) AS backwards, count(*) AS n
        FROM line, LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object('list_price', price / 100.0, 'qty', qty, 'floor', floor / 100.0)) AS fact) f
        GROUP BY o
    ), quoted AS (
        SELECT d.o, d.policy, d.amount, d.unit, is_back, CASE WHEN is_back THEN n + 1 - q.line ELSE q.line END AS line, q.net_amount * 100 / d.unit AS net, q.undistributed
        FROM discount d JOIN orders USING (o), (VALUES (false), (true)) v (is_back),
             quotetier.quote_order(CASE WHEN is_back THEN backwards ELSE lines END, jsonb_build_object('off', d.amount * d.unit / 100.0), d.policy) q
    )
    SELECT o, q.policy, q.amount, q.line, q.undistributed * 100 / q.unit AS undistributed, w.weight - q.net AS share, w.weight - back.net AS share_backwards
    FROM quoted q LEFT JOIN quoted back USING (o, line) LEFT JOIN weighed w USING (o, line)
    WHERE NOT q.is_back AND back.is_back IS NOT FALSE;
    ANALYZE expected;
    ANALYZE got;
    SELECT count(DISTINCT o) AS orders, count(line) AS lines,
           count(*) FILTER (WHERE e.at_floor) AS at_floor,
           count(*) FILTER (WHERE got.policy IN ('largest', 'coarse') AND got.line IS NOT NULL AND got.share IS DISTINCT FROM coalesce(e.share, 0)) AS differ,
           count(*) FILTER (WHERE got.share < 0 OR got.share > e.room) AS beyond_room,
           count(*) FILTER (WHERE NOT e.at_floor AND got.policy NOT IN ('last_line', 'first_lines') AND abs(got.share * e.weight_sharing - (e.down * e.weight_sharing + e.fraction)) >= e.weight_sharing) AS far,
           count(*) FILTER (WHERE got.policy IN ('largest', 'coarse') AND abs(got.share - got.share_backwards) > 1) AS depend_on_place
    INTO found FROM got LEFT JOIN expected e USING (o, line);
    RAISE NOTICE '% orders, % lines', found.orders, found.lines;
    RAISE NOTICE 'differ from the reference: %', found.differ;
    RAISE NOTICE 'below zero or beyond the room: %', found.beyond_room;
    RAISE NOTICE 'an increment or more from the exact share: %', found.far;
    RAISE NOTICE 'more than an increment apart when the lines stand the other way round: %', found.depend_on_place;
    RAISE NOTICE 'orders whose shares do not add up: %', (
        SELECT count(*) FROM (SELECT o FROM got GROUP BY o, amount HAVING coalesce(sum(share), 0) + coalesce(sum(undistributed), 0) <> amount) x);
    RAISE NOTICE 'orders that leave what a line could take: %', (
        SELECT count(*) FROM (SELECT o FROM got JOIN expected e USING (o, line) WHERE got.policy <> 'none' GROUP BY o, amount
                              HAVING sum(got.share) < least(amount, sum(e.room))) x);
    IF found.at_floor < found.lines / 20 THEN
        RAISE EXCEPTION 'too few lines at their floor: %', found.at_floor;
    END IF;
END
$$;

-- ---------------------------------------------------------------------------
-- example: ready policies, to quote by at once and to change from there
--
-- Nothing but rows, as anybody could write them. doc/quoting.md quotes by each.
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.example_policy(name text) RETURNS text
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS
$$
#variable_conflict use_column
BEGIN
    IF example_policy.name <> ALL ('{tiered_b2b,graduated_saas,seasonal_retail,dynamic,zone,compete}') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('there is no example policy "%s"', example_policy.name),
            DETAIL = 'An example is a policy with steps, rules and scales.',
            HINT = 'The examples are tiered_b2b, graduated_saas, seasonal_retail, dynamic, zone and compete.';
    END IF;
    IF EXISTS (SELECT FROM quotetier.policy p WHERE p.name = example_policy.name) THEN
        RAISE duplicate_object USING
            MESSAGE = format('policy "%s" exists already', example_policy.name),
            DETAIL = 'An example never changes what is there.',
            HINT = 'Quote by it as it is, rename it, or delete its rules, its steps and then the policy.';
    END IF;

    CASE example_policy.name
    WHEN 'tiered_b2b' THEN
        -- facts: list_price; tier, customer, orders (how many so far)
        INSERT INTO quotetier.dimension (name) VALUES ('tier'), ('customer') ON CONFLICT DO NOTHING;
        INSERT INTO quotetier.policy (name, round_increment) VALUES ('tiered_b2b', 0.01);
        INSERT INTO quotetier.step (policy, seq, name, level, pick) VALUES
            ('tiered_b2b', 10, 'list',       'line', 'first'),
            ('tiered_b2b', 20, 'contract',   'line', 'first'),
            ('tiered_b2b', 30, 'tier',       'line', 'first'),
            ('tiered_b2b', 40, 'volume',     'line', 'best'),
            ('tiered_b2b', 50, 'relation',   'line', 'best'),
            ('tiered_b2b', 60, 'negotiated', 'line', 'first'),
            ('tiered_b2b', 90, 'guard',      'line', 'best'),
            ('tiered_b2b', 99, 'rebate',     'statistical', 'sum');
        INSERT INTO quotetier.rule (policy, step, scope, condition, adjust, base, value, value_expr, final, on_breach, note) VALUES
            ('tiered_b2b', 'contract', '{"customer": "ACME"}', NULL, 'price_percent', 'list', 80, NULL, true, NULL, 'Frame contract'),
            ('tiered_b2b', 'tier', '{"tier": "gold"}', NULL, 'percent_off', NULL, 10, NULL, false, NULL, 'Gold tier'),
            ('tiered_b2b', 'tier', '{"tier": "silver"}', NULL, 'percent_off', NULL, 5, NULL, false, NULL, 'Silver tier'),
            ('tiered_b2b', 'relation', '{}', '$.orders == 0', 'percent_off', NULL, 5, NULL, false, NULL, 'First purchase'),
            ('tiered_b2b', 'relation', '{}', '$.orders >= 20', 'percent_off', NULL, 3, NULL, false, NULL, 'Loyalty'),
            ('tiered_b2b', 'negotiated', '{}', '$.requested_price >= 0 && $.requested_price < $.running_price',
             'price', NULL, NULL, '$.requested_price', false, NULL, 'Agreed with the customer'),
            ('tiered_b2b', 'guard', '{}', NULL, 'cap_percent_off', 'list', 25, NULL, false, 'approve', 'Head of sales'),
            ('tiered_b2b', 'guard', '{}', NULL, 'cap_percent_off', 'list', 40, NULL, false, 'block', 'Nobody goes further'),
            ('tiered_b2b', 'rebate', '{"tier": "gold"}', NULL, 'percent_off', NULL, 2, NULL, false, NULL, 'Yearly rebate');
        WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, note)
                   VALUES ('tiered_b2b', 'volume', 'percent_off', 'volume', 'Quantity discount') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (10, 50, 3), (50, 200, 6), (200, NULL, 9)) b;

    WHEN 'graduated_saas' THEN
        -- facts: plan (team, business, api); term_months; fraction (the part of the period, see proration)
        INSERT INTO quotetier.dimension (name) VALUES ('plan') ON CONFLICT DO NOTHING;
        INSERT INTO quotetier.policy (name, round_increment) VALUES ('graduated_saas', 0.01);
        INSERT INTO quotetier.step (policy, seq, name, pick) VALUES
            ('graduated_saas', 10, 'list',      'first'),
            ('graduated_saas', 20, 'term',      'first'),
            ('graduated_saas', 30, 'proration', 'first');
        WITH r AS (INSERT INTO quotetier.rule (policy, step, scope, adjust, scale_mode, scale_bounds, note)
                   VALUES ('graduated_saas', 'list', '{"plan": "team"}', 'price', 'graduated', '(]', 'Seats') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (0, 10, 12), (10, 50, 10), (50, NULL, 8)) b;
        WITH r AS (INSERT INTO quotetier.rule (policy, step, scope, adjust, scale_mode, scale_bounds, note)
                   VALUES ('graduated_saas', 'list', '{"plan": "business"}', 'price', 'block', '(]', '50 seats included') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value, overage)
        SELECT r.id, b.* FROM r, (VALUES (0, 50, 450, NULL), (50, NULL, 450, 7.50)) b;
        WITH r AS (INSERT INTO quotetier.rule (policy, step, scope, adjust, scale_mode, scale_bounds, note)
                   VALUES ('graduated_saas', 'list', '{"plan": "api"}', 'price', 'package', '(]', 'Calls') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value, fee, size)
        SELECT r.id, b.* FROM r, (VALUES (0, NULL::numeric, 2.50, 20, 1000)) b;
        WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, note)
                   VALUES ('graduated_saas', 'term', 'percent_off', 'volume', 'term_months', 'Paid ahead') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (12, 24, 10), (24, NULL, 15)) b;
        INSERT INTO quotetier.rule (policy, step, condition, adjust, value_expr, note) VALUES
            ('graduated_saas', 'proration', '$.fraction < 1', 'price_percent', '$.fraction * 100', 'Part of the period');

    WHEN 'seasonal_retail' THEN
        -- facts: list_price; category, tier, coupon
        INSERT INTO quotetier.dimension (name) VALUES ('category'), ('tier'), ('coupon') ON CONFLICT DO NOTHING;
        INSERT INTO quotetier.policy (name, round_increment, ending, zone) VALUES ('seasonal_retail', 0.01, '.99', 'Europe/Berlin');
        INSERT INTO quotetier.step (policy, seq, name, pick, excludes) VALUES
            ('seasonal_retail', 10, 'list',    'first', NULL),
            ('seasonal_retail', 20, 'event',   'best',  '{season,weekend}'),
            ('seasonal_retail', 30, 'season',  'best',  NULL),
            ('seasonal_retail', 40, 'weekend', 'best',  NULL),
            ('seasonal_retail', 50, 'coupon',  'first', NULL),
            ('seasonal_retail', 60, 'loyalty', 'first', NULL),
            ('seasonal_retail', 90, 'guard',   'best',  NULL);
        INSERT INTO quotetier.rule (policy, step, scope, condition, valid, adjust, base, value, on_breach, note) VALUES
            ('seasonal_retail', 'event', '{}', NULL, quotetier.valid_days('2026-11-23', '2026-11-30', 'Europe/Berlin'),
             'percent_off', NULL, 30, NULL, 'Black week'),
            ('seasonal_retail', 'season', '{"category": ["coats", "boots"]}', '$.date like_regex "-(01|02)-"', '(,)',
             'percent_off', NULL, 40, NULL, 'Winter sale'),
            ('seasonal_retail', 'season', '{"category": "swimwear"}', '$.date like_regex "-(08|09)-"', '(,)',
             'percent_off', NULL, 35, NULL, 'Summer sale'),
            ('seasonal_retail', 'weekend', '{}', '$.weekday >= 6', '(,)', 'percent_off', NULL, 5, NULL, 'Weekend'),
            ('seasonal_retail', 'coupon', '{"coupon": "WELCOME10"}', NULL, '(,)', 'amount_off', NULL, 10, NULL, 'Coupon'),
            ('seasonal_retail', 'loyalty', '{"tier": ["gold", "platinum"]}', NULL, '(,)', 'percent_off', NULL, 3, NULL, 'Club'),
            ('seasonal_retail', 'guard', '{}', NULL, '(,)', 'floor_percent', 'list', 45, 'clamp', 'Least price');

    WHEN 'dynamic' THEN
        -- facts: list_price, cost; competitor_price, value_score (0 to 100), stock_days, demand (1 is normal)
        INSERT INTO quotetier.policy (name, round_increment) VALUES ('dynamic', 0.01);
        INSERT INTO quotetier.step (policy, seq, name, pick) VALUES
            ('dynamic', 10, 'list',   'first'),
            ('dynamic', 20, 'market', 'first'),
            ('dynamic', 30, 'value',  'first'),
            ('dynamic', 40, 'stock',  'first'),
            ('dynamic', 50, 'demand', 'first'),
            ('dynamic', 60, 'point',  'first'),
            ('dynamic', 90, 'guard',  'best');
        INSERT INTO quotetier.rule (policy, step, adjust, base, value, value_expr, on_breach, note) VALUES
            ('dynamic', 'market', 'price_percent', 'competitor_price', 97, NULL, NULL, 'Under the competitor'),
            ('dynamic', 'point', 'round_to', NULL, 0.50, NULL, NULL, 'Price points'),
            ('dynamic', 'guard', 'floor_margin', 'cost', 12, NULL, 'clamp', 'Least margin'),
            ('dynamic', 'guard', 'cap_price', NULL, NULL, '$.list_price * 1.25', 'clamp', 'No more than a quarter over list');
        WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, note)
                   VALUES ('dynamic', 'value', 'percent_on', 'volume', 'value_score', 'Worth more to this customer') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (60, 80, 5), (80, NULL, 12)) b;
        WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, note)
                   VALUES ('dynamic', 'stock', 'percent_off', 'volume', 'stock_days', 'Overstock') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (60, 120, 4), (120, NULL, 10)) b;
        WITH r AS (INSERT INTO quotetier.rule (policy, step, adjust, scale_mode, scale_on, note)
                   VALUES ('dynamic', 'demand', 'percent_on', 'volume', 'demand', 'High demand') RETURNING id)
        INSERT INTO quotetier.scale (rule, from_value, to_value, value)
        SELECT r.id, b.* FROM r, (VALUES (1.2, 1.5, 5), (1.5, NULL, 10)) b;

    WHEN 'zone' THEN
        -- only discounts of the highest priority that has any: those that compound together, or the best of the others
        INSERT INTO quotetier.dimension (name) VALUES ('coupon') ON CONFLICT DO NOTHING;
        INSERT INTO quotetier.policy (name, round_increment) VALUES ('zone', 0.01);
        INSERT INTO quotetier.step (policy, seq, name, pick, compete, excludes) VALUES
            ('zone', 10, 'list',          'first', NULL,   NULL),
            ('zone', 20, 'high_compound', 'chain', 'high', '{low_compound,low_best}'),
            ('zone', 30, 'high_best',     'best',  'high', '{low_compound,low_best}'),
            ('zone', 40, 'low_compound',  'chain', 'low',  NULL),
            ('zone', 50, 'low_best',      'best',  'low',  NULL);
        INSERT INTO quotetier.rule (policy, step, scope, adjust, value, note) VALUES
            ('zone', 'high_compound', '{}', 'percent_off', 10, 'A'),
            ('zone', 'high_compound', '{}', 'percent_off', 20, 'B'),
            ('zone', 'low_compound',  '{}', 'percent_off', 15, 'C'),
            ('zone', 'high_best',     '{"coupon": "D"}', 'percent_off', 35, 'D');

    WHEN 'compete' THEN
        -- the best of each priority, one priority after the other
        INSERT INTO quotetier.dimension (name) VALUES ('coupon') ON CONFLICT DO NOTHING;
        INSERT INTO quotetier.policy (name, round_increment) VALUES ('compete', 0.01);
        INSERT INTO quotetier.step (policy, seq, name, pick) VALUES
            ('compete', 10, 'list', 'first'),
            ('compete', 20, 'high', 'best'),
            ('compete', 30, 'low',  'best');
        INSERT INTO quotetier.rule (policy, step, scope, adjust, value, note) VALUES
            ('compete', 'high', '{}', 'percent_off', 10, 'A'),
            ('compete', 'high', '{}', 'percent_off', 20, 'B'),
            ('compete', 'low',  '{}', 'percent_off', 15, 'C'),
            ('compete', 'high', '{"coupon": "D"}', 'percent_off', 35, 'D');
    END CASE;
    RETURN example_policy.name;
END
$$;

COMMENT ON FUNCTION quotetier.example_policy(text) IS
    'inserts a ready policy with steps, rules and scales: tiered_b2b, graduated_saas, seasonal_retail, dynamic, zone or compete; returns its name';

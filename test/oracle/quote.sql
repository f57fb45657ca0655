-- A second implementation of quoting, to judge the first by: PL/pgSQL on
-- numeric, slow and plain, written from the design and not from the C code.
--
--   oracle.load(policy)                      reads a policy, once after each change of it
--   oracle.quote(facts, qty, as_of)          what quotetier.quote returns, but the version
--   oracle.explain(facts, qty, as_of)        the waterfall that quotetier.explain_quote begins with
--
-- It quotes by the policy loaded last, one line: no steps of an order's level.
CREATE SCHEMA oracle;

-- ---------------------------------------------------------------------------
-- The policy, in a form that is quick to walk
-- ---------------------------------------------------------------------------

CREATE TYPE oracle.bracket AS (f numeric, t numeric, v numeric, fee numeric, size numeric, overage numeric);

CREATE UNLOGGED TABLE oracle.policy (LIKE quotetier.policy);
CREATE UNLOGGED TABLE oracle.step (LIKE quotetier.step);

-- dims: the keys of its scope; access: its rank, as a text that sorts; depths: how
-- deep its paths match the line; brackets: the scale, in order
CREATE UNLOGGED TABLE oracle.rule (LIKE quotetier.rule, seq int, dims text[], access text COLLATE "C", has_paths boolean, depths int[], brackets oracle.bracket[]);

-- for each key of a rule's scope: one of these labels, or (unwanted) a label but none of these
CREATE UNLOGGED TABLE oracle.wanted (rule bigint, dim text, place int, is_path boolean, unwanted boolean, labels text[]);

-- How values are compared: "tier=gold". 10, 10.0 and "10" are the same label.
CREATE FUNCTION oracle.labels(name text, value jsonb) RETURNS text[] IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    e      jsonb;
    labels text[] := '{}';
BEGIN
    IF jsonb_typeof(value) <> 'array' THEN
        value := jsonb_build_array(value);
    END IF;
    FOR i IN 0 .. jsonb_array_length(value) - 1 LOOP
        e := value -> i;
        CONTINUE WHEN jsonb_typeof(e) = 'null';
        labels := labels || (name || '=' || CASE jsonb_typeof(e) WHEN 'number' THEN trim_scale(e::numeric)::text ELSE e #>> '{}' END);
    END LOOP;
    RETURN labels;
END
$$;

-- The labels of a line; those of a path are its ancestors', too.
CREATE FUNCTION oracle.known(facts jsonb) RETURNS text[] STABLE LANGUAGE plpgsql AS $$
DECLARE
    d     record;
    label text;
    known text[] := '{}';
BEGIN
    FOR d IN SELECT name, kind FROM quotetier.dimension WHERE facts ? name LOOP
        FOREACH label IN ARRAY oracle.labels(d.name, facts -> d.name) LOOP
            known := known || label;
            IF d.kind = 'path' THEN
                WHILE label LIKE '%.%' LOOP
                    label := regexp_replace(label, '\.[^.]*$', '');
                    known := known || label;
                END LOOP;
            END IF;
        END LOOP;
    END LOOP;
    RETURN known;
END
$$;

-- Precedence 1. Sets named in the step's access list come first, in its order;
-- then the set read as a binary number, the strongest dimension its first digit.
CREATE FUNCTION oracle.access_rank(access text[], dims text[]) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT to_char(coalesce(
               (SELECT min(place)
                FROM unnest(access) WITH ORDINALITY AS a (names, place)
                WHERE ARRAY(SELECT n FROM unnest(string_to_array(nullif(names, ''), '+')) n ORDER BY n)
                    = ARRAY(SELECT d FROM unnest(dims) d ORDER BY d)), 9999), 'FM0000')
           || coalesce((SELECT string_agg(CASE WHEN name = ANY (dims) THEN '0' ELSE '1' END, '' ORDER BY weight DESC, id)
                        FROM quotetier.dimension), '')
$$;

CREATE FUNCTION oracle.load(policy text) RETURNS void LANGUAGE sql AS $$
    TRUNCATE oracle.policy, oracle.step, oracle.rule, oracle.wanted;
    INSERT INTO oracle.policy SELECT * FROM quotetier.policy WHERE name = $1;
    INSERT INTO oracle.step SELECT * FROM quotetier.step WHERE step.policy = $1 AND level IN ('line', 'statistical');
    INSERT INTO oracle.rule
    SELECT r.*, s.seq, d.dims, oracle.access_rank(s.access, d.dims), false, '{}',
           ARRAY(SELECT (from_value, to_value, value, fee, size, overage)::oracle.bracket
                 FROM quotetier.scale WHERE rule = r.id ORDER BY from_value)
    FROM quotetier.rule r
         JOIN oracle.step s ON s.name = r.step,
         LATERAL (SELECT ARRAY(SELECT name FROM quotetier.dimension WHERE r.scope ? name ORDER BY weight DESC, id)) AS d (dims)
    WHERE r.policy = $1 AND r.state = 'approved';
    -- the running price would be a bound of itself: guards are over cost or list then
    UPDATE oracle.rule r SET base = CASE WHEN s.base <> 'running' THEN s.base
                                         WHEN adjust IN ('floor_margin', 'floor_over') THEN 'cost'
                                         WHEN adjust LIKE 'floor%' OR adjust LIKE 'cap%' THEN 'list'
                                         ELSE s.base END
    FROM oracle.step s WHERE s.name = r.step AND r.base IS NULL;
    INSERT INTO oracle.wanted
    SELECT r.id, k, row_number() OVER (PARTITION BY r.id ORDER BY weight DESC, d.id), d.kind = 'path',
           jsonb_typeof(v) = 'object', oracle.labels(k, CASE jsonb_typeof(v) WHEN 'object' THEN v -> 'not' ELSE v END)
    FROM oracle.rule r, jsonb_each(scope) AS w (k, v), quotetier.dimension d
    WHERE d.name = k;
    UPDATE oracle.rule r SET has_paths = true FROM oracle.wanted w WHERE w.rule = r.id AND w.is_path AND NOT w.unwanted;
$$;

-- ---------------------------------------------------------------------------
-- Arithmetic
-- ---------------------------------------------------------------------------

-- a / b rounded to places, ties away from zero, from the exact quotient
CREATE FUNCTION oracle.quotient(a numeric, b numeric, places int) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
    SELECT sign(a) * sign(b) * div(2 * abs(a) * 10::numeric ^ places + abs(b), 2 * abs(b)) * (1 / 10::numeric ^ places)::numeric(60, 30)
$$;

-- the multiple of increment that mode makes of a / b; b > 0
CREATE FUNCTION oracle.rounded(a numeric, b numeric, increment numeric, mode text) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    unit numeric := b * increment;
    low  numeric := div(a, unit) - CASE WHEN a < 0 AND a % unit <> 0 THEN 1 ELSE 0 END;
    rest numeric := a - low * unit;         -- 0 <= rest < unit
    up   boolean;
BEGIN
    up := rest > 0 AND CASE mode
        WHEN 'ceiling' THEN true
        WHEN 'floor' THEN false
        WHEN 'up' THEN a > 0
        WHEN 'down' THEN a < 0
        WHEN 'half_up' THEN 2 * rest > unit OR 2 * rest = unit AND a > 0
        WHEN 'half_even' THEN 2 * rest > unit OR 2 * rest = unit AND low % 2 <> 0
    END;
    RETURN (low + up::int) * increment;
END
$$;

-- the legal price nearest to a / b, a tie going up, or the nearest below or above; never zero or less
CREATE FUNCTION oracle.legal(a numeric, b numeric, ending text, mode text = 'nearest') RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    rest   numeric := split_part(ending, '/', 1);
    period numeric := nullif(split_part(ending, '/', 2), '');
    low    numeric;
BEGIN
    IF period IS NULL THEN
        period := 1;
        WHILE rest > 0 AND period > rest LOOP period := trim_scale(period * 0.1); END LOOP;
        WHILE period <= rest LOOP period := period * 10; END LOOP;
    END IF;
    low := oracle.rounded(a - rest * b, b, period, 'floor') + rest;
    IF low <= 0 OR mode = 'ceiling' AND low * b < a OR mode = 'nearest' AND 2 * (a - low * b) >= period * b THEN
        low := low + period;
    END IF;
    RETURN low;
END
$$;

-- ---------------------------------------------------------------------------
-- A line on its way
-- ---------------------------------------------------------------------------

-- Amounts are line amounts, null while there is none. A line of quantity 0 goes
-- the way of one unit, to find its unit price; what is due for it, fees, is zero_due.
CREATE TYPE oracle.line AS (
    facts    jsonb,
    as_of    timestamptz,
    zone     text,
    qty      numeric,       -- without its sign, in base units
    units    numeric,       -- what prices are multiplied by: that of 1 for quantity 0
    quoted   numeric,       -- the same in the unit asked for
    currency text,
    p_currency text,        -- the policy's
    status   text,
    statistical boolean,    -- the net price stands already
    seen     jsonb,         -- what conditions see: as it was on entry to the step
    list     numeric,
    running  numeric,
    after    jsonb,         -- running after each step so far
    zero_due numeric,
    zero_list numeric,
    listed   boolean,       -- step list has given a price
    ending   text,          -- the last one given
    excluded text[],        -- steps switched off
    final    boolean,       -- no more line steps
    rules    bigint[],      -- applied
    tied     boolean,       -- only the smaller id decided between two rules
    doubt    boolean,       -- it might have: two candidates of a step were equal
    steps    text[],        -- the waterfall, row by row
    by_rule  bigint[],
    verdicts text[],
    bases    numeric[],
    amounts  numeric[],
    pocket   numeric[]      -- running after each statistical row, whose amounts are null
);

-- What trying a rule leads to.
CREATE TYPE oracle.effect AS (
    base   numeric,         -- the line amount a percent is of
    result numeric,         -- the line amount afterwards; null: the rule does not apply
    fee    numeric          -- what it has due, or takes off, whatever the quantity; only for quantity 0
);

CREATE FUNCTION oracle.fact(facts jsonb, name text) RETURNS numeric IMMUTABLE LANGUAGE sql AS $$
    SELECT nullif(facts -> name, 'null')::numeric
$$;

CREATE FUNCTION oracle.base(line oracle.line, base text) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE
        WHEN base = 'list' THEN line.list
        WHEN base = 'running' THEN line.running
        WHEN line.after ? base THEN nullif(line.after -> base, 'null')::numeric
        ELSE oracle.fact(line.facts, base) * line.units
    END;
END
$$;

-- ---------------------------------------------------------------------------
-- One rule on one line
-- ---------------------------------------------------------------------------

-- what a percent makes of a base, or takes of it
CREATE FUNCTION oracle.percent(adjust text, base numeric, value numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE adjust
        WHEN 'margin' THEN oracle.quotient(base * 100, 100 - value, 20)
        WHEN 'floor_margin' THEN oracle.quotient(base * 100, 100 - value, 20)
        WHEN 'markup' THEN base * (100 + value) * 0.01
        ELSE base * value * 0.01
    END;
END
$$;

-- per quoted unit: exact where it ends, else to six decimals
CREATE FUNCTION oracle.unit_price(amount numeric, line oracle.line) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    price numeric := oracle.quotient(amount, line.quoted, 20);
BEGIN
    RETURN CASE WHEN price * line.quoted = amount THEN price ELSE oracle.quotient(amount, line.quoted, 6) END;
END
$$;

-- what conditions and formulas see; nothing where there are none
CREATE FUNCTION oracle.seen(line oracle.line) RETURNS jsonb STABLE LANGUAGE plpgsql AS $$
DECLARE
    local timestamp := line.as_of AT TIME ZONE line.zone;
BEGIN
    IF NOT EXISTS (SELECT FROM oracle.rule WHERE condition IS NOT NULL OR value_expr IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    -- a null is no fact, and reserved names hide the caller's
    RETURN jsonb_strip_nulls(line.facts - '{list_price,running_price}'::text[])
        || jsonb_build_object('qty', trim_scale(line.qty), 'discounted', coalesce(line.running < line.list, false),
                              'date', to_char(local, 'YYYY-MM-DD'), 'weekday', to_char(local, 'ID')::int, 'hour', extract(hour FROM local)::int)
        || CASE WHEN line.list IS NULL THEN '{}' ELSE jsonb_build_object('list_price', trim_scale(oracle.unit_price(line.list, line))) END
        || CASE WHEN line.running IS NULL THEN '{}' ELSE jsonb_build_object('running_price', trim_scale(oracle.unit_price(line.running, line))) END;
END
$$;

CREATE FUNCTION oracle.is_guard(r oracle.rule) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN r.adjust LIKE 'floor%' OR r.adjust LIKE 'cap%';
END
$$;

CREATE FUNCTION oracle.holds(r oracle.rule, line oracle.line) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN r.condition IS NULL OR coalesce(jsonb_path_match(line.seen, r.condition, '{}', true), false);
END
$$;

-- what a unit of the rule's money is in the quote's currency
CREATE FUNCTION oracle.rate(r oracle.rule, line oracle.line) RETURNS numeric STABLE LANGUAGE plpgsql AS $$
DECLARE
    own   text := coalesce(r.currency, line.p_currency);
    found numeric := 1;
BEGIN
    IF own <> line.currency AND NOT r.scope ? 'currency' THEN
        SELECT rate INTO STRICT found FROM quotetier.fx_rate
        WHERE from_currency = own AND to_currency = line.currency AND valid @> line.as_of;
    END IF;
    RETURN found;
END
$$;

-- G(upto): what is in each band times its value, or a percent of that much of the base
CREATE FUNCTION oracle.graduated(r oracle.rule, base numeric, upto numeric, OUT amount numeric, OUT fee numeric) IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    b     oracle.bracket;
    ended numeric := 0;         -- the band before
    first boolean := true;
BEGIN
    amount := 0;
    fee := 0;
    FOREACH b IN ARRAY r.brackets LOOP
        IF NOT first AND b.f <> ended AND upto > ended THEN
            amount := NULL;     -- units without a value, be it that they end where a band begins
            RETURN;
        END IF;
        EXIT WHEN b.f >= upto AND NOT first;
        amount := amount + CASE WHEN base IS NOT NULL THEN oracle.percent(r.adjust, base * (least(b.t, upto) - ended), b.v)
                                ELSE (least(b.t, upto) - ended) * b.v END;
        fee := fee + b.fee;
        ended := b.t;
        first := false;
    END LOOP;
END
$$;

CREATE FUNCTION oracle.effect(r oracle.rule, line oracle.line, p oracle.policy) RETURNS oracle.effect STABLE LANGUAGE plpgsql AS $$
DECLARE
    e        oracle.effect;
    percent  boolean := r.adjust IN ('price_percent', 'margin', 'markup', 'percent_off', 'percent_on',
                                     'floor_percent', 'floor_margin', 'cap_percent_off');
    guard    boolean := oracle.is_guard(r);
    rate     numeric := CASE WHEN percent THEN 1 ELSE oracle.rate(r, line) END;
    fee_rate numeric := oracle.rate(r, line);
    used     numeric := 0;      -- of the scale, before this line
    before   record;
    whole    record;
    sets     boolean := r.adjust IN ('price', 'price_percent', 'margin', 'markup');
    measure  numeric;
    b        oracle.bracket;
    reached  oracle.bracket;    -- the one that holds the measure
    first    boolean := true;
    value    numeric := r.value;
    amount   numeric := 0;      -- the rule's own: its price, or what it takes off or adds
    fee      numeric := 0;
BEGIN
    IF percent OR r.adjust = 'floor_over' OR r.scale_on = 'amount' AND r.scale_mode IS NOT NULL THEN
        e.base := oracle.base(line, r.base);
        IF e.base IS NULL THEN RETURN e; END IF;
    END IF;
    IF NOT sets AND NOT guard AND line.running IS NULL THEN RETURN e; END IF;
    IF r.value_expr IS NOT NULL THEN
        value := CASE jsonb_typeof(jsonb_path_query_first(line.seen, r.value_expr, '{}', true))
            WHEN 'number' THEN jsonb_path_query_first(line.seen, r.value_expr, '{}', true)::numeric END;
        IF value IS NULL OR value < 0 OR r.adjust LIKE '%margin' AND value >= 100 OR r.adjust = 'round_to' AND value = 0 THEN
            RETURN e;
        END IF;
    END IF;

    IF r.scale_mode IS NOT NULL THEN
        measure := CASE r.scale_on
            WHEN 'quantity' THEN line.qty
            WHEN 'amount' THEN CASE WHEN line.qty = 0 THEN 0 ELSE e.base END
            ELSE oracle.fact(line.facts, r.scale_on) END;
        IF measure IS NULL THEN RETURN e; END IF;
        IF r.scale_on = 'amount' AND fee_rate <> 1 THEN     -- its brackets are in its own money
            measure := oracle.quotient(measure, fee_rate, 20);
        END IF;
        used := coalesce(oracle.fact(line.facts, r.scale_offset), 0);
        measure := measure + used;
        FOREACH b IN ARRAY r.brackets LOOP
            IF (CASE r.scale_bounds
                WHEN '[)' THEN b.f <= measure AND (b.t IS NULL OR measure < b.t)
                -- a first band from 0 has 0 in it, too
                ELSE (b.f < measure OR first AND b.f = 0 AND measure = 0) AND (b.t IS NULL OR measure <= b.t) END)
            THEN
                reached := b;
                EXIT;
            END IF;
            first := false;
        END LOOP;
        IF reached.f IS NULL THEN RETURN e; END IF;     -- under, over or between the brackets
        value := reached.v;
        fee := reached.fee;
    END IF;
    value := value * rate;
    -- a list price is rounded where it is converted
    IF rate <> 1 AND r.step = 'list' AND r.adjust = 'price' AND coalesce(r.scale_mode, 'volume') = 'volume' THEN
        value := oracle.rounded(value, 1, p.round_increment, p.round_mode);
    END IF;

    CASE coalesce(r.scale_mode, 'volume')
        WHEN 'volume' THEN
            amount := CASE WHEN percent THEN oracle.percent(r.adjust, e.base, value)
                           WHEN r.adjust = 'line_amount_off' THEN value
                           ELSE value * line.units END;
        WHEN 'graduated' THEN
            whole := oracle.graduated(r, CASE WHEN percent THEN e.base END, measure);
            IF used > 0 THEN
                before := oracle.graduated(r, CASE WHEN percent THEN e.base END, used);
                -- what is used up must be on the scale, too
                IF NOT EXISTS (SELECT FROM unnest(r.brackets) u
                               WHERE CASE r.scale_bounds WHEN '[)' THEN u.f <= used AND (u.t IS NULL OR used < u.t)
                                     ELSE u.f < used AND (u.t IS NULL OR used <= u.t) END)
                THEN RETURN e; END IF;
                whole.amount := whole.amount - before.amount;
                whole.fee := whole.fee - before.fee;
            END IF;
            IF whole.amount IS NULL THEN RETURN e; END IF;
            fee := whole.fee;
            amount := CASE
                WHEN measure = used THEN CASE WHEN percent THEN oracle.percent(r.adjust, e.base, value) ELSE value * line.units END
                WHEN percent THEN oracle.quotient(whole.amount, measure - used, 20)
                WHEN r.scale_on = 'quantity' THEN whole.amount * rate
                ELSE oracle.quotient(whole.amount * rate * line.units, measure - used, 20) END;
        WHEN 'block' THEN
            amount := value + coalesce(reached.overage, 0) * rate * (measure - reached.f);
        WHEN 'package' THEN
            amount := greatest(div(measure, reached.size) + (measure % reached.size > 0)::int, (line.qty = 0)::int) * value;
    END CASE;

    IF line.qty = 0 THEN
        e.fee := fee * fee_rate;
    ELSE
        amount := amount + fee * fee_rate;
    END IF;
    IF r.adjust IN ('percent_off', 'amount_off', 'line_amount_off') THEN
        amount := least(amount, r.max_amount * fee_rate);
    END IF;
    e.result := CASE
        WHEN r.adjust = 'round_to' THEN oracle.rounded(line.running, line.units, value, p.round_mode) * line.units
        WHEN sets OR r.adjust IN ('floor_price', 'floor_percent', 'floor_margin', 'cap_price') THEN amount
        WHEN r.adjust = 'floor_over' THEN e.base + amount
        WHEN r.adjust = 'cap_percent_off' THEN e.base - amount
        WHEN r.adjust IN ('percent_on', 'amount_on') THEN line.running + amount
        ELSE line.running - amount END;
    RETURN e;
END
$$;

-- The policy's rounding of a line amount, by the line or by its unit.
CREATE FUNCTION oracle.rounded(amount numeric, line oracle.line, p oracle.policy) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN p.round_target LIKE 'unit%'
        THEN oracle.rounded(amount, line.units, p.round_increment, p.round_mode) * line.units
        ELSE oracle.rounded(amount, 1, p.round_increment, p.round_mode) END;
END
$$;

-- The effect, with each rule's amount or what it leads to rounded where the policy says so.
CREATE FUNCTION oracle.trial(r oracle.rule, line oracle.line, s oracle.step, p oracle.policy) RETURNS oracle.effect STABLE LANGUAGE plpgsql AS $$
DECLARE
    e oracle.effect := oracle.effect(r, line, p);
BEGIN
    IF e.result IS NOT NULL THEN
        IF p.round_target IN ('adjustment', 'unit_adjustment') THEN
            -- a list price from a rule takes the place of the fact's: no adjustment yet
            IF line.running IS NOT NULL AND (s.name <> 'list' OR cardinality(line.rules) > 0) THEN
                e.result := line.running + oracle.rounded(e.result - line.running, line, p);
            END IF;
        ELSIF p.round_target IN ('line_step', 'unit_step') AND s.pick <> 'sum' THEN
            e.result := oracle.rounded(e.result, line, p);
        END IF;
    END IF;
    RETURN e;
END
$$;

-- ---------------------------------------------------------------------------
-- One step
-- ---------------------------------------------------------------------------

CREATE TYPE oracle.candidate AS (r oracle.rule, e oracle.effect);

-- Takes the rule's result; what would fall below zero is cut.
CREATE FUNCTION oracle.apply(line oracle.line, r oracle.rule, s oracle.step, e oracle.effect) RETURNS oracle.line IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    is_list boolean := line.running IS NULL OR s.name = 'list' AND (cardinality(line.rules) = 0 OR line.listed);
    replaces_fact boolean := s.name = 'list' AND cardinality(line.rules) = 0;
    due     numeric := CASE
        WHEN r.adjust IN ('price', 'price_percent', 'margin', 'markup') THEN e.fee
        WHEN r.adjust IN ('percent_on', 'amount_on') THEN line.zero_due + e.fee
        ELSE greatest(line.zero_due - e.fee, 0) END;
BEGIN
    IF replaces_fact THEN           -- its row goes, with what it said
        line.steps := '{}'; line.by_rule := '{}'; line.verdicts := '{}'; line.bases := '{}'; line.amounts := '{}';
        line.running := 0;
    END IF;
    e.result := greatest(e.result, 0);
    line.steps := line.steps || s.name;
    line.by_rule := line.by_rule || r.id;
    line.verdicts := line.verdicts || CASE WHEN line.statistical THEN 'statistical' WHEN is_list THEN 'list' ELSE 'applied' END;
    line.bases := line.bases || e.base;
    line.amounts := line.amounts || CASE WHEN line.statistical THEN NULL WHEN line.qty = 0 THEN due - line.zero_due ELSE e.result - coalesce(line.running, 0) END;
    IF line.statistical THEN line.pocket := line.pocket || CASE WHEN line.qty = 0 THEN due ELSE e.result END; END IF;
    line.running := e.result;
    line.zero_due := due;
    IF is_list THEN line.list := line.running; line.zero_list := due; END IF;
    line.listed := is_list AND s.name = 'list';
    line.ending := coalesce(r.ending, s.ending, line.ending);
    line.excluded := line.excluded || s.excludes;
    line.final := line.final OR r.final;
    IF NOT line.statistical THEN
        line.rules := line.rules || r.id;
    END IF;
    RETURN line;
END
$$;

-- Moves running without a rule.
CREATE FUNCTION oracle.settle(line oracle.line, result numeric, name text) RETURNS oracle.line IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF result <> line.running THEN
        line.steps := line.steps || name;
        line.by_rule := line.by_rule || NULL::bigint;
        line.verdicts := line.verdicts || CASE WHEN line.statistical THEN 'statistical' ELSE 'residual' END;
        line.bases := line.bases || NULL::numeric;
        line.amounts := line.amounts || CASE WHEN line.statistical THEN NULL WHEN line.qty = 0 THEN 0 ELSE result - line.running END;
        IF line.statistical THEN line.pocket := line.pocket || CASE WHEN line.qty = 0 THEN line.zero_due ELSE result END; END IF;
    END IF;
    line.running := result;
    RETURN line;
END
$$;

CREATE FUNCTION oracle.run_step(line oracle.line, s oracle.step, p oracle.policy, matched oracle.rule[]) RETURNS oracle.line STABLE LANGUAGE plpgsql AS $$
DECLARE
    r       oracle.rule;
    e       oracle.effect;
    c       oracle.candidate;
    cands   oracle.candidate[] := '{}';
    picked  oracle.candidate[] := '{}';
    best    oracle.candidate;
    groups  text[] := '{}';
    this    text;
    raise_all boolean := true;
    total   numeric;
    entry   numeric;
    taken   numeric;
    i       int;
BEGIN
    line.seen := oracle.seen(line);
    FOREACH r IN ARRAY matched LOOP
        IF r.step = s.name AND NOT oracle.is_guard(r) AND oracle.holds(r, line) THEN
            e := oracle.trial(r, line, s, p);
            -- in a chain that has no price yet a rule waits for one, unless it is in a group
            IF e.result IS NOT NULL OR s.pick = 'chain' AND line.running IS NULL AND r.exclusive_group IS NULL THEN
                cands := cands || ROW(r, e)::oracle.candidate;
            END IF;
        END IF;
    END LOOP;
    IF cardinality(cands) = 0 THEN RETURN line; END IF;

    -- precedence: access, priority, better for the customer, smaller id
    IF cardinality(cands) > 1 THEN
        cands := ARRAY(SELECT k FROM unnest(cands) k
                       ORDER BY (k.r).access, (k.r).depths DESC, (k.r).priority DESC, (k.e).result, (k.r).id);
        FOR i IN 2 .. cardinality(cands) LOOP
            c := cands[i];
            best := cands[i - 1];
            line.doubt := line.doubt OR (c.r).access = (best.r).access AND (c.r).depths = (best.r).depths AND (c.r).priority = (best.r).priority
                          AND (c.e).result IS NOT DISTINCT FROM (best.e).result;
        END LOOP;
    END IF;

    -- groups: the highest of '*' stands alone; else the first of each
    FOREACH c IN ARRAY cands LOOP
        IF (c.r).exclusive_group = '*' THEN
            picked := ARRAY[c];
            EXIT;
        END IF;
        -- a surcharge does not share a group with a discount
        this := (c.r).exclusive_group || CASE WHEN (c.r).adjust IN ('percent_on', 'amount_on') THEN ' +' ELSE ' -' END;
        IF this IS NULL OR this <> ALL (groups) THEN
            picked := picked || c;
            groups := groups || coalesce(this, '');
        END IF;
    END LOOP;
    cands := picked;

    CASE s.pick
    WHEN 'first', 'best' THEN
        best := cands[1];
        IF s.pick = 'best' THEN
            FOREACH c IN ARRAY cands LOOP
                raise_all := raise_all AND coalesce((c.e).result > line.running, false);
            END LOOP;
            FOREACH c IN ARRAY cands LOOP
                IF (CASE WHEN raise_all THEN (c.e).result > (best.e).result ELSE (c.e).result < (best.e).result END) THEN
                    best := c;
                END IF;
            END LOOP;
        END IF;
        FOREACH c IN ARRAY cands LOOP
            line.tied := line.tied OR (c.r).id <> (best.r).id AND (c.r).access = (best.r).access AND (c.r).depths = (best.r).depths
                         AND (c.r).priority = (best.r).priority AND (c.e).result = (best.e).result;
        END LOOP;
        IF s.only_down AND (best.e).result > line.running THEN
            RETURN line;
        END IF;
        line := oracle.apply(line, best.r, s, best.e);

    WHEN 'sum' THEN
        picked := '{}';
        entry := line.running;
        total := entry;
        FOREACH c IN ARRAY cands LOOP
            CONTINUE WHEN s.only_down AND (c.e).result > entry;
            picked := picked || c;
            total := total + ((c.e).result - entry);
            EXIT WHEN (c.r).stop OR (c.r).final;
        END LOOP;
        -- more than there is: the last ones are cut
        i := cardinality(picked);
        WHILE total < 0 LOOP
            c := picked[i];
            taken := least(entry - (c.e).result, -total);
            IF taken > 0 THEN
                e := c.e;
                e.result := e.result + taken;
                c.e := e;
                total := total + taken;
                picked[i] := c;
            END IF;
            i := i - 1;
        END LOOP;
        FOREACH c IN ARRAY picked LOOP
            taken := (c.e).result - entry;
            e := c.e;
            e.result := greatest(line.running, 0);      -- the sum may pass below zero on its way
            total := line.running + taken;
            line := oracle.apply(line, c.r, s, e);
            line.running := total;
            IF line.statistical THEN
                line.pocket[cardinality(line.pocket)] := CASE WHEN line.qty = 0 THEN line.zero_due ELSE total END;
            ELSIF line.qty <> 0 THEN
                line.amounts[cardinality(line.amounts)] := taken;
            END IF;
            IF line.listed THEN line.list := total; END IF;
        END LOOP;
        IF p.round_target IN ('line_step', 'unit_step') AND cardinality(picked) > 0 THEN
            line := oracle.settle(line, oracle.rounded(line.running, line, p), 'rounding');
            IF line.listed THEN line.list := line.running; END IF;
        END IF;

    WHEN 'chain' THEN
        FOREACH c IN ARRAY cands LOOP
            e := oracle.trial(c.r, line, s, p);
            CONTINUE WHEN e.result IS NULL OR s.only_down AND e.result > line.running;
            line.tied := line.tied OR EXISTS (
                SELECT FROM unnest(cands) k
                WHERE (k.r).id > (c.r).id AND (k.r).access = (c.r).access AND (k.r).depths = (c.r).depths
                  AND (k.r).priority = (c.r).priority AND (k.e).result IS NOT DISTINCT FROM (c.e).result);
            line := oracle.apply(line, c.r, s, e);
            EXIT WHEN (c.r).stop OR (c.r).final;
        END LOOP;
    END CASE;
    RETURN line;
END
$$;

-- ---------------------------------------------------------------------------
-- Guards
-- ---------------------------------------------------------------------------

CREATE FUNCTION oracle.row_of(line oracle.line, r oracle.rule, verdict text, base numeric, amount numeric) RETURNS oracle.line IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    line.steps := line.steps || r.step;
    line.by_rule := line.by_rule || r.id;
    line.verdicts := line.verdicts || verdict;
    line.bases := line.bases || base;
    line.amounts := line.amounts || CASE WHEN line.qty = 0 THEN 0 ELSE amount END;
    RETURN line;
END
$$;

-- To the legal amount nearest to the bound, on its right side.
CREATE FUNCTION oracle.clamp(line oracle.line, guard oracle.candidate, p oracle.policy) RETURNS oracle.line IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    r     oracle.rule := guard.r;
    e     oracle.effect := guard.e;
    legal numeric;
BEGIN
    p.round_mode := CASE r.adjust WHEN 'cap_price' THEN 'floor' ELSE 'ceiling' END;
    IF line.ending IS NULL THEN
        legal := oracle.rounded(e.result, line, p);
    ELSE
        legal := oracle.legal(e.result, line.units, line.ending, p.round_mode) * line.units;
    END IF;
    line := oracle.row_of(line, r, 'applied', e.base, legal - line.running);
    line.running := legal;
    line.rules := line.rules || r.id;
    RETURN line;
END
$$;

-- ---------------------------------------------------------------------------
-- The line
-- ---------------------------------------------------------------------------

CREATE FUNCTION oracle.at_depths(r oracle.rule, depths int[]) RETURNS oracle.rule IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    r.depths := depths;
    RETURN r;
END
$$;

CREATE FUNCTION oracle.line(facts jsonb, qty numeric, as_of timestamptz) RETURNS oracle.line STABLE LANGUAGE plpgsql AS $$
DECLARE
    line    oracle.line;
    entry   oracle.line;
    own     oracle.line;
    best    oracle.line;        -- of the competing steps so far
    p       oracle.policy;
    s       oracle.step;
    known   text[];
    present text[];
    r       oracle.rule;
    e       oracle.effect;
    factor  numeric;
    tests   oracle.candidate[] := '{}';
    cap     oracle.candidate;
    floor   oracle.candidate;
    c       oracle.candidate;
    result  numeric;
    matched oracle.rule[];
    compete text;
    due     numeric;
BEGIN
    SELECT * INTO STRICT p FROM oracle.policy;
    known := oracle.known(facts);
    present := ARRAY(SELECT DISTINCT split_part(k, '=', 1) FROM unnest(known) k);
    matched := ARRAY(
        SELECT oracle.at_depths(m, d)
        FROM oracle.rule m,
             LATERAL (SELECT CASE WHEN m.has_paths THEN        -- deeper goes first
                          ARRAY(SELECT coalesce((SELECT max(cardinality(string_to_array(l, '.'))) FROM unnest(w.labels) l
                                                 WHERE w.is_path AND NOT w.unwanted AND l = ANY (known)), 0)
                                FROM oracle.wanted w WHERE w.rule = m.id ORDER BY w.place)
                      ELSE '{}' END) AS depths (d)
        WHERE m.valid @> as_of
          AND m.id NOT IN (SELECT rule FROM oracle.wanted w
                           WHERE w.labels && known = unwanted OR unwanted AND w.dim <> ALL (present))
        ORDER BY m.seq, m.access, d DESC, m.priority DESC, m.id);
    line.facts := facts;
    line.as_of := as_of;
    line.zone := p.zone;
    line.p_currency := p.currency;
    line.currency := coalesce(facts ->> 'currency', p.currency);
    line.status := 'ok';
    line.statistical := false;
    line.pocket := '{}';
    factor := coalesce(oracle.fact(facts, 'uom_factor'),
                       (SELECT u.factor FROM quotetier.uom u
                        WHERE u.uom = facts ->> 'uom' AND coalesce(u.sku, facts ->> 'sku') = facts ->> 'sku' OR u.uom = facts ->> 'uom' AND u.sku IS NULL
                        ORDER BY u.sku NULLS LAST LIMIT 1), 1);
    line.qty := abs(qty) * factor;
    line.quoted := CASE WHEN qty = 0 THEN 1 ELSE abs(qty) END;
    line.units := line.quoted * factor;
    line.after := '{}';
    line.zero_due := 0;
    line.zero_list := 0;
    line.listed := false;
    line.ending := p.ending;
    line.excluded := '{}';
    line.final := false;
    line.rules := '{}';
    line.tied := false;
    line.doubt := false;
    line.steps := '{}'; line.by_rule := '{}'; line.verdicts := '{}'; line.bases := '{}'; line.amounts := '{}';

    line.list := oracle.fact(facts, 'list_price') * line.units;
    IF line.list IS NOT NULL THEN
        line.running := line.list;
        line.steps := '{list}'; line.by_rule := '{NULL}'; line.verdicts := '{list}'; line.bases := '{NULL}';
        line.amounts := ARRAY[CASE WHEN qty = 0 THEN 0 ELSE line.list END];
    END IF;

    FOR s IN SELECT * FROM oracle.step WHERE level = 'line' ORDER BY seq LOOP
        IF s.compete IS DISTINCT FROM compete THEN          -- a competition is over, or begins
            compete := s.compete;
            entry := line;
            best := NULL;
        END IF;
        own := CASE WHEN compete IS NULL THEN line ELSE entry END;
        own.after := line.after;        -- also of those it competes with
        IF NOT own.final AND s.name <> ALL (own.excluded) THEN
            own := oracle.run_step(own, s, p, matched);
        END IF;
        IF compete IS NOT NULL THEN
            line.after := line.after || jsonb_build_object(s.name, own.running);
            line.tied := line.tied OR own.tied;
            line.doubt := line.doubt OR own.doubt;
            IF cardinality(own.rules) > cardinality(entry.rules) AND (best.rules IS NULL OR own.running < best.running) THEN
                best := own;
                best.after := line.after;
                best.tied := line.tied;
                best.doubt := line.doubt;
                line := best;
            END IF;
        ELSE
            line := own;
            line.after := line.after || jsonb_build_object(s.name, line.running);
        END IF;
    END LOOP;
    IF line.running IS NULL THEN
        RETURN line;
    END IF;

    IF line.ending IS NOT NULL THEN
        line := oracle.settle(line, oracle.legal(line.running, line.units, line.ending) * line.units, 'ending');
    ELSE
        line := oracle.settle(line, oracle.rounded(line.running, line, p), 'rounding');
        due := oracle.rounded(line.zero_due, 1, p.round_increment, p.round_mode);
        IF due <> line.zero_due THEN
            line.steps := line.steps || 'rounding'::text;
            line.by_rule := line.by_rule || NULL::bigint;
            line.verdicts := line.verdicts || 'residual'::text;
            line.bases := line.bases || NULL::numeric;
            line.amounts := line.amounts || due - line.zero_due;
            line.zero_due := due;
        END IF;
    END IF;

    -- guards: cap and floor clamp to a legal price; block and approve then test
    -- what that is; what cannot be reckoned needs approval
    line.seen := oracle.seen(line);
    FOREACH r IN ARRAY matched LOOP
        CONTINUE WHEN NOT oracle.is_guard(r) OR coalesce(r.on_breach, 'clamp') <> 'clamp' OR NOT oracle.holds(r, line);
        e := oracle.effect(r, line, p);
        c := ROW(r, e);
        IF e.result IS NULL THEN
            line.status := 'needs_approval';
            line := oracle.row_of(line, r, 'applied', NULL, 0);
        ELSIF r.adjust = 'cap_price' THEN
            IF (cap.e).result IS NULL OR e.result < (cap.e).result THEN cap := c; END IF;
        ELSIF (floor.e).result IS NULL OR e.result > (floor.e).result THEN
            floor := c;
        END IF;
    END LOOP;
    IF line.running > (cap.e).result THEN
        line := oracle.clamp(line, cap, p);
    END IF;
    IF line.running < (floor.e).result THEN
        line := oracle.clamp(line, floor, p);
    END IF;
    line.seen := oracle.seen(line);
    FOREACH r IN ARRAY matched LOOP
        CONTINUE WHEN NOT oracle.is_guard(r) OR coalesce(r.on_breach, 'clamp') = 'clamp' OR NOT oracle.holds(r, line);
        e := oracle.effect(r, line, p);
        IF e.result IS NULL THEN
            line.status := CASE line.status WHEN 'ok' THEN 'needs_approval' ELSE line.status END;
            line := oracle.row_of(line, r, 'applied', NULL, 0);
            CONTINUE;
        END IF;
        c := ROW(r, e);
        tests := tests || c;
    END LOOP;
    FOREACH c IN ARRAY tests LOOP
        IF (CASE (c.r).adjust WHEN 'cap_price' THEN line.running > (c.e).result ELSE line.running < (c.e).result END) THEN
            line.status := CASE WHEN (c.r).on_breach = 'block' OR line.status = 'blocked' THEN 'blocked' ELSE 'needs_approval' END;
            line := oracle.row_of(line, c.r, 'applied', NULL, 0);
        END IF;
    END LOOP;
    -- what is reckoned from the net price without changing it: its rows only; a tie there is an explanation's, not the quote's
    own := line;
    own.statistical := true;
    own.final := false;
    FOR s IN SELECT * FROM oracle.step WHERE level = 'statistical' ORDER BY seq LOOP
        IF NOT own.final AND s.name <> ALL (own.excluded) THEN
            own := oracle.run_step(own, s, p, matched);
        END IF;
        own.after := own.after || jsonb_build_object(s.name, own.running);
    END LOOP;
    line.steps := own.steps; line.by_rule := own.by_rule; line.verdicts := own.verdicts; line.bases := own.bases; line.amounts := own.amounts;
    line.pocket := own.pocket;
    line.doubt := own.doubt;
    RETURN line;
END
$$;

-- zeros at the end go, down to so many decimals
CREATE FUNCTION oracle.trimmed(amount numeric, decimals int) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    amount := trim_scale(amount);
    RETURN round(amount, greatest(scale(amount), decimals));
END
$$;

CREATE FUNCTION oracle.quote(facts jsonb, qty numeric, as_of timestamptz,
    OUT list_price numeric, OUT list_amount numeric, OUT net_price numeric, OUT net_amount numeric,
    OUT discount_pct numeric, OUT currency text, OUT status text, OUT rules bigint[],
    OUT steps text[], OUT by_rule bigint[], OUT verdicts text[], OUT bases numeric[], OUT amounts numeric[],
    OUT pocket numeric[], OUT doubt boolean)
    STABLE LANGUAGE plpgsql AS $$
DECLARE
    line     oracle.line := oracle.line(facts, qty, as_of);
    p        oracle.policy;
    decimals int;
BEGIN
    SELECT * INTO STRICT p FROM oracle.policy;
    decimals := scale(trim_scale(p.round_increment));
    currency := line.currency;
    rules := line.rules;
    doubt := line.doubt;
    status := CASE WHEN line.running IS NULL THEN 'no_price' ELSE line.status END;
    IF status = 'no_price' THEN RETURN; END IF;
    IF p."strict" AND line.tied THEN
        RAISE cardinality_violation USING MESSAGE = 'ambiguous';
    END IF;

    list_price := oracle.trimmed(oracle.unit_price(line.list, line), decimals);
    net_price := oracle.trimmed(oracle.quotient(line.running, line.quoted, 6), decimals);
    discount_pct := oracle.quotient(100 * (line.list - line.running), nullif(line.list, 0), 4)::numeric(100, 4);
    list_amount := CASE WHEN qty = 0 THEN line.zero_list ELSE sign(qty) * line.list END;
    net_amount := CASE WHEN qty = 0 THEN line.zero_due ELSE sign(qty) * line.running END;
    steps := line.steps;
    by_rule := line.by_rule;
    verdicts := line.verdicts;
    bases := line.bases;
    pocket := ARRAY(SELECT CASE WHEN qty < 0 THEN -a ELSE a END FROM unnest(line.pocket) WITH ORDINALITY AS u (a, place) ORDER BY place);
    amounts := ARRAY(SELECT CASE WHEN qty < 0 THEN -a ELSE a END FROM unnest(line.amounts) WITH ORDINALITY AS u (a, place) ORDER BY place);
END
$$;

CREATE FUNCTION oracle.explain(facts jsonb, qty numeric, as_of timestamptz)
    RETURNS TABLE (seq bigint, step text, rule bigint, verdict text, base numeric, amount numeric, running numeric)
    STABLE LANGUAGE sql AS $$
    SELECT place, s, r, v, b, a, sum(a) OVER (ORDER BY place)
    FROM oracle.quote(facts, qty, as_of) q,
         ROWS FROM (unnest(q.steps), unnest(q.by_rule), unnest(q.verdicts), unnest(q.bases), unnest(q.amounts))
            WITH ORDINALITY AS w (s, r, v, b, a, place)
    ORDER BY place
$$;

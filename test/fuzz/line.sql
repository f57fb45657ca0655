-- Random policies and lines: a session that compiles for itself prices the first line
-- by the rules that concern it. All rules there are must come to the same, also to the same errors.
-- Needs test/fuzz/quote.sql. The same seed gives the same lines.
--
--   CALL fuzz.first_lines(seed, policies);

CREATE DOMAIN fuzz.unmatched AS float8;
CREATE TYPE fuzz.untold AS ENUM ('x');
CREATE FUNCTION fuzz.untold_json(fuzz.untold) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it cannot be told'; END $$;
CREATE CAST (fuzz.untold AS json) WITH FUNCTION fuzz.untold_json(fuzz.untold);

-- what the call comes to, whatever it is
CREATE FUNCTION fuzz.outcome(facts jsonb, qty numeric, as_of timestamptz, how int, OUT q jsonb) VOLATILE LANGUAGE plpgsql AS $$
DECLARE
    details text;
BEGIN
    CASE how
        WHEN 0 THEN q := to_jsonb(quotetier.quote(facts, qty, as_of, 'fuzz'));
        WHEN 1 THEN q := to_jsonb(quotetier.quote(facts::text, qty, as_of, 'fuzz'));
        WHEN 2 THEN q := jsonb_build_object('net_price', quotetier.net_price(facts, qty, as_of, 'fuzz'));
        WHEN 3 THEN -- a row, by its columns
            SELECT to_jsonb(quotetier.quote(r, qty, as_of, 'fuzz')) INTO q
            FROM jsonb_to_record(facts) r (sku text, region varchar, tier text, tags text[], list_price numeric, score numeric, currency text);
        WHEN 4 THEN -- one whose tier cannot be matched
            SELECT to_jsonb(quotetier.quote(r, qty, as_of, 'fuzz')) INTO q
            FROM (SELECT facts ->> 'sku' AS sku, facts ->> 'region' AS region, random()::fuzz.unmatched AS tier, 50 AS list_price) r;
        WHEN 5 THEN -- one that has two costs
            SELECT to_jsonb(quotetier.quote(r, qty, as_of, 'fuzz')) INTO q
            FROM (SELECT facts ->> 'sku' AS sku, 1 AS cost, 2 AS cost, 50 AS list_price) r;
        ELSE -- one with a fact that cannot be told, of which a condition may ask
            SELECT to_jsonb(quotetier.quote(r, qty, as_of, 'fuzz')) INTO q
            FROM (SELECT facts ->> 'sku' AS sku, facts ->> 'region' AS region, facts ->> 'tier' AS tier, 3.5 AS cost, 7 AS competitor, 4 AS score,
                         1 AS used, 'x'::fuzz.untold AS unknown, 'USD' AS currency, 12.25 AS list_price) r;
    END CASE;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL;
    q := jsonb_build_object('error', concat_ws(': ', SQLSTATE, SQLERRM, details));
END
$$;

CREATE PROCEDURE fuzz.first_lines(seed int, policies int) LANGUAGE plpgsql AS $$
DECLARE
    l     fuzz.line;
    how   int;
    first jsonb;
    whole jsonb;
    lines int := 0;
    errors int := 0;
BEGIN
    PERFORM setseed((seed % 1000000) / 1000000.0);
    FOR policy IN 1 .. policies LOOP
        CALL fuzz.make_policy('fuzz');
        CALL fuzz.make_lines(40);
        COMMIT;
        PERFORM quotetier.rule_book_stats('fuzz');
        FOR l IN SELECT * FROM fuzz.line ORDER BY no LOOP
            how := floor(random() * 7);
            -- a line that has something wrong with it, or more than one thing
            FOR i IN 1 .. 3 LOOP
                CONTINUE WHEN NOT fuzz.chance(0.1);
                CASE floor(random() * 7)::int
                    WHEN 0 THEN l.qty := 'NaN';
                    WHEN 1 THEN l.facts := l.facts || '{"uom": "nix"}';
                    WHEN 2 THEN l.facts := l.facts || '{"sku": {"a": 1}}';
                    WHEN 3 THEN l.facts := l.facts || '{"region": ["a", ["b"]]}';
                    WHEN 4 THEN l.facts := l.facts || '{"list_price": -1}';
                    WHEN 5 THEN l.facts := l.facts || '{"competitor": "dear"}';
                    ELSE l.facts := l.facts || '{"currency": "GBP"}';
                END CASE;
            END LOOP;
            whole := fuzz.outcome(l.facts, l.qty, l.as_of, how);
            -- what is not committed is compiled for the statement's snapshot alone, and this cannot be patched
            UPDATE quotetier.policy SET zone = zone WHERE name = 'fuzz';
            first := fuzz.outcome(l.facts, l.qty, l.as_of, how);
            ROLLBACK;
            IF first - 'version' IS DISTINCT FROM whole - 'version' THEN
                RAISE EXCEPTION 'seed %: line % of policy % differs (%)', seed, l.no, policy, how
                    USING DETAIL = format(E'facts:  %s\nfirst:  %s\nwhole:  %s', l.facts, first, whole);
            END IF;
            lines := lines + 1;
            errors := errors + (first ? 'error')::int;
        END LOOP;
    END LOOP;
    IF errors < lines / 20 OR errors > lines * 2 / 3 THEN RAISE EXCEPTION 'seed %: % of % are errors', seed, errors, lines; END IF;
    RAISE NOTICE '% lines cost as much by the rules that concern them as by all', lines;
END
$$;

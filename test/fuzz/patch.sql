-- Random policies, changed at random: quotes of a patched rule book must be those
-- of one that is compiled anew, row by row of their explanations.
-- Needs test/fuzz/quote.sql. The same seed gives the same changes.
--
--   CALL fuzz.patches(seed, policies);

-- every line's quote, waterfall and rejections; whether it came from a patch
CREATE FUNCTION fuzz.explained(policy text, OUT quotes text[], OUT patched boolean) VOLATILE LANGUAGE plpgsql AS $$
DECLARE
    l fuzz.line;
    q text;
BEGIN
    FOR l IN SELECT * FROM fuzz.line ORDER BY no LOOP
        BEGIN
            SELECT concat((SELECT to_jsonb(r) - 'version' FROM quotetier.quote(l.facts, l.qty, l.as_of, policy) r),
                          (SELECT jsonb_agg(e ORDER BY seq) FROM quotetier.explain_quote(l.facts, l.qty, l.as_of, policy) e)) INTO q;
        EXCEPTION WHEN cardinality_violation THEN q := SQLERRM;
        END;
        quotes := quotes || q;
    END LOOP;
    SELECT bool_or(s.patched > 0) INTO patched FROM quotetier.rule_book_stats(policy) s;
END
$$;

CREATE PROCEDURE fuzz.change_rule(policy text) LANGUAGE plpgsql AS $$
DECLARE
    this  quotetier.rule;
    other quotetier.rule;
    s     quotetier.step;
BEGIN
    SELECT r.* INTO this FROM quotetier.rule r WHERE r.policy = change_rule.policy ORDER BY random() LIMIT 1;
    SELECT r.* INTO other FROM quotetier.rule r WHERE r.policy = change_rule.policy ORDER BY random() LIMIT 1;
    SELECT t.* INTO s FROM quotetier.step t WHERE t.policy = change_rule.policy AND t.level = 'line' AND t.name <> 'guard' ORDER BY random() LIMIT 1;
    CASE floor(random() * 9)::int
        WHEN 0, 1 THEN CALL fuzz.make_rule(policy, s.name, s.pick, '{cost,competitor,list,running}');
        WHEN 2 THEN DELETE FROM quotetier.rule WHERE id = this.id;
        WHEN 3 THEN UPDATE quotetier.rule SET scope = other.scope, valid = other.valid WHERE id = this.id;
        WHEN 4 THEN UPDATE quotetier.rule SET priority = other.priority + 1, note = 'changed' WHERE id = this.id;
        WHEN 5 THEN UPDATE quotetier.rule SET id = nextval(pg_get_serial_sequence('quotetier.rule', 'id')) WHERE id = this.id;
        WHEN 6 THEN UPDATE quotetier.scale SET value = value / 2 WHERE rule = (SELECT rule FROM quotetier.scale ORDER BY random() LIMIT 1);
        WHEN 7 THEN UPDATE quotetier.fx_rate SET rate = rate * 1.01 WHERE from_currency = 'EUR';
        ELSE UPDATE quotetier.rule SET exclusive_group = other.exclusive_group, condition = other.condition
             WHERE id = this.id AND step <> 'guard';
    END CASE;
EXCEPTION WHEN invalid_parameter_value OR check_violation OR feature_not_supported OR integrity_constraint_violation THEN
    NULL;                       -- not every change makes sense, and saving says so
END
$$;

CREATE PROCEDURE fuzz.patches(seed int, policies int) LANGUAGE plpgsql AS $$
DECLARE
    changes CONSTANT int := 12;
    patched record;
    whole   record;
    seen    int := 0;
    n       int;
BEGIN
    PERFORM setseed((seed % 1000000) / 1000000.0);
    FOR policy IN 1 .. policies LOOP
        CALL fuzz.make_policy('fuzz');
        CALL fuzz.make_lines(25);
        COMMIT;
        PERFORM fuzz.explained('fuzz');
        FOR change IN 1 .. changes LOOP
            CALL fuzz.change_rule('fuzz');
            IF fuzz.chance(0.3) THEN COMMIT; END IF;
            patched := fuzz.explained('fuzz');
            BEGIN
                UPDATE quotetier.policy SET zone = zone WHERE name = 'fuzz';
                whole := fuzz.explained('fuzz');
                RAISE EXCEPTION 'undo' USING errcode = 'QT000';
            EXCEPTION WHEN SQLSTATE 'QT000' THEN
            END;
            IF whole.patched THEN RAISE EXCEPTION 'seed %: what was to be compiled is patched', seed; END IF;
            seen := seen + patched.patched::int;
            SELECT min(i) INTO n FROM generate_subscripts(patched.quotes, 1) i WHERE patched.quotes[i] <> whole.quotes[i];
            IF n IS NOT NULL THEN
                RAISE EXCEPTION 'seed %: line % differs after change % of policy %', seed, n, change, policy
                    USING DETAIL = format(E'patched:  %s\ncompiled: %s', patched.quotes[n], whole.quotes[n]);
            END IF;
        END LOOP;
    END LOOP;
    IF seen < policies * changes / 2 THEN RAISE EXCEPTION 'seed %: only % of % were patched', seed, seen, policies * changes; END IF;
    RAISE NOTICE '% policies, % changes: a patched book quotes as a compiled one', policies, changes;
END
$$;

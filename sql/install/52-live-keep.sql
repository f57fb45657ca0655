-- ---------------------------------------------------------------------------
-- live: folding, checking, rebuilding, ending, and following changes of tables
-- ---------------------------------------------------------------------------

-- One statement, so that the queue's rows, the summary and the orders that are
-- looked up are of one snapshot. Only one session folds a queue at a time.
CREATE FUNCTION quotetier.fold_queue(name text, wait boolean) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    locks int := 'quotetier.tracked'::regclass::oid::int;
    folded bigint;
BEGIN
    IF wait THEN
        PERFORM pg_advisory_xact_lock(locks, t.queue::oid::int);
    ELSIF NOT pg_try_advisory_xact_lock(locks, t.queue::oid::int) THEN
        RETURN NULL;
    END IF;
    EXECUTE format($fold$
        WITH taken AS (DELETE FROM %1$s),
        p AS MATERIALIZED (SELECT * FROM %2$s),
        gone AS (DELETE FROM %3$s s USING p WHERE p.orders = 0 AND s.customer %4$s p.customer),
        %5$s
        kept AS (INSERT INTO %3$s (customer, first_at, last_at, orders, revenue)
                 SELECT customer, first_at, last_at, orders, revenue FROM p WHERE orders <> 0 ORDER BY customer
                 ON CONFLICT (customer) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at,
                                                      orders = excluded.orders, revenue = excluded.revenue)
        SELECT count(*) FROM p
        $fold$,
        t.queue, t.pending, t.summary, quotetier.key_equality(t.summary, 'customer'),
        CASE WHEN t.by_summary IS NOT NULL THEN format($fold$
            q AS MATERIALIZED (SELECT * FROM %1$s),
            gone_by AS (DELETE FROM %2$s s USING q WHERE q.orders = 0 AND s.customer %3$s q.customer AND s.value %4$s q.value),
            kept_by AS (INSERT INTO %2$s (customer, value, first_at, last_at, orders, revenue)
                        SELECT customer, value, first_at, last_at, orders, revenue FROM q WHERE orders <> 0 ORDER BY customer, value
                        ON CONFLICT (customer, value) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at,
                                                             orders = excluded.orders, revenue = excluded.revenue),
            $fold$, t.by_pending, t.by_summary, quotetier.key_equality(t.by_summary, 'customer'), quotetier.key_equality(t.by_summary, 'value')) END)
    INTO folded;
    RETURN folded;
END
$$;
COMMENT ON FUNCTION quotetier.fold_queue(text, boolean) IS
    'puts the queue''s changes into the summary, with the caller''s rights; NULL if another session is at it and wait is false';

CREATE FUNCTION quotetier.key_equality(summary regclass, key name) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT quotetier.equality_operator(atttypid) FROM pg_attribute WHERE attrelid = summary AND attname = key
$$;
COMMENT ON FUNCTION quotetier.key_equality(regclass, name) IS 'the operator by which a summary''s key is compared';

CREATE FUNCTION quotetier.flush_tracking(name text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
    SELECT quotetier.as_tracker(name, (quotetier.tracker(name)).queue, 'fold')
$$;
COMMENT ON FUNCTION quotetier.flush_tracking(text) IS
    'folds the queue into the summary; returns how many customers had changes. What shop_rfm shows does not change';

CREATE FUNCTION quotetier.check_tracking(name text)
    RETURNS TABLE (customer text, value text,
                   kept_first_at timestamp, kept_last_at timestamp, kept_orders bigint, kept_revenue numeric,
                   first_at timestamp, last_at timestamp, orders bigint, revenue numeric)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    part text := $check$
        SELECT coalesce(k.customer, o.customer)::text, %1$s, k.first_at, k.last_at, k.orders, k.revenue,
               o.first_at, o.last_at, o.orders, o.revenue
        FROM %2$s k
        FULL JOIN (SELECT %3$s, min(at) AS first_at, max(at) AS last_at, count(*) AS orders, sum(amount) AS revenue
                   FROM %4$s %7$s GROUP BY %3$s) o ON k.customer %5$s o.customer %6$s
        WHERE (k.first_at, k.last_at, k.orders, k.revenue) IS DISTINCT FROM (o.first_at, o.last_at, o.orders, o.revenue)$check$;
BEGIN
    RETURN QUERY EXECUTE format(part, 'NULL::text', t.rfm, 'customer', t.orders, quotetier.key_equality(t.summary, 'customer'), '', '') ||
        CASE WHEN t.by_summary IS NOT NULL THEN
            ' UNION ALL ' || format(part, 'coalesce(k.value, o.value)::text', t.by_rfm, 'customer, value', t.orders,
                                    quotetier.key_equality(t.by_summary, 'customer'),
                                    format('AND k.value %s o.value', quotetier.key_equality(t.by_summary, 'value')),
                                    'WHERE value IS DISTINCT FROM NULL')
        ELSE '' END;
END
$$;
COMMENT ON FUNCTION quotetier.check_tracking(text) IS
    'customers of whom the kept summary differs from one computed anew from all orders, in one snapshot; none is as it should be';

CREATE FUNCTION quotetier.rebuild_tracking(name text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    part regclass;
    customers bigint;
BEGIN
    PERFORM quotetier.check_isolation();
    PERFORM quotetier.check_source(t.source);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.source);
    PERFORM pg_advisory_xact_lock('quotetier.tracked'::regclass::oid::int, t.queue::oid::int);
    t.parts := quotetier.parts_of(t.source);
    PERFORM quotetier.write_tracked('change', t);
    PERFORM quotetier.make_triggers(t.name, t.source, true);
    FOREACH part IN ARRAY t.parts LOOP
        PERFORM quotetier.make_triggers(t.name, part, part = t.source);
    END LOOP;

    -- DELETE, not TRUNCATE: other snapshots go on seeing what they saw
    EXECUTE format('DELETE FROM %s', t.queue);
    EXECUTE format('DELETE FROM %s', t.summary);
    PERFORM quotetier.fill_level(t.summary, t.orders, 'customer');
    IF t.by_summary IS NOT NULL THEN
        EXECUTE format('DELETE FROM %s', t.by_summary);
        PERFORM quotetier.fill_level(t.by_summary, t.orders, 'customer, value');
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', t.summary) INTO customers;
    RETURN customers;
END
$$;
COMMENT ON FUNCTION quotetier.rebuild_tracking(text) IS
    'computes a summary anew from all orders, and puts its triggers right; returns the number of customers';

CREATE FUNCTION quotetier.rebuild_as_owner(name text, wait boolean) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS
$$
    SELECT quotetier.rebuild_tracking(name)
$$;
COMMENT ON FUNCTION quotetier.rebuild_as_owner(text, boolean) IS 'rebuild_tracking() as as_tracker() calls it';

-- ---------------------------------------------------------------------------
-- ending
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.untrack(name text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    part regclass;
    object record;
BEGIN
    PERFORM quotetier.write_tracked('remove', t);
    FOREACH part IN ARRAY t.source || t.parts LOOP
        PERFORM quotetier.drop_triggers(t.name, part);
    END LOOP;
    FOR object IN SELECT c.oid::regclass AS name, c.relkind FROM unnest(t.objects) WITH ORDINALITY o (oid, n)
                  JOIN pg_class c ON c.oid = o.oid ORDER BY n LOOP
        EXECUTE format('DROP %s %s', CASE object.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, object.name);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.untrack(text) IS 'ends a tracker, and drops everything that track() made for it';

-- ---------------------------------------------------------------------------
-- changes of tables: partitions that come and go, tables that are dropped
-- ---------------------------------------------------------------------------

CREATE FUNCTION quotetier.follow_parts(name text, wait boolean) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked := quotetier.tracker(name);
    was regclass[] := t.parts;
    part regclass;
    entries bigint := 0;
BEGIN
    PERFORM quotetier.check_source(t.source);
    t.parts := quotetier.parts_of(t.source);
    IF t.parts @> was AND was @> t.parts THEN
        RETURN 0;
    END IF;
    PERFORM quotetier.write_tracked('change', t);
    FOR part IN SELECT p FROM unnest(t.parts) p WHERE NOT p = ANY (was) LOOP
        entries := entries + quotetier.track_rows(t.name, part, t.queue, 1);
        PERFORM quotetier.make_triggers(t.name, part, false);
    END LOOP;
    FOR part IN SELECT p FROM unnest(was) p WHERE NOT p = ANY (t.parts) LOOP
        entries := entries + quotetier.track_rows(t.name, part, t.queue, -1);
        PERFORM quotetier.drop_triggers(t.name, part);
    END LOOP;
    RETURN entries;
END
$$;
COMMENT ON FUNCTION quotetier.follow_parts(text, boolean) IS
    'counts partitions that were attached, no longer counts those that were detached';

CREATE FUNCTION quotetier.follow_changed_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked;
BEGIN
    FOR t IN SELECT DISTINCT tracked.* FROM quotetier.tracked
             JOIN pg_event_trigger_ddl_commands() d
                  ON d.classid = 'pg_class'::regclass AND d.objid = ANY (tracked.source || tracked.parts || quotetier.parts_of(tracked.source)) LOOP
        PERFORM quotetier.as_tracker(t.name, t.queue, 'parts');
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.follow_changed_tables() IS
    'event trigger: after CREATE TABLE and ALTER TABLE, looks after the partitions of tracked tables';

CREATE EVENT TRIGGER quotetier_changed_tables ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE')
    EXECUTE FUNCTION quotetier.follow_changed_tables();
COMMENT ON EVENT TRIGGER quotetier_changed_tables IS 'looks after the partitions of tracked tables';

CREATE FUNCTION quotetier.follow_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked;
    dropped oid[];
BEGIN
    SELECT array_agg(objid) INTO dropped FROM pg_event_trigger_dropped_objects()
    WHERE classid = 'pg_class'::regclass AND objsubid = 0;
    FOR t IN SELECT * FROM quotetier.tracked
             WHERE ARRAY[source, orders, queue, summary, pending, by_summary, by_pending]::oid[] && dropped LOOP
        RAISE NOTICE 'tracker "%" ends, for a table or view that it needs is dropped', t.name;
        PERFORM quotetier.untrack(t.name);
    END LOOP;
    FOR t IN SELECT * FROM quotetier.tracked WHERE parts::oid[] && dropped LOOP
        PERFORM quotetier.as_tracker(t.name, t.queue, 'rebuild');
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.follow_dropped_tables() IS
    'event trigger: ends trackers whose tables are dropped, rebuilds those that lost a partition';

CREATE EVENT TRIGGER quotetier_dropped_tables ON sql_drop
    EXECUTE FUNCTION quotetier.follow_dropped_tables();
COMMENT ON EVENT TRIGGER quotetier_dropped_tables IS 'ends trackers whose tables are dropped, rebuilds those that lost a partition';

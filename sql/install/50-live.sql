-- ---------------------------------------------------------------------------
-- live: a summary of each customer, kept current by triggers on the orders
--
-- For track('shop', ...) these are made beside the source, as objects of whoever
-- called it:
--   shop_rfm_orders   view    the source's columns as customer, at, amount (, value)
--   shop_rfm_queue    table   what statements changed, not folded yet: arrays
--   shop_rfm_changes  view    the queue, an entry a row
--   shop_rfm_summary  table   the summary without the queue
--   shop_rfm_pending  view    what folding the queue would make of the summary
--   shop_rfm          view    the summary with the queue
-- and with by: shop_rfm_by_summary, shop_rfm_by_pending, shop_rfm_by. The views
-- for reports are in 51-live-tiers.sql.
-- ---------------------------------------------------------------------------

CREATE TABLE quotetier.tracked (
    name        text       PRIMARY KEY CHECK (name <> ''),
    source      regclass   NOT NULL,
    parts       regclass[] NOT NULL,
    orders      regclass   NOT NULL,
    queue       regclass   NOT NULL,
    summary     regclass   NOT NULL,
    pending     regclass   NOT NULL,
    rfm         regclass   NOT NULL,
    by_summary  regclass,
    by_pending  regclass,
    by_rfm      regclass,
    objects     regclass[] NOT NULL,
    flush_every int        NOT NULL CHECK (flush_every >= 0)
);

COMMENT ON TABLE quotetier.tracked IS 'The tables of orders that are tracked, and what was made for each. Written by track() and untrack().';
COMMENT ON COLUMN quotetier.tracked.name IS 'what the tracker is called';
COMMENT ON COLUMN quotetier.tracked.source IS 'the table of orders';
COMMENT ON COLUMN quotetier.tracked.parts IS 'the tables whose rows are counted: the source, or all its partitions';
COMMENT ON COLUMN quotetier.tracked.orders IS 'view: which columns an order is';
COMMENT ON COLUMN quotetier.tracked.queue IS 'table: changes that are not folded yet';
COMMENT ON COLUMN quotetier.tracked.summary IS 'table: the summary without those changes';
COMMENT ON COLUMN quotetier.tracked.pending IS 'view: what the changes make of the customers they concern';
COMMENT ON COLUMN quotetier.tracked.rfm IS 'view: the summary with the changes; this is the one to read';
COMMENT ON COLUMN quotetier.tracked.by_summary IS 'as summary, a customer and value; NULL without by';
COMMENT ON COLUMN quotetier.tracked.by_pending IS 'as pending, a customer and value';
COMMENT ON COLUMN quotetier.tracked.by_rfm IS 'as rfm, a customer and value';
COMMENT ON COLUMN quotetier.tracked.objects IS 'all that was made, in the order in which it can be dropped';
COMMENT ON COLUMN quotetier.tracked.flush_every IS 'a writer folds the queue once in about so many entries; 0: never';

GRANT SELECT ON quotetier.tracked TO PUBLIC;

-- Triggers append to the queue that is named here, whoever writes the orders, and
-- what is named here is dropped in the end. So only the owner of it all may name it.
CREATE FUNCTION quotetier.check_tracked(job text, t quotetier.tracked) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    wanted quotetier.tracked := t;
    of_another regclass;
BEGIN
    FOR wanted IN SELECT (t).* UNION ALL SELECT * FROM quotetier.tracked WHERE job <> 'add' AND name = t.name LOOP
        SELECT oid INTO of_another FROM pg_class
        WHERE oid = ANY (wanted.objects || wanted.source || wanted.orders || wanted.queue || wanted.summary)
          AND NOT pg_has_role(relowner, 'USAGE')
        ORDER BY oid <> wanted.source, oid LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'must be owner of %', of_another
                USING ERRCODE = 'insufficient_privilege',
                      DETAIL = format('Tracker "%s" stands on tables of another owner.', t.name),
                      HINT = 'The owner of the table of orders is the one to track it.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.check_tracked(text, quotetier.tracked) IS 'only who owns the tables may track them';

CREATE FUNCTION quotetier.write_tracked(job text, t quotetier.tracked) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'write_tracked';
COMMENT ON FUNCTION quotetier.write_tracked(text, quotetier.tracked) IS
    'writes a row of tracked for who owns the tables in it: add, change (its parts and objects), remove';

SELECT pg_extension_config_dump('quotetier.tracked', '');

CREATE FUNCTION quotetier.track_change() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'track_change';
COMMENT ON FUNCTION quotetier.track_change() IS
    'trigger on a tracked table: appends what a statement changed to the tracker''s queue. Made by track()';

CREATE FUNCTION quotetier.equality_operator(type regtype) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'equality_operator';
COMMENT ON FUNCTION quotetier.equality_operator(regtype) IS
    'OPERATOR(schema.=) by which values of the type are grouped; NULL if they cannot be';

CREATE FUNCTION quotetier.track_rows(name text, part regclass, queue regclass, sign int) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'track_rows';
COMMENT ON FUNCTION quotetier.track_rows(text, regclass, regclass, int) IS
    'appends all rows of a partition to the queue, as having come (1) or gone (-1). Only for the queue''s owner';

CREATE FUNCTION quotetier.as_tracker(name text, queue regclass, job text) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'as_tracker';
COMMENT ON FUNCTION quotetier.as_tracker(text, regclass, text) IS
    'folds the queue (fold), looks after partitions (parts), or rebuilds (rebuild), with the rights of the tracker''s owner';
REVOKE EXECUTE ON FUNCTION quotetier.as_tracker(text, regclass, text) FROM PUBLIC;

CREATE FUNCTION quotetier.tracker(name text) RETURNS quotetier.tracked
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    t quotetier.tracked;
BEGIN
    SELECT * INTO t FROM quotetier.tracked WHERE tracked.name = tracker.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no tracker "%"', name
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'quotetier.tracked lists those there are.',
                  HINT = 'quotetier.track() makes one.';
    END IF;
    RETURN t;
END
$$;
COMMENT ON FUNCTION quotetier.tracker(text) IS 'the row of a tracker; an error if there is none';

-- ---------------------------------------------------------------------------
-- making
-- ---------------------------------------------------------------------------

-- A column's type and collation, as they are written in CREATE TABLE.
CREATE FUNCTION quotetier.column_type(source regclass, name name, suffix text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    SELECT format_type(a.atttypid, -1) || suffix ||
           CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', n.nspname, c.collname) ELSE '' END
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation c ON c.oid = a.attcollation
    LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE a.attrelid = source AND a.attname = name
$$;
COMMENT ON FUNCTION quotetier.column_type(regclass, name, text) IS
    'a step of track(): type (with [] or nothing behind it) and collation of a column';

-- A level is a summary by certain keys, with its views: by customer, and by
-- customer and value. base is what its objects' names begin with.
CREATE FUNCTION quotetier.make_level(base text, schema name, source regclass, orders regclass, changes regclass,
                                     keys name[], columns name[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    summary text := format('%I.%I', schema, base || '_summary');
    pending text := format('%I.%I', schema, base || '_pending');
    key_list text := array_to_string(keys, ', ');
    same text;          -- the keys of two aliases, to be put in for $a and $b
    no_null text;
    definitions text;
BEGIN
    SELECT string_agg(format('$a.%s %s $b.%1$s', key, quotetier.equality_operator(a.atttypid)), ' AND ' ORDER BY n),
           string_agg(format('%s IS DISTINCT FROM NULL', key), ' AND ' ORDER BY n),
           string_agg(format('%s %s NOT NULL', key, quotetier.column_type(source, col, '')), ', ' ORDER BY n)
    INTO same, no_null, definitions
    FROM unnest(keys, columns) WITH ORDINALITY k (key, col, n)
    JOIN pg_attribute a ON a.attrelid = source AND a.attname = col;

    EXECUTE format('CREATE TABLE %s (%s, first_at timestamp, last_at timestamp, orders bigint NOT NULL,
                    revenue numeric NOT NULL, PRIMARY KEY (%s)) WITH (fillfactor = 70)',
                   summary, definitions, key_list);

    -- Least and greatest are right as long as orders only come. Where one went,
    -- the customer's first and last order are looked up.
    EXECUTE format($view$
        CREATE VIEW %1$s AS
        SELECT %3$s,
               CASE WHEN p.recheck = 1 THEN a.first_at ELSE least(s.first_at, p.first_at) END AS first_at,
               CASE WHEN p.recheck = 1 THEN a.last_at ELSE greatest(s.last_at, p.last_at) END AS last_at,
               (coalesce(s.orders, 0) + p.orders)::bigint AS orders,
               coalesce(s.revenue, 0) + p.revenue AS revenue
        FROM (SELECT %4$s, min(first_at) AS first_at, max(last_at) AS last_at,
                     sum(orders) AS orders, sum(revenue) AS revenue, max(recheck) AS recheck
              FROM %5$s WHERE %6$s GROUP BY %4$s) p
        LEFT JOIN %2$s s ON %7$s
        LEFT JOIN (SELECT %8$s, min(o.at) AS first_at, max(o.at) AS last_at
                   FROM %9$s o
                   WHERE EXISTS (SELECT FROM %5$s c WHERE c.recheck = 1)      -- once, and mostly not
                     AND EXISTS (SELECT FROM %5$s c WHERE c.recheck = 1 AND %10$s)
                   GROUP BY %8$s) a ON %11$s
        $view$,
        pending, summary,
        'p.' || array_to_string(keys, ', p.'), key_list, changes, no_null,
        replace(replace(same, '$a', 'p'), '$b', 's'),
        'o.' || array_to_string(keys, ', o.'), orders,
        replace(replace(same, '$a', 'c'), '$b', 'o'),
        replace(replace(same, '$a', 'p'), '$b', 'a'));

    EXECUTE format($view$
        CREATE VIEW %1$I.%2$I AS
        SELECT %3$s, quotetier.rfm(first_at, last_at, orders, revenue) AS rfm, first_at, last_at, orders, revenue
        FROM (SELECT %4$s, s.first_at, s.last_at, s.orders, s.revenue
              FROM %5$s s WHERE NOT EXISTS (SELECT FROM %6$s c WHERE %7$s)
              UNION ALL
              SELECT %3$s, first_at, last_at, orders, revenue FROM %8$s) current
        WHERE orders > 0
        $view$,
        schema, base, key_list, 's.' || array_to_string(keys, ', s.'), summary, changes,
        replace(replace(same, '$a', 'c'), '$b', 's'), pending);
END
$$;
COMMENT ON FUNCTION quotetier.make_level(text, name, regclass, regclass, regclass, name[], name[]) IS
    'a step of track(): the summary by certain keys, and its views';

CREATE FUNCTION quotetier.fill_level(summary regclass, orders regclass, keys text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    EXECUTE format('INSERT INTO %1$s (%3$s, first_at, last_at, orders, revenue)
                    SELECT %3$s, quotetier.first_at(rfm), quotetier.last_at(rfm), quotetier.orders(rfm), quotetier.revenue(rfm)
                    FROM (SELECT %3$s, quotetier.rfm_agg(at, amount) AS rfm FROM %2$s
                          WHERE %4$s GROUP BY %3$s) o',
                   summary, orders, keys, replace(keys, ',', ' IS DISTINCT FROM NULL AND') || ' IS DISTINCT FROM NULL');
END
$$;
COMMENT ON FUNCTION quotetier.fill_level(regclass, regclass, text) IS
    'a step of track() and rebuild_tracking(): computes a summary from all orders';

-- The triggers of one table of the tree: those that are missing are made, those
-- in another mode are put back into their own.
CREATE FUNCTION quotetier.make_triggers(name text, part regclass, is_source boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    wanted record;
    mode "char";
BEGIN
    FOR wanted IN
        SELECT format('__quotetier_%s_%s', name, w.what) AS trigger, w.*
        FROM (VALUES ('insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS after', 'STATEMENT', 'O', 'ENABLE'),
                     ('update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS before NEW TABLE AS after', 'STATEMENT', 'O', 'ENABLE'),
                     ('delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS before', 'STATEMENT', 'O', 'ENABLE'),
                     ('truncate', 'BEFORE TRUNCATE', '', 'STATEMENT', 'A', 'ENABLE ALWAYS'),
                     ('merge', 'BEFORE UPDATE', '', 'STATEMENT', 'O', 'ENABLE'),
                     ('row', 'AFTER INSERT OR UPDATE OR DELETE', '', 'ROW', 'R', 'ENABLE REPLICA'))
             w (what, event, tables, level, mode, enable)
        WHERE CASE w.what WHEN 'row' THEN is_source     -- cloned to its partitions
                          WHEN 'merge' THEN EXISTS (SELECT FROM pg_class WHERE oid = part AND relkind = 'p')
                          ELSE true END
    LOOP
        SELECT tgenabled INTO mode FROM pg_trigger WHERE tgrelid = part AND tgname = wanted.trigger;
        IF NOT FOUND THEN
            EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH %s EXECUTE FUNCTION quotetier.track_change(%L)',
                           wanted.trigger, wanted.event, part, wanted.tables, wanted.level, name);
            mode := 'O';
        END IF;
        IF mode::text <> wanted.mode THEN
            EXECUTE format('ALTER TABLE %s %s TRIGGER %I', part, wanted.enable, wanted.trigger);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.make_triggers(text, regclass, boolean) IS
    'a step of track() and rebuild_tracking(): the triggers of one table';

CREATE FUNCTION quotetier.drop_triggers(name text, part regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    trigger name;
BEGIN
    FOR trigger IN SELECT tgname FROM pg_trigger
                   WHERE tgrelid = part AND tgparentid = 0 AND tgname ^@ format('__quotetier_%s_', name)
                     AND tgfoid = 'quotetier.track_change()'::regprocedure LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger, part);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.drop_triggers(text, regclass) IS 'a step of untrack(): the triggers of one table';

-- The tables whose rows are a source's: itself, or everything below it. Read from
-- the catalogue, for pg_partition_tree() locks the tables, which deadlocks in a
-- parallel restore.
CREATE FUNCTION quotetier.parts_of(source regclass) RETURNS regclass[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$$
    WITH RECURSIVE tree AS (
        SELECT oid FROM pg_class WHERE oid = source AND relkind = 'p'
        UNION ALL
        SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid AND NOT i.inhdetachpending)
    SELECT CASE WHEN (SELECT relkind FROM pg_class WHERE oid = source) = 'p'
                THEN array(SELECT oid::regclass FROM tree WHERE oid <> source ORDER BY oid)
                ELSE ARRAY[source] END
$$;
COMMENT ON FUNCTION quotetier.parts_of(regclass) IS 'the table itself, or all its partitions at every depth';

-- What cannot be tracked, and why.
CREATE FUNCTION quotetier.check_source(source regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
DECLARE
    c record;
    problem text;
    remedy text;
BEGIN
    FOR c IN SELECT oid, * FROM pg_class WHERE oid = ANY (source || quotetier.parts_of(source)) LOOP
        IF c.relkind NOT IN ('r', 'p') THEN
            problem := format('%s is not a table whose changes triggers can see.', c.oid::regclass);
            remedy := 'Track an ordinary or a partitioned table, of local partitions.';
        ELSIF c.relpersistence <> 'p' THEN
            problem := format('%s does not survive a crash, but the summary of it would.', c.oid::regclass);
            remedy := 'Use ALTER TABLE ... SET LOGGED first.';
        ELSIF c.relrowsecurity THEN
            problem := format('Row-level security is enabled on %s, and a summary would show what it hides.', c.oid::regclass);
            remedy := 'Track a table without it, and grant SELECT on the summary''s view to whoever may see all orders.';
        ELSIF c.oid = source AND c.relispartition THEN
            problem := format('%s is a partition: changes made through its parent would not be seen.', c.oid::regclass);
            remedy := 'Track the whole partitioned table.';
        ELSIF EXISTS (SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                      WHERE (i.inhparent = c.oid OR i.inhrelid = c.oid) AND p.relkind = 'r') THEN
            problem := format('%s takes part in inheritance that is not partitioning.', c.oid::regclass);
            remedy := 'Use declarative partitioning.';
        END IF;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'table % cannot be tracked', source
                USING ERRCODE = 'feature_not_supported', DETAIL = problem, HINT = remedy;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quotetier.check_source(regclass) IS 'refuses tables that cannot be tracked, saying why';

-- Summaries are computed from what is committed once the lock is held.
CREATE FUNCTION quotetier.check_isolation() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'a summary cannot be computed in a % transaction', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'active_sql_transaction',
                  DETAIL = 'Its snapshot may miss orders that were committed before the table could be locked.',
                  HINT = 'Do it in a READ COMMITTED transaction.';
    END IF;
END
$$;
COMMENT ON FUNCTION quotetier.check_isolation() IS 'refuses to compute a summary from an old snapshot';

CREATE FUNCTION quotetier.track(name text, source regclass, customer name, at name, amount name,
                                by name DEFAULT NULL, flush_every int DEFAULT 5000) RETURNS regclass
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$$
#variable_conflict use_column
DECLARE
    schema name;
    base text := track.name || '_rfm';
    made text;
    columns name[] := ARRAY[track.customer, track.at, track.amount] || CASE WHEN track.by IS NOT NULL THEN ARRAY[track.by] END;
    col record;
    base_types oid[] := '{}';
    orders regclass;
    queue regclass;
    changes regclass;
    t quotetier.tracked;
    part regclass;
BEGIN
    IF track.name IS NULL OR track.source IS NULL OR track.customer IS NULL OR track.at IS NULL OR track.amount IS NULL OR track.flush_every IS NULL THEN
        RAISE EXCEPTION 'track() needs a name, a table, and its columns for customer, time and amount'
            USING ERRCODE = 'null_value_not_allowed',
                  DETAIL = 'One of them is NULL.',
                  HINT = 'For example: track(''shop'', ''public.orders'', customer => ''customer_id'', at => ''ordered_at'', amount => ''total'').';
    END IF;
    IF track.name !~ '^[[:alpha:]_][[:alnum:]_]*$' OR octet_length(track.name) > 40 OR track.flush_every < 0 THEN
        RAISE EXCEPTION 'invalid name or flush_every of a tracker'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('The name "%s" begins the names of views and tables; flush_every is %s.', track.name, track.flush_every),
                  HINT = 'Choose a name of letters, digits and underscores, of 40 bytes at most, and flush_every from 0.';
    END IF;
    IF EXISTS (SELECT FROM quotetier.tracked t WHERE t.name = track.name) THEN
        RAISE EXCEPTION 'there is a tracker "%" already', track.name
            USING ERRCODE = 'duplicate_object',
                  DETAIL = format('It tracks %s.', (SELECT t.source FROM quotetier.tracked t WHERE t.name = track.name)),
                  HINT = 'Choose another name, or quotetier.untrack() that one first.';
    END IF;
    PERFORM quotetier.check_isolation();
    PERFORM quotetier.check_source(track.source);

    -- the columns
    FOR col IN
        SELECT c.n, c.name, a.atttypid::regtype AS type, b.oid AS base_type
        FROM unnest(columns) WITH ORDINALITY c (name, n)
        LEFT JOIN pg_attribute a ON a.attrelid = track.source AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN LATERAL (
            WITH RECURSIVE down AS (
                SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = a.atttypid
                UNION ALL
                SELECT t.oid, t.typtype, t.typbasetype FROM down JOIN pg_type t ON t.oid = down.typbasetype WHERE down.typtype = 'd')
            SELECT oid FROM down WHERE typtype <> 'd') b ON true
        ORDER BY c.n
    LOOP
        IF col.type IS NULL THEN
            RAISE EXCEPTION 'column "%" of table % does not exist', col.name, track.source
                USING ERRCODE = 'undefined_column',
                      DETAIL = 'Customer, at, amount and by are names of columns of the table.',
                      HINT = 'Write them as they are stored: without quotes, in lower case unless they were created with quotes.';
        END IF;
        IF col.n IN (1, 4) AND quotetier.equality_operator(col.type) IS NULL
           OR col.n = 2 AND col.base_type NOT IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
           OR col.n = 3 AND col.base_type <> 'numeric'::regtype AND NOT EXISTS (
                SELECT FROM pg_cast JOIN pg_proc p ON p.oid = castfunc
                WHERE castsource = col.base_type AND casttarget = 'numeric'::regtype AND p.pronargs = 1) THEN
            RAISE EXCEPTION 'column "%" of type % cannot be %', col.name, col.type,
                            (ARRAY['a customer', 'an order''s time', 'an amount', 'what to keep the summary by'])[col.n]
                USING ERRCODE = 'datatype_mismatch',
                      DETAIL = (ARRAY['Its values cannot be grouped, ordered and put into arrays.',
                                      'It is none of date, timestamp and timestamptz.',
                                      'There is no function that makes it a numeric.',
                                      'Its values cannot be grouped, ordered and put into arrays.'])[col.n],
                      HINT = 'A generated column of another type may help.';
        END IF;
        base_types := base_types || col.base_type;
    END LOOP;

    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', track.source);
    SELECT nspname INTO STRICT schema FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = track.source;

    made := format('%I.%I', schema, base || '_orders');
    EXECUTE format('CREATE VIEW %s AS SELECT %I AS customer, %s AS at, %I::numeric AS amount%s FROM %s
                    WHERE %2$I IS DISTINCT FROM NULL AND %7$I IS NOT NULL AND %4$I IS NOT NULL',
                   made, track.customer,
                   format(CASE base_types[2] WHEN 'date'::regtype THEN '%I::timestamp'
                                             WHEN 'timestamptz'::regtype THEN '%I AT TIME ZONE ''UTC''' ELSE '%I::timestamp' END, track.at),
                   track.amount, CASE WHEN track.by IS NOT NULL THEN format(', %I AS value', track.by) END, track.source, track.at);
    orders := made;
    EXECUTE format('COMMENT ON VIEW %s IS %L', orders, format('tracker %s: the columns of %s that make an order', track.name, track.source));

    made := format('%I.%I', schema, base || '_queue');
    EXECUTE format('CREATE TABLE %s (customers %s NOT NULL, orders bigint[] NOT NULL, revenue numeric[] NOT NULL,
                    first_at timestamp[] NOT NULL, last_at timestamp[] NOT NULL, recheck smallint NOT NULL%s)
                    USING heap WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)',
                   made, quotetier.column_type(track.source, track.customer, '[]'),
                   ', by_values ' || quotetier.column_type(track.source, track.by, '[]') || ' NOT NULL');
    queue := made;
    -- never compressed; and deletes may be published
    EXECUTE (SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL, ', queue) ||
                    string_agg(format('ALTER %I SET STORAGE EXTERNAL', attname), ', ')
             FROM pg_attribute WHERE attrelid = queue AND attnum > 0 AND attlen = -1);
    EXECUTE format('COMMENT ON TABLE %s IS %L', queue, format('tracker %s: changes that are not folded into the summary yet', track.name));

    made := format('%I.%I', schema, base || '_changes');
    EXECUTE format('CREATE VIEW %s AS SELECT unnest(customers) AS customer%s, unnest(orders) AS orders, unnest(revenue) AS revenue,
                    unnest(first_at) AS first_at, unnest(last_at) AS last_at, recheck FROM %s',
                   made, CASE WHEN track.by IS NOT NULL THEN ', unnest(by_values) AS value' END, queue);
    changes := made;

    PERFORM quotetier.make_level(base, schema, track.source, orders, changes, ARRAY['customer'], ARRAY[track.customer]);
    t.name := track.name;
    t.source := track.source;
    t.parts := quotetier.parts_of(track.source);
    t.orders := orders;
    t.queue := queue;
    t.summary := format('%I.%I', schema, base || '_summary');
    t.pending := format('%I.%I', schema, base || '_pending');
    t.rfm := format('%I.%I', schema, base);
    t.objects := ARRAY[t.rfm, t.pending, changes, orders, t.summary, queue];
    t.flush_every := track.flush_every;
    EXECUTE format('COMMENT ON VIEW %s IS %L', t.rfm, format('tracker %s: each customer''s orders in %s, always current', track.name, track.source));
    PERFORM quotetier.fill_level(t.summary, orders, 'customer');
    EXECUTE format('ANALYZE %s', t.summary);

    IF track.by IS NOT NULL THEN
        PERFORM quotetier.make_level(base || '_by', schema, track.source, orders, changes, ARRAY['customer', 'value'], ARRAY[track.customer, track.by]);
        t.by_summary := format('%I.%I', schema, base || '_by_summary');
        t.by_pending := format('%I.%I', schema, base || '_by_pending');
        t.by_rfm := format('%I.%I', schema, base || '_by');
        t.objects := ARRAY[t.by_rfm, t.by_pending] || t.objects || t.by_summary;
        EXECUTE format('COMMENT ON VIEW %s IS %L', t.by_rfm, format('tracker %s: each customer''s orders in %s, by %s, always current', track.name, track.source, track.by));
        PERFORM quotetier.fill_level(t.by_summary, orders, 'customer, value');
        EXECUTE format('ANALYZE %s', t.by_summary);
    END IF;

    t := quotetier.make_reports(t);
    PERFORM quotetier.write_tracked('add', t);
    PERFORM quotetier.make_triggers(t.name, t.source, true);
    FOREACH part IN ARRAY t.parts LOOP
        PERFORM quotetier.make_triggers(t.name, part, part = t.source);
    END LOOP;
    RETURN t.rfm;
END
$$;
COMMENT ON FUNCTION quotetier.track(text, regclass, name, name, name, name, int) IS
    'keeps a summary of each customer''s orders current; returns the view to read it by';

-- ---------------------------------------------------------------------------
-- keeping
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

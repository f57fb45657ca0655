-- ---------------------------------------------------------------------------
-- live: track(), and its steps
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
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', track.source);

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

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
-- for reports are in 53-live-tiers.sql.
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

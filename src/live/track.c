/*
 * track.c
 *		The triggers of a tracked table, and what is called by name.
 *
 * track_change() is every trigger of a tracked table. A statement's changes are
 * read from its transition tables; where there are none, as in the replica role
 * and in logical replication, a trigger on each row speaks. Nothing here touches
 * a summary: changes are appended, so writers neither wait for each other nor
 * deadlock. Every so often a writer folds the queue. Not here: what is appended
 * (delta.c), and the folding itself, which is SQL (sql/install/52-live-keep.sql).
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "live/delta.h"
#include "live/tracker.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(track_change);
PG_FUNCTION_INFO_V1(track_rows);
PG_FUNCTION_INFO_V1(as_tracker);

static void
read_from_start(Tuplestorestate *store)
{
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
}

/* One of the transition tables, or both in step. */
static void
read_transition_tables(Delta *delta, TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	TupleTableSlot *before = NULL;
	TupleTableSlot *after = NULL;

	if (trigger->tg_oldtable != NULL)
	{
		before = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		read_from_start(trigger->tg_oldtable);
	}
	if (trigger->tg_newtable != NULL)
	{
		after = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
		read_from_start(trigger->tg_newtable);
	}
	for (;;)
	{
		bool		was = before && tuplestore_gettupleslot(trigger->tg_oldtable, true, false, before);
		bool		is = after && tuplestore_gettupleslot(trigger->tg_newtable, true, false, after);

		CHECK_FOR_INTERRUPTS();
		if (was && is)
			delta_change(delta, before, after);
		else if (was)
			delta_add(delta, before, -1);
		else if (is)
			delta_add(delta, after, 1);
		else
			break;
	}
	if (before)
		ExecDropSingleTupleTableSlot(before);
	if (after)
		ExecDropSingleTupleTableSlot(after);
}

/*
 * Every row of a table. TRUNCATE and the like act on what is there now, which
 * in REPEATABLE READ may be more than our snapshot has.
 */
static void
read_table(Delta *delta, Relation rel, int sign)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		delta_add(delta, slot, sign);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
}

static void
read_row(Delta *delta, TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		delta_change(delta, trigger->tg_trigslot, trigger->tg_newslot);
	else
		delta_add(delta, trigger->tg_trigslot, TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? 1 : -1);
}

/*
 * Whether this statement's writer is the one to fold the queue. Drawn by lot,
 * so that nothing has to be counted across sessions. Not where the snapshot is
 * older than the statement: what others folded since would be a conflict.
 */
static bool
drawn(Tracker *tracker, int64 entries)
{
	return tracker->flush_every > 0 && entries > 0 && !IsolationUsesXactSnapshot() &&
		pg_prng_double(&pg_global_prng_state) * tracker->flush_every < entries;
}

static int64
fold(const char *name, Oid queue, bool wait)
{
	int64		folded = run_as_tracker(name, queue, "fold_queue", wait);

	if (folded > 0)
	{
		Relation	rel = table_open(queue, RowExclusiveLock);

		recycle_queue(rel);
		table_close(rel, NoLock);
	}
	return folded;
}

/* The trigger, in all its forms; its argument is the tracker's name. */
Datum
track_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	bool		truncate;
	Relation	rel;
	Relation	queue;
	Tracker    *tracker;
	Delta	   *delta;
	int64		entries;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("quotetier.track_change() can only be a trigger"),
				 errhint("quotetier.track() makes the triggers that a tracked table needs.")));
	rel = trigger->tg_relation;
	if (trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" must have one argument", trigger->tg_trigger->tgname),
				 errdetail("It is the name of a tracker."),
				 errhint("quotetier.track() makes the triggers that a tracked table needs.")));

	/* to be loaded is all that is asked of us before a MERGE (merge.c) */
	truncate = TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event);
	if (TRIGGER_FIRED_BEFORE(trigger->tg_event) && !truncate)
		return PointerGetDatum(NULL);

	/*
	 * Each change is seen by one of the two kinds of triggers, by role, also
	 * after ALTER TABLE ... ENABLE TRIGGER ALL made them all of the same mode.
	 */
	if (!truncate && replica != (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) != 0))
		return PointerGetDatum(NULL);

	tracker = find_tracker(trigger->tg_trigger->tgargs[0], rel, false);
	queue = table_open(tracker->queue, RowExclusiveLock);
	delta = delta_begin(tracker, queue);
	if (truncate)
	{
		if (rel->rd_rel->relkind == RELKIND_RELATION)
			read_table(delta, rel, -1);
	}
	else if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		read_row(delta, trigger);
	else
		read_transition_tables(delta, trigger);
	entries = delta_end(delta);
	table_close(queue, NoLock);

	/* before a TRUNCATE its rows are still there to be looked up */
	if (!truncate && drawn(tracker, entries))
		(void) fold(NameStr(tracker->name), tracker->queue, false);
	return PointerGetDatum(NULL);
}

/*
 * track_rows(name text, part regclass, queue regclass, sign int) -> bigint
 *
 * Appends every row of a part as having come (1) or gone (-1): for partitions
 * that are attached and detached. Only for the owner of the queue.
 */
Datum
track_rows(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			part = PG_GETARG_OID(1);
	Oid			queue = PG_GETARG_OID(2);
	int			sign = PG_GETARG_INT32(3);
	Relation	rel;
	Relation	queue_rel;
	Delta	   *delta;
	int64		entries = 0;

	if (!pg_class_ownercheck(queue, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(queue));
	if (pg_class_aclcheck(part, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(part));
	rel = table_open(part, AccessShareLock);
	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		Tracker    *tracker = find_tracker(name, rel, true);

		if (tracker->queue != queue)
			elog(ERROR, "table %u is not the queue of tracker \"%s\"", queue, name);
		queue_rel = table_open(queue, RowExclusiveLock);
		delta = delta_begin(tracker, queue_rel);
		read_table(delta, rel, sign < 0 ? -1 : 1);
		entries = delta_end(delta);
		table_close(queue_rel, NoLock);
		tracker->valid = false; /* a trigger must not find a stranger's */
	}
	table_close(rel, NoLock);
	PG_RETURN_INT64(entries);
}

/*
 * as_tracker(name text, queue regclass, job text) -> bigint
 *
 * Does one of the named jobs with the rights of the tracker's owner, whoever
 * asks for it.
 */
Datum
as_tracker(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			queue = PG_GETARG_OID(1);
	char	   *job = text_to_cstring(PG_GETARG_TEXT_PP(2));

	if (strcmp(job, "fold") == 0)
		PG_RETURN_INT64(fold(name, queue, true));
	if (strcmp(job, "parts") == 0)
		PG_RETURN_INT64(run_as_tracker(name, queue, "follow_parts", true));
	if (strcmp(job, "rebuild") == 0)
		PG_RETURN_INT64(run_as_tracker(name, queue, "rebuild_as_owner", true));
	elog(ERROR, "unknown job \"%s\"", job);
	PG_RETURN_NULL();
}

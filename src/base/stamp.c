/*
 * stamp.c
 *		The writer's half of the protocol: a stamp for every configuring transaction.
 *
 * stamp_change() is the trigger on every configuration table. It leaves one
 * random stamp per transaction and kind of book. Under READ COMMITTED any slot
 * that nobody holds is overwritten, and slots past the first few are removed;
 * otherwise a row is added. So the table stays small, and writers never wait
 * for each other. Random, so that an aborted value is never issued again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/change.h"
#include "base/stamp.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(stamp_change);

#define MAX_KINDS 16

/* Slots of one kind that are left alone: about as many as concurrent writers. */
#define FEW_SLOTS "16"

/* The subtransaction that holds our stamp, for each kind of book. */
static struct
{
	NameData	book;
	SubTransactionId holder;
	int64		value[2];
}			stamped[MAX_KINDS];
static int	nstamped = 0;

static void
forget_stamps(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PARALLEL_ABORT:
		case XACT_EVENT_PREPARE:
			nstamped = 0;
			change_forget();
			break;
		default:
			break;
	}
}

static void
follow_subtransaction(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	SubTransactionId holder = event == SUBXACT_EVENT_COMMIT_SUB ? parent : InvalidSubTransactionId;
	int			i;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (i = 0; i < nstamped; i++)
		if (stamped[i].holder == mine)
			stamped[i].holder = holder;
	change_follow(mine, holder);
}

void
stamp_init(void)
{
	RegisterXactCallback(forget_stamps, NULL);
	RegisterSubXactCallback(follow_subtransaction, NULL);
}

bool
stamp_triggers_enabled(Relation rel)
{
	TriggerDesc *desc = rel->trigdesc;
	bool		row = false;
	bool		truncate = false;
	int			i;

	for (i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		Trigger    *trigger = &desc->triggers[i];

		if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS)
			continue;
		if (strcmp(trigger->tgname, "stamp_row") == 0)
			row = TRIGGER_FOR_BEFORE(trigger->tgtype) && TRIGGER_FOR_ROW(trigger->tgtype) &&
				TRIGGER_FOR_INSERT(trigger->tgtype) && TRIGGER_FOR_UPDATE(trigger->tgtype) &&
				TRIGGER_FOR_DELETE(trigger->tgtype);
		else if (strcmp(trigger->tgname, "stamp_truncate") == 0)
			truncate = TRIGGER_FOR_BEFORE(trigger->tgtype) && TRIGGER_FOR_TRUNCATE(trigger->tgtype);
	}
	return row && truncate;
}

bool
stamp_rows_final(Relation rel)
{
	TriggerDesc *desc = rel->trigdesc;
	int			i;

	for (i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		Trigger    *trigger = &desc->triggers[i];

		if (TRIGGER_FOR_BEFORE(trigger->tgtype) && TRIGGER_FOR_ROW(trigger->tgtype) &&
			trigger->tgenabled != TRIGGER_DISABLED && strcmp(trigger->tgname, "stamp_row") > 0)
			return false;
	}
	return true;
}

void
stamp_triggers_changed(Oid relid, TransactionId changed[2], TransactionId written[2],
					   TriggerRow rows[2])
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	changed[0] = changed[1] = written[0] = written[1] = InvalidTransactionId;
	rows[0].oid = rows[1].oid = InvalidOid;
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
		const char *name = NameStr(trigger->tgname);
		int			which = strcmp(name, "stamp_row") == 0 ? 0 :
			strcmp(name, "stamp_truncate") == 0 ? 1 : 2;

		if (which == 2)
			continue;
		changed[which] = HeapTupleHeaderGetXmin(tuple->t_data);
		written[which] = HeapTupleHeaderGetRawXmin(tuple->t_data);
		rows[which].oid = trigger->oid;
		rows[which].at = tuple->t_self;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

bool
stamp_triggers_seen(const TriggerRow *rows, int nrows, Snapshot snapshot)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	Buffer		buffer = InvalidBuffer;
	bool		seen = true;
	int			i;

	for (i = 0; i < nrows && seen; i++)
	{
		BlockNumber block = ItemPointerGetBlockNumberNoCheck(&rows[i].at);
		OffsetNumber place = ItemPointerGetOffsetNumberNoCheck(&rows[i].at);
		HeapTupleData tuple;
		Page		page;

		if (!OidIsValid(rows[i].oid))
			continue;

		/* nearly always all are on one page */
		if (!BufferIsValid(buffer) || BufferGetBlockNumber(buffer) != block)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			buffer = ReadBuffer(rel, block);
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
		}
		page = BufferGetPage(buffer);
		seen = place <= PageGetMaxOffsetNumber(page) && ItemIdIsNormal(PageGetItemId(page, place));
		if (seen)
		{
			tuple.t_data = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, place));
			tuple.t_len = ItemIdGetLength(PageGetItemId(page, place));
			tuple.t_tableOid = TriggerRelationId;
			tuple.t_self = rows[i].at;
			seen = HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer) &&
				((Form_pg_trigger) GETSTRUCT(&tuple))->oid == rows[i].oid;
		}
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	table_close(rel, AccessShareLock);
	return seen;
}

bool
stamp_pending(void)
{
	int			i;

	for (i = 0; i < nstamped; i++)
		if (stamped[i].holder != InvalidSubTransactionId)
			return true;
	return false;
}

/* Writes a new stamp, as the owner of the configuration tables. */
static void
write_stamp(Relation rel, const char *book, int64 value[2])
{
	Oid			argtypes[] = {NAMEOID, INT8OID, INT8OID};
	NameData	name;
	Datum		args[3];
	uint64		written = 0;
	Oid			save_user;
	int			save_security;

	if (!pg_strong_random(value, 2 * sizeof(int64)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random stamp")));
	namestrcpy(&name, book);
	args[0] = NameGetDatum(&name);
	args[1] = Int64GetDatum(value[0]);
	args[2] = Int64GetDatum(value[1]);

	GetUserIdAndSecContext(&save_user, &save_security);
	SetUserIdAndSecContext(rel->rd_rel->relowner, save_security |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!IsolationUsesXactSnapshot())
	{
		if (SPI_execute_with_args("UPDATE quotetier.stamp SET high = $2, low = $3 WHERE ctid OPERATOR(pg_catalog.=) "
								  "(SELECT ctid FROM quotetier.stamp WHERE book OPERATOR(pg_catalog.=) $1 "
								  "LIMIT 1 FOR UPDATE SKIP LOCKED)",
								  3, argtypes, args, NULL, false, 0) != SPI_OK_UPDATE)
			elog(ERROR, "could not update a stamp");
		written = SPI_processed;

		/*
		 * Whoever sees our stamp sees that the writers of these were done: it
		 * stands for them too.
		 */
		if (written > 0 &&
			SPI_execute_with_args("DELETE FROM quotetier.stamp WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY("
								  "SELECT ctid FROM quotetier.stamp WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY("
								  "SELECT ctid FROM quotetier.stamp WHERE book OPERATOR(pg_catalog.=) $1"
								  " AND (high, low) OPERATOR(pg_catalog.<>) ($2, $3) OFFSET " FEW_SLOTS
								  ")) FOR UPDATE SKIP LOCKED))",
								  3, argtypes, args, NULL, false, 0) != SPI_OK_DELETE)
			elog(ERROR, "could not remove stamps");
	}
	if (written == 0 &&
		SPI_execute_with_args("INSERT INTO quotetier.stamp (book, high, low) VALUES ($1, $2, $3)",
							  3, argtypes, args, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert a stamp");
	change_trim(book, value[0], value[1]);
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_security);
}

/* The stamp of a kind, written unless our transaction holds one. */
static const int64 *
hold_stamp(Relation rel, const char *book)
{
	static int64 unremembered[2];
	int			i;

	for (i = 0; i < nstamped; i++)
		if (strcmp(NameStr(stamped[i].book), book) == 0)
			break;
	if (i == MAX_KINDS)
	{
		/* too many to remember: stamp every row */
		write_stamp(rel, book, unremembered);
		return unremembered;
	}
	if (i == nstamped)
	{
		namestrcpy(&stamped[i].book, book);
		stamped[i].holder = InvalidSubTransactionId;
		nstamped++;
	}
	if (stamped[i].holder == InvalidSubTransactionId)
	{
		write_stamp(rel, book, stamped[i].value);
		stamped[i].holder = GetCurrentSubTransactionId();
	}
	return stamped[i].value;
}

/*
 * stamp_change(book, ...)
 *		Trigger: BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW and BEFORE
 *		TRUNCATE, ENABLE ALWAYS; the arguments name the kinds of book that are
 *		compiled from the table. Where the first can be patched, further ones say
 *		what a row changes: item=COLUMN, key=COLUMN, or all. Without any, every
 *		patch reads the table anew.
 */
Datum
stamp_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const int64 *stamp = NULL;
	int			arg;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		trigdata->tg_trigger->tgnargs == 0 ||
		change_is_what(trigdata->tg_trigger->tgargs[0]))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("stamp_change() must be a BEFORE trigger that names a kind of book")));

	book_written();
	for (arg = trigdata->tg_trigger->tgnargs - 1; arg >= 0; arg--)
		if (!change_is_what(trigdata->tg_trigger->tgargs[arg]))
			stamp = hold_stamp(trigdata->tg_relation, trigdata->tg_trigger->tgargs[arg]);
	change_log(trigdata, trigdata->tg_trigger->tgargs[0], stamp[0], stamp[1]);

	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return PointerGetDatum(trigdata->tg_newtuple);
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		return PointerGetDatum(trigdata->tg_trigtuple);
	return PointerGetDatum(NULL);
}

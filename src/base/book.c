/*
 * book.c
 *		Which compiled book belongs to the active snapshot.
 *
 * Every transaction that writes configuration leaves a random 128-bit stamp in
 * quotetier.stamp (the trigger in stamp.c). The XOR of the stamps that a
 * snapshot sees names the set of writers it sees, and so the content of the
 * configuration tables: the fingerprint. Books are kept by key and
 * fingerprint, so a book is never used under a snapshot that sees anything
 * else, whatever the isolation level, on a standby, in a parallel worker.
 *
 * Three speeds:
 *	 same snapshot as at the last call	compare its signature: nanoseconds;
 *	 another snapshot					lock and scan the stamps: a microsecond;
 *	 another fingerprint				map an image, patch, or compile, once (shelf.c).
 *
 * Once our own transaction has left a stamp, what it sees may still be rolled
 * back: a book is made for this snapshot alone and never kept. The same is
 * done, with a warning, while a stamp trigger is missing or disabled; and under
 * a snapshot older than the last change of a table's definition, because such a
 * change can empty a table for old snapshots, or hide edits from the triggers,
 * without leaving a stamp.
 *
 * Callbacks only set flags: they may run anywhere, also in an aborted
 * transaction. Not here: what a book contains.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/book.h"
#include "base/compat.h"
#include "base/shelf.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* A snapshot, by all that can make two of them see different rows. */
typedef struct Signature
{
	uint64		epoch;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	curcid;
	uint32		xcnt;
	int32		subxcnt;
	bool		suboverflowed;
	bool		recovery;
	uint64		invalidations;
	TransactionId *xids;		/* xip, then subxip */
	uint32		xids_room;
} Signature;

static MemoryContext BookContext = NULL;
static Signature seen;
static uint64 snapshot_serial = 0;
static uint64 epoch = 1;		/* moves when we write, and when our transaction or a part of it ends */
static uint64 invalidation_count = 1;

/* Relations whose invalidation matters: all of every shelf, few, so a list. */
static Oid	watched[256];
static int	nwatched = 0;

static void
on_relation_invalidated(Datum arg, Oid relid)
{
	int			i;

	if (relid == InvalidOid)
	{
		invalidation_count++;
		return;
	}
	for (i = 0; i < nwatched; i++)
		if (watched[i] == relid)
		{
			invalidation_count++;
			return;
		}
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	epoch++;
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		epoch++;
}

void
book_init(void)
{
	BookContext = AllocSetContextCreate(TopMemoryContext, "quotetier books",
										ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(on_relation_invalidated, (Datum) 0);
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
	shelf_init(BookContext);
	stamp_init();
}

void
book_written(void)
{
	epoch++;
}

/* ----- the snapshot's signature ----- */

static pg_attribute_always_inline bool
signature_matches(Snapshot snapshot)
{
	uint32		nsub = snapshot->subxcnt > 0 ? snapshot->subxcnt : 0;

	/* one branch: all of it is the same nearly always */
	if ((seen.xmin ^ snapshot->xmin) | (seen.xmax ^ snapshot->xmax) |
		(seen.curcid ^ snapshot->curcid) | (seen.xcnt ^ snapshot->xcnt) |
		(seen.subxcnt ^ snapshot->subxcnt) |
		(seen.suboverflowed ^ snapshot->suboverflowed) |
		(seen.recovery ^ snapshot->takenDuringRecovery) |
		(seen.epoch ^ epoch) | (seen.invalidations ^ invalidation_count))
		return false;
	return (seen.xcnt == 0 ||
		 memcmp(seen.xids, snapshot->xip, seen.xcnt * sizeof(TransactionId)) == 0) &&
		(nsub == 0 ||
		 memcmp(seen.xids + seen.xcnt, snapshot->subxip, nsub * sizeof(TransactionId)) == 0);
}

static pg_noinline void
signature_take(Snapshot snapshot)
{
	uint32		nsub = snapshot->subxcnt > 0 ? snapshot->subxcnt : 0;
	uint32		needed = snapshot->xcnt + nsub;

	seen.epoch = 0;				/* none, should memory run out */
	if (needed > seen.xids_room)
	{
		uint32		room = Max(needed, 64);

		if (seen.xids != NULL)
			pfree(seen.xids);
		seen.xids = NULL;
		seen.xids_room = 0;
		seen.xids = MemoryContextAlloc(BookContext, room * sizeof(TransactionId));
		seen.xids_room = room;
	}
	seen.xmin = snapshot->xmin;
	seen.xmax = snapshot->xmax;
	seen.curcid = snapshot->curcid;
	seen.xcnt = snapshot->xcnt;
	seen.subxcnt = snapshot->subxcnt;
	seen.suboverflowed = snapshot->suboverflowed;
	seen.recovery = snapshot->takenDuringRecovery;
	seen.invalidations = invalidation_count;
	if (seen.xcnt > 0)
		memcpy(seen.xids, snapshot->xip, seen.xcnt * sizeof(TransactionId));
	if (nsub > 0)
		memcpy(seen.xids + seen.xcnt, snapshot->subxip, nsub * sizeof(TransactionId));
	seen.epoch = epoch;
	snapshot_serial++;
}

/* ----- the tables ----- */

static void
watch(Oid relid)
{
	int			i;

	for (i = 0; i < nwatched; i++)
		if (watched[i] == relid)
			return;
	/* oids of dropped incarnations are of no more use than the oldest */
	if (nwatched == lengthof(watched))
	{
		memmove(watched, watched + 1, (lengthof(watched) - 1) * sizeof(Oid));
		nwatched--;
	}
	watched[nwatched++] = relid;
}

static Oid
config_relid(const char *name)
{
	Oid			namespace = get_namespace_oid("quotetier", true);
	Oid			relid = OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"quotetier.%s\" does not exist", name),
				 errhint("The extension quotetier is not installed completely; create or update it.")));
	return relid;
}

static TableDefinition
read_definition(Oid relid, TriggerRow triggers[2])
{
	TableDefinition definition;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	memset(&definition, 0, sizeof(definition));
	definition.changed[0] = HeapTupleHeaderGetXmin(tuple->t_data);
	definition.written[0] = HeapTupleHeaderGetRawXmin(tuple->t_data);
	ReleaseSysCache(tuple);
	stamp_triggers_changed(relid, definition.changed + 1, definition.written + 1, triggers);
	return definition;
}

/* Does this snapshot see the definitions as they are now, and for good? */
static bool
definitions_settled(BookShelf *shelf, Snapshot snapshot)
{
	int			i;
	int			j;

	for (i = 0; i < shelf->ntables; i++)
		for (j = 0; j < lengthof(shelf->definitions[i].changed); j++)
		{
			TransactionId xid = shelf->definitions[i].changed[j];

			if (XidInMVCCSnapshot(xid, snapshot) || TransactionIdIsCurrentTransactionId(xid))
				return false;
		}
	return true;
}

/*
 * Looks the tables up anew after anything happened to one of them. Only what
 * would make a kept book wrong drops the books: another table under the name,
 * another definition (as by ALTER TABLE and TRUNCATE), or stamps that cannot be
 * trusted.
 */
static void
know_tables(BookKind *kind)
{
	BookShelf  *shelf = kind->shelf;
	bool		changed = !shelf->tables_known;
	bool		trusted = true;
	uint64		seen_at_start = invalidation_count;
	Oid			stamp_relid = config_relid("stamp");
	int			n;

	shelf->tables_known = false;
	if (shelf->stamp_relid != stamp_relid)
		changed = true;
	shelf->stamp_relid = stamp_relid;
	watch(stamp_relid);
	watch(TriggerRelationId);	/* its rows may get other places */
	LockRelationOid(stamp_relid, AccessShareLock);
	shelf->change_relid = config_relid("change");
	shelf->rows_final = true;

	for (n = 0; kind->tables[n] != NULL; n++)
	{
		Oid			relid = config_relid(kind->tables[n]);
		TableDefinition definition;
		Relation	rel;

		Assert(n < MAX_TABLES);
		watch(relid);
		rel = table_open(relid, AccessShareLock);
		if (rel->rd_rel->relrowsecurity)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("row-level security on \"quotetier.%s\" is not supported",
							kind->tables[n]),
					 errdetail("What is compiled from this table is the same for every user."),
					 errhint("ALTER TABLE quotetier.%s DISABLE ROW LEVEL SECURITY, and grant EXECUTE on the functions instead.",
							 kind->tables[n])));
		definition = read_definition(relid, shelf->triggers + 2 * n);
		if (shelf->relids[n] != relid ||
			memcmp(&shelf->definitions[n], &definition, sizeof(definition)) != 0)
			changed = true;
		shelf->relids[n] = relid;
		shelf->definitions[n] = definition;
		shelf->owner = rel->rd_rel->relowner;
		if (!stamp_triggers_enabled(rel))
		{
			trusted = false;
			ereport(WARNING,
					(errcode(ERRCODE_WARNING),
					 errmsg("changes of \"quotetier.%s\" are not stamped", kind->tables[n]),
					 errdetail("Its stamp triggers are missing or not enabled ALWAYS, so its content is compiled anew for every snapshot."),
					 errhint("ALTER TABLE quotetier.%s ENABLE ALWAYS TRIGGER stamp_row; ALTER TABLE quotetier.%s ENABLE ALWAYS TRIGGER stamp_truncate;",
							 kind->tables[n], kind->tables[n])));
		}
		shelf->rows_final &= stamp_rows_final(rel);
		table_close(rel, AccessShareLock);
	}
	shelf->ntables = n;
	if (shelf->stamps_trusted != trusted)
		changed = true;
	shelf->stamps_trusted = trusted;
	if (changed)
		shelf_clear(shelf);
	shelf->invalidation_seen = seen_at_start;
	shelf->tables_known = true;
}

/* ----- the fingerprint ----- */

/* XOR of the stamps of this kind that the snapshot sees. */
static void
read_fingerprint(BookKind *kind, Snapshot snapshot)
{
	BookShelf  *shelf = kind->shelf;
	Relation	rel = table_open(shelf->stamp_relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	bool		certain;

	shelf->fingerprint.high = 0;
	shelf->fingerprint.low = 0;
	certain = shelf->stamps_trusted && definitions_settled(shelf, snapshot) &&
		stamp_triggers_seen(shelf->triggers, 2 * shelf->ntables, snapshot);
	shelf->log_trusted = certain && shelf->rows_final;
	shelf->transient = !certain || stamp_pending();
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		xmin;

		if (strcmp(NameStr(*DatumGetName(slot_getattr(slot, 1, &isnull))), kind->name) != 0)
			continue;
		shelf->fingerprint.high ^= DatumGetInt64(slot_getattr(slot, 2, &isnull));
		shelf->fingerprint.low ^= DatumGetInt64(slot_getattr(slot, 3, &isnull));
		xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);
		if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)))
			shelf->transient = true;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

static pg_noinline void
see_snapshot(BookKind *kind, Snapshot snapshot)
{
	BookShelf  *shelf;
	int			i;

	if (kind->shelf == NULL)
		kind->shelf = MemoryContextAllocZero(BookContext, sizeof(BookShelf));
	shelf = kind->shelf;
	shelf_delete_waiting();
	/* its rows stay where they are while we look at them */
	LockRelationOid(TriggerRelationId, AccessShareLock);
	if (shelf->tables_known)
	{
		/* as a SELECT would; this also takes in pending invalidations */
		LockRelationOid(shelf->stamp_relid, AccessShareLock);
		for (i = 0; i < shelf->ntables; i++)
			LockRelationOid(shelf->relids[i], AccessShareLock);
	}
	if (!shelf->tables_known || shelf->invalidation_seen != invalidation_count)
		know_tables(kind);
	read_fingerprint(kind, snapshot);
	shelf_tidy(shelf);

	/*
	 * A row already announced by the trigger may be stored only after this
	 * book is built, by a command that has begun before: use the command
	 * number up, so that no later command has a snapshot just like this one.
	 */
	if (stamp_pending() && !IsInParallelMode())
		(void) GetCurrentCommandId(true);
	shelf->snapshot_serial = snapshot_serial;

	/* an invalidation taken in on the way has been dealt with */
	seen.invalidations = shelf->invalidation_seen;
}

/* ----- books ----- */

/* Looks what the active snapshot sees, unless it is the one of the last call. */
static pg_attribute_always_inline void
look(BookKind *kind)
{
	Snapshot	snapshot = GetActiveSnapshot();

	if (unlikely(!signature_matches(snapshot)))
		signature_take(snapshot);
	if (unlikely(kind->shelf == NULL || kind->shelf->snapshot_serial != snapshot_serial))
		see_snapshot(kind, snapshot);
}

const void *
book_get_about(BookKind *kind, const char *key, int keylen, const void *thing, uint64 *serial)
{
	Book	   *book;

	look(kind);
	book = kind->shelf->books;
	if (unlikely(book == NULL || !is_present(kind->shelf, book, key, keylen)))
	{
		book = shelf_find(kind, key, keylen, thing);
		if (book == NULL)
			return NULL;
	}
	book->stats->hits++;
	if (serial != NULL)
		*serial = book->serial;
	return book->content;
}

List *
book_stats(BookKind *kind)
{
	look(kind);
	return shelf_stats(kind->shelf);
}

void
fingerprint_text(Fingerprint fingerprint, char text[FINGERPRINT_TEXT])
{
	const uint64 parts[] = {pg_hton64(fingerprint.high), pg_hton64(fingerprint.low)};

	/* for every quote: printf takes ten times as long */
	text[hex_encode((const char *) parts, sizeof(parts), text)] = '\0';
}

Fingerprint
book_fingerprint(BookKind *kind)
{
	return kind->shelf->fingerprint;
}

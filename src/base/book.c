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
 *	 another fingerprint				compile, once.
 *
 * Once our own transaction has left a stamp, what it sees may still be rolled
 * back: a book is built for this snapshot alone and never kept. The same is
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
#include "base/stamp.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define MAX_TABLES		16

/* Fingerprints whose books are kept, beside the present one. */
#define KEPT_FINGERPRINTS 4

typedef struct Book
{
	struct Book *next;
	MemoryContext context;
	char	   *key;
	int			keylen;
	Fingerprint fingerprint;
	bool		transient;		/* for one snapshot of one transaction only */
	uint64		serial;
	void	   *content;
} Book;

/* Who last changed what a table is: its pg_class row and its stamp triggers. */
typedef struct TableDefinition
{
	TransactionId changed[3];
} TableDefinition;

/* All that is known of one kind of book. */
typedef struct BookShelf
{
	/* what the snapshot of snapshot_serial sees */
	uint64		snapshot_serial;
	Fingerprint fingerprint;
	bool		transient;

	/* the tables, looked up again after invalidation_count has moved */
	uint64		invalidation_seen;
	bool		tables_known;
	int			ntables;
	Oid			stamp_relid;
	Oid			relids[MAX_TABLES];
	TableDefinition definitions[MAX_TABLES];
	Oid			owner;
	bool		stamps_trusted;

	Book	   *books;			/* most recently used first */
	Fingerprint recent[KEPT_FINGERPRINTS];
	int			nrecent;
} BookShelf;

/* A snapshot, by all that can make two of them see different rows. */
typedef struct Signature
{
	bool		valid;
	LocalTransactionId lxid;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	curcid;
	uint32		xcnt;
	int32		subxcnt;
	bool		suboverflowed;
	bool		recovery;
	Oid			user;
	uint64		own_writes;
	uint64		invalidations;
	TransactionId *xids;		/* xip, then subxip */
	uint32		xids_room;
} Signature;

static MemoryContext BookContext = NULL;
static Signature seen;
static uint64 snapshot_serial = 0;
static uint64 book_serial = 0;
static uint64 own_writes = 0;
static uint64 invalidation_count = 1;

/* While books are held, those that would be deleted wait here. */
static int	holds = 0;
static Book *waiting = NULL;

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
	seen.valid = false;
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId mine,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		own_writes++;
}

void
book_init(void)
{
	BookContext = AllocSetContextCreate(TopMemoryContext, "quotetier books",
										ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(on_relation_invalidated, (Datum) 0);
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
	stamp_init();
}

void
book_written(void)
{
	own_writes++;
}

/* ----- the snapshot's signature ----- */

static bool
signature_matches(Snapshot snapshot)
{
	uint32		nsub = snapshot->subxcnt > 0 ? snapshot->subxcnt : 0;

	return seen.valid &&
		seen.lxid == MyLocalTransactionId() &&
		seen.xmin == snapshot->xmin &&
		seen.xmax == snapshot->xmax &&
		seen.curcid == snapshot->curcid &&
		seen.xcnt == snapshot->xcnt &&
		seen.subxcnt == snapshot->subxcnt &&
		seen.suboverflowed == snapshot->suboverflowed &&
		seen.recovery == snapshot->takenDuringRecovery &&
		seen.user == GetUserId() &&
		seen.own_writes == own_writes &&
		seen.invalidations == invalidation_count &&
		(seen.xcnt == 0 ||
		 memcmp(seen.xids, snapshot->xip, seen.xcnt * sizeof(TransactionId)) == 0) &&
		(nsub == 0 ||
		 memcmp(seen.xids + seen.xcnt, snapshot->subxip, nsub * sizeof(TransactionId)) == 0);
}

static void
signature_take(Snapshot snapshot)
{
	uint32		nsub = snapshot->subxcnt > 0 ? snapshot->subxcnt : 0;
	uint32		needed = snapshot->xcnt + nsub;

	seen.valid = false;
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
	seen.lxid = MyLocalTransactionId();
	seen.xmin = snapshot->xmin;
	seen.xmax = snapshot->xmax;
	seen.curcid = snapshot->curcid;
	seen.xcnt = snapshot->xcnt;
	seen.subxcnt = snapshot->subxcnt;
	seen.suboverflowed = snapshot->suboverflowed;
	seen.recovery = snapshot->takenDuringRecovery;
	seen.user = GetUserId();
	seen.own_writes = own_writes;
	seen.invalidations = invalidation_count;
	if (seen.xcnt > 0)
		memcpy(seen.xids, snapshot->xip, seen.xcnt * sizeof(TransactionId));
	if (nsub > 0)
		memcpy(seen.xids + seen.xcnt, snapshot->subxip, nsub * sizeof(TransactionId));
	seen.valid = true;
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

static void
delete_book(Book *book)
{
	if (holds == 0)
		MemoryContextDelete(book->context);
	else
	{
		book->next = waiting;
		waiting = book;
	}
}

static void
delete_waiting(void)
{
	while (waiting != NULL && holds == 0)
	{
		Book	   *book = waiting;

		waiting = book->next;
		MemoryContextDelete(book->context);
	}
}

void
book_hold(void)
{
	holds++;
}

void
book_release(void)
{
	holds--;
}

static void
forget_books(BookShelf *shelf)
{
	while (shelf->books != NULL)
	{
		Book	   *book = shelf->books;

		shelf->books = book->next;
		delete_book(book);
	}
	shelf->nrecent = 0;
}

static TableDefinition
read_definition(Oid relid)
{
	TableDefinition definition;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	definition.changed[0] = HeapTupleHeaderGetXmin(tuple->t_data);
	ReleaseSysCache(tuple);
	stamp_triggers_changed(relid, &definition.changed[1], &definition.changed[2]);
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
	LockRelationOid(stamp_relid, AccessShareLock);

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
		definition = read_definition(relid);
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
		table_close(rel, AccessShareLock);
	}
	shelf->ntables = n;
	if (shelf->stamps_trusted != trusted)
		changed = true;
	shelf->stamps_trusted = trusted;
	if (changed)
		forget_books(shelf);
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

	shelf->fingerprint.high = 0;
	shelf->fingerprint.low = 0;
	shelf->transient = !shelf->stamps_trusted || stamp_pending() ||
		!definitions_settled(shelf, snapshot);
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

static bool
same_fingerprint(Fingerprint a, Fingerprint b)
{
	return a.high == b.high && a.low == b.low;
}

/* Drops the books that no snapshot is likely to ask for again. */
static void
tidy(BookShelf *shelf)
{
	Book	  **link = &shelf->books;
	int			i;

	if (!shelf->transient)
	{
		for (i = 0; i < shelf->nrecent; i++)
			if (same_fingerprint(shelf->recent[i], shelf->fingerprint))
				break;
		if (i == shelf->nrecent && shelf->nrecent < KEPT_FINGERPRINTS)
			shelf->nrecent++;
		memmove(shelf->recent + 1, shelf->recent,
				Min(i, shelf->nrecent - 1) * sizeof(Fingerprint));
		shelf->recent[0] = shelf->fingerprint;
	}

	while (*link != NULL)
	{
		Book	   *book = *link;
		bool		keep = false;

		for (i = 0; i < shelf->nrecent && !book->transient; i++)
			keep |= same_fingerprint(shelf->recent[i], book->fingerprint);
		if (keep)
			link = &book->next;
		else
		{
			*link = book->next;
			delete_book(book);
		}
	}
}

static void
see_snapshot(BookKind *kind, Snapshot snapshot)
{
	BookShelf  *shelf = kind->shelf;
	int			i;

	delete_waiting();
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
	tidy(shelf);

	/*
	 * A row already announced by the trigger may be stored only after this
	 * book is built, by a command that has begun before: use the command
	 * number up, so that no later command has a snapshot just like this one.
	 */
	if (stamp_pending() && !IsInParallelMode())
		(void) GetCurrentCommandId(true);
	shelf->snapshot_serial = snapshot_serial;
}

/* ----- books ----- */

/* NULL when there is nothing of that key; that is not kept. */
static Book *
compile(BookKind *kind, const char *key, int keylen)
{
	BookShelf  *shelf = kind->shelf;
	MemoryContext context;
	MemoryContext caller;
	Oid			save_user;
	int			save_security;
	int			save_guc;
	Book	   *book;

	/* until it is complete it belongs to the caller, so an error frees it */
	context = AllocSetContextCreate(CurrentMemoryContext, "quotetier book",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	book = palloc0(sizeof(Book));
	book->context = context;
	book->key = pnstrdup(key, keylen);
	book->keylen = keylen;
	book->fingerprint = shelf->fingerprint;
	book->transient = shelf->transient;
	book->serial = ++book_serial;

	GetUserIdAndSecContext(&save_user, &save_security);
	SetUserIdAndSecContext(shelf->owner, save_security |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	save_guc = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(context);
	book->content = kind->build(book->key);
	SPI_finish();
	AtEOXact_GUC(false, save_guc);
	SetUserIdAndSecContext(save_user, save_security);

	MemoryContextSwitchTo(caller);
	if (book->content == NULL)
	{
		MemoryContextDelete(context);
		return NULL;
	}
	MemoryContextSetParent(context, BookContext);
	book->next = shelf->books;
	shelf->books = book;
	return book;
}

static Book *
find_book(BookKind *kind, const char *key, int keylen)
{
	BookShelf  *shelf = kind->shelf;
	Book	  **link;

	for (link = &shelf->books; *link != NULL; link = &(*link)->next)
	{
		Book	   *book = *link;

		if (book->keylen == keylen && memcmp(book->key, key, keylen) == 0 &&
			same_fingerprint(book->fingerprint, shelf->fingerprint) &&
			book->transient == shelf->transient)
		{
			*link = book->next;
			book->next = shelf->books;
			shelf->books = book;
			return book;
		}
	}
	return compile(kind, key, keylen);
}

void *
book_get(BookKind *kind, const char *key, int keylen, uint64 *serial)
{
	Snapshot	snapshot = GetActiveSnapshot();
	Book	   *book;

	if (unlikely(kind->shelf == NULL))
		kind->shelf = MemoryContextAllocZero(BookContext, sizeof(BookShelf));

	if (unlikely(!signature_matches(snapshot)))
		signature_take(snapshot);
	if (unlikely(kind->shelf->snapshot_serial != snapshot_serial))
	{
		see_snapshot(kind, snapshot);

		/* an invalidation taken in on the way has been dealt with */
		seen.invalidations = kind->shelf->invalidation_seen;
	}

	book = kind->shelf->books;
	if (unlikely(book == NULL || book->keylen != keylen ||
				 memcmp(book->key, key, keylen) != 0 ||
				 !same_fingerprint(book->fingerprint, kind->shelf->fingerprint) ||
				 book->transient != kind->shelf->transient))
	{
		book = find_book(kind, key, keylen);
		if (book == NULL)
			return NULL;
	}
	if (serial != NULL)
		*serial = book->serial;
	return book->content;
}

Fingerprint
book_fingerprint(BookKind *kind)
{
	return kind->shelf->fingerprint;
}

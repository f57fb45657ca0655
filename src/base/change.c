/*
 * change.c
 *		The log of changed items: writing, reading, comparing.
 *
 * Rows are only ever added, until there are too many: then a writer takes away
 * those that nobody holds and leaves one that says "everything" in their place.
 * A snapshot that misses a row taken away sees that one, so it never takes two
 * different contents for the same.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/change.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/qunique.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A transaction that changes more items than this logs their keys instead, then everything. */
#define ITEMS_LOGGED 1000
#define KEYS_LOGGED 100

/* How many rows the log may hold before a writer empties it. */
#define MAX_ROWS 8192

/* columns of quotetier.change */
typedef enum ChangeColumn
{
	CHANGE_BOOK,
	CHANGE_HIGH,
	CHANGE_LOW,
	CHANGE_KEY,
	CHANGE_ITEM,
	CHANGE_COLUMNS
} ChangeColumn;

/*
 * What our transaction has logged. A row that covers others is remembered with
 * the subtransaction that holds it, and forgotten when that is rolled back.
 */
static int	nitems = 0;
static int	nkeys = 0;
static char covered_key[NAMEDATALEN * 4];
static SubTransactionId key_holder = InvalidSubTransactionId;
static SubTransactionId everything_holder = InvalidSubTransactionId;

void
change_forget(void)
{
	nitems = nkeys = 0;
	key_holder = everything_holder = InvalidSubTransactionId;
}

void
change_follow(SubTransactionId ended, SubTransactionId holder)
{
	if (key_holder == ended)
		key_holder = holder;
	if (everything_holder == ended)
		everything_holder = holder;
}

/* ----- writing ----- */

/* One change as it is to be logged, and where to. */
typedef struct Entry
{
	Relation	log;
	Datum		values[CHANGE_COLUMNS];
	bool		nulls[CHANGE_COLUMNS];
} Entry;

static void
open_log(Entry *entry, const char *kind, int64 high, int64 low)
{
	memset(entry, 0, sizeof(Entry));
	entry->log = table_open(get_relname_relid("change", get_namespace_oid("quotetier", false)),
							RowExclusiveLock);
	entry->values[CHANGE_BOOK] = CStringGetTextDatum(kind);
	entry->values[CHANGE_HIGH] = Int64GetDatum(high);
	entry->values[CHANGE_LOW] = Int64GetDatum(low);
}

static void
add_row(Entry *entry)
{
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(entry->log), entry->values, entry->nulls);

	simple_heap_insert(entry->log, tuple);
	heap_freetuple(tuple);
}

static void
add_everything(Entry *entry)
{
	entry->nulls[CHANGE_KEY] = entry->nulls[CHANGE_ITEM] = true;
	add_row(entry);
	everything_holder = GetCurrentSubTransactionId();
}

static void
add_key(Entry *entry, Datum key)
{
	char	   *name = TextDatumGetCString(key);

	if (key_holder != InvalidSubTransactionId && strcmp(name, covered_key) == 0)
		return;
	if (nkeys == KEYS_LOGGED || strlen(name) >= sizeof(covered_key))
	{
		add_everything(entry);
		return;
	}
	nkeys++;
	entry->values[CHANGE_KEY] = key;
	entry->nulls[CHANGE_KEY] = false;
	entry->nulls[CHANGE_ITEM] = true;
	add_row(entry);
	strlcpy(covered_key, name, sizeof(covered_key));
	key_holder = GetCurrentSubTransactionId();
}

/* Of its key, if the row says that, too: other keys need not know of it. */
static void
add_item(Entry *entry, Datum item, Datum key, bool no_key)
{
	nitems++;
	entry->values[CHANGE_ITEM] = item;
	entry->nulls[CHANGE_ITEM] = false;
	entry->values[CHANGE_KEY] = key;
	entry->nulls[CHANGE_KEY] = no_key;
	add_row(entry);
}

void
change_trim(const char *kind, int64 high, int64 low)
{
	Oid			types[] = {TEXTOID};
	Entry		entry;

	open_log(&entry, kind, high, low);
	/* few pages are few rows; under a snapshot that is kept, newer rows could not be locked */
	if (!IsolationUsesXactSnapshot() &&
		RelationGetNumberOfBlocks(entry.log) >= MAX_ROWS * 64 / BLCKSZ)
	{
		if (SPI_execute_with_args("SELECT FROM quotetier.change WHERE book OPERATOR(pg_catalog.=) $1",
								  1, types, &entry.values[CHANGE_BOOK], NULL, true, MAX_ROWS) != SPI_OK_SELECT)
			elog(ERROR, "could not count changes");
		if (SPI_processed == MAX_ROWS)
		{
			if (SPI_execute_with_args("DELETE FROM quotetier.change WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY("
									  "SELECT ctid FROM quotetier.change WHERE book OPERATOR(pg_catalog.=) $1"
									  " FOR UPDATE SKIP LOCKED))",
									  1, types, &entry.values[CHANGE_BOOK], NULL, false, 0) != SPI_OK_DELETE)
				elog(ERROR, "could not remove changes");
			add_everything(&entry);
		}
	}
	table_close(entry.log, NoLock);
}

/* Which columns say what a row is of, as its trigger's arguments tell. */
typedef struct Columns
{
	bool		logged;
	int			key;			/* 0: none */
	int			item;
} Columns;

bool
change_is_what(const char *arg)
{
	return strcmp(arg, "all") == 0 || strchr(arg, '=') != NULL;
}

static Columns
logged_columns(TriggerData *trigdata)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	Columns		columns = {false, 0, 0};
	int			i;

	for (i = 0; i < trigdata->tg_trigger->tgnargs; i++)
	{
		const char *arg = trigdata->tg_trigger->tgargs[i];

		if (strncmp(arg, "key=", 4) == 0)
			columns.key = SPI_fnumber(desc, arg + 4);
		else if (strncmp(arg, "item=", 5) == 0)
			columns.item = SPI_fnumber(desc, arg + 5);
		columns.logged |= change_is_what(arg);
	}
	return columns;
}

/* What a row is of. */
typedef struct RowIdentity
{
	Datum		key;
	Datum		item;
	bool		no_key;
	bool		no_item;
} RowIdentity;

static RowIdentity
identify(TupleDesc desc, Columns columns, HeapTuple tuple)
{
	RowIdentity row = {0, 0, true, true};

	if (columns.key > 0)
		row.key = heap_getattr(tuple, columns.key, desc, &row.no_key);
	if (columns.item > 0)
		row.item = heap_getattr(tuple, columns.item, desc, &row.no_item);
	return row;
}

static bool
same_row(RowIdentity a, RowIdentity b)
{
	return a.no_key == b.no_key && a.no_item == b.no_item && a.item == b.item &&
		(a.no_key || DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, a.key, b.key)));
}

/* Logs the item of a row, the key where items are too many, or everything. */
static void
log_row(Entry *entry, RowIdentity row)
{
	if (!row.no_item && nitems < ITEMS_LOGGED)
		add_item(entry, row.item, row.key, row.no_key);
	else if (!row.no_key)
		add_key(entry, row.key);
	else
		add_everything(entry);
}

void
change_log(TriggerData *trigdata, const char *kind, int64 high, int64 low)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	Columns		columns = logged_columns(trigdata);
	Entry		entry;

	if (!columns.logged || everything_holder != InvalidSubTransactionId)
		return;
	open_log(&entry, kind, high, low);
	if (!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		add_everything(&entry);
	else
	{
		RowIdentity row = identify(desc, columns, trigdata->tg_trigtuple);

		log_row(&entry, row);
		if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) &&
			everything_holder == InvalidSubTransactionId)
		{
			RowIdentity now = identify(desc, columns, trigdata->tg_newtuple);

			if (!same_row(row, now))
				log_row(&entry, now);
		}
	}
	table_close(entry.log, NoLock);
}

/* ----- reading ----- */

static int
compare_changes(const void *left, const void *right)
{
	const Change *a = left;
	const Change *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item ? 1 : 0;
}

static bool
is_text(Datum datum, const char *text, int len)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(datum);

	return VARSIZE_ANY_EXHDR(value) == len && memcmp(VARDATA_ANY(value), text, len) == 0;
}

void
change_read(Oid relid, Snapshot snapshot, const char *kind, const char *key, int keylen,
			ChangeSet *set)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	uint32		room = 64;

	set->n = 0;
	set->changes = palloc(room * sizeof(Change));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Change	   *change;

		slot_getallattrs(slot);
		if (!is_text(slot->tts_values[CHANGE_BOOK], kind, strlen(kind)) ||
			(!slot->tts_isnull[CHANGE_KEY] &&
			 !is_text(slot->tts_values[CHANGE_KEY], key, keylen)))
			continue;
		if (set->n == room)
		{
			room *= 2;
			set->changes = repalloc(set->changes, room * sizeof(Change));
		}
		change = &set->changes[set->n++];
		change->high = DatumGetInt64(slot->tts_values[CHANGE_HIGH]);
		change->low = DatumGetInt64(slot->tts_values[CHANGE_LOW]);
		change->item = slot->tts_isnull[CHANGE_ITEM] ? EVERY_ITEM :
			DatumGetInt64(slot->tts_values[CHANGE_ITEM]);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	qsort(set->changes, set->n, sizeof(Change), compare_changes);
	set->n = qunique(set->changes, set->n, sizeof(Change), compare_changes);
}

/* ----- comparing ----- */

static int
compare_items(const void *left, const void *right)
{
	int64		a = *(const int64 *) left;
	int64		b = *(const int64 *) right;

	return a < b ? -1 : a > b ? 1 : 0;
}

int
change_difference(const ChangeSet *a, const ChangeSet *b, int64 **items)
{
	int64	   *found = palloc((a->n + b->n + 1) * sizeof(int64));
	int			n = 0;
	uint32		i = 0;
	uint32		k = 0;

	*items = found;
	while (i < a->n || k < b->n)
	{
		int			order = i == a->n ? 1 : k == b->n ? -1 :
			compare_changes(&a->changes[i], &b->changes[k]);
		int64		item = order <= 0 ? a->changes[i].item : b->changes[k].item;

		i += order <= 0;
		k += order >= 0;
		if (order == 0)
			continue;
		if (item == EVERY_ITEM)
			return -1;
		found[n++] = item;
	}
	qsort(found, n, sizeof(int64), compare_items);
	return qunique(found, n, sizeof(int64), compare_items);
}

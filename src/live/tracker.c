/*
 * tracker.c
 *		Finding the tracker a trigger belongs to, and acting as its owner.
 *
 * A tracker is a row of quotetier.tracked. Which columns make an order is said
 * by its view of orders alone: the view follows renames, and survives a dump.
 * What was found is kept for the session until something happens to one of the
 * tables. Not here: what is written down (delta.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "live/tracker.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(write_tracked);
PG_FUNCTION_INFO_V1(equality_operator);

typedef struct TrackerKey
{
	Oid			rel;
	NameData	name;
} TrackerKey;

typedef struct TrackerEntry
{
	TrackerKey	key;
	Tracker    *tracker;		/* NULL while there is none */
} TrackerEntry;

static HTAB *trackers = NULL;

static void
forget_tracker(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	TrackerEntry *entry;

	if (trackers == NULL)
		return;
	hash_seq_init(&scan, trackers);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		Tracker    *t = entry->tracker;

		if (t != NULL && (relid == InvalidOid || relid == t->rel || relid == t->queue ||
						  relid == t->orders || relid == t->source))
			t->valid = false;
	}
}

void
tracker_init(void)
{
	CacheRegisterRelcacheCallback(forget_tracker, (Datum) 0);
}

/*
 * Reads the tracker's row as it is now, not as our snapshot has it: like the
 * trigger, it may be younger than a REPEATABLE READ transaction.
 */
static bool
read_registry(Tracker *t)
{
	Oid			relid = get_relname_relid("tracked", get_namespace_oid("quotetier", false));
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	Oid			pkey = RelationGetPrimaryKeyIndex(rel);
	TupleDesc	desc = RelationGetDescr(rel);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, SPI_fnumber(desc, "name"), BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(NameStr(t->name)));
	key.sk_collation = DEFAULT_COLLATION_OID;
	scan = systable_beginscan(rel, pkey, OidIsValid(pkey), snapshot, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		bool		isnull;

		t->queue = DatumGetObjectId(heap_getattr(tuple, SPI_fnumber(desc, "queue"), desc, &isnull));
		t->orders = DatumGetObjectId(heap_getattr(tuple, SPI_fnumber(desc, "orders"), desc, &isnull));
		t->flush_every = DatumGetInt32(heap_getattr(tuple, SPI_fnumber(desc, "flush_every"), desc, &isnull));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return found;
}

/* The source's column that the nth column of the view of orders is made of. */
static Var *
order_column(Query *query, int n)
{
	TargetEntry *target = list_nth(query->targetList, n);
	List	   *vars = pull_var_clause((Node *) target->expr, 0);

	if (list_length(vars) != 1)
		elog(ERROR, "column %d of a tracker's view is not made of one column", n + 1);
	return linitial(vars);
}

/* The attribute of rel, a part of the source, that is the source's attnum. */
static AttrNumber
column_of_part(Tracker *t, AttrNumber attnum, Relation rel)
{
	AttrNumber	n;

	if (t->source == RelationGetRelid(rel))
		return attnum;
	n = get_attnum(RelationGetRelid(rel), get_attname(t->source, attnum, false));
	if (n == InvalidAttrNumber)
		elog(ERROR, "a part of table %u lacks a column", t->source);
	return n;
}

static void
broken_tracker(const char *name, Relation rel, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("tracker \"%s\" cannot follow changes of table \"%s\"",
					name, RelationGetRelationName(rel)),
			 errdetail("%s", detail),
			 errhint("Call quotetier.untrack() and quotetier.track() anew, or drop the triggers named \"%s%s_...\".", TRIGGER_PREFIX, name)));
}

static void
key_type(Tracker *t, KeyType *key, Var *var, Relation rel, TupleDesc queue, AttrNumber array)
{
	key->attnum = column_of_part(t, var->varattno, rel);
	key->type = TupleDescAttr(RelationGetDescr(rel), key->attnum - 1)->atttypid;
	if (get_element_type(TupleDescAttr(queue, array - 1)->atttypid) != key->type)
		broken_tracker(NameStr(t->name), rel, "The types of the table's columns are not those of the queue.");
	get_typlenbyvalalign(key->type, &key->len, &key->byval, &key->align);
}

/* Are the queue's other columns what is written into them? A queue can be anybody's table. */
static bool
queue_fits(TupleDesc queue, int natts)
{
	static const Oid types[] = {
		[QUEUE_ORDERS] = INT8ARRAYOID,
		[QUEUE_REVENUE] = NUMERICARRAYOID,
		[QUEUE_FIRST_AT] = TIMESTAMPARRAYOID,
		[QUEUE_LAST_AT] = TIMESTAMPARRAYOID,
		[QUEUE_RECHECK] = INT2OID,
	};
	int			i;

	if (queue->natts != natts)
		return false;
	for (i = QUEUE_ORDERS; i <= QUEUE_RECHECK; i++)
		if (TupleDescAttr(queue, i - 1)->atttypid != types[i])
			return false;
	return true;
}

static void
find_amount_cast(Tracker *t, Relation rel)
{
	Oid			type = getBaseType(TupleDescAttr(RelationGetDescr(rel), t->amount - 1)->atttypid);
	Oid			function;

	t->amount_is_numeric = type == NUMERICOID;
	if (t->amount_is_numeric)
		return;
	if (find_coercion_pathway(NUMERICOID, type, COERCION_EXPLICIT, &function) != COERCION_PATH_FUNC ||
		get_func_nargs(function) != 1)
		broken_tracker(NameStr(t->name), rel, "There is no function that makes the amount a numeric.");
	fmgr_info_cxt(function, &t->amount_cast, TopMemoryContext);
}

static void
build_tracker(Tracker *t, Relation rel, bool stranger)
{
	Relation	orders;
	Relation	queue;
	Query	   *query;
	Oid			root = t->rel;

	if (!read_registry(t))
		broken_tracker(NameStr(t->name), rel, "There is no tracker of that name.");
	if (rel->rd_rel->relispartition)
		root = llast_oid(get_partition_ancestors(t->rel));
	orders = try_relation_open(t->orders, AccessShareLock);
	queue = try_relation_open(t->queue, AccessShareLock);
	if (orders == NULL || queue == NULL || orders->rd_rel->relkind != RELKIND_VIEW)
		broken_tracker(NameStr(t->name), rel, "Its view of orders or its queue is missing.");
	query = get_view_query(orders);
	if (list_length(query->targetList) != RelationGetNumberOfAttributes(orders) ||
		list_length(query->rtable) < 1)
		elog(ERROR, "a tracker's view is not what track() made");

	/*
	 * Whoever may create a trigger may name any tracker in it: only the table
	 * that was registered, by someone who owns it, is followed.
	 */
	t->source = ((RangeTblEntry *) llast(query->rtable))->relid;
	if (t->source != root && !stranger)
		broken_tracker(NameStr(t->name), rel, "The tracker follows another table.");
	if (queue->rd_rel->relkind != RELKIND_RELATION ||
		!queue_fits(RelationGetDescr(queue),
					RelationGetNumberOfAttributes(orders) > 3 ? QUEUE_VALUES : QUEUE_RECHECK) ||
		queue->rd_rel->relhasindex)
		broken_tracker(NameStr(t->name), rel, "Its queue must be a table without indexes, and with the columns that track() gives it.");

	key_type(t, &t->customer, order_column(query, 0), rel, RelationGetDescr(queue), QUEUE_CUSTOMERS);
	t->value.attnum = 0;
	if (RelationGetNumberOfAttributes(orders) > 3)
		key_type(t, &t->value, order_column(query, 3), rel, RelationGetDescr(queue), QUEUE_VALUES);
	t->at = column_of_part(t, order_column(query, 1)->varattno, rel);
	t->at_type = getBaseType(TupleDescAttr(RelationGetDescr(rel), t->at - 1)->atttypid);
	t->amount = column_of_part(t, order_column(query, 2)->varattno, rel);
	find_amount_cast(t, rel);

	relation_close(queue, AccessShareLock);
	relation_close(orders, AccessShareLock);
}

Tracker *
find_tracker(const char *name, Relation rel, bool stranger)
{
	TrackerKey	key;
	TrackerEntry *entry;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.rel = RelationGetRelid(rel);
	namestrcpy(&key.name, name);
	if (trackers == NULL)
	{
		HASHCTL		ctl;

		ctl.keysize = sizeof(TrackerKey);
		ctl.entrysize = sizeof(TrackerEntry);
		trackers = hash_create("quotetier trackers", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(trackers, &key, HASH_ENTER, &found);
	if (!found)
		entry->tracker = NULL;
	if (entry->tracker == NULL)
		entry->tracker = MemoryContextAllocZero(TopMemoryContext, sizeof(Tracker));
	if (!entry->tracker->valid)
	{
		Tracker    *t = entry->tracker;

		t->name = key.name;
		t->rel = key.rel;
		t->queue = t->orders = t->source = InvalidOid;
		t->valid = true;		/* an invalidation while it is built unsets it */
		PG_TRY();
		{
			build_tracker(t, rel, stranger);
		}
		PG_CATCH();
		{
			t->valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return entry->tracker;
}

/* What a change of identity has to put back; an error puts it back by itself. */
typedef struct Identity
{
	Oid			user;
	int			context;
	int			nest;
} Identity;

/* Acts as the owner of a table from here on, with a search path of no one's. */
static Identity
become_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Identity	before;
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the queue of a tracker is missing"),
				 errdetail("There is no table with OID %u.", relid),
				 errhint("Call quotetier.untrack() and quotetier.track() anew.")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	GetUserIdAndSecContext(&before.user, &before.context);
	SetUserIdAndSecContext(owner, before.context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	before.nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return before;
}

static void
become(Identity before)
{
	AtEOXact_GUC(false, before.nest);
	SetUserIdAndSecContext(before.user, before.context);
}

int64
run_as_tracker(const char *name, Oid queue, const char *function, bool wait)
{
	Oid			types[2] = {TEXTOID, BOOLOID};
	Datum		values[2];
	Identity	before = become_owner(queue);
	Datum		datum;
	bool		isnull;
	int64		result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	values[0] = CStringGetTextDatum(name);
	values[1] = BoolGetDatum(wait);
	if (SPI_execute_with_args(psprintf("SELECT quotetier.%s($1, $2)", function), 2, types, values,
							  NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "%s did not run", function);
	datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	result = isnull ? -1 : DatumGetInt64(datum);
	SPI_finish();
	become(before);
	return result;
}

/*
 * write_tracked(job text, t quotetier.tracked) -> void
 *
 * The only way to write quotetier.tracked without a privilege on it: checked
 * with the caller's rights, written with its owner's.
 */
Datum
write_tracked(PG_FUNCTION_ARGS)
{
	char	   *job = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			registry = get_relname_relid("tracked", get_namespace_oid("quotetier", false));
	Oid			types[2] = {TEXTOID, get_rel_type_id(registry)};
	Datum		values[2];
	const char *write;
	Identity	before;

	if (strcmp(job, "add") == 0)
		write = "INSERT INTO quotetier.tracked SELECT ($2).* WHERE $1 <> ''";
	else if (strcmp(job, "change") == 0)
		write = "UPDATE quotetier.tracked SET parts = ($2).parts, objects = ($2).objects WHERE name = ($2).name AND $1 <> ''";
	else if (strcmp(job, "remove") == 0)
		write = "DELETE FROM quotetier.tracked WHERE name = ($2).name AND $1 <> ''";
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown job \"%s\"", job),
				 errhint("Call quotetier.track() or quotetier.untrack() instead.")));

	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT quotetier.check_tracked($1, $2)", 2, types, values,
							  NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "check_tracked did not run");
	before = become_owner(registry);
	if (SPI_execute_with_args(write, 2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "a tracker could not be written");
	become(before);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * equality_operator(type regtype) -> text
 *
 * OPERATOR(schema.=) as GROUP BY and unique indexes of the type take it, to be
 * written into statements that must not depend on a search path. NULL for a type
 * that cannot be grouped, ordered, or put into an array.
 */
Datum
equality_operator(PG_FUNCTION_ARGS)
{
	Oid			type = PG_GETARG_OID(0);
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR);
	HeapTuple	tuple;
	Form_pg_operator op;
	char	   *text;

	if (!OidIsValid(entry->eq_opr) || !OidIsValid(entry->lt_opr) ||
		!OidIsValid(get_array_type(type)) || OidIsValid(get_base_element_type(type)))
		PG_RETURN_NULL();
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(entry->eq_opr));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", entry->eq_opr);
	op = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(op->oprnamespace)),
					NameStr(op->oprname));
	ReleaseSysCache(tuple);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

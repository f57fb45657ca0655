/*
 * policy_rows.c
 *		Compiling a policy: the rows it is read from.
 *
 * What is asked of small tables, and of large ones by key, takes less than to
 * plan a query for it. Not here: what the rows become (policy_columns.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "price/policy_compile.h"
#include "storage/bufmgr.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

/* Up to this many blocks a table is small. */
#define FEW_BLOCKS 512

static Relation
open_table(const char *name)
{
	return table_open(get_relname_relid(name, get_namespace_oid("quotetier", false)), AccessShareLock);
}

static MemoryContext
row_context(void)
{
	return AllocSetContextCreate(CurrentMemoryContext, "quotetier row", ALLOCSET_SMALL_SIZES);
}

static void
read_slot(Compiler *c, TupleTableSlot *slot, RowReader read, MemoryContext context)
{
	Row			row;

	row.slot = slot;
	row.context = context;
	read(c, &row);
	MemoryContextReset(context);
}

/* ----- of a table ----- */

bool
is_small(const char *table)
{
	Relation	rel = open_table(table);
	bool		small = RelationGetNumberOfBlocks(rel) <= FEW_BLOCKS;

	table_close(rel, NoLock);
	return small;
}

/* By these columns, texts by their bytes. */
static Tuplesortstate *
sort_begin(TupleDesc desc, const int *order, int n)
{
	AttrNumber *columns = palloc(n * sizeof(AttrNumber));
	Oid		   *operators = palloc(n * sizeof(Oid));
	Oid		   *collations = palloc(n * sizeof(Oid));
	bool	   *nulls_first = palloc(n * sizeof(bool));
	int			i;

	for (i = 0; i < n; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, order[i] - 1);

		columns[i] = order[i];
		operators[i] = lookup_type_cache(attr->atttypid, TYPECACHE_LT_OPR)->lt_opr;
		collations[i] = OidIsValid(attr->attcollation) ? C_COLLATION_OID : InvalidOid;
		nulls_first[i] = true;
	}
	return tuplesort_begin_heap(desc, n, columns, operators, collations, nulls_first,
								work_mem, NULL, TUPLESORT_NONE);
}

/* Does the column name the policy that is compiled? */
static bool
is_policy(const Compiler *c, TupleTableSlot *slot, int number, MemoryContext context)
{
	Row			row;

	row.slot = slot;
	row.context = context;
	return text_is(&row, number, c->name, c->name_len);
}

void
read_table(Compiler *c, const char *table, int of, const int *order, int norder, RowReader read)
{
	Relation	rel = open_table(table);
	TupleDesc	desc = RelationGetDescr(rel);
	MemoryContext context = row_context();
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TupleTableSlot *sorted = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	Tuplesortstate *sort = NULL;
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (of != 0 && !is_policy(c, slot, of, context))
			continue;
		if (norder == 0)
		{
			read_slot(c, slot, read, context);
			continue;
		}
		/* its operators are looked up, so not for nothing */
		if (sort == NULL)
			sort = sort_begin(desc, order, norder);
		tuplesort_puttupleslot(sort, slot);
	}
	if (sort != NULL)
	{
		tuplesort_performsort(sort);
		while (tuplesort_gettupleslot(sort, true, false, sorted, NULL))
			read_slot(c, sorted, read, context);
		tuplesort_end(sort);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(sorted);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	table_close(rel, NoLock);
}

/* ----- by key ----- */

/*
 * The index of the primary key, if it begins with the first column, a bigint, and
 * may be used under our snapshot; as the planner decides that.
 */
static Relation
open_key(Relation rel)
{
	Oid			oid = RelationGetPrimaryKeyIndex(rel);
	Relation	index;

	if (!OidIsValid(oid))
		return NULL;
	index = index_open(oid, AccessShareLock);
	if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indkey.values[0] == 1 &&
		index->rd_opcintype[0] == INT8OID &&
		(!index->rd_index->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin)))
		return index;
	index_close(index, NoLock);
	return NULL;
}

bool
read_by_key(Compiler *c, const char *table, const int64 *keys, int n, RowReader read)
{
	Relation	rel = open_table(table);
	Relation	index = open_key(rel);
	MemoryContext context;
	TupleTableSlot *slot;
	IndexScanDesc scan;
	int			i;

	if (index == NULL)
	{
		table_close(rel, NoLock);
		return false;
	}
	context = row_context();
	slot = table_slot_create(rel, NULL);
	scan = index_begin(rel, index, GetActiveSnapshot(), 1);
	for (i = 0; i < n; i++)
	{
		ScanKeyData key;

		CHECK_FOR_INTERRUPTS();
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(keys[i]));
		index_rescan(scan, &key, 1, NULL, 0);
		while (index_getnext_slot(scan, ForwardScanDirection, slot))
			read_slot(c, slot, read, context);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	return true;
}

/* ----- of a query ----- */

/* Takes rows as the executor makes them: a copy of each costs more than compiling it. */
typedef struct RowReceiver
{
	DestReceiver pub;
	Compiler   *compiler;
	RowReader	read;
	MemoryContext context;		/* the compiler's */
	MemoryContext of_row;
} RowReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);

	read_slot(receiver->compiler, slot, receiver->read, receiver->of_row);
	MemoryContextSwitchTo(caller);
	return true;
}

static void
ignore_startup(DestReceiver *self, int operation, TupleDesc type)
{
}

static void
ignore_end(DestReceiver *self)
{
}

void
read_rows(Compiler *c, const char *sql, const int64 *rules, int nrules, RowReader read)
{
	RowReceiver receiver = {
		.pub = {receive_row, ignore_startup, ignore_end, ignore_end, DestNone},
		.compiler = c,
		.read = read,
		.context = CurrentMemoryContext
	};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.pub};
	Oid			types[2] = {TEXTOID, INT8ARRAYOID};
	Datum		values[2] = {
		CStringGetTextDatum(c->name),
		PointerGetDatum(construct_array((Datum *) rules, nrules, INT8OID, sizeof(int64),
										FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))
	};
	SPIPlanPtr	plan = SPI_prepare(sql, lengthof(types), types);
	ParamListInfo params = makeParamList(lengthof(types));
	int			i;

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	for (i = 0; i < lengthof(types); i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	options.params = params;
	receiver.of_row = AllocSetContextCreate(receiver.context, "quotetier row", ALLOCSET_SMALL_SIZES);
	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	MemoryContextSwitchTo(receiver.context);
	MemoryContextDelete(receiver.of_row);
	SPI_freeplan(plan);
}

/*
 * delta.c
 *		Gathering a statement's changes by customer, and appending them.
 *
 * A queue's row holds many entries, as arrays: a statement of twenty customers
 * costs one tuple to write and one to delete. Entries that took an order away
 * are in rows of their own (recheck): what is then the first and the last order
 * has to be looked up. Customers are told apart byte by byte here; whoever folds
 * the queue groups them as their type does. Not here: who calls (track.c).
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/dec.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "live/delta.h"
#include "miscadmin.h"
#include "rfm/revenue.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* A queue's row stays below the size from which it would be toasted. */
#define ROW_ENTRIES 64
#define ROW_BYTES	1700
#define ENTRY_BYTES 44			/* all but its keys, about */

typedef struct Order
{
	Datum		customer;
	Datum		value;
	bool		value_null;
	Timestamp	at;
	Datum		amount;			/* numeric */
} Order;

typedef struct Entry
{
	uint32		hash;
	bool		value_null;
	bool		timed;			/* first_at and last_at are set */
	bool		recheck;
	Datum		customer;
	Datum		value;
	int64		orders;
	Timestamp	first_at;		/* of the orders that came */
	Timestamp	last_at;
	bool		has_in;
	bool		has_out;
	Revenue		in;
	Revenue		out;
} Entry;

struct Delta
{
	Tracker    *tracker;
	Relation	queue;
	MemoryContext cxt;			/* holds the groups */
	Entry	   *groups;
	int			ngroups;
	int			room;
	int		   *slots;			/* open addressing; -1: free */
	int			mask;
	int64		entries;		/* appended so far */
};

static void append_groups(Delta *d);

static void
start_groups(Delta *d)
{
	d->ngroups = 0;
	d->room = 16;
	d->groups = MemoryContextAlloc(d->cxt, d->room * sizeof(Entry));
	d->mask = 63;
	d->slots = MemoryContextAlloc(d->cxt, (d->mask + 1) * sizeof(int));
	memset(d->slots, -1, (d->mask + 1) * sizeof(int));
}

Delta *
delta_begin(Tracker *tracker, Relation queue)
{
	Delta	   *d = palloc(sizeof(Delta));

	d->tracker = tracker;
	d->queue = queue;
	d->entries = 0;
	d->cxt = AllocSetContextCreate(CurrentMemoryContext, "quotetier changes by customer",
								   ALLOCSET_DEFAULT_SIZES);
	start_groups(d);
	return d;
}

/* ----- orders ----- */

static Timestamp
order_time(Tracker *t, Datum at)
{
	Timestamp	result;

	if (t->at_type == DATEOID)
	{
		DateADT		day = DatumGetDateADT(at);

		if (DATE_IS_NOBEGIN(day))
			result = DT_NOBEGIN;
		else if (DATE_IS_NOEND(day))
			result = DT_NOEND;
		else
			result = DatumGetTimestamp(DirectFunctionCall1(date_timestamp, at));
	}
	else
		result = DatumGetTimestamp(at);
	if (TIMESTAMP_NOT_FINITE(result))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an order's time must be finite"),
				 errdetail("The orders of this table are tracked by \"%s\".", NameStr(t->name)),
				 errhint("Leave the time NULL: such an order is not counted.")));
	return result;
}

/* Reads an order; false for one without customer, time or amount. */
static bool
read_order(Tracker *t, TupleTableSlot *slot, Order *order)
{
	bool		isnull;
	Datum		at;

	order->customer = slot_getattr(slot, t->customer.attnum, &isnull);
	if (isnull)
		return false;
	at = slot_getattr(slot, t->at, &isnull);
	if (isnull)
		return false;
	order->amount = slot_getattr(slot, t->amount, &isnull);
	if (isnull)
		return false;
	order->at = order_time(t, at);
	if (!t->amount_is_numeric)
		order->amount = FunctionCall1(&t->amount_cast, order->amount);
	order->value = (Datum) 0;
	order->value_null = true;
	if (t->value.attnum != 0)
		order->value = slot_getattr(slot, t->value.attnum, &order->value_null);
	return true;
}

static bool
same_key(KeyType *key, Datum a, Datum b)
{
	if (key->byval)
		return a == b;
	return datum_image_eq(a, b, false, key->len);
}

static uint32
key_hash(KeyType *key, Datum value)
{
	if (key->byval)
		return murmurhash32((uint32) value ^ (uint32) ((uint64) value >> 32));
	return datum_image_hash(value, false, key->len);
}

/* A key of our own, never toasted: it is going into an array. */
static Datum
own_key(KeyType *key, Datum value)
{
	if (key->len == -1)
		value = PointerGetDatum(PG_DETOAST_DATUM(value));
	return datumCopy(value, key->byval, key->len);
}

static bool
same_keys(Tracker *t, const Order *order, Datum customer, Datum value, bool value_null)
{
	return same_key(&t->customer, order->customer, customer) &&
		order->value_null == value_null &&
		(value_null || same_key(&t->value, order->value, value));
}

/* ----- groups ----- */

static void
grow(Delta *d)
{
	int			i;

	d->room *= 2;
	d->groups = repalloc_huge(d->groups, d->room * sizeof(Entry));
	d->mask = d->mask * 2 + 1;
	d->slots = repalloc_huge(d->slots, (d->mask + 1) * sizeof(int));
	memset(d->slots, -1, (d->mask + 1) * sizeof(int));
	for (i = 0; i < d->ngroups; i++)
	{
		int			at = d->groups[i].hash & d->mask;

		while (d->slots[at] >= 0)
			at = (at + 1) & d->mask;
		d->slots[at] = i;
	}
}

static Entry *
group_of(Delta *d, const Order *order)
{
	Tracker    *t = d->tracker;
	uint32		hash = key_hash(&t->customer, order->customer);
	MemoryContext old;
	Entry	   *g;
	int			at;

	if (!order->value_null)
		hash = hash_combine(hash, key_hash(&t->value, order->value));
	for (at = hash & d->mask; d->slots[at] >= 0; at = (at + 1) & d->mask)
	{
		g = &d->groups[d->slots[at]];
		if (g->hash == hash && same_keys(t, order, g->customer, g->value, g->value_null))
			return g;
	}

	/* full: what there is goes to the queue, and we begin anew */
	if (d->ngroups == d->room && MemoryContextMemAllocated(d->cxt, false) > work_mem * (Size) 1024 / 2)
	{
		append_groups(d);
		return group_of(d, order);
	}
	if (d->ngroups == d->room)
	{
		grow(d);
		for (at = hash & d->mask; d->slots[at] >= 0; at = (at + 1) & d->mask)
			 /* a free place */ ;
	}
	d->slots[at] = d->ngroups;
	g = &d->groups[d->ngroups++];
	memset(g, 0, offsetof(Entry, in));
	g->hash = hash;
	old = MemoryContextSwitchTo(d->cxt);
	g->customer = own_key(&t->customer, order->customer);
	g->value_null = order->value_null;
	if (!g->value_null)
		g->value = own_key(&t->value, order->value);
	MemoryContextSwitchTo(old);
	return g;
}

static void
add_amount(Revenue *sum, bool *has, Datum amount)
{
	int64		units;

	if (!*has)
	{
		memset(sum, 0, sizeof(Revenue));
		revenue_from_numeric(sum, amount);
		*has = true;
	}
	else if (!dec_units(amount, sum->scale, &units) || !revenue_add_units(sum, units))
		revenue_add_numeric(sum, amount);
}

static void
add_order(Delta *d, const Order *order, int sign)
{
	Entry	   *g = group_of(d, order);

	g->orders += sign;
	if (sign < 0)
	{
		g->recheck = true;
		add_amount(&g->out, &g->has_out, order->amount);
		return;
	}
	add_amount(&g->in, &g->has_in, order->amount);
	if (!g->timed || order->at < g->first_at)
		g->first_at = order->at;
	if (!g->timed || order->at > g->last_at)
		g->last_at = order->at;
	g->timed = true;
}

void
delta_add(Delta *d, TupleTableSlot *slot, int sign)
{
	Order		order;

	if (read_order(d->tracker, slot, &order))
		add_order(d, &order, sign);
}

void
delta_change(Delta *d, TupleTableSlot *before_slot, TupleTableSlot *after_slot)
{
	Order		before;
	Order		after;
	bool		was = read_order(d->tracker, before_slot, &before);
	bool		is = read_order(d->tracker, after_slot, &after);

	if (was && is && before.at == after.at &&
		same_keys(d->tracker, &before, after.customer, after.value, after.value_null))
	{
		Entry	   *g;

		/* nothing that a summary holds, as of most updates; or only money */
		if (datum_image_eq(before.amount, after.amount, false, -1))
			return;
		g = group_of(d, &after);
		add_amount(&g->in, &g->has_in, after.amount);
		add_amount(&g->out, &g->has_out, before.amount);
		return;
	}
	if (was)
		add_order(d, &before, -1);
	if (is)
		add_order(d, &after, 1);
}

/* ----- the queue ----- */

typedef struct Row
{
	int			n;
	Size		bytes;
	Datum		customers[ROW_ENTRIES];
	Datum		values[ROW_ENTRIES];
	bool		no_value[ROW_ENTRIES];
	Datum		orders[ROW_ENTRIES];
	Datum		revenue[ROW_ENTRIES];
	Datum		first_at[ROW_ENTRIES];
	Datum		last_at[ROW_ENTRIES];
	bool		no_time[ROW_ENTRIES];
} Row;

static Datum
array_of(Datum *values, bool *nulls, int n, Oid type, int len, bool byval, char align)
{
	int			lower = 1;

	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, len, byval, align));
}

static void
append_row(Delta *d, TupleTableSlot *slot, Row *row, bool recheck)
{
	Tracker    *t = d->tracker;
	Datum	   *v = slot->tts_values - 1;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, sizeof(bool) * slot->tts_tupleDescriptor->natts);
	v[QUEUE_CUSTOMERS] = array_of(row->customers, NULL, row->n, t->customer.type,
								  t->customer.len, t->customer.byval, t->customer.align);
	v[QUEUE_ORDERS] = array_of(row->orders, NULL, row->n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	v[QUEUE_REVENUE] = array_of(row->revenue, NULL, row->n, NUMERICOID, -1, false, TYPALIGN_INT);
	v[QUEUE_FIRST_AT] = array_of(row->first_at, row->no_time, row->n, TIMESTAMPOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	v[QUEUE_LAST_AT] = array_of(row->last_at, row->no_time, row->n, TIMESTAMPOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	v[QUEUE_RECHECK] = Int16GetDatum(recheck ? 1 : 0);
	if (t->value.attnum != 0)
		v[QUEUE_VALUES] = array_of(row->values, row->no_value, row->n, t->value.type,
								   t->value.len, t->value.byval, t->value.align);
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(d->queue, slot, GetCurrentCommandId(true), 0, NULL);
	d->entries += row->n;
	row->n = 0;
	row->bytes = 0;
}

static Size
key_size(KeyType *key, Datum value)
{
	return datumGetSize(value, key->byval, key->len);
}

/* What came less what went; false if that is nothing. */
static bool
net_revenue(Entry *g, Datum *result)
{
	*result = NumericGetDatum(g->has_in ? revenue_to_numeric(&g->in) : int64_to_numeric(0));
	if (g->has_out)
		*result = DirectFunctionCall2(numeric_sub, *result, NumericGetDatum(revenue_to_numeric(&g->out)));
	return g->orders != 0 || g->recheck ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, *result, NumericGetDatum(int64_to_numeric(0))));
}

static void
append_groups(Delta *d)
{
	Tracker    *t = d->tracker;
	MemoryContext old = MemoryContextSwitchTo(d->cxt);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(d->queue),
													table_slot_callbacks(d->queue));
	Row		   *row = palloc(sizeof(Row));
	int			recheck;
	int			i;

	row->n = 0;
	row->bytes = 0;
	for (recheck = 0; recheck <= 1; recheck++)
	{
		for (i = 0; i < d->ngroups; i++)
		{
			Entry	   *g = &d->groups[i];
			Size		size;
			int			n;

			CHECK_FOR_INTERRUPTS();
			if (g->recheck != (recheck == 1))
				continue;
			size = key_size(&t->customer, g->customer) + ENTRY_BYTES;
			if (!g->value_null)
				size += key_size(&t->value, g->value);
			if (row->n == ROW_ENTRIES || (row->n > 0 && row->bytes + size > ROW_BYTES))
				append_row(d, slot, row, recheck == 1);
			n = row->n;
			if (!net_revenue(g, &row->revenue[n]))
				continue;
			row->customers[n] = g->customer;
			row->values[n] = g->value;
			row->no_value[n] = g->value_null;
			row->orders[n] = Int64GetDatum(g->orders);
			row->first_at[n] = TimestampGetDatum(g->first_at);
			row->last_at[n] = TimestampGetDatum(g->last_at);
			row->no_time[n] = !g->timed;
			row->n++;
			row->bytes += size;
		}
		if (row->n > 0)
			append_row(d, slot, row, recheck == 1);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(d->cxt);
	start_groups(d);
}

int64
delta_end(Delta *d)
{
	if (d->ngroups > 0)
		append_groups(d);
	MemoryContextDelete(d->cxt);
	return d->entries;
}

/*
 * Folding deletes a queue's rows, and reading it prunes them from their pages,
 * but only a vacuum would tell inserters so. At thousands of statements a second
 * the queue, and whoever reads it, would suffer until autovacuum comes round.
 */
void
recycle_queue(Relation queue)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(queue);
	BlockNumber block;

	for (block = 0; block < blocks; block++)
	{
		Buffer		buffer = ReadBuffer(queue, block);
		Size		space;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		space = PageGetHeapFreeSpace(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		RecordPageWithFreeSpace(queue, block, space);
	}
	if (blocks > 0)
		FreeSpaceMapVacuum(queue);
}

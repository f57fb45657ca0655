/*
 * customer_set.c
 *		Reading a set of customers: row by row, by rank, by distinct values.
 *
 * Every question is answered for a set in memory, by selection or sorting of
 * an array, and for a stored one, by sorting within work_mem. Not here: how
 * the set comes about (customers.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/tupdesc.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/customers.h"
#include "rfm/cuts.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

/* ----- row by row ----- */

void
customers_free(CustomerSet *set)
{
	if (set->store != NULL)
	{
		ExecDropSingleTupleTableSlot(set->slot);
		tuplestore_end(set->store);
	}
	MemoryContextDelete(set->context);
}

void
customers_rewind(CustomerSet *set)
{
	set->next = 0;
	if (set->store != NULL)
		tuplestore_rescan(set->store);
}

/* The next row of a stored set is in its slot. */
static bool
next_stored(CustomerSet *set)
{
	MemoryContext caller;
	bool		more;

	/* the slot frees the tuple at the next one, whatever the caller resets */
	caller = MemoryContextSwitchTo(set->context);
	more = tuplestore_gettupleslot(set->store, true, false, set->slot);
	MemoryContextSwitchTo(caller);
	return more;
}

bool
customers_next(CustomerSet *set, CustomerRow *row)
{
	bool		isnull;

	if (set->hash != NULL)
	{
		if (set->next == set->n)
			return false;
		customers_row_of(set, set->hash, &set->hash->slots[set->next++], row);
		return true;
	}
	if (!next_stored(set))
		return false;
	row->name = slot_getattr(set->slot, 1, &isnull);
	row->value[RECENCY] =
		dec_make((int64) set->as_of - DatumGetDateADT(slot_getattr(set->slot, 2, &isnull)), 0);
	row->value[FREQUENCY] = dec_make(DatumGetInt64(slot_getattr(set->slot, 3, &isnull)), 0);
	(void) dec_from_numeric(DatumGetNumeric(slot_getattr(set->slot, 4, &isnull)),
							&row->value[MONETARY]);
	return true;
}

/* ----- by rank ----- */

static int
scale_of(const CustomerSet *set, RfmMeasure measure)
{
	return measure == MONETARY ? set->scale : 0;
}

static int128
units_of(const CustomerSet *set, RfmMeasure measure, const Customer *customer)
{
	switch (measure)
	{
		case RECENCY:
			return (int64) set->as_of - customer->last_day;
		case FREQUENCY:
			return customer->orders;
		case MONETARY:
			return customer->revenue;
	}
	pg_unreachable();
}

static int128 *
all_units(CustomerSet *set, RfmMeasure measure)
{
	int128	   *units = MemoryContextAllocHuge(CurrentMemoryContext,
											   Max(set->n, 1) * sizeof(int128));
	int64		i;

	for (i = 0; i < set->n; i++)
		units[i] = units_of(set, measure, &set->hash->slots[i]);
	return units;
}

static Oid
less_than(Oid type)
{
	return lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr;
}

static Oid
type_of(RfmMeasure measure)
{
	return measure == MONETARY ? NUMERICOID : INT8OID;
}

/* A measure of the stored row, as it lies there: nothing is allocated. */
static Datum
stored_value(CustomerSet *set, RfmMeasure measure)
{
	bool		isnull;

	switch (measure)
	{
		case RECENCY:
			return Int64GetDatum((int64) set->as_of -
								 DatumGetDateADT(slot_getattr(set->slot, 2, &isnull)));
		case FREQUENCY:
			return slot_getattr(set->slot, 3, &isnull);
		case MONETARY:
			return slot_getattr(set->slot, 4, &isnull);
	}
	pg_unreachable();
}

static Dec
dec_of(RfmMeasure measure, Datum value)
{
	Dec			d;

	if (measure != MONETARY)
		return dec_make(DatumGetInt64(value), 0);
	(void) dec_from_numeric(DatumGetNumeric(value), &d);
	return d;
}

/* All values of a measure of a stored set, sorted. */
static Tuplesortstate *
sort_values(CustomerSet *set, RfmMeasure measure)
{
	Oid			type = type_of(measure);
	Tuplesortstate *sort = tuplesort_begin_datum(type, less_than(type), InvalidOid, false,
												 work_mem, NULL, TUPLESORT_NONE);

	customers_rewind(set);
	while (next_stored(set))
	{
		CHECK_FOR_INTERRUPTS();
		tuplesort_putdatum(sort, stored_value(set, measure), false);
	}
	tuplesort_performsort(sort);
	return sort;
}

void
customers_values_at(CustomerSet *set, RfmMeasure measure, const int64 *ranks, int nranks,
					Dec *values)
{
	Tuplesortstate *sort;
	int64		at = -1;
	Datum		value = 0;
	bool		isnull;
	int			i;

	if (set->hash != NULL)
	{
		int128	   *units = all_units(set, measure);

		select_ranks(units, set->n, ranks, nranks);
		for (i = 0; i < nranks; i++)
			values[i] = dec_units_of(units[ranks[i]], scale_of(set, measure));
		pfree(units);
		return;
	}

	sort = sort_values(set, measure);
	for (i = 0; i < nranks; i++)
	{
		if (ranks[i] > at + 1)
			(void) tuplesort_skiptuples(sort, ranks[i] - at - 1, true);
		if (ranks[i] > at && !sorted_datum(sort, &value, &isnull))
			elog(ERROR, "customers ended early");
		at = ranks[i];
		values[i] = dec_of(measure, measure == MONETARY ?
						   NumericGetDatum(DatumGetNumericCopy(value)) : value);
	}
	tuplesort_end(sort);
}

/* ----- by rank, ties parted by customer ----- */

int
customers_compare(const CustomerSet *set, Datum a, Datum b)
{
	if (set->numbers)
	{
		int64		x = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(TextDatumGetCString(a))));
		int64		y = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(TextDatumGetCString(b))));

		return x < y ? -1 : x > y ? 1 : 0;
	}
	return varstr_cmp(VARDATA_ANY(DatumGetPointer(a)), VARSIZE_ANY_EXHDR(DatumGetPointer(a)),
					  VARDATA_ANY(DatumGetPointer(b)), VARSIZE_ANY_EXHDR(DatumGetPointer(b)),
					  DEFAULT_COLLATION_OID);
}

/* value, customer as number (or 0), customer as text */
static TupleDesc
ordered_columns(RfmMeasure measure)
{
	TupleDesc	desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "value", type_of(measure), -1, 0);
	TupleDescInitEntry(desc, 2, "number", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "customer", TEXTOID, -1, 0);
	return desc;
}

void
customers_in_order(CustomerSet *set, RfmMeasure measure, const int64 *ranks, int nranks,
				   Dec *values, Datum *customers)
{
	TupleDesc	desc = ordered_columns(measure);
	AttrNumber	columns[3] = {1, 2, 3};
	Oid			operators[3];
	Oid			collations[3] = {InvalidOid, InvalidOid, DEFAULT_COLLATION_OID};
	bool		nulls_first[3] = {false};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	TupleTableSlot *sorted = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext, "quotetier order",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	Tuplesortstate *sort;
	CustomerRow row;
	int64		at = -1;
	int			i;

	operators[0] = less_than(type_of(measure));
	operators[1] = less_than(INT8OID);
	operators[2] = less_than(TEXTOID);
	sort = tuplesort_begin_heap(desc, 3, columns, operators, collations, nulls_first,
								work_mem, NULL, TUPLESORT_NONE);
	caller = MemoryContextSwitchTo(rows);
	customers_rewind(set);
	while (customers_next(set, &row))
	{
		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(slot);
		memset(slot->tts_isnull, 0, 3 * sizeof(bool));
		slot->tts_values[0] = measure == MONETARY ?
			NumericGetDatum(dec_to_numeric(&row.value[measure], 0)) :
			Int64GetDatum((int64) row.value[measure].v);
		slot->tts_values[1] = set->numbers ?
			DirectFunctionCall1(int8in, CStringGetDatum(TextDatumGetCString(row.name))) :
			Int64GetDatum(0);
		slot->tts_values[2] = row.name;
		ExecStoreVirtualTuple(slot);
		tuplesort_puttupleslot(sort, slot);
		MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(caller);
	tuplesort_performsort(sort);
	for (i = 0; i < nranks; i++)
	{
		bool		isnull;
		Datum		value;

		if (ranks[i] > at + 1)
			(void) tuplesort_skiptuples(sort, ranks[i] - at - 1, true);
		if (!tuplesort_gettupleslot(sort, true, false, sorted, NULL))
			elog(ERROR, "customers ended early");
		at = ranks[i];
		value = slot_getattr(sorted, 1, &isnull);
		values[i] = dec_of(measure, measure == MONETARY ?
						   NumericGetDatum(DatumGetNumericCopy(value)) : value);
		customers[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(slot_getattr(sorted, 3, &isnull)));
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(sorted);
	tuplesort_end(sort);
	MemoryContextDelete(rows);
}

/* ----- by distinct values ----- */

static int
compare_units(const void *a, const void *b)
{
	int128		x = *(const int128 *) a;
	int128		y = *(const int128 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* A decimal in units of the set's scale, as near as a long double comes. */
static long double
approximate(Dec value, int scale)
{
	if (value.big == NULL)
	{
		int128		units = value.v;

		if (refine_units(&units, value.scale, scale))
			return (long double) units;
	}
	return strtold(DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(dec_to_numeric(&value, 0)))),
				   NULL) * powl(10, scale);
}

int64
customers_spectrum(CustomerSet *set, RfmMeasure measure, long double **values, int64 **upto)
{
	int			scale = scale_of(set, measure);
	int64		room = Max(set->n, 1);
	int64		n = 0;
	int64		i;

	*values = palloc_extended(room * sizeof(long double), MCXT_ALLOC_HUGE);
	*upto = palloc_extended(room * sizeof(int64), MCXT_ALLOC_HUGE);
	if (set->hash != NULL)
	{
		int128	   *units = all_units(set, measure);

		qsort(units, set->n, sizeof(int128), compare_units);
		for (i = 0; i < set->n; i++)
		{
			if (i == 0 || units[i] != units[i - 1])
				(*values)[n++] = (long double) units[i];
			(*upto)[n - 1] = i + 1;
		}
		pfree(units);
	}
	else
	{
		Tuplesortstate *sort = sort_values(set, measure);
		MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext, "quotetier values",
												   ALLOCSET_DEFAULT_SIZES);
		MemoryContext caller = MemoryContextSwitchTo(rows);
		Datum		value;
		bool		isnull;

		for (i = 0; sorted_datum(sort, &value, &isnull); i++)
		{
			long double x = approximate(dec_of(measure, value), scale);

			CHECK_FOR_INTERRUPTS();
			if (i == 0 || x != (*values)[n - 1])
				(*values)[n++] = x;
			(*upto)[n - 1] = i + 1;
			MemoryContextReset(rows);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(rows);
		tuplesort_end(sort);
	}
	return n;
}

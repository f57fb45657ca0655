/*
 * quantile_cuts.c
 *		The aggregate quantile_cuts(v, bins): exact type-7 cut points.
 *
 * Values are kept as 128-bit counts of one common unit, 16 bytes each; should
 * one not fit, all are kept as numeric from there on. Like any exact quantile
 * it needs all values, so there is no combine function.
 */
#include "postgres.h"

#include "base/dec.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/cuts.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(quantile_cuts_add);
PG_FUNCTION_INFO_V1(quantile_cuts_add_int2);
PG_FUNCTION_INFO_V1(quantile_cuts_add_int4);
PG_FUNCTION_INFO_V1(quantile_cuts_add_int8);
PG_FUNCTION_INFO_V1(quantile_cuts_final);

typedef struct CutState
{
	MemoryContext context;
	int			bins;
	int			scale;			/* of units */
	int64		n;
	int64		room;
	int128	   *units;			/* NULL once long is used */
	Numeric    *numerics;
} CutState;

static CutState *
new_state(MemoryContext aggcontext, int bins)
{
	CutState   *state;

	check_bins(bins, 1, MAX_BINS);
	state = MemoryContextAllocZero(aggcontext, sizeof(CutState));
	state->context = aggcontext;
	state->bins = bins;
	state->room = 64;
	state->units = MemoryContextAlloc(aggcontext, state->room * sizeof(int128));
	return state;
}

/* All values so far, in units as fine as this scale; false if one does not fit. */
static bool
refine(CutState *state, int scale)
{
	int128		factor = 1;
	int64		i;

	if (scale - state->scale > 36)
		return state->n == 0;
	for (i = state->scale; i < scale; i++)
		factor *= 10;
	for (i = 0; i < state->n; i++)
	{
		int128		product;

		if (__builtin_mul_overflow(state->units[i], factor, &product))
			break;
	}
	if (i < state->n)
		return false;
	for (i = 0; i < state->n; i++)
		state->units[i] *= factor;
	state->scale = scale;
	return true;
}

static void
use_numerics(CutState *state)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	int64		i;

	state->numerics = MemoryContextAllocHuge(state->context, state->room * sizeof(Numeric));
	for (i = 0; i < state->n; i++)
	{
		Dec			d = dec_units_of(state->units[i], state->scale);

		state->numerics[i] = dec_to_numeric(&d, 0);
	}
	pfree(state->units);
	state->units = NULL;
	MemoryContextSwitchTo(caller);
}

/* The value in the state's units, refining those if need be; false if it does not fit. */
static bool
to_units(CutState *state, Datum value, int128 *units)
{
	int64		u;
	Dec			d;
	int128		factor = 1;

	if (likely(dec_units(value, state->scale, &u)))
	{
		*units = u;
		return true;
	}
	value = PointerGetDatum(PG_DETOAST_DATUM(value));
	if (!dec_from_numeric(DatumGetNumeric(value), &d))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("values to be cut must be finite numbers"),
				 errdetail("A value is %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, value))),
				 errhint("Leave such values out with FILTER (WHERE ...).")));
	if (d.big != NULL)
		return false;
	if (d.scale > state->scale && !refine(state, d.scale))
		return false;
	if (state->scale - d.scale > 36)
		return d.v == 0 ? (*units = 0, true) : false;
	for (; d.scale < state->scale; d.scale++)
		factor *= 10;
	return !__builtin_mul_overflow(d.v, factor, units);
}

/* The state, which may be new, with room for one value more. */
static CutState *
next_state(FunctionCallInfo fcinfo)
{
	CutState   *state = PG_ARGISNULL(0) ? NULL : (CutState *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("bins must not be NULL"),
				 errhint("Say how many bins the values are to be cut into, such as 5.")));
	if (state == NULL)
	{
		MemoryContext aggcontext;

		if (!AggCheckCallContext(fcinfo, &aggcontext))
			elog(ERROR, "quantile_cuts_add called in non-aggregate context");
		state = new_state(aggcontext, PG_GETARG_INT32(2));
	}
	else if (state->bins != PG_GETARG_INT32(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must not change between rows"),
				 errdetail("It was %d and became %d.", state->bins, PG_GETARG_INT32(2))));
	if (state->n == state->room)
	{
		state->room *= 2;
		if (state->units != NULL)
			state->units = repalloc_huge(state->units, state->room * sizeof(int128));
		else
			state->numerics = repalloc_huge(state->numerics, state->room * sizeof(Numeric));
	}
	return state;
}

/* quantile_cuts_add(internal, numeric, int) -> internal */
Datum
quantile_cuts_add(PG_FUNCTION_ARGS)
{
	CutState   *state = next_state(fcinfo);
	MemoryContext caller;
	int128		units;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	if (state->units != NULL)
	{
		if (to_units(state, PG_GETARG_DATUM(1), &units))
		{
			state->units[state->n++] = units;
			PG_RETURN_POINTER(state);
		}
		use_numerics(state);
	}
	else if (numeric_is_nan(PG_GETARG_NUMERIC(1)) || numeric_is_inf(PG_GETARG_NUMERIC(1)))
		(void) to_units(state, PG_GETARG_DATUM(1), &units);	/* complains */
	caller = MemoryContextSwitchTo(state->context);
	state->numerics[state->n++] = PG_GETARG_NUMERIC_COPY(1);
	MemoryContextSwitchTo(caller);
	PG_RETURN_POINTER(state);
}

/*
 * quantile_cuts_add(internal, smallint | int | bigint, int) -> internal: whole
 * numbers are units as they are; a cast to numeric would take most of the time
 */
#define ADD_WHOLE_NUMBER(getarg) \
	do { \
		CutState   *state = next_state(fcinfo); \
		\
		if (!PG_ARGISNULL(1)) \
			state->units[state->n++] = getarg(1); \
		PG_RETURN_POINTER(state); \
	} while (0)

Datum
quantile_cuts_add_int2(PG_FUNCTION_ARGS)
{
	ADD_WHOLE_NUMBER(PG_GETARG_INT16);
}

Datum
quantile_cuts_add_int4(PG_FUNCTION_ARGS)
{
	ADD_WHOLE_NUMBER(PG_GETARG_INT32);
}

Datum
quantile_cuts_add_int8(PG_FUNCTION_ARGS)
{
	ADD_WHOLE_NUMBER(PG_GETARG_INT64);
}

static int
compare_numerics(const void *a, const void *b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(*(const Numeric *) a),
											 NumericGetDatum(*(const Numeric *) b)));
}

/* type-7 quantiles of long numbers, by sorting them */
static Dec *
cuts_of_numerics(CutState *state)
{
	int			bins = state->bins;
	Dec		   *cuts = palloc(sizeof(Dec) * bins);
	int			k;

	qsort(state->numerics, state->n, sizeof(Numeric), compare_numerics);
	for (k = 1; k < bins; k++)
	{
		int64		rank = quantile_rank(state->n, bins, k);
		Dec			low;
		Dec			high;

		if (!dec_from_numeric(state->numerics[rank], &low) ||
			!dec_from_numeric(state->numerics[Min(rank + 1, state->n - 1)], &high))
			elog(ERROR, "value to be cut is not finite");
		cuts[k - 1] = quantile_cut(state->n, bins, k, low, high);
	}
	return cuts;
}

/* quantile_cuts_final(internal) -> numeric[]; NULL without values */
Datum
quantile_cuts_final(PG_FUNCTION_ARGS)
{
	CutState   *state = PG_ARGISNULL(0) ? NULL : (CutState *) PG_GETARG_POINTER(0);
	Dec		   *cuts;

	if (state == NULL || state->n == 0)
		PG_RETURN_NULL();
	/* the values' order is all that is changed, so it may be called again */
	cuts = state->units != NULL ?
		quantile_cuts_of(state->units, state->n, state->scale, state->bins) :
		cuts_of_numerics(state);
	PG_RETURN_ARRAYTYPE_P(cuts_to_array(cuts, state->bins - 1));
}

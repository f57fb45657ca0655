/*
 * score.c
 *		Scores: score(v, cuts) for one value, quantile_score(bins) over a window.
 *
 * Neither ever splits ties. Not here: finding cuts (cuts.c, quantile_cuts.c).
 */
#include "postgres.h"

#include "base/dec.h"
#include "base/window.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "rfm/cuts.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(score);
PG_FUNCTION_INFO_V1(score_whole);
PG_FUNCTION_INFO_V1(score_support);
PG_FUNCTION_INFO_V1(quantile_score);

/* ----- score(v, cuts) ----- */

/* The cuts of the last call, taken apart. */
typedef struct KnownCuts
{
	MemoryContext context;		/* holds what follows */
	struct varlena *argument;	/* a copy, to know it again */
	int			n;
	Dec		   *cuts;
	int64	   *units;			/* the same counted in 10^-scale; NULL if too long */
	int			scale;
	int64	   *floors;			/* what a whole number is above if it is above the cut; NULL if too long */
} KnownCuts;

/* Up to so many cuts, looking at all is quicker than guessing where to look. */
#define FEW_CUTS		16

static KnownCuts *
know_cuts(FunctionCallInfo fcinfo, struct varlena *argument)
{
	KnownCuts  *known;
	MemoryContext context;
	MemoryContext caller;
	int			i;

	if (fcinfo->flinfo->fn_extra != NULL)
	{
		context = ((KnownCuts *) fcinfo->flinfo->fn_extra)->context;
		fcinfo->flinfo->fn_extra = NULL;
		MemoryContextDelete(context);
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "quotetier cuts",
									ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	known = palloc0(sizeof(KnownCuts));
	known->context = context;
	known->argument = (struct varlena *) datumCopy(PointerGetDatum(argument), false, -1);
	known->cuts = cuts_from_array(DatumGetArrayTypeP(PointerGetDatum(known->argument)), &known->n);
	known->scale = 6;
	for (i = 0; i < known->n; i++)
		known->scale = Max(known->scale, known->cuts[i].scale);

	known->units = palloc(sizeof(int64) * Max(known->n, 1));
	for (i = 0; i < known->n; i++)
		if (!dec_units(NumericGetDatum(dec_to_numeric(&known->cuts[i], 0)), known->scale,
					   &known->units[i]))
		{
			known->units = NULL;
			break;
		}
	known->floors = palloc(sizeof(int64) * Max(known->n, 1));
	for (i = 0; i < known->n; i++)
		if (!dec_floor64(known->cuts[i], 0, &known->floors[i]))
		{
			known->floors = NULL;
			break;
		}
	MemoryContextSwitchTo(caller);
	/* an error up to here leaves nothing behind */
	MemoryContextSetParent(context, fcinfo->flinfo->fn_mcxt);
	fcinfo->flinfo->fn_extra = known;
	return known;
}

/* The second argument, taken apart once as long as it stays the same. */
static const KnownCuts *
cuts_of_call(FunctionCallInfo fcinfo)
{
	/* as it lies in a row, often with a short header: not copied to be compared */
	struct varlena *argument = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	KnownCuts  *known = fcinfo->flinfo->fn_extra;

	if (known == NULL || VARSIZE_ANY(known->argument) != VARSIZE_ANY(argument) ||
		memcmp(known->argument, argument, VARSIZE_ANY(argument)) != 0)
		known = know_cuts(fcinfo, argument);
	return known;
}

/* 1 + the number of cuts, ascending, that are below the value */
static inline int
score_among(const int64 *cuts, int n, int64 value)
{
	int			low = 0;
	int			high = n;

	if (n <= FEW_CUTS)
	{
		int			below = 0;
		int			i;

		for (i = 0; i < n; i++)
			below += cuts[i] < value;
		return below + 1;
	}
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (cuts[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

static int
score_dec(const KnownCuts *known, Dec value)
{
	int			low = 0;
	int			high = known->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (dec_cmp(known->cuts[middle], value) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

/* score(numeric, numeric[]) -> int: 1 + the number of cuts below the value */
Datum
score(PG_FUNCTION_ARGS)
{
	const KnownCuts *known = cuts_of_call(fcinfo);
	int64		units;
	Dec			value;

	if (likely(known->units != NULL && dec_units(PG_GETARG_DATUM(0), known->scale, &units)))
		PG_RETURN_INT32(score_among(known->units, known->n, units));
	if (!dec_from_numeric(PG_GETARG_NUMERIC(0), &value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a value to be scored must be a finite number"),
				 errhint("NULL scores NULL.")));
	PG_RETURN_INT32(score_dec(known, value));
}

/* score_whole(bigint, numeric[]) -> int: score(), without a numeric made of the value */
Datum
score_whole(PG_FUNCTION_ARGS)
{
	const KnownCuts *known = cuts_of_call(fcinfo);
	int64		value = PG_GETARG_INT64(0);

	if (likely(known->floors != NULL))
		PG_RETURN_INT32(score_among(known->floors, known->n, value));
	PG_RETURN_INT32(score_dec(known, dec_make(value, 0)));
}

/*
 * score_support(internal) -> internal
 *		Plans score(v::numeric, cuts) as score_whole(v, cuts) if v is a whole
 *		number, as the cast takes longer than the score. Overloads would do the
 *		same, but make score($1, cuts) and score('1.5', cuts) ambiguous.
 */
Datum
score_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Oid			types[2] = {INT8OID, NUMERICARRAYOID};
	FuncExpr   *call;
	FuncExpr   *cast;
	Expr	   *value;
	Oid			whole;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	call = ((SupportRequestSimplify *) request)->fcall;
	cast = (FuncExpr *) linitial(call->args);
	if (!IsA(cast, FuncExpr))
		PG_RETURN_POINTER(NULL);

	switch (cast->funcid)
	{
		case F_NUMERIC_INT2:
			value = (Expr *) makeFuncExpr(F_INT8_INT2, INT8OID, cast->args, InvalidOid,
										  InvalidOid, COERCE_IMPLICIT_CAST);
			break;
		case F_NUMERIC_INT4:
			value = (Expr *) makeFuncExpr(F_INT8_INT4, INT8OID, cast->args, InvalidOid,
										  InvalidOid, COERCE_IMPLICIT_CAST);
			break;
		case F_NUMERIC_INT8:
			value = linitial(cast->args);
			break;
		default:
			PG_RETURN_POINTER(NULL);
	}
	/* not by a look-up that asks for rights on the schema: a view may lend its own */
	whole = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("score_whole"),
							PointerGetDatum(buildoidvector(types, lengthof(types))),
							ObjectIdGetDatum(get_func_namespace(call->funcid)));
	if (!OidIsValid(whole))
		PG_RETURN_POINTER(NULL);
	PG_RETURN_POINTER(makeFuncExpr(whole, INT4OID, list_make2(value, lsecond(call->args)),
								   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
}

/* ----- quantile_score(bins) over (order by v) ----- */

typedef struct ScoreState
{
	bool		started;
	int64		first;			/* rows that have a value: [first, first + n) */
	int64		n;
	int64		peer;			/* where the current row's ties begin */
} ScoreState;

/* The first row from low on, before high, whose ordering value is NULL or not, as asked. */
static int64
find_border(WindowObject window, int64 low, int64 high, bool null_wanted)
{
	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (window_order_is_null(window, middle) == null_wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void
start(WindowObject window, ScoreState *state)
{
	int64		rows = WinGetPartitionRowCount(window);

	state->started = true;
	state->first = 0;
	state->n = rows;
	if (window_order_is_null(window, 0))
	{
		state->first = find_border(window, 0, rows, false);
		state->n = rows - state->first;
	}
	else if (window_order_is_null(window, rows - 1))
		state->n = find_border(window, 0, rows, true);
	state->peer = state->first;
}

/*
 * quantile_score(bins) -> int
 *		greatest(1, ceil(bins * (rank - 1) / (n - 1))) by minimum rank, in
 *		integers: right-closed type-7 quantiles without computing one. Rows whose
 *		(first) ordering value is NULL score NULL and do not count.
 */
Datum
quantile_score(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	ScoreState *state = WinGetPartitionLocalMemory(window, sizeof(ScoreState));
	int64		row = WinGetCurrentPosition(window);
	bool		isnull;
	int			bins;
	int64		rank;

	bins = DatumGetInt32(WinGetFuncArgCurrent(window, 0, &isnull));
	if (isnull)
		PG_RETURN_NULL();
	check_bins(bins, 1, MAX_BINS);
	if (!state->started)
		start(window, state);

	if (row < state->first || row >= state->first + state->n)
		PG_RETURN_NULL();
	if (row > state->first && !WinRowsArePeers(window, row - 1, row))
		state->peer = row;
	WinSetMarkPosition(window, row);

	rank = state->peer - state->first;
	if (rank == 0)
		PG_RETURN_INT32(1);
	PG_RETURN_INT32((int32) ((bins * rank + state->n - 2) / (state->n - 1)));
}

/*
 * tier_over.c
 *		tier_over(): grades a whole set by shares of it, as a window function.
 *
 * share: the percent of rows before a row decides (customer pyramids).
 * pareto: the percent of the positive values' sum before a row decides (ABC);
 * what is not positive stands last, and counts for nothing.
 *
 * All is exact: row counts are compared with ceil(N * percent / 100), sums with
 * total * percent / 100 without dividing.
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tier/scheme.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "windowapi.h"

PG_FUNCTION_INFO_V1(tier_over);

#define ARG_SCHEME		0
#define ARG_VALUE		1
#define ARG_OTHERWISE	2

/* What is known of one partition: of all its rows, and of those before the present one. */
typedef struct Grading
{
	bool		begun;
	MemoryContext context;		/* where big numbers are kept */
	text	   *name;
	int64		rows;			/* rows with a value */
	Dec			total;			/* sum of the positive values */

	int64		rows_before;
	Dec			sum_before;		/* of the positive values */
	bool		any_before;
	Dec			previous;
	int			rung;			/* of the previous row; -1: none */
} Grading;

/* Keeps a number beyond the present row. */
static void
keep(Grading *grading, Dec *kept, Dec value)
{
	Numeric		old = kept->big;

	*kept = value;
	if (value.big != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(grading->context);

		kept->big = DatumGetNumericCopy(NumericGetDatum(value.big));
		MemoryContextSwitchTo(caller);
	}

	/* not before: it may be what is kept on */
	if (old != NULL)
		pfree(old);
}

/* Passes over the partition once, to learn what a share is of. */
static void
begin_partition(WindowObject window, Grading *grading, text *name)
{
	const Scheme *scheme = scheme_get(name);
	int64		nrows;
	int64		row;
	Dec			total = DEC_ZERO;
	Dec			previous = DEC_ZERO;
	MemoryContext rows_context;
	MemoryContext caller;

	if (scheme->kind != SCHEME_SHARE && scheme->kind != SCHEME_PARETO)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("scheme \"%s\" grades single scores, not whole sets", text_to_cstring(name)),
				 errhint(scheme->kind == SCHEME_GRID ?
						 "Call tier(scheme, score, score2)." : "Call tier(scheme, score).")));

	grading->context = AllocSetContextCreate(GetMemoryChunkContext(grading), "quotetier grading",
											 ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(grading->context);
	grading->name = DatumGetTextPCopy(PointerGetDatum(name));
	grading->total = grading->sum_before = grading->previous = DEC_ZERO;
	grading->rung = -1;

	/* fetching rows may take away what the caller's name points to */
	name = grading->name;
	nrows = WinGetPartitionRowCount(window);
	rows_context = AllocSetContextCreate(grading->context, "quotetier rows", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(rows_context);
	for (row = 0; row < nrows; row++)
	{
		Dec			value;
		bool		isnull;
		bool		isout;
		Datum		datum = WinGetFuncArgInPartition(window, ARG_VALUE, (int) row,
													 WINDOW_SEEK_HEAD, false, &isnull, &isout);

		CHECK_FOR_INTERRUPTS();
		if (isnull || isout)
			continue;
		value = graded_value(datum, name);
		if (grading->rows > 0 && dec_cmp(value, previous) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tier_over() needs its values in descending order"),
					 errdetail("Value %s follows a smaller one, %s.",
							   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(dec_to_numeric(&value, 0)))),
							   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(dec_to_numeric(&previous, 0))))),
					 errhint("Write tier_over(scheme, value) OVER (ORDER BY value DESC NULLS LAST), with the same value twice.")));
		grading->rows++;
		if (dec_sign(value) > 0)
			total = dec_add(total, value);
		keep(grading, &grading->total, total);
		keep(grading, &grading->previous, value);
		total = grading->total;
		previous = grading->previous;
		MemoryContextReset(rows_context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(rows_context);
	grading->begun = true;
}

/* Does a row with so much before it reach this rung? */
static bool
reaches(const Scheme *scheme, const Grading *grading, int rung)
{
	Dec			from = scheme->ladder.from[rung];

	if (scheme->kind == SCHEME_SHARE)
	{
		Dec			cut = dec_div(dec_mul(from, dec_make(grading->rows, 0)), dec_make(100, 0),
								  dec_make(1, 0), ROUND_CEILING);

		return dec_cmp(dec_make(grading->rows_before, 0), cut) >= 0;
	}
	return dec_cmp(dec_mul(grading->sum_before, dec_make(100, 0)),
				   dec_mul(grading->total, from)) >= 0;
}

/* The tier for a row without a value: the one asked for, among those without a place. */
static Datum
tier_apart(WindowObject window, text *name, bool *isnull)
{
	const Scheme *scheme;
	text	   *otherwise;
	Datum		datum;
	int			i;

	datum = WinGetFuncArgCurrent(window, ARG_OTHERWISE, isnull);
	if (*isnull)
		return (Datum) 0;
	otherwise = DatumGetTextPP(datum);
	scheme = scheme_get(name);
	for (i = 0; i < scheme->napart; i++)
		if (VARSIZE_ANY_EXHDR(scheme->apart[i]) == VARSIZE_ANY_EXHDR(otherwise) &&
			memcmp(VARDATA_ANY(scheme->apart[i]), VARDATA_ANY(otherwise), VARSIZE_ANY_EXHDR(otherwise)) == 0)
			return PointerGetDatum(DatumGetTextPCopy(datum));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("scheme \"%s\" has no tier \"%s\" for rows without a value",
					text_to_cstring(name), text_to_cstring(otherwise)),
			 errdetail("Such a tier is a row of quotetier.tier without from_value."),
			 errhint("SELECT name FROM quotetier.tier WHERE scheme = %s AND from_value IS NULL lists them.",
					 quote_literal_cstr(text_to_cstring(name)))));
}

/*
 * tier_over(scheme text, value numeric [, otherwise text]) OVER (ORDER BY value DESC) -> text
 */
Datum
tier_over(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Grading    *grading = WinGetPartitionLocalMemory(window, sizeof(Grading));
	const Scheme *scheme;
	text	   *name;
	Dec			value;
	Datum		datum;
	bool		isnull;
	bool		tied;

	datum = WinGetFuncArgCurrent(window, ARG_SCHEME, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	name = DatumGetTextPP(datum);
	if (!grading->begun)
		begin_partition(window, grading, name);
	else if (VARSIZE_ANY_EXHDR(name) != VARSIZE_ANY_EXHDR(grading->name) ||
			 memcmp(VARDATA_ANY(name), VARDATA_ANY(grading->name), VARSIZE_ANY_EXHDR(name)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tier_over() needs one scheme for all rows of a partition"),
				 errdetail("Scheme \"%s\" follows \"%s\".", text_to_cstring(name), text_to_cstring(grading->name)),
				 errhint("Add the scheme to PARTITION BY.")));

	name = grading->name;
	datum = WinGetFuncArgCurrent(window, ARG_VALUE, &isnull);
	if (isnull)
	{
		if (PG_NARGS() <= ARG_OTHERWISE)
			PG_RETURN_NULL();
		datum = tier_apart(window, name, &isnull);
		if (isnull)
			PG_RETURN_NULL();
		PG_RETURN_DATUM(datum);
	}
	value = graded_value(datum, name);

	/* not before the arguments are known: their functions may grade, too */
	scheme = scheme_get(name);
	tied = grading->any_before && scheme->keep_ties && dec_cmp(value, grading->previous) == 0;
	if (scheme->kind == SCHEME_PARETO && dec_sign(value) <= 0)
		grading->rung = scheme->ladder.n - 1;
	else if (!tied)
		while (grading->rung + 1 < scheme->ladder.n && reaches(scheme, grading, grading->rung + 1))
			grading->rung++;

	grading->rows_before++;
	if (dec_sign(value) > 0)
		keep(grading, &grading->sum_before, dec_add(grading->sum_before, value));
	if (scheme->keep_ties)
		keep(grading, &grading->previous, value);
	grading->any_before = true;

	if (grading->rung < 0)
		PG_RETURN_NULL();
	if (grading->rung >= scheme->ladder.n)
		elog(ERROR, "scheme changed in the middle of a statement");
	PG_RETURN_TEXT_P(DatumGetTextPCopy(PointerGetDatum(scheme->names[grading->rung])));
}

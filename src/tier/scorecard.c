/*
 * scorecard.c
 *		Scorecards: weighted points of several metrics, as one score.
 *
 * Each metric's value becomes a part between 0 and 1 (scale_part), the parts are
 * averaged by weight over the metrics that are known, and the average is
 * written on the scorecard's scale. All but powers in numeric; the result is rounded, so
 * that a score that is 50 by the rules does not miss a tier from 50 by the last
 * digit of a division.
 *
 * Not here: weights (ahp.c), grading (tier.c).
 */
#include "postgres.h"

#include "base/book.h"
#include "base/compat.h"
#include "base/dec.h"
#include "base/fact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include <math.h>

PG_FUNCTION_INFO_V1(scorecard_score);
PG_FUNCTION_INFO_V1(scorecard_score_json);
PG_FUNCTION_INFO_V1(scorecard_score_text);
PG_FUNCTION_INFO_V1(scorecard_points);
PG_FUNCTION_INFO_V1(scorecard_points_json);
PG_FUNCTION_INFO_V1(scorecard_points_text);

#define DECIMALS	6

typedef enum ScaleKind
{
	SCALE_LINEAR,				/* from low to high */
	SCALE_Z,					/* three deviations to either side of the mean */
	SCALE_PERCENTILE,			/* the part of the cuts reached */
	SCALE_BRACKET,				/* points by bracket */
	SCALE_DECAY					/* halves every half_life */
} ScaleKind;

typedef struct Metric
{
	const char *name;
	Numeric		weight;
	bool		less;			/* a smaller value is better */
	ScaleKind	scale;
	Numeric		a;				/* low, mean, half_life */
	Numeric		b;				/* high, deviation */
	int			ncuts;
	Numeric    *cuts;			/* percentile: ascending; bracket: where each begins */
	Numeric    *parts;			/* bracket: what it gives */
} Metric;

typedef struct Scorecard
{
	Numeric		points;			/* a perfect score */
	Numeric		total;			/* of the weights */
	int			nmetrics;
	const char **names;
	Metric		metrics[FLEXIBLE_ARRAY_MEMBER];
} Scorecard;

static void *scorecard_build(const char *name);

static const char *const scorecard_tables[] = {"scorecard", "metric", "metric_bracket", NULL};

static BookKind scorecard_books = {
	.name = "scorecard",
	.tables = scorecard_tables,
	.build = scorecard_build,
};

/* ----- arithmetic ----- */

static Numeric
number(int64 value)
{
	return int64_to_numeric(value);
}

static Numeric
add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
subtract(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
multiply(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
divide(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_div, NumericGetDatum(a), NumericGetDatum(b)));
}

static int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
rounded(Numeric a)
{
	Datum		r = DirectFunctionCall2(numeric_round, NumericGetDatum(a), Int32GetDatum(DECIMALS));

	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, r));
}

static Numeric
between_0_and_1(Numeric a)
{
	if (compare(a, number(0)) < 0)
		return number(0);
	if (compare(a, number(1)) > 0)
		return number(1);
	return a;
}

/* What is left of 1 after so many halvings, to the 15th decimal. */
static Numeric
halved(Numeric times)
{
	double		n = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													   NumericGetDatum(times)));

	/* digits enough for a rounded score; numeric_power would take 100 times as long */
	return int64_div_fast_to_numeric((int64) rint(exp2(-Max(n, 0.0)) * 1e15), 15);
}

/* How many of the metric's cuts are at or under the value. */
static int
cuts_reached(const Metric *metric, Numeric value)
{
	int			below = 0;
	int			above = metric->ncuts;

	while (below < above)
	{
		int			middle = (below + above) / 2;

		if (compare(metric->cuts[middle], value) <= 0)
			below = middle + 1;
		else
			above = middle;
	}
	return below;
}

/* What a value is worth, from 0 to 1. */
static Numeric
scale_part(const Metric *metric, Numeric value)
{
	Numeric		part = number(0);
	int			reached;

	switch (metric->scale)
	{
		case SCALE_LINEAR:
			part = divide(subtract(value, metric->a), subtract(metric->b, metric->a));
			break;
		case SCALE_Z:
			part = add(divide(number(1), number(2)),
					   divide(subtract(value, metric->a), multiply(number(6), metric->b)));
			break;
		case SCALE_PERCENTILE:
			part = divide(number(cuts_reached(metric, value)), number(metric->ncuts));
			break;
		case SCALE_BRACKET:
			reached = cuts_reached(metric, value);
			if (reached > 0)
				part = metric->parts[reached - 1];
			break;
		case SCALE_DECAY:
			part = subtract(number(1), halved(divide(value, metric->a)));
			break;
	}
	part = between_0_and_1(part);
	return metric->less ? subtract(number(1), part) : part;
}

/* ----- the book ----- */

static void
ask(const char *query, const char *scorecard)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {TEXTOID};
	Datum		args[] = {CStringGetTextDatum(scorecard)};

	if (SPI_execute_with_args(query, 1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the scorecard");
	MemoryContextSwitchTo(context);
}

static Datum
answer(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static Numeric
answered_number(int row, int column)
{
	bool		isnull;
	Datum		value = answer(row, column, &isnull);

	return isnull ? NULL : DatumGetNumericCopy(value);
}

static Numeric *
answered_numbers(int row, int column, int *n)
{
	bool		isnull;
	Datum		value = answer(row, column, &isnull);
	Datum	   *elements;
	Numeric    *numbers;
	int			i;

	*n = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypePCopy(value), NUMERICOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, n);
	numbers = palloc(Max(*n, 1) * sizeof(Numeric));
	for (i = 0; i < *n; i++)
		numbers[i] = DatumGetNumericCopy(elements[i]);
	return numbers;
}

static ScaleKind
scale_kind(const char *name)
{
	static const char *const names[] = {"linear", "z", "percentile", "bracket", "decay"};
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (ScaleKind) i;
	elog(ERROR, "unknown scale \"%s\"", name);
}

static void *
scorecard_build(const char *name)
{
	Scorecard  *scorecard;
	Numeric		points;
	int			i;

	ask("SELECT points FROM quotetier.scorecard WHERE name = $1", name);
	if (SPI_processed == 0)
		return NULL;
	points = answered_number(0, 1);

	ask("SELECT m.name, m.weight, m.direction = 'less', m.scale,"
		" coalesce(m.low, m.mean, m.half_life), coalesce(m.high, m.deviation),"
		" coalesce(m.cuts, b.from_values), b.parts"
		" FROM quotetier.metric m LEFT JOIN LATERAL"
		" (SELECT array_agg(b.from_value ORDER BY b.from_value) AS from_values,"
		"         array_agg(b.points / s.points ORDER BY b.from_value) AS parts"
		"    FROM quotetier.metric_bracket b JOIN quotetier.scorecard s ON s.name = b.scorecard"
		"   WHERE b.scorecard = m.scorecard AND b.metric = m.name) b ON true"
		" WHERE m.scorecard = $1 ORDER BY m.name", name);
	scorecard = palloc0(offsetof(Scorecard, metrics) + SPI_processed * sizeof(Metric));
	scorecard->points = points;
	scorecard->total = number(0);
	scorecard->nmetrics = SPI_processed;
	scorecard->names = palloc(Max(scorecard->nmetrics, 1) * sizeof(char *));
	for (i = 0; i < scorecard->nmetrics; i++)
	{
		Metric	   *metric = &scorecard->metrics[i];
		bool		isnull;
		int			nparts;

		metric->name = scorecard->names[i] = TextDatumGetCString(answer(i, 1, &isnull));
		metric->weight = answered_number(i, 2);
		metric->less = DatumGetBool(answer(i, 3, &isnull));
		metric->scale = scale_kind(TextDatumGetCString(answer(i, 4, &isnull)));
		metric->a = answered_number(i, 5);
		metric->b = answered_number(i, 6);
		metric->cuts = answered_numbers(i, 7, &metric->ncuts);
		metric->parts = answered_numbers(i, 8, &nparts);
		if (metric->scale == SCALE_BRACKET && metric->ncuts == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("metric \"%s\" of scorecard \"%s\" has no brackets", metric->name, name),
					 errdetail("Its scale is bracket."),
					 errhint("Add rows to quotetier.metric_bracket, or choose another scale.")));
		scorecard->total = add(scorecard->total, metric->weight);
	}
	return scorecard;
}

static const Scorecard *
scorecard_get(text *name, uint64 *serial)
{
	const Scorecard *scorecard = book_get(&scorecard_books, VARDATA_ANY(name),
										  VARSIZE_ANY_EXHDR(name), serial);

	if (scorecard == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("scorecard \"%s\" does not exist", text_to_cstring(name)),
				 errhint("SELECT name FROM quotetier.scorecard lists the scorecards there are.")));
	return scorecard;
}

/* ----- the functions ----- */

/* What a call keeps for the next one. */
typedef struct ScoreCall
{
	FactReader *reader;
	TupleDesc	result;
} ScoreCall;

static ScoreCall *
score_call(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		ScoreCall  *call = palloc0(sizeof(ScoreCall));

		call->reader = fact_reader_create(fcinfo->flinfo->fn_mcxt);
		if (get_call_result_type(fcinfo, NULL, &call->result) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		call->result = BlessTupleDesc(call->result);
		MemoryContextSwitchTo(caller);
		fcinfo->flinfo->fn_extra = call;
	}
	return fcinfo->flinfo->fn_extra;
}

/* The scorecard, when the reader has taken in the facts. */
static const Scorecard *
take_facts(FunctionCallInfo fcinfo, FactReader *reader, FactSource source)
{
	FactArgument facts = {fcinfo, 1, source};
	uint64		serial;
	const Scorecard *scorecard = scorecard_get(PG_GETARG_TEXT_PP(0), &serial);

	fact_reader_interest(reader, serial, scorecard->nmetrics, scorecard->names);
	fact_reader_argument(reader, &facts);
	return scorecard;
}

static Datum
score(FunctionCallInfo fcinfo, FactSource source)
{
	ScoreCall  *call = score_call(fcinfo);
	FactReader *reader = call->reader;
	const Scorecard *scorecard = take_facts(fcinfo, reader, source);
	Numeric		sum = number(0);
	Numeric		known = number(0);
	Datum		values[2];
	bool		nulls[2] = {false, false};
	int			i;

	for (i = 0; i < scorecard->nmetrics; i++)
	{
		const Metric *metric = &scorecard->metrics[i];
		Dec			value;

		if (!fact_number(reader, i, &value))
			continue;
		sum = add(sum, multiply(metric->weight, scale_part(metric, dec_to_numeric(&value, 0))));
		known = add(known, metric->weight);
	}
	nulls[0] = compare(known, number(0)) == 0;
	if (!nulls[0])
		values[0] = NumericGetDatum(rounded(divide(multiply(scorecard->points, sum), known)));
	values[1] = NumericGetDatum(nulls[0] ? number(0) : rounded(divide(known, scorecard->total)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(call->result, values, nulls)));
}

/*
 * scorecard_score(scorecard text, facts record) -> score, coverage
 */
Datum
scorecard_score(PG_FUNCTION_ARGS)
{
	FactSource	source;

	if (!fact_record_source(fcinfo, 2, &source))
		PG_RETURN_NULL();
	return score(fcinfo, source);
}

Datum
scorecard_score_json(PG_FUNCTION_ARGS)
{
	return score(fcinfo, FROM_JSONB);
}

Datum
scorecard_score_text(PG_FUNCTION_ARGS)
{
	return score(fcinfo, FROM_TEXT);
}

static Datum
points(FunctionCallInfo fcinfo, FactSource source)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FactReader *reader = score_call(fcinfo)->reader;
	const Scorecard *scorecard;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	scorecard = take_facts(fcinfo, reader, source);
	for (i = 0; i < scorecard->nmetrics; i++)
	{
		const Metric *metric = &scorecard->metrics[i];
		Dec			value;
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		values[0] = CStringGetTextDatum(metric->name);
		values[2] = NumericGetDatum(metric->weight);
		if (fact_number(reader, i, &value))
		{
			Numeric		n = dec_to_numeric(&value, 0);

			values[1] = NumericGetDatum(n);
			values[3] = NumericGetDatum(rounded(multiply(scorecard->points, scale_part(metric, n))));
		}
		else
			nulls[1] = nulls[3] = true;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * scorecard_points(scorecard text, facts record) -> metric, value, weight, points
 */
Datum
scorecard_points(PG_FUNCTION_ARGS)
{
	return points(fcinfo, FROM_RECORD);
}

Datum
scorecard_points_json(PG_FUNCTION_ARGS)
{
	return points(fcinfo, FROM_JSONB);
}

Datum
scorecard_points_text(PG_FUNCTION_ARGS)
{
	return points(fcinfo, FROM_TEXT);
}

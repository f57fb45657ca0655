/*
 * explain.c
 *		explain_quote: the waterfall and what lost; their rows, also those of an order.
 *
 * Not here: what the rows say (trace.c), and lines to read (explain_text.c).
 */
#include "postgres.h"

#include "funcapi.h"
#include "price/explain.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(explain_quote_record);
PG_FUNCTION_INFO_V1(explain_quote_jsonb);
PG_FUNCTION_INFO_V1(explain_quote_text);

/* ----- rows ----- */

/*
 * Only what is part of the price has an amount: these add up to it. A
 * statistical row says what would be left.
 */
static bool
has_amount(const TraceRow *row)
{
	return row->verdict != VERDICT_REJECTED && row->verdict != VERDICT_STATISTICAL;
}

/* The line's number goes first where it has one. */
static void
put_rows(ReturnSetInfo *rsinfo, const Pricer *pricer, List *rows, int line, int *seq, Dec *running)
{
	static const char *const verdicts[] = {"list", "applied", "residual", "statistical", "rejected"};
	ListCell   *cell;

	foreach(cell, rows)
	{
		TraceRow   *row = lfirst(cell);
		Datum		all_values[EXPLAIN_COLUMNS + 1];
		bool		all_nulls[EXPLAIN_COLUMNS + 1] = {false};
		Datum	   *values = all_values + (line != NO_LINE);
		bool	   *nulls = all_nulls + (line != NO_LINE);

		if (line != NO_LINE)
		{
			all_values[0] = Int32GetDatum(line);
			all_nulls[0] = line == 0;
		}
		values[COLUMN_SEQ] = Int32GetDatum(++(*seq));
		values[COLUMN_STEP] = CStringGetTextDatum(row->step);
		nulls[COLUMN_RULE] = row->rule == 0;
		values[COLUMN_RULE] = Int64GetDatum(row->rule);
		values[COLUMN_VERDICT] = CStringGetTextDatum(verdicts[row->verdict]);
		values[COLUMN_REASON] = CStringGetTextDatum(row->reason);
		nulls[COLUMN_BASE] = !row->has_base;
		values[COLUMN_BASE] = row->has_base ? money_datum(pricer, row->base) : (Datum) 0;
		nulls[COLUMN_AMOUNT] = !has_amount(row);
		values[COLUMN_AMOUNT] = has_amount(row) ? money_datum(pricer, row->amount) : (Datum) 0;
		nulls[COLUMN_RUNNING] = row->verdict == VERDICT_REJECTED;
		if (row->verdict != VERDICT_REJECTED)
		{
			*running = dec_add(*running, row->amount);
			values[COLUMN_RUNNING] = money_datum(pricer, *running);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, all_values, all_nulls);
	}
}

void
put_trace(ReturnSetInfo *rsinfo, const Pricer *pricer, const Trace *trace, int line)
{
	Dec			running = DEC_ZERO;
	int			seq = 0;

	put_rows(rsinfo, pricer, trace->waterfall, line, &seq, &running);
	put_rows(rsinfo, pricer, trace->rejected, line, &seq, &running);
}

/* ----- the call ----- */

bool
wants_text(text *format)
{
	char	   *name = text_to_cstring(format);

	if (strcmp(name, "text") != 0 && strcmp(name, "rows") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown format \"%s\"", name),
				 errdetail("An explanation comes as rows of columns, or as lines of text."),
				 errhint("Give 'rows' or 'text'.")));
	return strcmp(name, "text") == 0;
}

static Datum
explain_quote(FunctionCallInfo fcinfo, FactSource source)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Pricer	   *pricer = call_site(fcinfo)->pricer;
	bool		as_text = wants_text(PG_GETARG_TEXT_PP(4));
	Trace		trace = {NIL, NIL};
	Quote		quote;

	InitMaterializedSRF(fcinfo, 0);
	pricer->trace = &trace;
	price_call(fcinfo, source, pricer, &quote);
	pricer->trace = NULL;
	if (as_text)
	{
		Told		told = {pricer, &trace, &quote, NO_LINE, NULL};

		put_text(rsinfo, &told, 1);
	}
	else
		put_trace(rsinfo, pricer, &trace, NO_LINE);
	return (Datum) 0;
}

Datum
explain_quote_record(PG_FUNCTION_ARGS)
{
	return explain_quote(fcinfo, FROM_RECORD);
}

Datum
explain_quote_jsonb(PG_FUNCTION_ARGS)
{
	return explain_quote(fcinfo, FROM_JSONB);
}

Datum
explain_quote_text(PG_FUNCTION_ARGS)
{
	return explain_quote(fcinfo, FROM_TEXT);
}

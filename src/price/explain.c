/*
 * explain.c
 *		explain_quote: the waterfall and what lost, as rows or as lines to read.
 *
 * Not here: what the rows say (trace.c).
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "price/quote.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(explain_quote_record);
PG_FUNCTION_INFO_V1(explain_quote_jsonb);
PG_FUNCTION_INFO_V1(explain_quote_text);

/* Columns of explain_quote's result, in their order. */
enum
{
	COLUMN_SEQ,
	COLUMN_STEP,
	COLUMN_RULE,
	COLUMN_VERDICT,
	COLUMN_REASON,
	COLUMN_BASE,
	COLUMN_AMOUNT,
	COLUMN_RUNNING,
	EXPLAIN_COLUMNS
};

/* ----- format rows ----- */

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

/* ----- format text ----- */

/* Columns on a screen; Chinese takes two a character. */
static int
width(const char *text)
{
	int			columns = 0;

	for (; *text != '\0'; text += pg_mblen(text))
		columns += Max(pg_dsplen(text), 0);
	return columns;
}

static void
append_padded(StringInfo line, const char *text, int columns)
{
	appendStringInfoString(line, text);
	appendStringInfoSpaces(line, Max(columns - width(text), 0));
}

static char *
money_text(const Pricer *pricer, Dec amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, money_datum(pricer, amount)));
}

/* A column of amounts, one point under another. */
typedef struct MoneyColumn
{
	int			before;			/* characters before the point */
	int			after;			/* the point and what follows */
} MoneyColumn;

static int
before_point(const char *number)
{
	return (int) strcspn(number, ".");
}

static void
widen(MoneyColumn *column, const char *number)
{
	column->before = Max(column->before, before_point(number));
	column->after = Max(column->after, (int) strlen(number) - before_point(number));
}

static void
append_number(StringInfo line, const char *number, MoneyColumn column)
{
	appendStringInfoSpaces(line, column.before - before_point(number));
	append_padded(line, number, before_point(number) + column.after);
}

/* Ends the line, as a row of its own. */
static void
put_line(ReturnSetInfo *rsinfo, StringInfo line, int *seq)
{
	Datum		values[EXPLAIN_COLUMNS] = {0};
	bool		nulls[EXPLAIN_COLUMNS];

	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	memset(nulls, true, sizeof(nulls));
	values[COLUMN_SEQ] = Int32GetDatum(++(*seq));
	values[COLUMN_REASON] = CStringGetTextDatum(line->data);
	nulls[COLUMN_SEQ] = nulls[COLUMN_REASON] = false;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	resetStringInfo(line);
}

static char *
told_reason(const TraceRow *row)
{
	if (row->rule == 0)
		return pstrdup(row->reason);
	return psprintf("%s (rule " INT64_FORMAT ")", row->reason, row->rule);
}

/* "42.415 each, 15 % off list", after the net amount */
static void
append_unit_price(StringInfo line, const Pricer *pricer, const Quote *quote)
{
	Dec			percent = quote->discount_pct;

	appendStringInfo(line, "  %s each", money_text(pricer, quote->net_price));
	if (quote->has_discount && dec_sign(percent) > 0)
		appendStringInfo(line, ", %s %% off list", dec_text(percent));
	else if (quote->has_discount && dec_sign(percent) < 0)
		appendStringInfo(line, ", %s %% over list", dec_text(dec_neg(percent)));
	if (pricer->currency[0] != '\0')
		appendStringInfo(line, ", in %s", pricer->currency);
}

/*
 * step, reason, amount and what it leaves, in columns; below them the net
 * amount, and what is only told after it; then who lost; then the status.
 */
static void
put_text(ReturnSetInfo *rsinfo, const Pricer *pricer, const Trace *trace, const Quote *quote)
{
	StringInfoData line;
	Dec			running = DEC_ZERO;
	bool		net_told = quote->status == QUOTE_NO_PRICE;
	int			step_width = strlen("net");
	int			reason_width = 0;
	MoneyColumn amounts = {0, 0};
	MoneyColumn totals = {0, 0};
	int			seq = 0;
	Datum		status;
	bool		isnull;
	ListCell   *cell;

	initStringInfo(&line);
	foreach(cell, trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		running = dec_add(running, row->amount);
		step_width = Max(step_width, width(row->step));
		reason_width = Max(reason_width, width(told_reason(row)));
		widen(&amounts, money_text(pricer, row->amount));
		widen(&totals, money_text(pricer, running));
	}
	foreach(cell, trace->rejected)
		step_width = Max(step_width, width(((TraceRow *) lfirst(cell))->step));

	running = DEC_ZERO;
	for (cell = list_head(trace->waterfall); cell != NULL || !net_told;)
	{
		TraceRow   *row = cell != NULL ? lfirst(cell) : NULL;

		if (!net_told && (row == NULL || row->verdict == VERDICT_STATISTICAL))
		{
			append_padded(&line, "net", step_width + 2 + reason_width + 2 +
						  amounts.before + amounts.after + 2);
			append_number(&line, money_text(pricer, quote->net_amount), totals);
			append_unit_price(&line, pricer, quote);
			put_line(rsinfo, &line, &seq);
			net_told = true;
			continue;
		}
		running = dec_add(running, row->amount);
		append_padded(&line, row->step, step_width + 2);
		append_padded(&line, told_reason(row), reason_width + 2);
		append_number(&line, money_text(pricer, row->amount), amounts);
		appendStringInfoSpaces(&line, 2);
		append_number(&line, money_text(pricer, running), totals);
		put_line(rsinfo, &line, &seq);
		cell = lnext(trace->waterfall, cell);
	}

	if (trace->rejected != NIL)
	{
		appendStringInfoString(&line, "did not apply:");
		put_line(rsinfo, &line, &seq);
	}
	foreach(cell, trace->rejected)
	{
		TraceRow   *row = lfirst(cell);

		append_padded(&line, row->step, step_width + 2);
		appendStringInfoString(&line, told_reason(row));
		put_line(rsinfo, &line, &seq);
	}
	status = quote_column(pricer, quote, COLUMN_STATUS, &isnull);
	appendStringInfo(&line, "status: %s", TextDatumGetCString(status));
	put_line(rsinfo, &line, &seq);
}

/* ----- the call ----- */

static bool
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
		put_text(rsinfo, pricer, &trace, &quote);
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

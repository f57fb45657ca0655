/*
 * explain_text.c
 *		Explanations as lines to read, for people who sell.
 *
 * Step, reason, amount and what it leaves stand in columns, one set of them
 * for all lines of an order; below them the net amount, then who lost. Not
 * here: the words of the reasons (trace.c).
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "price/explain.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/* A column of amounts, one point under another. */
typedef struct MoneyColumn
{
	int			before;			/* characters before the point */
	int			after;			/* the point and what follows */
} MoneyColumn;

/* The text as it is written: the line at hand, and where the columns stand. */
typedef struct Sheet
{
	ReturnSetInfo *rsinfo;
	StringInfoData line;
	int			seq;
	int			indent;
	int			step_width;
	int			reason_width;
	MoneyColumn amounts;
	MoneyColumn totals;
} Sheet;

/* ----- columns ----- */

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

static char *
money_text(const Pricer *pricer, Dec amount)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, money_datum(pricer, amount)));
}

static char *
told_reason(const TraceRow *row)
{
	if (row->rule == 0)
		return pstrdup(row->reason);
	return psprintf("%s (rule " INT64_FORMAT ")", row->reason, row->rule);
}

/* "total" of an order, "net" of a line */
static const char *
sum_name(const Told *told)
{
	return told->line == WHOLE_ORDER ? "total" : "net";
}

/* Widens the columns to what they have to hold. */
static void
measure(Sheet *sheet, const Told *told)
{
	Dec			running = DEC_ZERO;
	ListCell   *cell;

	sheet->step_width = Max(sheet->step_width, width(sum_name(told)));
	foreach(cell, told->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		running = dec_add(running, row->amount);
		sheet->step_width = Max(sheet->step_width, width(row->step));
		sheet->reason_width = Max(sheet->reason_width, width(told_reason(row)));
		widen(&sheet->amounts, money_text(told->pricer, row->amount));
		widen(&sheet->totals, money_text(told->pricer, running));
	}
	if (told->quote->status != QUOTE_NO_PRICE)
		widen(&sheet->totals, money_text(told->pricer, told->quote->net_amount));
	foreach(cell, told->trace->rejected)
		sheet->step_width = Max(sheet->step_width, width(((TraceRow *) lfirst(cell))->step));
}

/* ----- lines ----- */

/* Ends the line, as a row of its own. */
static void
put_line(Sheet *sheet, int number)
{
	StringInfo	line = &sheet->line;
	Datum		all_values[EXPLAIN_COLUMNS + 1] = {0};
	bool		all_nulls[EXPLAIN_COLUMNS + 1];
	Datum	   *values = all_values + (number != NO_LINE);
	bool	   *nulls = all_nulls + (number != NO_LINE);

	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	memset(all_nulls, true, sizeof(all_nulls));
	all_values[0] = Int32GetDatum(number);
	all_nulls[0] = number == WHOLE_ORDER;
	values[COLUMN_SEQ] = Int32GetDatum(++sheet->seq);
	values[COLUMN_REASON] = CStringGetTextDatum(line->data);
	nulls[COLUMN_SEQ] = nulls[COLUMN_REASON] = false;
	tuplestore_putvalues(sheet->rsinfo->setResult, sheet->rsinfo->setDesc, all_values, all_nulls);
	resetStringInfo(line);
	appendStringInfoSpaces(line, sheet->indent);
}

/* "42.415 each, 15 % off list", after the net amount */
static void
append_terms(StringInfo line, const Told *told)
{
	const Pricer *pricer = told->pricer;
	const Quote *quote = told->quote;
	const char *before = "  ";
	Dec			percent;

	if (told->line != WHOLE_ORDER)
	{
		appendStringInfo(line, "  %s each", money_text(pricer, quote->net_price));
		before = ", ";
	}
	if (quote_discount(quote, &percent) && dec_sign(percent) != 0)
	{
		bool		off = dec_sign(percent) > 0;

		appendStringInfo(line, "%s%s %% %s list", before,
						 dec_text(off ? percent : dec_neg(percent)),
						 off ? "off" : "over");
		before = ", ";
	}
	if (pricer->currency[0] != '\0')
		appendStringInfo(line, "%sin %s", before, pricer->currency);
}

static void
put_sum(Sheet *sheet, const Told *told)
{
	append_padded(&sheet->line, sum_name(told), sheet->step_width + 2 + sheet->reason_width + 2 +
				  sheet->amounts.before + sheet->amounts.after + 2);
	append_number(&sheet->line, money_text(told->pricer, told->quote->net_amount), sheet->totals);
	append_terms(&sheet->line, told);
	put_line(sheet, told->line);
}

/* The waterfall; below it the net amount, and what is only told after it. */
static void
put_waterfall(Sheet *sheet, const Told *told)
{
	bool		sum_told = told->quote->status == QUOTE_NO_PRICE;
	Dec			running = DEC_ZERO;
	ListCell   *cell;

	foreach(cell, told->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		if (row->verdict == VERDICT_STATISTICAL && !sum_told)
		{
			put_sum(sheet, told);
			sum_told = true;
		}
		running = dec_add(running, row->amount);
		append_padded(&sheet->line, row->step, sheet->step_width + 2);
		append_padded(&sheet->line, told_reason(row), sheet->reason_width + 2);
		append_number(&sheet->line, money_text(told->pricer, row->amount), sheet->amounts);
		appendStringInfoSpaces(&sheet->line, 2);
		append_number(&sheet->line, money_text(told->pricer, running), sheet->totals);
		put_line(sheet, told->line);
	}
	if (!sum_told)
		put_sum(sheet, told);
}

static void
put_losers(Sheet *sheet, const Told *told)
{
	ListCell   *cell;

	if (told->trace->rejected != NIL)
	{
		appendStringInfoString(&sheet->line, "did not apply:");
		put_line(sheet, told->line);
	}
	foreach(cell, told->trace->rejected)
	{
		TraceRow   *row = lfirst(cell);

		append_padded(&sheet->line, row->step, sheet->step_width + 2);
		appendStringInfoString(&sheet->line, told_reason(row));
		put_line(sheet, told->line);
	}
}

/* Of an order's lines only where there is something to say. */
static void
put_status(Sheet *sheet, const Told *told)
{
	bool		isnull;
	Datum		status = quote_column(told->pricer, told->quote, COLUMN_STATUS, &isnull);

	if (told->line > 0 && told->quote->status == QUOTE_OK)
		return;
	appendStringInfo(&sheet->line, "status: %s", TextDatumGetCString(status));
	put_line(sheet, told->line);
}

void
put_text(ReturnSetInfo *rsinfo, const Told *told, int n)
{
	Sheet		sheet = {.rsinfo = rsinfo};
	int			i;

	initStringInfo(&sheet.line);
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		measure(&sheet, &told[i]);
	}
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (told[i].title != NULL)
		{
			resetStringInfo(&sheet.line);
			appendStringInfoString(&sheet.line, told[i].title);
			sheet.indent = 2;
			put_line(&sheet, told[i].line);
		}
		put_waterfall(&sheet, &told[i]);
		put_losers(&sheet, &told[i]);
		put_status(&sheet, &told[i]);
	}
}

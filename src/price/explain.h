/*
 * explain.h
 *		Explanations as results: rows of columns, or lines of text.
 */
#ifndef QUOTETIER_EXPLAIN_H
#define QUOTETIER_EXPLAIN_H

#include "postgres.h"

#include "price/quote.h"

/* Columns of explain_quote's result, in their order; explain_order has the line's number before them. */
typedef enum ExplainColumn
{
	COLUMN_SEQ,
	COLUMN_STEP,
	COLUMN_RULE,
	COLUMN_VERDICT,
	COLUMN_REASON,
	COLUMN_BASE,
	COLUMN_AMOUNT,
	COLUMN_RUNNING
} ExplainColumn;

#define EXPLAIN_COLUMNS (COLUMN_RUNNING + 1)

/* Whose explanation it is. */
#define NO_LINE (-1)			/* a line that stands alone: the result has no number */
#define WHOLE_ORDER 0			/* no line's: the number is null */

/* What the argument format says; an error if it is neither 'rows' nor 'text'. */
extern bool wants_text(text *format);

/* The rows of a trace, behind the line's number where there is one. */
extern void put_trace(ReturnSetInfo *rsinfo, const Pricer *pricer, const Trace *trace, int line);

/* One of the explanations that make a text. */
typedef struct Told
{
	const Pricer *pricer;
	const Trace *trace;
	const Quote *quote;
	int			line;			/* its number, WHOLE_ORDER or NO_LINE */
	const char *title;			/* what stands above it; NULL: nothing */
} Told;

/* explain_text.c: lines to read, in one set of columns. */
extern void put_text(ReturnSetInfo *rsinfo, const Told *told, int n);

#endif

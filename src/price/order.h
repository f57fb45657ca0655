/*
 * order.h
 *		An order being priced: its lines side by side, and its header.
 */
#ifndef QUOTETIER_ORDER_H
#define QUOTETIER_ORDER_H

#include "postgres.h"

#include "price/pricer.h"

typedef struct OrderLine
{
	Pricer	   *pricer;
	Jsonb	   *facts;
	bool		given;			/* a gift: no part in totals and discounts */
	int			at;				/* place among the rules found */
	LineState	entry;			/* on entry to the step that is running */
	bool		discounted;		/* the rule being tried takes off this line */
	bool		counted;		/* it measures this line */
} OrderLine;

typedef struct Order
{
	Pricer	   *header;
	OrderLine  *lines;
	int			nlines;
	int			room;
	OrderTotals totals;
	Dec			undistributed;	/* what no line could take */
} Order;

/* Adds a line; its facts are the header's and its own, which win. */
extern OrderLine *order_add_line(Order *order, Jsonb *facts, Numeric quantity);

/* Runs the line steps over all lines, from the first-th on, step by step. */
extern void order_run_lines(Order *order, int first);

/*
 * order_scale.c: measures a rule's scale over the lines that share its
 * scale_by facts. False if the line is none of them; else their total, and the
 * line's part of an amount that is due for all of them.
 */
extern bool order_group(Pricer *pricer, const Rule *rule, Dec measure, Dec *total);
extern Dec	order_part(Pricer *pricer, const Rule *rule, Dec measure, Dec amount);

#endif

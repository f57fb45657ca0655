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
	LineState	entry;			/* on entry to the line step that is running */
	Jsonb	   *entry_facts;	/* what conditions see there; NULL: not built */
	bool		discounted;		/* the order rule being tried takes off this line */
	bool		counted;		/* it measures this line */
} OrderLine;

typedef struct Order
{
	Pricer	   *header;
	OrderLine  *lines;
	int			nlines;
	int			room;
	List	   *scales;			/* of the line step that is running: order_scale.c */
	OrderTotals totals;
	Dec			undistributed;	/* what order rules would have taken, and no line could give */
} Order;

/* Adds a line; its facts are the header's and its own, which win. */
extern OrderLine *order_add_line(Order *order, Jsonb *facts, Numeric quantity);

/* Runs the line steps over all lines, from the first-th on, step by step. */
extern void order_run_lines(Order *order, int first);

/* ----- order_scale.c: scales over the lines that share a rule's scale_by facts ----- */

typedef enum Part
{
	PART_AMOUNT,				/* with the fee */
	PART_FEE
} Part;

/* A line among those measured together with it. */
typedef struct OrderGroup
{
	Dec			total;			/* what they measure together; alone: the line's own */
	Dec			weight;			/* what their parts are in proportion to, added up */
	bool		pools_amount;	/* the scale's amount is for all of them; they share it */
	bool		pools_fee;
	struct LineGroup *lines;	/* NULL: the line is measured alone */
	int			place;			/* the line's among them */
} OrderGroup;

extern void order_group(Pricer *pricer, const Rule *rule, const Effect *effect, Dec measure,
						OrderGroup *group);

/* The line's part of an amount that is for all of them. */
extern Dec	order_part(Pricer *pricer, OrderGroup *group, Part part, Dec amount);

#endif

/*
 * price_row.h
 *		What the trigger price_row() knows of its table for the length of a statement.
 */
#ifndef QUOTETIER_PRICE_ROW_H
#define QUOTETIER_PRICE_ROW_H

#include "postgres.h"

#include "access/tupconvert.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "price/pricer.h"

/* Columns of the row count from 0; this is none. */
#define NO_COLUMN (-1)

/* A column of the row that holds a column of the quote. */
typedef struct PriceTarget
{
	QuoteColumn quoted;
	int			column;
	Oid			type;			/* as declared: may be a domain */
	Oid			base;
	int32		typmod;
	Oid			collation;
	void	   *domain;			/* what domain_check keeps */
	FmgrInfo	input;			/* of the base type, for texts */
	Oid			input_param;
	FmgrInfo	equal;			/* to verify */
} PriceTarget;

/* The user's function that turns a row into facts. */
typedef struct FactFunction
{
	Oid			oid;			/* InvalidOid: the row itself is the facts */
	FmgrInfo	call;
	bool		gives_json;
	TupleDesc	row;			/* NULL: it takes the table's row, or any record */
	TupleConversionMap *map;	/* to that; NULL: only by name another type */
} FactFunction;

typedef struct RowPricing
{
	MemoryContext context;
	Pricer	   *pricer;
	bool		verify;			/* refuse what differs, instead of filling it in */
	bool		has_status;
	int			quantity;		/* NO_COLUMN: 1 */
	Oid			quantity_type;
	int			as_of;			/* NO_COLUMN: now() */
	Oid			as_of_type;
	int			policy_column;
	const char *policy;			/* without a policy column */
	FactFunction facts;
	int			ntargets;
	PriceTarget targets[QUOTE_COLUMNS];
	bool	   *is_input;		/* a column: does a change of it price the row again? */
	bool	   *is_hidden;		/* a column: is it kept from the facts? */
	Datum	   *values;			/* the new row, and the old one */
	bool	   *nulls;
	Datum	   *old_values;
	bool	   *old_nulls;
	uint64		checked_serial; /* the policy whose facts have been looked at */
	const char *table;			/* for messages */
	const char *trigger;
	const char *doing;			/* the column being filled, or NULL */
} RowPricing;

/* price_row_setup.c: from the trigger's arguments; refuses what does not fit the table. */
extern RowPricing *row_pricing_create(Trigger *trigger, Relation rel, MemoryContext context);

/* The names of quote's columns, in the order of QuoteColumn. */
extern const char *const quote_column_names[QUOTE_COLUMNS];

#endif

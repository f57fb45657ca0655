/*
 * customers.h
 *		The customers of a table of orders: last day, number of orders, revenue.
 *
 * A set is made by one pass over the table and then either lies in memory, as
 * the hash table left it, or, if that was not enough, in a tuplestore. Not
 * here: scores.
 */
#ifndef QUOTETIER_CUSTOMERS_H
#define QUOTETIER_CUSTOMERS_H

#include "postgres.h"

#include "base/dec.h"
#include "rfm/customer_hash.h"
#include "utils/date.h"
#include "utils/tuplestore.h"

typedef enum RfmMeasure
{
	RECENCY,					/* days from the last order's to as_of */
	FREQUENCY,
	MONETARY
} RfmMeasure;

#define RFM_MEASURES	3

/* One customer, as it leaves the set. */
typedef struct CustomerRow
{
	Datum		name;			/* text */
	Dec			value[RFM_MEASURES];
} CustomerRow;

typedef struct CustomerSet
{
	MemoryContext context;
	DateADT		as_of;
	int64		n;
	int			scale;			/* decimals revenues show */

	/* in memory */
	CustomerHash *hash;			/* compacted; NULL if stored */
	bool		uuid_keys;		/* the texts are 16 bytes of uuid */

	/* or stored: customer text, last_day date, orders bigint, revenue numeric */
	Tuplestorestate *store;
	TupleTableSlot *slot;

	int64		next;			/* of the walk through a set in memory */
} CustomerSet;

/*
 * The customers of a table's orders up to as_of, seen by the caller's snapshot
 * with the caller's privileges.
 */
extern CustomerSet *customers_collect(Oid source, const char *customer, const char *at,
									  const char *amount, DateADT as_of);

extern void customers_free(CustomerSet *set);

/* Walks through the set; what a row points to is valid until the next. */
extern void customers_rewind(CustomerSet *set);
extern bool customers_next(CustomerSet *set, CustomerRow *row);

/* All values of a measure, counted in 10^-scale; of a set in memory only. */
extern int128 *customers_units(CustomerSet *set, RfmMeasure measure, int *scale);

/*
 * The values of the given ranks (0-based, ascending), as decimals that stay; of
 * a stored set only.
 */
extern void customers_values_at(CustomerSet *set, RfmMeasure measure,
								const int64 *ranks, int nranks, Dec *values);

#endif

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
	bool		numbers;		/* customers are integers */
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

/* A customer of a hash table as a row. */
extern void customers_row_of(const CustomerSet *set, const CustomerHash *hash,
							 const Customer *customer, CustomerRow *row);

extern void customers_free(CustomerSet *set);

/* Walks through the set; what a row points to is valid until the next. */
extern void customers_rewind(CustomerSet *set);
extern bool customers_next(CustomerSet *set, CustomerRow *row);

/*
 * The values of the given ranks (0-based, ascending) of a measure, as decimals
 * that stay.
 */
extern void customers_values_at(CustomerSet *set, RfmMeasure measure,
								const int64 *ranks, int nranks, Dec *values);

/*
 * The same when customers (text) part ties; numbers come in the order of
 * numbers, texts in that of the database's collation.
 */
extern void customers_in_order(CustomerSet *set, RfmMeasure measure, const int64 *ranks,
							   int nranks, Dec *values, Datum *customers);

/* Compares two customers in that order. */
extern int	customers_compare(const CustomerSet *set, Datum a, Datum b);

/*
 * The distinct values of a measure, ascending, in some unit, and how many
 * customers there are up to each.
 */
extern int64 customers_spectrum(CustomerSet *set, RfmMeasure measure, long double **values,
								int64 **upto);

#endif

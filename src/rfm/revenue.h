/*
 * revenue.h
 *		A running sum of amounts of any scale, exact, of fixed size.
 *
 * A revenue is units / 10^scale with 256-bit units: 76 digits, counted from
 * the highest one to the last decimal place of any amount in it, are always
 * held. Where that is not enough an error says so; nothing is ever rounded.
 * Not here: what is summed, and why.
 */
#ifndef QUOTETIER_REVENUE_H
#define QUOTETIER_REVENUE_H

#include "postgres.h"

#include "utils/numeric.h"

typedef struct Revenue
{
	uint128		low;			/* two's complement of 256 bits */
	int128		high;
	int16		scale;			/* decimals that units count */
	int16		shown;			/* decimals to be shown, >= scale, as sum(numeric) would */
	int32		unused;			/* zero */
} Revenue;

/* Reads an amount; NaN and infinity are refused. */
extern void revenue_from_numeric(Revenue *result, Datum amount);

/* a += b, of any scales */
extern void revenue_add(Revenue *a, const Revenue *b);

/* a += amount, of any scale and size */
extern void revenue_add_numeric(Revenue *a, Datum amount);

extern Numeric revenue_to_numeric(const Revenue *a);

/* The same value in as few decimals as hold it: equal revenues get equal units. */
extern Revenue revenue_canonical(const Revenue *a);

/* Equal as numbers: 1.5 and 1.50 are. */
extern bool revenue_equal(const Revenue *a, const Revenue *b);

/* Counts in finer units; false, and a untouched, when they do not fit. */
extern bool revenue_rescale(Revenue *a, int scale);

extern bool revenue_valid(const Revenue *a);

/* a += units of a's own scale; false, and a untouched, when out of range */
static inline bool
revenue_add_units(Revenue *a, int64 units)
{
	uint128		low = a->low + (uint128) (int128) units;
	int			carry = (units < 0 ? -1 : 0) + (low < a->low);

	if (unlikely(carry != 0))
	{
		int128		high;

		if (__builtin_add_overflow(a->high, (int128) carry, &high))
			return false;
		a->high = high;
	}
	a->low = low;
	return true;
}

#endif

/*
 * cuts.h
 *		Cut points of a set of values, and what they make of a value: its score.
 *
 * Values are 128-bit counts of 10^-scale. A score is 1 + the number of cuts
 * that lie below the value: ties are never split, a value that equals a cut
 * stays in the lower bin. Not here: where values come from.
 */
#ifndef QUOTETIER_CUTS_H
#define QUOTETIER_CUTS_H

#include "postgres.h"

#include "base/dec.h"
#include "utils/array.h"

/* Most bins anything is cut into. */
#define MAX_BINS		1000

/*
 * Brings the values of the given ranks (0-based, ascending) to their places,
 * as sorting would. Reorders values.
 */
extern void select_ranks(int128 *values, int64 n, const int64 *ranks, int nranks);

/* The value that stands part / parts of the way from low to high. */
extern Dec	cut_between(Dec low, Dec high, int64 part, int64 parts);

/*
 * Type-7 quantile k of bins stands between the value of this rank and the
 * next: at quantile_cut.
 */
extern int64 quantile_rank(int64 n, int bins, int k);
extern Dec	quantile_cut(int64 n, int bins, int k, Dec low, Dec high);

/* All ranks that the bins - 1 quantiles need, ascending; returns how many. */
extern int	quantile_ranks(int64 n, int bins, int64 *ranks);

/*
 * The bins - 1 type-7 quantiles of the values, in palloc'd decimals. Reorders
 * values; n > 0.
 */
extern Dec *quantile_cuts_of(int128 *values, int64 n, int scale, int bins);

/* Reads cuts, which have to be ascending and finite, as palloc'd decimals. */
extern Dec *cuts_from_array(ArrayType *array, int *ncuts);

extern ArrayType *cuts_to_array(const Dec *cuts, int ncuts);

/* A SELECT's bins argument, refused unless it lies in the range. */
extern void check_bins(int bins, int least, int most);

static inline Dec
dec_units_of(int128 units, int scale)
{
	Dec			d;

	d.v = units;
	d.scale = scale;
	d.big = NULL;
	return d;
}

#endif

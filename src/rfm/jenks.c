/*
 * jenks.c
 *		Exact natural breaks in one dimension, after Jenks and Fisher.
 *
 * The classes with the least sum of squared distances from their means, found
 * by dynamic programming over the distinct values. Where the last class begins
 * moves to the right with where it ends, so each step divides and conquers: n
 * log n instead of n squared. Pure mathematics, no fmgr.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "rfm/customer_cuts.h"

typedef struct Jenks
{
	const int64 *upto;
	long double *sum;			/* of the values up to here, each as often as it occurs */
	long double *squares;
	long double *before;		/* least cost of the first i values in one class fewer */
	long double *cost;
	int32	   *start;			/* where the last class of the best begins, by end */
} Jenks;

/* Sum of squared distances from their mean of the values first .. last. */
static inline long double
class_cost(const Jenks *j, int64 first, int64 last)
{
	long double sum = j->sum[last] - (first > 0 ? j->sum[first - 1] : 0);
	long double squares = j->squares[last] - (first > 0 ? j->squares[first - 1] : 0);
	int64		n = j->upto[last] - (first > 0 ? j->upto[first - 1] : 0);

	return squares - sum * sum / n;
}

/* Fills cost and start for ends low .. high, whose last class begins in least .. most. */
static void
divide(Jenks *j, int64 low, int64 high, int64 least, int64 most)
{
	while (low <= high)
	{
		int64		end = low + (high - low) / 2;
		int64		best = least;
		long double best_cost = 0;
		int64		first;

		CHECK_FOR_INTERRUPTS();
		for (first = least; first <= Min(most, end); first++)
		{
			long double cost = j->before[first - 1] + class_cost(j, first, end);

			if (first == least || cost < best_cost)
			{
				best = first;
				best_cost = cost;
			}
		}
		j->cost[end] = best_cost;
		j->start[end] = (int32) best;
		divide(j, low, end - 1, least, best);
		low = end + 1;
		least = best;
	}
}

void
jenks_breaks(const long double *values, const int64 *upto, int64 n, int classes,
			 int64 *breaks)
{
	Jenks		j;
	int32	   *starts;
	long double centre = values[n / 2];
	int64		i;
	int			k;

	if (classes < 2)
		return;
	if (n > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many distinct values for natural breaks")));
	j.upto = upto;
	j.sum = palloc_extended(n * sizeof(long double), MCXT_ALLOC_HUGE);
	j.squares = palloc_extended(n * sizeof(long double), MCXT_ALLOC_HUGE);
	j.before = palloc_extended(n * sizeof(long double), MCXT_ALLOC_HUGE);
	j.cost = palloc_extended(n * sizeof(long double), MCXT_ALLOC_HUGE);
	starts = palloc_extended((size_t) n * (classes - 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (i = 0; i < n; i++)
	{
		int64		count = upto[i] - (i > 0 ? upto[i - 1] : 0);
		long double x = values[i] - centre;

		j.sum[i] = (i > 0 ? j.sum[i - 1] : 0) + x * count;
		j.squares[i] = (i > 0 ? j.squares[i - 1] : 0) + x * x * count;
	}
	for (i = 0; i < n; i++)
		j.before[i] = class_cost(&j, 0, i);

	for (k = 1; k < classes; k++)
	{
		long double *swap;

		/* k + 1 classes need k + 1 values */
		j.start = starts + (k - 1) * n;
		divide(&j, k, n - 1, k, n - 1);
		swap = j.before;
		j.before = j.cost;
		j.cost = swap;
	}
	for (k = classes - 1, i = n - 1; k > 0; k--)
	{
		i = starts[(k - 1) * n + i] - 1;
		breaks[k - 1] = i;
	}
	pfree(j.sum);
	pfree(j.squares);
	pfree(j.before);
	pfree(j.cost);
	pfree(starts);
}

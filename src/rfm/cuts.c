/*
 * cuts.c
 *		Order statistics and quantiles, exact.
 *
 * Only the few values that decide are put in their place, which takes a tenth
 * of the time of sorting all. Not here: SQL functions (score.c,
 * quantile_cuts.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/cuts.h"
#include "utils/builtins.h"

/* Ranges up to this length are sorted by insertion. */
#define SMALL_RANGE		24

/* A non-terminating cut is given with so many decimals more than its values. */
#define EXTRA_DECIMALS	6

static inline void
swap(int128 *a, int128 *b)
{
	int128		t = *a;

	*a = *b;
	*b = t;
}

static void
sort_small(int128 *v, int64 n)
{
	int64		i;

	for (i = 1; i < n; i++)
	{
		int128		x = v[i];
		int64		j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* The middle one of three values picked at random: no input is slow on purpose. */
static int128
pick_pivot(const int128 *v, int64 n, uint64 *random)
{
	int128		p[3];
	int			i;

	for (i = 0; i < 3; i++)
	{
		*random = *random * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		p[i] = v[(*random >> 16) % (uint64) n];
	}
	sort_small(p, 3);
	return p[1];
}

/* ranks are counted from the start of v - offset */
static void
select_within(int128 *v, int64 n, int64 offset, const int64 *ranks, int nranks, uint64 *random)
{
	while (nranks > 0)
	{
		int128		pivot;
		int64		below = 0;
		int64		above = n;
		int64		i = 0;
		int			nbelow = 0;

		CHECK_FOR_INTERRUPTS();
		check_stack_depth();
		if (n <= SMALL_RANGE)
		{
			sort_small(v, n);
			return;
		}

		/* v[0, below) < pivot, v[below, above) = pivot, v[above, n) > pivot */
		pivot = pick_pivot(v, n, random);
		while (i < above)
		{
			if (v[i] < pivot)
				swap(&v[below++], &v[i++]);
			else if (v[i] > pivot)
				swap(&v[i], &v[--above]);
			else
				i++;
		}

		while (nbelow < nranks && ranks[nbelow] - offset < below)
			nbelow++;
		select_within(v, below, offset, ranks, nbelow, random);
		while (nbelow < nranks && ranks[nbelow] - offset < above)
			nbelow++;
		ranks += nbelow;
		nranks -= nbelow;
		v += above;
		n -= above;
		offset += above;
	}
}

void
select_ranks(int128 *values, int64 n, const int64 *ranks, int nranks)
{
	uint64		random = 0x5DEECE66D;

	select_within(values, n, 0, ranks, nranks, &random);
}

Dec
cut_between(Dec low, Dec high, int64 part, int64 parts)
{
	Dec			step;
	Dec			increment;

	if (part == 0 || dec_cmp(low, high) == 0)
		return low;

	/* rounded down, so that it stays below high, as the true cut does */
	step = dec_mul(dec_sub(high, low), dec_make(part, 0));
	increment = dec_make(1, Max(low.scale, high.scale) + EXTRA_DECIMALS);
	return dec_add(low, dec_div(step, dec_make(parts, 0), increment, ROUND_DOWN));
}

/* floor((n - 1) k / bins), which could overflow if written so */
int64
quantile_rank(int64 n, int bins, int k)
{
	return (n - 1) / bins * k + (n - 1) % bins * k / bins;
}

Dec
quantile_cut(int64 n, int bins, int k, Dec low, Dec high)
{
	return cut_between(low, high, (n - 1) % bins * k % bins, bins);
}

int
quantile_ranks(int64 n, int bins, int64 *ranks)
{
	int			nranks = 0;
	int			k;

	for (k = 1; k < bins; k++)
	{
		int64		low = quantile_rank(n, bins, k);

		if (nranks == 0 || ranks[nranks - 1] < low)
			ranks[nranks++] = low;
		if (low + 1 < n && ranks[nranks - 1] < low + 1)
			ranks[nranks++] = low + 1;
	}
	return nranks;
}

Dec *
quantile_cuts_of(int128 *values, int64 n, int scale, int bins)
{
	Dec		   *cuts = palloc(sizeof(Dec) * bins);
	int64	   *ranks = palloc(sizeof(int64) * 2 * bins);
	int			nranks = quantile_ranks(n, bins, ranks);
	int			k;

	select_ranks(values, n, ranks, nranks);
	for (k = 1; k < bins; k++)
	{
		int64		low = quantile_rank(n, bins, k);

		cuts[k - 1] = quantile_cut(n, bins, k, dec_units_of(values[low], scale),
								   dec_units_of(values[Min(low + 1, n - 1)], scale));
	}
	return cuts;
}

ArrayType *
cuts_to_array(const Dec *cuts, int ncuts)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(ncuts, 1));
	int			i;

	for (i = 0; i < ncuts; i++)
		elements[i] = NumericGetDatum(dec_to_numeric(&cuts[i], 0));
	return construct_array(elements, ncuts, NUMERICOID, -1, false, TYPALIGN_INT);
}

static void
bad_cuts(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid cuts"),
			 errdetail("%s", detail),
			 errhint("Cuts are a one-dimensional array in ascending order, as quantile_cuts(v, bins) returns them.")));
}

Dec *
cuts_from_array(ArrayType *array, int *ncuts)
{
	Datum	   *elements;
	bool	   *nulls;
	Dec		   *cuts;
	int			i;

	if (ARR_NDIM(array) > 1)
		bad_cuts("The array has more than one dimension.");
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, &nulls, ncuts);
	cuts = palloc(sizeof(Dec) * Max(*ncuts, 1));
	for (i = 0; i < *ncuts; i++)
	{
		if (nulls[i])
			bad_cuts("A cut is NULL.");
		/* a copy: long ones point into it, and arrays are not aligned for them */
		if (!dec_from_numeric(DatumGetNumericCopy(elements[i]), &cuts[i]))
			bad_cuts("A cut is not a finite number.");
		if (i > 0 && dec_cmp(cuts[i - 1], cuts[i]) > 0)
			bad_cuts("A cut is smaller than the one before it.");
	}
	return cuts;
}

void
check_bins(int bins, int least, int most)
{
	if (bins < least || bins > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be between %d and %d", least, most),
				 errdetail("%d bins were asked for.", bins),
				 errhint("Five is usual.")));
}

/*
 * customer_cuts.c
 *		Scoring modes: from a set of customers to the cuts of its measures.
 *
 * Recency is cut in days, so that its scores still have to be turned round.
 * Not here: what is done with the cuts (rfm_table.c, rfm_model.c).
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/customer_cuts.h"
#include "rfm/cuts.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static const char *const mode_names[] = {
	"quantile", "rfm_r", "ntile", "fixed", "jenks", "mean", "median"
};

ScoreMode
score_mode_from_name(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(mode_names); i++)
		if (strcmp(name, mode_names[i]) == 0)
			return (ScoreMode) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown scoring mode \"%s\"", name),
			 errhint("The modes are quantile, rfm_r, ntile, fixed, jenks, mean and median.")));
}

void
check_mode(ScoreMode mode, int bins, ArrayType *given[RFM_MEASURES])
{
	static const char *const arguments[] = {"r_cuts", "f_cuts", "m_cuts"};
	int			i;

	check_bins(bins, MIN_SEGMENT_BINS, MAX_SEGMENT_BINS);
	if ((mode == MODE_MEAN || mode == MODE_MEDIAN) && bins != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mode \"%s\" makes two bins, not %d", mode_names[mode], bins),
				 errhint("Pass bins => 2, and a map for two bins such as chinese_8.")));
	for (i = 0; i < RFM_MEASURES; i++)
	{
		int			ncuts;

		if ((given[i] != NULL) != (mode == MODE_FIXED))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 mode == MODE_FIXED ?
					 errmsg("mode \"fixed\" needs %s", arguments[i]) :
					 errmsg("%s is only for mode \"fixed\"", arguments[i]),
					 errhint("Cuts are given as ascending arrays: r_cuts in days, f_cuts in orders, m_cuts in money.")));
		if (given[i] == NULL)
			continue;
		(void) cuts_from_array(given[i], &ncuts);
		if (ncuts != bins - 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must have %d cuts for %d bins", arguments[i], bins - 1, bins),
					 errdetail("It has %d.", ncuts)));
	}
}

bool
mode_closed_left(ScoreMode mode, RfmMeasure measure)
{
	switch (mode)
	{
		case MODE_RFM_R:
			return true;
		case MODE_MEAN:
		case MODE_MEDIAN:
			/* as recent as the mean is recent */
			return measure != RECENCY;
		default:
			return false;
	}
}

/* ----- the modes ----- */

static Dec
value_at(int64 rank, const int64 *ranks, const Dec *values)
{
	while (*ranks != rank)
	{
		ranks++;
		values++;
	}
	return *values;
}

static void
quantile_mode(CustomerSet *set, RfmMeasure measure, int bins, ScoreCuts *cuts)
{
	int64		ranks[2 * MAX_SEGMENT_BINS];
	Dec			values[2 * MAX_SEGMENT_BINS];
	int			nranks = quantile_ranks(set->n, bins, ranks);
	int			k;

	customers_values_at(set, measure, ranks, nranks, values);
	for (k = 1; k < bins; k++)
	{
		int64		low = quantile_rank(set->n, bins, k);

		cuts->cut[k - 1] = quantile_cut(set->n, bins, k, value_at(low, ranks, values),
										value_at(Min(low + 1, set->n - 1), ranks, values));
	}
}

static void
mean_mode(CustomerSet *set, RfmMeasure measure, ScoreCuts *cuts)
{
	Dec			sum = DEC_ZERO;
	CustomerRow row;
	MemoryContext rows = AllocSetContextCreate(CurrentMemoryContext, "quotetier mean",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(rows);
	Dec			unit;

	customers_rewind(set);
	while (customers_next(set, &row))
	{
		CHECK_FOR_INTERRUPTS();
		sum = dec_add(sum, row.value[measure]);
		if (sum.big == NULL)
			MemoryContextReset(rows);
	}
	MemoryContextSwitchTo(caller);

	/* rounded to the side where no value of the set can be */
	unit = dec_make(1, (measure == MONETARY ? set->scale : 0) + 6);
	cuts->cut[0] = dec_div(sum, dec_make(set->n, 0), unit,
						   cuts->closed_left ? ROUND_CEILING : ROUND_FLOOR);
	if (cuts->cut[0].big != NULL)
		cuts->cut[0].big = (Numeric) PG_DETOAST_DATUM_COPY(NumericGetDatum(cuts->cut[0].big));
	MemoryContextDelete(rows);
}

static void
jenks_mode(CustomerSet *set, RfmMeasure measure, int bins, ScoreCuts *cuts)
{
	long double *values;
	int64	   *upto;
	int64		n = customers_spectrum(set, measure, &values, &upto);
	int			classes = Min(n, bins);
	int64		breaks[MAX_SEGMENT_BINS];
	int64		ranks[MAX_SEGMENT_BINS];
	int			k;

	jenks_breaks(values, upto, n, classes, breaks);
	/* values fewer than bins are a class each, and higher scores stay empty */
	for (k = 0; k < bins - 1; k++)
		ranks[k] = (k < classes - 1 ? upto[breaks[k]] : set->n) - 1;
	pfree(values);
	pfree(upto);
	customers_values_at(set, measure, ranks, bins - 1, cuts->cut);
}

/* The rank at which bin k (0-based) of ntile begins. */
static int64
ntile_start(int64 n, int bins, int k)
{
	return n / bins * k + Min(k, n % bins);
}

static void
ntile_mode(CustomerSet *set, RfmMeasure measure, int bins, ScoreCuts *cuts)
{
	int64		ranks[MAX_SEGMENT_BINS];
	int			k;

	cuts->by_customer = true;
	cuts->ncuts = Min(bins, set->n) - 1;
	for (k = 0; k < cuts->ncuts; k++)
		ranks[k] = ntile_start(set->n, bins, k + 1);
	customers_in_order(set, measure, ranks, cuts->ncuts, cuts->cut, cuts->customer);
}

static void
given_cuts(ArrayType *given, ScoreCuts *cuts)
{
	int			n;
	Dec		   *d = cuts_from_array(given, &n);

	memcpy(cuts->cut, d, n * sizeof(Dec));
}

ScoreCuts
customers_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode, int bins,
			   ArrayType *given)
{
	ScoreCuts	cuts;
	int			k;

	memset(&cuts, 0, sizeof(cuts));
	cuts.ncuts = bins - 1;
	cuts.closed_left = mode_closed_left(mode, measure);
	switch (mode)
	{
		case MODE_QUANTILE:
		case MODE_MEDIAN:
			quantile_mode(set, measure, bins, &cuts);
			break;
		case MODE_RFM_R:
			quantile_mode(set, measure, bins, &cuts);
			for (k = 0; k < cuts.ncuts; k++)
				cuts.cut[k] = dec_add(cuts.cut[k], dec_make(1, 0));
			break;
		case MODE_NTILE:
			ntile_mode(set, measure, bins, &cuts);
			break;
		case MODE_FIXED:
			given_cuts(given, &cuts);
			break;
		case MODE_JENKS:
			jenks_mode(set, measure, bins, &cuts);
			break;
		case MODE_MEAN:
			mean_mode(set, measure, &cuts);
			break;
	}
	return cuts;
}

ScoreCuts
keepable_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode, int bins,
			  ArrayType *given)
{
	ScoreCuts	cuts;
	int64		ranks[MAX_SEGMENT_BINS];
	int			k;

	if (mode != MODE_NTILE)
		return customers_cuts(set, measure, mode, bins, given);
	memset(&cuts, 0, sizeof(cuts));
	cuts.ncuts = bins - 1;
	for (k = 0; k < cuts.ncuts; k++)
		ranks[k] = Max(Min(ntile_start(set->n, bins, k + 1), set->n) - 1, 0);
	customers_values_at(set, measure, ranks, cuts.ncuts, cuts.cut);
	return cuts;
}

int
score_by_cuts(const ScoreCuts *cuts, const Dec *value)
{
	int			score = 1;
	int			k;

	Assert(!cuts->by_customer);
	for (k = 0; k < cuts->ncuts; k++)
		score += dec_cmp(*value, cuts->cut[k]) >= (cuts->closed_left ? 0 : 1);
	return score;
}

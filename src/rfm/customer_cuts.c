/*
 * customer_cuts.c
 *		Scoring modes: from a set of customers to the cut points of its measures.
 *
 * Not here: what is done with the cuts.
 */
#include "postgres.h"

#include "rfm/customer_cuts.h"
#include "rfm/cuts.h"

ScoreMode
score_mode_from_name(const char *name)
{
	if (strcmp(name, "quantile") == 0)
		return MODE_QUANTILE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown scoring mode \"%s\"", name),
			 errhint("The modes are: quantile.")));
}

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

static Dec *
stored_quantile_cuts(CustomerSet *set, RfmMeasure measure, int bins)
{
	Dec		   *cuts = palloc(sizeof(Dec) * bins);
	int64	   *ranks = palloc(sizeof(int64) * 2 * bins);
	Dec		   *values = palloc(sizeof(Dec) * 2 * bins);
	int			nranks = quantile_ranks(set->n, bins, ranks);
	int			k;

	customers_values_at(set, measure, ranks, nranks, values);
	for (k = 1; k < bins; k++)
	{
		int64		low = quantile_rank(set->n, bins, k);

		cuts[k - 1] = quantile_cut(set->n, bins, k, value_at(low, ranks, values),
								   value_at(Min(low + 1, set->n - 1), ranks, values));
	}
	return cuts;
}

Dec *
customers_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode, int bins)
{
	int128	   *units;
	int			scale;
	Dec		   *cuts;

	if (set->hash == NULL)
		return stored_quantile_cuts(set, measure, bins);
	units = customers_units(set, measure, &scale);
	cuts = quantile_cuts_of(units, set->n, scale, bins);
	pfree(units);
	return cuts;
}

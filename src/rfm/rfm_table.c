/*
 * rfm_table.c
 *		rfm_table(): customers of a table of orders, scored and named, in one call.
 *
 * Collect (customers.c), cut (customer_cuts.c), score and name; here is what
 * puts them together.
 */
#include "postgres.h"

#include "base/dec.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rfm/customer_cuts.h"
#include "rfm/customers.h"
#include "rfm/cuts.h"
#include "rfm/segment.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(rfm_table);

/* A measure's cuts, ready to score with. */
typedef struct Scale
{
	int			ncuts;
	Dec		   *cuts;
	bool		counted;		/* values come in one scale, so that units compare */
	int128		units[MAX_SEGMENT_BINS];	/* the cuts, rounded down to that scale */
} Scale;

static Scale
make_scale(CustomerSet *set, RfmMeasure measure, ScoreMode mode, int bins)
{
	Scale		scale;
	int			k;

	scale.ncuts = bins - 1;
	scale.cuts = customers_cuts(set, measure, mode, bins);
	scale.counted = set->hash != NULL;
	for (k = 0; k < scale.ncuts && scale.counted; k++)
	{
		Dec			one = dec_make(1, measure == MONETARY ? set->scale : 0);
		Dec			cut = dec_round(scale.cuts[k], one, ROUND_FLOOR);

		scale.counted = cut.big == NULL && cut.scale == one.scale;
		scale.units[k] = cut.v;
	}
	return scale;
}

/* 1 + the number of cuts below the value */
static inline int
score_of(const Scale *scale, const Dec *value)
{
	int			score = 1;
	int			k;

	if (likely(scale->counted))
		for (k = 0; k < scale->ncuts; k++)
			score += value->v > scale->units[k];
	else
		for (k = 0; k < scale->ncuts; k++)
			score += dec_cmp(*value, scale->cuts[k]) > 0;
	return score;
}

static void
argument_missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be NULL", name),
			 errhint("Only map may be NULL: then segments are.")));
}

/* The map, copied so that it outlives other books; NULL if none is asked for. */
static SegmentMap *
find_map(text *name, int bins)
{
	const SegmentMap *map = segment_map_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (map->bins != bins)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("segment map \"%s\" is not made for %d bins", text_to_cstring(name), bins),
				 errdetail("Its scores run from 1 to %d.", map->bins),
				 errhint("Pass bins => %d, another map, or map => NULL for scores without segments.",
						 map->bins)));
	return segment_map_copy(map);
}

/*
 * rfm_table(source regclass, customer name, at name, amount name, as_of date,
 *			 bins int, mode text, map text)
 *		-> customer, recency_days, frequency, monetary, r, f, m, segment
 */
Datum
rfm_table(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		"source", "customer", "at", "amount", "as_of", "bins", "mode"
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CustomerSet *set;
	SegmentMap *map = NULL;
	ScoreMode	mode;
	int			bins;
	Scale		scales[RFM_MEASURES];
	MemoryContext row_context;
	MemoryContext caller;
	CustomerRow row;
	int64		n = 0;
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			argument_missing(names[i]);
	bins = PG_GETARG_INT32(5);
	check_bins(bins, MIN_SEGMENT_BINS, MAX_SEGMENT_BINS);
	mode = score_mode_from_name(text_to_cstring(PG_GETARG_TEXT_PP(6)));
	if (!PG_ARGISNULL(7))
		map = find_map(PG_GETARG_TEXT_PP(7), bins);
	InitMaterializedSRF(fcinfo, 0);

	set = customers_collect(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)),
							NameStr(*PG_GETARG_NAME(2)), NameStr(*PG_GETARG_NAME(3)),
							PG_GETARG_DATEADT(4));
	for (i = 0; i < RFM_MEASURES && set->n > 0; i++)
		scales[i] = make_scale(set, i, mode, bins);

	row_context = AllocSetContextCreate(CurrentMemoryContext, "quotetier rfm_table rows",
										ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(row_context);
	customers_rewind(set);
	while (customers_next(set, &row))
	{
		Datum		values[8];
		bool		nulls[8] = {false};
		int			r = bins + 1 - score_of(&scales[RECENCY], &row.value[RECENCY]);
		int			f = score_of(&scales[FREQUENCY], &row.value[FREQUENCY]);
		int			m = score_of(&scales[MONETARY], &row.value[MONETARY]);

		values[0] = row.name;
		values[1] = Int32GetDatum((int32) row.value[RECENCY].v);
		values[2] = Int64GetDatum((int64) row.value[FREQUENCY].v);
		values[3] = NumericGetDatum(dec_to_numeric(&row.value[MONETARY], set->scale));
		values[4] = Int32GetDatum(r);
		values[5] = Int32GetDatum(f);
		values[6] = Int32GetDatum(m);
		if (map != NULL)
			values[7] = PointerGetDatum(segment_of(map, r, f, m));
		else
			nulls[7] = true;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (++n % 128 == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row_context);
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(row_context);
	customers_free(set);
	PG_RETURN_NULL();
}

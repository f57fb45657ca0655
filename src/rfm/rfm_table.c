/*
 * rfm_table.c
 *		rfm_table(): customers of a table of orders, scored and named, in one call;
 *		rfm_cuts(): what it would score them by.
 *
 * Collect (customers.c), cut (customer_cuts.c), score and name; here is what
 * puts them together.
 */
#include "postgres.h"

#include "access/htup_details.h"
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
PG_FUNCTION_INFO_V1(rfm_cuts);

/* The arguments of both functions, in their order. */
enum
{
	ARG_SOURCE, ARG_CUSTOMER, ARG_AT, ARG_AMOUNT, ARG_AS_OF, ARG_BINS, ARG_MODE,
	ARG_MAP, ARG_CUTS
};

typedef struct Request
{
	int			bins;
	ScoreMode	mode;
	SegmentMap *map;			/* NULL: no segments */
	ArrayType  *given[RFM_MEASURES];
} Request;

/* A measure's cuts, ready to score with. */
typedef struct Scale
{
	ScoreCuts	cuts;
	bool		counted;		/* values come in one scale, so that units compare */
	int128		units[MAX_SEGMENT_BINS];	/* a value above them is above the cut */
} Scale;

static Scale
make_scale(CustomerSet *set, RfmMeasure measure, const Request *request)
{
	Scale		scale;
	Dec			one = dec_make(1, measure == MONETARY ? set->scale : 0);
	int			k;

	scale.cuts = customers_cuts(set, measure, request->mode, request->bins,
								request->given[measure]);
	scale.counted = set->hash != NULL;
	for (k = 0; k < scale.cuts.ncuts && scale.counted; k++)
	{
		Dec			cut = dec_round(scale.cuts.cut[k], one,
									scale.cuts.closed_left ? ROUND_CEILING : ROUND_FLOOR);
		int128		units = cut.v;

		scale.counted = cut.big == NULL && refine_units(&units, cut.scale, one.scale);
		scale.units[k] = units - (scale.cuts.closed_left ? 1 : 0);
	}
	return scale;
}

/* Whether a value equal to a cut is above it. */
static bool
tie_is_above(const CustomerSet *set, const ScoreCuts *cuts, int k, Datum customer)
{
	return cuts->closed_left ||
		(cuts->by_customer && customers_compare(set, customer, cuts->customer[k]) >= 0);
}

/* 1 + the number of cuts the value is above */
static inline int
score_of(const CustomerSet *set, const Scale *scale, const CustomerRow *row, RfmMeasure measure)
{
	const Dec  *value = &row->value[measure];
	int			score = 1;
	int			k;

	if (likely(scale->counted))
		for (k = 0; k < scale->cuts.ncuts; k++)
			score += value->v > scale->units[k] ||
				(scale->cuts.by_customer && value->v == scale->units[k] &&
				 tie_is_above(set, &scale->cuts, k, row->name));
	else
		for (k = 0; k < scale->cuts.ncuts; k++)
		{
			int			side = dec_cmp(*value, scale->cuts.cut[k]);

			score += side > 0 || (side == 0 && tie_is_above(set, &scale->cuts, k, row->name));
		}
	return score;
}

/* The map, copied so that it outlives other books. */
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

static Request
read_request(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		"source", "customer", "at", "amount", "as_of", "bins", "mode"
	};
	Request		request;
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL", names[i]),
					 errhint("Only map may be NULL: then segments are.")));
	request.bins = PG_GETARG_INT32(ARG_BINS);
	request.mode = score_mode_from_name(text_to_cstring(PG_GETARG_TEXT_PP(ARG_MODE)));
	for (i = 0; i < RFM_MEASURES; i++)
		request.given[i] = PG_ARGISNULL(ARG_CUTS + i) ? NULL : PG_GETARG_ARRAYTYPE_P(ARG_CUTS + i);
	check_mode(request.mode, request.bins, request.given);
	request.map = PG_ARGISNULL(ARG_MAP) ? NULL :
		find_map(PG_GETARG_TEXT_PP(ARG_MAP), request.bins);
	return request;
}

static CustomerSet *
collect(FunctionCallInfo fcinfo)
{
	return customers_collect(PG_GETARG_OID(ARG_SOURCE), NameStr(*PG_GETARG_NAME(ARG_CUSTOMER)),
							 NameStr(*PG_GETARG_NAME(ARG_AT)),
							 NameStr(*PG_GETARG_NAME(ARG_AMOUNT)), PG_GETARG_DATEADT(ARG_AS_OF));
}

/*
 * rfm_table(source regclass, customer name, at name, amount name, as_of date,
 *			 bins int, mode text, map text, r_cuts, f_cuts, m_cuts numeric[])
 *		-> customer, recency_days, frequency, monetary, r, f, m, segment
 */
Datum
rfm_table(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Request		request = read_request(fcinfo);
	CustomerSet *set;
	Scale		scales[RFM_MEASURES];
	MemoryContext row_context;
	MemoryContext caller;
	CustomerRow row;
	int64		n = 0;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	set = collect(fcinfo);
	for (i = 0; i < RFM_MEASURES && set->n > 0; i++)
		scales[i] = make_scale(set, i, &request);

	row_context = AllocSetContextCreate(CurrentMemoryContext, "quotetier rfm_table rows",
										ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(row_context);
	customers_rewind(set);
	while (customers_next(set, &row))
	{
		Datum		values[8];
		bool		nulls[8] = {false};
		int			r = request.bins + 1 - score_of(set, &scales[RECENCY], &row, RECENCY);
		int			f = score_of(set, &scales[FREQUENCY], &row, FREQUENCY);
		int			m = score_of(set, &scales[MONETARY], &row, MONETARY);

		values[0] = row.name;
		values[1] = Int32GetDatum((int32) row.value[RECENCY].v);
		values[2] = Int64GetDatum((int64) row.value[FREQUENCY].v);
		values[3] = NumericGetDatum(dec_to_numeric(&row.value[MONETARY], set->scale));
		values[4] = Int32GetDatum(r);
		values[5] = Int32GetDatum(f);
		values[6] = Int32GetDatum(m);
		if (request.map != NULL)
			values[7] = PointerGetDatum(segment_of(request.map, r, f, m));
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

/*
 * rfm_cuts(the same) -> customers bigint, recency_cuts, frequency_cuts,
 *		monetary_cuts numeric[]: the cuts rfm_table would score by
 */
Datum
rfm_cuts(PG_FUNCTION_ARGS)
{
	Request		request = read_request(fcinfo);
	CustomerSet *set = collect(fcinfo);
	TupleDesc	desc;
	Datum		values[1 + RFM_MEASURES];
	bool		nulls[1 + RFM_MEASURES] = {false};
	int			i;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(set->n);
	for (i = 0; i < RFM_MEASURES; i++)
	{
		ScoreCuts	cuts;

		nulls[1 + i] = set->n == 0;
		if (set->n == 0)
			continue;
		cuts = keepable_cuts(set, i, request.mode, request.bins, request.given[i]);
		values[1 + i] = PointerGetDatum(cuts_to_array(cuts.cut, cuts.ncuts));
	}
	customers_free(set);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

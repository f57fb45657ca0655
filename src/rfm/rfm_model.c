/*
 * rfm_model.c
 *		Scoring one customer by a saved model: rfm_apply().
 *
 * Models are rows of rfm_model, compiled through the book protocol. Not here:
 * fitting them (rfm_cuts in rfm_table.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/book.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "rfm/customer_cuts.h"
#include "rfm/cuts.h"
#include "rfm/rfm.h"
#include "rfm/segment.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(rfm_apply);

typedef struct RfmModel
{
	int			bins;
	text	   *map;			/* NULL: no segments */
	ScoreCuts	cuts[RFM_MEASURES];
} RfmModel;

static void *build_model(const char *name);

static const char *const model_tables[] = {"rfm_model", NULL};

static BookKind model_books = {
	.name = "rfm_model",
	.tables = model_tables,
	.build = build_model
};

static void *
build_model(const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[1] = {TEXTOID};
	Datum		args[1] = {CStringGetTextDatum(name)};
	Datum		values[6];
	bool		nulls[6];
	RfmModel   *model;
	ScoreMode	mode;
	int			i;

	if (SPI_execute_with_args("SELECT bins, map, mode, recency_cuts, frequency_cuts, monetary_cuts"
							  " FROM quotetier.rfm_model WHERE name OPERATOR(pg_catalog.=) $1",
							  1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read rfm_model");
	if (SPI_processed == 0)
		return NULL;
	for (i = 0; i < lengthof(values); i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);

	MemoryContextSwitchTo(context); /* SPI leaves its own behind */
	model = palloc0(sizeof(RfmModel));
	model->bins = DatumGetInt32(values[0]);
	if (!nulls[1])
		model->map = (text *) PG_DETOAST_DATUM_COPY(values[1]);
	mode = score_mode_from_name(TextDatumGetCString(values[2]));
	for (i = 0; i < RFM_MEASURES; i++)
	{
		ScoreCuts  *cuts = &model->cuts[i];
		Dec		   *cut = cuts_from_array(DatumGetArrayTypeP(values[3 + i]), &cuts->ncuts);

		memcpy(cuts->cut, cut, cuts->ncuts * sizeof(Dec));
		cuts->closed_left = mode_closed_left(mode, i);
	}
	return model;
}

/*
 * rfm_apply(model text, summary rfm, as_of date)
 *		-> recency_days, frequency, monetary, r, f, m, segment
 */
Datum
rfm_apply(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	Rfm		   *rfm = PG_GETARG_RFM_P(1);
	TupleDesc	desc = fcinfo->flinfo->fn_extra;
	const RfmModel *model;
	text	   *map;
	int			bins;
	Datum		days;
	Numeric		revenue = revenue_to_numeric(&rfm->revenue);
	Dec			value[RFM_MEASURES];
	int			score[RFM_MEASURES];
	Datum		values[7];
	bool		nulls[7] = {false};
	int			i;

	if (desc == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		fcinfo->flinfo->fn_extra = desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		MemoryContextSwitchTo(caller);
	}

	model = book_get(&model_books, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL);
	if (model == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rfm model \"%s\" does not exist", text_to_cstring(name)),
				 errhint("rfm_fit(name, source, ...) makes one; the models are the rows of quotetier.rfm_model.")));

	days = DirectFunctionCall2(rfm_recency_days, PointerGetDatum(rfm), PG_GETARG_DATUM(2));
	value[RECENCY] = dec_make(DatumGetInt32(days), 0);
	value[FREQUENCY] = dec_make(rfm->orders, 0);
	(void) dec_from_numeric(revenue, &value[MONETARY]);
	for (i = 0; i < RFM_MEASURES; i++)
		score[i] = score_by_cuts(&model->cuts[i], &value[i]);
	bins = model->bins;
	score[RECENCY] = bins + 1 - score[RECENCY];
	/* the next book may take the place of this one */
	map = model->map == NULL ? NULL :
		(text *) DatumGetPointer(datumCopy(PointerGetDatum(model->map), false, -1));

	values[0] = days;
	values[1] = Int64GetDatum(rfm->orders);
	values[2] = NumericGetDatum(revenue);
	for (i = 0; i < RFM_MEASURES; i++)
		values[3 + i] = Int32GetDatum(score[i]);
	if (map != NULL)
	{
		const SegmentMap *segments = segment_map_get(VARDATA_ANY(map), VARSIZE_ANY_EXHDR(map));

		if (segments->bins != bins)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("segment map \"%s\" is not made for %d bins", text_to_cstring(map), bins),
					 errdetail("Model \"%s\" scores from 1 to %d, the map's scores run to %d.",
							   text_to_cstring(name), bins, segments->bins),
					 errhint("Fit the model again.")));
		values[6] = PointerGetDatum(segment_of(segments, score[RECENCY], score[FREQUENCY],
											   score[MONETARY]));
	}
	else
		nulls[6] = true;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

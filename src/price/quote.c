/*
 * quote.c
 *		quote and net_price: the calls, from a record, from jsonb and from text.
 *
 * Each call site keeps a Pricer, so that a statement over many lines finds the
 * policy, the row type and all room ready.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "price/quote.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(quote_record);
PG_FUNCTION_INFO_V1(quote_jsonb);
PG_FUNCTION_INFO_V1(quote_text);
PG_FUNCTION_INFO_V1(net_price_record);
PG_FUNCTION_INFO_V1(net_price_jsonb);
PG_FUNCTION_INFO_V1(net_price_text);

CallSite *
call_site(FunctionCallInfo fcinfo)
{
	CallSite   *site = fcinfo->flinfo->fn_extra;

	if (unlikely(site == NULL))
	{
		site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
		site->pricer = pricer_create(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = site;
	}
	return site;
}

void
price_call(FunctionCallInfo fcinfo, FactSource source, Pricer *pricer, Quote *quote)
{
	text	   *policy = PG_GETARG_TEXT_PP(3);
	FactArgument facts = {fcinfo, 0, source};

	/* an explanation tells of rules, too, whose scopes leave the line out */
	pricer_policy(pricer, VARDATA_ANY(policy), VARSIZE_ANY_EXHDR(policy), tracing(pricer) ? NULL : &facts);
	fact_reader_argument(pricer->facts, &facts);
	pricer_quote(pricer, DatumGetNumericPacked(PG_GETARG_DATUM(1)), PG_GETARG_TIMESTAMPTZ(2), quote);
}

Datum
money_datum(const Pricer *pricer, Dec amount)
{
	return NumericGetDatum(dec_to_numeric(&amount, pricer->increment.scale));
}

/* ----- net_price ----- */

static pg_attribute_hot Datum
net_price(FunctionCallInfo fcinfo, FactSource source)
{
	Pricer	   *pricer = call_site(fcinfo)->pricer;
	Quote		quote;

	pricer->trace = NULL;
	price_call(fcinfo, source, pricer, &quote);
	if (quote.status == QUOTE_NO_PRICE)
		PG_RETURN_NULL();
	return money_datum(pricer, quote.net_price);
}

Datum
net_price_record(PG_FUNCTION_ARGS)
{
	FactSource	source;

	if (!fact_record_source(fcinfo, 4, &source))
		PG_RETURN_NULL();
	return net_price(fcinfo, source);
}

Datum
net_price_jsonb(PG_FUNCTION_ARGS)
{
	return net_price(fcinfo, FROM_JSONB);
}

Datum
net_price_text(PG_FUNCTION_ARGS)
{
	return net_price(fcinfo, FROM_TEXT);
}

/* ----- quote ----- */

static TupleDesc
quote_tupdesc(FunctionCallInfo fcinfo, CallSite *site)
{
	if (unlikely(site->tupdesc == NULL))
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	tupdesc;

		if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE ||
			tupdesc->natts != QUOTE_COLUMNS)
			elog(ERROR, "quote does not return what its SQL declaration says");
		site->tupdesc = BlessTupleDesc(tupdesc);
		MemoryContextSwitchTo(caller);
	}
	return site->tupdesc;
}

static ArrayType *
rules_array(const Pricer *pricer)
{
	int			n = pricer->state.nrules;
	Size		size = ARR_OVERHEAD_NONULLS(1) + n * sizeof(int64);
	ArrayType  *array;

	if (n == 0)
		return construct_empty_array(INT8OID);
	array = palloc(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = INT8OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), pricer->rules, n * sizeof(int64));
	return array;
}

Datum
quote_column(const Pricer *pricer, const Quote *quote, QuoteColumn column, bool *isnull)
{
	static const char *const statuses[] = {"ok", "needs_approval", "blocked", "no_price"};
	Dec			percent;

	*isnull = false;
	switch (column)
	{
		case COLUMN_LIST_PRICE:
		case COLUMN_LIST_AMOUNT:
		case COLUMN_NET_PRICE:
		case COLUMN_NET_AMOUNT:
		case COLUMN_DISCOUNT_PCT:
			if (quote->status == QUOTE_NO_PRICE)
				break;
			if (column == COLUMN_LIST_PRICE)
				return money_datum(pricer, unit_price(pricer, quote->list));
			if (column == COLUMN_LIST_AMOUNT)
				return money_datum(pricer, quote->list_amount);
			if (column == COLUMN_NET_PRICE)
				return money_datum(pricer, quote->net_price);
			if (column == COLUMN_NET_AMOUNT)
				return money_datum(pricer, quote->net_amount);
			if (quote_discount(quote, &percent))
				return NumericGetDatum(dec_to_numeric(&percent, 4));
			break;
		case COLUMN_CURRENCY:
			if (pricer->currency[0] == '\0')
				break;
			return CStringGetTextDatum(pricer->currency);
		case COLUMN_STATUS:
			return CStringGetTextDatum(statuses[quote->status]);
		case COLUMN_RULES:
			return PointerGetDatum(rules_array(pricer));
		case COLUMN_VERSION:
			{
				char		version[FINGERPRINT_TEXT];

				policy_version(version);
				return CStringGetTextDatum(version);
			}
	}
	*isnull = true;
	return (Datum) 0;
}

static Datum
quote_call(FunctionCallInfo fcinfo, FactSource source)
{
	CallSite   *site = call_site(fcinfo);
	Pricer	   *pricer = site->pricer;
	TupleDesc	tupdesc = quote_tupdesc(fcinfo, site);
	Datum		values[QUOTE_COLUMNS];
	bool		nulls[QUOTE_COLUMNS];
	Quote		quote;
	int			i;

	pricer->trace = NULL;
	price_call(fcinfo, source, pricer, &quote);
	for (i = 0; i < QUOTE_COLUMNS; i++)
		values[i] = quote_column(pricer, &quote, (QuoteColumn) i, &nulls[i]);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

Datum
quote_record(PG_FUNCTION_ARGS)
{
	FactSource	source;

	if (!fact_record_source(fcinfo, 4, &source))
		PG_RETURN_NULL();
	return quote_call(fcinfo, source);
}

Datum
quote_jsonb(PG_FUNCTION_ARGS)
{
	return quote_call(fcinfo, FROM_JSONB);
}

Datum
quote_text(PG_FUNCTION_ARGS)
{
	return quote_call(fcinfo, FROM_TEXT);
}

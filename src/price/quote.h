/*
 * quote.h
 *		What the quote functions share: their common arguments, and money as datums.
 */
#ifndef QUOTETIER_QUOTE_H
#define QUOTETIER_QUOTE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
#include "price/pricer.h"

/* What a call site keeps from call to call. */
typedef struct CallSite
{
	Pricer	   *pricer;
	TupleDesc	tupdesc;		/* of quote's result */
} CallSite;

extern CallSite *call_site(FunctionCallInfo fcinfo);

/* Prices the line that the common arguments tell: facts, qty, as_of, policy. */
extern pg_attribute_hot void price_call(FunctionCallInfo fcinfo, FactSource source, Pricer *pricer, Quote *quote);

/* With the decimals of the increment at least. */
extern Datum money_datum(const Pricer *pricer, Dec amount);

#endif

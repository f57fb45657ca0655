/*
 * floor.c
 *		What measurements stand on: a clock, and the floor under a quote.
 */
#include "postgres.h"

#include <time.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(cpu_ms);
PG_FUNCTION_INFO_V1(floor_price);
PG_FUNCTION_INFO_V1(floor_quote);

/* CPU time of this backend: on a busy machine it moves much less than the wall clock. */
Datum
cpu_ms(PG_FUNCTION_ARGS)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	PG_RETURN_FLOAT8(1e3 * t.tv_sec + t.tv_nsec / 1e6);
}

/* net_price's arguments and result, and nothing done: what any C function would cost there. */
Datum
floor_price(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(1));
}

/* quote's arguments and result, likewise. */
Datum
floor_quote(PG_FUNCTION_ARGS)
{
	TupleDesc	desc = fcinfo->flinfo->fn_extra;
	Datum		values[9] = {0};
	bool		nulls[9];

	if (desc == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
			elog(ERROR, "floor_quote() returns the nine columns of quote()");
		fcinfo->flinfo->fn_extra = desc = BlessTupleDesc(desc);
		MemoryContextSwitchTo(before);
	}
	memset(nulls, true, sizeof(nulls));
	values[3] = PG_GETARG_DATUM(1);
	nulls[3] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

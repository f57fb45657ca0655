/*
 * condition.c
 *		Conditions and formulas: PostgreSQL's jsonpath, asked about facts.
 */
#include "postgres.h"

#include "base/condition.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Calls a jsonb_path_ function silently; false when it yields null. */
static bool
ask(PGFunction function, const JsonPath *path, Jsonb *facts, Datum *result)
{
	LOCAL_FCINFO(fcinfo, 4);
	JsonbParseState *state = NULL;
	JsonbValue *no_variables;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	no_variables = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	InitFunctionCallInfoData(*fcinfo, NULL, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(facts);
	fcinfo->args[1].value = PointerGetDatum(path);
	fcinfo->args[2].value = JsonbPGetDatum(JsonbValueToJsonb(no_variables));
	fcinfo->args[3].value = BoolGetDatum(true);
	fcinfo->args[0].isnull = fcinfo->args[1].isnull = false;
	fcinfo->args[2].isnull = fcinfo->args[3].isnull = false;
	*result = function(fcinfo);
	return !fcinfo->isnull;
}

bool
condition_holds(const JsonPath *path, Jsonb *facts)
{
	Datum		result;

	return ask(jsonb_path_match, path, facts, &result) && DatumGetBool(result);
}

bool
condition_number(const JsonPath *path, Jsonb *facts, Dec *number)
{
	Datum		result;
	Jsonb	   *jsonb;
	JsonbValue	value;

	if (!ask(jsonb_path_query_first, path, facts, &result))
		return false;
	jsonb = DatumGetJsonbP(result);
	return JB_ROOT_IS_SCALAR(jsonb) && JsonbExtractScalar(&jsonb->root, &value) &&
		value.type == jbvNumeric && dec_from_numeric(value.val.numeric, number);
}

bool
condition_is_predicate(JsonPath *path)
{
	JsonPathItem item;

	jspInit(&item, path);
	switch (item.type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiNot:
		case jpiIsUnknown:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiExists:
		case jpiStartsWith:
		case jpiLikeRegex:
			return !jspHasNext(&item);
		default:
			return false;
	}
}

Jsonb *
condition_facts(Jsonb *facts, JsonbParseState *winning)
{
	JsonbValue *object = pushJsonbValue(&winning, WJB_END_OBJECT, NULL);

	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(facts),
											  JsonbPGetDatum(JsonbValueToJsonb(object))));
}

/*
 * condition.c
 *		Conditions and formulas: PostgreSQL's jsonpath, asked about facts.
 */
#include "postgres.h"

#include "base/condition.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Calls a jsonb_path_ function silently; false when it yields null. */
static bool
ask(PGFunction function, const JsonPath *path, Jsonb *facts, Datum *result)
{
	LOCAL_FCINFO(fcinfo, 4);
	Jsonb		no_variables;

	SET_VARSIZE(&no_variables, sizeof(Jsonb));
	no_variables.root.header = JB_FOBJECT;
	InitFunctionCallInfoData(*fcinfo, NULL, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(facts);
	fcinfo->args[1].value = PointerGetDatum(path);
	fcinfo->args[2].value = JsonbPGetDatum(&no_variables);
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

/* What an item and those that follow it ask for. */
static bool
item_asks(JsonPathItem *item, ConditionFact add, void *state)
{
	JsonPathItem next = *item;
	JsonPathItem part;
	JsonPathItem upto;
	char	   *name;
	int32		len;
	int			i;

	check_stack_depth();
	do
	{
		*item = next;
		switch (item->type)
		{
			case jpiRoot:
				/* the root but for one of its facts: all of them, as far as we know */
				if (!jspGetNext(item, &next) || next.type != jpiKey)
					return false;
				*item = next;
				name = jspGetString(item, &len);
				add(state, name, len);
				break;
			case jpiAnd:
			case jpiOr:
			case jpiEqual:
			case jpiNotEqual:
			case jpiLess:
			case jpiGreater:
			case jpiLessOrEqual:
			case jpiGreaterOrEqual:
			case jpiAdd:
			case jpiSub:
			case jpiMul:
			case jpiDiv:
			case jpiMod:
			case jpiStartsWith:
				jspGetLeftArg(item, &part);
				if (!item_asks(&part, add, state))
					return false;
				jspGetRightArg(item, &part);
				if (!item_asks(&part, add, state))
					return false;
				break;
			case jpiNot:
			case jpiIsUnknown:
			case jpiPlus:
			case jpiMinus:
			case jpiExists:
			case jpiFilter:
				jspGetArg(item, &part);
				if (!item_asks(&part, add, state))
					return false;
				break;
			case jpiLikeRegex:
				jspInitByBuffer(&part, item->base, item->content.like_regex.expr);
				if (!item_asks(&part, add, state))
					return false;
				break;
			case jpiIndexArray:
				for (i = 0; i < item->content.array.nelems; i++)
				{
					bool		is_range = jspGetArraySubscript(item, &part, &upto, i);

					if (!item_asks(&part, add, state) ||
						(is_range && !item_asks(&upto, add, state)))
						return false;
				}
				break;
			case jpiNull:
			case jpiString:
			case jpiNumeric:
			case jpiBool:
			case jpiCurrent:
			case jpiLast:
			case jpiKey:
			case jpiAnyKey:
			case jpiAnyArray:
			case jpiAny:
			case jpiType:
			case jpiSize:
			case jpiAbs:
			case jpiFloor:
			case jpiCeiling:
			case jpiDouble:
				break;
			default:
				return false;
		}
	} while (jspGetNext(item, &next));
	return true;
}

bool
condition_asks(JsonPath *path, ConditionFact add, void *state)
{
	JsonPathItem item;

	jspInit(&item, path);
	return item_asks(&item, add, state);
}

void
condition_add(JsonbParseState **document, const char *name, JsonbValue *value)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	(void) pushJsonbValue(document, WJB_KEY, &key);
	(void) pushJsonbValue(document, WJB_VALUE, value);
}

Jsonb *
condition_facts(Jsonb *facts, JsonbParseState *winning)
{
	JsonbValue *object = pushJsonbValue(&winning, WJB_END_OBJECT, NULL);

	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(facts),
											  JsonbPGetDatum(JsonbValueToJsonb(object))));
}

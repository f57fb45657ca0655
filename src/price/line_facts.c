/*
 * line_facts.c
 *		What conditions and formulas see of a line: facts, and what it says itself.
 *
 * It is a document, made once a step where some rule asks, as the line stands on
 * entry. Making one is what a condition costs most, so it has no more in it than
 * the policy's conditions name.
 */
#include "postgres.h"

#include "base/condition.h"
#include "pgtime.h"
#include "price/pricer.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Names of what the line says itself, whatever the caller's facts say. */
typedef enum Reserved
{
	RESERVED_QTY,
	RESERVED_LIST_PRICE,
	RESERVED_RUNNING_PRICE,
	RESERVED_DISCOUNTED,
	RESERVED_DATE,
	RESERVED_WEEKDAY,
	RESERVED_HOUR,
	RESERVED_ORDER_AMOUNT,		/* from here on: of an order's header */
	RESERVED_ORDER_LIST_AMOUNT,
	RESERVED_ORDER_QUANTITY,
	RESERVED_ORDER_LINES,
	RESERVED_COUNTED_AMOUNT,
	RESERVED_COUNTED_QUANTITY,
	RESERVED_COUNTED
} Reserved;

static const char *const reserved_names[] = {
	"qty", "list_price", "running_price", "discounted", "date", "weekday", "hour",
	"order_amount", "order_list_amount", "order_quantity", "order_lines",
	"counted_amount", "counted_quantity", "counted"
};

/* as_of by the clocks of the policy's zone */
static void
local_time(const Pricer *pricer, struct pg_tm *tm)
{
	pg_tz	   *zone = pg_tzset(POLICY_TEXT(pricer->policy, pricer->policy->zone));
	fsec_t		fsec;
	int			offset;

	if (zone == NULL || timestamp2tm(pricer->as_of, &offset, tm, &fsec, NULL, zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of is out of range in the policy's time zone"),
				 errdetail("The policy's zone is %s.", POLICY_TEXT(pricer->policy, pricer->policy->zone)),
				 errhint("Give a time at least a day inside of what timestamps can hold.")));
}

static bool
number_value(Dec number, JsonbValue *value)
{
	value->type = jbvNumeric;
	value->val.numeric = dec_to_numeric(&number, 0);
	return true;
}

/* What the line says under a reserved name; false if it does not know. */
static bool
reserved_value(Pricer *pricer, Reserved name, JsonbValue *value)
{
	const LineState *state = &pricer->state;
	const OrderTotals *totals = pricer->totals;
	struct pg_tm tm;
	int			weekday;

	if (name >= RESERVED_ORDER_AMOUNT && totals == NULL)
		return false;
	switch (name)
	{
		case RESERVED_QTY:
			return number_value(pricer->quantity, value);
		case RESERVED_LIST_PRICE:
			return state->has_list && number_value(unit_price(pricer, state->list_amount), value);
		case RESERVED_RUNNING_PRICE:
			return state->has_running && number_value(unit_price(pricer, state->running), value);
		case RESERVED_DISCOUNTED:
			value->type = jbvBool;
			value->val.boolean = state->has_list && dec_cmp(state->running, state->list_amount) < 0;
			return true;
		case RESERVED_DATE:
			local_time(pricer, &tm);
			value->type = jbvString;
			value->val.string.val = psprintf("%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
			value->val.string.len = strlen(value->val.string.val);
			return true;
		case RESERVED_WEEKDAY:	/* 1 Monday .. 7 Sunday */
			local_time(pricer, &tm);
			weekday = j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
			return number_value(dec_make(weekday == 0 ? 7 : weekday, 0), value);
		case RESERVED_HOUR:
			local_time(pricer, &tm);
			return number_value(dec_make(tm.tm_hour, 0), value);
		case RESERVED_ORDER_AMOUNT:
			return number_value(totals->amount, value);
		case RESERVED_ORDER_LIST_AMOUNT:
			return number_value(totals->list_amount, value);
		case RESERVED_ORDER_QUANTITY:
			return number_value(totals->quantity, value);
		case RESERVED_ORDER_LINES:
			return number_value(dec_make(totals->lines, 0), value);
		case RESERVED_COUNTED_AMOUNT:
			return number_value(totals->counted_amount, value);
		case RESERVED_COUNTED_QUANTITY:
			return number_value(totals->counted_quantity, value);
		case RESERVED_COUNTED:
			if (totals->counted == NULL)
				return false;
			value->type = jbvBinary;
			value->val.binary.data = &totals->counted->root;
			value->val.binary.len = VARSIZE(totals->counted) - VARHDRSZ;
			return true;
	}
	pg_unreachable();
}

/* All facts there are, for conditions that may ask for any. */
static Jsonb *
all_facts(Pricer *pricer)
{
	JsonbParseState *json = NULL;
	Jsonb	   *facts = fact_reader_as_jsonb(pricer->facts);
	JsonbValue	value;
	int			i;

	(void) pushJsonbValue(&json, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < lengthof(reserved_names); i++)
		if (reserved_value(pricer, (Reserved) i, &value))
			condition_add(&json, reserved_names[i], &value);
		else if (i == RESERVED_RUNNING_PRICE)
			/* the caller's does not count either */
			facts = DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(facts),
													   CStringGetTextDatum(reserved_names[i])));
	return condition_facts(facts, json);
}

/* Those that some condition or formula of the policy asks for; NULL if only all of the row tells. */
static Jsonb *
asked_facts(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	const uint32 *asked = POLICY_PART(policy, uint32, asked);
	JsonbParseState *json = NULL;
	JsonbValue	value;
	uint32		i;

	(void) pushJsonbValue(&json, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < policy->nasked; i++)
	{
		const char *name = fact_name(pricer, asked[i]);
		int			reserved;
		bool		given = false;

		for (reserved = 0; reserved < lengthof(reserved_names); reserved++)
			if (strcmp(name, reserved_names[reserved]) == 0)
				break;
		if (reserved < lengthof(reserved_names))
			given = reserved_value(pricer, (Reserved) reserved, &value);
		if (!given && reserved != RESERVED_RUNNING_PRICE &&
			!fact_json(pricer->facts, asked[i], &value, &given))
			return NULL;
		if (given)
			condition_add(&json, name, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&json, WJB_END_OBJECT, NULL));
}

Jsonb *
line_facts(Pricer *pricer)
{
	if (pricer->step_facts == NULL && !pricer->policy->asks_all)
		pricer->step_facts = asked_facts(pricer);
	if (pricer->step_facts == NULL)
		pricer->step_facts = all_facts(pricer);
	return pricer->step_facts;
}

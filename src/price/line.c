/*
 * line.c
 *		The line being priced: its quantity, unit, currency, and what conditions see.
 *
 * Quantities are converted to the base unit before anything is matched, a
 * rule's money to the quote's currency when it is used. Not here: steps.
 */
#include "postgres.h"

#include "base/condition.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "price/currency.h"
#include "price/pricer.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ----- currency ----- */

/* The quote's currency: the fact, else the policy's, else none (empty). */
static void
find_currency(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	FactLabel	fact;
	int			decimals;

	if (fact_text(pricer->facts, policy->currency_fact, &fact))
	{
		if (fact.len != 3)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fact \"currency\" is not a currency: \"%.*s\"", fact.len, fact.text),
					 errdetail("A currency has three letters."),
					 errhint("Give the three letters of ISO 4217, such as EUR.")));
		memcpy(pricer->currency, fact.text, 3);
		pricer->currency[3] = '\0';
	}
	else
		memcpy(pricer->currency, policy->currency, sizeof(pricer->currency));

	if (policy->increment_given)
	{
		pricer->increment = stored_dec(&policy->increment);
		return;
	}
	if (likely(memcmp(pricer->minor_of, pricer->currency, sizeof(pricer->currency)) == 0 &&
			   pricer->minor.v != 0))
	{
		pricer->increment = pricer->minor;
		return;
	}
	decimals = pricer->currency[0] == '\0' ? 2 : currency_decimals(pricer->currency);
	if (decimals < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", pricer->currency),
				 errdetail("Its minor unit is what prices are rounded to."),
				 errhint("Give a code of ISO 4217, or set the policy's round_increment.")));
	pricer->increment = pricer->minor = dec_make(1, decimals);
	memcpy(pricer->minor_of, pricer->currency, sizeof(pricer->currency));
}

static int
compare_rates(const Rate *rate, const char *from, const char *to)
{
	int			order = strcmp(rate->from_currency, from);

	return order != 0 ? order : strcmp(rate->to_currency, to);
}

static Dec
find_rate(Pricer *pricer, const char *from)
{
	const Policy *policy = pricer->policy;
	const Rate *rates = POLICY_PART(policy, Rate, rates);
	int			low = 0;
	int			high = policy->nrates;

	if (pricer->currency[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no currency to convert %s to", from),
				 errdetail("A rule's money is in %s; the facts name no currency, and neither does the policy.", from),
				 errhint("Give the fact currency, or set the policy's.")));

	/* the first rate of the pair; its periods follow one another */
	while (low < high)
	{
		int			middle = (low + high) / 2;
		int			order = compare_rates(&rates[middle], from, pricer->currency);

		if (order < 0 || (order == 0 && rates[middle].to != DT_NOEND &&
						  rates[middle].to <= pricer->as_of))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < policy->nrates && compare_rates(&rates[low], from, pricer->currency) == 0 &&
		rates[low].from <= pricer->as_of)
		return stored_dec(&rates[low].rate);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no rate from %s to %s at %s", from, pricer->currency,
					timestamptz_to_str(pricer->as_of)),
			 errdetail("A rule's money is in %s, the quote in %s.", from, pricer->currency),
			 errhint("Insert one into quotetier.fx_rate; a missing rate is never taken as 1.")));
}

bool
rule_converts(const Pricer *pricer, const Rule *rule, const char **from)
{
	const RuleMore *more = rule_more(rule);

	if (rule->in_quote_currency)
		return false;
	*from = more != NULL && more->currency[0] != '\0' ? more->currency : pricer->policy->currency;
	return (*from)[0] != '\0' && memcmp(*from, pricer->currency, 3) != 0;
}

Dec
rule_money(Pricer *pricer, const Rule *rule, Dec money)
{
	const char *from;

	if (likely(!rule_converts(pricer, rule, &from)))
		return money;
	return dec_mul(money, find_rate(pricer, from));
}

/* ----- quantity ----- */

static int
compare_label(const char *text, FactLabel label)
{
	int			order = strncmp(text, label.text, label.len);

	return order != 0 ? order : (text[label.len] == '\0' ? 0 : 1);
}

/* The factor of a unit for one sku; an empty sku stands for all. */
static bool
find_unit(const Policy *policy, FactLabel unit, FactLabel sku, Dec *factor)
{
	const Unit *units = POLICY_PART(policy, Unit, units);
	int			low = 0;
	int			high = (int) policy->nunits - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		int			order = compare_label(POLICY_TEXT(policy, units[middle].unit), unit);

		if (order == 0)
			order = compare_label(POLICY_TEXT(policy, units[middle].sku), sku);
		if (order == 0)
		{
			*factor = stored_dec(&units[middle].factor);
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return false;
}

/* Base units in one quoted unit; false if the line names no unit: they are the same. */
static bool
unit_factor(Pricer *pricer, Dec *factor)
{
	const Policy *policy = pricer->policy;
	FactLabel	unit;
	FactLabel	sku;
	FactLabel	any_sku = {"", 0};

	if (fact_number(pricer->facts, policy->uom_factor_fact, factor))
	{
		if (dec_sign(*factor) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fact \"uom_factor\" must be above zero"),
					 errdetail("It is %s.", dec_text(*factor)),
					 errhint("It says how many base units one quoted unit holds.")));
		return true;
	}
	if (!fact_text(pricer->facts, policy->uom_fact, &unit))
		return false;
	if (fact_text(pricer->facts, policy->sku_fact, &sku) &&
		find_unit(policy, unit, sku, factor))
		return true;
	if (find_unit(policy, unit, any_sku, factor))
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("unit of measure \"%.*s\" is not known", unit.len, unit.text),
			 errdetail("quotetier.uom has none of that name, neither for the product nor for any."),
			 errhint("Insert its factor into quotetier.uom (1 for the base unit), or give the fact uom_factor.")));
}

void
line_start(Pricer *pricer, Numeric quantity, TimestampTz as_of)
{
	LineState  *state = &pricer->state;
	Dec			factor;
	Dec			list_price;

	if (!dec_from_numeric(quantity, &pricer->quantity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must be a finite number"),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(quantity)))),
				 errhint("Give 0 for a unit price, or a negative quantity for a return.")));
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a finite time"),
				 errdetail("It is %s.", timestamptz_to_str(as_of)),
				 errhint("Give the time at which the price is asked for, or leave it out for now().")));
	pricer->as_of = as_of;
	pricer->negative = dec_sign(pricer->quantity) < 0;
	pricer->zero = dec_sign(pricer->quantity) == 0;
	if (pricer->negative)
		pricer->quantity = dec_neg(pricer->quantity);
	pricer->quoted = pricer->zero ? dec_make(1, 0) : pricer->quantity;
	pricer->units = unit_factor(pricer, &factor) ? dec_mul(pricer->quoted, factor) : pricer->quoted;
	if (!pricer->zero)
		pricer->quantity = pricer->units;
	pricer->step_facts = NULL;
	find_currency(pricer);

	/* field by field: clearing the amounts, too, costs more than a step does */
	state->has_list = state->has_running = false;
	state->zero_due = state->zero_list = DEC_ZERO;
	state->listed = false;
	state->excluded = 0;
	state->final = NULL;
	state->ending = pricer->policy->ending == 0 ? NULL :
		LINKED(Ending, pricer->policy, pricer->policy->ending);
	state->nrules = 0;
	state->status = QUOTE_OK;
	state->floor = DEC_ZERO;
	pricer->statistical = false;

	/* the list price from the facts, unless a rule will set it */
	if (!fact_number(pricer->facts, pricer->policy->list_price_fact, &list_price))
		return;
	if (dec_sign(list_price) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"list_price\" must not be negative"),
				 errdetail("It is %s.", dec_text(list_price)),
				 errhint("For a return, give a negative quantity.")));
	state->has_list = state->has_running = true;
	state->list_amount = state->running = dec_mul(list_price, pricer->units);
	if (pricer->trace != NULL)
		trace_row(pricer, VERDICT_LIST, "list", NULL, "fact list_price", NULL, state->running);
}

/* ----- what conditions see ----- */

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
is_number(Dec number, JsonbValue *value)
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
			return is_number(pricer->quantity, value);
		case RESERVED_LIST_PRICE:
			return state->has_list && is_number(unit_price(pricer, state->list_amount), value);
		case RESERVED_RUNNING_PRICE:
			return state->has_running && is_number(unit_price(pricer, state->running), value);
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
			return is_number(dec_make(weekday == 0 ? 7 : weekday, 0), value);
		case RESERVED_HOUR:
			local_time(pricer, &tm);
			return is_number(dec_make(tm.tm_hour, 0), value);
		case RESERVED_ORDER_AMOUNT:
			return is_number(totals->amount, value);
		case RESERVED_ORDER_LIST_AMOUNT:
			return is_number(totals->list_amount, value);
		case RESERVED_ORDER_QUANTITY:
			return is_number(totals->quantity, value);
		case RESERVED_ORDER_LINES:
			return is_number(dec_make(totals->lines, 0), value);
		case RESERVED_COUNTED_AMOUNT:
			return is_number(totals->counted_amount, value);
		case RESERVED_COUNTED_QUANTITY:
			return is_number(totals->counted_quantity, value);
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

static void
push_fact(JsonbParseState **json, const char *name, JsonbValue *value)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	(void) pushJsonbValue(json, WJB_KEY, &key);
	(void) pushJsonbValue(json, WJB_VALUE, value);
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
			push_fact(&json, reserved_names[i], &value);
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
			push_fact(&json, name, &value);
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

/* Decimals of a unit price that ends, and of one that does not. */
static const Dec quotient_step = {1, 20, NULL};
static const Dec unit_price_step = {1, 6, NULL};

Dec
unit_price(const Pricer *pricer, Dec amount)
{
	Dec			unit = dec_div(amount, pricer->quoted, unit_price_step, ROUND_HALF_UP);

	if (dec_cmp(dec_mul(unit, pricer->quoted), amount) != 0)
	{
		Dec			longer = dec_div(amount, pricer->quoted, quotient_step, ROUND_HALF_UP);

		if (dec_cmp(dec_mul(longer, pricer->quoted), amount) == 0)
			return longer;
	}
	return unit;
}

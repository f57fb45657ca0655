/*
 * line.c
 *		The line being priced: its quantity, its unit, its currency.
 *
 * Quantities are converted to the base unit before anything is matched, a
 * rule's money to the quote's currency when it is used. Not here: steps, and what
 * conditions see of the line (line_facts.c).
 */
#include "postgres.h"

#include "price/currency.h"
#include "price/pricer.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ----- currency ----- */

/* Takes the quote's currency from the facts, if they name one. */
static pg_noinline void
take_currency(Pricer *pricer)
{
	FactLabel	fact;

	if (!fact_text(pricer->facts, pricer->policy->currency_fact, &fact))
		return;
	if (fact.len != 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"currency\" is not a currency: \"%.*s\"", fact.len, fact.text),
				 errdetail("A currency has three letters."),
				 errhint("Give the three letters of ISO 4217, such as EUR.")));
	memcpy(pricer->currency, fact.text, 3);
	pricer->currency[3] = '\0';
}

/* What the policy rounds to in the quote's currency. */
static pg_noinline void
know_increment(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	int			decimals = policy->increment_given ? 0 : pricer->currency[0] == '\0' ? 2 :
		currency_decimals(pricer->currency);

	if (decimals < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("currency \"%s\" is not known", pricer->currency),
				 errdetail("Its minor unit is what prices are rounded to."),
				 errhint("Give a code of ISO 4217, or set the policy's round_increment.")));
	pricer->increment = policy->increment_given ? stored_dec(&policy->increment) : dec_make(1, decimals);
	memcpy(pricer->increment_in, pricer->currency, sizeof(pricer->currency));
	pricer->increment_known = true;
}

/* The quote's currency: the fact, else the policy's, else none (empty). */
static void
find_currency(Pricer *pricer)
{
	const Policy *policy = pricer->policy;

	memcpy(pricer->currency, policy->currency, sizeof(pricer->currency));
	if (!fact_absent(pricer->facts, policy->currency_fact))
		take_currency(pricer);
	if (unlikely(!pricer->increment_known ||
				 memcmp(pricer->increment_in, pricer->currency, sizeof(pricer->currency)) != 0))
		know_increment(pricer);
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

/* Base units in one quoted unit; false if the line names no unit. */
static bool
unit_factor(Pricer *pricer, Dec *factor)
{
	const Policy *policy = pricer->policy;
	FactLabel	unit;
	FactLabel	sku;
	FactLabel	any_sku = {"", 0};

	if (!fact_absent(pricer->facts, policy->uom_factor_fact) &&
		fact_number(pricer->facts, policy->uom_factor_fact, factor))
	{
		if (dec_sign(*factor) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fact \"uom_factor\" must be above zero"),
					 errdetail("It is %s.", dec_text(*factor)),
					 errhint("It says how many base units one quoted unit holds.")));
		return true;
	}
	if (fact_absent(pricer->facts, policy->uom_fact) ||
		!fact_text(pricer->facts, policy->uom_fact, &unit))
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

/* Reckons in base units, if the line names another one. */
static pg_noinline void
convert_units(Pricer *pricer)
{
	Dec			factor;

	if (!unit_factor(pricer, &factor))
		return;
	pricer->units = dec_mul(pricer->quoted, factor);
	if (!pricer->zero)
		pricer->quantity = pricer->units;
}

void
line_start(Pricer *pricer, Numeric quantity, TimestampTz as_of)
{
	const Policy *policy = pricer->policy;
	LineState  *state = &pricer->state;
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
	if (unlikely(pricer->negative))
		pricer->quantity = dec_neg(pricer->quantity);
	pricer->quoted = unlikely(pricer->zero) ? dec_make(1, 0) : pricer->quantity;
	pricer->units = pricer->quoted;
	if (!fact_absent(pricer->facts, policy->uom_factor_fact) || !fact_absent(pricer->facts, policy->uom_fact))
		convert_units(pricer);
	pricer->step_facts = NULL;
	find_currency(pricer);

	/* field by field: clearing the amounts, too, costs more than a step does */
	state->has_list = state->has_running = false;
	if (unlikely(pricer->zero))
		state->zero_due = state->zero_list = DEC_ZERO;
	state->listed = false;
	state->excluded = 0;
	state->final = NULL;
	state->ending = policy->ending == 0 ? NULL : LINKED(Ending, policy, policy->ending);
	state->nrules = 0;
	state->status = QUOTE_OK;
	if (unlikely(pricer->order != NULL))
		state->floor = DEC_ZERO;
	pricer->statistical = false;

	/* the list price from the facts, unless a rule will set it */
	if (!fact_number(pricer->facts, policy->list_price_fact, &list_price))
		return;
	if (dec_sign(list_price) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"list_price\" must not be negative"),
				 errdetail("It is %s.", dec_text(list_price)),
				 errhint("For a return, give a negative quantity.")));
	state->has_list = state->has_running = true;
	state->list_amount = state->running = dec_mul(list_price, pricer->units);
	if (tracing(pricer))
		trace_row(pricer, VERDICT_LIST, "list", NULL, "fact list_price", NULL, state->running);
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

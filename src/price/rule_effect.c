/*
 * rule_effect.c
 *		What one rule makes of a line: its base, its scale, its adjustment.
 *
 * Every function works on exact line amounts. Not here: which rule is picked,
 * and what becomes of the line then (apply.c).
 */
#include "postgres.h"

#include "base/condition.h"
#include "price/order.h"

/* Decimals of a quotient that has no end: margins, shares of a base. */
#define QUOTIENT_SCALE 20

static const Dec hundred = {100, 0, NULL};
static const Dec one = {1, 0, NULL};
static const Dec quotient_step = {1, QUOTIENT_SCALE, NULL};

/* A numeric fact that money is reckoned from. */
static bool
money_fact(Pricer *pricer, int fact, Dec *value)
{
	if (!fact_number(pricer->facts, fact, value))
		return false;
	if (dec_sign(*value) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"%s\" must not be negative", fact_name(pricer, fact)),
				 errdetail("It is %s.", dec_text(*value)),
				 errhint("For a return, give a negative quantity.")));
	return true;
}

/* The line amount that a percent of the rule is of. */
bool
base_amount(Pricer *pricer, const Rule *rule, Dec *base, char **why_not)
{
	LineState  *state = &pricer->state;

	if (unlikely(pricer->totals != NULL))
		return order_base(pricer, rule, SETS_PRICE(rule->adjust), base, why_not);
	switch ((BaseKind) rule->base.kind)
	{
		case BASE_LIST:
			if (state->has_list)
			{
				*base = state->list_amount;
				return true;
			}
			break;
		case BASE_RUNNING:
			if (state->has_running)
			{
				*base = state->running;
				return true;
			}
			break;
		case BASE_STEP:
			if (pricer->has_after[rule->base.number])
			{
				*base = pricer->after[rule->base.number];
				return true;
			}
			break;
		case BASE_FACT:
			if (money_fact(pricer, rule->base.number, base))
			{
				*base = dec_mul(*base, pricer->units);
				return true;
			}
			if (why_not != NULL)
				*why_not = psprintf("there is no fact %s", fact_name(pricer, rule->base.number));
			return false;
	}
	if (why_not != NULL)
		*why_not = pstrdup("there is no price yet to take it from");
	return false;
}

/*
 * What a percent makes of a base (margins, markup, price_percent), or the part
 * of it that it takes or adds.
 */
static pg_attribute_hot Dec
percent_of(const Rule *rule, Dec rate, Dec base)
{
	switch ((Adjust) rule->adjust)
	{
		case ADJUST_MARGIN:
		case ADJUST_FLOOR_MARGIN:
			return dec_div(dec_mul(base, hundred), dec_sub(hundred, rate),
						   quotient_step, ROUND_HALF_UP);
		case ADJUST_MARKUP:
			return dec_add(base, dec_percent(rate, base));
		default:
			return dec_percent(rate, base);
	}
}

/*
 * Is measure in the bracket? Both ends as scale_bounds says; a first bracket
 * from 0 has 0 in it either way.
 */
static bool
bracket_holds(const Scale *scale, const Bracket *bracket, Dec measure)
{
	int			low = dec_cmp(measure, stored_dec(&bracket->from));
	int			high = bracket->open ? -1 :
		dec_cmp(measure, stored_dec(&bracket->to));

	if (scale->upper_inclusive)
		return (low > 0 || (low == 0 && bracket == scale->brackets && dec_sign(measure) == 0)) && high <= 0;
	return low >= 0 && high < 0;
}

static const Bracket *
find_bracket(const Scale *scale, Dec measure)
{
	const Bracket *first = scale->brackets;
	int			low = 0;
	int			high = (int) scale->nbrackets - 1;

	/* the last bracket that begins at or below the measure, or the one before */
	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (dec_cmp(stored_dec(&first[middle].from), measure) <= 0)
			low = middle;
		else
			high = middle - 1;
	}
	if (scale->nbrackets == 0)
		return NULL;
	if (bracket_holds(scale, &first[low], measure))
		return &first[low];
	if (low > 0 && bracket_holds(scale, &first[low - 1], measure))
		return &first[low - 1];
	return NULL;
}

bool
rule_measure(Pricer *pricer, const Rule *rule, Dec base, Dec *measure, char **why_not)
{
	const Scale *scale = rule_scale(rule);
	const char *from;

	switch ((ScaleMeasure) scale->measure)
	{
		case MEASURE_QUANTITY:
			*measure = pricer->quantity;
			return true;
		case MEASURE_AMOUNT:
			/* a line of quantity zero has no amount; its base is that of a unit */
			*measure = pricer->zero ? DEC_ZERO : base;
			if (pricer->totals != NULL && !order_base(pricer, rule, true, measure, why_not))
				return false;
			if (rule_converts(pricer, rule, &from))
				*measure = dec_div(*measure, rule_money(pricer, rule, one),
								   quotient_step, ROUND_HALF_UP);
			return true;
		case MEASURE_FACT:
			if (fact_number(pricer->facts, scale->fact, measure))
				return true;
			if (why_not != NULL)
				*why_not = psprintf("there is no fact %s", fact_name(pricer, scale->fact));
			return false;
	}
	pg_unreachable();
}

/*
 * Sum over the bands up to the measure of what is in the band x its value (or
 * a percent of that much of the base), and of the fees of the bands entered.
 * The first band counts from zero. False where a gap between bands leaves
 * units without a value.
 */
static bool
graduate(const Rule *rule, const Effect *effect, const Bracket *last, Dec measure,
		 Dec *sum, Dec *fee)
{
	const Bracket *band = rule_scale(rule)->brackets;
	Dec			from = DEC_ZERO;

	*sum = DEC_ZERO;
	*fee = bracket_fee(band);
	for (;; band++)
	{
		Dec			upto = band == last ? measure : stored_dec(&band->to);
		Dec			inside = dec_sub(upto, from);
		Dec			value = stored_dec(&band->value);

		*sum = dec_add(*sum, IS_PERCENT(rule->adjust) ?
					   percent_of(rule, value, dec_mul(effect->base, inside)) :
					   dec_mul(inside, value));
		if (band == last)
			return true;
		from = upto;
		if (dec_cmp(from, stored_dec(&band[1].from)) != 0)
			return false;
		if (dec_cmp(measure, from) > 0)
			*fee = dec_add(*fee, bracket_fee(&band[1]));
	}
}

/* What the line adds to a scale of which offset is used up: G(offset + m) - G(offset). */
static bool
graduate_from(const Rule *rule, const Effect *effect, Dec offset, Dec measure,
			  Dec *sum, Dec *fee)
{
	Dec			before;
	Dec			fee_before;
	const Bracket *first;

	if (!graduate(rule, effect, effect->bracket, dec_add(offset, measure), sum, fee))
		return false;
	if (dec_sign(offset) == 0)
		return true;
	first = find_bracket(rule_scale(rule), offset);
	if (first == NULL || !graduate(rule, effect, first, offset, &before, &fee_before))
		return false;
	*sum = dec_sub(*sum, before);
	*fee = dec_sub(*fee, fee_before);
	return true;
}

/* The number that a rule's formula yields. */
static bool
formula_value(Pricer *pricer, const JsonPath *path, Dec *rate, char **why_not)
{
	if (!condition_number(path, line_facts(pricer), rate))
	{
		if (why_not != NULL)
			*why_not = pstrdup("its formula yields no number");
		return false;
	}
	if (dec_sign(*rate) < 0)
	{
		if (why_not != NULL)
			*why_not = psprintf("its formula yields %s, which is below zero", dec_text(*rate));
		return false;
	}
	return true;
}

/* How much of the scale is used up before this line. */
static Dec
scale_offset(Pricer *pricer, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);
	Dec			offset;

	if (more == NULL || more->offset_fact == 0 ||
		!fact_number(pricer->facts, more->offset_fact - 1, &offset))
		return DEC_ZERO;
	if (dec_sign(offset) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"%s\" must not be negative", fact_name(pricer, more->offset_fact - 1)),
				 errdetail("It is %s.", dec_text(offset)),
				 errhint("It says how much of a scale is used up already.")));
	return offset;
}

/* A list price that has been converted is rounded where it arrives. */
static Dec
list_rate(Pricer *pricer, const Rule *rule, Dec rate)
{
	const char *from;

	if (rule->adjust == ADJUST_PRICE && rule_converts(pricer, rule, &from) &&
		POLICY_PART(pricer->policy, Step, steps)[rule->step].is_list)
		return dec_round(rate, pricer->increment, (RoundMode) pricer->policy->round_mode);
	return rate;
}

/* The rule's amount where its value is rate: a percent of the base, or money times units. */
static pg_attribute_hot Dec
amount_at(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	if (IS_PERCENT(rule->adjust))
		return percent_of(rule, effect->rate, effect->base);
	if (rule->adjust == ADJUST_LINE_AMOUNT_OFF)
		return effect->rate;
	return dec_mul(effect->rate, pricer->units);
}

/* What the bands up to the measure come to; of whole lines, for all of them. */
static bool
amount_on_bands(Pricer *pricer, const Rule *rule, Effect *effect, Dec offset,
				Dec measure, const OrderGroup *group, Dec *amount)
{
	Dec			own_base = effect->base;
	Dec			sum;
	bool		known;

	/* the same share of every band for each line measured together */
	if (group->pools_amount && IS_PERCENT(rule->adjust))
		effect->base = group->weight;
	known = graduate_from(rule, effect, offset, group->total, &sum, &effect->fee);
	effect->base = own_base;
	if (!known)
		return false;
	if (dec_sign(measure) == 0 && !group->pools_amount)
		*amount = amount_at(pricer, rule, effect);
	else if (IS_PERCENT(rule->adjust))
		*amount = dec_div(sum, group->total, quotient_step, ROUND_HALF_UP);
	else if (rule_scale(rule)->measure == MEASURE_QUANTITY)
		*amount = rule_money(pricer, rule, sum);
	else
		/* each band has its share of the units */
		*amount = dec_div(dec_mul(rule_money(pricer, rule, sum),
								  group->pools_amount ? group->weight : pricer->units),
						  group->total, quotient_step, ROUND_HALF_UP);
	return true;
}

/* The same from the bracket that the measure falls into. */
static bool
amount_on_scale(Pricer *pricer, const Rule *rule, Effect *effect, Dec *amount, char **why_not)
{
	const Scale *scale = rule_scale(rule);
	bool		percent = IS_PERCENT(rule->adjust);
	Dec			offset = scale_offset(pricer, rule);
	const Bracket *bracket;
	Dec			measure;
	Dec			reached;
	OrderGroup	group;

	if (!rule_measure(pricer, rule, effect->base, &measure, why_not))
		return false;
	order_group(pricer, rule, effect, measure, &group);
	reached = dec_add(offset, group.total);
	effect->bracket = bracket = find_bracket(scale, reached);
	if (bracket == NULL)
	{
		if (why_not != NULL)
			*why_not = describe_outside(pricer, rule, reached);
		return false;
	}
	effect->rate = stored_dec(&bracket->value);
	if (!percent)
		effect->rate = rule_money(pricer, rule, effect->rate);
	effect->fee = bracket_fee(bracket);

	switch ((ScaleMode) scale->mode)
	{
		case SCALE_NONE:
		case SCALE_VOLUME:
			effect->rate = list_rate(pricer, rule, effect->rate);
			*amount = amount_at(pricer, rule, effect);
			break;
		case SCALE_GRADUATED:
			if (!amount_on_bands(pricer, rule, effect, offset, measure, &group, amount))
			{
				if (why_not != NULL)
					*why_not = psprintf("its scale has a gap below %s", dec_text(reached));
				return false;
			}
			break;
		case SCALE_BLOCK:
			*amount = effect->rate;
			if (has_overage(bracket))
				*amount = dec_add(*amount,
								  dec_mul(dec_sub(reached, stored_dec(&bracket->from)),
										  rule_money(pricer, rule,
													 stored_dec(&bracket_more(bracket)->overage))));
			break;
		case SCALE_PACKAGE:
			/* a unit, where a line has none, comes in one package */
			*amount = pricer->zero ? effect->rate :
				dec_mul(dec_div(reached, stored_dec(&bracket_more(bracket)->size), one, ROUND_UP),
						effect->rate);
			break;
	}
	effect->fee = rule_money(pricer, rule, effect->fee);

	/* what is for the lines together, each has its part of */
	if (group.pools_amount)
		*amount = order_part(pricer, &group, PART_AMOUNT, dec_add(*amount, effect->fee));
	if (group.pools_fee && dec_sign(effect->fee) != 0)
		effect->fee = order_part(pricer, &group, PART_FEE, effect->fee);

	/* what is due at quantity zero is not part of the unit price */
	if (!pricer->zero && !group.pools_amount)
		*amount = dec_add(*amount, effect->fee);
	return true;
}

/* The rule's own amount, from its value, its formula or its scale. */
static pg_attribute_hot bool
own_amount(Pricer *pricer, const Rule *rule, Effect *effect, Dec *amount, char **why_not)
{
	const RuleMore *more = rule_more(rule);

	effect->fee = DEC_ZERO;
	effect->bracket = NULL;
	if (rule->scale != 0)
		return amount_on_scale(pricer, rule, effect, amount, why_not);

	effect->rate = stored_dec(&rule->value);
	if (more != NULL && more->value_expr != 0 &&
		!formula_value(pricer, LINKED(JsonPath, more, more->value_expr), &effect->rate, why_not))
		return false;
	if ((rule->adjust == ADJUST_MARGIN || rule->adjust == ADJUST_FLOOR_MARGIN) &&
		dec_cmp(effect->rate, hundred) >= 0)
	{
		/* only a formula gets here */
		if (why_not != NULL)
			*why_not = psprintf("a margin of %s %% has no price", dec_text(effect->rate));
		return false;
	}
	if (!IS_PERCENT(rule->adjust))
		effect->rate = list_rate(pricer, rule, rule_money(pricer, rule, effect->rate));
	*amount = amount_at(pricer, rule, effect);
	return true;
}

/* A discount's amount, no more than the rule takes off. */
static inline Dec
at_most(Pricer *pricer, const Rule *rule, Dec amount)
{
	const RuleMore *more = rule_more(rule);
	Dec			most;

	if (likely(more == NULL) || !more->has_max_amount)
		return amount;
	most = rule_money(pricer, rule, stored_dec(&more->max_amount));
	return dec_cmp(amount, most) > 0 ? most : amount;
}

/* Makes the unit price a multiple of the rate. */
static pg_noinline bool
round_to_multiple(Pricer *pricer, Effect *effect, char **why_not)
{
	if (dec_sign(effect->rate) == 0)
	{
		if (why_not != NULL)
			*why_not = pstrdup("there are no multiples of 0");
		return false;
	}
	effect->result = dec_mul(dec_div(pricer->state.running, pricer->units, effect->rate,
									 (RoundMode) pricer->policy->round_mode),
							 pricer->units);
	return true;
}

bool
rule_effect(Pricer *pricer, const Rule *rule, Effect *effect, char **why_not)
{
	LineState  *state = &pricer->state;
	Adjust		adjust = (Adjust) rule->adjust;
	Dec			amount;

	effect->has_base = false;
	if (IS_PERCENT(adjust) || adjust == ADJUST_FLOOR_OVER ||
		(rule->scale != 0 && rule_scale(rule)->measure == MEASURE_AMOUNT))
	{
		if (!base_amount(pricer, rule, &effect->base, why_not))
			return false;
		effect->has_base = true;
	}
	if (adjust >= ADJUST_PERCENT_OFF && !state->has_running)
	{
		if (why_not != NULL)
			*why_not = pstrdup("there is no price yet to change");
		return false;
	}
	if (!own_amount(pricer, rule, effect, &amount, why_not))
		return false;

	switch (adjust)
	{
		case ADJUST_FREE_UNITS:
		case ADJUST_ADD_LINE:
			/* they stand in order steps only, which do not come here for them */
			elog(ERROR, "an adjustment of orders on a line");
			break;
		case ADJUST_PRICE:
		case ADJUST_PRICE_PERCENT:
		case ADJUST_FLOOR_PRICE:
		case ADJUST_FLOOR_PERCENT:
		case ADJUST_CAP_PRICE:
		case ADJUST_MARKUP:
		case ADJUST_MARGIN:
		case ADJUST_FLOOR_MARGIN:
			effect->result = amount;
			break;
		case ADJUST_FLOOR_OVER:
			effect->result = dec_add(effect->base, amount);
			break;
		case ADJUST_CAP_PERCENT_OFF:
			effect->result = dec_sub(effect->base, amount);
			break;
		case ADJUST_PERCENT_OFF:
		case ADJUST_AMOUNT_OFF:
		case ADJUST_LINE_AMOUNT_OFF:
			effect->result = dec_sub(state->running, at_most(pricer, rule, amount));
			break;
		case ADJUST_PERCENT_ON:
		case ADJUST_AMOUNT_ON:
			effect->result = dec_add(state->running, amount);
			break;
		case ADJUST_ROUND_TO:
			return round_to_multiple(pricer, effect, why_not);
	}
	return true;
}

/*
 * order_step.c
 *		Order steps: a rule of the order, and the lines that it measures and discounts.
 *
 * Order steps pick as line steps do, on the header, whose running amount is the
 * order's; what a rule takes off there is shared over the lines it discounts.
 * Returns (negative quantities) take no part; a line that a final rule has
 * priced still counts, but gives nothing.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "price/allocate.h"
#include "price/order.h"

static bool
line_matches(const Pricer *header, const OrderLine *line, uint32 scope)
{
	const Policy *policy = header->policy;

	return scope == 0 || scope_holds(POLICY_SCOPE(policy, scope), line->pricer->facts,
									 policy->ndims, policy->path_dims);
}

/* Is it a line that order steps see at all? */
static bool
takes_part(const OrderLine *line)
{
	return line->pricer->state.has_running && !line->pricer->negative && !line->given;
}

static void
measure_order(Order *order)
{
	OrderTotals *totals = &order->totals;
	int			i;

	totals->amount = totals->list_amount = totals->quantity = DEC_ZERO;
	totals->lines = 0;
	for (i = 0; i < order->nlines; i++)
	{
		OrderLine  *line = &order->lines[i];
		Pricer	   *pricer = line->pricer;

		if (!takes_part(line))
			continue;
		totals->lines++;
		totals->quantity = dec_add(totals->quantity, pricer->quantity);
		if (pricer->zero)
			continue;
		totals->amount = dec_add(totals->amount, pricer->state.running);
		totals->list_amount = dec_add(totals->list_amount, pricer->state.list_amount);
	}
}

/* Which lines the rule discounts and counts; what the latter come to. */
void
order_measure(Pricer *header, const Rule *rule)
{
	Order	   *order = header->order;
	const RuleMore *more = RULE_MORE(header->policy, rule);
	OrderTotals *totals = &order->totals;
	int			i;

	measure_order(order);
	totals->counted_amount = totals->counted_quantity = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		OrderLine  *line = &order->lines[i];
		Pricer	   *pricer = line->pricer;
		bool		part = takes_part(line) && !pricer->zero;

		line->discounted = part && pricer->state.final == NULL &&
			line_matches(header, line, more == NULL || rule->adjust == ADJUST_ADD_LINE ? 0 : more->lines);
		line->counted = part && (more != NULL && more->counts != 0 ?
								 line_matches(header, line, more->counts) : line->discounted);
		if (!line->counted)
			continue;
		totals->counted_amount = dec_add(totals->counted_amount, pricer->state.running);
		totals->counted_quantity = dec_add(totals->counted_quantity, pricer->quantity);
	}
	header->quantity = totals->counted_quantity;
	header->step_facts = NULL;
}

/* Running and list amounts of the lines discounted, or of those counted. */
static void
sum_lines(const Order *order, bool counted, Dec *running, Dec *list)
{
	int			i;

	*running = *list = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		const OrderLine *line = &order->lines[i];

		if (counted ? !line->counted : !line->discounted)
			continue;
		*running = dec_add(*running, line->pricer->state.running);
		*list = dec_add(*list, line->pricer->state.list_amount);
	}
}

/* ----- units that are free ----- */

/* Units to free or to give: value for each portion counted, at most max_units. */
static Dec
portion_units(Pricer *header, const Rule *rule)
{
	const RuleMore *more = RULE_MORE(header->policy, rule);
	Dec			units = stored_dec(header->policy, &rule->value);

	if (more == NULL)
		return units;
	if (more->unit_step.v != 0 || more->unit_step.big != 0)
		units = dec_mul(units, dec_div(header->order->totals.counted_quantity,
									   stored_dec(header->policy, &more->unit_step),
									   dec_make(1, 0), ROUND_FLOOR));
	if (more->has_max_units)
	{
		Dec			most = stored_dec(header->policy, &more->max_units);

		if (dec_cmp(units, most) > 0)
			units = most;
	}
	return units;
}

/* Is a unit of a to be freed before one of b? */
static bool
freed_before(const Pricer *a, const Pricer *b, bool dearest)
{
	int			order = dec_cmp(dec_mul(a->state.running, b->quantity),
								dec_mul(b->state.running, a->quantity));

	return dearest ? order > 0 : order < 0;
}

/* What freeing units takes off each line discounted; returns the sum. */
static Dec
free_units(Pricer *header, const Rule *rule, Dec *shares)
{
	Order	   *order = header->order;
	const RuleMore *more = RULE_MORE(header->policy, rule);
	Dec			units = portion_units(header, rule);
	Dec			there = DEC_ZERO;
	Dec			sum = DEC_ZERO;
	bool	   *done = palloc0((order->nlines + 1) * sizeof(bool));
	int			i;

	for (i = 0; i < order->nlines; i++)
	{
		shares[i] = DEC_ZERO;
		if (order->lines[i].discounted)
			there = dec_add(there, order->lines[i].pricer->quantity);
	}
	if (more != NULL && more->free_whole && dec_cmp(units, there) > 0)
	{
		Dec			portion = stored_dec(header->policy, &rule->value);

		units = dec_mul(dec_div(there, portion, dec_make(1, 0), ROUND_FLOOR), portion);
	}
	while (dec_sign(units) > 0)
	{
		Pricer	   *line;
		Dec			freed;
		Dec			room;
		int			best = -1;

		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < order->nlines; i++)
			if (order->lines[i].discounted && !done[i] &&
				(best < 0 || freed_before(order->lines[i].pricer, order->lines[best].pricer,
										  more != NULL && more->free_dearest)))
				best = i;
		if (best < 0)
			break;
		done[best] = true;
		line = order->lines[best].pricer;
		freed = dec_cmp(units, line->quantity) < 0 ? units : line->quantity;
		shares[best] = dec_div(dec_mul(line->state.running, freed), line->quantity,
							   header->increment, (RoundMode) header->policy->round_mode);
		room = room_above_floor(line);
		if (dec_cmp(shares[best], room) > 0)
			shares[best] = room;
		units = dec_sub(units, freed);
		sum = dec_add(sum, shares[best]);
	}
	return sum;
}

/* ----- trying ----- */

bool
order_try(Pricer *header, const Rule *rule, Effect *effect, char **why_not)
{
	Order	   *order = header->order;
	LineState	whole = header->state;
	Dec			entry;
	Dec			list;
	Dec			discount;
	bool		applies;

	order_measure(header, rule);
	effect->has_base = false;
	effect->fee = DEC_ZERO;
	effect->bracket = NULL;
	if (rule->adjust == ADJUST_ADD_LINE)
	{
		effect->rate = portion_units(header, rule);
		effect->result = whole.running;
		if (dec_sign(effect->rate) <= 0 && why_not != NULL)
			*why_not = pstrdup("nothing counted earns it");
		return dec_sign(effect->rate) > 0;
	}

	sum_lines(order, false, &entry, &list);
	if (dec_sign(entry) == 0 && dec_sign(list) == 0)
	{
		if (why_not != NULL)
			*why_not = pstrdup("no line that it discounts");
		return false;
	}
	if (rule->adjust == ADJUST_FREE_UNITS)
	{
		effect->rate = portion_units(header, rule);
		discount = free_units(header, rule, palloc((order->nlines + 1) * sizeof(Dec)));
		if (dec_sign(discount) == 0)
		{
			if (why_not != NULL)
				*why_not = pstrdup("no unit to free");
			return false;
		}
	}
	else
	{
		/* the rule sees its lines as one */
		header->state.running = entry;
		header->state.list_amount = list;
		if (rule->adjust == ADJUST_PRICE_PERCENT)
			sum_lines(order, true, &header->state.running, &header->state.list_amount);
		applies = rule_effect(header, rule, effect, why_not);
		header->state = whole;
		if (!applies)
			return false;
		discount = dec_round(dec_sub(entry, effect->result), header->increment,
							 (RoundMode) header->policy->round_mode);
	}
	effect->result = dec_sub(whole.running, discount);
	return true;
}

/* ----- sharing ----- */

/* Takes its share off a line, and says so there. */
static void
take_from(Pricer *header, OrderLine *line, const Rule *rule, const Effect *effect, Dec share)
{
	Pricer	   *pricer = line->pricer;

	if (dec_sign(share) == 0)
		return;
	if (pricer->trace != NULL)
		trace_row(pricer, VERDICT_APPLIED, step_name(header, rule->step), rule,
				  psprintf("%s, this line's share", describe_rule(header, rule, effect)),
				  NULL, dec_neg(share));
	remember_rule(pricer, rule->id);
	pricer->state.running = dec_sub(pricer->state.running, share);
}

/* Prices the gift as a line, then takes its price off again. */
static void
give_line(Pricer *header, const Rule *rule, const Effect *effect)
{
	Order	   *order = header->order;
	const RuleMore *more = RULE_MORE(header->policy, rule);
	JsonbParseState *state = NULL;
	Jsonb	   *facts;
	OrderLine  *line;
	Pricer	   *pricer;
	int			number = order->nlines;

	if (more != NULL && more->lines != 0)
		facts = POLICY_SCOPE(header->policy, more->lines);
	else
	{
		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		facts = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	}
	line = order_add_line(order, facts, dec_to_numeric(&effect->rate, 0));
	line->given = true;
	order_run_lines(order, number);
	line = &order->lines[number];
	pricer = line->pricer;
	if (!pricer->state.has_running)
	{
		/* what has no price is given all the same */
		pricer->state.has_running = pricer->state.has_list = true;
		pricer->state.running = pricer->state.list_amount = DEC_ZERO;
	}
	take_from(header, line, rule, effect, pricer->state.running);
	if (dec_sign(pricer->state.list_amount) == 0)
		remember_rule(pricer, rule->id);
}

Dec
order_take(Pricer *header, const Rule *rule, const Effect *effect, Dec discount)
{
	Order	   *order = header->order;
	int			n = order->nlines;
	Dec		   *shares = palloc((n + 1) * sizeof(Dec));
	Dec		   *weights = palloc((n + 1) * sizeof(Dec));
	Dec		   *rooms = palloc((n + 1) * sizeof(Dec));
	const Step *step = &POLICY_PART(header->policy, Step, steps)[rule->step];
	bool		raise = dec_sign(discount) < 0;
	Dec			left = DEC_ZERO;
	int			i;

	if (rule->adjust == ADJUST_ADD_LINE)
	{
		give_line(header, rule, effect);
		return DEC_ZERO;
	}
	order_measure(header, rule);
	if (rule->adjust == ADJUST_FREE_UNITS)
		discount = free_units(header, rule, shares);
	else
	{
		for (i = 0; i < n; i++)
		{
			OrderLine  *line = &order->lines[i];

			weights[i] = line->discounted ? line->pricer->state.running : DEC_ZERO;
			rooms[i] = line->discounted ? room_above_floor(line->pricer) : DEC_ZERO;
		}
		left = allocate(raise ? dec_neg(discount) : discount, n, weights, raise ? NULL : rooms,
						header->increment, (Remainder) step->remainder, shares);
	}
	for (i = 0; i < n; i++)
		take_from(header, &order->lines[i], rule, effect, raise ? dec_neg(shares[i]) : shares[i]);
	if (raise)
		left = dec_neg(left);
	order->undistributed = dec_add(order->undistributed, left);
	if (header->trace != NULL && dec_sign(left) != 0)
		trace_rejected(header, rule, "%s of it could not be taken from any line", dec_text(left));
	return dec_sub(discount, left);
}

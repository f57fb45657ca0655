/*
 * order_step.c
 *		Order steps: a rule of the order, and the lines that it measures and discounts.
 *
 * Order steps pick as line steps do, on the header, whose running amount is the
 * order's. How the lines share what a rule takes off is worked out when it is
 * tried, so that best compares what customers would really get. Returns
 * (negative quantities) take no part; a line that a final rule has priced
 * still counts in totals, but gives nothing.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "price/allocate.h"
#include "price/order.h"

/* How the lines would share what a rule takes off them. */
typedef struct Taking
{
	Dec			wanted;			/* by the rule; below zero: it raises the order */
	Dec			taken;			/* what of it the lines can give */
	int			nlines;
	Dec		   *shares;
} Taking;

static bool
line_matches(const Pricer *header, const OrderLine *line, const RuleMore *more, Link scope)
{
	ScopeRow	row;

	if (scope == 0)
		return true;
	scope_row_init(&row, line->pricer->facts, header->policy->ndims, header->policy->path_dims);
	return scope_holds((Jsonb *) LINKED(Jsonb, more, scope), &row);
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

/* The facts of the lines counted, as a list. */
static Jsonb *
counted_facts(const Order *order)
{
	JsonbParseState *state = NULL;
	int			i;

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (i = 0; i < order->nlines; i++)
	{
		Jsonb	   *facts = order->lines[i].facts;
		JsonbValue	value;

		if (!order->lines[i].counted)
			continue;
		value.type = jbvBinary;
		value.val.binary.data = &facts->root;
		value.val.binary.len = VARSIZE(facts) - VARHDRSZ;
		(void) pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* Which lines the rule discounts and counts; what the latter come to. */
void
order_measure(Pricer *header, const Rule *rule)
{
	Order	   *order = header->order;
	const RuleMore *more = rule_more(rule);
	OrderTotals *totals = &order->totals;
	uint64		step = UINT64CONST(1) << rule->step;
	bool		gives = rule->adjust == ADJUST_ADD_LINE;
	int			i;

	measure_order(order);
	totals->counted_amount = totals->counted_quantity = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		OrderLine  *line = &order->lines[i];
		Pricer	   *pricer = line->pricer;
		bool		part = takes_part(line) && !pricer->zero;

		line->discounted = part && !gives &&
			pricer->state.final == NULL && (pricer->state.excluded & step) == 0 &&
			line_matches(header, line, more, more == NULL ? 0 : more->lines);
		line->counted = part && (more != NULL && more->counts != 0 ?
								 line_matches(header, line, more, more->counts) :
								 gives || line->discounted);
		if (!line->counted)
			continue;
		totals->counted_amount = dec_add(totals->counted_amount, pricer->state.running);
		totals->counted_quantity = dec_add(totals->counted_quantity, pricer->quantity);
	}
	totals->counted = more != NULL && more->asks_counted ? counted_facts(order) : NULL;
	header->quantity = totals->counted_quantity;
	header->step_facts = NULL;
}

bool
order_base(Pricer *header, const Rule *rule, bool counted, Dec *base, char **why_not)
{
	Order	   *order = header->order;
	int			i;

	*base = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		OrderLine  *line = &order->lines[i];
		Dec			part;

		if (counted ? !line->counted : !line->discounted)
			continue;
		if (!base_amount(line->pricer, rule, &part, why_not))
			return false;
		*base = dec_add(*base, part);
	}
	return true;
}

/* ----- sharing ----- */

/* Shares what a rule wants over the lines it discounts, as far as they have room. */
static Taking *
share(Pricer *header, const Rule *rule, Dec wanted)
{
	Order	   *order = header->order;
	const Step *step = &POLICY_PART(header->policy, Step, steps)[rule->step];
	int			n = order->nlines;
	Taking	   *taking = palloc(sizeof(Taking));
	Dec		   *weights = palloc((n + 1) * sizeof(Dec));
	Dec		   *rooms = palloc((n + 1) * sizeof(Dec));
	bool		raise = dec_sign(wanted) < 0;
	Dec			amount = raise ? dec_neg(wanted) : wanted;
	Dec			total = DEC_ZERO;
	Dec			left;
	int			i;

	for (i = 0; i < n; i++)
	{
		OrderLine  *line = &order->lines[i];

		weights[i] = rooms[i] = DEC_ZERO;
		if (!line->discounted)
			continue;
		weights[i] = line->pricer->state.running;
		total = dec_add(total, weights[i]);
		rooms[i] = raise ? room_below_cap(line->pricer, amount) : room_above_floor(line->pricer);
	}

	/* lines that cost nothing so far are raised by quantity */
	for (i = 0; i < n && raise && dec_sign(total) == 0; i++)
		if (order->lines[i].discounted)
			weights[i] = order->lines[i].pricer->quantity;

	taking->wanted = wanted;
	taking->nlines = n;
	taking->shares = palloc((n + 1) * sizeof(Dec));
	left = allocate(amount, n, weights, rooms, header->increment, (Remainder) step->remainder,
					taking->shares);
	taking->taken = dec_sub(wanted, raise ? dec_neg(left) : left);
	for (i = 0; i < n && raise; i++)
		taking->shares[i] = dec_neg(taking->shares[i]);
	return taking;
}

/* ----- units that are free ----- */

/* Units to free or to give: value for each portion counted, at most max_units. */
static Dec
portion_units(Pricer *header, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);
	Dec			units = stored_dec(&rule->value);

	if (more == NULL)
		return units;
	if (more->unit_step.v != 0 || more->unit_step.big != 0)
		units = dec_mul(units, dec_div(header->order->totals.counted_quantity,
									   stored_dec(&more->unit_step),
									   dec_make(1, 0), ROUND_FLOOR));
	if (more->has_max_units)
	{
		Dec			most = stored_dec(&more->max_units);

		if (dec_cmp(units, most) > 0)
			units = most;
	}
	return units;
}

/* A line whose units can be freed. */
typedef struct FreeLine
{
	const Pricer *pricer;
	int			line;
	bool		dearest;
} FreeLine;

/* Those whose unit costs less (or more) go first, then the earlier. */
static int
compare_free(const void *left, const void *right)
{
	const FreeLine *a = left;
	const FreeLine *b = right;
	int			order = dec_cmp(dec_mul(a->pricer->state.running, b->pricer->quantity),
								dec_mul(b->pricer->state.running, a->pricer->quantity));

	if (order != 0)
		return a->dearest ? -order : order;
	return a->line < b->line ? -1 : 1;
}

/* What freeing units takes off each line discounted; *units are those freed. */
static Taking *
free_units(Pricer *header, const Rule *rule, Dec *units)
{
	Order	   *order = header->order;
	const RuleMore *more = rule_more(rule);
	Taking	   *taking = palloc(sizeof(Taking));
	FreeLine   *lines = palloc((order->nlines + 1) * sizeof(FreeLine));
	Dec			there = DEC_ZERO;
	Dec			left;
	int			n = 0;
	int			i;

	taking->wanted = taking->taken = DEC_ZERO;
	taking->nlines = order->nlines;
	taking->shares = palloc((order->nlines + 1) * sizeof(Dec));
	for (i = 0; i < order->nlines; i++)
	{
		taking->shares[i] = DEC_ZERO;
		if (!order->lines[i].discounted)
			continue;
		lines[n].pricer = order->lines[i].pricer;
		lines[n].line = i;
		lines[n].dearest = more != NULL && more->free_dearest;
		there = dec_add(there, lines[n++].pricer->quantity);
	}
	*units = portion_units(header, rule);
	if (dec_cmp(*units, there) > 0)
		*units = there;
	if (more != NULL && more->free_whole)
		*units = dec_div(*units, dec_make(1, 0), stored_dec(&rule->value), ROUND_FLOOR);

	qsort(lines, n, sizeof(FreeLine), compare_free);
	left = *units;
	for (i = 0; i < n && dec_sign(left) > 0; i++)
	{
		const Pricer *line = lines[i].pricer;
		Dec			freed = dec_cmp(left, line->quantity) < 0 ? left : line->quantity;
		Dec			room = room_above_floor(line);
		Dec			cost = dec_div(dec_mul(line->state.running, freed), line->quantity,
								   header->increment, (RoundMode) header->policy->round_mode);
		Dec			given = dec_cmp(cost, room) < 0 ? cost : room;

		left = dec_sub(left, freed);
		taking->shares[lines[i].line] = given;
		taking->wanted = dec_add(taking->wanted, cost);
		taking->taken = dec_add(taking->taken, given);
	}
	return taking;
}

/* ----- trying ----- */

static bool
refuse(char **why_not, const char *why)
{
	if (why_not != NULL)
		*why_not = pstrdup(why);
	return false;
}

bool
order_try(Pricer *header, const Rule *rule, Effect *effect, char **why_not)
{
	Order	   *order = header->order;
	LineState	whole = header->state;
	RoundMode	mode = (RoundMode) header->policy->round_mode;
	Dec			entry = DEC_ZERO;
	Dec			list = DEC_ZERO;
	Dec			wanted;
	bool		applies;
	bool		any = false;
	int			i;

	order_measure(header, rule);
	effect->has_base = false;
	effect->fee = DEC_ZERO;
	effect->bracket = NULL;
	effect->taking = NULL;
	if (rule->adjust == ADJUST_ADD_LINE)
	{
		effect->rate = portion_units(header, rule);
		effect->result = whole.running;
		return dec_sign(effect->rate) > 0 || refuse(why_not, "nothing counted earns it");
	}

	for (i = 0; i < order->nlines; i++)
	{
		const OrderLine *line = &order->lines[i];

		if (!line->discounted)
			continue;
		any = true;
		entry = dec_add(entry, line->pricer->state.running);
		list = dec_add(list, line->pricer->state.list_amount);
	}
	if (!any)
		return refuse(why_not, "there is no line that it changes");
	if (rule->adjust == ADJUST_FREE_UNITS)
	{
		effect->taking = free_units(header, rule, &effect->rate);
		if (dec_sign(effect->rate) <= 0)
			return refuse(why_not, "there is no unit to free");
	}
	else
	{
		/* the rule sees its lines as one */
		header->state.running = entry;
		header->state.list_amount = list;
		applies = rule_effect(header, rule, effect, why_not);
		header->state = whole;
		if (!applies)
			return false;

		/* a price is rounded as it stands, a discount as it is taken */
		wanted = SETS_PRICE(rule->adjust) || rule->adjust == ADJUST_ROUND_TO ?
			dec_sub(entry, dec_round(effect->result, header->increment, mode)) :
			dec_round(dec_sub(entry, effect->result), header->increment, mode);
		effect->taking = share(header, rule, wanted);
	}
	effect->result = dec_sub(whole.running, effect->taking->taken);
	return true;
}

/* ----- taking ----- */

/* Takes its share off a line, and says so there. */
static void
take_from(Pricer *header, OrderLine *line, const Rule *rule, const Effect *effect, Dec share)
{
	Pricer	   *pricer = line->pricer;

	if (dec_sign(share) == 0)
		return;
	if (tracing(pricer))
		trace_row(pricer, VERDICT_APPLIED, step_name(header, rule->step), rule,
				  rule->adjust == ADJUST_ADD_LINE ? describe_rule(header, rule, effect) :
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
	const RuleMore *more = rule_more(rule);
	JsonbParseState *state = NULL;
	Jsonb	   *facts;
	OrderLine  *line;
	Pricer	   *pricer;
	int			number = order->nlines;

	if (more != NULL && more->lines != 0)
		facts = (Jsonb *) LINKED(Jsonb, more, more->lines);
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

/* Can every line still give what it could when the rule was tried? */
static bool
still_fits(const Order *order, const Taking *taking)
{
	int			i;

	for (i = 0; i < taking->nlines; i++)
		if (dec_sign(taking->shares[i]) > 0 &&
			dec_cmp(taking->shares[i], room_above_floor(order->lines[i].pricer)) > 0)
			return false;
	return true;
}

Dec
order_take(Pricer *header, const Rule *rule, const Effect *effect, Dec discount)
{
	Order	   *order = header->order;
	Taking	   *taking = effect->taking;
	Dec			missed;
	int			i;

	if (rule->adjust == ADJUST_ADD_LINE)
	{
		give_line(header, rule, effect);
		return DEC_ZERO;
	}

	/* of rules that are added up, those before may have taken what it wanted */
	if (dec_cmp(discount, taking->taken) != 0 || !still_fits(order, taking))
	{
		order_measure(header, rule);
		taking = share(header, rule, discount);
	}
	for (i = 0; i < taking->nlines; i++)
		take_from(header, &order->lines[i], rule, effect, taking->shares[i]);
	missed = dec_sub(effect->taking->wanted, taking->taken);
	order->undistributed = dec_add(order->undistributed, missed);
	if (tracing(header) && dec_sign(missed) != 0)
		trace_rejected(header, rule, "%s of it could not be shared over the lines", dec_text(missed));
	else if (tracing(header) && dec_sign(taking->taken) == 0)
		trace_rejected(header, rule, "it comes to nothing");
	return taking->taken;
}

/* ----- competing steps ----- */

typedef struct LineCopy
{
	OrderLine	line;
	LineState	state;
	int64	   *rules;
	List	   *waterfall;
} LineCopy;

typedef struct OrderCopy
{
	int			nlines;
	Dec			undistributed;
	LineCopy   *lines;
} OrderCopy;

OrderCopy *
order_save(Pricer *header)
{
	Order	   *order = header->order;
	OrderCopy  *copy = palloc(sizeof(OrderCopy));
	int			i;

	copy->nlines = order->nlines;
	copy->undistributed = order->undistributed;
	copy->lines = palloc((order->nlines + 1) * sizeof(LineCopy));
	for (i = 0; i < order->nlines; i++)
	{
		Pricer	   *pricer = order->lines[i].pricer;
		LineCopy   *line = &copy->lines[i];

		line->line = order->lines[i];
		line->state = pricer->state;
		line->rules = palloc((pricer->state.nrules + 1) * sizeof(int64));
		memcpy(line->rules, pricer->rules, pricer->state.nrules * sizeof(int64));
		line->waterfall = !tracing(pricer) ? NIL : list_copy(pricer->trace->waterfall);
	}
	return copy;
}

void
order_restore(Pricer *header, const OrderCopy *copy)
{
	Order	   *order = header->order;
	int			i;

	for (i = 0; i < copy->nlines; i++)
	{
		const LineCopy *line = &copy->lines[i];
		Pricer	   *pricer = line->line.pricer;

		order->lines[i] = line->line;
		pricer->state = line->state;
		memcpy(pricer->rules, line->rules, line->state.nrules * sizeof(int64));
		if (tracing(pricer))
			pricer->trace->waterfall = list_copy(line->waterfall);
	}
	order->nlines = copy->nlines;
	order->undistributed = copy->undistributed;
}

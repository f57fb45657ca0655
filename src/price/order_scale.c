/*
 * order_scale.c
 *		Scales over all order lines that share some facts: mix and match.
 *
 * The members are the lines to which the rule applies and whose scale_by facts
 * are the line's own. The bracket is that of their total. What a bracket is
 * worth for all of them together, each gets in proportion to its measure, the
 * same share of every band, to the increment by largest remainder; so the
 * parts add up to the whole.
 */
#include "postgres.h"

#include "price/allocate.h"
#include "price/order.h"

static bool
shares_facts(Pricer *a, Pricer *b, const RuleMore *more)
{
	const uint32 *facts = POLICY_PART(a->policy, uint32, by_facts) + more->by_facts;
	uint32		i;

	for (i = 0; i < more->nby_facts; i++)
	{
		FactLabel	left;
		FactLabel	right;

		if (!fact_text(a->facts, facts[i], &left) || !fact_text(b->facts, facts[i], &right) ||
			left.len != right.len || memcmp(left.text, right.text, left.len) != 0)
			return false;
	}
	return true;
}

/* The rule matches the line, and stands; nothing is traced. */
static bool
applies_to(Pricer *pricer, const Rule *rule)
{
	const Rule *rules = POLICY_PART(pricer->policy, Rule, rules);
	Trace	   *trace = pricer->trace;
	bool		found = false;
	int			i;

	for (i = 0; i < pricer->query.nfound && !found; i++)
		found = &rules[pricer->query.found[i]] == rule;
	pricer->trace = NULL;
	found = found && rule_stands(pricer, rule);
	pricer->trace = trace;
	return found;
}

/* What the scale measures of a line, as it stood on entry to the step. */
static bool
line_measure(OrderLine *line, const Rule *rule, Dec *measure)
{
	Pricer	   *pricer = line->pricer;
	LineState	now = pricer->state;
	bool		known;

	if (rule->scale_measure != MEASURE_AMOUNT)
	{
		*measure = pricer->quantity;
		return true;
	}
	pricer->state = line->entry;
	known = base_amount(pricer, rule, measure, NULL);
	pricer->state = now;
	return known;
}

/* The measures of all members, 0 for other lines; false if the line is none itself. */
static bool
members(Pricer *pricer, const Rule *rule, Dec *measures, int *self)
{
	Order	   *order = pricer->order;
	const RuleMore *more = RULE_MORE(pricer->policy, rule);
	int			i;

	*self = -1;
	for (i = 0; i < order->nlines; i++)
	{
		OrderLine  *line = &order->lines[i];
		Pricer	   *other = line->pricer;

		measures[i] = DEC_ZERO;
		if (other->negative || other->zero || line->given)
			continue;
		if (other != pricer &&
			!(applies_to(other, rule) && shares_facts(pricer, other, more)))
			continue;
		if (line_measure(line, rule, &measures[i]) && other == pricer)
			*self = i;
	}
	return *self >= 0;
}

bool
order_group(Pricer *pricer, const Rule *rule, Dec measure, Dec *total)
{
	const RuleMore *more = RULE_MORE(pricer->policy, rule);
	Dec		   *measures;
	int			self;
	int			i;

	*total = measure;
	if (more == NULL || more->nby_facts == 0 || pricer->order == NULL || pricer->totals != NULL)
		return false;
	measures = palloc((pricer->order->nlines + 1) * sizeof(Dec));
	if (!members(pricer, rule, measures, &self))
		return false;
	*total = DEC_ZERO;
	for (i = 0; i < pricer->order->nlines; i++)
		*total = dec_add(*total, measures[i]);
	return true;
}

Dec
order_part(Pricer *pricer, const Rule *rule, Dec measure, Dec amount)
{
	Order	   *order = pricer->order;
	Dec		   *measures = palloc((order->nlines + 1) * sizeof(Dec));
	Dec		   *shares = palloc((order->nlines + 1) * sizeof(Dec));
	int			self;

	if (!members(pricer, rule, measures, &self))
		return amount;
	(void) allocate(amount, order->nlines, measures, NULL, pricer->increment,
					REMAINDER_LARGEST, shares);
	return shares[self];
}

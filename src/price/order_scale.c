/*
 * order_scale.c
 *		Scales over all order lines that share some facts: mix and match.
 *
 * Members are the lines to which the rule applies on entry to its step, with
 * the same scale_by facts (and the same offset on the scale). The bracket is
 * that of their total. What a bracket is worth for all of them together, each
 * gets in proportion to its weight, the same share of every band, to the
 * increment by largest remainder; so the parts add up to the whole. Who goes
 * with whom is worked out once a rule, when the first line asks.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "price/allocate.h"
#include "price/order.h"

/* Lines measured together. */
typedef struct LineGroup
{
	int			nlines;
	Dec			total;
	Dec			weight;
	Dec		   *weights;
	bool		shared[PART_FEE + 1];
	Dec			whole[PART_FEE + 1];	/* what has been shared */
	Dec		   *shares[PART_FEE + 1];
} LineGroup;

/* A rule's scale over the lines of the order. */
typedef struct RuleScale
{
	int64		rule;
	LineGroup **groups;			/* by line; NULL: measured alone */
	int		   *places;			/* of a line in its group */
} RuleScale;

/* A line on its way into a group. */
typedef struct Member
{
	char	   *key;			/* its facts; NULL: no member */
	int			key_len;
	int			line;
	Dec			measure;
	Dec			weight;
} Member;

/* The rule matches the line, and stands, in the state that the line now has. */
static bool
applies_to(Pricer *pricer, const Rule *rule)
{
	bool		found = false;
	int			i;

	match_find_below(&pricer->query, PG_UINT32_MAX);
	for (i = 0; i < pricer->query.nfound && !found; i++)
		found = policy_rule(pricer->policy, pricer->query.found[i])->id == rule->id;
	return found && pricer->state.final == NULL &&
		(pricer->state.excluded & (UINT64CONST(1) << rule->step)) == 0 &&
		rule_stands(pricer, rule);
}

static void
append_fact(StringInfo key, FactLabel fact)
{
	appendBinaryStringInfo(key, (char *) &fact.len, sizeof(fact.len));
	appendBinaryStringInfo(key, fact.text, fact.len);
}

/* The facts that members share; false if the line lacks one. */
static bool
member_key(Pricer *pricer, const RuleMore *more, StringInfo key)
{
	const uint32 *facts = LINKED(uint32, more, more->by_facts);
	FactLabel	label;
	uint32		i;

	initStringInfo(key);
	for (i = 0; i < more->nby_facts; i++)
	{
		if (!fact_text(pricer->facts, facts[i], &label))
			return false;
		append_fact(key, label);
	}
	if (more->offset_fact != 0 && fact_text(pricer->facts, more->offset_fact - 1, &label))
		append_fact(key, label);
	return true;
}

/* What its parts are in proportion to: what the scale gives a value to. */
static Dec
member_weight(const Pricer *pricer, const Rule *rule, Dec base, Dec measure)
{
	if (IS_PERCENT(rule->adjust))
		return base;
	if (rule_scale(rule)->measure == MEASURE_AMOUNT && scale_mode(rule) != SCALE_GRADUATED)
		return measure;
	return pricer->units;
}

/* The base that a member's part is reckoned from, where it is; in a chain it may not be there yet. */
static bool
member_base(Pricer *pricer, const Rule *rule, Dec *base)
{
	bool		measured = rule_scale(rule)->measure == MEASURE_AMOUNT;

	*base = DEC_ZERO;
	if (!measured && !IS_PERCENT(rule->adjust))
		return true;
	return base_amount(pricer, rule, base, NULL) || (!measured && can_wait(pricer, rule));
}

static void
find_member(OrderLine *line, const Rule *rule, Member *member)
{
	Pricer	   *pricer = line->pricer;
	LineState	now = pricer->state;
	Jsonb	   *facts_now = pricer->step_facts;
	Trace	   *trace = pricer->trace;
	StringInfoData key;
	Dec			base;

	member->key = NULL;
	if (pricer->negative || pricer->zero || line->given)
		return;

	/* as the line stood on entry to the step */
	pricer->state = line->entry;
	pricer->step_facts = line->entry_facts;
	pricer->trace = NULL;
	if (applies_to(pricer, rule) && member_key(pricer, rule_more(rule), &key) &&
		member_base(pricer, rule, &base) &&
		rule_measure(pricer, rule, base, &member->measure, NULL))
	{
		member->key = key.data;
		member->key_len = key.len;
		member->weight = member_weight(pricer, rule, base, member->measure);
	}
	line->entry_facts = pricer->step_facts;
	pricer->state = now;
	pricer->step_facts = facts_now;
	pricer->trace = trace;
}

static int
compare_members(const void *left, const void *right)
{
	const Member *a = left;
	const Member *b = right;
	int			order;

	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	order = memcmp(a->key, b->key, a->key_len);
	return order != 0 ? order : a->line < b->line ? -1 : 1;
}

static LineGroup *
make_group(Order *order, const Member *members, int n)
{
	LineGroup  *group = palloc0(sizeof(LineGroup));
	int			i;

	group->nlines = n;
	group->total = group->weight = DEC_ZERO;
	group->weights = palloc(n * sizeof(Dec));
	for (i = 0; i < n; i++)
	{
		group->total = dec_add(group->total, members[i].measure);
		group->weight = dec_add(group->weight, members[i].weight);
		group->weights[i] = members[i].weight;
	}

	/* where there is nothing to go by, by quantity */
	if (dec_sign(group->weight) == 0)
		for (i = 0; i < n; i++)
			group->weights[i] = order->lines[members[i].line].pricer->units;
	return group;
}

static RuleScale *
find_scale(Order *order, const Rule *rule)
{
	RuleScale  *scale;
	Member	   *members;
	ListCell   *cell;
	int			n = 0;
	int			i;
	int			start;

	foreach(cell, order->scales)
	{
		scale = lfirst(cell);
		if (scale->rule == rule->id)
			return scale;
	}
	scale = palloc(sizeof(RuleScale));
	scale->rule = rule->id;
	scale->groups = palloc0(order->nlines * sizeof(LineGroup *));
	scale->places = palloc0(order->nlines * sizeof(int));
	members = palloc(order->nlines * sizeof(Member));
	for (i = 0; i < order->nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		members[n].line = i;
		find_member(&order->lines[i], rule, &members[n]);
		n += members[n].key != NULL;
	}
	qsort(members, n, sizeof(Member), compare_members);
	for (start = 0; start < n; start = i)
	{
		LineGroup  *group;
		int			member;

		for (i = start + 1; i < n; i++)
			if (members[i].key_len != members[start].key_len ||
				memcmp(members[i].key, members[start].key, members[i].key_len) != 0)
				break;
		group = make_group(order, members + start, i - start);
		for (member = start; member < i; member++)
		{
			scale->groups[members[member].line] = group;
			scale->places[members[member].line] = member - start;
		}
	}
	order->scales = lappend(order->scales, scale);
	return scale;
}

void
order_group(Pricer *pricer, const Rule *rule, const Effect *effect, Dec measure, OrderGroup *group)
{
	const RuleMore *more = rule_more(rule);
	RuleScale  *scale;
	bool		percent;

	group->total = measure;
	group->lines = NULL;
	group->pools_amount = group->pools_fee = false;
	if (likely(more == NULL || more->nby_facts == 0 || pricer->order == NULL))
		return;
	if (pricer->totals != NULL || pricer->order->lines[pricer->line].given)
		return;
	scale = find_scale(pricer->order, rule);
	group->lines = scale->groups[pricer->line];
	if (group->lines == NULL)
		return;
	group->place = scale->places[pricer->line];
	group->total = group->lines->total;
	group->weight = group->lines->weight;
	group->pools_fee = true;

	/* in a chain a line's base may have moved from what the others saw of it */
	percent = IS_PERCENT(rule->adjust);
	if (scale_mode(rule) == SCALE_GRADUATED)
		group->pools_amount = dec_sign(group->total) != 0 &&
			(!percent || (dec_cmp(effect->base, group->lines->weights[group->place]) == 0));
	else
		group->pools_amount = scale_mode(rule) != SCALE_VOLUME;
}

Dec
order_part(Pricer *pricer, OrderGroup *group, Part part, Dec amount)
{
	LineGroup  *lines = group->lines;
	bool		negative = dec_sign(amount) < 0;

	if (!lines->shared[part] || dec_cmp(lines->whole[part], amount) != 0)
	{
		if (lines->shares[part] == NULL)
			lines->shares[part] = palloc(lines->nlines * sizeof(Dec));
		(void) allocate(negative ? dec_neg(amount) : amount, lines->nlines, lines->weights, NULL,
						pricer->increment, REMAINDER_LARGEST, lines->shares[part]);
		lines->shared[part] = true;
		lines->whole[part] = amount;
	}
	return negative ? dec_neg(lines->shares[part][group->place]) : lines->shares[part][group->place];
}

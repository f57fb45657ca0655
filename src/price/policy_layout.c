/*
 * policy_layout.c
 *		Compiling a policy: the position-independent chunk that is left in the end.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "price/policy_compile.h"
#include "utils/memutils.h"

/* A rule is a cache line, and begins one. */
#define CHUNK_ALIGN 64

/* Where in the chunk the compiler's lists and arrays are to stand. */
typedef struct Layout
{
	Size		scales;
	Size	   *scale_at;		/* each scale's */
	Size		bracket_more;
	Size		more;
	Size		exclusions;
	Size		by_facts;
	Size		endings;
	Size	   *numeric_at;
	Size	   *path_at;
	Size	   *scope_at;
	Size	   *text_at;
} Layout;

static Size
place(Size *at, Size bytes)
{
	Size		offset = *at;

	*at += MAXALIGN(bytes);
	return offset;
}

/* Places a list of varlena values; where each stands. */
static Size *
place_varlenas(Size *at, List *values)
{
	Size	   *places = palloc((list_length(values) + 1) * sizeof(Size));
	ListCell   *cell;

	foreach(cell, values)
		places[foreach_current_index(cell)] = place(at, VARSIZE(lfirst(cell)));
	return places;
}

static void
copy_items(Policy *policy, Size offset, const void *items, Size bytes)
{
	/* memcpy() may not be given NULL, not even to copy nothing */
	if (bytes > 0)
		memcpy((char *) policy + offset, items, bytes);
}

static void
copy_varlenas(Policy *policy, const Size *places, List *values)
{
	ListCell   *cell;

	foreach(cell, values)
		memcpy((char *) policy + places[foreach_current_index(cell)], lfirst(cell),
			   VARSIZE(lfirst(cell)));
}

/* ----- links: from the compiler's numbers to distances ----- */

static void
link_to(Link *link, const void *owner, const Policy *policy, Size offset)
{
	int64		distance = (const char *) policy + offset - (const char *) owner;

	if (distance / 4 != (Link) (distance / 4))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rule book is too large"),
				 errdetail("A policy can take 8 GB at most."),
				 errhint("Split the policy.")));
	*link = distance / 4;
}

/* The same where the link holds the number + 1 of an item of this size, or of these places. */
static void
link_item(Link *link, const void *owner, const Policy *policy, Size items, Size size)
{
	if (*link != 0)
		link_to(link, owner, policy, items + (*link - 1) * size);
}

static void
link_place(Link *link, const void *owner, const Policy *policy, const Size *places)
{
	if (*link != 0)
		link_to(link, owner, policy, places[*link - 1]);
}

static void
link_dec(StoredDec *stored, const Policy *policy, const Layout *layout)
{
	link_place(&stored->big, stored, policy, layout->numeric_at);
}

/* ----- the parts ----- */

static void
lay_out_steps(Compiler *c, Policy *policy, const Layout *layout)
{
	Step	   *steps = (Step *) ((char *) policy + policy->steps);
	Ending	   *endings = (Ending *) ((char *) policy + layout->endings);
	ListCell   *cell;
	int			i;

	memcpy(steps, c->steps, policy->nsteps * sizeof(Step));
	for (i = 0; i < policy->nsteps; i++)
		link_item(&steps[i].ending, &steps[i], policy, layout->endings, sizeof(Ending));
	link_item(&policy->ending, policy, policy, layout->endings, sizeof(Ending));
	link_dec(&policy->increment, policy, layout);
	foreach(cell, c->endings)
	{
		*endings = *(Ending *) lfirst(cell);
		link_dec(&endings->rest, policy, layout);
		link_dec(&endings->period, policy, layout);
		endings++;
	}
}

static void
lay_out_rules(Compiler *c, Policy *policy, const Layout *layout)
{
	Rule	   *rules = (Rule *) ((char *) policy + policy->rules);
	Step	   *steps = (Step *) ((char *) policy + policy->steps);
	RuleMore   *more = (RuleMore *) ((char *) policy + layout->more);
	uint32		i;

	for (i = 0; i < c->rules.n; i++)
	{
		Rule	   *rule = &rules[i];

		if (i + 16 < c->rules.n)
			__builtin_prefetch(&c->rules.items[c->order[i + 16]].rule);
		*rule = c->rules.items[c->order[i]].rule;
		link_dec(&rule->value, policy, layout);
		link_item(&rule->more, rule, policy, layout->more, sizeof(RuleMore));
		link_place(&rule->scale, rule, policy, layout->scale_at);
		policy->has_guards |= IS_GUARD(rule->adjust);
		policy->has_order |= steps[rule->step].level == LEVEL_ORDER;
		policy->has_statistical |= steps[rule->step].level == LEVEL_STATISTICAL;
		steps[rule->step].has_groups |= rule->group != GROUP_NONE;
		steps[rule->step].end_rule = i + 1;
		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	for (i = 1; i < policy->nsteps; i++)
		steps[i].end_rule = Max(steps[i].end_rule, steps[i - 1].end_rule);

	for (i = 0; i < c->more.n; i++, more++)
	{
		*more = c->more.items[i];
		link_place(&more->condition, more, policy, layout->path_at);
		link_place(&more->value_expr, more, policy, layout->path_at);
		link_place(&more->lines, more, policy, layout->scope_at);
		link_place(&more->counts, more, policy, layout->scope_at);
		link_place(&more->group, more, policy, layout->text_at);
		link_place(&more->note, more, policy, layout->text_at);
		link_item(&more->exclusions, more, policy, layout->exclusions, sizeof(ScopeExclusion));
		link_item(&more->by_facts, more, policy, layout->by_facts, sizeof(uint32));
		link_item(&more->ending, more, policy, layout->endings, sizeof(Ending));
		link_dec(&more->max_amount, policy, layout);
		link_dec(&more->max_units, policy, layout);
		link_dec(&more->unit_step, policy, layout);
	}
}

static void
lay_out_scales(Compiler *c, Policy *policy, const Layout *layout)
{
	BracketMore *more = (BracketMore *) ((char *) policy + layout->bracket_more);
	uint32		i;
	uint32		k;

	for (i = 0; i < c->scales.n; i++)
	{
		const ReadScale *read = &c->scales.items[i];
		Scale	   *scale = (Scale *) ((char *) policy + layout->scale_at[i]);

		memcpy(scale, &read->scale, offsetof(Scale, brackets));
		for (k = 0; k < read->scale.nbrackets; k++)
		{
			Bracket    *bracket = &scale->brackets[k];

			*bracket = c->brackets.items[read->first_bracket + k];
			link_dec(&bracket->from, policy, layout);
			link_dec(&bracket->to, policy, layout);
			link_dec(&bracket->value, policy, layout);
			link_item(&bracket->more, bracket, policy, layout->bracket_more, sizeof(BracketMore));
		}
	}
	for (i = 0; i < c->bracket_more.n; i++, more++)
	{
		*more = c->bracket_more.items[i];
		link_dec(&more->fee, policy, layout);
		link_dec(&more->size, policy, layout);
		link_dec(&more->overage, policy, layout);
	}
}

static void
lay_out_rates(Compiler *c, Policy *policy, const Layout *layout)
{
	Rate	   *rate = (Rate *) ((char *) policy + policy->rates);
	Unit	   *unit = (Unit *) ((char *) policy + policy->units);
	ListCell   *cell;

	foreach(cell, c->rates)
	{
		*rate = *(Rate *) lfirst(cell);
		link_dec(&rate->rate, policy, layout);
		rate++;
	}
	foreach(cell, c->units)
	{
		*unit = *(Unit *) lfirst(cell);
		link_dec(&unit->factor, policy, layout);
		unit++;
	}
}

/* Offsets of the names of facts: dimensions come first. */
static uint32 *
place_facts(Compiler *c)
{
	uint32	   *offsets = palloc((c->ndims + list_length(c->facts) + 1) * sizeof(uint32));
	ListCell   *cell;
	int			i;

	for (i = 0; i < c->ndims; i++)
		offsets[i] = add_text(c, c->dims[i]);
	foreach(cell, c->facts)
		offsets[i++] = add_text(c, lfirst(cell));
	return offsets;
}

/* What rules of the base call for, a patch of it has to do, too. */
static void
take_over(Policy *policy, const Policy *base)
{
	Step	   *steps = (Step *) ((char *) policy + policy->steps);
	int			i;

	policy->has_guards |= base->has_guards;
	policy->has_order |= base->has_order;
	policy->has_statistical |= base->has_statistical;
	policy->used_dims |= base->used_dims;
	for (i = 0; i < policy->nsteps; i++)
	{
		bool		had_groups = POLICY_PART(base, Step, steps)[i].has_groups;

		policy->all_count |= steps[i].has_groups && !had_groups;
		steps[i].has_groups |= had_groups;
	}
}

/* Does the rule apply whenever its step runs with a price, or, one that sets it, without? */
static bool
always_applies(const Rule *rule)
{
	const RuleMore *more = rule_more(rule);

	return rule->from == DT_NOBEGIN && rule->to == DT_NOEND && rule->scale == 0 &&
		(rule->adjust == ADJUST_PRICE || rule->adjust == ADJUST_AMOUNT_OFF ||
		 rule->adjust == ADJUST_AMOUNT_ON || rule->adjust == ADJUST_LINE_AMOUNT_OFF ||
		 ((rule->adjust == ADJUST_PERCENT_OFF || rule->adjust == ADJUST_PERCENT_ON) &&
		  rule->base.kind == BASE_RUNNING)) &&
		(more == NULL || (more->condition == 0 && more->value_expr == 0 && more->nexclusions == 0));
}

/* Of two rules that only the price decides between: is the first never the dearer one? */
static bool
never_dearer(const Rule *first, const Rule *second)
{
	const RuleMore *more = rule_more(first);
	const RuleMore *other = rule_more(second);

	return first->adjust == ADJUST_PERCENT_OFF && second->adjust == ADJUST_PERCENT_OFF &&
		second->base.kind == BASE_RUNNING && second->scale == 0 &&
		(more == NULL || !more->has_max_amount) && (other == NULL || other->value_expr == 0) &&
		dec_cmp(stored_dec(&first->value), stored_dec(&second->value)) >= 0;
}

/*
 * Of two rules with the same scope, does the weaker never come into play? Where
 * the winner by precedence takes its step, and the stronger applies whenever the
 * weaker does. Of equals the smaller id has come first, and so wins where both
 * lead to the same price. What is measured over several lines counts without
 * winning.
 */
static bool
outdone(const void *state, uint32 by, uint32 payload)
{
	const Policy *policy = state;
	const Rule *stronger = POLICY_PART(policy, Rule, rules) + by;
	const Rule *weaker = POLICY_PART(policy, Rule, rules) + payload;
	const Step *step = POLICY_PART(policy, Step, steps) + stronger->step;

	if (stronger->step != weaker->step || step->level != LEVEL_LINE || step->pick != PICK_FIRST ||
		step->has_groups || IS_GUARD(weaker->adjust) || !always_applies(stronger) ||
		(stronger->adjust != ADJUST_PRICE && weaker->adjust < ADJUST_PERCENT_OFF) ||
		(weaker->more != 0 && rule_more(weaker)->nby_facts != 0))
		return false;
	if (stronger->rank != weaker->rank || stronger->priority != weaker->priority)
		return true;
	return !policy->strict && never_dearer(stronger, weaker);
}

Policy *
lay_out(Compiler *c, MemoryContext result)
{
	Policy		head = c->head;
	Policy	   *policy;
	Layout		layout;
	Size		at = TYPEALIGN(CHUNK_ALIGN, sizeof(Policy));
	uint32	   *facts = place_facts(c);
	uint32		i;
	int			dim;

	head.base = c->base;
	head.nrules = c->rules.n;
	head.ndims = c->ndims;
	head.nfacts = c->ndims + list_length(c->facts);
	head.nasked = c->asked.n;
	head.nrates = list_length(c->rates);
	head.nunits = list_length(c->units);
	head.list_price_fact += c->ndims;
	head.currency_fact += c->ndims;
	head.uom_fact += c->ndims;
	head.uom_factor_fact += c->ndims;
	head.sku_fact += c->ndims;
	head.nhidden = c->nchanged;
	for (dim = 0; dim < c->ndims; dim++)
		if (c->used_dims & scope_bit(dim))
			head.used_dims |= UINT64CONST(1) << dim;

	head.rules = at;
	at += c->rules.n * sizeof(Rule);
	head.steps = place(&at, head.nsteps * sizeof(Step));
	head.ranks = place(&at, head.nranks * sizeof(Rank));
	head.facts = place(&at, head.nfacts * sizeof(uint32));
	head.asked = place(&at, head.nasked * sizeof(uint32));
	head.rates = place(&at, head.nrates * sizeof(Rate));
	head.units = place(&at, head.nunits * sizeof(Unit));
	head.texts = place(&at, c->texts.len);
	head.hidden = place(&at, c->nchanged * sizeof(int64));
	layout.scale_at = MemoryContextAllocHuge(CurrentMemoryContext, (c->scales.n + 1) * sizeof(Size));
	for (i = 0; i < c->scales.n; i++)
		layout.scale_at[i] = place(&at, offsetof(Scale, brackets) +
								   c->scales.items[i].scale.nbrackets * sizeof(Bracket));
	layout.bracket_more = place(&at, c->bracket_more.n * sizeof(BracketMore));
	layout.more = place(&at, c->more.n * sizeof(RuleMore));
	layout.exclusions = place(&at, c->scopes->nexclusions * sizeof(ScopeExclusion));
	layout.by_facts = place(&at, c->by_facts.n * sizeof(uint32));
	layout.endings = place(&at, list_length(c->endings) * sizeof(Ending));
	layout.numeric_at = place_varlenas(&at, c->numerics);
	layout.path_at = place_varlenas(&at, c->paths);
	layout.scope_at = place_varlenas(&at, c->line_scopes);
	layout.text_at = place_varlenas(&at, c->rule_texts);
	head.match = place(&at, match_size(c->scopes->match));
	head.size = at;

	/* zero between the parts, too: it may be written to a file */
	policy = (Policy *) TYPEALIGN(CHUNK_ALIGN,
								  MemoryContextAllocExtended(result, at + CHUNK_ALIGN,
															 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
	*policy = head;
	copy_items(policy, head.ranks, c->ranks, head.nranks * sizeof(Rank));
	copy_items(policy, head.facts, facts, head.nfacts * sizeof(uint32));
	copy_items(policy, head.asked, c->asked.items, head.nasked * sizeof(uint32));
	copy_items(policy, head.texts, c->texts.data, c->texts.len);
	copy_items(policy, head.hidden, c->changed, c->nchanged * sizeof(int64));
	copy_items(policy, layout.exclusions, c->scopes->exclusions,
			   c->scopes->nexclusions * sizeof(ScopeExclusion));
	copy_items(policy, layout.by_facts, c->by_facts.items, c->by_facts.n * sizeof(uint32));
	copy_varlenas(policy, layout.numeric_at, c->numerics);
	copy_varlenas(policy, layout.path_at, c->paths);
	copy_varlenas(policy, layout.scope_at, c->line_scopes);
	copy_varlenas(policy, layout.text_at, c->rule_texts);
	lay_out_steps(c, policy, &layout);
	lay_out_rules(c, policy, &layout);
	lay_out_scales(c, policy, &layout);
	lay_out_rates(c, policy, &layout);
	if (c->base != NULL)
		take_over(policy, c->base);
	match_lay_out(c->scopes->match, (MatchIndex *) ((char *) policy + head.match), outdone, policy);
	return policy;
}

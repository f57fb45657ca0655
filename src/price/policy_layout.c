/*
 * policy_layout.c
 *		Compiling a policy: the position-independent chunk that is left in the end.
 */
#include "postgres.h"

#include "price/policy_compile.h"
#include "utils/memutils.h"

static Size
place(Size *at, Size bytes)
{
	Size		offset = *at;

	*at += MAXALIGN(bytes);
	return offset;
}

/* Places a list of varlena values, behind the offsets at which they begin. */
static Size
place_varlenas(Size *at, List *values)
{
	Size		offset = place(at, list_length(values) * sizeof(Size));
	ListCell   *cell;

	foreach(cell, values)
		(void) place(at, VARSIZE(lfirst(cell)));
	return offset;
}

static void
copy_varlenas(Policy *policy, Size part, List *values)
{
	Size	   *offsets = (Size *) ((char *) policy + part);
	Size		at = part + MAXALIGN(list_length(values) * sizeof(Size));
	ListCell   *cell;

	foreach(cell, values)
	{
		*offsets++ = at;
		memcpy((char *) policy + at, lfirst(cell), VARSIZE(lfirst(cell)));
		at += MAXALIGN(VARSIZE(lfirst(cell)));
	}
}

/* Copies a list of structs of one size. */
static void
copy_structs(Policy *policy, Size part, List *values, Size size)
{
	ListCell   *cell;

	foreach(cell, values)
		memcpy((char *) policy + part + foreach_current_index(cell) * size, lfirst(cell), size);
}

Policy *
lay_out(Compiler *c, MemoryContext result)
{
	Policy		head = c->head;
	Policy	   *policy;
	Size		at = MAXALIGN(sizeof(Policy));
	Size		match_size;
	MatchIndex *match = match_finish(c->scopes->match, &match_size);
	Rule	   *rules;
	Step	   *steps;
	uint32	   *names;
	ListCell   *cell;
	uint32		i;

	head.nrules = c->nrules;
	head.nbrackets = c->nbrackets;
	head.nendings = list_length(c->endings);
	head.ndims = c->ndims;
	head.nfacts = c->ndims + list_length(c->facts);
	head.nrates = list_length(c->rates);
	head.nunits = list_length(c->units);
	head.nnotes = list_length(c->notes);
	head.list_price_fact += c->ndims;
	head.currency_fact += c->ndims;
	head.uom_fact += c->ndims;
	head.uom_factor_fact += c->ndims;
	head.sku_fact += c->ndims;

	names = palloc((head.nfacts + 1) * sizeof(uint32));
	for (i = 0; i < c->ndims; i++)
		names[i] = add_text(c, c->dims[i]);
	foreach(cell, c->facts)
		names[i++] = add_text(c, lfirst(cell));

	head.steps = place(&at, head.nsteps * sizeof(Step));
	head.rules = place(&at, c->nrules * sizeof(Rule));
	head.brackets = place(&at, c->nbrackets * sizeof(Bracket));
	head.endings = place(&at, head.nendings * sizeof(Ending));
	head.facts = place(&at, head.nfacts * sizeof(uint32));
	head.more = place(&at, list_length(c->more) * sizeof(RuleMore));
	head.exclusions = place(&at, c->scopes->nexclusions * sizeof(ScopeExclusion));
	head.rates = place(&at, head.nrates * sizeof(Rate));
	head.units = place(&at, head.nunits * sizeof(Unit));
	head.notes = place(&at, head.nnotes * sizeof(RuleNote));
	head.texts = place(&at, c->texts.len);
	head.numerics = place_varlenas(&at, c->numerics);
	head.paths = place_varlenas(&at, c->paths);
	head.scopes = place_varlenas(&at, c->line_scopes);
	head.by_facts = place(&at, list_length(c->by_facts) * sizeof(uint32));
	head.match = place(&at, match_size);
	head.size = at;

	policy = MemoryContextAllocHuge(result, at);
	*policy = head;
	steps = (Step *) ((char *) policy + head.steps);
	rules = (Rule *) ((char *) policy + head.rules);
	memcpy(steps, c->steps, head.nsteps * sizeof(Step));
	for (i = 0; i < c->nrules; i++)
	{
		rules[i] = c->rules[i].rule;

		/* facts are numbered from the dimensions on */
		if (rules[i].base.kind == BASE_FACT)
			rules[i].base.number += c->ndims;
		rules[i].scale_fact += c->ndims;
		policy->has_guards |= IS_GUARD(rules[i].adjust);
		policy->has_order |= steps[rules[i].step].level == LEVEL_ORDER;
		policy->has_statistical |= steps[rules[i].step].level == LEVEL_STATISTICAL;
		steps[rules[i].step].has_groups |= rules[i].group != 0;
		steps[rules[i].step].end_rule = i + 1;
	}
	for (i = 1; i < head.nsteps; i++)
		steps[i].end_rule = Max(steps[i].end_rule, steps[i - 1].end_rule);
	memcpy((char *) policy + head.brackets, c->brackets, c->nbrackets * sizeof(Bracket));
	copy_structs(policy, head.endings, c->endings, sizeof(Ending));
	memcpy((char *) policy + head.facts, names, head.nfacts * sizeof(uint32));
	foreach(cell, c->more)
		if (((RuleMore *) lfirst(cell))->offset_fact != 0)
			((RuleMore *) lfirst(cell))->offset_fact += c->ndims;
	copy_structs(policy, head.more, c->more, sizeof(RuleMore));
	memcpy((char *) policy + head.exclusions, c->scopes->exclusions,
		   c->scopes->nexclusions * sizeof(ScopeExclusion));
	copy_structs(policy, head.rates, c->rates, sizeof(Rate));
	copy_structs(policy, head.units, c->units, sizeof(Unit));
	copy_structs(policy, head.notes, c->notes, sizeof(RuleNote));
	memcpy((char *) policy + head.texts, c->texts.data, c->texts.len);
	copy_varlenas(policy, head.numerics, c->numerics);
	copy_varlenas(policy, head.paths, c->paths);
	copy_varlenas(policy, head.scopes, c->line_scopes);
	foreach(cell, c->by_facts)
		((uint32 *) ((char *) policy + head.by_facts))[foreach_current_index(cell)] =
			lfirst_int(cell) + c->ndims;
	memcpy((char *) policy + head.match, match, match_size);
	return policy;
}

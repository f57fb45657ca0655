/*
 * procedure.c
 *		The pricing procedure: from candidates, step by step, to the net price.
 *
 * Candidates come from the matcher as rule numbers; sorted, they stand by step
 * and precedence. Each step picks among its candidates, and what is picked
 * moves the running amount. The way is kept in a LineState, small enough to be
 * copied where steps compete. Not here: what a rule does to an amount
 * (rule_effect.c) and how the way is told (trace.c).
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "price/pricer.h"
#include "utils/memutils.h"

/* Decimals of net_price and discount_pct. */
static const Dec unit_price_step = {1, 6, NULL};
static const Dec percent_step = {1, 4, NULL};

/* ----- set-up ----- */

Pricer *
pricer_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "quotetier pricer", ALLOCSET_SMALL_SIZES);
	Pricer	   *pricer = MemoryContextAllocZero(own, sizeof(Pricer));

	pricer->context = own;
	pricer->of_policy = AllocSetContextCreate(own, "quotetier pricer's policy", ALLOCSET_SMALL_SIZES);
	pricer->facts = fact_reader_create(own);
	return pricer;
}

static void
init_query(MatchQuery *query, const Policy *policy, Pricer *pricer)
{
	match_query_init(query, policy->ndims, POLICY_PART(policy, Rule, rules), sizeof(Rule),
					 pricer->of_policy);
}

/* The first rule of a step, by number; that of the next one if it has none. */
static uint32
begin_rule(const Policy *policy, int step)
{
	return step == 0 ? 0 : POLICY_PART(policy, Step, steps)[step - 1].end_rule;
}

static bool
has_rules(const Policy *policy, int step)
{
	return policy->base != NULL ||
		begin_rule(policy, step) < POLICY_PART(policy, Step, steps)[step].end_rule;
}

/*
 * Rules below which number every line asks for: all, unless the last of its steps
 * takes the strongest. They are found in one go, which is faster than bit by bit.
 */
static uint32
needed_rules(const Policy *policy)
{
	const Step *steps = POLICY_PART(policy, Step, steps);
	int			last = policy->nsteps - 1;

	while (last >= 0 && (steps[last].level != LEVEL_LINE || !has_rules(policy, last)))
		last--;
	if (last < 0 || policy->has_guards || !takes_strongest(&steps[last]))
		return PG_UINT32_MAX;
	return begin_rule(policy, last);
}

void
pricer_use(Pricer *pricer, const Policy *policy, uint64 serial)
{
	MemoryContext caller = MemoryContextSwitchTo(pricer->context);
	const char **names = palloc((policy->nfacts + 1) * sizeof(char *));
	uint32		i;

	pricer->policy = policy;
	pricer->serial = 0;
	for (i = 0; i < policy->nfacts; i++)
		names[i] = POLICY_TEXT(policy, POLICY_PART(policy, uint32, facts)[i]);
	fact_reader_interest(pricer->facts, serial, policy->nfacts, names);
	pfree(names);

	/* lines may name their policies in turn */
	MemoryContextReset(pricer->of_policy);
	init_query(&pricer->query, policy->base != NULL ? policy->base : policy, pricer);
	if (policy->base != NULL)
		init_query(&pricer->patch_query, policy, pricer);
	pricer->needed = needed_rules(policy);
	pricer->increment_known = false;
	/* none, also for steps that do not run for a line */
	pricer->has_after = MemoryContextAllocZero(pricer->of_policy, (policy->nsteps + 1) * sizeof(bool));
	pricer->after = MemoryContextAlloc(pricer->of_policy, (policy->nsteps + 1) * sizeof(Dec));
	if (pricer->rules == NULL)
	{
		pricer->rules_room = 16;
		pricer->rules = palloc(pricer->rules_room * sizeof(int64));
		pricer->candidates_room = 16;
		pricer->candidates = palloc(pricer->candidates_room * sizeof(Candidate));
	}
	MemoryContextSwitchTo(caller);
	pricer->serial = serial;
}

void
pricer_policy(Pricer *pricer, const char *name, int len, const FactArgument *line)
{
	uint64		serial;

	pricer->policy = policy_get(name, len, line, &serial);
	if (unlikely(pricer->serial != serial))
		pricer_use(pricer, pricer->policy, serial);
}

const char *
fact_name(const Pricer *pricer, int fact)
{
	return POLICY_TEXT(pricer->policy, POLICY_PART(pricer->policy, uint32, facts)[fact]);
}

const char *
step_name(const Pricer *pricer, int step)
{
	return POLICY_TEXT(pricer->policy, POLICY_PART(pricer->policy, Step, steps)[step].name);
}

/* ----- candidates ----- */

static void
add_label(void *state, int fact, FactLabel label)
{
	Pricer	   *pricer = state;
	bool		is_path = (pricer->policy->path_dims >> fact) & 1;

	scope_query_label(&pricer->query, fact, is_path, label);
}

bool
same_rank(const Pricer *pricer, const Rule *a, const Rule *b)
{
	if (likely(pricer->policy->base == NULL))
		return a->rank == b->rank;
	return policy_compare_ranks(policy_rank(pricer->policy, a), policy_rank(pricer->policy, b)) == 0;
}

/* Is a rule of the base behind one of the patch, by precedence? */
static bool
is_behind(const Policy *policy, const Rule *of_base, const Rule *of_patch)
{
	int			order = policy_compare_ranks(policy_rank(policy, of_base), policy_rank(policy, of_patch));

	if (order != 0)
		return order > 0;
	if (of_base->priority != of_patch->priority)
		return of_base->priority < of_patch->priority;
	return of_base->id > of_patch->id;
}

/* Leaves out what is hidden in the base; was there any? */
static bool
drop_hidden(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	const Rule *rules = POLICY_PART(policy->base, Rule, rules);
	MatchQuery *query = &pricer->query;
	int			n = 0;
	int			i;

	for (i = 0; i < query->nfound; i++)
		if (!policy_hides(policy, rules[query->found[i]].id))
			query->found[n++] = query->found[i];
	query->nfound = n;
	return n < i;
}

/* Puts what was found in the base and in the patch in one order. */
static void
merge_found(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	const Rule *of_base = POLICY_PART(policy->base, Rule, rules);
	const Rule *of_patch = POLICY_PART(policy, Rule, rules);
	MatchQuery *query = &pricer->query;
	const MatchQuery *patch = &pricer->patch_query;
	int			n = query->nfound;
	int			at;
	int			i;

	if (n + patch->nfound > query->found_room)
	{
		query->found_room = n + patch->nfound;
		query->found = repalloc_huge(query->found, query->found_room * sizeof(uint32));
	}

	/* from the end on, where the room is */
	query->nfound = n + patch->nfound;
	at = query->nfound - 1;
	for (i = patch->nfound - 1; i >= 0; at--)
		if (n > 0 && is_behind(policy, &of_base[query->found[n - 1]], &of_patch[patch->found[i]]))
			query->found[at] = query->found[--n];
		else
			query->found[at] = policy->base->nrules + patch->found[i--];
}

/* Finds the rules of a policy and of its patch. */
static pg_noinline void
find_patched(Pricer *pricer, bool all)
{
	const Policy *policy = pricer->policy;

	match_query_copy(&pricer->patch_query, &pricer->query);
	match_search(&pricer->query, POLICY_MATCH(policy->base), all);
	if (drop_hidden(pricer) && !all)
	{
		/* what is hidden no longer outdoes others */
		match_search(&pricer->query, POLICY_MATCH(policy->base), true);
		(void) drop_hidden(pricer);
	}
	match_search(&pricer->patch_query, POLICY_MATCH(policy), all);
	merge_found(pricer);
}

void
find_rules(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	bool		all = tracing(pricer) || policy->all_count;
	FactReader *facts = pricer->facts;
	uint64		paths = policy->path_dims;
	uint64		dims;

	match_query_reset(&pricer->query);
	for (dims = policy->used_dims; dims != 0; dims &= dims - 1)
	{
		int			fact = pg_rightmost_one_pos64(dims);
		FactLabel	label;

		if (likely(fact_plain_text(facts, fact, &label)))
			scope_query_label(&pricer->query, fact, (paths >> fact) & 1, label);
		else
			fact_labels(facts, fact, add_label, pricer);
	}
	if (unlikely(policy->base != NULL))
	{
		find_patched(pricer, all);
		return;
	}
	match_start(&pricer->query, POLICY_MATCH(policy), all);
	match_find_below(&pricer->query, tracing(pricer) ? PG_UINT32_MAX : pricer->needed);
}

/* ----- steps ----- */

static void
note_after(Pricer *pricer, int step)
{
	pricer->has_after[step] = pricer->state.has_running;
	pricer->after[step] = pricer->state.running;
}

/* Runs a step over its rules, which are not before at among those found. */
static pg_attribute_hot void
run_step_from(Pricer *pricer, int step, int *at)
{
	const Policy *policy = pricer->policy;
	MatchQuery *query = &pricer->query;

	if (!has_rules(policy, step))
		return;
	match_find_below(query, begin_rule(policy, step));
	while (step > 0 && *at < query->nfound && policy_is_upto(policy, query->found[*at], step - 1))
		(*at)++;
	run_step(pricer, step, *at);
}

/*
 * Adjacent steps of one compete name: each starts from the same value, and the
 * lowest result stays. Returns the step after them.
 */
static int
run_competing(Pricer *pricer, int first, int *at)
{
	const Step *steps = POLICY_PART(pricer->policy, Step, steps);
	LineState	entry = pricer->state;
	LineState	best = entry;
	int			entry_rules = entry.nrules;
	int64	   *best_rules = NULL;
	int			winner = -1;
	List	   *entry_rows = tracing(pricer) ? pricer->trace->waterfall : NIL;
	List	   *winner_rows = NIL;
	bool		of_order = pricer->totals != NULL;
	struct OrderCopy *entry_lines = of_order ? order_save(pricer) : NULL;
	struct OrderCopy *best_lines = entry_lines;
	int			step;

	for (step = first; step < pricer->policy->nsteps && steps[step].compete == steps[first].compete;
		 step++)
	{
		bool		better;

		pricer->state = entry;
		if (of_order)
			order_restore(pricer, entry_lines);
		if (tracing(pricer))
			pricer->trace->waterfall = list_copy(entry_rows);
		run_step_from(pricer, step, at);
		note_after(pricer, step);
		if (pricer->state.nrules == entry_rules)
			continue;
		better = winner < 0 || dec_cmp(pricer->state.running, best.running) < 0;
		if (better)
		{
			if (tracing(pricer))
			{
				if (winner >= 0)
					trace_lost(pricer, list_difference_ptr(winner_rows, entry_rows),
							   step_name(pricer, step));
				winner_rows = pricer->trace->waterfall;
			}
			winner = step;
			best = pricer->state;
			if (of_order)
				best_lines = order_save(pricer);
			best_rules = palloc((best.nrules - entry_rules) * sizeof(int64));
			memcpy(best_rules, pricer->rules + entry_rules,
				   (best.nrules - entry_rules) * sizeof(int64));
		}
		else if (tracing(pricer))
			trace_lost(pricer, list_difference_ptr(pricer->trace->waterfall, entry_rows),
					   step_name(pricer, winner));
	}

	pricer->state = best;
	if (of_order)
		order_restore(pricer, best_lines);
	if (tracing(pricer))
		pricer->trace->waterfall = winner >= 0 ? winner_rows : entry_rows;
	if (winner >= 0)
		memcpy(pricer->rules + entry_rules, best_rules,
			   (best.nrules - entry_rules) * sizeof(int64));
	return step;
}

int
run_from(Pricer *pricer, int step, int *at, Level level)
{
	const Step *steps = POLICY_PART(pricer->policy, Step, steps);

	if (steps[step].compete != 0 && steps[step].level == level)
		return run_competing(pricer, step, at);
	if (steps[step].level == level)
	{
		run_step_from(pricer, step, at);
		note_after(pricer, step);
	}
	return step + 1;
}

static pg_attribute_hot void
run_steps(Pricer *pricer, Level level)
{
	int			at = 0;
	int			step = 0;

	while (step < pricer->policy->nsteps)
		step = run_from(pricer, step, &at, level);
}

/* What is reckoned from the net price without changing it: rebates, pocket price. */
void
run_statistical(Pricer *pricer)
{
	LineState	net = pricer->state;

	pricer->statistical = true;
	pricer->state.final = NULL;
	run_steps(pricer, LEVEL_STATISTICAL);
	pricer->statistical = false;
	pricer->state = net;
}

/* The trace with the quantity's sign; of a zero quantity only fees are due. */
static pg_noinline void
sign_trace(Pricer *pricer, bool negative, bool zero)
{
	ListCell   *cell;

	foreach(cell, pricer->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		if (zero)
			row->amount = row->due;
		else if (negative)
			row->amount = dec_neg(row->amount);
	}
}

void
pricer_result(Pricer *pricer, Quote *quote)
{
	LineState  *state = &pricer->state;
	Dec			amount = state->running;
	Dec			list = state->list_amount;

	if (unlikely(!state->has_running))
	{
		quote->status = QUOTE_NO_PRICE;
		return;
	}
	quote->status = state->status;
	quote->list = list;
	quote->net = amount;
	quote->net_price = dec_div(amount, pricer->quoted, unit_price_step, ROUND_HALF_UP);
	quote->list_amount = unlikely(pricer->zero) ? state->zero_list : unlikely(pricer->negative) ? dec_neg(list) : list;
	quote->net_amount = unlikely(pricer->zero) ? state->zero_due : unlikely(pricer->negative) ? dec_neg(amount) : amount;
	if (tracing(pricer))
		sign_trace(pricer, pricer->negative, pricer->zero);
}

bool
quote_discount(const Quote *quote, Dec *percent)
{
	if (quote->status == QUOTE_NO_PRICE || dec_sign(quote->list) == 0)
		return false;
	*percent = dec_div(dec_mul(dec_sub(quote->list, quote->net), dec_make(100, 0)), quote->list,
					   percent_step, ROUND_HALF_UP);
	return true;
}

void
pricer_quote(Pricer *pricer, Numeric quantity, TimestampTz as_of, Quote *quote)
{
	line_start(pricer, quantity, as_of);
	find_rules(pricer);
	run_steps(pricer, LEVEL_LINE);
	if (pricer->state.has_running)
	{
		settle(pricer);
		if (pricer->policy->has_guards)
		{
			clamp_guards(pricer);
			test_guards(pricer);
		}
		if (tracing(pricer) && pricer->policy->has_statistical)
			run_statistical(pricer);
	}
	pricer_result(pricer, quote);
}

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

#include "lib/qunique.h"
#include "miscadmin.h"
#include "price/ending.h"
#include "price/pricer.h"
#include "utils/memutils.h"

/* Decimals of net_price and discount_pct. */
static const Dec unit_price_step = {1, 6, NULL};
static const Dec percent_step = {1, 4, NULL};

/* Decimals of a list price per unit that has no end within six. */
static const Dec quotient_step = {1, 20, NULL};

/* ----- set-up ----- */

Pricer *
pricer_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "quotetier pricer", ALLOCSET_SMALL_SIZES);
	Pricer	   *pricer = MemoryContextAllocZero(own, sizeof(Pricer));

	pricer->context = own;
	pricer->facts = fact_reader_create(own);
	return pricer;
}

static void
prepare_for_policy(Pricer *pricer, const Policy *policy, uint64 serial)
{
	MemoryContext caller = MemoryContextSwitchTo(pricer->context);
	const char **names = palloc((policy->nfacts + 1) * sizeof(char *));
	uint32		i;

	pricer->serial = 0;
	for (i = 0; i < policy->nfacts; i++)
		names[i] = POLICY_TEXT(policy, POLICY_PART(policy, uint32, facts)[i]);
	fact_reader_interest(pricer->facts, serial, policy->nfacts, names);
	pfree(names);
	match_query_init(&pricer->query, policy->ndims, pricer->context);
	pricer->has_after = palloc((policy->nsteps + 1) * sizeof(bool));
	pricer->after = palloc((policy->nsteps + 1) * sizeof(Dec));
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
pricer_policy(Pricer *pricer, const char *name, int len)
{
	uint64		serial;

	pricer->policy = policy_get(name, len, &serial);
	if (unlikely(pricer->serial != serial))
		prepare_for_policy(pricer, pricer->policy, serial);
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

	match_query_add(&pricer->query, POLICY_MATCH(pricer->policy), fact, label.text, label.len);
}

static int
compare_numbers(const void *left, const void *right)
{
	uint32		a = *(const uint32 *) left;
	uint32		b = *(const uint32 *) right;

	return a < b ? -1 : a > b ? 1 : 0;
}

/* Sorts the rules found, which stand in sorted runs, and drops repetitions. */
static void
sort_found(MatchQuery *query)
{
	int			i;

	if (query->nfound > 64)
		qsort(query->found, query->nfound, sizeof(uint32), compare_numbers);
	else
		for (i = 1; i < query->nfound; i++)
		{
			uint32		number = query->found[i];
			int			at;

			for (at = i; at > 0 && query->found[at - 1] > number; at--)
				query->found[at] = query->found[at - 1];
			query->found[at] = number;
		}
	query->nfound = qunique(query->found, query->nfound, sizeof(uint32), compare_numbers);
}

static void
find_rules(Pricer *pricer)
{
	uint32		dim;

	match_query_reset(&pricer->query);
	for (dim = 0; dim < pricer->policy->ndims; dim++)
		fact_labels(pricer->facts, dim, add_label, pricer);
	match_search(&pricer->query, POLICY_MATCH(pricer->policy));
	sort_found(&pricer->query);
}

/* ----- amounts ----- */

static Dec
increment(const Pricer *pricer)
{
	return stored_dec(pricer->policy, &pricer->policy->increment);
}

/* Rounds a line amount as the policy says, by the line or by its unit. */
static Dec
round_amount(const Pricer *pricer, Dec amount, bool by_unit)
{
	RoundMode	mode = (RoundMode) pricer->policy->round_mode;

	if (!by_unit)
		return dec_round(amount, increment(pricer), mode);
	return dec_mul(dec_div(amount, pricer->units, increment(pricer), mode), pricer->units);
}

static bool
rounds_by_unit(const Pricer *pricer)
{
	return pricer->policy->round_target == TARGET_UNIT ||
		pricer->policy->round_target == TARGET_UNIT_ADJUSTMENT ||
		pricer->policy->round_target == TARGET_UNIT_STEP;
}

/* Tries a rule on the present state, and rounds what it gives as the policy says. */
static bool
try_rule(Pricer *pricer, const Rule *rule, Effect *effect, char **why_not)
{
	LineState  *state = &pricer->state;
	bool		by_unit = rounds_by_unit(pricer);

	if (!rule_effect(pricer, rule, effect, why_not))
		return false;
	switch ((RoundTarget) pricer->policy->round_target)
	{
		case TARGET_LINE:
		case TARGET_UNIT:
			break;
		case TARGET_ADJUSTMENT:
		case TARGET_UNIT_ADJUSTMENT:
			if (state->has_running)
				effect->result = dec_add(state->running,
										 round_amount(pricer,
													  dec_sub(effect->result, state->running),
													  by_unit));
			break;
		case TARGET_LINE_STEP:
		case TARGET_UNIT_STEP:
			/* a sum is rounded once, when all of it is known */
			if (POLICY_PART(pricer->policy, Step, steps)[rule->step].pick != PICK_SUM)
				effect->result = round_amount(pricer, effect->result, by_unit);
			break;
	}
	return true;
}

/* ----- applying ----- */

/* Moves the running amount without a rule; the difference is a residual row. */
static void
move_to(Pricer *pricer, Dec result, const char *what, const char *reason)
{
	LineState  *state = &pricer->state;

	if (pricer->trace != NULL && dec_cmp(state->running, result) != 0)
		trace_row(pricer, VERDICT_RESIDUAL, what, NULL, reason, NULL,
				  dec_sub(result, state->running));
	state->running = result;
}

static void
remember_rule(Pricer *pricer, int64 id)
{
	if (pricer->state.nrules == pricer->rules_room)
	{
		pricer->rules_room *= 2;
		pricer->rules = repalloc(pricer->rules, pricer->rules_room * sizeof(int64));
	}
	pricer->rules[pricer->state.nrules++] = id;
}

static char *
applied_reason(Pricer *pricer, const Candidate *candidate, bool cut)
{
	char	   *reason = describe_rule(pricer, candidate->rule);

	if (cut)
		reason = psprintf("%s; cut to what is left", reason);
	if (candidate->equal != NULL)
		reason = psprintf("%s; only its smaller id puts it before rule " INT64_FORMAT,
						  reason, candidate->equal->id);
	return reason;
}

/* Moves the running amount to result, which is what a rule makes of it. */
static void
apply(Pricer *pricer, const Candidate *candidate, const Effect *effect, Dec result, bool cut)
{
	LineState  *state = &pricer->state;
	const Rule *rule = candidate->rule;
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[rule->step];
	bool		is_list = !state->has_running || (step->is_list && state->nrules == 0);

	if (pricer->trace != NULL)
	{
		const char *reason = applied_reason(pricer, candidate, cut);

		if (is_list)
		{
			/* the rule's list price takes the place of the fact's */
			pricer->trace->waterfall = NIL;
			trace_row(pricer, VERDICT_LIST, step_name(pricer, rule->step), rule, reason,
					  effect, result);
		}
		else
			trace_row(pricer, VERDICT_APPLIED, step_name(pricer, rule->step), rule, reason,
					  effect, dec_sub(result, state->running));
	}

	state->running = result;
	state->has_running = true;
	state->zero_fee = dec_add(state->zero_fee, effect->fee);
	if (is_list)
	{
		state->list_amount = result;
		state->has_list = true;
	}
	remember_rule(pricer, rule->id);
	if (rule->ending != 0)
		state->ending = rule->ending;
	else if (step->ending != 0)
		state->ending = step->ending;
	if (rule->final)
		state->final = rule;
	state->excluded |= step->excludes;
	if (step->excludes != 0)
		state->excluded_by = rule;
}

/* The same, cut to what is left. */
static void
apply_cut(Pricer *pricer, const Candidate *candidate, const Effect *effect)
{
	bool		cut = dec_sign(effect->result) < 0;

	apply(pricer, candidate, effect, cut ? DEC_ZERO : effect->result, cut);
}

/* ----- picking ----- */

static bool
same_precedence(const Candidate *a, const Candidate *b)
{
	return a->rule->rank == b->rule->rank && a->rule->priority == b->rule->priority;
}

/*
 * Collects the rules of one step that can apply now, in precedence order.
 * found[0..n) are the step's rules that match, strongest first. When only the
 * strongest is wanted, stops as soon as it is certain.
 */
static int
collect(Pricer *pricer, const uint32 *found, int n, bool strongest_only)
{
	const Rule *rules = POLICY_PART(pricer->policy, Rule, rules);
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		const Rule *rule = &rules[found[i]];
		Candidate  *candidate;
		char	   *why_not = NULL;
		int			at;

		if (pricer->as_of < rule->from || (pricer->as_of >= rule->to && rule->to != DT_NOEND))
		{
			if (pricer->trace != NULL)
				trace_rejected(pricer, rule, "not in force at that time");
			continue;
		}
		if (count == pricer->candidates_room)
		{
			pricer->candidates_room *= 2;
			pricer->candidates = repalloc(pricer->candidates,
										  pricer->candidates_room * sizeof(Candidate));
		}
		candidate = &pricer->candidates[count];
		candidate->rule = rule;
		candidate->equal = NULL;
		if (strongest_only && count > 0 && !same_precedence(candidate, candidate - 1))
			break;
		if (!try_rule(pricer, rule, &candidate->effect, pricer->trace != NULL ? &why_not : NULL))
		{
			if (pricer->trace != NULL)
				trace_rejected(pricer, rule, "%s", why_not);
			continue;
		}

		/* among equals, the one that is better for the customer goes first */
		for (at = count; at > 0; at--)
		{
			Candidate	swap;
			Candidate  *before = &pricer->candidates[at - 1];
			int			order;

			if (!same_precedence(before, &pricer->candidates[at]))
				break;
			order = dec_cmp(pricer->candidates[at].effect.result, before->effect.result);
			if (order == 0)
				before->equal = pricer->candidates[at].rule;
			if (order >= 0)
				break;
			swap = *before;
			*before = pricer->candidates[at];
			pricer->candidates[at] = swap;
		}
		count++;
	}
	return count;
}

/* Keeps one candidate of each exclusive group, or the one that stands alone. */
static int
reduce_groups(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	int			kept = 0;
	int			i;
	int			k;

	for (i = 0; i < count; i++)
		if (candidates[i].rule->group == GROUP_ALONE)
		{
			for (k = 0; k < count && pricer->trace != NULL; k++)
				if (k != i)
					trace_rejected(pricer, candidates[k].rule, "rule " INT64_FORMAT
								   " stands alone in its step", candidates[i].rule->id);
			candidates[0] = candidates[i];
			candidates[0].equal = NULL;
			return 1;
		}
	for (i = 0; i < count; i++)
	{
		for (k = 0; k < kept; k++)
			if (candidates[i].rule->group != 0 &&
				candidates[k].rule->group == candidates[i].rule->group)
				break;
		if (k == kept)
			candidates[kept++] = candidates[i];
		else if (pricer->trace != NULL)
			trace_rejected(pricer, candidates[i].rule, "rule " INT64_FORMAT
						   " of the same exclusive group goes first", candidates[k].rule->id);
	}
	return kept;
}

static void
refuse_ambiguity(Pricer *pricer, const Candidate *candidate)
{
	if (candidate->equal == NULL || !pricer->policy->strict)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("rules " INT64_FORMAT " and " INT64_FORMAT " are equally strong",
					candidate->rule->id, candidate->equal->id),
			 errdetail("Access rank, priority and price are the same, and the policy is strict."),
			 errhint("Give one of them a larger priority or a narrower scope.")));
}

static bool
raises(const Pricer *pricer, const Effect *effect)
{
	return pricer->state.has_running && dec_cmp(effect->result, pricer->state.running) > 0;
}

/* The candidate with the lowest result; the highest where every one raises. */
static int
best_of(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	bool		all_raise = true;
	int			best = 0;
	int			i;

	for (i = 0; i < count; i++)
		all_raise &= raises(pricer, &candidates[i].effect);
	for (i = 1; i < count; i++)
	{
		int			order = dec_cmp(candidates[i].effect.result, candidates[best].effect.result);

		if (all_raise ? order > 0 : order < 0)
			best = i;
	}
	return best;
}

static const char *
lost_reason(const Pricer *pricer, const Candidate *winner, const Candidate *loser, bool by_price)
{
	int			order = dec_cmp(winner->effect.result, loser->effect.result);

	if (by_price && order != 0)
		return "price";
	if (winner->rule->rank != loser->rule->rank)
		return "access rank";
	if (winner->rule->priority != loser->rule->priority)
		return "priority";
	return order != 0 ? "price" : "its smaller id";
}

/* One winner takes the step. */
static void
apply_one(Pricer *pricer, int winner, int count, bool by_price)
{
	Candidate  *candidates = pricer->candidates;
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[candidates[winner].rule->step];
	int			i;

	refuse_ambiguity(pricer, &candidates[winner]);
	for (i = 0; i < count && pricer->trace != NULL; i++)
		if (i != winner)
			trace_rejected(pricer, candidates[i].rule, "beaten by rule " INT64_FORMAT " on %s",
						   candidates[winner].rule->id,
						   lost_reason(pricer, &candidates[winner], &candidates[i], by_price));
	if (step->only_down && raises(pricer, &candidates[winner].effect))
	{
		if (pricer->trace != NULL)
			trace_rejected(pricer, candidates[winner].rule, "it would raise the price");
		return;
	}
	apply_cut(pricer, &candidates[winner], &candidates[winner].effect);
}

/* How many candidates there are up to the first that ends the step. */
static int
up_to_stop(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	int			i;
	int			rest;

	for (i = 0; i < count; i++)
		if (candidates[i].rule->stop || candidates[i].rule->final)
			break;
	for (rest = i + 1; rest < count && pricer->trace != NULL; rest++)
		trace_rejected(pricer, candidates[rest].rule, "rule " INT64_FORMAT " ended the step",
					   candidates[i].rule->id);
	return Min(i + 1, count);
}

/*
 * All of them, each on the entry value, added and applied once. Where they
 * take more than there is, the last ones are cut.
 */
static void
apply_sum(Pricer *pricer, int count)
{
	LineState  *state = &pricer->state;
	Candidate  *candidates = pricer->candidates;
	Dec			entry = state->running;
	Dec			total = entry;
	Dec			excess;
	int			uncut;
	int			i;

	count = up_to_stop(pricer, count);
	for (i = 0; i < count; i++)
		total = dec_add(total, dec_sub(candidates[i].effect.result, entry));

	/* candidates from uncut on lose the excess, the last one first */
	excess = dec_sign(total) < 0 ? dec_neg(total) : DEC_ZERO;
	for (uncut = count; dec_sign(excess) > 0; uncut--)
	{
		Effect	   *effect = &candidates[uncut - 1].effect;
		Dec			taken = dec_sub(entry, effect->result);
		Dec			back = dec_cmp(taken, excess) < 0 ? taken : excess;

		if (dec_sign(taken) <= 0)
			continue;
		effect->result = dec_add(effect->result, back);
		excess = dec_sub(excess, back);
	}
	for (i = 0; i < count; i++)
	{
		candidates[i].equal = NULL;
		apply(pricer, &candidates[i], &candidates[i].effect,
			  dec_add(state->running, dec_sub(candidates[i].effect.result, entry)), i >= uncut);
	}
	if (pricer->policy->round_target == TARGET_LINE_STEP ||
		pricer->policy->round_target == TARGET_UNIT_STEP)
		move_to(pricer, round_amount(pricer, state->running, rounds_by_unit(pricer)),
				"rounding", "to the increment, after the step");
}

/* All of them, each on what the one before left. */
static void
apply_chain(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	int			i;

	count = up_to_stop(pricer, count);
	for (i = 0; i < count; i++)
	{
		Effect		effect;
		char	   *why_not = NULL;

		refuse_ambiguity(pricer, &candidates[i]);
		if (try_rule(pricer, candidates[i].rule, &effect, pricer->trace != NULL ? &why_not : NULL))
			apply_cut(pricer, &candidates[i], &effect);
		else if (pricer->trace != NULL)
			trace_rejected(pricer, candidates[i].rule, "%s", why_not);
	}
}

/* Candidates that would raise the price have no place in an only_down step. */
static int
drop_raising(Pricer *pricer, int count)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < count; i++)
		if (!raises(pricer, &pricer->candidates[i].effect))
			pricer->candidates[kept++] = pricer->candidates[i];
		else if (pricer->trace != NULL)
			trace_rejected(pricer, pricer->candidates[i].rule, "it would raise the price");
	return kept;
}

static void
reject_all(Pricer *pricer, const uint32 *found, int n, const char *why, const Rule *by)
{
	int			i;

	for (i = 0; i < n && pricer->trace != NULL; i++)
		trace_rejected(pricer, &POLICY_PART(pricer->policy, Rule, rules)[found[i]],
					   "rule " INT64_FORMAT " %s", by->id, why);
}

/* ----- steps ----- */

static void
run_step(Pricer *pricer, int number, const uint32 *found, int n)
{
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[number];
	bool		strongest_only = step->pick == PICK_FIRST && !step->has_groups && pricer->trace == NULL;
	int			count;

	if (n == 0)
		return;
	if (pricer->state.final != NULL)
	{
		reject_all(pricer, found, n, "is final", pricer->state.final);
		return;
	}
	if (pricer->state.excluded & (UINT64CONST(1) << number))
	{
		reject_all(pricer, found, n, "switched this step off", pricer->state.excluded_by);
		return;
	}

	count = collect(pricer, found, n, strongest_only);
	if (step->only_down && step->pick != PICK_FIRST)
		count = drop_raising(pricer, count);
	if (step->has_groups)
		count = reduce_groups(pricer, count);
	if (count == 0)
		return;
	switch ((Pick) step->pick)
	{
		case PICK_FIRST:
			apply_one(pricer, 0, count, false);
			break;
		case PICK_BEST:
			apply_one(pricer, best_of(pricer, count), count, true);
			break;
		case PICK_SUM:
			apply_sum(pricer, count);
			break;
		case PICK_CHAIN:
			apply_chain(pricer, count);
			break;
	}
}

static void
note_after(Pricer *pricer, int step)
{
	pricer->has_after[step] = pricer->state.has_running;
	pricer->after[step] = pricer->state.running;
}

/* Rules of one step among those found, from *at on. */
static int
rules_of_step(const Pricer *pricer, int step, int *at)
{
	const Rule *rules = POLICY_PART(pricer->policy, Rule, rules);
	int			start = *at;

	while (*at < pricer->query.nfound && rules[pricer->query.found[*at]].step == step)
		(*at)++;
	return *at - start;
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
	int			winner_row = 0;
	int			winner_end = 0;
	int			step;

	for (step = first; step < pricer->policy->nsteps && steps[step].compete == steps[first].compete;
		 step++)
	{
		int			start = *at;
		int			n = rules_of_step(pricer, step, at);
		int			row = pricer->trace != NULL ? list_length(pricer->trace->waterfall) : 0;
		bool		better;

		pricer->state = entry;
		run_step(pricer, step, pricer->query.found + start, n);
		note_after(pricer, step);
		if (pricer->state.nrules == entry_rules)
			continue;
		better = winner < 0 || dec_cmp(pricer->state.running, best.running) < 0;
		if (better)
		{
			if (pricer->trace != NULL && winner >= 0)
			{
				trace_lost(pricer, winner_row, winner_end, step_name(pricer, step));
				row -= winner_end - winner_row;
			}
			winner = step;
			winner_row = row;
			winner_end = pricer->trace != NULL ? list_length(pricer->trace->waterfall) : 0;
			best = pricer->state;
			best_rules = palloc((best.nrules - entry_rules) * sizeof(int64));
			memcpy(best_rules, pricer->rules + entry_rules,
				   (best.nrules - entry_rules) * sizeof(int64));
		}
		else if (pricer->trace != NULL)
			trace_lost(pricer, row, list_length(pricer->trace->waterfall), step_name(pricer, winner));
	}

	pricer->state = best;
	if (winner >= 0)
		memcpy(pricer->rules + entry_rules, best_rules,
			   (best.nrules - entry_rules) * sizeof(int64));
	return step;
}

static void
run_steps(Pricer *pricer)
{
	const Policy *policy = pricer->policy;
	const Step *steps = POLICY_PART(policy, Step, steps);
	int			at = 0;
	int			step = 0;

	while (step < policy->nsteps)
	{
		int			start = at;
		int			n;

		if (steps[step].compete != 0)
		{
			step = run_competing(pricer, step, &at);
			continue;
		}
		n = rules_of_step(pricer, step, &at);
		run_step(pricer, step, pricer->query.found + start, n);
		note_after(pricer, step);
		step++;
	}
}

/* ----- the result ----- */

/* The list price from the facts, unless a rule will set it. */
static void
start_from_fact(Pricer *pricer)
{
	LineState  *state = &pricer->state;
	Dec			list_price;

	memset(state, 0, sizeof(LineState));
	state->ending = pricer->policy->ending;
	if (!fact_number(pricer->facts, pricer->policy->list_price_fact, &list_price))
		return;
	if (dec_sign(list_price) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"list_price\" must not be negative"),
				 errhint("For a return, give a negative quantity.")));
	state->has_list = state->has_running = true;
	state->list_amount = state->running = dec_mul(list_price, pricer->units);
	if (pricer->trace != NULL)
		trace_row(pricer, VERDICT_LIST, "list", NULL, "fact list_price", NULL, state->running);
}

/* Ending, else rounding; what it changes is a row of its own. */
static void
settle(Pricer *pricer)
{
	LineState  *state = &pricer->state;

	if (state->ending != 0)
	{
		const Ending *ending = POLICY_PART(pricer->policy, Ending, endings) + state->ending - 1;
		Dec			unit = ending_nearest(state->running, pricer->units,
										  stored_dec(pricer->policy, &ending->rest),
										  stored_dec(pricer->policy, &ending->period));

		move_to(pricer, dec_mul(unit, pricer->units), "ending", "to the nearest legal price");
	}
	else
		move_to(pricer, round_amount(pricer, state->running, rounds_by_unit(pricer)),
				"rounding", "to the increment");
}

/* amount per unit: exact where it has an end, else to six decimals */
static Dec
unit_price(const Pricer *pricer, Dec amount)
{
	Dec			unit = dec_div(amount, pricer->units, unit_price_step, ROUND_HALF_UP);

	if (dec_cmp(dec_mul(unit, pricer->units), amount) != 0)
	{
		Dec			longer = dec_div(amount, pricer->units, quotient_step, ROUND_HALF_UP);

		if (dec_cmp(dec_mul(longer, pricer->units), amount) == 0)
			return longer;
	}
	return unit;
}

/* The trace with the quantity's sign; of a zero quantity only the fees are due. */
static void
sign_trace(Pricer *pricer, bool negative, bool zero)
{
	ListCell   *cell;

	foreach(cell, pricer->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		if (zero)
			row->amount = row->fee;
		else if (negative)
			row->amount = dec_neg(row->amount);
	}
}

void
pricer_quote(Pricer *pricer, Numeric quantity, TimestampTz as_of, Quote *quote)
{
	LineState  *state = &pricer->state;
	Dec			amount;
	Dec			list;
	bool		negative;
	bool		zero;

	if (!dec_from_numeric(quantity, &pricer->quantity))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must be a finite number"),
				 errhint("Give 0 for a unit price, or a negative quantity for a return.")));
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("as_of must be a finite time"),
				 errhint("Give the time at which the price is asked for, or leave it out for now().")));
	negative = dec_sign(pricer->quantity) < 0;
	zero = dec_sign(pricer->quantity) == 0;
	if (negative)
		pricer->quantity = dec_neg(pricer->quantity);
	pricer->units = zero ? dec_make(1, 0) : pricer->quantity;
	pricer->as_of = as_of;

	start_from_fact(pricer);
	find_rules(pricer);
	run_steps(pricer);

	memset(quote, 0, sizeof(Quote));
	if (!state->has_running)
	{
		quote->status = QUOTE_NO_PRICE;
		return;
	}
	settle(pricer);

	quote->status = QUOTE_OK;
	amount = state->running;
	list = state->list_amount;
	quote->net_price = dec_div(amount, pricer->units, unit_price_step, ROUND_HALF_UP);
	quote->list_price = unit_price(pricer, list);
	if (dec_sign(list) != 0)
	{
		quote->has_discount = true;
		quote->discount_pct = dec_div(dec_mul(dec_sub(list, amount), dec_make(100, 0)), list,
									  percent_step, ROUND_HALF_UP);
	}
	quote->list_amount = zero ? DEC_ZERO : negative ? dec_neg(list) : list;
	quote->net_amount = zero ? state->zero_fee : negative ? dec_neg(amount) : amount;
	if (pricer->trace != NULL)
		sign_trace(pricer, negative, zero);
}

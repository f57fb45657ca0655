/*
 * pick.c
 *		One step: which of its candidates apply.
 *
 * Candidates arrive in precedence order. Not here: which steps there are and
 * how they follow one another (procedure.c), and what becomes of the line when
 * a rule applies (apply.c).
 */
#include "postgres.h"

#include "base/condition.h"
#include "price/pricer.h"

#define RAISES "it would raise the price, and its step only lowers it"

static bool
same_precedence(const Pricer *pricer, const Rule *a, const Rule *b)
{
	return a->priority == b->priority && same_rank(pricer, a, b);
}

/* Is it in force, of nobody left out, and does its condition hold? */
bool
rule_stands(Pricer *pricer, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);
	char	   *(*why_not) (const Pricer *pricer, const Rule *rule) = NULL;

	if (pricer->as_of < rule->from || (pricer->as_of >= rule->to && rule->to != DT_NOEND))
		why_not = describe_validity;
	else if (unlikely(more != NULL))
	{
		if (pricer->totals != NULL)
			order_measure(pricer, rule);
		if (more->nexclusions > 0 &&
			!scope_excludes_nothing(query_of(pricer, rule),
									LINKED(ScopeExclusion, more, more->exclusions), more->nexclusions))
			why_not = describe_exclusion;
		else if (more->condition != 0 &&
				 !condition_holds(LINKED(JsonPath, more, more->condition), line_facts(pricer)))
			why_not = describe_condition;
	}
	if (why_not != NULL && tracing(pricer))
		trace_rejected(pricer, rule, "%s", why_not(pricer, rule));
	return why_not == NULL;
}

/* Does the rule stand among the candidates already, at a greater depth? */
static bool
stands_already(const Pricer *pricer, const Rule *rule, int count)
{
	int			i;

	for (i = 0; i < count && rule->repeated; i++)
		if (pricer->candidates[i].rule->id == rule->id)
			return true;
	return false;
}

/*
 * In a chain one rule changes the price that another has set. Not in an
 * exclusive group: who is the one of it is decided on entry.
 */
bool
can_wait(const Pricer *pricer, const Rule *rule)
{
	return !pricer->state.has_running && rule->group == GROUP_NONE &&
		POLICY_PART(pricer->policy, Step, steps)[rule->step].pick == PICK_CHAIN;
}

/* Of the same precedence: below 0 if a goes first, which is better for the customer. */
static int
compare_effects(const Candidate *a, const Candidate *b)
{
	if (a->waits || b->waits)
		return (int) a->waits - (int) b->waits;
	return dec_cmp(a->effect.result, b->effect.result);
}

/* The rule of this step that was found n-th; NULL if there is none. */
static pg_attribute_hot const Rule *
nth_rule(Pricer *pricer, int step, int n)
{
	uint32		end = POLICY_PART(pricer->policy, Step, steps)[step].end_rule;
	uint32		number;

	if (!match_nth(&pricer->query, n, end, &number) ||
		!policy_is_upto(pricer->policy, number, step))
		return NULL;
	return policy_rule(pricer->policy, number);
}

/* Are all rules from the n-th on of lower precedence, whichever may yet be found? */
static bool
all_weaker(const Pricer *pricer, int step, int n, const Rule *than)
{
	const MatchQuery *query = &pricer->query;
	uint32		number = query->complete;

	if (n < query->nfound)
		number = Min(number, query->found[n]);
	return !policy_is_upto(pricer->policy, number, step) ||
		!same_precedence(pricer, policy_rule(pricer->policy, number), than);
}

/* A percentage off what is left, of which the larger one always leaves less? */
static bool
is_plain_percent(const Rule *rule)
{
	return rule->adjust == ADJUST_PERCENT_OFF && rule->base.kind == BASE_RUNNING &&
		rule->more == 0 && rule->scale == 0 && !rule->repeated;
}

/*
 * Finds the strongest rule of the step (NULL: there is none), where it can be told
 * without trying any: it is a plain percentage, and so are those that only the
 * price sets apart from it. Else false.
 */
static bool
find_largest_percent(Pricer *pricer, int step, int at, const Rule **strongest)
{
	const Rule *largest = NULL;
	int			i;

	if (pricer->policy->strict || !ROUNDS_IN_THE_END(pricer->policy->round_target) ||
		pricer->totals != NULL || !pricer->state.has_running || dec_sign(pricer->state.running) <= 0)
		return false;
	for (i = at; largest == NULL || !all_weaker(pricer, step, i, largest); i++)
	{
		const Rule *rule = nth_rule(pricer, step, i);

		if (rule == NULL)
			break;
		if (IS_GUARD(rule->adjust))
			continue;
		if (!is_plain_percent(rule))
			return false;
		if (rule_stands(pricer, rule) &&
			(largest == NULL || dec_cmp(stored_dec(&rule->value), stored_dec(&largest->value)) > 0))
			largest = rule;
	}
	*strongest = largest;
	return true;
}

/*
 * Collects the rules of one step that can apply now, in precedence order, from
 * the at-th found on. When only the strongest is wanted, stops as soon as it is
 * certain.
 */
static pg_noinline int
collect(Pricer *pricer, int step, int at, bool strongest_only)
{
	int			count = 0;
	int			i;

	if (!strongest_only)
		match_find_below(&pricer->query, POLICY_PART(pricer->policy, Step, steps)[step].end_rule);
	for (i = at;; i++)
	{
		const Rule *rule;
		Candidate  *candidate;
		char	   *why_not = NULL;
		int			place;

		if (strongest_only && count > 0 &&
			all_weaker(pricer, step, i, pricer->candidates[0].rule))
			break;
		rule = nth_rule(pricer, step, i);
		if (rule == NULL)
			break;
		if (IS_GUARD(rule->adjust) || stands_already(pricer, rule, count))
			continue;
		if (count == pricer->candidates_room)
		{
			pricer->candidates_room *= 2;
			pricer->candidates = repalloc(pricer->candidates,
										  pricer->candidates_room * sizeof(Candidate));
		}
		candidate = &pricer->candidates[count];
		candidate->rule = rule;
		candidate->equal = NULL;
		if (!rule_stands(pricer, rule))
			continue;
		candidate->waits = !try_rule(pricer, rule, &candidate->effect,
									 tracing(pricer) ? &why_not : NULL);
		if (candidate->waits && !can_wait(pricer, rule))
		{
			if (tracing(pricer))
				trace_rejected(pricer, rule, "%s", why_not);
			continue;
		}
		if (candidate->waits)
			(void) line_facts(pricer);	/* as they are on entry, for its formula */
		for (place = count; place > 0; place--)
		{
			Candidate	swap;
			Candidate  *before = &pricer->candidates[place - 1];
			int			order;

			if (!same_precedence(pricer, before->rule, pricer->candidates[place].rule))
				break;
			order = compare_effects(&pricer->candidates[place], before);
			if (order == 0)
				before->equal = pricer->candidates[place].rule;
			if (order >= 0)
				break;
			swap = *before;
			*before = pricer->candidates[place];
			pricer->candidates[place] = swap;
		}
		count++;
	}
	return count;
}

/* Collects the strongest rule of one step that can apply now. */
static int
collect_strongest(Pricer *pricer, int step, int at)
{
	Candidate  *candidate = &pricer->candidates[0];

	if (!find_largest_percent(pricer, step, at, &candidate->rule))
		return collect(pricer, step, at, true);
	if (candidate->rule == NULL)
		return 0;
	candidate->equal = NULL;
	candidate->waits = false;
	return try_rule(pricer, candidate->rule, &candidate->effect, NULL) ? 1 : 0;
}

/* A surcharge never shares a group with a discount. */
static bool
same_group(const Rule *a, const Rule *b)
{
	const text *name;
	const text *other;

	if (a->group != GROUP_NAMED || b->group != GROUP_NAMED ||
		IS_SURCHARGE(a->adjust) != IS_SURCHARGE(b->adjust))
		return false;
	name = LINKED(text, rule_more(a), rule_more(a)->group);
	other = LINKED(text, rule_more(b), rule_more(b)->group);
	return VARSIZE_ANY(name) == VARSIZE_ANY(other) && memcmp(name, other, VARSIZE_ANY(name)) == 0;
}

/* Keeps one candidate of each exclusive group, or the one that stands alone. */
static pg_noinline int
reduce_groups(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	int			kept = 0;
	int			i;
	int			k;

	for (i = 0; i < count; i++)
		if (candidates[i].rule->group == GROUP_ALONE)
		{
			for (k = 0; k < count && tracing(pricer); k++)
				if (k != i)
					trace_rejected(pricer, candidates[k].rule, "beaten by rule " INT64_FORMAT
								   ", which stands alone in its step", candidates[i].rule->id);
			candidates[0] = candidates[i];
			candidates[0].equal = NULL;
			return 1;
		}
	for (i = 0; i < count; i++)
	{
		for (k = 0; k < kept; k++)
			if (same_group(candidates[i].rule, candidates[k].rule))
				break;
		if (k == kept)
			candidates[kept++] = candidates[i];
		else if (tracing(pricer))
			trace_rejected(pricer, candidates[i].rule, "beaten by rule " INT64_FORMAT
						   " of its exclusive group on %s", candidates[k].rule->id,
						   describe_loss(pricer, &candidates[k], &candidates[i], false));
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

/* One winner takes the step. */
static pg_attribute_hot void
apply_one(Pricer *pricer, int winner, int count, bool by_price)
{
	Candidate  *candidates = pricer->candidates;
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[candidates[winner].rule->step];
	int			i;

	refuse_ambiguity(pricer, &candidates[winner]);
	for (i = 0; i < count && tracing(pricer); i++)
		if (i != winner)
			trace_rejected(pricer, candidates[i].rule, "beaten by rule " INT64_FORMAT " on %s",
						   candidates[winner].rule->id,
						   describe_loss(pricer, &candidates[winner], &candidates[i], by_price));
	if (step->only_down && raises(pricer, &candidates[winner].effect))
	{
		if (tracing(pricer))
			trace_rejected(pricer, candidates[winner].rule, RAISES);
		return;
	}
	apply_cut(pricer, &candidates[winner], &candidates[winner].effect);
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
		else if (tracing(pricer))
			trace_rejected(pricer, pricer->candidates[i].rule, RAISES);
	return kept;
}

static bool
ends_step(const Rule *rule)
{
	return rule->stop || rule->final;
}

/* The i-th candidate ended the step: those behind it have no part in it. */
static void
reject_rest(Pricer *pricer, int i, int count)
{
	int			rest;

	for (rest = i + 1; rest < count && tracing(pricer); rest++)
		trace_rejected(pricer, pricer->candidates[rest].rule, "rule " INT64_FORMAT " ended the step",
					   pricer->candidates[i].rule->id);
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
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[candidates[0].rule->step];
	Dec			entry = state->running;
	Dec			total = entry;
	Dec			excess;
	int			uncut;
	int			i;

	if (step->only_down)
		count = drop_raising(pricer, count);
	for (i = 0; i < count; i++)
	{
		total = dec_add(total, dec_sub(candidates[i].effect.result, entry));
		if (ends_step(candidates[i].rule))
		{
			reject_rest(pricer, i, count);
			count = i + 1;
		}
	}

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
		apply_rule(pricer, &candidates[i], &candidates[i].effect,
				   dec_add(state->running, dec_sub(candidates[i].effect.result, entry)), i >= uncut);
	}
	if (count > 0 && pricer->totals == NULL &&
		(pricer->policy->round_target == TARGET_LINE_STEP ||
		 pricer->policy->round_target == TARGET_UNIT_STEP))
	{
		move_to(pricer, round_amount(pricer, state->running),
				"rounding", "to the increment, after the step");
		if (state->listed && step->is_list)
			state->list_amount = state->running;
	}
}

/* All of them, each on what the one before left. */
static pg_noinline void
apply_chain(Pricer *pricer, int count)
{
	Candidate  *candidates = pricer->candidates;
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[candidates[0].rule->step];
	int			i;

	for (i = 0; i < count; i++)
	{
		Effect		effect;
		char	   *why_not = RAISES;

		if (!try_rule(pricer, candidates[i].rule, &effect, tracing(pricer) ? &why_not : NULL) ||
			(step->only_down && raises(pricer, &effect)))
		{
			if (tracing(pricer))
				trace_rejected(pricer, candidates[i].rule, "%s", why_not);
			continue;
		}
		refuse_ambiguity(pricer, &candidates[i]);
		apply_cut(pricer, &candidates[i], &effect);
		if (ends_step(candidates[i].rule))
		{
			reject_rest(pricer, i, count);
			break;
		}
	}
}

/* All rules of a step that does not run; guards are none of it, they come in the end. */
static pg_noinline void
reject_all(Pricer *pricer, int step, int at, const char *why)
{
	const Rule *rule;

	for (; (rule = nth_rule(pricer, step, at)) != NULL; at++)
		if (!IS_GUARD(rule->adjust))
			trace_rejected(pricer, rule, "%s", why);
}

/* ----- the step ----- */

void
run_step(Pricer *pricer, int number, int at)
{
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[number];
	bool		strongest_only = takes_strongest(step) && !tracing(pricer);
	int			count;

	pricer->step_facts = NULL;
	if (pricer->state.final != NULL)
	{
		if (tracing(pricer))
			reject_all(pricer, number, at, describe_final(pricer, pricer->state.final));
		return;
	}
	if (pricer->state.excluded & (UINT64CONST(1) << number))
	{
		if (tracing(pricer))
			reject_all(pricer, number, at, describe_excluder(pricer, number));
		return;
	}

	count = strongest_only ? collect_strongest(pricer, number, at) : collect(pricer, number, at, false);
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


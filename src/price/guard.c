/*
 * guard.c
 *		After the last line step: ending or rounding, then the guards.
 *
 * Clamps move the price to the nearest legal one on the right side of their
 * bound; block and approve test what the clamps have left.
 */
#include "postgres.h"

#include "price/ending.h"
#include "price/pricer.h"

/* Ending, else rounding; what it changes is a row of its own. */
void
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
	{
		Dec			due = state->zero_due;

		move_to(pricer, round_amount(pricer, state->running), "rounding", "to the increment");
		if (likely(dec_sign(due) == 0))
			return;
		state->zero_due = dec_round(due, pricer->increment, (RoundMode) pricer->policy->round_mode);
		if (pricer->trace != NULL && dec_cmp(state->zero_due, due) != 0)
			trace_row(pricer, VERDICT_RESIDUAL, "rounding", NULL, "what is due for quantity 0",
					  NULL, DEC_ZERO)->due = dec_sub(state->zero_due, due);
	}
}

/* The legal line amount nearest to a bound, on the side that mode says. */
static Dec
legal_amount(const Pricer *pricer, Dec bound, RoundMode mode)
{
	const LineState *state = &pricer->state;

	if (state->ending != 0)
	{
		const Ending *ending = POLICY_PART(pricer->policy, Ending, endings) + state->ending - 1;
		Dec			rest = stored_dec(pricer->policy, &ending->rest);
		Dec			period = stored_dec(pricer->policy, &ending->period);

		return dec_mul(mode == ROUND_CEILING ?
					   ending_not_below(bound, pricer->units, rest, period) :
					   ending_not_above(bound, pricer->units, rest, period),
					   pricer->units);
	}
	return round_amount_mode(pricer, bound, mode);
}

static bool
breaks(const Rule *guard, Dec bound, Dec amount)
{
	int			order = dec_cmp(amount, bound);

	return guard->adjust == ADJUST_CAP_PRICE ? order > 0 : order < 0;
}

static Breach
on_breach(const Pricer *pricer, const Rule *guard)
{
	const RuleMore *more = RULE_MORE(pricer->policy, guard);

	return more == NULL ? BREACH_CLAMP : (Breach) more->on_breach;
}

static void
clamp_to(Pricer *pricer, const Rule *guard, const Effect *effect, RoundMode mode)
{
	LineState  *state = &pricer->state;
	Dec			result = legal_amount(pricer, effect->result, mode);

	if (pricer->trace != NULL)
		trace_row(pricer, VERDICT_APPLIED, step_name(pricer, guard->step), guard,
				  psprintf("held at %s", describe_rule(pricer, guard, effect)),
				  effect, dec_sub(result, state->running));
	remember_rule(pricer, guard->id);
	state->running = result;
}

/* A guard that stops the price; the worse status stays. */
static void
raise_status(Pricer *pricer, const Rule *guard, QuoteStatus status, char *reason)
{
	pricer->state.status = Max(pricer->state.status, status);
	if (pricer->trace != NULL)
		trace_row(pricer, VERDICT_APPLIED, step_name(pricer, guard->step), guard, reason, NULL,
				  DEC_ZERO);
}

/* Does the rule stand before found[at] already, at another depth of its path? */
static bool
seen_before(const Pricer *pricer, const Rule *rules, int at)
{
	int			i;

	for (i = 0; i < at; i++)
		if (rules[pricer->query.found[i]].id == rules[pricer->query.found[at]].id)
			return true;
	return false;
}

static Candidate *
remember_guard(const Rule *guard, const Effect *effect)
{
	Candidate  *remembered = palloc(sizeof(Candidate));

	remembered->rule = guard;
	remembered->effect = *effect;
	return remembered;
}

/* Tells of the clamps that did not move the price. */
static void
trace_clamps(Pricer *pricer, List *clamps, const Rule *cap, const Rule *floor)
{
	Dec			running = pricer->state.running;
	ListCell   *cell;

	foreach(cell, clamps)
	{
		Candidate  *clamp = lfirst(cell);
		char	   *told = describe_rule(pricer, clamp->rule, &clamp->effect);

		if (clamp->rule == cap || clamp->rule == floor)
			continue;
		if (floor != NULL && breaks(clamp->rule, clamp->effect.result, running))
			trace_rejected(pricer, clamp->rule, "overruled by guard " INT64_FORMAT ": %s",
						   floor->id, told);
		else
			trace_rejected(pricer, clamp->rule, "kept: %s", told);
	}
}

void
run_guards(Pricer *pricer)
{
	const Rule *rules = POLICY_PART(pricer->policy, Rule, rules);
	const Step *steps = POLICY_PART(pricer->policy, Step, steps);
	LineState  *state = &pricer->state;
	const Rule *floor = NULL;
	const Rule *cap = NULL;
	Effect		floor_effect;
	Effect		cap_effect;
	Effect		effect;
	char	   *why_not = NULL;
	List	   *clamps = NIL;	/* as Candidate *, for the trace */
	List	   *tests = NIL;	/* block and approve guards, the same */
	ListCell   *cell;
	int			i;

	pricer->step_facts = NULL;
	for (i = 0; i < pricer->query.nfound; i++)
	{
		const Rule *guard = &rules[pricer->query.found[i]];

		if (!IS_GUARD(guard->adjust) || steps[guard->step].level != LEVEL_LINE ||
			(guard->repeated && seen_before(pricer, rules, i)) ||
			!rule_stands(pricer, guard))
			continue;
		if (!rule_effect(pricer, guard, &effect, &why_not))
		{
			/* a guard that cannot be reckoned is never passed */
			raise_status(pricer, guard, QUOTE_NEEDS_APPROVAL,
						 psprintf("cannot be tested: %s", why_not));
			continue;
		}
		if (on_breach(pricer, guard) != BREACH_CLAMP)
		{
			tests = lappend(tests, remember_guard(guard, &effect));
			continue;
		}
		if (pricer->trace != NULL)
			clamps = lappend(clamps, remember_guard(guard, &effect));
		if (guard->adjust == ADJUST_CAP_PRICE)
		{
			if (cap == NULL || dec_cmp(effect.result, cap_effect.result) < 0)
			{
				cap = guard;
				cap_effect = effect;
			}
		}
		else if (floor == NULL || dec_cmp(effect.result, floor_effect.result) > 0)
		{
			floor = guard;
			floor_effect = effect;
		}
	}
	state->floor = floor != NULL ? floor_effect.result : DEC_ZERO;
	if (cap != NULL && breaks(cap, cap_effect.result, state->running))
		clamp_to(pricer, cap, &cap_effect, ROUND_FLOOR);
	else
		cap = NULL;
	if (floor != NULL && breaks(floor, floor_effect.result, state->running))
		clamp_to(pricer, floor, &floor_effect, ROUND_CEILING);
	else
		floor = NULL;
	if (pricer->trace != NULL)
		trace_clamps(pricer, clamps, cap, floor);

	foreach(cell, tests)
	{
		Candidate  *test = lfirst(cell);
		bool		blocks = on_breach(pricer, test->rule) == BREACH_BLOCK;
		char	   *told;

		told = pricer->trace != NULL ? describe_rule(pricer, test->rule, &test->effect) : NULL;
		if (breaks(test->rule, test->effect.result, state->running))
			raise_status(pricer, test->rule, blocks ? QUOTE_BLOCKED : QUOTE_NEEDS_APPROVAL,
						 told == NULL ? NULL :
						 psprintf("%s: %s", blocks ? "blocked" : "needs approval", told));
		else if (told != NULL)
			trace_rejected(pricer, test->rule, "kept: %s", told);
	}
}

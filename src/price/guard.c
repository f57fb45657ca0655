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

static pg_noinline void
settle_on_ending(Pricer *pricer)
{
	LineState  *state = &pricer->state;
	Dec			unit = ending_nearest(state->running, pricer->units,
									  stored_dec(&state->ending->rest),
									  stored_dec(&state->ending->period));

	move_to(pricer, dec_mul(unit, pricer->units), "ending", "to the nearest legal price");
}

static pg_noinline void
round_due(Pricer *pricer)
{
	LineState  *state = &pricer->state;
	Dec			due = state->zero_due;

	state->zero_due = dec_round(due, pricer->increment, (RoundMode) pricer->policy->round_mode);
	if (tracing(pricer) && dec_cmp(state->zero_due, due) != 0)
		trace_row(pricer, VERDICT_RESIDUAL, "rounding", NULL, "what is due for quantity 0",
				  NULL, DEC_ZERO)->due = dec_sub(state->zero_due, due);
}

/* Ending, else rounding; what it changes is a row of its own. */
void
settle(Pricer *pricer)
{
	LineState  *state = &pricer->state;

	if (unlikely(state->ending != NULL))
	{
		settle_on_ending(pricer);
		return;
	}
	move_to(pricer, round_amount(pricer, state->running), "rounding", "to the increment");
	if (unlikely(pricer->zero))
		round_due(pricer);
}

/* The legal line amount nearest to a bound, on the side that mode says. */
static Dec
legal_amount(const Pricer *pricer, Dec bound, RoundMode mode)
{
	const LineState *state = &pricer->state;

	if (state->ending != NULL)
	{
		Dec			rest = stored_dec(&state->ending->rest);
		Dec			period = stored_dec(&state->ending->period);

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
	const RuleMore *more = rule_more(guard);

	return more == NULL ? BREACH_CLAMP : (Breach) more->on_breach;
}

static void
clamp_to(Pricer *pricer, const Rule *guard, const Effect *effect, RoundMode mode)
{
	LineState  *state = &pricer->state;
	Dec			result = legal_amount(pricer, effect->result, mode);

	if (tracing(pricer))
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
	if (tracing(pricer))
		trace_row(pricer, VERDICT_APPLIED, step_name(pricer, guard->step), guard, reason, NULL,
				  DEC_ZERO);
}

/* Has the rule been found already, at a greater depth? */
static bool
found_before(const Pricer *pricer, int i)
{
	const uint32 *found = pricer->query.found;
	const Rule *guard = policy_rule(pricer->policy, found[i]);
	int			k;

	for (k = 0; k < i && guard->repeated; k++)
		if (policy_rule(pricer->policy, found[k])->id == guard->id)
			return true;
	return false;
}

/*
 * Which rules guard this line, as Candidate *, with their bounds; those that
 * cannot be reckoned say so.
 */
static List *
find_guards(Pricer *pricer, bool clamps)
{
	const Step *steps = POLICY_PART(pricer->policy, Step, steps);
	List	   *guards = NIL;
	int			i;

	pricer->step_facts = NULL;
	match_find_below(&pricer->query, PG_UINT32_MAX);
	for (i = 0; i < pricer->query.nfound; i++)
	{
		const Rule *rule = policy_rule(pricer->policy, pricer->query.found[i]);
		Candidate  *guard;
		char	   *why_not = NULL;

		if (!IS_GUARD(rule->adjust) || steps[rule->step].level != LEVEL_LINE ||
			(on_breach(pricer, rule) == BREACH_CLAMP) != clamps || found_before(pricer, i) ||
			!rule_stands(pricer, rule))
			continue;
		guard = palloc(sizeof(Candidate));
		guard->rule = rule;
		if (rule_effect(pricer, rule, &guard->effect, &why_not))
			guards = lappend(guards, guard);
		else
			/* a guard that cannot be reckoned is never passed */
			raise_status(pricer, rule, QUOTE_NEEDS_APPROVAL,
						 psprintf("cannot be tested: %s", why_not));
	}
	return guards;
}

void
test_guards(Pricer *pricer)
{
	ListCell   *cell;

	foreach(cell, find_guards(pricer, false))
	{
		Candidate  *test = lfirst(cell);
		bool		blocks = on_breach(pricer, test->rule) == BREACH_BLOCK;
		char	   *told = NULL;

		if (tracing(pricer))
			told = describe_rule(pricer, test->rule, &test->effect);
		if (breaks(test->rule, test->effect.result, pricer->state.running))
			raise_status(pricer, test->rule, blocks ? QUOTE_BLOCKED : QUOTE_NEEDS_APPROVAL,
						 told == NULL ? NULL :
						 psprintf("%s: %s", blocks ? "blocked" : "needs approval", told));
		else if (told != NULL)
			trace_rejected(pricer, test->rule, "kept: %s", told);
	}
}

/* Tells of the clamps that did not move the price. */
static void
trace_clamps(Pricer *pricer, List *clamps, const Candidate *cap, const Candidate *floor)
{
	ListCell   *cell;

	foreach(cell, clamps)
	{
		Candidate  *clamp = lfirst(cell);
		char	   *told;

		if (clamp == cap || clamp == floor)
			continue;
		told = describe_rule(pricer, clamp->rule, &clamp->effect);
		if (floor != NULL && breaks(clamp->rule, clamp->effect.result, pricer->state.running))
			trace_rejected(pricer, clamp->rule, "overruled by guard " INT64_FORMAT ": %s",
						   floor->rule->id, told);
		else
			trace_rejected(pricer, clamp->rule, "kept: %s", told);
	}
}

/* The lowest cap and the highest floor among the clamps; NULL: none. */
static void
strongest_clamps(List *clamps, const Candidate **floor, const Candidate **cap)
{
	ListCell   *cell;

	*floor = *cap = NULL;
	foreach(cell, clamps)
	{
		Candidate  *guard = lfirst(cell);

		if (guard->rule->adjust == ADJUST_CAP_PRICE)
		{
			if (*cap == NULL || dec_cmp(guard->effect.result, (*cap)->effect.result) < 0)
				*cap = guard;
		}
		else if (*floor == NULL || dec_cmp(guard->effect.result, (*floor)->effect.result) > 0)
			*floor = guard;
	}
}

void
clamp_guards(Pricer *pricer)
{
	LineState  *state = &pricer->state;
	List	   *clamps = find_guards(pricer, true);
	const Candidate *floor;
	const Candidate *cap;

	strongest_clamps(clamps, &floor, &cap);
	if (floor != NULL)
		state->floor = floor->effect.result;
	if (cap != NULL && breaks(cap->rule, cap->effect.result, state->running))
		clamp_to(pricer, cap->rule, &cap->effect, ROUND_FLOOR);
	else
		cap = NULL;
	if (floor != NULL && breaks(floor->rule, floor->effect.result, state->running))
		clamp_to(pricer, floor->rule, &floor->effect, ROUND_CEILING);
	else
		floor = NULL;
	if (tracing(pricer))
		trace_clamps(pricer, clamps, cap, floor);
}

Dec
room_above_floor(const Pricer *pricer)
{
	const LineState *state = &pricer->state;
	Dec			room = state->running;

	if (dec_sign(state->floor) > 0)
		room = dec_sub(room, round_amount_mode(pricer, state->floor, ROUND_CEILING));
	return dec_sign(room) > 0 ? room : DEC_ZERO;
}

Dec
room_below_cap(Pricer *pricer, Dec most)
{
	Trace	   *trace = pricer->trace;
	QuoteStatus status = pricer->state.status;
	const Candidate *floor;
	const Candidate *cap;
	Dec			room;

	pricer->trace = NULL;
	strongest_clamps(find_guards(pricer, true), &floor, &cap);
	pricer->trace = trace;
	pricer->state.status = status;
	if (cap == NULL)
		return most;
	room = dec_sub(round_amount_mode(pricer, cap->effect.result, ROUND_FLOOR),
				   pricer->state.running);
	if (dec_sign(room) <= 0)
		return DEC_ZERO;
	return dec_cmp(room, most) < 0 ? room : most;
}

/*
 * apply.c
 *		What becomes of the line when a rule is tried, and when it applies.
 *
 * A rule is tried on the running amount, rounded where the policy says so; then
 * it moves that amount, and its row tells of it. Not here: which rules apply
 * (pick.c), what a rule makes of an amount (rule_effect.c).
 */
#include "postgres.h"

#include "price/pricer.h"

/* ----- amounts ----- */

/* Rounds a line amount as the policy says, by the line or by its unit. */
Dec
round_amount_mode(const Pricer *pricer, Dec amount, RoundMode mode)
{
	if (ROUNDS_UNIT(pricer->policy->round_target))
		return dec_mul(dec_div(amount, pricer->units, pricer->increment, mode), pricer->units);
	return dec_round(amount, pricer->increment, mode);
}

/*
 * Does the rule give the list price? The first rule of step list takes the
 * place of the fact's, later ones of that step move it; without a list price
 * it is the first rule that sets one.
 */
static bool
gives_list(const Pricer *pricer, const Rule *rule)
{
	const LineState *state = &pricer->state;

	return !state->has_running ||
		(POLICY_PART(pricer->policy, Step, steps)[rule->step].is_list &&
		 (state->nrules == 0 || state->listed));
}

/* Rounds what a rule gives, where the policy says that each one's is rounded. */
static pg_noinline void
round_effect(Pricer *pricer, const Rule *rule, Effect *effect)
{
	LineState  *state = &pricer->state;

	switch ((RoundTarget) pricer->policy->round_target)
	{
		case TARGET_LINE:
		case TARGET_UNIT:
			break;
		case TARGET_ADJUSTMENT:
		case TARGET_UNIT_ADJUSTMENT:
			/* a list price is no adjustment */
			if (state->has_running && (state->nrules > 0 || !gives_list(pricer, rule)))
				effect->result = dec_add(state->running,
										 round_amount(pricer, dec_sub(effect->result,
																	  state->running)));
			break;
		case TARGET_LINE_STEP:
		case TARGET_UNIT_STEP:
			/* a sum is rounded once, when all of it is known */
			if (POLICY_PART(pricer->policy, Step, steps)[rule->step].pick != PICK_SUM)
				effect->result = round_amount(pricer, effect->result);
			break;
	}
}

/* Tries a rule on the present state, and rounds what it gives as the policy says. */
bool
try_rule(Pricer *pricer, const Rule *rule, Effect *effect, char **why_not)
{
	if (unlikely(pricer->totals != NULL))
		return order_try(pricer, rule, effect, why_not);
	if (!rule_effect(pricer, rule, effect, why_not))
		return false;
	if (!ROUNDS_IN_THE_END(pricer->policy->round_target))
		round_effect(pricer, rule, effect);
	return true;
}

/* ----- applying ----- */

static pg_noinline void
trace_move(Pricer *pricer, Dec result, const char *what, const char *reason)
{
	Dec			running = pricer->state.running;

	if (dec_cmp(running, result) != 0)
		trace_row(pricer, pricer->statistical ? VERDICT_STATISTICAL : VERDICT_RESIDUAL,
				  what, NULL, reason, NULL, dec_sub(result, running));
}

/* Moves the running amount without a rule; the difference is a residual row. */
void
move_to(Pricer *pricer, Dec result, const char *what, const char *reason)
{
	if (tracing(pricer))
		trace_move(pricer, result, what, reason);
	pricer->state.running = result;
}

/* What is due for quantity zero once the rule has applied: fees, never below zero. */
static pg_noinline Dec
due_after(const LineState *state, const Rule *rule, const Effect *effect)
{
	Dec			due;

	if (SETS_PRICE(rule->adjust))
		return effect->fee;
	if (IS_SURCHARGE(rule->adjust))
		return dec_add(state->zero_due, effect->fee);
	due = dec_sub(state->zero_due, effect->fee);
	return dec_sign(due) < 0 ? DEC_ZERO : due;
}

void
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
applied_reason(Pricer *pricer, const Candidate *candidate, const Effect *effect, bool cut)
{
	char	   *reason = describe_rule(pricer, candidate->rule, effect);

	if (cut)
		reason = psprintf("%s; cut to what is left", reason);
	if (candidate->equal != NULL)
		reason = psprintf("%s; only its smaller id puts it before rule " INT64_FORMAT,
						  reason, candidate->equal->id);
	return reason;
}

/* The row of a rule that moves the running amount to result. */
static pg_noinline void
trace_applied(Pricer *pricer, const Candidate *candidate, const Effect *effect, Dec result, bool cut)
{
	LineState  *state = &pricer->state;
	const Rule *rule = candidate->rule;
	const char *reason = applied_reason(pricer, candidate, effect, cut);
	bool		is_list = gives_list(pricer, rule);
	bool		first = is_list && state->nrules == 0;
	TraceRow   *row;

	/* the rule's list price takes the place of the fact's */
	if (first && state->has_running)
		pricer->trace->waterfall = list_delete_first(pricer->trace->waterfall);
	row = trace_row(pricer, is_list ? VERDICT_LIST :
					pricer->statistical ? VERDICT_STATISTICAL : VERDICT_APPLIED,
					step_name(pricer, rule->step), rule, reason, effect,
					first ? result : dec_sub(result, state->running));
	if (pricer->zero)
		row->due = dec_sub(due_after(state, rule, effect), state->zero_due);
}

/* What an order's rule makes of its running amount, when it has been taken from the lines. */
static pg_noinline Dec
take_from_order(Pricer *header, const Rule *rule, const Effect *effect, Dec result)
{
	Dec			running = header->state.running;

	return dec_sub(running, order_take(header, rule, effect, dec_sub(running, result)));
}

/* Moves the running amount to result, which is what a rule makes of it. */
void
apply_rule(Pricer *pricer, const Candidate *candidate, const Effect *effect, Dec result, bool cut)
{
	LineState  *state = &pricer->state;
	const Rule *rule = candidate->rule;
	const RuleMore *more = rule_more(rule);
	const Step *step = &POLICY_PART(pricer->policy, Step, steps)[rule->step];
	bool		is_list = gives_list(pricer, rule);

	if (unlikely(pricer->totals != NULL))
		result = take_from_order(pricer, rule, effect, result);
	if (tracing(pricer))
		trace_applied(pricer, candidate, effect, result, cut);

	if (unlikely(pricer->zero))
	{
		state->zero_due = due_after(state, rule, effect);
		if (is_list)
			state->zero_list = state->zero_due;
	}
	state->running = result;
	state->has_running = true;
	if (is_list)
	{
		state->list_amount = result;
		state->has_list = true;
		state->listed = step->is_list;
	}
	if (!pricer->statistical)
		remember_rule(pricer, rule->id);
	if (more != NULL && more->ending != 0)
		state->ending = LINKED(Ending, more, more->ending);
	else if (step->ending != 0)
		state->ending = LINKED(Ending, step, step->ending);
	if (rule->final)
		state->final = rule;
	state->excluded |= step->excludes;
}

/* The same, cut to what is left. */
void
apply_cut(Pricer *pricer, const Candidate *candidate, const Effect *effect)
{
	bool		cut = dec_sign(effect->result) < 0;

	apply_rule(pricer, candidate, effect, cut ? DEC_ZERO : effect->result, cut);
}

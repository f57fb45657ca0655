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

/* How many rules are fetched into the cache ahead of their use. */
#define RULES_AHEAD 16

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
	const Rule *rules = POLICY_PART(pricer->policy, Rule, rules);
	uint32		dim;
	int			i;

	match_query_reset(&pricer->query);
	for (dim = 0; dim < pricer->policy->ndims; dim++)
		fact_labels(pricer->facts, dim, add_label, pricer);
	match_search(&pricer->query, POLICY_MATCH(pricer->policy));

	/* rules lie far apart; the first ones are on their way while we sort */
	for (i = 0; i < pricer->query.nfound && i < RULES_AHEAD; i++)
		__builtin_prefetch(&rules[pricer->query.found[i]]);
	sort_found(&pricer->query);
}

/* ----- steps ----- */

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
	uint32		end = POLICY_PART(pricer->policy, Step, steps)[step].end_rule;
	int			start = *at;

	while (*at < pricer->query.nfound && pricer->query.found[*at] < end)
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
	List	   *entry_rows = pricer->trace != NULL ? pricer->trace->waterfall : NIL;
	List	   *winner_rows = NIL;
	int			step;

	for (step = first; step < pricer->policy->nsteps && steps[step].compete == steps[first].compete;
		 step++)
	{
		int			start = *at;
		int			n = rules_of_step(pricer, step, at);
		bool		better;

		pricer->state = entry;
		if (pricer->trace != NULL)
			pricer->trace->waterfall = list_copy(entry_rows);
		run_step(pricer, step, pricer->query.found + start, n);
		note_after(pricer, step);
		if (pricer->state.nrules == entry_rules)
			continue;
		better = winner < 0 || dec_cmp(pricer->state.running, best.running) < 0;
		if (better)
		{
			if (pricer->trace != NULL)
			{
				if (winner >= 0)
					trace_lost(pricer, list_difference_ptr(winner_rows, entry_rows),
							   step_name(pricer, step));
				winner_rows = pricer->trace->waterfall;
			}
			winner = step;
			best = pricer->state;
			best_rules = palloc((best.nrules - entry_rules) * sizeof(int64));
			memcpy(best_rules, pricer->rules + entry_rules,
				   (best.nrules - entry_rules) * sizeof(int64));
		}
		else if (pricer->trace != NULL)
			trace_lost(pricer, list_difference_ptr(pricer->trace->waterfall, entry_rows),
					   step_name(pricer, winner));
	}

	pricer->state = best;
	if (pricer->trace != NULL)
		pricer->trace->waterfall = winner >= 0 ? winner_rows : entry_rows;
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

	/* field by field: clearing the amounts, too, costs more than a step does */
	state->has_list = state->has_running = false;
	state->zero_due = state->zero_list = DEC_ZERO;
	state->listed = false;
	state->excluded = 0;
	state->excluded_by = state->final = NULL;
	state->ending = pricer->policy->ending;
	state->nrules = 0;
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
		trace_row(pricer, VERDICT_LIST, "list", NULL, "fact list_price", NULL,
				  dec_sign(pricer->quantity) == 0 ? DEC_ZERO : state->running);
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
	{
		Dec			increment = stored_dec(pricer->policy, &pricer->policy->increment);
		Dec			due = state->zero_due;

		move_to(pricer, round_amount(pricer, state->running), "rounding", "to the increment");
		if (unlikely(dec_sign(due) != 0))
		{
			state->zero_due = dec_round(due, increment, (RoundMode) pricer->policy->round_mode);
			if (pricer->trace != NULL && dec_cmp(state->zero_due, due) != 0)
				trace_row(pricer, VERDICT_RESIDUAL, "rounding", NULL, "of what is due for quantity 0",
						  NULL, dec_sub(state->zero_due, due));
		}
	}
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

/* The waterfall of a negative quantity. */
static void
negate_trace(Pricer *pricer)
{
	ListCell   *cell;

	foreach(cell, pricer->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

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
	quote->has_discount = dec_sign(list) != 0;
	if (quote->has_discount)
		quote->discount_pct = dec_div(dec_mul(dec_sub(list, amount), dec_make(100, 0)), list,
									  percent_step, ROUND_HALF_UP);
	quote->list_amount = zero ? state->zero_list : negative ? dec_neg(list) : list;
	quote->net_amount = zero ? state->zero_due : negative ? dec_neg(amount) : amount;
	if (pricer->trace != NULL && negative)
		negate_trace(pricer);
}

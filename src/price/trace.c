/*
 * trace.c
 *		The rows that explain a quote, and the words in them.
 *
 * Only run where somebody asked for an explanation.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "price/pricer.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* ----- rows ----- */

/* What its writer calls the rule, before the reason. */
static const char *
with_note(const Rule *rule, const char *reason)
{
	const RuleMore *more = rule_more(rule);

	if (more == NULL || more->note == 0)
		return reason;
	return psprintf("%s: %s", text_to_cstring(LINKED(text, more, more->note)), reason);
}

static TraceRow *
new_row(Verdict verdict, const char *step, const Rule *rule, const char *reason)
{
	TraceRow   *row = palloc0(sizeof(TraceRow));

	row->verdict = verdict;
	row->step = step;
	row->rule = rule == NULL ? 0 : rule->id;
	row->reason = rule == NULL ? reason : with_note(rule, reason);
	return row;
}

TraceRow *
trace_row(Pricer *pricer, Verdict verdict, const char *step, const Rule *rule,
		  const char *reason, const Effect *effect, Dec amount)
{
	TraceRow   *row = new_row(verdict, step, rule, reason);

	if (effect != NULL)
	{
		row->has_base = effect->has_base;
		row->base = effect->base;
	}
	row->amount = amount;
	pricer->trace->waterfall = lappend(pricer->trace->waterfall, row);
	return row;
}

void
trace_rejected(Pricer *pricer, const Rule *rule, const char *fmt,...)
{
	StringInfoData reason;
	TraceRow   *row;
	ListCell   *cell;

	initStringInfo(&reason);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&reason, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&reason, needed);
	}
	row = new_row(VERDICT_REJECTED, step_name(pricer, rule->step), rule, reason.data);

	/* the same is not said twice: of another depth of its path, of a guard tested again */
	foreach(cell, pricer->trace->rejected)
	{
		TraceRow   *told = lfirst(cell);

		if (told->rule == row->rule && strcmp(told->reason, row->reason) == 0)
			return;
	}
	pricer->trace->rejected = lappend(pricer->trace->rejected, row);
}

void
trace_lost(Pricer *pricer, List *rows, const char *against)
{
	ListCell   *cell;

	foreach(cell, rows)
	{
		TraceRow   *row = lfirst(cell);

		if (row->rule == 0)
			continue;
		row->verdict = VERDICT_REJECTED;
		row->reason = psprintf("%s; step %s competes and is lower", row->reason, against);
		pricer->trace->rejected = lappend(pricer->trace->rejected, row);
	}
}

char *
dec_text(Dec d)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(dec_to_numeric(&d, 0))));
}

char *
unit_text(const Pricer *pricer, Dec amount)
{
	Dec			unit = pricer->totals != NULL ? amount : unit_price(pricer, amount);

	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(dec_to_numeric(&unit, pricer->increment.scale))));
}

/* ----- why a rule did nothing, in words ----- */

/* A time as the clocks of the policy's zone show it. */
static char *
time_text(const Pricer *pricer, TimestampTz at)
{
	pg_tz	   *zone = pg_tzset(POLICY_TEXT(pricer->policy, pricer->policy->zone));
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	const char *abbreviation;
	char		text[MAXDATELEN + 1];

	if (zone == NULL || timestamp2tm(at, &offset, &tm, &fsec, &abbreviation, zone) != 0)
		return pstrdup(timestamptz_to_str(at));
	EncodeDateTime(&tm, fsec, true, offset, abbreviation, USE_ISO_DATES, text);
	return pstrdup(text);
}

char *
describe_validity(const Pricer *pricer, const Rule *rule)
{
	if (rule->to == DT_NOEND)
		return psprintf("not in force: valid from %s", time_text(pricer, rule->from));
	if (rule->from == DT_NOBEGIN)
		return psprintf("not in force: valid until %s", time_text(pricer, rule->to));
	return psprintf("not in force: valid from %s until %s", time_text(pricer, rule->from),
					time_text(pricer, rule->to));
}

char *
describe_exclusion(const Pricer *pricer, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);
	const ScopeExclusion *exclusion = LINKED(ScopeExclusion, more, more->exclusions);

	/* the first that it fails on */
	while (scope_excludes_nothing(query_of(pricer, rule), exclusion, 1))
		exclusion++;
	if ((pricer->query.present & (UINT64CONST(1) << exclusion->dim)) == 0)
		return psprintf("its scope leaves out some values of %s, and there is no fact of that name",
						fact_name(pricer, exclusion->dim));
	return psprintf("its scope leaves this %s out", fact_name(pricer, exclusion->dim));
}

char *
describe_condition(const Pricer *pricer, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);
	const JsonPath *path = LINKED(JsonPath, more, more->condition);

	return psprintf("its condition does not hold: %s",
					DatumGetCString(DirectFunctionCall1(jsonpath_out, PointerGetDatum(path))));
}

/* A measure that no bracket of the rule's scale holds. */
char *
describe_outside(const Pricer *pricer, const Rule *rule, Dec measure)
{
	const Scale *scale = rule_scale(rule);
	const Bracket *last = &scale->brackets[scale->nbrackets - 1];
	const char *what = scale->measure == MEASURE_QUANTITY ? "quantity" :
		scale->measure == MEASURE_AMOUNT ? "amount" : fact_name(pricer, scale->fact);
	Dec			from;

	if (scale->nbrackets == 0)
		return pstrdup("its scale has no brackets");
	from = stored_dec(&scale->brackets[0].from);
	if (dec_cmp(measure, from) <= 0)
		return psprintf("%s %s is under its scale, which begins %s %s", what, dec_text(measure),
						scale->upper_inclusive ? "above" : "at", dec_text(from));
	if (!last->open)
	{
		Dec			to = stored_dec(&last->to);

		if (dec_cmp(measure, to) >= 0)
			return psprintf("%s %s is over its scale, which ends %s %s", what, dec_text(measure),
							scale->upper_inclusive ? "at" : "below", dec_text(to));
	}
	return psprintf("%s %s is in a gap of its scale", what, dec_text(measure));
}

/* What the winner is better at. */
const char *
describe_loss(const Pricer *pricer, const Candidate *winner, const Candidate *loser, bool by_price)
{
	bool		same_price = dec_cmp(winner->effect.result, loser->effect.result) == 0;

	if (!by_price || same_price)
	{
		if (!same_rank(pricer, winner->rule, loser->rule))
			return "access rank";
		if (winner->rule->priority != loser->rule->priority)
			return "priority";
	}
	if (same_price)
		return "its smaller id";
	return psprintf("price: %s against %s", unit_text(pricer, loser->effect.result),
					unit_text(pricer, winner->effect.result));
}

char *
describe_final(const Pricer *pricer, const Rule *final)
{
	return psprintf("rule " INT64_FORMAT " of step %s is final", final->id,
					step_name(pricer, final->step));
}

/* The step that has switched this one off stands in the waterfall, as it applied. */
char *
describe_excluder(const Pricer *pricer, int step)
{
	const Step *steps = POLICY_PART(pricer->policy, Step, steps);
	ListCell   *cell;
	int			i;

	foreach(cell, pricer->trace->waterfall)
	{
		TraceRow   *row = lfirst(cell);

		for (i = 0; i < step && row->rule != 0; i++)
			if ((steps[i].excludes & (UINT64CONST(1) << step)) != 0 &&
				row->step == step_name(pricer, i))
				return psprintf("excluded by step %s, where rule " INT64_FORMAT " applied",
								row->step, row->rule);
	}
	return pstrdup("excluded by an earlier step");
}

/* ----- what a rule did, in words ----- */

static char *
base_text(Pricer *pricer, const Rule *rule)
{
	switch ((BaseKind) rule->base.kind)
	{
		case BASE_LIST:
			return pstrdup("list");
		case BASE_RUNNING:
			return pstrdup("running");
		case BASE_STEP:
			return psprintf("the price after step %s", step_name(pricer, rule->base.number));
		case BASE_FACT:
			return pstrdup(fact_name(pricer, rule->base.number));
	}
	pg_unreachable();
}

/* A percent of the base: "10 % off list", but "minus 10 % of cost". */
static char *
percent_text(Pricer *pricer, const Rule *rule, const char *rate, const char *off_on, const char *sign)
{
	char	   *base = base_text(pricer, rule);

	if (rule->base.kind == BASE_LIST || rule->base.kind == BASE_RUNNING)
		return psprintf("%s %% %s %s", rate, off_on, base);
	return psprintf("%s %s %% of %s", sign, rate, base);
}

/* The most it takes off; empty without such a limit. */
static char *
limit_text(Pricer *pricer, const Rule *rule)
{
	const RuleMore *more = rule_more(rule);

	if (more == NULL || !more->has_max_amount)
		return pstrdup("");
	return psprintf(", at most %s", dec_text(rule_money(pricer, rule, stored_dec(&more->max_amount))));
}

/* What a value of money is for. */
static char *
each_text(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	if (pricer->totals != NULL)
		return pstrdup("its lines");
	switch (scale_mode(rule))
	{
		case SCALE_NONE:
		case SCALE_VOLUME:
		case SCALE_GRADUATED:
			return pstrdup("each");
		case SCALE_BLOCK:
			return pstrdup("the line");
		case SCALE_PACKAGE:
			return psprintf("a package of %s",
							dec_text(stored_dec(&bracket_more(effect->bracket)->size)));
	}
	pg_unreachable();
}

/* Where on its scale the value was found, in parentheses; empty without one. */
static char *
scale_text(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	static const char *const modes[] = {"", "volume", "graduated", "block", "package"};
	const Scale *scale = rule_scale(rule);
	const Bracket *bracket = effect->bracket;
	StringInfoData text;

	initStringInfo(&text);
	if (bracket == NULL)
		return text.data;
	if (scale->mode == SCALE_GRADUATED && bracket > scale->brackets)
		appendStringInfoString(&text, " in the last band");
	appendStringInfo(&text, " (%s scale", modes[scale->mode]);
	if (scale->measure == MEASURE_AMOUNT)
		appendStringInfoString(&text, " over amount");
	else if (scale->measure == MEASURE_FACT)
		appendStringInfo(&text, " over %s", fact_name(pricer, scale->fact));
	appendStringInfo(&text, " from %s", dec_text(stored_dec(&bracket->from)));
	if (scale->mode == SCALE_BLOCK && has_overage(bracket))
		appendStringInfo(&text, ", %s for each unit beyond",
						 dec_text(stored_dec(&bracket_more(bracket)->overage)));
	if (dec_sign(effect->fee) != 0)
		appendStringInfo(&text, ", fee %s", dec_text(effect->fee));
	appendStringInfoChar(&text, ')');
	return text.data;
}

char *
describe_rule(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	char	   *rate = dec_text(effect->rate);
	char	   *scale = scale_text(pricer, rule, effect);

	switch ((Adjust) rule->adjust)
	{
		case ADJUST_PRICE:
			return psprintf("price %s %s%s%s", rate,
							scale_mode(rule) == SCALE_BLOCK || pricer->totals != NULL ? "for " : "",
							each_text(pricer, rule, effect), scale);
		case ADJUST_PRICE_PERCENT:
			return psprintf("%s %% of %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_MARGIN:
			return psprintf("%s %% margin over %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_MARKUP:
			return psprintf("%s %% markup on %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_PERCENT_OFF:
			return psprintf("%s%s%s", percent_text(pricer, rule, rate, "off", "minus"), scale,
							limit_text(pricer, rule));
		case ADJUST_PERCENT_ON:
			return psprintf("%s%s", percent_text(pricer, rule, rate, "on", "plus"), scale);
		case ADJUST_AMOUNT_OFF:
			return psprintf("%s off %s%s%s", rate, each_text(pricer, rule, effect), scale,
							limit_text(pricer, rule));
		case ADJUST_AMOUNT_ON:
			return psprintf("%s on %s%s", rate, each_text(pricer, rule, effect), scale);
		case ADJUST_LINE_AMOUNT_OFF:
			return psprintf("%s off the %s%s%s", rate, pricer->totals != NULL ? "order" : "line", scale,
							limit_text(pricer, rule));
		case ADJUST_FREE_UNITS:
			return psprintf("units free: %s", rate);
		case ADJUST_ADD_LINE:
			return psprintf("units given: %s", rate);
		case ADJUST_ROUND_TO:
			return psprintf("to a multiple of %s%s", rate, scale);
		case ADJUST_FLOOR_PRICE:
			return psprintf("no less than %s each%s", rate, scale);
		case ADJUST_FLOOR_PERCENT:
			return psprintf("no less than %s %% of %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_FLOOR_OVER:
			return psprintf("no less than %s each over %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_FLOOR_MARGIN:
			return psprintf("no less than %s %% margin over %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_CAP_PERCENT_OFF:
			return psprintf("no more than %s %% off %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_CAP_PRICE:
			return psprintf("no more than %s each%s", rate, scale);
	}
	pg_unreachable();
}

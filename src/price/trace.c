/*
 * trace.c
 *		The rows that explain a quote, and the words in them.
 *
 * Only run where somebody asked for an explanation.
 */
#include "postgres.h"

#include "fmgr.h"
#include "price/pricer.h"
#include "utils/builtins.h"

static TraceRow *
new_row(Verdict verdict, const char *step, int64 rule, const char *reason)
{
	TraceRow   *row = palloc0(sizeof(TraceRow));

	row->verdict = verdict;
	row->step = step;
	row->rule = rule;
	row->reason = reason;
	return row;
}

TraceRow *
trace_row(Pricer *pricer, Verdict verdict, const char *step, const Rule *rule,
		  const char *reason, const Effect *effect, Dec amount)
{
	TraceRow   *row = new_row(verdict, step, rule != NULL ? rule->id : 0, reason);

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
	pricer->trace->rejected = lappend(pricer->trace->rejected,
									  new_row(VERDICT_REJECTED, step_name(pricer, rule->step),
											  rule->id, reason.data));
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

/* ----- what a rule did, in words ----- */

/* A percent of the base: "10 % off list", but "minus 10 % of cost". */
static char *
percent_text(Pricer *pricer, const Rule *rule, const char *rate, const char *off_on, const char *sign)
{
	switch ((BaseKind) rule->base.kind)
	{
		case BASE_LIST:
			return psprintf("%s %% %s list", rate, off_on);
		case BASE_RUNNING:
			return psprintf("%s %% %s running", rate, off_on);
		case BASE_STEP:
			return psprintf("%s %s %% of the price after step %s", sign, rate,
							step_name(pricer, rule->base.number));
		case BASE_FACT:
			return psprintf("%s %s %% of %s", sign, rate, fact_name(pricer, rule->base.number));
	}
	pg_unreachable();
}

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

/* What a value of money is for. */
static char *
unit_text(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	if (pricer->totals != NULL)
		return pstrdup("the order");
	switch ((ScaleMode) rule->scale_mode)
	{
		case SCALE_NONE:
		case SCALE_VOLUME:
		case SCALE_GRADUATED:
			return pstrdup("each");
		case SCALE_BLOCK:
			return pstrdup("the line");
		case SCALE_PACKAGE:
			return psprintf("a package of %s",
							dec_text(stored_dec(pricer->policy, &effect->bracket->size)));
	}
	pg_unreachable();
}

/* Where on its scale the value was found, in parentheses; empty without one. */
static char *
scale_text(Pricer *pricer, const Rule *rule, const Effect *effect)
{
	static const char *const modes[] = {"", "volume", "graduated", "block", "package"};
	const Policy *policy = pricer->policy;
	const Bracket *bracket = effect->bracket;
	StringInfoData text;

	initStringInfo(&text);
	if (bracket == NULL)
		return text.data;
	if (rule->scale_mode == SCALE_GRADUATED &&
		bracket > POLICY_PART(policy, Bracket, brackets) + rule->first_bracket)
		appendStringInfoString(&text, " in the last band");
	appendStringInfo(&text, " (%s scale", modes[rule->scale_mode]);
	if (rule->scale_measure == MEASURE_AMOUNT)
		appendStringInfoString(&text, " over amount");
	else if (rule->scale_measure == MEASURE_FACT)
		appendStringInfo(&text, " over %s", fact_name(pricer, rule->scale_fact));
	appendStringInfo(&text, " from %s", dec_text(stored_dec(policy, &bracket->from)));
	if (rule->scale_mode == SCALE_BLOCK && bracket->has_overage)
		appendStringInfo(&text, ", %s for each unit beyond",
						 dec_text(stored_dec(policy, &bracket->overage)));
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
							rule->scale_mode == SCALE_BLOCK ? "for " : "",
							unit_text(pricer, rule, effect), scale);
		case ADJUST_PRICE_PERCENT:
			return psprintf("%s %% of %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_MARGIN:
			return psprintf("%s %% margin over %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_MARKUP:
			return psprintf("%s %% markup on %s%s", rate, base_text(pricer, rule), scale);
		case ADJUST_PERCENT_OFF:
			return psprintf("%s%s", percent_text(pricer, rule, rate, "off", "minus"), scale);
		case ADJUST_PERCENT_ON:
			return psprintf("%s%s", percent_text(pricer, rule, rate, "on", "plus"), scale);
		case ADJUST_AMOUNT_OFF:
			return psprintf("%s off %s%s", rate, unit_text(pricer, rule, effect), scale);
		case ADJUST_AMOUNT_ON:
			return psprintf("%s on %s%s", rate, unit_text(pricer, rule, effect), scale);
		case ADJUST_LINE_AMOUNT_OFF:
			return psprintf("%s off the %s%s", rate, pricer->totals != NULL ? "order" : "line", scale);
		case ADJUST_FREE_UNITS:
			return psprintf("units free: %s", rate);
		case ADJUST_ADD_LINE:
			return psprintf("units given: %s", rate);
		case ADJUST_ROUND_TO:
			return psprintf("to a multiple of %s", rate);
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

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

void
trace_row(Pricer *pricer, Verdict verdict, const char *step, const Rule *rule,
		  const char *reason, const Effect *effect, Dec amount)
{
	TraceRow   *row = new_row(verdict, step, rule != NULL ? rule->id : 0, reason);

	if (effect != NULL)
	{
		row->has_base = effect->has_base;
		row->base = effect->base;
		row->fee = effect->fee;
	}
	row->amount = amount;
	pricer->trace->waterfall = lappend(pricer->trace->waterfall, row);
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
trace_lost(Pricer *pricer, int first, int end, const char *against)
{
	for (; first < end; end--)
	{
		TraceRow   *row = list_nth(pricer->trace->waterfall, first);

		pricer->trace->waterfall = list_delete_nth_cell(pricer->trace->waterfall, first);
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
			return psprintf("step %s", step_name(pricer, rule->base.number));
		case BASE_FACT:
			return pstrdup(fact_name(pricer, rule->base.number));
	}
	pg_unreachable();
}

char *
describe_rule(Pricer *pricer, const Rule *rule)
{
	static const char *const modes[] = {"", "volume", "graduated", "block", "package"};
	char	   *value = rule->scale_mode == SCALE_NONE ?
		dec_text(stored_dec(pricer->policy, &rule->value)) :
		psprintf("%s scale,", modes[rule->scale_mode]);
	char	   *base = base_text(pricer, rule);

	switch ((Adjust) rule->adjust)
	{
		case ADJUST_PRICE:
			return psprintf("%s price each", value);
		case ADJUST_PRICE_PERCENT:
			return psprintf("%s %% of %s", value, base);
		case ADJUST_MARGIN:
			return psprintf("%s %% margin over %s", value, base);
		case ADJUST_MARKUP:
			return psprintf("%s %% on top of %s", value, base);
		case ADJUST_PERCENT_OFF:
			return psprintf("%s %% of %s off", value, base);
		case ADJUST_PERCENT_ON:
			return psprintf("%s %% of %s on", value, base);
		case ADJUST_AMOUNT_OFF:
			return psprintf("%s off each", value);
		case ADJUST_AMOUNT_ON:
			return psprintf("%s on each", value);
		case ADJUST_LINE_AMOUNT_OFF:
			return psprintf("%s off the line", value);
	}
	pg_unreachable();
}

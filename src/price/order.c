/*
 * order.c
 *		quote_order and explain_order: all lines of an order, priced together.
 *
 * Lines go through the line steps side by side, step by step, so that scales
 * can measure them together; then each is settled and guarded; then the order
 * steps share what they take off. Here: the calls, and that order of things.
 */
#include "postgres.h"

#include "base/condition.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "price/explain.h"
#include "price/order.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(quote_order);
PG_FUNCTION_INFO_V1(quote_order_text);
PG_FUNCTION_INFO_V1(quote_order_records);
PG_FUNCTION_INFO_V1(explain_order);
PG_FUNCTION_INFO_V1(explain_order_text);
PG_FUNCTION_INFO_V1(explain_order_records);

/* ----- lines ----- */

OrderLine *
order_add_line(Order *order, Jsonb *facts, Numeric quantity)
{
	Pricer	   *header = order->header;
	Pricer	   *pricer = pricer_create(CurrentMemoryContext);
	OrderLine  *line;

	if (order->nlines == order->room)
	{
		order->room *= 2;
		order->lines = repalloc(order->lines, order->room * sizeof(OrderLine));
	}
	line = &order->lines[order->nlines++];
	memset(line, 0, sizeof(OrderLine));
	line->pricer = pricer;
	line->facts = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
													 JsonbPGetDatum(header->facts->json),
													 JsonbPGetDatum(facts)));
	pricer_use(pricer, header->policy, header->serial);
	if (tracing(header))
		pricer->trace = palloc0(sizeof(Trace));
	fact_reader_json(pricer->facts, line->facts);
	pricer->order = order;
	pricer->line = order->nlines - 1;
	line_start(pricer, quantity, header->as_of);
	if (strcmp(pricer->currency, header->currency) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("line %d is in another currency than the order", order->nlines),
				 errdetail("The order is in \"%s\", the line in \"%s\".",
						   header->currency, pricer->currency),
				 errhint("Give the fact currency in the header only.")));
	find_rules(pricer);
	return line;
}

void
order_run_lines(Order *order, int first)
{
	const Policy *policy = order->header->policy;
	int			step = 0;
	int			i;

	while (step < policy->nsteps)
	{
		int			next = step + 1;

		CHECK_FOR_INTERRUPTS();
		order->scales = NIL;
		for (i = first; i < order->nlines; i++)
		{
			order->lines[i].entry = order->lines[i].pricer->state;
			order->lines[i].entry_facts = NULL;
		}
		for (i = first; i < order->nlines; i++)
			next = run_from(order->lines[i].pricer, step, &order->lines[i].at, LEVEL_LINE);
		step = next;
	}
	for (i = first; i < order->nlines; i++)
		if (order->lines[i].pricer->state.has_running)
		{
			settle(order->lines[i].pricer);
			if (policy->has_guards)
				clamp_guards(order->lines[i].pricer);
		}
}

/* ----- the order ----- */

/* For bases of later steps. */
static void
note_lines_after(Order *order, int step)
{
	int			i;

	for (i = 0; i < order->nlines; i++)
	{
		Pricer	   *line = order->lines[i].pricer;

		line->has_after[step] = line->state.has_running;
		line->after[step] = line->state.running;
	}
}

static void
run_order_steps(Order *order)
{
	Pricer	   *header = order->header;
	int			step = 0;
	int			at = 0;
	int			i;

	/* the header is priced like a line that costs what the order costs */
	header->totals = &order->totals;
	header->units = header->quoted = dec_make(1, 0);
	header->state.has_running = header->state.has_list = true;
	header->state.running = header->state.list_amount = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		Pricer	   *line = order->lines[i].pricer;

		if (!line->state.has_running || line->negative || line->zero)
			continue;
		header->state.running = dec_add(header->state.running, line->state.running);
		header->state.list_amount = dec_add(header->state.list_amount, line->state.list_amount);
	}
	while (step < header->policy->nsteps)
	{
		int			next = run_from(header, step, &at, LEVEL_ORDER);

		for (; step < next; step++)
			if (POLICY_PART(header->policy, Step, steps)[step].level == LEVEL_ORDER)
				note_lines_after(order, step);
	}
	header->totals = NULL;
}

static bool
is_not_finite(const char *text, int len)
{
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
	int			i;

	for (i = 0; i < lengthof(words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return true;
	return false;
}

static void
price_order(Order *order, FunctionCallInfo fcinfo, FactSource source, Trace *trace)
{
	Jsonb	   *lines;
	Jsonb	   *header_facts;
	text	   *policy = PG_GETARG_TEXT_PP(2);
	TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(3);
	Pricer	   *header = pricer_create(CurrentMemoryContext);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;
	int			i;

	switch (source)
	{
		case FROM_RECORD:
			lines = fact_record_as_jsonb(header->facts, PG_GETARG_DATUM(0), RECORDARRAYOID);
			header_facts = fact_record_as_jsonb(header->facts, PG_GETARG_DATUM(1), RECORDOID);
			break;
		case FROM_TEXT:
			lines = fact_json_from_text(PG_GETARG_TEXT_PP(0));
			header_facts = fact_json_from_text(PG_GETARG_TEXT_PP(1));
			break;
		case FROM_JSONB:
		default:
			lines = PG_GETARG_JSONB_P(0);
			header_facts = PG_GETARG_JSONB_P(1);
			break;
	}
	if (!JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the lines of an order must be an array"),
				 errdetail("They are a JSON %s.", JB_ROOT_IS_SCALAR(lines) ? "value" : "object"),
				 errhint("Give a JSON array of objects, or an array of rows as array_agg makes it.")));
	memset(order, 0, sizeof(Order));
	order->header = header;
	order->room = 16;
	order->lines = palloc(order->room * sizeof(OrderLine));
	order->undistributed = DEC_ZERO;
	header->trace = trace;
	pricer_policy(header, VARDATA_ANY(policy), VARSIZE_ANY_EXHDR(policy), NULL);
	fact_reader_json(header->facts, header_facts);
	line_start(header, int64_to_numeric(1), as_of);
	if (trace != NULL)
		trace->waterfall = NIL;
	header->order = order;

	it = JsonbIteratorInit(&lines->root);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		Numeric		quantity = int64_to_numeric(1);
		JsonbValue	space;
		JsonbValue *qty;

		if (token != WJB_ELEM)
			continue;
		if (element.type != jbvBinary || !JsonContainerIsObject(element.val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("line %d of the order is not an object", order->nlines + 1),
					 errdetail("A line is what is known of it, named."),
					 errhint("Write each line as {\"sku\": \"A-100\", \"qty\": 3}.")));
		qty = getKeyJsonValueFromContainer(element.val.binary.data, "qty", 3, &space);
		if (qty != NULL && qty->type == jbvNumeric)
			quantity = qty->val.numeric;
		else if (qty != NULL && qty->type == jbvString &&
				 is_not_finite(qty->val.string.val, qty->val.string.len))
			/* what a numeric NaN of a row is in JSON */
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the qty of line %d must be a finite number", order->nlines + 1),
					 errdetail("It is %s.", pnstrdup(qty->val.string.val, qty->val.string.len)),
					 errhint("Give 0 for a unit price, or a negative quantity for a return.")));
		else if (qty != NULL && qty->type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("the qty of line %d is not a number", order->nlines + 1),
					 errdetail("Its type is a JSON %s.", JsonbTypeName(qty)),
					 errhint("Give an integer or a numeric.")));
		(void) order_add_line(order, JsonbValueToJsonb(&element), quantity);
	}
	order_run_lines(order, 0);
	if (header->policy->has_order)
	{
		find_rules(header);
		run_order_steps(order);
	}
	for (i = 0; i < order->nlines; i++)
	{
		Pricer	   *line = order->lines[i].pricer;

		if (!line->state.has_running)
			continue;

		/* what a line costs in the end is what has to be allowed */
		if (header->policy->has_guards && !order->lines[i].given)
			test_guards(line);
		if (trace != NULL && header->policy->has_statistical)
			run_statistical(line);
	}
}

/* ----- results ----- */

#define ORDER_COLUMNS (QUOTE_COLUMNS + 4)

static void
put_quote(ReturnSetInfo *rsinfo, Order *order, Pricer *pricer, const Quote *quote,
		  int line, const char *kind, Jsonb *facts)
{
	Datum		values[ORDER_COLUMNS];
	bool		nulls[ORDER_COLUMNS] = {false};
	int			i;

	nulls[0] = line == 0;
	values[0] = Int32GetDatum(line);
	values[1] = CStringGetTextDatum(kind);
	for (i = 0; i < QUOTE_COLUMNS; i++)
		values[2 + i] = quote_column(pricer, quote, (QuoteColumn) i, &nulls[2 + i]);
	nulls[2 + QUOTE_COLUMNS] = line != 0;
	if (line == 0)
		values[2 + QUOTE_COLUMNS] = NumericGetDatum(dec_to_numeric(&order->undistributed,
																   pricer->increment.scale));
	values[3 + QUOTE_COLUMNS] = JsonbPGetDatum(facts);
	if (line == 0)
	{
		/* prices per unit are a line's */
		nulls[2 + COLUMN_LIST_PRICE] = nulls[2 + COLUMN_NET_PRICE] = true;
	}
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* The order's own row: the sums of its lines, the worst of their statuses. */
static void
sum_up(Order *order, Quote *total, const Quote *quotes)
{
	int			i;

	total->status = QUOTE_OK;
	total->net_price = DEC_ZERO;
	total->list_amount = total->net_amount = DEC_ZERO;
	for (i = 0; i < order->nlines; i++)
	{
		total->status = Max(total->status, quotes[i].status);
		if (quotes[i].status == QUOTE_NO_PRICE)
			continue;
		total->list_amount = dec_add(total->list_amount, quotes[i].list_amount);
		total->net_amount = dec_add(total->net_amount, quotes[i].net_amount);
	}
	total->list = total->list_amount;
	total->net = total->net_amount;
}

static Datum
quote_lines(FunctionCallInfo fcinfo, FactSource source)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Order		order;
	Quote	   *quotes;
	Quote		total;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	price_order(&order, fcinfo, source, NULL);
	quotes = palloc((order.nlines + 1) * sizeof(Quote));
	for (i = 0; i < order.nlines; i++)
	{
		OrderLine  *line = &order.lines[i];

		pricer_result(line->pricer, &quotes[i]);
		put_quote(rsinfo, &order, line->pricer, &quotes[i], i + 1,
				  line->given ? "gift" : "line", line->facts);
	}
	sum_up(&order, &total, quotes);
	put_quote(rsinfo, &order, order.header, &total, 0, "order", order.header->facts->json);
	return (Datum) 0;
}

/* ----- explanations ----- */

/* A fact in words; NULL if it is not there. */
static char *
fact_words(Jsonb *facts, const char *name)
{
	JsonbValue	space;
	JsonbValue *value = getKeyJsonValueFromContainer(&facts->root, name, strlen(name), &space);

	if (value == NULL || value->type == jbvNull)
		return NULL;
	return TextDatumGetCString(DirectFunctionCall2(jsonb_object_field_text, JsonbPGetDatum(facts),
												   CStringGetTextDatum(name)));
}

/* Of the facts that tell lines apart, those that are the line's own. */
static void
append_own_fact(StringInfo title, const Order *order, const OrderLine *line, const char *name)
{
	char	   *words = fact_words(line->facts, name);
	char	   *of_all = fact_words(order->header->facts->json, name);

	if (words != NULL && (of_all == NULL || strcmp(words, of_all) != 0))
		appendStringInfo(title, ", %s %s", name, words);
}

/* "line 1: quantity 3 box, sku mug" */
static char *
line_title(const Order *order, int i)
{
	const OrderLine *line = &order->lines[i];
	const Pricer *pricer = line->pricer;
	Dec			quantity = pricer->zero ? DEC_ZERO : pricer->quoted;
	char	   *unit = fact_words(line->facts, "uom");
	StringInfoData title;
	int			dim;

	initStringInfo(&title);
	appendStringInfo(&title, "line %d%s: quantity %s", i + 1, line->given ? ", gift" : "",
					 dec_text(pricer->negative ? dec_neg(quantity) : quantity));
	if (unit != NULL)
		appendStringInfo(&title, " %s", unit);
	append_own_fact(&title, order, line, "sku");
	for (dim = 0; dim < pricer->policy->ndims; dim++)
		if (strcmp(fact_name(pricer, dim), "sku") != 0)
			append_own_fact(&title, order, line, fact_name(pricer, dim));
	return title.data;
}

static Datum
explain_lines(FunctionCallInfo fcinfo, FactSource source)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		as_text = wants_text(PG_GETARG_TEXT_PP(4));
	Order		order;
	Trace		trace = {NIL, NIL};
	Quote	   *quotes;
	Quote		total;
	Told	   *told;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	price_order(&order, fcinfo, source, &trace);
	quotes = palloc((order.nlines + 1) * sizeof(Quote));
	told = palloc((order.nlines + 1) * sizeof(Told));
	for (i = 0; i < order.nlines; i++)
	{
		Pricer	   *line = order.lines[i].pricer;

		pricer_result(line, &quotes[i]);
		told[i] = (Told) {line, line->trace, &quotes[i], i + 1, as_text ? line_title(&order, i) : NULL};
	}

	/* what order rules took stands at the lines; here, why others took nothing */
	trace.waterfall = NIL;
	sum_up(&order, &total, quotes);
	told[i] = (Told) {order.header, &trace, &total, WHOLE_ORDER, "order"};
	if (as_text)
		put_text(rsinfo, told, order.nlines + 1);
	else
		for (i = 0; i <= order.nlines; i++)
			put_trace(rsinfo, told[i].pricer, told[i].trace, told[i].line);
	return (Datum) 0;
}

Datum
quote_order(PG_FUNCTION_ARGS)
{
	return quote_lines(fcinfo, FROM_JSONB);
}

Datum
quote_order_text(PG_FUNCTION_ARGS)
{
	return quote_lines(fcinfo, FROM_TEXT);
}

Datum
quote_order_records(PG_FUNCTION_ARGS)
{
	return quote_lines(fcinfo, FROM_RECORD);
}

Datum
explain_order(PG_FUNCTION_ARGS)
{
	return explain_lines(fcinfo, FROM_JSONB);
}

Datum
explain_order_text(PG_FUNCTION_ARGS)
{
	return explain_lines(fcinfo, FROM_TEXT);
}

Datum
explain_order_records(PG_FUNCTION_ARGS)
{
	return explain_lines(fcinfo, FROM_RECORD);
}

/*
 * price_row.c
 *		The trigger price_row(): a row gets its price on the way in.
 *
 * mode=fill sets the columns that hold the price; mode=verify refuses a row
 * whose columns say something else. Either way a price that the client sent is
 * never a fact, so it cannot lead to itself. The quote sees what the statement
 * sees: one rule book for all rows of an INSERT ... SELECT. Not here: what the
 * trigger's arguments mean (price_row_setup.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "price/price_row.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(price_row);

static void
tell_where(void *arg)
{
	RowPricing *site = arg;

	if (site->doing != NULL)
		errcontext("trigger \"%s\", pricing a row of \"%s\", column \"%s\"",
				   site->trigger, site->table, site->doing);
	else
		errcontext("trigger \"%s\", pricing a row of \"%s\"", site->trigger, site->table);
}

static void
refuse_null(const char *what, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s of a row to be priced is null", what),
			 errhint("%s", hint)));
}

/* ----- what the row asks for ----- */

/* Is there anything in the new row that the old one did not have? */
static bool
row_changed(RowPricing *site, HeapTuple old, TupleDesc tupdesc)
{
	int			i;

	heap_deform_tuple(old, tupdesc, site->old_values, site->old_nulls);
	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!site->is_input[i])
			continue;
		if (site->nulls[i] != site->old_nulls[i])
			return true;
		if (!site->nulls[i] &&
			!datum_image_eq(site->values[i], site->old_values[i], attr->attbyval, attr->attlen))
			return true;
	}
	return false;
}

static Numeric
row_quantity(const RowPricing *site)
{
	Datum		value;

	if (site->quantity == NO_COLUMN)
		return int64_to_numeric(1);
	if (site->nulls[site->quantity])
		refuse_null("the quantity", "Give a quantity, or let the column have a default.");
	value = site->values[site->quantity];
	switch (site->quantity_type)
	{
		case INT2OID:
			return int64_to_numeric(DatumGetInt16(value));
		case INT4OID:
			return int64_to_numeric(DatumGetInt32(value));
		case INT8OID:
			return int64_to_numeric(DatumGetInt64(value));
		default:
			return DatumGetNumericPacked(value);
	}
}

/* Dates and local times are taken as a cast to timestamptz takes them. */
static TimestampTz
row_as_of(const RowPricing *site)
{
	Datum		value;

	if (site->as_of == NO_COLUMN)
		return GetCurrentTransactionStartTimestamp();
	if (site->nulls[site->as_of])
		refuse_null("the time", "Give the time the price is of, or let the column have a default such as now().");
	value = site->values[site->as_of];
	switch (site->as_of_type)
	{
		case DATEOID:
			return DatumGetTimestampTz(DirectFunctionCall1(date_timestamptz, value));
		case TIMESTAMPOID:
			return DatumGetTimestampTz(DirectFunctionCall1(timestamp_timestamptz, value));
		default:
			return DatumGetTimestampTz(value);
	}
}

/* What the user's function makes of the row. */
static Datum
call_fact_function(RowPricing *site, TupleDesc tupdesc)
{
	LOCAL_FCINFO(call, 1);
	HeapTuple	tuple;
	Datum		result;

	if (site->facts.map != NULL)
		tuple = execute_attr_map_tuple(heap_form_tuple(tupdesc, site->values, site->nulls),
									   site->facts.map);
	else
		tuple = heap_form_tuple(site->facts.row != NULL ? site->facts.row : tupdesc,
								site->values, site->nulls);
	InitFunctionCallInfoData(*call, &site->facts.call, 1, InvalidOid, NULL, NULL);
	call->args[0].value = HeapTupleGetDatum(tuple);
	call->args[0].isnull = false;
	result = FunctionCallInvoke(call);
	if (call->isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("function %s returned no facts", format_procedure(site->facts.oid)),
				 errdetail("It returned null for a row of table \"%s\".", site->table),
				 errhint("Let it return a row for every row of the table, with nulls for what is not known.")));
	return result;
}

/* A policy that asks for a generated column would silently find it empty. */
static void
check_generated(RowPricing *site, TupleDesc tupdesc)
{
	FactReader *reader = site->pricer->facts;
	int			fact;

	for (fact = 0; fact < reader->nfacts; fact++)
	{
		int			column = reader->column_of_fact[fact];

		if (column >= 0 && TupleDescAttr(tupdesc, column)->attgenerated)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("fact \"%s\" is a generated column", reader->names[fact]),
					 errdetail("Generated columns are computed after BEFORE triggers have run."),
					 errhint("Compute it in a function and name that in the trigger: facts=FUNCTION.")));
	}
	site->checked_serial = site->pricer->serial;
}

static void
quote_row(RowPricing *site, TupleDesc tupdesc, Quote *quote)
{
	Pricer	   *pricer = site->pricer;
	Datum		facts = (Datum) 0;
	const char *policy = site->policy;
	int			policy_len;
	int			i;

	for (i = 0; i < tupdesc->natts; i++)
		if (site->is_hidden[i])
			site->nulls[i] = true;
	if (site->policy_column == NO_COLUMN)
		policy_len = strlen(policy);
	else
	{
		text	   *name;

		if (site->nulls[site->policy_column])
			refuse_null("the policy", "Name a policy, or let the column have a default.");
		name = DatumGetTextPP(site->values[site->policy_column]);
		policy = VARDATA_ANY(name);
		policy_len = VARSIZE_ANY_EXHDR(name);
	}

	/* the function may quote too, so the policy is taken after it */
	if (OidIsValid(site->facts.oid))
		facts = call_fact_function(site, tupdesc);
	pricer_policy(pricer, policy, policy_len, NULL);
	if (!OidIsValid(site->facts.oid))
	{
		/* the reader meets rows of this table only, so any name will do */
		fact_reader_values(pricer->facts, tupdesc, 1, site->values, site->nulls);
		if (unlikely(site->checked_serial != pricer->serial))
			check_generated(site, tupdesc);
	}
	else if (site->facts.gives_json)
		fact_reader_json(pricer->facts, DatumGetJsonbP(facts));
	else
		fact_reader_record(pricer->facts, DatumGetHeapTupleHeader(facts));
	pricer_quote(pricer, row_quantity(site), row_as_of(site), quote);
}

/* ----- what the row gets ----- */

static void
refuse_inexact(const PriceTarget *target, const RowPricing *site, Numeric quoted)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("column \"%s\" cannot hold %s exactly", site->doing, quote_column_names[target->quoted]),
			 errdetail("The quote says %s, the column's type is %s.", numeric_normalize(quoted),
					   format_type_with_typemod(target->base, target->typmod)),
			 errhint("Make the column numeric, or let the policy round to what it can hold (round_target, round_increment).")));
}

/*
 * A number as the target's column holds it. Prices and amounts are never
 * rounded; the discount in percent is rounded by nature.
 */
static Datum
fit_number(const PriceTarget *target, const RowPricing *site, Datum quoted)
{
	Datum		value = quoted;
	Datum		back = quoted;

	switch (target->base)
	{
		case INT2OID:
			value = DirectFunctionCall1(numeric_int2, quoted);
			back = DirectFunctionCall1(int2_numeric, value);
			break;
		case INT4OID:
			value = DirectFunctionCall1(numeric_int4, quoted);
			back = DirectFunctionCall1(int4_numeric, value);
			break;
		case INT8OID:
			value = DirectFunctionCall1(numeric_int8, quoted);
			back = DirectFunctionCall1(int8_numeric, value);
			break;
		default:
			if (target->typmod >= 0)
				value = back = DirectFunctionCall2(numeric, quoted, Int32GetDatum(target->typmod));
			break;
	}
	if (back != quoted && target->quoted != COLUMN_DISCOUNT_PCT &&
		!DatumGetBool(DirectFunctionCall2(numeric_eq, back, quoted)))
		refuse_inexact(target, site, DatumGetNumeric(quoted));
	return value;
}

/* A column of the quote as the target's column holds it. */
static Datum
fit(PriceTarget *target, const RowPricing *site, Datum quoted, bool isnull)
{
	Datum		value = quoted;

	if (!isnull)
		switch (target->quoted)
		{
			case COLUMN_LIST_PRICE:
			case COLUMN_LIST_AMOUNT:
			case COLUMN_NET_PRICE:
			case COLUMN_NET_AMOUNT:
			case COLUMN_DISCOUNT_PCT:
				value = fit_number(target, site, quoted);
				break;
			case COLUMN_CURRENCY:
			case COLUMN_STATUS:
			case COLUMN_VERSION:
				if (target->base != TEXTOID)
					value = InputFunctionCall(&target->input, TextDatumGetCString(quoted),
											  target->input_param, target->typmod);
				break;
			case COLUMN_RULES:
				break;
		}
	if (target->type != target->base)
		domain_check(value, isnull, target->type, &target->domain, site->context);
	return value;
}

static char *
value_text(const PriceTarget *target, Datum value, bool isnull)
{
	Oid			output;
	bool		varlena;

	if (isnull)
		return pstrdup("null");
	getTypeOutputInfo(target->base, &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

/* "column "net_amount": given 100.00, quoted 108.00, that is 8.00 too low" */
static void
describe_difference(StringInfo text, const PriceTarget *target, const RowPricing *site,
					Datum given, bool given_null, Datum quoted, bool quoted_null, Datum exact)
{
	appendStringInfo(text, "%s\"%s\": given %s, quoted %s", text->len == 0 ? "Column " : "; column ",
					 site->doing, value_text(target, given, given_null),
					 value_text(target, quoted, quoted_null));
	if (!given_null && !quoted_null && target->quoted <= COLUMN_DISCOUNT_PCT)
	{
		Datum		number = given;
		Numeric		difference;
		Dec			d;

		if (target->base != NUMERICOID)
			number = NumericGetDatum(int64_to_numeric(target->base == INT2OID ? DatumGetInt16(given) :
													  target->base == INT4OID ? DatumGetInt32(given) :
													  DatumGetInt64(given)));
		difference = DatumGetNumeric(DirectFunctionCall2(numeric_sub, number, exact));
		if (dec_from_numeric(difference, &d))
			appendStringInfo(text, ", %s too %s",
							 DatumGetCString(DirectFunctionCall1(numeric_out,
																 DirectFunctionCall1(numeric_abs,
																					 NumericGetDatum(difference)))),
							 dec_sign(d) < 0 ? "low" : "high");
	}
}

/*
 * A row without a price, or with one that must not be sold at, does not come in
 * as if nothing were wrong. Which bound was met is not told.
 */
static void
refuse_status(const RowPricing *site, Relation rel, QuoteStatus status)
{
	static const char *const what[] = {
		[QUOTE_NEEDS_APPROVAL] = "a price that needs approval",
		[QUOTE_BLOCKED] = "a price that a guard blocks",
		[QUOTE_NO_PRICE] = "no price",
	};

	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("a row of \"%s\" has %s", site->table, what[status]),
			 status != QUOTE_NO_PRICE ? 0 :
			 errdetail("No rule of the policy sets one for these facts, and they have no list_price."),
			 errhint("Change the rules, or let the trigger name a column for the status (status=COLUMN): "
					 "then the row comes in and says so."),
			 errtable(rel)));
}

/*
 * Fills in or verifies the targets. Coercions may run code of the user's, which
 * may quote in turn, so everything is taken from the quote before the first.
 */
static void
settle_targets(RowPricing *site, Relation rel, const Quote *quote,
			   const Datum *given, const bool *given_null)
{
	Datum		quoted[QUOTE_COLUMNS];
	bool		quoted_null[QUOTE_COLUMNS];
	StringInfoData differences;
	int			first_different = NO_COLUMN;
	int			i;

	if (quote->status != QUOTE_OK && !site->has_status)
		refuse_status(site, rel, quote->status);
	if (site->verify)
		initStringInfo(&differences);
	for (i = 0; i < site->ntargets; i++)
		quoted[i] = quote_column(site->pricer, quote, site->targets[i].quoted, &quoted_null[i]);

	for (i = 0; i < site->ntargets; i++)
	{
		PriceTarget *target = &site->targets[i];
		int			column = target->column;
		Datum		value;

		site->doing = NameStr(TupleDescAttr(RelationGetDescr(rel), column)->attname);
		value = fit(target, site, quoted[i], quoted_null[i]);
		if (site->verify)
		{
			bool		same = given_null[i] == quoted_null[i] &&
				(given_null[i] ||
				 DatumGetBool(FunctionCall2Coll(&target->equal, target->collation, given[i], value)));

			if (!same)
			{
				describe_difference(&differences, target, site, given[i], given_null[i],
									value, quoted_null[i], quoted[i]);
				if (first_different == NO_COLUMN)
					first_different = column;
			}
		}
		else
		{
			site->values[column] = value;
			site->nulls[column] = quoted_null[i];
		}
	}
	site->doing = NULL;
	if (first_different != NO_COLUMN)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the price of a row of \"%s\" is not its quote", site->table),
				 errdetail("%s.", differences.data),
				 errhint("Quote again, and send what the quote says; quotetier.explain_quote tells how it comes about."),
				 errtablecol(rel, first_different + 1)));
}

static HeapTuple
price(RowPricing *site, TriggerData *trigdata)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	HeapTuple	row = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	Datum		given[QUOTE_COLUMNS];
	bool		given_null[QUOTE_COLUMNS];
	Quote		quote;
	int			i;

	heap_deform_tuple(row, tupdesc, site->values, site->nulls);
	if (update && !row_changed(site, trigdata->tg_trigtuple, tupdesc))
		return row;
	for (i = 0; i < site->ntargets; i++)
	{
		given[i] = site->values[site->targets[i].column];
		given_null[i] = site->nulls[site->targets[i].column];
	}
	quote_row(site, tupdesc, &quote);
	settle_targets(site, trigdata->tg_relation, &quote, given, given_null);
	return site->verify ? row : heap_form_tuple(tupdesc, site->values, site->nulls);
}

/*
 * price_row('name=value', ...)
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW. See doc/price_row.md.
 */
Datum
price_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	RowPricing *site = fcinfo->flinfo->fn_extra;
	ErrorContextCallback where;
	HeapTuple	result;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("price_row() was not called as a trigger"),
				 errhint("CREATE TRIGGER ... BEFORE INSERT OR UPDATE ON ... FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(...);")));
	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) || TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" must be BEFORE INSERT OR UPDATE and FOR EACH ROW",
						trigdata->tg_trigger->tgname),
				 errhint("CREATE TRIGGER ... BEFORE INSERT OR UPDATE ON ... FOR EACH ROW EXECUTE FUNCTION quotetier.price_row(...);")));

	if (unlikely(site == NULL))
		fcinfo->flinfo->fn_extra = site =
			row_pricing_create(trigdata->tg_trigger, trigdata->tg_relation, fcinfo->flinfo->fn_mcxt);
	site->doing = NULL;
	where.callback = tell_where;
	where.arg = site;
	where.previous = error_context_stack;
	error_context_stack = &where;
	result = price(site, trigdata);
	error_context_stack = where.previous;
	return PointerGetDatum(result);
}

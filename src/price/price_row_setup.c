/*
 * price_row_setup.c
 *		From the arguments of a price_row() trigger to what it does with a row.
 *
 * Done once a statement and table, so that a partition with another order of
 * columns is understood by name, and kept cheap, because a statement may be one
 * row long. Arguments are checked here and not when the trigger is created:
 * PostgreSQL does not ask a trigger function then. Not here: pricing a row
 * (price_row.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "price/price_row.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

const char *const quote_column_names[QUOTE_COLUMNS] = {
	"list_price", "list_amount", "net_price", "net_amount", "discount_pct",
	"currency", "status", "rules", "version"
};

static const char *const argument_hint =
"Arguments are texts 'name=value': quantity=COLUMN, as_of=COLUMN, input=COLUMN, facts=FUNCTION, "
"policy=NAME, policy_column=COLUMN, mode=fill or verify, and one or more of list_price, list_amount, "
"net_price, net_amount, discount_pct, currency, status, rules, version, each =COLUMN.";

static void
refuse_argument(const char *argument, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("trigger argument \"%s\" %s", argument, why),
			 errhint("%s", argument_hint)));
}

static char *
trimmed(const char *from, const char *to)
{
	while (from < to && scanner_isspace(*from))
		from++;
	while (to > from && scanner_isspace(to[-1]))
		to--;
	return pnstrdup(from, to - from);
}

/* ----- columns ----- */

static Form_pg_attribute
column_named(Relation rel, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	int			i;

	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (!attr->attisdropped && strcmp(NameStr(attr->attname), name) == 0)
			return attr;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("table \"%s\" has no column \"%s\", which its trigger names",
					RelationGetRelationName(rel), name),
			 errhint("Write the column as it is stored: in lower case, unless it was created in double quotes.")));
}

static void
refuse_type(Form_pg_attribute attr, const char *purpose, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" cannot %s", NameStr(attr->attname), purpose),
			 errdetail("Its type is %s.", format_type_with_typemod(attr->atttypid, attr->atttypmod)),
			 errhint("%s", hint)));
}

static void
refuse_generated(Form_pg_attribute attr, const char *purpose)
{
	if (attr->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" cannot %s", NameStr(attr->attname), purpose),
				 errdetail("It is a generated column, and those are computed after BEFORE triggers have run."),
				 errhint("Name a column that it is generated from.")));
}

/* A column that is read; *type is the base type, one of the n given. */
static int
source_column(Relation rel, const char *name, const char *purpose, const char *hint,
			  const Oid *types, int n, Oid *type)
{
	Form_pg_attribute attr = column_named(rel, name);
	int			i;

	refuse_generated(attr, purpose);
	*type = getBaseType(attr->atttypid);
	for (i = 0; i < n; i++)
		if (*type == types[i])
			return attr->attnum - 1;
	refuse_type(attr, purpose, hint);
	pg_unreachable();
}

static void
add_target(RowPricing *site, Relation rel, QuoteColumn quoted, const char *argument, const char *name)
{
	Form_pg_attribute attr = column_named(rel, name);
	PriceTarget *target = &site->targets[site->ntargets];
	char		category;
	bool		preferred;
	int			i;

	for (i = 0; i < site->ntargets; i++)
		if (site->targets[i].column == attr->attnum - 1)
			refuse_argument(argument, "names a column that already holds something else of the quote");
	if (attr->attgenerated)
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"%s\" cannot hold %s of a quote", name, quote_column_names[quoted]),
				 errdetail("It is a generated column."),
				 errhint("Name an ordinary column.")));

	target->quoted = quoted;
	target->column = attr->attnum - 1;
	target->type = attr->atttypid;
	target->typmod = attr->atttypmod;
	target->base = getBaseTypeAndTypmod(attr->atttypid, &target->typmod);
	target->collation = attr->attcollation;
	switch (quoted)
	{
		case COLUMN_LIST_PRICE:
		case COLUMN_LIST_AMOUNT:
		case COLUMN_NET_PRICE:
		case COLUMN_NET_AMOUNT:
		case COLUMN_DISCOUNT_PCT:
			if (target->base != NUMERICOID && target->base != INT2OID &&
				target->base != INT4OID && target->base != INT8OID)
				refuse_type(attr, "hold a number of a quote", "Make it numeric: money is exact.");
			break;
		case COLUMN_CURRENCY:
		case COLUMN_STATUS:
		case COLUMN_VERSION:
			get_type_category_preferred(target->base, &category, &preferred);
			if (category != TYPCATEGORY_STRING && category != TYPCATEGORY_ENUM)
				refuse_type(attr, "hold a text of a quote", "Make it text.");
			if (target->base != TEXTOID)
			{
				Oid			input;

				getTypeInputInfo(target->base, &input, &target->input_param);
				fmgr_info_cxt(input, &target->input, site->context);
			}
			break;
		case COLUMN_RULES:
			if (target->base != INT8ARRAYOID)
				refuse_type(attr, "hold the rules of a quote", "Make it bigint[].");
			break;
	}
	site->has_status |= quoted == COLUMN_STATUS;
	site->ntargets++;
}

/* ----- the facts function ----- */

/* The trigger of the partitioned table that this one was cloned from, and its table. */
static Oid
original_table(Trigger *trigger, Oid relid)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid			oid = trigger->tgoid;

	while (OidIsValid(oid))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
		scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		oid = InvalidOid;
		if (HeapTupleIsValid(tuple))
		{
			relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
			oid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
		}
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return relid;
}

/*
 * Finds the function for rows of this type: one that takes the row type itself,
 * else the nearest one it inherits from, else any record. A name without a
 * schema is looked for in the schema of the table that the trigger was created
 * on, never in the caller's search_path: who inserts must not choose it.
 */
static void
find_fact_function(RowPricing *site, Trigger *trigger, Relation rel, const char *name)
{
	FactFunction *facts = &site->facts;
	List	   *names = qualified_name_list(name);
	Oid			row_type = rel->rd_rel->reltype;
	Oid			takes = InvalidOid;
	FuncCandidateList candidate;
	Oid			gives;

	if (list_length(names) == 1)
	{
		Oid			table = trigger->tgisclone ? original_table(trigger, RelationGetRelid(rel)) :
			RelationGetRelid(rel);

		names = lcons(makeString(get_namespace_name(get_rel_namespace(table))), names);
	}
	for (candidate = FuncnameGetCandidates(names, 1, NIL, false, false, false, true);
		 candidate != NULL; candidate = candidate->next)
	{
		Oid			type = candidate->args[0];

		if (type != row_type && type != RECORDOID && !typeInheritsFrom(row_type, type))
			continue;
		if (takes == InvalidOid || type == row_type || takes == RECORDOID ||
			(takes != row_type && type != RECORDOID && typeInheritsFrom(type, takes)))
		{
			takes = type;
			facts->oid = candidate->oid;
		}
	}
	if (takes == InvalidOid)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s(%s) does not exist", NameListToString(names), format_type_be(row_type)),
				 errhint("facts=FUNCTION names a function with one argument, the table's row type or record. "
						 "Without a schema it is looked for in the table's schema.")));
	if (pg_proc_aclcheck(facts->oid, GetUserId(), ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, NameListToString(names));

	gives = getBaseType(get_func_rettype(facts->oid));
	facts->gives_json = gives == JSONBOID;
	if (get_func_prokind(facts->oid) != PROKIND_FUNCTION || get_func_retset(facts->oid) ||
		(!facts->gives_json && !type_is_rowtype(gives)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("function %s does not return facts", NameListToString(names)),
				 errdetail("It returns %s%s.", get_func_retset(facts->oid) ? "a set of " : "",
						   format_type_be(gives)),
				 errhint("Let it return one row (a row type, record, or OUT parameters) or jsonb.")));

	fmgr_info_cxt(facts->oid, &facts->call, site->context);
	if (takes != row_type && takes != RECORDOID)
	{
		facts->row = lookup_rowtype_tupdesc_copy(takes, -1);
		facts->map = convert_tuples_by_name(RelationGetDescr(rel), facts->row);
	}
}

/* ----- the arguments ----- */

typedef struct Arguments
{
	const char *quantity;
	const char *as_of;
	const char *facts;
	const char *policy;
	const char *policy_column;
	const char *mode;
} Arguments;

static void
take_once(const char **place, const char *argument, const char *value)
{
	if (*place != NULL)
		refuse_argument(argument, "is given twice");
	*place = value;
}

/* Reads one argument; targets and inputs are entered at once. */
static void
read_argument(RowPricing *site, Relation rel, Arguments *given, const char *argument)
{
	const char *equals = strchr(argument, '=');
	const char *name;
	const char *value;
	int			i;
	int			t;

	if (equals == NULL)
		refuse_argument(argument, "has no \"=\"");
	name = trimmed(argument, equals);
	value = trimmed(equals + 1, argument + strlen(argument));
	if (*value == '\0')
		refuse_argument(argument, "has no value");

	if (strcmp(name, "quantity") == 0)
		take_once(&given->quantity, argument, value);
	else if (strcmp(name, "as_of") == 0)
		take_once(&given->as_of, argument, value);
	else if (strcmp(name, "facts") == 0)
		take_once(&given->facts, argument, value);
	else if (strcmp(name, "policy") == 0)
		take_once(&given->policy, argument, value);
	else if (strcmp(name, "policy_column") == 0)
		take_once(&given->policy_column, argument, value);
	else if (strcmp(name, "mode") == 0)
		take_once(&given->mode, argument, value);
	else if (strcmp(name, "input") == 0)
	{
		Form_pg_attribute attr = column_named(rel, value);

		refuse_generated(attr, "be an input");
		site->is_input[attr->attnum - 1] = true;
	}
	else
	{
		for (i = 0; i < QUOTE_COLUMNS; i++)
			if (strcmp(name, quote_column_names[i]) == 0)
				break;
		if (i == QUOTE_COLUMNS)
			refuse_argument(argument, "is not known");
		for (t = 0; t < site->ntargets; t++)
			if (site->targets[t].quoted == (QuoteColumn) i)
				refuse_argument(argument, "is given twice");
		add_target(site, rel, (QuoteColumn) i, argument, value);
	}
}

static void
set_sources(RowPricing *site, Relation rel, const Arguments *given)
{
	static const Oid numbers[] = {NUMERICOID, INT4OID, INT8OID, INT2OID};
	static const Oid times[] = {TIMESTAMPTZOID, DATEOID, TIMESTAMPOID};
	static const Oid texts[] = {TEXTOID, VARCHAROID};
	Oid			ignored;

	site->quantity = site->as_of = site->policy_column = NO_COLUMN;
	if (given->quantity != NULL)
		site->quantity = source_column(rel, given->quantity, "be a quantity",
									   "Name a column of type numeric, or an integer.",
									   numbers, lengthof(numbers), &site->quantity_type);
	if (given->as_of != NULL)
		site->as_of = source_column(rel, given->as_of, "say when",
									"Name a column of type timestamptz, timestamp or date.",
									times, lengthof(times), &site->as_of_type);
	if (given->policy_column != NULL)
		site->policy_column = source_column(rel, given->policy_column, "name a policy",
											"Name a column of type text.",
											texts, lengthof(texts), &ignored);
	if (given->policy != NULL && given->policy_column != NULL)
		refuse_argument("policy_column", "contradicts policy: give one of them");
	site->policy = given->policy != NULL ? given->policy : "default";

	if (given->mode == NULL || strcmp(given->mode, "fill") == 0)
		site->verify = false;
	else if (strcmp(given->mode, "verify") == 0)
		site->verify = true;
	else
		refuse_argument(psprintf("mode=%s", given->mode), "is neither mode=fill nor mode=verify");
}

/* Which columns count as inputs, and which are kept from the facts. */
static void
set_roles(RowPricing *site, Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	bool		all_inputs = true;
	int			sources[] = {site->quantity, site->as_of, site->policy_column};
	int			i;

	for (i = 0; i < tupdesc->natts; i++)
		all_inputs &= !site->is_input[i];
	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		site->is_hidden[i] = attr->attgenerated != '\0';
		site->is_input[i] = (site->is_input[i] || all_inputs) && !attr->attisdropped && !attr->attgenerated;
	}
	for (i = 0; i < lengthof(sources); i++)
		if (sources[i] != NO_COLUMN)
			site->is_input[sources[i]] = true;
	for (i = 0; i < site->ntargets; i++)
	{
		int			column = site->targets[i].column;
		int			s;

		for (s = 0; s < lengthof(sources); s++)
			if (sources[s] == column)
				refuse_argument(quote_column_names[site->targets[i].quoted],
								"names a column that the price depends on");

		/* a price that was given is compared, and never a fact */
		site->is_input[column] = true;
		site->is_hidden[column] = true;
	}
}

RowPricing *
row_pricing_create(Trigger *trigger, Relation rel, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	RowPricing *site = palloc0(sizeof(RowPricing));
	int			natts = RelationGetNumberOfAttributes(rel);
	Arguments	given = {NULL};
	int			i;

	site->context = context;
	site->table = RelationGetRelationName(rel);
	site->trigger = trigger->tgname;
	site->is_input = palloc0(2 * natts * sizeof(bool));
	site->is_hidden = site->is_input + natts;
	site->values = palloc(2 * natts * sizeof(Datum));
	site->old_values = site->values + natts;
	site->nulls = palloc(2 * natts * sizeof(bool));
	site->old_nulls = site->nulls + natts;

	for (i = 0; i < trigger->tgnargs; i++)
		read_argument(site, rel, &given, trigger->tgargs[i]);
	if (site->ntargets == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trigger \"%s\" names no column for the price", trigger->tgname),
				 errhint("%s", argument_hint)));
	set_sources(site, rel, &given);
	set_roles(site, rel);
	for (i = 0; i < site->ntargets && site->verify; i++)
	{
		PriceTarget *target = &site->targets[i];
		TypeCacheEntry *type = lookup_type_cache(target->base, TYPECACHE_EQ_OPR_FINFO);

		if (!OidIsValid(type->eq_opr_finfo.fn_oid))
			elog(ERROR, "type %u has no equality", target->base);
		fmgr_info_copy(&target->equal, &type->eq_opr_finfo, context);
	}
	if (given.facts != NULL)
		find_fact_function(site, trigger, rel, given.facts);
	site->pricer = pricer_create(context);
	MemoryContextSwitchTo(caller);
	return site;
}

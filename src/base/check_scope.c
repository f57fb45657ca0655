/*
 * check_scope.c
 *		What is refused in the scope and the condition of a rule, of whatever topic.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/check.h"
#include "base/condition.h"
#include "base/fact.h"
#include "base/scope.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* Entries that a rule's lists may expand to in the matcher. */
#define MAX_COMBINATIONS 1000000

/* For a duplicate's sake: the labels of one list. */
static int
compare_labels(const void *left, const void *right)
{
	const FactLabel *a = left;
	const FactLabel *b = right;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->text, b->text, a->len);
}

static FactLabel
scope_label(const char *whose, const char *dimension, const JsonbValue *value)
{
	FactLabel	label;
	int			dots = 0;
	int			i;

	if (value->type == jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s value for \"%s\" is null", whose, dimension),
				 errdetail("A missing fact never matches a rule that asks for it."),
				 errhint("To match any value leave the dimension out.")));
	if (!fact_json_label(value, &label))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s value for \"%s\" is neither a value nor a list of values", whose, dimension),
				 errdetail("A list cannot hold lists or objects."),
				 errhint("Write {\"%s\": \"a\"} or {\"%s\": [\"a\", \"b\"]}.", dimension, dimension)));

	for (i = 0; i < label.len; i++)
		dots += label.text[i] == '.';
	if (dots >= SCOPE_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s value for \"%s\" has too many parts", whose, dimension),
				 errdetail("It has %d, joined by dots; there can be %d.", dots + 1, SCOPE_MAX_DEPTH),
				 errhint("Use a shorter path.")));

	/* a number's text may live where the next one's will */
	label.text = pnstrdup(label.text, label.len);
	return label;
}

static void
check_scope_list(const char *whose, const char *dimension, JsonbContainer *list, double *combinations)
{
	uint32		n = JsonContainerSize(list);
	FactLabel  *labels = palloc((n + 1) * sizeof(FactLabel));
	JsonbIterator *it = JsonbIteratorInit(list);
	JsonbIteratorToken token;
	JsonbValue	element;
	uint32		count = 0;
	uint32		i;

	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			labels[count++] = scope_label(whose, dimension, &element);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s list for \"%s\" is empty", whose, dimension),
				 errdetail("No fact is in an empty list, so the rule would never apply."),
				 errhint("To match any value leave the dimension out.")));
	qsort(labels, count, sizeof(FactLabel), compare_labels);
	for (i = 1; i < count; i++)
		if (compare_labels(&labels[i - 1], &labels[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s list for \"%s\" has \"%s\" twice", whose, dimension, labels[i].text),
					 errdetail("Values are compared as text, numbers without trailing zeros."),
					 errhint("Write each value once.")));
	*combinations *= count;
}

/* {"not": value} or {"not": [value, ...]} */
static void
check_exclusion(const char *whose, const char *dimension, JsonbContainer *object)
{
	JsonbValue	space;
	JsonbValue *left_out = getKeyJsonValueFromContainer(object, "not", 3, &space);
	double		ignored = 1;

	if (left_out == NULL || JsonContainerSize(object) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s value for \"%s\" is an object that is not understood", whose, dimension),
				 errdetail("The only object is {\"not\": ...}, with a value or a list of values."),
				 errhint("Write {\"%s\": {\"not\": [\"a\", \"b\"]}}.", dimension)));
	if (left_out->type == jbvBinary && JsonContainerIsArray(left_out->val.binary.data))
		check_scope_list(whose, dimension, left_out->val.binary.data, &ignored);
	else
		(void) scope_label(whose, dimension, left_out);
}

static CheckQuery find_dimension = {
	"SELECT 1 FROM quotetier.dimension WHERE name OPERATOR(pg_catalog.=) $1",
	1, {TEXTOID}
};
static CheckQuery lock_dimension = {
	"SELECT 1 FROM quotetier.dimension WHERE name OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
	1, {TEXTOID}
};

static void
check_dimension(const CheckRow *row, const char *name, List **known)
{
	Datum		args[1];
	ListCell   *cell;

	foreach(cell, *known)
		if (strcmp(lfirst(cell), name) == 0)
			return;

	/* price/check_step.c: under READ COMMITTED who drops a dimension waits for us */
	args[0] = CStringGetTextDatum(name);
	if (check_query(IsolationUsesXactSnapshot() ? &lock_dimension : &find_dimension, args))
	{
		MemoryContext caller = MemoryContextSwitchTo(row->flinfo->fn_mcxt);

		*known = lappend(*known, pstrdup(name));
		MemoryContextSwitchTo(caller);
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("dimension \"%s\" does not exist", name),
			 errdetail("A scope can name these dimensions: %s.",
					   check_names("SELECT name FROM quotetier.dimension ORDER BY id", "")),
			 errhint("INSERT INTO quotetier.dimension (name) VALUES (%s), or correct the scope.",
					 quote_literal_cstr(name))));
}

void
check_scope(const CheckRow *row, const char *column, const char *whose, List **known)
{
	bool		isnull;
	Datum		datum = check_datum(row, row->tuple, column, &isnull);
	Jsonb	   *scope;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *dimension = NULL;
	double		combinations = 1;

	if (isnull)
		return;
	scope = DatumGetJsonbP(datum);
	if (!JB_ROOT_IS_OBJECT(scope))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s.%s must be a JSON object", row->table, column),
				 errdetail("It is %s.", JB_ROOT_IS_SCALAR(scope) ? "a single value" : "a list"),
				 errhint("Write {\"tier\": \"gold\"}, {\"tier\": [\"gold\", \"vip\"]}, or {} for everything.")));
	it = JsonbIteratorInit(&scope->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			dimension = pnstrdup(value.val.string.val, value.val.string.len);
			check_dimension(row, dimension, known);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
				check_scope_list(whose, dimension, value.val.binary.data, &combinations);
			else if (value.type == jbvBinary)
				check_exclusion(whose, dimension, value.val.binary.data);
			else
				(void) scope_label(whose, dimension, &value);
		}
	}
	if (combinations > MAX_COMBINATIONS && strcmp(column, "scope") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the scope's lists combine to more than %d cases", MAX_COMBINATIONS),
				 errdetail("Every combination of listed values is an entry of its own in the matcher."),
				 errhint("Match a fact that groups the values, such as a category, or split the rule.")));
}

/*
 * datetime() of jsonpath raises an error where a time zone would decide, even
 * when asked to be silent, so one rule could stop every quote that reaches it.
 */
void
check_no_datetime(const CheckRow *row, const char *column)
{
	bool		isnull;
	Datum		path = check_datum(row, row->tuple, column, &isnull);

	if (isnull ||
		strstr(DatumGetCString(DirectFunctionCall1(jsonpath_out, path)), ".datetime(") == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s.%s must not use datetime()", row->table, column),
			 errdetail("What it means can depend on the time zone of whoever asks."),
			 errhint("Compare dates as ISO text, as in $.date >= \"2025-06-01\".")));
}

void
check_condition(const CheckRow *row)
{
	bool		isnull;
	Datum		condition = check_datum(row, row->tuple, "condition", &isnull);

	check_no_datetime(row, "condition");
	if (isnull || condition_is_predicate(DatumGetJsonPathP(condition)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the condition is not a predicate"),
			 errdetail("It is %s, which is neither true nor false.",
					   DatumGetCString(DirectFunctionCall1(jsonpath_out, condition))),
			 errhint("Compare something, as in $.order_amount >= 1000 && $.industry != \"bank\"; test presence by exists($.x).")));
}

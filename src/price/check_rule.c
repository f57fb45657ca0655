/*
 * check_rule.c
 *		What is refused when a rule is saved.
 *
 * A rule is checked against its step, its policy's steps and the dimensions. A
 * change on the other side (a dimension that goes, a step that starts to sum)
 * is checked in check_step.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "price/check.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(rule_check);

/* What the statement's rows have been checked against. */
typedef struct Known
{
	List	   *dimensions;
	char	   *policy;			/* of the step below; NULL: none yet */
	char	   *step;
	int			seq;
	char	   *pick;
	char	   *level;
} Known;

/* The facts of a line that is given: plain values, whatever their names. */
static void
check_gift(const CheckRow *row)
{
	bool		isnull;
	Datum		datum = check_datum(row, row->tuple, "lines", &isnull);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *fact = NULL;

	if (isnull || !JB_ROOT_IS_OBJECT(DatumGetJsonbP(datum)) ||
		JB_ROOT_COUNT(DatumGetJsonbP(datum)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("add_line does not say which line it adds"),
				 errdetail("rule.lines holds the facts of the line that is given, as a JSON object."),
				 errhint("Write lines = '{\"sku\": \"MUG\"}'.")));
	it = JsonbIteratorInit(&DatumGetJsonbP(datum)->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			fact = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && (value.type == jbvBinary || value.type == jbvNull))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("fact \"%s\" of the line that is given is not a single value", fact),
					 errdetail("A line is one thing; lists are for lines that are looked for."),
					 errhint("Write a rule for each line to give.")));
	}
}

/* ----- the step, the base ----- */

static CheckQuery find_step = {
	"SELECT seq, pick, level FROM quotetier.step"
	" WHERE policy OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2",
	2, {TEXTOID, TEXTOID}
};

static bool
query_step(const char *policy, const char *name)
{
	Datum		args[] = {CStringGetTextDatum(policy), CStringGetTextDatum(name)};

	return check_query(&find_step, args);
}

/* Makes the rule's step known; an error if there is none. */
static void
know_step(const CheckRow *row, Known *known, const char *policy, const char *step)
{
	MemoryContext caller;

	if (known->policy != NULL && strcmp(known->step, step) == 0 && strcmp(known->policy, policy) == 0)
		return;
	if (!query_step(policy, step))
	{
		static CheckQuery find_policy = {
			"SELECT 1 FROM quotetier.policy WHERE name OPERATOR(pg_catalog.=) $1",
			1, {TEXTOID}
		};
		Datum		args[] = {CStringGetTextDatum(policy)};

		if (!check_query(&find_policy, args))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("policy \"%s\" does not exist", policy),
					 errdetail("There are these policies: %s.",
							   check_names("SELECT name FROM quotetier.policy ORDER BY name", "")),
					 errhint("Insert it into quotetier.policy first, with its steps.")));
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("policy \"%s\" has no step \"%s\"", policy, step),
				 errdetail("Its steps are: %s.",
						   check_names("SELECT name FROM quotetier.step"
									   " WHERE policy OPERATOR(pg_catalog.=) $1 ORDER BY seq", policy)),
				 errhint("Insert it into quotetier.step first, or name one of these.")));
	}
	if (known->policy != NULL)
	{
		pfree(known->policy);
		pfree(known->step);
		pfree(known->pick);
		pfree(known->level);
	}
	caller = MemoryContextSwitchTo(row->flinfo->fn_mcxt);
	known->seq = check_found_int(1);
	known->pick = pstrdup(check_found_text(2));
	known->level = pstrdup(check_found_text(3));
	known->step = pstrdup(step);
	known->policy = pstrdup(policy);
	MemoryContextSwitchTo(caller);
}

/* Refuses a column that only makes sense together with another. */
static void
check_needless(const CheckRow *row, const char *column, const char *usual, const char *needs)
{
	bool		isnull;
	Datum		value = check_datum(row, row->tuple, column, &isnull);

	if (isnull || (usual != NULL && strcmp(TextDatumGetCString(value), usual) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("rule.%s has no effect here", column),
			 errdetail("It only counts with %s.", needs),
			 errhint("Leave %s out, or use %s.", column, needs)));
}

/* When steps of a level run. */
static int
level_place(const char *level)
{
	return strcmp(level, "line") == 0 ? 0 : strcmp(level, "order") == 0 ? 1 : 2;
}

/* What stands in steps of one level only; check_step.c knows the same when a level changes. */
static void
check_level(const CheckRow *row, const AdjustRange *range, const char *level, const char *step)
{
	bool		is_order = strcmp(level, "order") == 0;

	if (range->place == PLACE_ORDER && !is_order)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot stand in step \"%s\"", range->adjust, step),
				 errdetail("It works on an order's lines together; the step's level is %s.", level),
				 errhint("Put it into a step with level = 'order'.")));
	if (range->place == PLACE_GUARD && strcmp(level, "line") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot stand in step \"%s\"", range->adjust, step),
				 errdetail("Guards bound the price of each line; the step's level is %s.", level),
				 errhint("Put it into a line step: what order steps take stays above its floor.")));
	if (!is_order)
	{
		check_needless(row, "lines", NULL, "a step of level order");
		check_needless(row, "counts", NULL, "a step of level order");
	}
	if (strcmp(level, "line") != 0 || range->place == PLACE_GUARD)
		check_needless(row, "scale_by", NULL, "a step of level line, and no guard");
	if (strcmp(level, "line") != 0)
		check_needless(row, "ending", NULL, "a step of level line");
}

static void
check_place(const CheckRow *row, const AdjustRange *range, Known *known)
{
	char	   *policy = check_text(row, "policy");
	char	   *step = check_text(row, "step");
	char	   *base = check_text(row, "base");

	if (policy == NULL || step == NULL)
		return;
	know_step(row, known, policy, step);
	if (range->sets_price && strcmp(known->pick, "sum") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot stand in step \"%s\", which adds its rules up", range->adjust, step),
				 errdetail("A rule that sets a price cannot be added to another."),
				 errhint("Put it into a step that picks first, best or chain, or use amount_off or percent_off.")));
	check_level(row, range, known->level, step);

	if (base == NULL || strcmp(base, "list") == 0 || strcmp(base, "running") == 0 ||
		strcmp(base, "cost") == 0)
		return;
	if (query_step(policy, base) &&
		(check_found_int(1) >= known->seq ||
		 level_place(check_found_text(3)) > level_place(known->level)))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("base \"%s\" is not an earlier step than \"%s\"", base, step),
				 errdetail("A step's result can be a base only after it; \"%s\" has seq %d and level %s, and order steps follow all line steps.",
						   base, (int) check_found_int(1), check_found_text(3)),
				 errhint("Name an earlier step, list, running, cost, or a numeric fact.")));
}

/* ----- the rule ----- */

static void
check_source_of_value(const CheckRow *row, const AdjustRange *range)
{
	char	   *mode = check_text(row, "scale_mode");
	char	   *on = check_text(row, "scale_on");
	bool		no_expression;
	Dec			value;
	bool		has_value = check_number(row, "value", &value);

	(void) check_datum(row, row->tuple, "value_expr", &no_expression);
	if (has_value + !no_expression + (mode != NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule has no value"),
				 errdetail("%s needs one: %s.", range->adjust, range->text),
				 errhint("Give value, a formula in value_expr, or scale_mode and brackets in quotetier.scale.")));
	if (has_value + !no_expression + (mode != NULL) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule has more than one source of its value"),
				 errdetail("It is a number, a formula's, or that of the bracket reached."),
				 errhint("Give one of value, value_expr and scale_mode; of a scale, move the value into a bracket that begins at 0.")));
	if (has_value)
		check_value(range, value);

	if (mode == NULL)
	{
		check_needless(row, "scale_on", "quantity", "scale_mode");
		check_needless(row, "scale_by", NULL, "scale_mode");
		check_needless(row, "scale_offset", NULL, "scale_mode");
		check_needless(row, "scale_bounds", "[)", "scale_mode");
		return;
	}
	if (on != NULL && strcmp(mode, "volume") != 0 &&
		strcmp(on, "quantity") != 0 && strcmp(on, "amount") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a %s scale cannot measure the fact \"%s\"", mode, on),
				 errdetail("Bands, blocks and packages are filled by quantity or amount."),
				 errhint("Use scale_mode = 'volume', or scale_on = 'quantity' or 'amount'.")));
	if (strcmp(mode, "volume") != 0 && strcmp(mode, "graduated") != 0)
		check_needless(row, "scale_offset", NULL, "scale_mode volume or graduated");
	check_scale_mode(range, mode);
}

static void
check_scale_by(const CheckRow *row)
{
	char	  **facts;
	bool		isnull;
	int			n = check_list(row, "scale_by", &facts);
	int			i;
	int			j;

	(void) check_datum(row, row->tuple, "scale_by", &isnull);
	if (!isnull && n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule.scale_by names no fact"),
				 errdetail("Lines are measured together when they share the facts it names."),
				 errhint("Name at least one fact, or leave scale_by null.")));
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (strcmp(facts[i], facts[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("rule.scale_by names fact \"%s\" twice", facts[i]),
						 errdetail("Once is enough for lines to share it."),
						 errhint("Name each fact once.")));
}

/* true, where false is usual */
static void
check_needless_flag(const CheckRow *row, const char *column, const char *needs)
{
	bool		isnull;

	if (DatumGetBool(check_datum(row, row->tuple, column, &isnull)) && !isnull)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("rule.%s has no effect here", column),
				 errdetail("It only counts with %s.", needs),
				 errhint("Leave %s out, or use %s.", column, needs)));
}

/* Columns that only some adjustments look at. */
static void
check_columns_of_adjust(const CheckRow *row, const AdjustRange *range)
{
	bool		frees = strcmp(range->adjust, "free_units") == 0;
	bool		gives = strcmp(range->adjust, "add_line") == 0;
	static const struct
	{
		const char *column;
		bool		negative_only;
	}			limits[] =
	{
		{"max_amount", true}, {"max_units", true}, {"unit_step", false}
	};
	Dec			limit;
	int			i;

	for (i = 0; i < lengthof(limits); i++)
		if (check_number(row, limits[i].column, &limit) &&
			(limits[i].negative_only ? dec_sign(limit) < 0 : dec_sign(limit) <= 0))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("rule.%s is out of range", limits[i].column),
					 errdetail("It is %s.", limits[i].negative_only ? "a limit, 0 or more" :
							   "how many units earn a portion, above 0"),
					 errhint("Leave it null where there is none.")));
	if (range->place != PLACE_GUARD)
		check_needless(row, "on_breach", NULL, "a guard");
	if (!range->takes_off)
		check_needless(row, "max_amount", NULL, "percent_off, amount_off or line_amount_off");
	if (!frees && !gives)
	{
		check_needless(row, "max_units", NULL, "free_units or add_line");
		check_needless(row, "unit_step", NULL, "free_units or add_line");
	}
	if (!frees)
	{
		check_needless(row, "free_from", "cheapest", "free_units");
		check_needless_flag(row, "free_whole", "free_units");
	}
	if (!frees && !gives)
		return;
	check_needless(row, "base", NULL, "an adjustment in percent");
	check_needless(row, "value_expr", NULL, "an adjustment in money or percent");
	check_needless(row, "scale_mode", NULL, "an adjustment in money or percent");
}

/*
 * rule_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.rule.
 */
Datum
rule_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;
	const AdjustRange *range;
	Known	   *known;

	check_open(&row, fcinfo);
	known = check_known(&row, sizeof(Known));
	check_vocabulary(&row);
	range = find_adjust(check_text(&row, "adjust"));
	if (range == NULL)
		return check_close(&row);	/* null: the table refuses it */

	check_place(&row, range, known);
	check_scope(&row, "scope", "the scope's", &known->dimensions);
	if (strcmp(range->adjust, "add_line") == 0)
		check_gift(&row);
	else
		check_scope(&row, "lines", "rule.lines'", &known->dimensions);
	check_scope(&row, "counts", "rule.counts'", &known->dimensions);
	check_validity(&row, "rule");
	check_currency(&row, "currency");
	check_ending(&row);
	check_columns_of_adjust(&row, range);
	check_source_of_value(&row, range);
	check_scale_by(&row);
	check_condition(&row);
	check_no_datetime(&row, "value_expr");
	if (row.old != NULL && !(check_same(&row, "scale_mode") && check_same(&row, "scale_on") &&
							 check_same(&row, "adjust")))
		check_brackets_of_rule(&row, range);
	return check_close(&row);
}

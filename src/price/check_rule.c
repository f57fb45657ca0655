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

PG_FUNCTION_INFO_V1(rule_check);

/*
 * What the statement's rows have been checked against, so that loading a
 * million rules is not a million look-ups. Nobody else can take a dimension
 * away before our transaction ends; what our own session does moves the epoch.
 */
typedef struct Known
{
	uint64		epoch;
	List	   *dimensions;
	char	   *policy;			/* of the step below; NULL: none yet */
	char	   *step;
	int			seq;
	char	   *pick;
	char	   *level;
} Known;

static Known *
known_of(const CheckRow *row)
{
	Known	   *known = row->flinfo->fn_extra;

	if (known == NULL)
		known = row->flinfo->fn_extra = MemoryContextAllocZero(row->flinfo->fn_mcxt, sizeof(Known));
	if (known->epoch != check_epoch)
	{
		memset(known, 0, sizeof(Known));
		known->epoch = check_epoch;
	}
	return known;
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

static void
check_place(const CheckRow *row, const AdjustRange *range)
{
	Known	   *known = known_of(row);
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
	if (range->place == PLACE_ORDER && strcmp(known->level, "order") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot stand in step \"%s\"", range->adjust, step),
				 errdetail("It works on an order's lines together; the step's level is %s.", known->level),
				 errhint("Put it into a step with level = 'order'.")));

	if (base == NULL || strcmp(base, "list") == 0 || strcmp(base, "running") == 0 ||
		strcmp(base, "cost") == 0)
		return;
	if (query_step(policy, base) && check_found_int(1) >= known->seq)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("base \"%s\" is not an earlier step than \"%s\"", base, step),
				 errdetail("A step's result can be a base only after it, and \"%s\" has seq %d.",
						   base, (int) check_found_int(1)),
				 errhint("Name an earlier step, list, running, cost, or a numeric fact.")));
}

/* ----- the rule ----- */

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
			 errhint("Leave %s out, or give the rule %s.", column, needs)));
}

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
				 errhint("Give value, or scale_mode and brackets in quotetier.scale.")));
	if (has_value + !no_expression + (mode != NULL) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule has more than one source of its value"),
				 errdetail("A rule with a scale takes its value from the bracket reached."),
				 errhint("Give either value or scale_mode; move the value into a bracket that begins at 0.")));
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
	if (strcmp(mode, "volume") != 0 && !range->banded)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot take its value from a %s scale", range->adjust, mode),
				 errdetail("Its value is one for the whole line."),
				 errhint("Use scale_mode = 'volume'.")));
	if (strcmp(mode, "volume") != 0 && strcmp(mode, "graduated") != 0)
		check_needless(row, "scale_offset", NULL, "scale_mode volume or graduated");
	if (range->percent && (strcmp(mode, "block") == 0 || strcmp(mode, "package") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s cannot take its value from a %s scale", range->adjust, mode),
				 errdetail("A block or package costs money, not percents."),
				 errhint("Use scale_mode = 'volume' or 'graduated', or an adjustment in money.")));
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
	Dec			ignored;

	check_open(&row, fcinfo);
	check_vocabulary(&row);
	range = find_adjust(check_text(&row, "adjust"));
	if (range == NULL)
		return check_close(&row);	/* null: the table refuses it */

	check_place(&row, range);
	check_scope(&row, &known_of(&row)->dimensions);
	check_validity(&row, "rule");
	check_currency(&row, "currency");
	check_ending(&row);
	check_source_of_value(&row, range);
	check_condition(&row);
	(void) check_number(&row, "max_amount", &ignored);
	(void) check_number(&row, "max_units", &ignored);
	(void) check_number(&row, "unit_step", &ignored);
	if (range->place != PLACE_GUARD)
		check_needless(&row, "on_breach", NULL, "a guard");
	if (strcmp(range->adjust, "free_units") != 0)
	{
		check_needless(&row, "max_units", NULL, "free_units");
		check_needless(&row, "unit_step", NULL, "free_units");
	}
	if (row.old != NULL && !(check_same(&row, "scale_mode") && check_same(&row, "scale_on") &&
							 check_same(&row, "adjust")))
		check_brackets_of_rule(&row, range);
	return check_close(&row);
}

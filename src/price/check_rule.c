/*
 * check_rule.c
 *		What is refused when a rule or a bracket of its scale is saved.
 *
 * A rule is checked against its step, its policy's steps and the dimensions; a
 * bracket against its rule and the other brackets. The foreign keys make a
 * restore load all of these first. A change on the other side (a dimension that
 * goes, a step that starts to sum) is checked in check_step.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/fact.h"
#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "price/check.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(rule_check);
PG_FUNCTION_INFO_V1(scale_check);

/* Entries that a rule's lists may expand to in the matcher. */
#define MAX_COMBINATIONS 1000000

typedef enum Place
{
	PLACE_ANY,
	PLACE_ORDER,				/* order steps only */
	PLACE_GUARD
} Place;

/* What an adjustment's value may be. */
static const struct AdjustRange
{
	const char *adjust;
	bool		sets_price;
	bool		percent;
	Place		place;
	bool		has_low;
	bool		has_high;
	int			low;
	int			high;
	bool		ends_out;		/* the ends themselves are refused */
	const char *text;
}			adjusts[] =
{
	{"price", true, false, PLACE_ANY, true, false, 0, 0, false, "money per base unit, 0 or more"},
	{"price_percent", true, true, PLACE_ANY, true, false, 0, 0, false, "percents of the base, 0 or more; 95 means 95 %"},
	{"margin", true, true, PLACE_ANY, false, true, 0, 100, true, "percents of the result, below 100; 20 means base / 0.80"},
	{"markup", true, true, PLACE_ANY, true, false, -100, 0, false, "percents of the base, -100 or more; 25 means base * 1.25"},
	{"percent_off", false, true, PLACE_ANY, true, true, 0, 100, false, "percents from 0 to 100; 10 means 10 %"},
	{"percent_on", false, true, PLACE_ANY, true, false, 0, 0, false, "percents, 0 or more; 10 means 10 %"},
	{"amount_off", false, false, PLACE_ANY, true, false, 0, 0, false, "money per base unit, 0 or more"},
	{"amount_on", false, false, PLACE_ANY, true, false, 0, 0, false, "money per base unit, 0 or more"},
	{"line_amount_off", false, false, PLACE_ANY, true, false, 0, 0, false, "money per line, 0 or more"},
	{"round_to", true, false, PLACE_ANY, true, false, 0, 0, true, "a multiple of money, above 0"},
	{"free_units", false, false, PLACE_ORDER, true, false, 0, 0, true, "units, above 0"},
	{"add_line", false, false, PLACE_ORDER, true, false, 0, 0, false, "units, 0 or more"},
	{"floor_price", false, false, PLACE_GUARD, true, false, 0, 0, false, "money per base unit, 0 or more"},
	{"floor_percent", false, true, PLACE_GUARD, true, false, 0, 0, false, "percents of the base, 0 or more"},
	{"floor_over", false, false, PLACE_GUARD, false, false, 0, 0, false, "money per base unit above the base"},
	{"floor_margin", false, true, PLACE_GUARD, false, true, 0, 100, true, "percents of the result, below 100"},
	{"cap_percent_off", false, true, PLACE_GUARD, true, true, 0, 100, false, "percents from 0 to 100"},
	{"cap_price", false, false, PLACE_GUARD, true, false, 0, 0, false, "money per base unit, 0 or more"},
};

/* NULL for a word that is none; the table's CHECK knows the same ones. */
static const struct AdjustRange *
find_adjust(const char *adjust)
{
	int			i;

	for (i = 0; adjust != NULL && i < lengthof(adjusts); i++)
		if (strcmp(adjusts[i].adjust, adjust) == 0)
			return &adjusts[i];
	return NULL;
}

bool
adjust_sets_price(const char *adjust)
{
	const struct AdjustRange *range = find_adjust(adjust);

	return range != NULL && range->sets_price;
}

static void
check_value(const struct AdjustRange *range, Dec value)
{
	int			low = range->has_low ? dec_cmp(value, dec_make(range->low, 0)) : 1;
	int			high = range->has_high ? dec_cmp(value, dec_make(range->high, 0)) : -1;

	if (low > 0 && high < 0)
		return;
	if (!range->ends_out && low >= 0 && high <= 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s %s is out of range", range->adjust,
					DatumGetCString(DirectFunctionCall1(numeric_out,
														NumericGetDatum(dec_to_numeric(&value, 0))))),
			 errdetail("Its value is %s.", range->text),
			 strcmp(range->adjust, "percent_off") == 0 ?
			 errhint("Percents are written as people say them; to raise a price use percent_on.") :
			 errhint("Correct the value, or use the adjustment that goes the other way.")));
}

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

/* ----- scope ----- */

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
scope_label(const char *dimension, const JsonbValue *value)
{
	FactLabel	label;

	if (value->type == jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the scope asks \"%s\" to be null", dimension),
				 errdetail("A missing fact never matches a rule that asks for it."),
				 errhint("To match any value leave the dimension out of the scope.")));
	if (!fact_json_label(value, &label))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the scope's value for \"%s\" is neither a value nor a list of values", dimension),
				 errdetail("A list cannot hold lists or objects."),
				 errhint("Write {\"%s\": \"a\"} or {\"%s\": [\"a\", \"b\"]}.", dimension, dimension)));

	/* a number's text may live where the next one's will */
	label.text = pnstrdup(label.text, label.len);
	return label;
}

static void
check_scope_list(const char *dimension, JsonbContainer *list, double *combinations)
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
			labels[count++] = scope_label(dimension, &element);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the scope's list for \"%s\" is empty", dimension),
				 errdetail("No fact is in an empty list, so the rule would never apply."),
				 errhint("To match any value leave the dimension out of the scope.")));
	qsort(labels, count, sizeof(FactLabel), compare_labels);
	for (i = 1; i < count; i++)
		if (compare_labels(&labels[i - 1], &labels[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the scope's list for \"%s\" has \"%s\" twice", dimension, labels[i].text),
					 errdetail("Values are compared as text, numbers without trailing zeros."),
					 errhint("Write each value once.")));
	*combinations *= count;
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
check_dimension(const CheckRow *row, const char *name)
{
	Known	   *known = known_of(row);
	Datum		args[1];
	ListCell   *cell;

	foreach(cell, known->dimensions)
		if (strcmp(lfirst(cell), name) == 0)
			return;

	/* check_step.c: under READ COMMITTED who drops a dimension waits for us */
	args[0] = CStringGetTextDatum(name);
	if (check_query(IsolationUsesXactSnapshot() ? &lock_dimension : &find_dimension, args))
	{
		MemoryContext caller = MemoryContextSwitchTo(row->flinfo->fn_mcxt);

		known->dimensions = lappend(known->dimensions, pstrdup(name));
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

static void
check_scope(const CheckRow *row)
{
	bool		isnull;
	Datum		datum = check_datum(row, row->tuple, "scope", &isnull);
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
				 errmsg("a scope must be a JSON object"),
				 errdetail("It is %s.", JB_ROOT_IS_SCALAR(scope) ? "a single value" : "a list"),
				 errhint("Write {\"tier\": \"gold\"}, {\"tier\": [\"gold\", \"vip\"]}, or {} for everyone.")));
	it = JsonbIteratorInit(&scope->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			dimension = pnstrdup(value.val.string.val, value.val.string.len);
			check_dimension(row, dimension);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
				check_scope_list(dimension, value.val.binary.data, &combinations);
			else
			{
				JsonbValue	unused;

				if (value.type == jbvBinary &&
					getKeyJsonValueFromContainer(value.val.binary.data, "not", 3, &unused) != NULL)
					check_supported("rule", "scope", "not");
				(void) scope_label(dimension, &value);
			}
		}
	}
	if (combinations > MAX_COMBINATIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the scope's lists combine to more than %d cases", MAX_COMBINATIONS),
				 errdetail("Every combination of listed values is an entry of its own in the matcher."),
				 errhint("Match a fact that groups the values, such as a category, or split the rule.")));
}

/* ----- validity ----- */

static void
check_validity(const CheckRow *row)
{
	bool		isnull;
	Datum		datum = check_datum(row, row->tuple, "valid", &isnull);
	RangeType  *valid;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (isnull)
		return;
	valid = DatumGetRangeTypeP(datum);
	range_deserialize(lookup_type_cache(RangeTypeGetOid(valid), TYPECACHE_RANGE_INFO),
					  valid, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule's validity is empty"),
				 errdetail("It would never be in force."),
				 errhint("Give a range [from,to) with from before to.")));
	if (!upper.infinite && upper.inclusive)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule's validity includes its end"),
				 errdetail("Validity is half-open, so that one period ends where the next begins."),
				 errhint("Write [from,to) with the first moment at which it is no longer in force.")));
	if (!lower.infinite && !lower.inclusive)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the rule's validity excludes its beginning"),
				 errdetail("Validity is half-open, so that one period ends where the next begins."),
				 errhint("Write [from,to) with the first moment at which it is in force.")));
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
check_place(const CheckRow *row, const struct AdjustRange *range)
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

/* ----- brackets ----- */

typedef struct BracketRow
{
	bool		has_to;
	bool		has_value;
	bool		has_fee;
	bool		has_size;
	bool		has_overage;
	Dec			from;
	Dec			to;
	Dec			value;
	Dec			fee;
	Dec			size;
	Dec			overage;
} BracketRow;

static void
refuse_negative(const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("scale.%s is negative", column),
			 errdetail("It is money or a measure that begins at 0."),
			 errhint("Give 0 or more.")));
}

/* Is the bracket one that a rule of this adjustment, mode and measure can have? */
static void
check_bracket(const struct AdjustRange *range, const char *mode, const char *on,
			  const BracketRow *bracket)
{
	bool		package = strcmp(mode, "package") == 0;

	if (bracket->has_to && dec_cmp(bracket->from, bracket->to) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the bracket ends before it begins"),
				 errdetail("from_value must be below to_value."),
				 errhint("Leave to_value null for the bracket that has no end.")));
	if (dec_sign(bracket->from) < 0 && (strcmp(on, "quantity") == 0 || strcmp(on, "amount") == 0))
		refuse_negative("from_value");
	if (bracket->has_value)
		check_value(range, bracket->value);
	if (bracket->has_fee && dec_sign(bracket->fee) < 0)
		refuse_negative("fee");
	if (bracket->has_overage && dec_sign(bracket->overage) < 0)
		refuse_negative("overage");
	if (package != bracket->has_size || (bracket->has_size && dec_sign(bracket->size) <= 0))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 package ? errmsg("a package scale needs the units a package holds") :
				 errmsg("scale.size has no effect in a %s scale", mode),
				 errdetail("size, above 0, goes with scale_mode = 'package' and nothing else."),
				 package ? errhint("Give size.") : errhint("Leave size out.")));
	if (bracket->has_overage && strcmp(mode, "block") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("scale.overage has no effect in a %s scale", mode),
				 errdetail("overage is the price of a unit beyond a block."),
				 errhint("Leave overage out, or use scale_mode = 'block'.")));
}

/* The brackets there are, beside what the rule is about to be. */
static void
check_brackets_of_rule(const CheckRow *row, const struct AdjustRange *range)
{
	static CheckQuery brackets = {
		"SELECT from_value, to_value, value, fee, size, overage"
		" FROM quotetier.scale WHERE rule OPERATOR(pg_catalog.=) $1",
		1, {INT8OID}, .all = true
	};
	char	   *mode = check_text(row, "scale_mode");
	char	   *on = check_text(row, "scale_on");
	bool		isnull;
	Datum		id[] = {check_datum(row, row->old, "id", &isnull)};
	uint64		i;

	if (!check_query(&brackets, id))
		return;
	if (mode == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("rule " INT64_FORMAT " still has brackets", DatumGetInt64(id[0])),
				 errdetail("Without a scale_mode they would be ignored."),
				 errhint("DELETE FROM quotetier.scale WHERE rule = " INT64_FORMAT " first.",
						 DatumGetInt64(id[0]))));
	for (i = 0; i < SPI_processed; i++)
	{
		BracketRow	bracket;

		(void) check_found_number(i, 1, &bracket.from);
		bracket.has_to = check_found_number(i, 2, &bracket.to);
		bracket.has_value = check_found_number(i, 3, &bracket.value);
		bracket.has_fee = check_found_number(i, 4, &bracket.fee);
		bracket.has_size = check_found_number(i, 5, &bracket.size);
		bracket.has_overage = check_found_number(i, 6, &bracket.overage);
		check_bracket(range, mode, on, &bracket);
	}
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
check_source_of_value(const CheckRow *row, const struct AdjustRange *range)
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
	const struct AdjustRange *range;
	Dec			ignored;

	check_open(&row, fcinfo);
	check_vocabulary(&row);
	range = find_adjust(check_text(&row, "adjust"));
	if (range == NULL)
		return check_close(&row);	/* null: the table refuses it */

	check_place(&row, range);
	check_scope(&row);
	check_validity(&row);
	check_currency(&row);
	check_ending(&row);
	check_source_of_value(&row, range);
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

/* Refuses a bracket that lies over another of the same rule. */
static void
check_overlap(const CheckRow *row)
{
	static CheckQuery overlapping = {
		"SELECT from_value, COALESCE(to_value::pg_catalog.text, 'open') FROM quotetier.scale"
		" WHERE rule OPERATOR(pg_catalog.=) $1"
		" AND ($3 IS NULL OR from_value OPERATOR(pg_catalog.<) $3)"
		" AND (to_value IS NULL OR to_value OPERATOR(pg_catalog.>) $2)"
		" AND ctid OPERATOR(pg_catalog.<>) $4 LIMIT 1",
		4, {INT8OID, NUMERICOID, NUMERICOID, TIDOID}
	};
	static ItemPointerData nowhere = {{0, 0}, 0};
	bool		isnull;
	Datum		args[4];
	char		nulls[5] = "    ";

	args[0] = check_datum(row, row->tuple, "rule", &isnull);
	args[1] = check_datum(row, row->tuple, "from_value", &isnull);
	args[2] = check_datum(row, row->tuple, "to_value", &isnull);
	nulls[2] = isnull ? 'n' : ' ';
	args[3] = PointerGetDatum(row->old != NULL ? &row->old->t_self : &nowhere);
	if (check_query_nulls(&overlapping, args, nulls))
		ereport(ERROR,
				(errcode(ERRCODE_EXCLUSION_VIOLATION),
				 errmsg("brackets of rule " INT64_FORMAT " overlap", DatumGetInt64(args[0])),
				 errdetail("There is a bracket from %s to %s already.",
						   check_found_text(1), check_found_text(2)),
				 errhint("End one bracket where the next begins; scale_bounds says to which the end belongs.")));
}

/*
 * scale_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.scale.
 */
Datum
scale_check(PG_FUNCTION_ARGS)
{
	static CheckQuery find_rule = {
		"SELECT adjust, scale_mode, scale_on FROM quotetier.rule WHERE id OPERATOR(pg_catalog.=) $1",
		1, {INT8OID}
	};
	CheckRow	row;
	Datum		id;
	bool		no_rule;
	BracketRow	bracket;

	check_open(&row, fcinfo);
	id = check_datum(&row, row.tuple, "rule", &no_rule);
	if (no_rule || !check_number(&row, "from_value", &bracket.from))
		return check_close(&row);	/* the table refuses it */
	bracket.has_to = check_number(&row, "to_value", &bracket.to);
	bracket.has_value = check_number(&row, "value", &bracket.value);
	bracket.has_fee = check_number(&row, "fee", &bracket.fee);
	bracket.has_size = check_number(&row, "size", &bracket.size);
	bracket.has_overage = check_number(&row, "overage", &bracket.overage);

	if (!check_query(&find_rule, &id))
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("rule " INT64_FORMAT " does not exist", DatumGetInt64(id)),
				 errdetail("A bracket gives its rule a value."),
				 errhint("Insert the rule first, with its scale_mode, and take its id.")));
	if (check_found_text(2) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("rule " INT64_FORMAT " has no scale", DatumGetInt64(id)),
				 errdetail("Its scale_mode is null, so its brackets would be ignored."),
				 errhint("Set the rule's scale_mode (and its value to null) first.")));
	check_bracket(find_adjust(check_found_text(1)), check_found_text(2), check_found_text(3), &bracket);
	check_overlap(&row);
	return check_close(&row);
}

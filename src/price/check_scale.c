/*
 * check_scale.c
 *		What is refused when a bracket of a scale is saved.
 *
 * A bracket is checked against its rule and the rule's other brackets; when a
 * rule changes, its brackets are checked against what it is to be.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "price/check.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(scale_check);

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
check_bracket(const AdjustRange *range, const char *mode, const char *on,
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

void
check_brackets_of_rule(const CheckRow *row, const AdjustRange *range)
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
		4, {INT8OID, NUMERICOID, NUMERICOID, TIDOID}, .by_index = true
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

/*
 * class_check.c
 *		What is refused when a class scheme or one of its rules is saved.
 *
 * Scopes and conditions are checked as those of pricing rules are. That a
 * dimension which a class rule names does not go is seen to where dimensions
 * are checked (price/check_step.c).
 */
#include "postgres.h"

#include "base/check.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(class_scheme_check);
PG_FUNCTION_INFO_V1(class_rule_check);

/* What the statement's rows have been checked against. */
typedef struct Known
{
	List	   *dimensions;
	char	   *scheme;			/* the last one found */
} Known;

/*
 * class_scheme_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.class_scheme.
 */
Datum
class_scheme_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;

	check_open(&row, fcinfo);
	check_name(&row);
	return check_close(&row);
}

static void
check_scheme(const CheckRow *row, Known *known)
{
	static CheckQuery find_scheme = {
		"SELECT 1 FROM quotetier.class_scheme WHERE name OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	char	   *scheme = check_text(row, "scheme");
	Datum		args[1];

	if (scheme == NULL || (known->scheme != NULL && strcmp(known->scheme, scheme) == 0))
		return;
	args[0] = CStringGetTextDatum(scheme);
	if (!check_query(&find_scheme, args))
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("class scheme \"%s\" does not exist", scheme),
				 errdetail("There are these class schemes: %s.",
						   check_names("SELECT name FROM quotetier.class_scheme ORDER BY name", "")),
				 errhint("Insert it into quotetier.class_scheme first, or name one of these.")));
	known->scheme = MemoryContextStrdup(row->flinfo->fn_mcxt, scheme);
}

/*
 * class_rule_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.class_rule.
 */
Datum
class_rule_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;
	Known	   *known;
	char	   *class;

	check_open(&row, fcinfo);
	known = check_known(&row, sizeof(Known));
	check_scheme(&row, known);
	class = check_text(&row, "class");
	if (class != NULL && class[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the class must not be empty"),
				 errdetail("It is what classify() returns."),
				 errhint("Give it a name; where no rule applies classify() returns null.")));
	check_scope(&row, "scope", "the scope's", &known->dimensions);
	check_condition(&row);
	check_validity(&row, "rule");
	return check_close(&row);
}

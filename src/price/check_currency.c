/*
 * check_currency.c
 *		What is refused when an exchange rate or a unit of measure is saved.
 *
 * That rates of a pair do not overlap in time, and that a unit is there once,
 * is left to the tables' constraints, so that ON CONFLICT works. Not here: what
 * currencies there are (currency.c).
 */
#include "postgres.h"

#include "price/check.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(fx_check);
PG_FUNCTION_INFO_V1(uom_check);

static void
check_above_zero(const CheckRow *row, const char *column, const char *detail, const char *hint)
{
	Dec			number;

	if (check_number(row, column, &number) && dec_sign(number) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s.%s must be above 0", row->table, column),
				 errdetail("%s", detail),
				 errhint("%s", hint)));
}

/*
 * fx_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.fx_rate.
 */
Datum
fx_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;
	char	   *from;
	char	   *to;

	check_open(&row, fcinfo);
	check_currency(&row, "from_currency");
	check_currency(&row, "to_currency");
	from = check_text(&row, "from_currency");
	to = check_text(&row, "to_currency");
	if (from != NULL && to != NULL && strcmp(from, to) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("a rate from %s to itself", from),
				 errdetail("Money in the currency it is wanted in is not converted."),
				 errhint("Name two currencies, or leave the row out.")));
	check_above_zero(&row, "rate", "One unit of from_currency is worth rate units of to_currency.",
					 "Give the rate as it is quoted, such as 7.8102 from EUR to CNY.");
	check_validity(&row, "rate");
	return check_close(&row);
}

/*
 * uom_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.uom.
 */
Datum
uom_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;
	char	   *sku;
	char	   *uom;

	check_open(&row, fcinfo);
	sku = check_text(&row, "sku");
	uom = check_text(&row, "uom");
	if (uom != NULL && uom[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the name of a unit must not be empty"),
				 errdetail("A line's fact uom names the unit its quantity is in."),
				 errhint("Give it a name, such as box or dozen.")));
	if (sku != NULL && sku[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the sku of a unit must not be empty"),
				 errdetail("A unit belongs to one product, or to all that have none of that name."),
				 errhint("Name the product, or leave sku null for all.")));
	check_above_zero(&row, "factor", "One of the unit is factor base units.",
					 "Give 12 for a box of twelve pieces.");
	return check_close(&row);
}

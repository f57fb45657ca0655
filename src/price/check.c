/*
 * check.c
 *		Columns that several tables of pricing have: what may stand in them.
 *
 * Not here: what checks of all topics share (base/check.c).
 */
#include "postgres.h"

#include "price/check.h"
#include "price/currency.h"
#include "price/ending.h"

void
check_currency(const CheckRow *row, const char *column)
{
	char	   *currency = check_text(row, column);

	if (currency != NULL && currency_decimals(currency) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown currency \"%s\"", currency),
				 errdetail("A currency is a three-letter code of ISO 4217 that has a minor unit."),
				 errhint("Write the code in capitals, such as EUR, CNY or JPY.")));
}

void
check_ending(const CheckRow *row)
{
	char	   *ending = check_text(row, "ending");
	Dec			rest;
	Dec			period;

	if (ending != NULL && !ending_parse(ending, &rest, &period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid ending \"%s\"", ending),
				 errdetail("An ending is R or R/S, for unit prices k * S + R, with 0 <= R < S."),
				 errhint("Write .99 for prices that end in .99, or 9.99/10 for 9.99, 19.99, 29.99 ...")));
}

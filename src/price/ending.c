/*
 * ending.c
 *		Endings: parsing them, and finding the nearest legal unit price.
 */
#include "postgres.h"

#include "fmgr.h"
#include "price/ending.h"
#include "utils/builtins.h"

/* Digits with at most one point; reads up to end. */
static bool
parse_decimal(const char *text, const char *end, Dec *result)
{
	const char *p;
	int			points = 0;
	int			digits = 0;

	for (p = text; p < end; p++)
	{
		if (*p == '.')
			points++;
		else if (*p >= '0' && *p <= '9')
			digits++;
		else
			return false;
	}
	if (points > 1 || digits == 0 || digits > 30)
		return false;
	return dec_from_numeric(DatumGetNumeric(DirectFunctionCall3(numeric_in,
																CStringGetDatum(pnstrdup(text, end - text)),
																ObjectIdGetDatum(InvalidOid),
																Int32GetDatum(-1))),
							result);
}

bool
ending_parse(const char *text, Dec *rest, Dec *period)
{
	const char *slash = strchr(text, '/');
	const char *end = text + strlen(text);

	if (!parse_decimal(text, slash != NULL ? slash : end, rest))
		return false;
	if (slash != NULL)
	{
		if (!parse_decimal(slash + 1, end, period))
			return false;
	}
	else
	{
		/* .99 and 0: 1; 9.99: 10; .05: .1 */
		*period = dec_make(1, 0);
		while (dec_cmp(*period, *rest) <= 0)
			*period = dec_mul(*period, dec_make(10, 0));
		while (dec_sign(*rest) > 0 && dec_cmp(dec_mul(*period, dec_make(1, 1)), *rest) > 0)
			*period = dec_mul(*period, dec_make(1, 1));
	}
	return dec_cmp(*rest, *period) < 0;
}

/* k * period + rest for the k that mode finds, or the first such price above 0 */
static Dec
legal(Dec amount, Dec quantity, Dec rest, Dec period, RoundMode mode)
{
	Dec			above_rest = dec_sub(amount, dec_mul(rest, quantity));
	Dec			price = dec_add(dec_div(above_rest, quantity, period, mode), rest);

	if (dec_sign(price) <= 0)
		price = dec_sign(rest) > 0 ? rest : period;
	return price;
}

Dec
ending_nearest(Dec amount, Dec quantity, Dec rest, Dec period)
{
	Dec			below = legal(amount, quantity, rest, period, ROUND_FLOOR);
	Dec			above = legal(amount, quantity, rest, period, ROUND_CEILING);
	Dec			down = dec_sub(amount, dec_mul(below, quantity));
	Dec			up = dec_sub(dec_mul(above, quantity), amount);

	return dec_cmp(down, up) < 0 ? below : above;
}

Dec
ending_not_below(Dec amount, Dec quantity, Dec rest, Dec period)
{
	return legal(amount, quantity, rest, period, ROUND_CEILING);
}

Dec
ending_not_above(Dec amount, Dec quantity, Dec rest, Dec period)
{
	return legal(amount, quantity, rest, period, ROUND_FLOOR);
}

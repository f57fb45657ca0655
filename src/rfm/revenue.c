/*
 * revenue.c
 *		A running sum of amounts of any scale, exact, of fixed size.
 *
 * The usual amount takes the inline way of revenue.h; here is what happens
 * when scales differ or a number is long. Both are rare, so this is written to
 * be plainly right. Not here: rounding; there is none.
 */
#include "postgres.h"

#include "base/dec.h"
#include "fmgr.h"
#include "rfm/revenue.h"
#include "utils/builtins.h"

/* numeric shows at most so many decimals */
#define MAX_SHOWN		16383

/* Decimals worth padding with zeros, so that later amounts find their scale. */
#define PADDED_SCALE	20

/* Digits a magnitude of 2^255 can have. */
#define MAX_DIGITS		77

/* ----- 256-bit magnitudes, least significant limb first ----- */

typedef struct Magnitude
{
	uint64		limb[4];
} Magnitude;

static bool
is_negative(const Revenue *a)
{
	return a->high < 0;
}

static bool
is_zero(const Revenue *a)
{
	return a->low == 0 && a->high == 0;
}

static void
negate(Revenue *a)
{
	a->low = ~a->low + 1;
	a->high = (int128) (~(uint128) a->high + (a->low == 0));
}

static Magnitude
magnitude(const Revenue *a)
{
	Revenue		b = *a;
	Magnitude	m;

	if (is_negative(&b))
		negate(&b);
	m.limb[0] = (uint64) b.low;
	m.limb[1] = (uint64) (b.low >> 64);
	m.limb[2] = (uint64) (uint128) b.high;
	m.limb[3] = (uint64) ((uint128) b.high >> 64);
	return m;
}

/* False when the magnitude needs the sign bit. */
static bool
set_units(Revenue *a, const Magnitude *m, bool negative)
{
	if (m->limb[3] >> 63)
		return false;
	a->low = ((uint128) m->limb[1] << 64) | m->limb[0];
	a->high = (int128) (((uint128) m->limb[3] << 64) | m->limb[2]);
	if (negative)
		negate(a);
	return true;
}

/* m = m * factor + addend; false when it does not fit */
static bool
multiply(Magnitude *m, uint64 factor, uint64 addend)
{
	uint64		carry = addend;
	int			i;

	for (i = 0; i < lengthof(m->limb); i++)
	{
		uint128		product = (uint128) m->limb[i] * factor + carry;

		m->limb[i] = (uint64) product;
		carry = (uint64) (product >> 64);
	}
	return carry == 0;
}

/* m = m / divisor; returns the remainder */
static uint64
divide(Magnitude *m, uint64 divisor)
{
	uint64		rest = 0;
	int			i;

	for (i = lengthof(m->limb) - 1; i >= 0; i--)
	{
		uint128		part = ((uint128) rest << 64) | m->limb[i];

		m->limb[i] = (uint64) (part / divisor);
		rest = (uint64) (part % divisor);
	}
	return rest;
}

/* ----- scales ----- */

bool
revenue_rescale(Revenue *a, int scale)
{
	Magnitude	m = magnitude(a);
	int			digits = scale - a->scale;

	Assert(digits >= 0);
	if (digits > 0 && !is_zero(a))
	{
		if (digits > MAX_DIGITS)
			return false;
		for (; digits > 0; digits -= Min(digits, 18))
			if (!multiply(&m, dec_power64[Min(digits, 18)], 0))
				return false;
		if (!set_units(a, &m, is_negative(a)))
			return false;
	}
	a->scale = scale;
	a->shown = Max(a->shown, scale);
	return true;
}

Revenue
revenue_canonical(const Revenue *a)
{
	Revenue		result = *a;
	bool		negative = is_negative(a);
	Magnitude	m = magnitude(a);

	if (is_zero(a))
		result.scale = 0;
	while (result.scale > 0)
	{
		Magnitude	shorter = m;

		if (divide(&shorter, 10) != 0)
			break;
		m = shorter;
		result.scale--;
	}
	(void) set_units(&result, &m, negative);
	return result;
}

bool
revenue_equal(const Revenue *a, const Revenue *b)
{
	Revenue		x = revenue_canonical(a);
	Revenue		y = revenue_canonical(b);

	return x.scale == y.scale && x.low == y.low && x.high == y.high;
}

static void
out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("revenue out of range"),
			 errdetail("A revenue is kept exactly, in 76 digits from its highest one to the last decimal place of any amount in it."),
			 errhint("Round the amounts to fewer decimals, or use sum(numeric) for these.")));
}

/* ----- reading and writing ----- */

/* An amount of more than 38 digits, by way of its text. */
static void
read_long(Revenue *result, Datum amount)
{
	const char *text = DatumGetCString(DirectFunctionCall1(numeric_out, amount));
	Magnitude	m = {{0}};
	bool		negative = *text == '-';
	bool		behind_point = false;
	int			scale = 0;
	int			zeros = 0;

	for (text += negative; *text != '\0'; text++)
	{
		if (*text == '.')
		{
			behind_point = true;
			continue;
		}
		if (behind_point && *text == '0')
		{
			zeros++;
			continue;
		}
		/* zeros behind the point count only when a digit follows */
		for (; zeros > 0; zeros--, scale++)
			if (!multiply(&m, 10, 0))
				out_of_range();
		if (!multiply(&m, 10, *text - '0'))
			out_of_range();
		scale += behind_point;
	}
	result->scale = scale;
	if (!set_units(result, &m, negative))
		out_of_range();
}

void
revenue_from_numeric(Revenue *result, Datum amount)
{
	Dec			d;
	int			shown;

	amount = PointerGetDatum(PG_DETOAST_DATUM(amount));
	if (!dec_from_numeric(DatumGetNumeric(amount), &d))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("an order's amount must be a finite number"),
				 errdetail("The amount is %s.",
						   DatumGetCString(DirectFunctionCall1(numeric_out, amount))),
				 errhint("Leave such orders out with FILTER (WHERE ...), or make the amount NULL; NULL is skipped.")));
	shown = DatumGetInt32(DirectFunctionCall1(numeric_scale, amount));

	memset(result, 0, sizeof(Revenue));
	if (d.big != NULL)
		read_long(result, amount);
	else
	{
		result->low = (uint128) d.v;
		result->high = d.v < 0 ? -1 : 0;
		result->scale = d.scale;
	}
	result->shown = Max(shown, result->scale);
	if (shown > result->scale && shown <= PADDED_SCALE)
		(void) revenue_rescale(result, shown);
}

Numeric
revenue_to_numeric(const Revenue *a)
{
	Revenue		b = *a;
	Magnitude	m;
	char	   *text;
	char	   *p;
	int			i;

	if ((int128) b.low >> 127 == b.high)
	{
		Dec			d;

		d.v = (int128) b.low;
		d.scale = b.scale;
		d.big = NULL;
		return dec_to_numeric(&d, b.shown);
	}

	/* sign, point, end */
	text = palloc(Max(MAX_DIGITS, b.scale + 1) + 3);
	m = magnitude(&b);
	p = text + Max(MAX_DIGITS, b.scale + 1) + 2;
	*p = '\0';
	for (i = 0; i <= b.scale || (m.limb[0] | m.limb[1] | m.limb[2] | m.limb[3]) != 0; i++)
	{
		if (i == b.scale && i > 0)
			*--p = '.';
		*--p = '0' + (char) divide(&m, 10);
	}
	if (is_negative(&b))
		*--p = '-';
	return DatumGetNumeric(DirectFunctionCall2(numeric_round,
											   DirectFunctionCall3(numeric_in, CStringGetDatum(p),
																   ObjectIdGetDatum(InvalidOid),
																   Int32GetDatum(-1)),
											   Int32GetDatum(b.shown)));
}

/* ----- adding ----- */

static bool
add_same_scale(Revenue *a, const Revenue *b)
{
	uint128		low = a->low + b->low;
	int128		high = (int128) ((uint128) a->high + (uint128) b->high + (low < a->low));

	if ((a->high < 0) == (b->high < 0) && (high < 0) != (a->high < 0))
		return false;
	a->low = low;
	a->high = high;
	return true;
}

void
revenue_add(Revenue *a, const Revenue *b)
{
	Revenue		x = *a;
	Revenue		y = *b;
	int			attempt;

	for (attempt = 0; attempt < 2; attempt++)
	{
		int			scale = Max(x.scale, y.scale);

		if (revenue_rescale(&x, scale) && revenue_rescale(&y, scale) && add_same_scale(&x, &y))
		{
			*a = x;
			a->shown = Max(a->shown, Max(b->shown, y.shown));
			return;
		}
		x = revenue_canonical(a);
		y = revenue_canonical(b);
	}
	out_of_range();
}

void
revenue_add_numeric(Revenue *a, Datum amount)
{
	Revenue		b;

	revenue_from_numeric(&b, amount);
	revenue_add(a, &b);
}

bool
revenue_valid(const Revenue *a)
{
	return a->scale >= 0 && a->shown >= a->scale && a->shown <= MAX_SHOWN &&
		a->unused == 0;
}

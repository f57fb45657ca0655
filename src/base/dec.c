/*
 * dec.c
 *		Exact decimals: reading and writing numeric, comparing, rounding.
 *
 * The layout of an on-disk numeric (base-10000 digits behind a two or four
 * byte header) is read and written directly, because the public functions
 * allocate on every step. The layout is part of what pg_upgrade keeps.
 */
#include "postgres.h"

#include "base/dec.h"
#include "fmgr.h"
#include "utils/builtins.h"

#define NBASE			10000
#define DEC_DIGITS		4

#define SIGN_MASK		0xC000
#define SIGN_NEG		0x4000
#define SIGN_SHORT		0x8000
#define SIGN_SPECIAL	0xC000
#define SHORT_NEG		0x2000
#define SHORT_DSCALE(h)	(((h) & 0x1F80) >> 7)
#define SHORT_WEIGHT(h)	(((h) & 0x0040) ? ((h) & 0x003F) - 64 : ((h) & 0x003F))
#define LONG_DSCALE_MASK	0x3FFF
#define SHORT_DSCALE_MAX	63
#define SHORT_WEIGHT_MIN	(-64)
#define SHORT_WEIGHT_MAX	63

/* 10^38 is the largest power of ten below 2^127. */
#define MAX_POWER		38

const int64 dec_power64[19] = {
	INT64CONST(1), INT64CONST(10), INT64CONST(100), INT64CONST(1000),
	INT64CONST(10000), INT64CONST(100000), INT64CONST(1000000),
	INT64CONST(10000000), INT64CONST(100000000), INT64CONST(1000000000),
	INT64CONST(10000000000), INT64CONST(100000000000),
	INT64CONST(1000000000000), INT64CONST(10000000000000),
	INT64CONST(100000000000000), INT64CONST(1000000000000000),
	INT64CONST(10000000000000000), INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000)
};

static int128
power_of_ten(int n)
{
	Assert(n >= 0 && n <= MAX_POWER);
	if (n <= 18)
		return dec_power64[n];
	if (n <= 36)
		return (int128) dec_power64[18] * dec_power64[n - 18];
	return (int128) dec_power64[18] * dec_power64[18] * dec_power64[n - 36];
}

/* v * 10^n; false on overflow */
static inline bool
scale_up(int128 v, int n, int128 *result)
{
	if (n == 0 || v == 0)
	{
		*result = v;
		return true;
	}
	return n <= MAX_POWER &&
		!__builtin_mul_overflow(v, power_of_ten(n), result);
}

static inline bool
fits64(int128 v)
{
	return v == (int64) v;
}

/* Drops trailing zeros behind the point, to make room. */
static Dec
dec_trim(Dec a)
{
	while (a.scale > 0 && a.v % 10 == 0)
	{
		a.v /= 10;
		a.scale--;
	}
	return a;
}

static pg_noinline bool
from_long_numeric(Numeric num, Dec *result)
{
	const char *data = VARDATA_ANY(num);
	int			size = VARSIZE_ANY_EXHDR(num);
	uint16		header;
	const char *digits;
	int			ndigits;
	int			weight;
	int			dscale;
	bool		negative;
	int			scale;
	int64		first = 0;		/* what four digits come to */
	int128		v;
	int			i;

	memcpy(&header, data, sizeof(header));
	if ((header & SIGN_MASK) == SIGN_SPECIAL)
		return false;
	if ((header & SIGN_MASK) == SIGN_SHORT)
	{
		negative = (header & SHORT_NEG) != 0;
		dscale = SHORT_DSCALE(header);
		weight = SHORT_WEIGHT(header);
		digits = data + sizeof(uint16);
	}
	else
	{
		int16		w;

		memcpy(&w, data + sizeof(uint16), sizeof(w));
		negative = (header & SIGN_MASK) == SIGN_NEG;
		dscale = header & LONG_DSCALE_MASK;
		weight = w;
		digits = data + 2 * sizeof(uint16);
	}
	ndigits = (size - (digits - data)) / (int) sizeof(int16);

	if (ndigits == 0)
	{
		*result = DEC_ZERO;
		return true;
	}
	if (ndigits > 10 || weight > 9)
		goto big;
	for (i = 0; i < Min(ndigits, 4); i++)
	{
		int16		digit;

		memcpy(&digit, digits + i * sizeof(int16), sizeof(digit));
		first = first * NBASE + digit;
	}
	v = first;
	for (; i < ndigits; i++)
	{
		int16		digit;

		memcpy(&digit, digits + i * sizeof(int16), sizeof(digit));
		if (__builtin_mul_overflow(v, (int128) NBASE, &v) ||
			__builtin_add_overflow(v, (int128) digit, &v))
			goto big;
	}

	/* the last base-10000 digit stands at this power of ten */
	scale = DEC_DIGITS * (ndigits - 1 - weight);
	if (scale < 0)
	{
		if (!scale_up(v, -scale, &v))
			goto big;
		scale = 0;
	}
	else if (scale > dscale)
	{
		/* zeros that only fill up the last base-10000 digit */
		int64		divisor = dec_power64[Min(scale - dscale, DEC_DIGITS - 1)];

		if (fits64(v))
			v = (int64) v / divisor;
		else
			v /= divisor;
		scale -= Min(scale - dscale, DEC_DIGITS - 1);
	}
	result->v = negative ? -v : v;
	result->scale = scale;
	result->big = NULL;
	return true;

big:
	result->v = 0;
	result->scale = 0;
	result->big = num;
	return true;
}

bool
dec_from_numeric(Numeric num, Dec *result)
{
	const char *data = VARDATA_ANY(num);
	int			ndigits = (int) (VARSIZE_ANY_EXHDR(num) - sizeof(uint16)) / (int) sizeof(int16);
	uint16		header;

	/* up to four digits behind a short header, as most have */
	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	if (likely((header & SIGN_MASK) == SIGN_SHORT && ndigits > 0 && ndigits <= 4))
	{
		int			scale = DEC_DIGITS * (ndigits - 1 - SHORT_WEIGHT(header));
		int			fill = scale - (int) SHORT_DSCALE(header);
		int64		v = 0;

		if (likely(scale >= 0 && fill < DEC_DIGITS))
		{
			for (; ndigits > 0; ndigits--, data += sizeof(int16))
			{
				int16		digit;

				memcpy(&digit, data, sizeof(digit));
				v = v * NBASE + digit;
			}

			/* zeros that only fill up the last digit */
			if (fill == 2)		/* cents; a division by a constant is cheaper */
				v /= 100;
			else if (fill > 0)
				v /= dec_power64[fill];
			*result = dec_make((header & SHORT_NEG) != 0 ? -v : v, scale - Max(fill, 0));
			return true;
		}
	}
	return from_long_numeric(num, result);
}

/* Builds the numeric of v / 10^scale, with exactly dscale >= scale decimals shown. */
static pg_attribute_hot Numeric
numeric_build(int128 v, int scale, int dscale)
{
	bool		negative = v < 0;
	uint128		rest = negative ? -(uint128) v : (uint128) v;
	uint64		rest64;
	int16		digits[12];
	int			pos = lengthof(digits);
	int			last;
	int			pad = (DEC_DIGITS - scale % DEC_DIGITS) % DEC_DIGITS;
	int			weight;
	int			ndigits;
	int			size;
	char	   *out;
	bool		short_form;

	/* the lowest digit is the only one that needs zeros behind it */
	while (unlikely(rest > PG_UINT64_MAX))
	{
		int			zeros = pos == lengthof(digits) ? pad : 0;

		digits[--pos] = (int16) ((uint32) (rest % dec_power64[DEC_DIGITS - zeros]) * dec_power64[zeros]);
		rest /= dec_power64[DEC_DIGITS - zeros];
	}
	rest64 = (uint64) rest;
	if (pad > 0 && pos == lengthof(digits))
	{
		digits[--pos] = (int16) (rest64 % dec_power64[DEC_DIGITS - pad] * dec_power64[pad]);
		rest64 /= dec_power64[DEC_DIGITS - pad];
	}
	for (; rest64 > 0; rest64 /= NBASE)
		digits[--pos] = (int16) (rest64 % NBASE);

	/* power of the lowest digit kept is -ceil(scale / 4) */
	weight = (int) lengthof(digits) - pos - 1 - (scale + pad) / DEC_DIGITS;
	last = lengthof(digits);
	while (pos < last && digits[pos] == 0)
	{
		pos++;
		weight--;
	}
	while (last > pos && digits[last - 1] == 0)
		last--;
	ndigits = last - pos;
	if (ndigits == 0)
	{
		weight = 0;
		negative = false;
	}

	if (dscale > LONG_DSCALE_MASK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount out of range"),
				 errdetail("It has more decimals than numeric can hold, which is %d.", LONG_DSCALE_MASK),
				 errhint("Round the quantity, or what prices are reckoned from.")));
	short_form = dscale <= SHORT_DSCALE_MAX &&
		weight >= SHORT_WEIGHT_MIN && weight <= SHORT_WEIGHT_MAX;
	size = VARHDRSZ + (short_form ? 1 : 2) * sizeof(uint16) + ndigits * sizeof(int16);
	out = palloc(size);
	SET_VARSIZE(out, size);
	if (short_form)
	{
		uint16		header = SIGN_SHORT | (negative ? SHORT_NEG : 0) |
			(dscale << 7) | (weight < 0 ? 0x0040 : 0) | (weight & 0x003F);

		memcpy(VARDATA(out), &header, sizeof(header));
		memcpy(VARDATA(out) + sizeof(uint16), digits + pos, ndigits * sizeof(int16));
	}
	else
	{
		uint16		header = (negative ? SIGN_NEG : 0) | dscale;
		int16		w = (int16) weight;

		memcpy(VARDATA(out), &header, sizeof(header));
		memcpy(VARDATA(out) + sizeof(uint16), &w, sizeof(w));
		memcpy(VARDATA(out) + 2 * sizeof(uint16), digits + pos, ndigits * sizeof(int16));
	}
	return (Numeric) out;
}

static pg_noinline pg_attribute_cold Numeric
long_to_numeric(Dec d, int min_scale)
{
	if (d.big != NULL)
	{
		Numeric		n = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
															NumericGetDatum(d.big)));
		int			scale = DatumGetInt32(DirectFunctionCall1(numeric_scale,
															  NumericGetDatum(n)));

		if (scale < min_scale)
			n = DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(n),
													Int32GetDatum(min_scale)));
		return n;
	}
	while (d.scale > min_scale && d.v % 10 == 0)
	{
		d.v /= 10;
		d.scale--;
	}
	return numeric_build(d.v, d.scale, Max(d.scale, min_scale));
}

Numeric
dec_to_numeric(const Dec *a, int min_scale)
{
	int64		v = (int64) a->v;
	int64		scale = a->scale;

	if (unlikely(!dec_is_short(*a)))
		return long_to_numeric(*a, min_scale);
	while (scale > min_scale && v % 10 == 0)
	{
		v /= 10;
		scale--;
	}
	return numeric_build(v, scale, Max(scale, min_scale));
}

static Numeric
as_numeric(Dec a)
{
	return a.big != NULL ? a.big : dec_to_numeric(&a, 0);
}

/* Takes a numeric result back into 128 bits when it fits. */
static Dec
from_result(Datum num)
{
	Dec			d = DEC_ZERO;

	if (!dec_from_numeric(DatumGetNumeric(num), &d))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("amount out of range"),
				 errdetail("The result has more digits than numeric can hold."),
				 errhint("Check the quantity, and what prices are reckoned from.")));
	return d;
}

static pg_noinline pg_attribute_cold Dec
add_long(Dec a, Dec b)
{
	if (a.big == NULL && b.big == NULL)
	{
		int			attempt;

		for (attempt = 0; attempt < 2; attempt++)
		{
			int			scale = Max(a.scale, b.scale);
			int128		x;
			int128		y;
			Dec			sum;

			if (scale_up(a.v, scale - a.scale, &x) &&
				scale_up(b.v, scale - b.scale, &y) &&
				!__builtin_add_overflow(x, y, &sum.v))
			{
				sum.scale = scale;
				sum.big = NULL;
				return sum;
			}
			a = dec_trim(a);
			b = dec_trim(b);
		}
	}
	return from_result(DirectFunctionCall2(numeric_add,
										   NumericGetDatum(as_numeric(a)),
										   NumericGetDatum(as_numeric(b))));
}

Dec
dec_add_slow(Dec a, Dec b)
{
	int64		x = (int64) a.v;
	int64		y = (int64) b.v;
	int64		more = b.scale - a.scale;

	if (likely(dec_is_short(a) && dec_is_short(b) &&
			   more < (int64) lengthof(dec_power64) && -more < (int64) lengthof(dec_power64) &&
			   !__builtin_mul_overflow(x, dec_power64[Max(more, 0)], &x) &&
			   !__builtin_mul_overflow(y, dec_power64[Max(-more, 0)], &y) &&
			   !__builtin_add_overflow(x, y, &x)))
		return dec_make(x, Max(a.scale, b.scale));
	return add_long(a, b);
}

Dec
dec_mul_slow(Dec a, Dec b)
{
	if (a.big == NULL && b.big == NULL)
	{
		int			attempt;

		for (attempt = 0; attempt < 2; attempt++)
		{
			int128		product;

			if (!__builtin_mul_overflow(a.v, b.v, &product))
			{
				a.v = product;
				a.scale += b.scale;
				return a;
			}
			a = dec_trim(a);
			b = dec_trim(b);
		}
	}
	return from_result(DirectFunctionCall2(numeric_mul,
										   NumericGetDatum(as_numeric(a)),
										   NumericGetDatum(as_numeric(b))));
}

Dec
dec_neg_big(Dec a)
{
	a.big = DatumGetNumeric(DirectFunctionCall1(numeric_uminus, NumericGetDatum(a.big)));
	return a;
}

int
dec_cmp(Dec a, Dec b)
{
	if (a.big == NULL && b.big == NULL)
	{
		int			scale = Max(a.scale, b.scale);
		int128		x;
		int128		y;

		if (scale_up(a.v, scale - a.scale, &x) && scale_up(b.v, scale - b.scale, &y))
			return x < y ? -1 : x > y ? 1 : 0;
	}
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
											 NumericGetDatum(as_numeric(a)),
											 NumericGetDatum(as_numeric(b))));
}

bool
dec_floor64(Dec a, int scale, int64 *result)
{
	int			drop = a.scale - scale;
	int64		v = (int64) a.v;

	if (!dec_is_short(a) || abs(drop) >= lengthof(dec_power64))
		return false;
	if (drop <= 0)
		return !__builtin_mul_overflow(v, dec_power64[-drop], result);
	*result = v / dec_power64[drop] - (v % dec_power64[drop] < 0 ? 1 : 0);
	return true;
}

/* n / d rounded to an integer */
static int128
round_quotient(int128 n, int128 d, RoundMode mode)
{
	int128		quotient = n / d;
	int128		rest = n % d;
	bool		negative = (n < 0) != (d < 0);
	uint128		twice;
	uint128		divisor = d < 0 ? -(uint128) d : (uint128) d;

	if (rest == 0)
		return quotient;
	twice = 2 * (rest < 0 ? -(uint128) rest : (uint128) rest);
	if (dec_rounds_away(mode, negative,
						twice < divisor ? -1 : twice > divisor ? 1 : 0,
						(quotient & 1) != 0))
		quotient += negative ? -1 : 1;
	return quotient;
}

/* dec_div by numeric, whose truncating division is exact */
static Dec
divide_big(Dec a, Dec b, Dec increment, RoundMode mode)
{
	Datum		n = NumericGetDatum(as_numeric(a));
	Datum		d = NumericGetDatum(as_numeric(dec_mul(b, increment)));
	Datum		quotient = DirectFunctionCall2(numeric_div_trunc, n, d);
	Datum		rest = DirectFunctionCall2(numeric_sub, n,
										   DirectFunctionCall2(numeric_mul, quotient, d));
	Dec			remainder = from_result(rest);

	if (dec_sign(remainder) != 0)
	{
		bool		negative = (dec_sign(a) < 0) != (dec_sign(b) < 0);
		Dec			size = dec_sign(remainder) < 0 ? dec_neg(remainder) : remainder;
		Dec			divisor = from_result(DirectFunctionCall1(numeric_abs, d));
		Dec			half = from_result(DirectFunctionCall2(numeric_mod, quotient,
														   NumericGetDatum(int64_to_numeric(2))));

		if (dec_rounds_away(mode, negative, dec_cmp(dec_add(size, size), divisor),
							dec_sign(half) != 0))
			quotient = DirectFunctionCall2(negative ? numeric_sub : numeric_add, quotient,
										   NumericGetDatum(int64_to_numeric(1)));
	}
	return dec_mul(from_result(quotient), increment);
}

Dec
dec_div_slow(Dec a, Dec b, Dec increment, RoundMode mode)
{
	if (a.big == NULL && b.big == NULL && increment.big == NULL)
	{
		int			shift = b.scale + increment.scale - a.scale;
		int128		n = a.v;
		int128		d;

		if (!__builtin_mul_overflow(b.v, increment.v, &d) &&
			scale_up(n, Max(shift, 0), &n) &&
			scale_up(d, Max(-shift, 0), &d))
		{
			Dec			result = increment;

			if (!__builtin_mul_overflow(round_quotient(n, d, mode), increment.v, &result.v))
				return result;
		}
	}
	return divide_big(a, b, increment, mode);
}

bool
round_mode_from_name(const char *name, RoundMode *mode)
{
	static const char *const names[] = {
		"half_up", "half_even", "up", "down", "ceiling", "floor"
	};
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
		{
			*mode = (RoundMode) i;
			return true;
		}
	return false;
}

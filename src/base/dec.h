/*
 * dec.h
 *		Exact decimals: 128-bit scaled integers that fall back to numeric.
 *
 * A Dec is v / 10^scale. Where a result would not fit, the operation is done
 * by PostgreSQL's numeric and the Dec carries that numeric instead, so nothing
 * overflows and nothing is rounded. Only dec_round and dec_div round, and both
 * are told how. Not here: money's meaning (currencies, endings, guards).
 */
#ifndef QUOTETIER_DEC_H
#define QUOTETIER_DEC_H

#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "utils/numeric.h"

/* All of one width: a copy of parts that were stored in smaller ones waits for them. */
typedef struct Dec
{
	int128		v;				/* meaningless when big is set */
	int64		scale;			/* decimal digits behind the point, >= 0 */
	Numeric		big;			/* the value, when 128 bits do not hold it */
} Dec;

typedef enum RoundMode
{
	ROUND_HALF_UP,				/* ties away from zero */
	ROUND_HALF_EVEN,
	ROUND_UP,					/* away from zero */
	ROUND_DOWN,					/* towards zero */
	ROUND_CEILING,
	ROUND_FLOOR
} RoundMode;

/* A numeric as dec_from_numeric reads it: not copied for its header's sake, as DatumGetNumeric does. */
#define DatumGetNumericPacked(datum) ((Numeric) PG_DETOAST_DATUM_PACKED(datum))

/* Reads a finite numeric; false, and *result untouched, for NaN and infinity. */
extern pg_attribute_hot bool dec_from_numeric(Numeric num, Dec *result);

/* Writes a numeric that shows at least min_scale decimals, no other trailing zeros. */
extern pg_attribute_hot Numeric dec_to_numeric(const Dec *a, int min_scale);

extern pg_attribute_hot Dec	dec_add_slow(Dec a, Dec b);
extern pg_attribute_cold Dec	dec_mul_slow(Dec a, Dec b);
extern int	dec_cmp(Dec a, Dec b);

/* floor(a * 10^scale), for scale 0 to 18; false when that does not fit 64 bits. */
extern bool dec_floor64(Dec a, int scale, int64 *result);

extern pg_attribute_cold Dec	dec_div_slow(Dec a, Dec b, Dec increment, RoundMode mode);

/* Reads a round mode by its SQL name; false when there is none such. */
extern bool round_mode_from_name(const char *name, RoundMode *mode);

/* 10^0 .. 10^18 */
extern const int64 dec_power64[19];

/*
 * Reads, in place, an amount as a whole number of 10^-scale units. False when
 * it shows more decimals than scale, or is too long for this short way: then
 * dec_from_numeric has to be asked. Made for aggregates' inner loops.
 */
static inline bool
dec_units(Datum num, int scale, int64 *units)
{
	const char *p = DatumGetPointer(num);
	int			size;
	uint16		header;
	int			ndigits;
	int			weight;
	int			shift;
	int64		v = 0;
	int16		digit;
	int			i;

	if (VARATT_IS_1B(p) && !VARATT_IS_1B_E(p))
	{
		size = VARSIZE_1B(p) - VARHDRSZ_SHORT;
		p += VARHDRSZ_SHORT;
	}
	else if (VARATT_IS_4B_U(p))
	{
		size = VARSIZE_4B(p) - VARHDRSZ;
		p += VARHDRSZ;
	}
	else
		return false;

	/* short headers only: 10, sign, six bits of scale, seven of weight */
	memcpy(&header, p, sizeof(header));
	if ((header & 0xC000) != 0x8000 || ((header & 0x1F80) >> 7) > scale)
		return false;
	ndigits = (size - (int) sizeof(header)) / (int) sizeof(int16);
	if (ndigits > 4)
		return false;
	weight = (header & 0x0040) ? (header & 0x003F) - 64 : (header & 0x003F);
	p += sizeof(header);
	for (i = 0; i < ndigits; i++)
	{
		memcpy(&digit, p + i * sizeof(int16), sizeof(digit));
		v = v * 10000 + digit;
	}

	/* the last base-10000 digit counts units of 10^(scale - shift) */
	shift = scale - 4 * (ndigits - 1 - weight);
	switch (shift)
	{
		case 0:
			break;
		case -1:
			v /= 10;
			break;
		case -2:
			v /= 100;
			break;
		case -3:
			v /= 1000;
			break;
		default:
			if (ndigits == 0)
				break;
			if (shift < 0 || 4 * ndigits + shift > 18)
				return false;
			v *= dec_power64[shift];
	}
	*units = (header & 0x2000) ? -v : v;
	return true;
}

static inline Dec
dec_make(int64 v, int32 scale)
{
	Dec			d;

	d.v = v;
	d.scale = scale;
	d.big = NULL;
	return d;
}

#define DEC_ZERO	dec_make(0, 0)

/* Does it fit 64 bits, as it nearly always does? */
static inline bool
dec_is_short(Dec a)
{
	return a.big == NULL && a.v == (int64) a.v;
}

static inline Dec
dec_add(Dec a, Dec b)
{
	if (likely(a.scale == b.scale && a.big == NULL && b.big == NULL))
	{
		int128		sum;

		if (likely(!__builtin_add_overflow(a.v, b.v, &sum)))
		{
			a.v = sum;
			return a;
		}
	}
	return dec_add_slow(a, b);
}

static inline Dec
dec_mul(Dec a, Dec b)
{
	if (likely(dec_is_short(a) && dec_is_short(b)))
	{
		a.v = (int128) (int64) a.v * (int64) b.v;
		a.scale += b.scale;
		return a;
	}
	return dec_mul_slow(a, b);
}

extern pg_attribute_cold Dec	dec_neg_big(Dec a);

static inline Dec
dec_neg(Dec a)
{
	if (unlikely(a.big != NULL))
		return dec_neg_big(a);
	a.v = -a.v;
	return a;
}

static inline int
dec_sign(Dec a)
{
	if (unlikely(a.big != NULL))
		return dec_cmp(a, DEC_ZERO);
	return a.v > 0 ? 1 : a.v < 0 ? -1 : 0;
}

static inline Dec
dec_sub(Dec a, Dec b)
{
	return dec_add(a, dec_neg(b));
}

/*
 * Decides by the remainder whether a quotient moves one step away from zero.
 * twice compares 2 |remainder| with |divisor|; odd tells of the quotient.
 */
static inline bool
dec_rounds_away(RoundMode mode, bool negative, int twice, bool odd)
{
	switch (mode)
	{
		case ROUND_HALF_UP:
			return twice >= 0;
		case ROUND_HALF_EVEN:
			return twice > 0 || (twice == 0 && odd);
		case ROUND_UP:
			return true;
		case ROUND_DOWN:
			return false;
		case ROUND_CEILING:
			return !negative;
		case ROUND_FLOOR:
			return negative;
	}
	pg_unreachable();
}

/* n / d rounded to an integer, d > 0. */
static inline pg_attribute_hot int64
dec_quotient64(int64 n, int64 d, RoundMode mode)
{
	int64		quotient = n / d;
	int64		rest = n % d;
	uint64		twice = 2 * (rest < 0 ? -(uint64) rest : (uint64) rest);

	if (rest != 0 &&
		dec_rounds_away(mode, n < 0, twice < (uint64) d ? -1 : twice > (uint64) d ? 1 : 0,
						(quotient & 1) != 0))
		quotient += n < 0 ? -1 : 1;
	return quotient;
}

/* The multiple of increment (> 0) nearest to a / b; b must not be zero. */
static inline Dec
dec_div(Dec a, Dec b, Dec increment, RoundMode mode)
{
	int64		shift = b.scale + increment.scale - a.scale;
	int64		n = (int64) a.v;
	int64		d;
	int64		result;

	/* in 64 bits, where all fits, as it nearly always does */
	if (likely(dec_is_short(a) && dec_is_short(b) && dec_is_short(increment) && b.v > 0 &&
			   shift > -(int64) lengthof(dec_power64) && shift < (int64) lengthof(dec_power64) &&
			   !__builtin_mul_overflow((int64) b.v, (int64) increment.v, &d) &&
			   !__builtin_mul_overflow(d, dec_power64[shift < 0 ? -shift : 0], &d) &&
			   !__builtin_mul_overflow(n, dec_power64[shift > 0 ? shift : 0], &n) &&
			   !__builtin_mul_overflow(dec_quotient64(n, d, mode), (int64) increment.v, &result)))
		return dec_make(result, increment.scale);
	return dec_div_slow(a, b, increment, mode);
}

/* The multiple of increment (> 0) that is nearest to a in the given mode. */
static inline Dec
dec_round(Dec a, Dec increment, RoundMode mode)
{
	if (increment.v == 1 && increment.big == NULL && a.big == NULL &&
		a.scale <= increment.scale)
		return a;
	return dec_div(a, dec_make(1, 0), increment, mode);
}

/* a percent of b: b * a / 100, exact. */
static inline Dec
dec_percent(Dec percent, Dec base)
{
	Dec			part = dec_mul(percent, base);

	if (likely(part.big == NULL))
	{
		part.scale += 2;
		return part;
	}
	return dec_mul(part, dec_make(1, 2));
}

#endif

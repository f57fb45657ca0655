/*
 * allocate.c
 *		Sharing an amount over lines: exact water-filling, then one rounding.
 *
 * Shares are fractions amount * weight / total of the weights; they are
 * compared by their numerators, so that nothing is rounded before the end.
 * Pure arithmetic: no lines, no rules.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "price/allocate.h"

/* A line that is not full, and so may get one of the increments left over. */
typedef struct Taker
{
	int			line;
	Dec			fraction;		/* numerator of what rounding down took away */
} Taker;

/*
 * Fills every line whose share is above its room, all at once, and spreads the
 * rest over the others, until nobody is above. Leaves amount and total for
 * those that are not full.
 */
static void
fill_rooms(int n, const Dec *weights, const Dec *rooms, bool *full, Dec *shares,
		   Dec *amount, Dec *total)
{
	bool		again = rooms != NULL;

	while (again)
	{
		Dec			taken = DEC_ZERO;
		Dec			weight = DEC_ZERO;
		int			i;

		CHECK_FOR_INTERRUPTS();
		again = false;
		for (i = 0; i < n; i++)
		{
			if (full[i] || dec_cmp(dec_mul(*amount, weights[i]), dec_mul(rooms[i], *total)) <= 0)
				continue;
			full[i] = true;
			shares[i] = rooms[i];
			taken = dec_add(taken, rooms[i]);
			weight = dec_add(weight, weights[i]);
			again = true;
		}
		*amount = dec_sub(*amount, taken);
		*total = dec_sub(*total, weight);
	}
}

static bool
has_room(const Dec *rooms, int i, Dec share)
{
	return rooms == NULL || dec_cmp(share, rooms[i]) <= 0;
}

/* The largest fraction first, then the earlier line. */
static int
compare_takers(const void *left, const void *right)
{
	const Taker *a = left;
	const Taker *b = right;
	int			order = dec_cmp(b->fraction, a->fraction);

	return order != 0 ? order : a->line < b->line ? -1 : 1;
}

/*
 * One increment each, in the order of the takers, round after round (or all to
 * the last line, as long as it has room); what is less than an increment goes
 * whole to the next in turn. Returns what nobody has room for.
 */
static Dec
hand_out(Dec left, int n, Taker *takers, const Dec *rooms, Dec increment, Remainder remainder,
		 Dec *shares)
{
	bool		given = true;
	int			i;

	if (remainder == REMAINDER_LARGEST)
		qsort(takers, n, sizeof(Taker), compare_takers);
	while (given && dec_sign(left) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		given = false;
		for (i = 0; i < n && dec_sign(left) > 0; i++)
		{
			int			line = takers[remainder == REMAINDER_LAST_LINE ? n - 1 - i : i].line;
			Dec			piece = dec_cmp(left, increment) < 0 ? left : increment;

			if (!has_room(rooms, line, dec_add(shares[line], piece)))
				continue;
			shares[line] = dec_add(shares[line], piece);
			left = dec_sub(left, piece);
			given = true;
			if (remainder == REMAINDER_LAST_LINE)
				i--;			/* the same again */
		}
	}
	return left;
}

Dec
allocate(Dec amount, int n, const Dec *weights, const Dec *rooms,
		 Dec increment, Remainder remainder, Dec *shares)
{
	bool	   *full = palloc((n + 1) * sizeof(bool));
	Taker	   *takers = palloc((n + 1) * sizeof(Taker));
	int			ntakers = 0;
	Dec			total = DEC_ZERO;
	Dec			seen = DEC_ZERO;
	Dec			given = DEC_ZERO;
	Dec			left;
	int			i;

	for (i = 0; i < n; i++)
	{
		shares[i] = DEC_ZERO;
		full[i] = dec_sign(weights[i]) <= 0;
		total = dec_add(total, weights[i]);
	}
	fill_rooms(n, weights, rooms, full, shares, &amount, &total);
	if (dec_sign(total) <= 0)
		return amount;

	for (i = 0; i < n; i++)
	{
		Dec			numerator = dec_mul(amount, weights[i]);

		if (full[i])
			continue;
		if (remainder == REMAINDER_CARRY)
		{
			Dec			upto;

			seen = dec_add(seen, numerator);
			upto = dec_div(seen, total, increment, ROUND_HALF_UP);
			if (dec_cmp(upto, amount) > 0)
				upto = amount;
			shares[i] = dec_sub(upto, given);
			if (!has_room(rooms, i, shares[i]))
				shares[i] = dec_div(rooms[i], dec_make(1, 0), increment, ROUND_FLOOR);
		}
		else
			shares[i] = dec_div(numerator, total, increment, ROUND_FLOOR);
		given = dec_add(given, shares[i]);
		takers[ntakers].line = i;
		takers[ntakers++].fraction = dec_sub(numerator, dec_mul(shares[i], total));
	}
	left = dec_sub(amount, given);
	if (remainder == REMAINDER_NONE)
		return left;
	return hand_out(left, ntakers, takers, rooms, increment, remainder, shares);
}

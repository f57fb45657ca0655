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

typedef struct Taker
{
	bool		full;
	Dec			fraction;		/* numerator of what rounding down took away; who goes first */
} Taker;

/*
 * Fills every taker whose share is above its room, all at once, and spreads the
 * rest over the others, until nobody is above. Leaves amount and total for
 * those that are not full.
 */
static void
fill_rooms(int n, const Dec *weights, const Dec *rooms, Taker *takers, Dec *shares,
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
			if (takers[i].full ||
				dec_cmp(dec_mul(*amount, weights[i]), dec_mul(rooms[i], *total)) <= 0)
				continue;
			takers[i].full = true;
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

/* The taker that is next to get an increment; -1: none. */
static int
next_taker(int n, const Dec *rooms, const Taker *takers, const Dec *shares, Dec increment,
		   Remainder remainder)
{
	int			best = -1;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (takers[i].full || !has_room(rooms, i, dec_add(shares[i], increment)))
			continue;
		if (best < 0 || remainder == REMAINDER_LAST_LINE ||
			dec_cmp(takers[i].fraction, takers[best].fraction) > 0)
			best = i;
	}
	return best;
}

Dec
allocate(Dec amount, int n, const Dec *weights, const Dec *rooms,
		 Dec increment, Remainder remainder, Dec *shares)
{
	Taker	   *takers = palloc0((n + 1) * sizeof(Taker));
	Dec			total = DEC_ZERO;
	Dec			seen = DEC_ZERO;
	Dec			given = DEC_ZERO;
	Dec			left;
	int			i;

	for (i = 0; i < n; i++)
	{
		shares[i] = DEC_ZERO;
		takers[i].full = dec_sign(weights[i]) <= 0;
		total = dec_add(total, weights[i]);
	}
	fill_rooms(n, weights, rooms, takers, shares, &amount, &total);
	if (dec_sign(total) <= 0)
		return amount;

	for (i = 0; i < n; i++)
	{
		Dec			numerator = dec_mul(amount, weights[i]);

		if (takers[i].full)
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
		takers[i].fraction = remainder == REMAINDER_LARGEST ?
			dec_sub(numerator, dec_mul(shares[i], total)) : DEC_ZERO;
	}
	left = dec_sub(amount, given);

	/* one increment each; what is less than one goes whole to the next in turn */
	while (dec_sign(left) > 0 && remainder != REMAINDER_NONE)
	{
		Dec			piece = dec_cmp(left, increment) < 0 ? left : increment;
		int			taker = next_taker(n, rooms, takers, shares, piece, remainder);

		CHECK_FOR_INTERRUPTS();
		if (taker < 0)
			break;
		shares[taker] = dec_add(shares[taker], piece);
		left = dec_sub(left, piece);

		/* at the end of the queue */
		takers[taker].fraction = dec_sub(takers[taker].fraction, dec_mul(piece, total));
	}
	return left;
}

/*
 * allocate.h
 *		Sharing an amount over lines, to the cent.
 */
#ifndef QUOTETIER_ALLOCATE_H
#define QUOTETIER_ALLOCATE_H

#include "postgres.h"

#include "base/dec.h"

/* Who gets the increments that rounding the shares down has left over. */
typedef enum Remainder
{
	REMAINDER_LARGEST,			/* the largest fractions; a tie goes to the earlier taker */
	REMAINDER_LAST_LINE,
	REMAINDER_FIRST_LINES,
	REMAINDER_CARRY,			/* each share is rounded with what the ones before left over */
	REMAINDER_NONE				/* nobody: less is shared */
} Remainder;

/*
 * Shares amount (>= 0) over n takers in proportion to their weights (>= 0),
 * none above its room (rooms NULL: no bound). Shares are multiples of
 * increment, but for takers that are full. Returns what nobody has taken.
 */
extern Dec	allocate(Dec amount, int n, const Dec *weights, const Dec *rooms,
					 Dec increment, Remainder remainder, Dec *shares);

#endif

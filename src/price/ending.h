/*
 * ending.h
 *		Endings: the unit prices that are legal, such as those that end in .99.
 *
 * 'R' or 'R/S' stands for the prices k * S + R. Without S it is the next power
 * of ten above R: .99 repeats every 1, 9.99 every 10, .09 every .1.
 */
#ifndef QUOTETIER_ENDING_H
#define QUOTETIER_ENDING_H

#include "postgres.h"

#include "base/dec.h"

/* Reads an ending; false when it is not of the form R or R/S with 0 <= R < S. */
extern bool ending_parse(const char *text, Dec *rest, Dec *period);

/*
 * The legal unit price nearest to amount / quantity (a tie goes up), never zero
 * or less. The quotient itself is never rounded.
 */
extern Dec	ending_nearest(Dec amount, Dec quantity, Dec rest, Dec period);

/* The smallest legal unit price that is not below amount / quantity. */
extern Dec	ending_not_below(Dec amount, Dec quantity, Dec rest, Dec period);

/* The largest legal unit price that is not above it, or else the smallest there is. */
extern Dec	ending_not_above(Dec amount, Dec quantity, Dec rest, Dec period);

#endif

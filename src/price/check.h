/*
 * check.h
 *		What the checks of pricing rows share.
 */
#ifndef QUOTETIER_PRICE_CHECK_H
#define QUOTETIER_PRICE_CHECK_H

#include "postgres.h"

#include "base/check.h"

/* For columns that name a currency or an ending: refused unless they are one. */
extern void check_currency(const CheckRow *row, const char *column);
extern void check_ending(const CheckRow *row);

/* vocabulary.c: are the words of this row known, and supported so far? */
extern void check_vocabulary(const CheckRow *row);

/* vocabulary.c: refuses a value if it is among those not supported so far. */
extern void check_supported(const char *table, const char *column, const char *value);

/* check_adjust.c: where an adjustment may stand. */
typedef enum Place
{
	PLACE_ANY,
	PLACE_ORDER,				/* order steps only */
	PLACE_GUARD
} Place;

/* Which scales can give an adjustment its value. */
typedef enum Scales
{
	SCALES_ALL,
	SCALES_PERCENT,				/* no blocks or packages: those cost money */
	SCALES_LINE,				/* no bands: those hold units */
	SCALES_VOLUME
} Scales;

/* What an adjustment's value may be. */
typedef struct AdjustRange
{
	const char *adjust;
	bool		sets_price;
	Place		place;
	bool		has_low;
	bool		has_high;
	int			low;
	int			high;
	bool		ends_out;		/* the ends themselves are refused */
	Scales		scales;
	bool		takes_off;
	const char *text;
} AdjustRange;

/* NULL for a word that is none; the table's CHECK knows the same ones. */
extern const AdjustRange *find_adjust(const char *adjust);

extern void check_value(const AdjustRange *range, Dec value);

/* Refuses a scale_mode that cannot give the adjustment its value. */
extern void check_scale_mode(const AdjustRange *range, const char *mode);

/* check_scale.c: the brackets there are, beside what the rule is about to be. */
extern void check_brackets_of_rule(const CheckRow *row, const AdjustRange *range);

#endif

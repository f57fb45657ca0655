/*
 * check_adjust.c
 *		The adjustments: what the value of each may be, and where it may stand.
 *
 * Not here: what an adjustment does to a price (rule_effect.c).
 */
#include "postgres.h"

#include "price/check.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static const AdjustRange adjusts[] =
{
	{"price", true, PLACE_ANY, true, false, 0, 0, false, SCALES_ALL, false, "money per base unit, 0 or more"},
	{"price_percent", true, PLACE_ANY, true, false, 0, 0, false, SCALES_PERCENT, false, "percents of the base, 0 or more; 95 means 95 %"},
	{"margin", true, PLACE_ANY, false, true, 0, 100, true, SCALES_PERCENT, false, "percents of the result, below 100; 20 means base / 0.80"},
	{"markup", true, PLACE_ANY, true, false, -100, 0, false, SCALES_PERCENT, false, "percents of the base, -100 or more; 25 means base * 1.25"},
	{"percent_off", false, PLACE_ANY, true, true, 0, 100, false, SCALES_PERCENT, true, "percents from 0 to 100; 10 means 10 %"},
	{"percent_on", false, PLACE_ANY, true, false, 0, 0, false, SCALES_PERCENT, false, "percents, 0 or more; 10 means 10 %"},
	{"amount_off", false, PLACE_ANY, true, false, 0, 0, false, SCALES_ALL, true, "money per base unit, 0 or more"},
	{"amount_on", false, PLACE_ANY, true, false, 0, 0, false, SCALES_ALL, false, "money per base unit, 0 or more"},
	{"line_amount_off", false, PLACE_ANY, true, false, 0, 0, false, SCALES_LINE, true, "money per line, 0 or more"},
	{"round_to", true, PLACE_ANY, true, false, 0, 0, true, SCALES_VOLUME, false, "a multiple of money, above 0"},
	{"free_units", false, PLACE_ORDER, true, false, 0, 0, true, SCALES_VOLUME, false, "units, above 0"},
	{"add_line", false, PLACE_ORDER, true, false, 0, 0, true, SCALES_VOLUME, false, "units, above 0"},
	{"floor_price", false, PLACE_GUARD, true, false, 0, 0, false, SCALES_VOLUME, false, "money per base unit, 0 or more"},
	{"floor_percent", false, PLACE_GUARD, true, false, 0, 0, false, SCALES_VOLUME, false, "percents of the base, 0 or more"},
	{"floor_over", false, PLACE_GUARD, false, false, 0, 0, false, SCALES_VOLUME, false, "money per base unit above the base"},
	{"floor_margin", false, PLACE_GUARD, false, true, 0, 100, true, SCALES_VOLUME, false, "percents of the result, below 100"},
	{"cap_percent_off", false, PLACE_GUARD, true, true, 0, 100, false, SCALES_VOLUME, false, "percents from 0 to 100"},
	{"cap_price", false, PLACE_GUARD, true, false, 0, 0, false, SCALES_VOLUME, false, "money per base unit, 0 or more"},
};

const AdjustRange *
find_adjust(const char *adjust)
{
	int			i;

	for (i = 0; adjust != NULL && i < lengthof(adjusts); i++)
		if (strcmp(adjusts[i].adjust, adjust) == 0)
			return &adjusts[i];
	return NULL;
}

void
check_value(const AdjustRange *range, Dec value)
{
	int			low = range->has_low ? dec_cmp(value, dec_make(range->low, 0)) : 1;
	int			high = range->has_high ? dec_cmp(value, dec_make(range->high, 0)) : -1;

	if (low > 0 && high < 0)
		return;
	if (!range->ends_out && low >= 0 && high <= 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s %s is out of range", range->adjust,
					DatumGetCString(DirectFunctionCall1(numeric_out,
														NumericGetDatum(dec_to_numeric(&value, 0))))),
			 errdetail("Its value is %s.", range->text),
			 strcmp(range->adjust, "percent_off") == 0 ?
			 errhint("Percents are written as people say them; to raise a price use percent_on.") :
			 errhint("Correct the value, or use the adjustment that goes the other way.")));
}

void
check_scale_mode(const AdjustRange *range, const char *mode)
{
	static const struct
	{
		const char *modes;
		const char *why;
	}			can[] =
	{
		[SCALES_ALL] = {"volume, graduated, block or package", ""},
		[SCALES_PERCENT] = {"volume or graduated", "A block or package costs money, not percents."},
		[SCALES_LINE] = {"volume, block or package", "A band holds units, and its value is for the whole line."},
		[SCALES_VOLUME] = {"volume", "Its value is one for the whole line."},
	};

	if (strstr(can[range->scales].modes, mode) != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("%s cannot take its value from a %s scale", range->adjust, mode),
			 errdetail("%s", can[range->scales].why),
			 errhint("Use scale_mode %s.", can[range->scales].modes)));
}

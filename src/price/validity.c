/*
 * validity.c
 *		Periods: from days as people write them, and what part of another one they cover.
 *
 * A day begins at its first instant in the zone it is meant in, which is not
 * always 00:00 and not always 24 hours before the next. Not here: what a rule's
 * validity may be (check.c), and which rules are in force (pick.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/dec.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "fmgr.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(valid_days);
PG_FUNCTION_INFO_V1(proration);

#define UNIX_EPOCH_DATE (UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE)

/* No zone, not even one written out by the rules of POSIX, is further from UTC. */
#define FURTHEST_OFFSET (8 * SECS_PER_DAY)

/* ----- days ----- */

/*
 * UTC+8, or UTC8, is a zone to POSIX: the one eight hours west of Greenwich.
 * Whoever writes that means the other one, so such names are nobody's here.
 */
static bool
counts_backwards(const char *zone)
{
	size_t		digits;

	while ((*zone >= 'A' && *zone <= 'Z') || (*zone >= 'a' && *zone <= 'z'))
		zone++;
	if (*zone == '+' || *zone == '-')
		zone++;
	digits = strspn(zone, "0123456789:");
	return digits > strspn(zone, "0:") && zone[digits] == '\0';
}

static pg_tz *
zone_named(const char *zone)
{
	pg_tz	   *tz;

	if (counts_backwards(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is ambiguous", zone),
				 errdetail("By the rules of POSIX a positive number counts hours west of Greenwich."),
				 errhint("Give the name of a place, such as Asia/Shanghai, or Etc/GMT-8 for eight hours east.")));
	tz = pg_tzset(zone);
	if (tz == NULL || !pg_tz_acceptable(tz))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown time zone \"%s\"", zone),
				 errdetail("The zone decides at which instant a day begins."),
				 errhint("Give a name of pg_timezone_names, such as UTC, Europe/Berlin or Asia/Shanghai.")));
	return tz;
}

/*
 * The first instant at which the zone's clocks show this day or a later one:
 * the earlier midnight where they go back over it, the end of the gap where
 * they jump over it.
 */
static TimestampTz
day_begins(DateADT day, const pg_tz *tz)
{
	pg_time_t	midnight = ((pg_time_t) day - UNIX_EPOCH_DATE) * SECS_PER_DAY;	/* in UTC */
	pg_time_t	at = midnight - FURTHEST_OFFSET;
	pg_time_t	begins;
	TimestampTz result;

	for (;;)
	{
		long int	offset;
		long int	next_offset;
		int			is_dst;
		int			next_is_dst;
		pg_time_t	boundary;
		int			found = pg_next_dst_boundary(&at, &offset, &is_dst, &boundary,
												 &next_offset, &next_is_dst, tz);

		begins = Max(midnight - offset, at);
		if (found < 0)
			elog(ERROR, "could not read the time zone");
		if (found == 0 || begins < boundary)
			break;
		at = boundary;
	}
	if (pg_mul_s64_overflow(begins + (pg_time_t) UNIX_EPOCH_DATE * SECS_PER_DAY, USECS_PER_SEC, &result) ||
		!IS_VALID_TIMESTAMP(result))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("a day is out of the range of timestamps"),
				 errdetail("Timestamps reach from 4714 BC to the year 294276."),
				 errhint("Give null for a period that has no beginning or no end.")));
	return result;
}

static char *
day_text(DateADT day)
{
	return DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(day)));
}

/*
 * valid_days(from date, to_inclusive date, zone text) -> tstzrange
 *		From the first instant of one day to the last of another.
 */
Datum
valid_days(PG_FUNCTION_ARGS)
{
	bool		has_from = !PG_ARGISNULL(0);
	bool		has_to = !PG_ARGISNULL(1);
	DateADT		from = has_from ? PG_GETARG_DATEADT(0) : 0;
	DateADT		to = has_to ? PG_GETARG_DATEADT(1) : 0;
	TypeCacheEntry *type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound	lower = {.infinite = true,.lower = true};
	RangeBound	upper = {.infinite = true};
	pg_tz	   *tz;

	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	tz = zone_named(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	if (has_from && has_to && from > to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last day, %s, lies before the first, %s", day_text(to), day_text(from)),
				 errdetail("Both days are part of the period."),
				 errhint("For a single day give it twice; give null where there is no first or no last day.")));
	if ((has_from && DATE_IS_NOEND(from)) || (has_to && DATE_IS_NOBEGIN(to)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a period cannot begin at infinity or end at -infinity"),
				 errdetail("It would contain nothing."),
				 errhint("Give null where there is no first or no last day.")));

	if (has_from && !DATE_IS_NOBEGIN(from))
	{
		lower.infinite = false;
		lower.inclusive = true;
		lower.val = TimestampTzGetDatum(day_begins(from, tz));
	}
	if (has_to && !DATE_IS_NOEND(to))
	{
		upper.infinite = false;
		upper.val = TimestampTzGetDatum(day_begins(to + 1, tz));
	}
	if (!lower.infinite && !upper.infinite && lower.val == upper.val)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no %s in time zone \"%s\"", day_text(from), pg_get_timezone_name(tz)),
				 errdetail("The zone's calendar left that day out."),
				 errhint("Give a period that holds another day as well.")));
	PG_RETURN_RANGE_P(make_range(type, &lower, &upper, false));
}

/* ----- proration ----- */

static Dec
duration(TimestampTz from, TimestampTz to)
{
	Dec			d = DEC_ZERO;

	d.v = (int128) to - from;
	return d;
}

/*
 * proration(valid tstzrange, period tstzrange) -> numeric
 *		The part of the period that valid covers, by elapsed time.
 */
Datum
proration(PG_FUNCTION_ARGS)
{
	RangeType  *valid = PG_GETARG_RANGE_P(0);
	RangeType  *period = PG_GETARG_RANGE_P(1);
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(period), TYPECACHE_RANGE_INFO);
	RangeBound	lower;
	RangeBound	upper;
	RangeBound	valid_lower;
	RangeBound	valid_upper;
	bool		empty;
	bool		valid_empty;
	TimestampTz from;
	TimestampTz to;
	TimestampTz covered_from;
	TimestampTz covered_to;
	Dec			part;

	range_deserialize(type, valid, &valid_lower, &valid_upper, &valid_empty);
	range_deserialize(type, period, &lower, &upper, &empty);
	from = empty ? 0 : lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	to = empty ? 0 : upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
	if (from == to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period to prorate over is empty"),
				 errdetail("No part of nothing can be told."),
				 errhint("Give a range [from,to) with from before to.")));
	if (TIMESTAMP_NOT_FINITE(from) || TIMESTAMP_NOT_FINITE(to))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the period to prorate over has no %s", TIMESTAMP_NOT_FINITE(to) ? "end" : "beginning"),
				 errdetail("Every part of it would be zero."),
				 errhint("Give a bounded range, such as the month or the year billed.")));
	if (valid_empty)
		PG_RETURN_NUMERIC(dec_to_numeric(&(Dec) {0}, 0));
	covered_from = valid_lower.infinite ? from : Max(from, DatumGetTimestampTz(valid_lower.val));
	covered_to = valid_upper.infinite ? to : Min(to, DatumGetTimestampTz(valid_upper.val));
	if (covered_from >= covered_to)
		PG_RETURN_NUMERIC(dec_to_numeric(&(Dec) {0}, 0));
	part = dec_div(duration(covered_from, covered_to), duration(from, to), dec_make(1, 20), ROUND_HALF_UP);
	PG_RETURN_NUMERIC(dec_to_numeric(&part, 0));
}

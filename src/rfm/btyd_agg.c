/*
 * btyd_agg.c
 *		Making a btyd of orders, one of two, and the models' inputs of one.
 *
 * The state is a btyd with room to grow, changed in place; a new one is
 * returned only when the room is used up, which nodeAgg then copies. Not here:
 * how it is written and read (btyd.c).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/dec.h"
#include "fmgr.h"
#include "funcapi.h"
#include "port/pg_bitutils.h"
#include "rfm/btyd.h"
#include "rfm/order_time.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(btyd_add_date);
PG_FUNCTION_INFO_V1(btyd_add_timestamp);
PG_FUNCTION_INFO_V1(btyd_merge);
PG_FUNCTION_INFO_V1(btyd_final);
PG_FUNCTION_INFO_V1(btyd_stats);

/* States take sizes that the allocator does not round up: 128, 256, 512 ... */
#define FIRST_SIZE		128

/* A Monday, so that weeks are those of ISO 8601; in days from 2000-01-01. */
#define FIRST_MONDAY	2

/* A microsecond more would not leave room for the unit. */
#define MAX_USECS		(PG_INT64_MAX >> 2)

/* ----- periods ----- */

/* What an interval is in a word, unless it is a mixture. */
static inline BtydPeriod
period_of_interval(const Interval *interval)
{
	if (likely(interval->month == 0 && interval->time == 0))
		return BTYD_PERIOD(interval->day, BTYD_DAYS);
	if (interval->day == 0 && interval->time == 0)
		return BTYD_PERIOD(interval->month, BTYD_MONTHS);
	if (interval->day == 0 && interval->month == 0)
		return BTYD_PERIOD(interval->time, BTYD_USECS);
	return 0;
}

BtydPeriod
btyd_read_period(const Interval *interval)
{
	BtydPeriod	period = period_of_interval(interval);

	if (BTYD_LENGTH(period) <= 0 || interval->time > MAX_USECS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid period"),
				 errdetail("A period is a positive number of months, or of days, or of hours and less; not a mixture."),
				 errhint("Usual periods are '1 day', '1 week' and '1 month'.")));
	return period;
}

static inline int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

static int64
month_of(Timestamp at)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return (int64) (tm.tm_year - 2000) * 12 + tm.tm_mon - 1;
}

int32
btyd_period_of(BtydPeriod period, Timestamp at)
{
	int64		length = BTYD_LENGTH(period);
	int64		number = 0;

	switch (BTYD_UNIT(period))
	{
		case BTYD_DAYS:
			number = floor_div(at, USECS_PER_DAY);
			if (length != 1)
				number = floor_div(number - FIRST_MONDAY, length);
			break;
		case BTYD_MONTHS:
			number = floor_div(month_of(at), length);
			break;
		case BTYD_USECS:
			number = floor_div(at, length);
			break;
	}
	if (unlikely(number != (int32) number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the period is too short for this time"),
				 errdetail("2^31 periods before and after the year 2000 are counted."),
				 errhint("Take a longer period; a second reaches 68 years.")));
	return (int32) number;
}

Timestamp
btyd_period_start(BtydPeriod period, int32 number)
{
	/* numbers that were read may be any: too wide for 64 bits */
	int128		count = (int128) number * BTYD_LENGTH(period);
	int128		year;

	switch (BTYD_UNIT(period))
	{
		case BTYD_USECS:
			return count == (int64) count ? (Timestamp) count : DT_NOEND;
		case BTYD_DAYS:
			count += BTYD_LENGTH(period) != 1 ? FIRST_MONDAY : 0;
			break;
		case BTYD_MONTHS:
			year = 2000 + count / 12 - (count % 12 < 0);
			if (year < -5000 || year > 300000)
				return DT_NOEND;
			count = date2j((int) year, (int) (count - (year - 2000) * 12) + 1, 1) -
				POSTGRES_EPOCH_JDATE;
			break;
	}
	if (count < -1000000000 || count > 1000000000 ||
		!IS_VALID_TIMESTAMP((Timestamp) count * USECS_PER_DAY))
		return DT_NOEND;
	return (Timestamp) count * USECS_PER_DAY;
}

static void
other_period(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the period must be the same for all"),
			 errhint("Summaries of different periods cannot be merged; make them anew from the orders.")));
}

/* ----- the set of periods ----- */

static int
compare_periods(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* Sorts the periods and drops repetitions, in place. */
static void
sort_periods(Btyd *b)
{
	int			n = 0;
	int			i;

	if (b->nsorted == b->nperiods)
		return;
	qsort(b->periods, b->nperiods, sizeof(int32), compare_periods);
	for (i = 0; i < b->nperiods; i++)
		if (n == 0 || b->periods[i] != b->periods[n - 1])
			b->periods[n++] = b->periods[i];
	b->nperiods = b->nsorted = n;
}

Btyd *
btyd_compact(const Btyd *b)
{
	Size		size = BTYD_HEADER + b->nperiods * sizeof(int32);
	Btyd	   *copy = palloc(size);

	memcpy(copy, b, size);
	sort_periods(copy);
	SET_VARSIZE(copy, BTYD_HEADER + copy->nperiods * sizeof(int32));
	return copy;
}

/* Adds a period; the state may have to move. */
static Btyd *
add_period(Btyd *b, int32 number)
{
	int32		last = b->periods[b->nperiods - 1];

	if (number == last)
		return b;
	if (b->nperiods == BTYD_ROOM(b))
	{
		sort_periods(b);
		/* what sorting has freed should last for a while */
		if (b->nperiods > BTYD_ROOM(b) / 2)
		{
			Size		size = Max(VARSIZE(b) * 2, FIRST_SIZE * 2);
			Btyd	   *larger;

			if (!AllocSizeIsValid(size))
				ereport(ERROR,
						(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						 errmsg("too many periods with orders")));
			/* a size from the disk is not a power of two yet */
			if (size & (size - 1))
				size = pg_nextpower2_size_t(VARSIZE(b) + 1);
			larger = palloc0(size);
			memcpy(larger, b, VARSIZE(b));
			SET_VARSIZE(larger, size);
			b = larger;
		}
		last = b->periods[b->nperiods - 1];
	}
	if (b->nsorted == b->nperiods && number > last)
		b->nsorted++;
	b->periods[b->nperiods++] = number;
	return b;
}

/* ----- adding orders ----- */

void
btyd_get_revenues(const Btyd *b, Revenue *all, Revenue *first)
{
	memset(all, 0, sizeof(Revenue));
	all->low = (uint128) b->units;
	all->high = b->units < 0 ? -1 : 0;
	all->scale = b->scale;
	all->shown = b->shown;
	*first = *all;
	first->low = (uint128) b->first_units;
	first->high = b->first_units < 0 ? -1 : 0;
}

static bool
fits_in(const Revenue *revenue)
{
	return (int128) revenue->low >> 127 == revenue->high;
}

void
btyd_set_revenues(Btyd *b, Revenue all, Revenue first)
{
	int			attempt;
	int16		shown = Max(all.shown, first.shown);

	for (attempt = 0; attempt < 2; attempt++)
	{
		int			scale = Max(all.scale, first.scale);

		if (revenue_rescale(&all, scale) && revenue_rescale(&first, scale) &&
			fits_in(&all) && fits_in(&first))
		{
			b->units = (int128) all.low;
			b->first_units = (int128) first.low;
			b->scale = scale;
			b->shown = shown;
			return;
		}
		/* without the zeros they show they may */
		all = revenue_canonical(&all);
		first = revenue_canonical(&first);
	}
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("revenue out of range"),
			 errdetail("A btyd keeps revenue exactly, in 38 digits from its highest one to the last decimal place of any amount in it."),
			 errhint("Round the amounts to fewer decimals.")));
}

/* Adds an amount to the revenue, and to the first period's or in its place. */
static void
add_amount_slowly(Btyd *b, Datum amount, int32 number)
{
	Revenue		all;
	Revenue		first;
	Revenue		one;

	revenue_from_numeric(&one, amount);
	btyd_get_revenues(b, &all, &first);
	revenue_add(&all, &one);
	if (number == b->first)
		revenue_add(&first, &one);
	else if (number < b->first)
		first = one;
	btyd_set_revenues(b, all, first);
}

static inline void
add_amount(Btyd *b, Datum amount, int32 number)
{
	int64		units;
	int128		sum;
	int128		first = b->first_units;

	if (unlikely(!dec_units(amount, b->scale, &units) ||
				 __builtin_add_overflow(b->units, (int128) units, &sum)))
	{
		add_amount_slowly(b, amount, number);
		return;
	}
	if (number == b->first)
	{
		if (unlikely(__builtin_add_overflow(first, (int128) units, &first)))
		{
			add_amount_slowly(b, amount, number);
			return;
		}
		b->first_units = first;
	}
	else if (number < b->first)
		b->first_units = units;
	b->units = sum;
}

/* The state that may be changed; elsewhere than in an aggregate, a copy. */
static Btyd *
own_state(FunctionCallInfo fcinfo)
{
	Datum		state = PG_GETARG_DATUM(0);

	/* with many groups each line of it is a cache miss: have them at once */
	__builtin_prefetch(DatumGetPointer(state), 1);
	__builtin_prefetch(DatumGetPointer(state) + 64, 1);
	if (AggCheckCallContext(fcinfo, NULL) == 0)
		return (Btyd *) PG_DETOAST_DATUM_COPY(state);
	/* a state that came through a tuple may have got a short header */
	return (Btyd *) PG_DETOAST_DATUM(state);
}

static Datum
add_order(FunctionCallInfo fcinfo, Timestamp at)
{
	BtydPeriod	period = PG_NARGS() > 3 ? period_of_interval(PG_GETARG_INTERVAL_P(3)) :
		BTYD_PERIOD(1, BTYD_DAYS);
	Datum		amount = PG_GETARG_DATUM(2);
	Btyd	   *b;
	int32		number;

	if (unlikely(PG_ARGISNULL(0)))
	{
		Revenue		revenue;

		if (PG_NARGS() > 3)
			period = btyd_read_period(PG_GETARG_INTERVAL_P(3));
		number = btyd_period_of(period, at);
		b = palloc0(FIRST_SIZE);
		SET_VARSIZE(b, FIRST_SIZE);
		b->period = period;
		b->first = number;
		b->nperiods = b->nsorted = 1;
		b->periods[0] = number;
		revenue_from_numeric(&revenue, amount);
		btyd_set_revenues(b, revenue, revenue);
		PG_RETURN_POINTER(b);
	}

	b = own_state(fcinfo);
	if (unlikely(b->period != period))
		other_period();
	number = btyd_period_of(period, at);
	add_amount(b, amount, number);
	b->first = Min(b->first, number);
	PG_RETURN_POINTER(add_period(b, number));
}

static inline void
check_period(FunctionCallInfo fcinfo)
{
	if (PG_NARGS() > 3 && PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("period must not be NULL"),
				 errhint("Usual periods are '1 day', '1 week' and '1 month'.")));
}

/* btyd_add(btyd, timestamp, numeric [, interval]) -> btyd, and with timestamptz */
Datum
btyd_add_timestamp(PG_FUNCTION_ARGS)
{
	check_period(fcinfo);
	SKIP_INCOMPLETE_ORDER();
	return add_order(fcinfo, order_time(PG_GETARG_TIMESTAMP(1)));
}

/* btyd_add(btyd, date, numeric [, interval]) -> btyd */
Datum
btyd_add_date(PG_FUNCTION_ARGS)
{
	check_period(fcinfo);
	SKIP_INCOMPLETE_ORDER();
	return add_order(fcinfo, order_time_of_day(PG_GETARG_DATEADT(1)));
}

/* btyd_merge(btyd, btyd) -> btyd; also the combine function */
Datum
btyd_merge(PG_FUNCTION_ARGS)
{
	Btyd	   *a = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	Btyd	   *b = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(1)));
	Btyd	   *both;
	Revenue		all;
	Revenue		first;
	Revenue		other;
	Revenue		other_first;
	Size		size = BTYD_HEADER + ((Size) a->nperiods + b->nperiods) * sizeof(int32);

	if (a->period != b->period)
		other_period();
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many periods with orders")));
	both = palloc(size);
	memcpy(both, a, VARSIZE(a));
	memcpy(both->periods + a->nperiods, b->periods, b->nperiods * sizeof(int32));
	both->nperiods = a->nperiods + b->nperiods;
	sort_periods(both);
	SET_VARSIZE(both, BTYD_HEADER + both->nperiods * sizeof(int32));

	btyd_get_revenues(a, &all, &first);
	btyd_get_revenues(b, &other, &other_first);
	revenue_add(&all, &other);
	if (b->first < a->first)
		first = other_first;
	else if (b->first == a->first)
		revenue_add(&first, &other_first);
	both->first = Min(a->first, b->first);
	btyd_set_revenues(both, all, first);
	PG_RETURN_POINTER(both);
}

/* btyd_final(btyd) -> btyd: the state as it is stored */
Datum
btyd_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0))));
}

/* ----- what the models want ----- */

void
btyd_measure(const Btyd *b, Timestamp as_of, int64 *x, int64 *t_x, int64 *t)
{
	int32		end = btyd_period_of(b->period, as_of);
	int32		last = b->periods[b->nperiods - 1];

	Assert(b->nsorted == b->nperiods);
	if (last > end)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the summary has orders after as_of"),
				 errhint("Summarise the orders up to it: btyd_agg(...) FILTER (WHERE at <= as_of).")));
	*x = b->nperiods - 1;
	*t_x = (int64) last - b->first;
	*t = (int64) end - b->first;
}

/* btyd_stats(btyd, timestamp) -> x, t_x, t, m_x */
Datum
btyd_stats(PG_FUNCTION_ARGS)
{
	Btyd	   *b = (Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	Timestamp	as_of = PG_GETARG_TIMESTAMP(1);
	TupleDesc	desc = fcinfo->flinfo->fn_extra;
	Datum		values[4];
	bool		nulls[4] = {false};
	int64		x;
	int64		t_x;
	int64		t;

	if (desc == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		fcinfo->flinfo->fn_extra = desc = BlessTupleDesc(CreateTupleDescCopy(desc));
		MemoryContextSwitchTo(caller);
	}
	if (TIMESTAMP_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be finite"),
				 errhint("Pass the time up to which orders were observed.")));
	if (b->nsorted != b->nperiods)
		b = btyd_compact(b);
	btyd_measure(b, as_of, &x, &t_x, &t);
	values[0] = Int64GetDatum(x);
	values[1] = Int64GetDatum(t_x);
	values[2] = Int64GetDatum(t);
	if (x == 0)
		values[3] = NumericGetDatum(int64_to_numeric(0));
	else
	{
		Revenue		all;
		Revenue		first;

		btyd_get_revenues(b, &all, &first);
		values[3] = DirectFunctionCall2(numeric_div,
										DirectFunctionCall2(numeric_sub,
															NumericGetDatum(revenue_to_numeric(&all)),
															NumericGetDatum(revenue_to_numeric(&first))),
										NumericGetDatum(int64_to_numeric(x)));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

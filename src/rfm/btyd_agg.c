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
#include "utils/builtins.h"
#include "utils/date.h"
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

static const Interval one_day = {0, 1, 0};

/* ----- periods ----- */

void
btyd_check_period(const Interval *period)
{
	int			parts = (period->month != 0) + (period->day != 0) + (period->time != 0);

	if (parts != 1 || period->month < 0 || period->day < 0 || period->time < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid period"),
				 errdetail("A period is a positive number of months, or of days, or of hours and less; not a mixture."),
				 errhint("Usual periods are '1 day', '1 week' and '1 month'.")));
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
btyd_period_of(const Interval *period, Timestamp at)
{
	int64		number;

	if (period->day != 0)
	{
		number = floor_div(at, USECS_PER_DAY);
		if (period->day != 1)
			number = floor_div(number - FIRST_MONDAY, period->day);
	}
	else if (period->month != 0)
		number = floor_div(month_of(at), period->month);
	else
		number = floor_div(at, period->time);
	if (unlikely(number != (int32) number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the period is too short for this time"),
				 errdetail("2^31 periods before and after the year 2000 are counted."),
				 errhint("Take a longer period; a second reaches 68 years.")));
	return (int32) number;
}

Timestamp
btyd_period_start(const Interval *period, int32 number)
{
	/* numbers that were read may be any: too wide for 64 bits */
	int128		day;

	if (period->time != 0)
	{
		int128		usecs = (int128) number * period->time;

		return usecs == (int64) usecs ? (Timestamp) usecs : DT_NOEND;
	}
	if (period->month != 0)
	{
		int64		month = (int64) number * period->month;
		int64		year = 2000 + floor_div(month, 12);

		if (year < -5000 || year > 300000)
			return DT_NOEND;
		day = date2j((int) year, (int) (month - floor_div(month, 12) * 12) + 1, 1) -
			POSTGRES_EPOCH_JDATE;
	}
	else
		day = (int128) number * period->day + (period->day != 1 ? FIRST_MONDAY : 0);
	if (day < -1000000000 || day > 1000000000 ||
		!IS_VALID_TIMESTAMP((Timestamp) day * USECS_PER_DAY))
		return DT_NOEND;
	return (Timestamp) day * USECS_PER_DAY;
}

static inline bool
same_period(const Interval *a, const Interval *b)
{
	return a->day == b->day && a->month == b->month && a->time == b->time;
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

static void
add_amount(Revenue *revenue, Datum amount)
{
	int64		units;

	if (unlikely(!dec_units(amount, revenue->scale, &units) ||
				 !revenue_add_units(revenue, units)))
		revenue_add_numeric(revenue, amount);
}

/* The state that may be changed; elsewhere than in an aggregate, a copy. */
static Btyd *
own_state(FunctionCallInfo fcinfo)
{
	Datum		state = PG_GETARG_DATUM(0);

	/* with many groups each line of it is a cache miss: have them at once */
	__builtin_prefetch(DatumGetPointer(state), 1);
	__builtin_prefetch(DatumGetPointer(state) + 64, 1);
	__builtin_prefetch(DatumGetPointer(state) + 128, 1);
	if (AggCheckCallContext(fcinfo, NULL) == 0)
		return (Btyd *) PG_DETOAST_DATUM_COPY(state);
	/* a state that came through a tuple may have got a short header */
	return (Btyd *) PG_DETOAST_DATUM(state);
}

static Datum
add_order(FunctionCallInfo fcinfo, Timestamp at)
{
	const Interval *period = PG_NARGS() > 3 ? PG_GETARG_INTERVAL_P(3) : &one_day;
	Datum		amount = PG_GETARG_DATUM(2);
	Btyd	   *b;
	int32		number;

	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an order's time must be finite"),
				 errhint("Leave such orders out with FILTER (WHERE isfinite(...)), or make the time NULL; NULL is skipped.")));
	if (unlikely(PG_ARGISNULL(0)))
	{
		btyd_check_period(period);
		number = btyd_period_of(period, at);
		b = palloc0(FIRST_SIZE);
		SET_VARSIZE(b, FIRST_SIZE);
		b->period = *period;
		b->first = number;
		b->nperiods = b->nsorted = 1;
		b->periods[0] = number;
		revenue_from_numeric(&b->revenue, amount);
		b->first_revenue = b->revenue;
		PG_RETURN_POINTER(b);
	}

	b = own_state(fcinfo);
	if (unlikely(!same_period(&b->period, period)))
		other_period();
	number = btyd_period_of(&b->period, at);
	add_amount(&b->revenue, amount);
	if (number == b->first)
		add_amount(&b->first_revenue, amount);
	else if (number < b->first)
	{
		b->first = number;
		revenue_from_numeric(&b->first_revenue, amount);
	}
	PG_RETURN_POINTER(add_period(b, number));
}

/* An order without time or amount changes nothing. */
#define SKIP_INCOMPLETE_ORDER() \
	do { \
		if (PG_NARGS() > 3 && PG_ARGISNULL(3)) \
			ereport(ERROR, \
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), \
					 errmsg("period must not be NULL"))); \
		if (unlikely(PG_ARGISNULL(1) || PG_ARGISNULL(2))) \
		{ \
			if (PG_ARGISNULL(0)) \
				PG_RETURN_NULL(); \
			PG_RETURN_DATUM(PG_GETARG_DATUM(0)); \
		} \
	} while (0)

/* btyd_add(btyd, timestamp, numeric [, interval]) -> btyd, and with timestamptz */
Datum
btyd_add_timestamp(PG_FUNCTION_ARGS)
{
	SKIP_INCOMPLETE_ORDER();
	return add_order(fcinfo, PG_GETARG_TIMESTAMP(1));
}

/* btyd_add(btyd, date, numeric [, interval]) -> btyd */
Datum
btyd_add_date(PG_FUNCTION_ARGS)
{
	DateADT		day;

	SKIP_INCOMPLETE_ORDER();
	day = PG_GETARG_DATEADT(1);
	if (unlikely(DATE_NOT_FINITE(day)))
		return add_order(fcinfo, DT_NOEND); /* complains */
	if (unlikely(day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range for timestamp"),
				 errhint("The last day a timestamp holds is 294276-12-31.")));
	return add_order(fcinfo, (Timestamp) day * USECS_PER_DAY);
}

/* btyd_merge(btyd, btyd) -> btyd; also the combine function */
Datum
btyd_merge(PG_FUNCTION_ARGS)
{
	Btyd	   *a = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	Btyd	   *b = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(1)));
	Btyd	   *both;
	Size		size = BTYD_HEADER + ((Size) a->nperiods + b->nperiods) * sizeof(int32);

	if (!same_period(&a->period, &b->period))
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

	revenue_add(&both->revenue, &b->revenue);
	both->first = Min(a->first, b->first);
	if (b->first < a->first)
		both->first_revenue = b->first_revenue;
	else if (b->first == a->first)
		revenue_add(&both->first_revenue, &b->first_revenue);
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
	int32		end = btyd_period_of(&b->period, as_of);
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
				 errmsg("as_of must be finite")));
	if (b->nsorted != b->nperiods)
		b = btyd_compact(b);
	btyd_measure(b, as_of, &x, &t_x, &t);
	values[0] = Int64GetDatum(x);
	values[1] = Int64GetDatum(t_x);
	values[2] = Int64GetDatum(t);
	if (x == 0)
		values[3] = NumericGetDatum(int64_to_numeric(0));
	else
		values[3] = DirectFunctionCall2(numeric_div,
										DirectFunctionCall2(numeric_sub,
															NumericGetDatum(revenue_to_numeric(&b->revenue)),
															NumericGetDatum(revenue_to_numeric(&b->first_revenue))),
										NumericGetDatum(int64_to_numeric(x)));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * btyd.c
 *		The btyd type: reading and writing it, equality.
 *
 * As text a btyd is (period,revenue,first_revenue,{starts}): the beginnings of
 * the periods with orders, in ISO form. Not here: how one is made of orders
 * (btyd_agg.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "rfm/btyd.h"
#include "rfm/iso.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(btyd_in);
PG_FUNCTION_INFO_V1(btyd_out);
PG_FUNCTION_INFO_V1(btyd_recv);
PG_FUNCTION_INFO_V1(btyd_send);
PG_FUNCTION_INFO_V1(btyd_eq);
PG_FUNCTION_INFO_V1(btyd_ne);

static const struct
{
	const char *name;
	int64		usecs;
}			time_units[] = {
	{"hours", USECS_PER_HOUR}, {"minutes", USECS_PER_MINUTE}, {"seconds", USECS_PER_SEC},
	{"microseconds", 1}
};

static void
bad_syntax(const char *input)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", "quotetier.btyd", input),
			 errhint("Write (period,revenue,first_revenue,{starts}), for example (1 days,30.00,10.00,{2017-01-03,2017-02-14}).")));
}

static void
broken(int sqlstate, const char *detail)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("invalid btyd value"),
			 errdetail("%s", detail),
			 errhint("btyd_agg(at, amount, period) makes one of orders.")));
}

/* What every btyd holds to on disk, wherever it comes from. */
static void
check_btyd(const Btyd *b, int sqlstate)
{
	Revenue		all;
	Revenue		first;
	int			i;

	for (i = 0; i < b->nperiods; i++)
	{
		Timestamp	start = btyd_period_start(b->period, b->periods[i]);

		if (i > 0 && b->periods[i] <= b->periods[i - 1])
			broken(sqlstate, "The periods must be ascending and distinct.");
		if (TIMESTAMP_NOT_FINITE(start) || !IS_VALID_TIMESTAMP(start) ||
			 btyd_period_of(b->period, start) != b->periods[i])
			broken(sqlstate, "A period lies outside of what timestamps hold.");
	}
	btyd_get_revenues(b, &all, &first);
	if (!revenue_valid(&all))
		broken(sqlstate, "A revenue is not in its proper form.");
	if (b->nperiods == 1 && b->units != b->first_units)
		broken(sqlstate, "With one period, its revenue is all there is.");
}

static Btyd *
make(int n)
{
	Btyd	   *b = palloc0(BTYD_HEADER + n * sizeof(int32));

	SET_VARSIZE(b, BTYD_HEADER + n * sizeof(int32));
	b->nperiods = b->nsorted = n;
	return b;
}

static void
append_period(StringInfo out, BtydPeriod period)
{
	int64		length = BTYD_LENGTH(period);
	int			i;

	if (BTYD_UNIT(period) == BTYD_USECS)
	{
		for (i = 0; length % time_units[i].usecs != 0; i++)
			 /* the next smaller unit */ ;
		appendStringInfo(out, INT64_FORMAT " %s", length / time_units[i].usecs,
						 time_units[i].name);
	}
	else
		appendStringInfo(out, INT64_FORMAT " %s", length,
						 BTYD_UNIT(period) == BTYD_MONTHS ? "months" : "days");
}

static bool
read_period(char *text, Interval *period)
{
	char	   *unit = strchr(text, ' ');
	int64		n;
	int			i;

	memset(period, 0, sizeof(Interval));
	if (unit == NULL)
		return false;
	*unit++ = '\0';
	n = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text)));
	if (strcmp(unit, "months") == 0 || strcmp(unit, "days") == 0)
	{
		if (n != (int32) n)
			return false;
		*(*unit == 'm' ? &period->month : &period->day) = (int32) n;
		return true;
	}
	for (i = 0; i < lengthof(time_units); i++)
		if (strcmp(unit, time_units[i].name) == 0)
			return !__builtin_mul_overflow(n, time_units[i].usecs, &period->time);
	return false;
}

static Datum
read_numeric(char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* btyd_in(cstring) -> btyd */
Datum
btyd_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	char	   *text = pstrdup(input);
	char	   *part[4];
	Interval	interval;
	Revenue		all;
	Revenue		first;
	Btyd	   *b;
	char	   *p;
	int			n = 1;
	int			i;

	if (*text != '(')
		bad_syntax(input);
	part[0] = text + 1;
	for (i = 1; i < 4; i++)
	{
		part[i] = strchr(part[i - 1], ',');
		if (part[i] == NULL)
			bad_syntax(input);
		*part[i]++ = '\0';
	}
	p = part[3] + strlen(part[3]);
	if (*part[3] != '{' || p - part[3] < 4 || strcmp(p - 2, "})") != 0)
		bad_syntax(input);
	p[-2] = '\0';
	for (p = part[3]; *p != '\0'; p++)
		n += *p == ',';

	if (!read_period(part[0], &interval))
		bad_syntax(input);
	b = make(n);
	b->period = btyd_read_period(&interval);
	revenue_from_numeric(&all, read_numeric(part[1]));
	revenue_from_numeric(&first, read_numeric(part[2]));
	btyd_set_revenues(b, all, first);
	p = part[3] + 1;
	for (i = 0; i < n; i++)
	{
		char	   *comma = strchr(p, ',');
		Timestamp	start;

		if (comma != NULL)
			*comma = '\0';
		if (!iso_to_timestamp(p, &start))
			bad_syntax(input);
		b->periods[i] = btyd_period_of(b->period, start);
		if (btyd_period_start(b->period, b->periods[i]) != start)
			broken(ERRCODE_INVALID_TEXT_REPRESENTATION, "A time is not the beginning of a period.");
		p = comma + 1;
	}
	b->first = b->periods[0];
	check_btyd(b, ERRCODE_INVALID_TEXT_REPRESENTATION);
	PG_RETURN_POINTER(b);
}

static void
append_numeric(StringInfo out, const Revenue *revenue)
{
	appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out,
																	NumericGetDatum(revenue_to_numeric(revenue)))));
}

/* btyd_out(btyd) -> cstring */
Datum
btyd_out(PG_FUNCTION_ARGS)
{
	Btyd	   *b = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	StringInfoData out;
	Revenue		all;
	Revenue		first;
	int			i;

	initStringInfo(&out);
	appendStringInfoChar(&out, '(');
	append_period(&out, b->period);
	btyd_get_revenues(b, &all, &first);
	appendStringInfoChar(&out, ',');
	append_numeric(&out, &all);
	appendStringInfoChar(&out, ',');
	append_numeric(&out, &first);
	for (i = 0; i < b->nperiods; i++)
	{
		int			start = out.len + 2;
		char	   *midnight;

		appendStringInfoString(&out, i == 0 ? ",{" : ",");
		append_iso_timestamp(&out, btyd_period_start(b->period, b->periods[i]));
		/* periods of days need no time */
		if (BTYD_UNIT(b->period) != BTYD_USECS && (midnight = strstr(out.data + start - 1, " 00:00:00")) != NULL)
		{
			memmove(midnight, midnight + 9, strlen(midnight + 9) + 1);
			out.len -= 9;
		}
	}
	appendStringInfoString(&out, "})");
	PG_RETURN_CSTRING(out.data);
}

static void
send_units(StringInfo buf, int128 units)
{
	pq_sendint64(buf, (int64) ((uint128) units >> 64));
	pq_sendint64(buf, (int64) units);
}

static int128
receive_units(StringInfo buf)
{
	uint64		high = (uint64) pq_getmsgint64(buf);

	return (int128) (((uint128) high << 64) | (uint64) pq_getmsgint64(buf));
}

/* btyd_send(btyd) -> bytea: period, scales, revenues, number of periods, periods */
Datum
btyd_send(PG_FUNCTION_ARGS)
{
	Btyd	   *b = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	StringInfoData buf;
	int			i;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, BTYD_UNIT(b->period));
	pq_sendint64(&buf, BTYD_LENGTH(b->period));
	pq_sendint16(&buf, b->scale);
	pq_sendint16(&buf, b->shown);
	send_units(&buf, b->units);
	send_units(&buf, b->first_units);
	pq_sendint32(&buf, b->nperiods);
	for (i = 0; i < b->nperiods; i++)
		pq_sendint32(&buf, b->periods[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* btyd_recv(internal) -> btyd: what btyd_send wrote, checked like btyd_in */
Datum
btyd_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	Btyd		head;
	Btyd	   *b;
	int			unit = pq_getmsgbyte(buf);
	int64		length = pq_getmsgint64(buf);
	int32		n;
	int			i;

	head.scale = (int16) pq_getmsgint(buf, 2);
	head.shown = (int16) pq_getmsgint(buf, 2);
	head.units = receive_units(buf);
	head.first_units = receive_units(buf);
	n = (int32) pq_getmsgint(buf, 4);
	if (unit > BTYD_USECS || length <= 0 ||
		length > (unit == BTYD_USECS ? PG_INT64_MAX >> 2 : PG_INT32_MAX))
		broken(ERRCODE_INVALID_BINARY_REPRESENTATION, "The period is not one.");
	if (n < 1 || n > (buf->len - buf->cursor) / (int) sizeof(int32))
		broken(ERRCODE_INVALID_BINARY_REPRESENTATION,
			   "The number of periods does not go with the length of the value.");
	b = make(n);
	b->period = BTYD_PERIOD(length, unit);
	b->scale = head.scale;
	b->shown = head.shown;
	b->units = head.units;
	b->first_units = head.first_units;
	for (i = 0; i < n; i++)
		b->periods[i] = (int32) pq_getmsgint(buf, 4);
	b->first = b->periods[0];
	check_btyd(b, ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_POINTER(b);
}

static bool
same_btyd(FunctionCallInfo fcinfo)
{
	Btyd	   *a = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0)));
	Btyd	   *b = btyd_compact((Btyd *) PG_DETOAST_DATUM(PG_GETARG_DATUM(1)));

	Revenue		revenue[4];

	btyd_get_revenues(a, &revenue[0], &revenue[1]);
	btyd_get_revenues(b, &revenue[2], &revenue[3]);
	return a->period == b->period && a->nperiods == b->nperiods &&
		memcmp(a->periods, b->periods, a->nperiods * sizeof(int32)) == 0 &&
		revenue_equal(&revenue[0], &revenue[2]) && revenue_equal(&revenue[1], &revenue[3]);
}

/* btyd = btyd; revenues as numbers */
Datum
btyd_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_btyd(fcinfo));
}

/* btyd <> btyd */
Datum
btyd_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_btyd(fcinfo));
}

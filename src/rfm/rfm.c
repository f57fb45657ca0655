/*
 * rfm.c
 *		The rfm type: reading and writing it, its parts, equality.
 *
 * As text an rfm is (first_at,last_at,orders,revenue), with times in ISO form
 * whatever DateStyle says. Not here: how one is made of orders (rfm_agg.c).
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "rfm/iso.h"
#include "rfm/rfm.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(rfm_in);
PG_FUNCTION_INFO_V1(rfm_out);
PG_FUNCTION_INFO_V1(rfm_recv);
PG_FUNCTION_INFO_V1(rfm_send);
PG_FUNCTION_INFO_V1(rfm_make);
PG_FUNCTION_INFO_V1(rfm_first_at);
PG_FUNCTION_INFO_V1(rfm_last_at);
PG_FUNCTION_INFO_V1(rfm_orders);
PG_FUNCTION_INFO_V1(rfm_revenue);
PG_FUNCTION_INFO_V1(rfm_average_order);
PG_FUNCTION_INFO_V1(rfm_recency_days);
PG_FUNCTION_INFO_V1(rfm_eq);
PG_FUNCTION_INFO_V1(rfm_ne);
PG_FUNCTION_INFO_V1(rfm_hash);
PG_FUNCTION_INFO_V1(rfm_hash_extended);

/* What every rfm holds to, wherever it comes from. */
static void
check_rfm(const Rfm *rfm, int sqlstate)
{
	const char *broken = NULL;

	if (TIMESTAMP_NOT_FINITE(rfm->first_at) || TIMESTAMP_NOT_FINITE(rfm->last_at) ||
		!IS_VALID_TIMESTAMP(rfm->first_at) || !IS_VALID_TIMESTAMP(rfm->last_at))
		broken = "The times of the first and last order must be finite timestamps.";
	else if (rfm->first_at > rfm->last_at)
		broken = "The first order must not be after the last.";
	else if (rfm->orders < 1)
		broken = "There must be at least one order.";
	else if (rfm->orders == 1 && rfm->first_at != rfm->last_at)
		broken = "One order is the first and the last.";
	else if (!revenue_valid(&rfm->revenue))
		broken = "The revenue is not in its proper form.";
	if (broken != NULL)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("invalid rfm value"),
				 errdetail("%s", broken),
				 errhint("An rfm is (first_at,last_at,orders,revenue); rfm_agg(at, amount) makes one of orders.")));
}

static void
bad_syntax(const char *input)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", "quotetier.rfm", input),
			 errhint("Write (first_at,last_at,orders,revenue), for example (2017-01-03 00:00:00,2017-12-30 09:30:00,5,229.70).")));
}

/* rfm_in(cstring) -> rfm */
Datum
rfm_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	Rfm		   *rfm = palloc0(sizeof(Rfm));
	char	   *fields[4];
	char	   *copy = pstrdup(input);
	char	   *end;
	int			n;

	while (*copy == ' ')
		copy++;
	end = copy + strlen(copy);
	while (end > copy && end[-1] == ' ')
		end--;
	if (*copy != '(' || end - copy < 2 || end[-1] != ')')
		bad_syntax(input);
	end[-1] = '\0';
	for (n = 0, copy++; copy != NULL; n++)
	{
		char	   *comma = strchr(copy, ',');

		if (n == lengthof(fields))
			bad_syntax(input);
		if (comma != NULL)
			*comma++ = '\0';
		fields[n] = copy;
		copy = comma;
	}
	if (n != lengthof(fields))
		bad_syntax(input);

	if (!iso_to_timestamp(fields[0], &rfm->first_at) || !iso_to_timestamp(fields[1], &rfm->last_at))
		bad_syntax(input);
	rfm->orders = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(fields[2])));
	revenue_from_numeric(&rfm->revenue,
						 DirectFunctionCall3(numeric_in, CStringGetDatum(fields[3]),
											 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	check_rfm(rfm, ERRCODE_INVALID_TEXT_REPRESENTATION);
	PG_RETURN_RFM_P(rfm);
}

/* rfm_out(rfm) -> cstring */
Datum
rfm_out(PG_FUNCTION_ARGS)
{
	Rfm		   *rfm = PG_GETARG_RFM_P(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '(');
	append_iso_timestamp(&out, rfm->first_at);
	appendStringInfoChar(&out, ',');
	append_iso_timestamp(&out, rfm->last_at);
	appendStringInfo(&out, "," INT64_FORMAT ",%s)", rfm->orders,
					 DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(revenue_to_numeric(&rfm->revenue)))));
	PG_RETURN_CSTRING(out.data);
}

/* rfm_recv(internal) -> rfm: what rfm_send wrote, checked like rfm_in */
Datum
rfm_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	Rfm		   *rfm = palloc0(sizeof(Rfm));
	uint64		limb[4];
	int			i;

	rfm->first_at = pq_getmsgint64(buf);
	rfm->last_at = pq_getmsgint64(buf);
	rfm->orders = pq_getmsgint64(buf);
	rfm->revenue.scale = (int16) pq_getmsgint(buf, 2);
	rfm->revenue.shown = (int16) pq_getmsgint(buf, 2);
	for (i = 0; i < lengthof(limb); i++)
		limb[i] = (uint64) pq_getmsgint64(buf);
	rfm->revenue.high = (int128) (((uint128) limb[0] << 64) | limb[1]);
	rfm->revenue.low = ((uint128) limb[2] << 64) | limb[3];
	check_rfm(rfm, ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_RFM_P(rfm);
}

/* rfm_send(rfm) -> bytea: times, count, scales, units from the highest byte */
Datum
rfm_send(PG_FUNCTION_ARGS)
{
	Rfm		   *rfm = PG_GETARG_RFM_P(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, rfm->first_at);
	pq_sendint64(&buf, rfm->last_at);
	pq_sendint64(&buf, rfm->orders);
	pq_sendint16(&buf, rfm->revenue.scale);
	pq_sendint16(&buf, rfm->revenue.shown);
	pq_sendint64(&buf, (int64) ((uint128) rfm->revenue.high >> 64));
	pq_sendint64(&buf, (int64) rfm->revenue.high);
	pq_sendint64(&buf, (int64) (rfm->revenue.low >> 64));
	pq_sendint64(&buf, (int64) rfm->revenue.low);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* rfm(first_at, last_at, orders, revenue) -> rfm: from a rollup kept elsewhere */
Datum
rfm_make(PG_FUNCTION_ARGS)
{
	Rfm		   *rfm = palloc0(sizeof(Rfm));

	rfm->first_at = PG_GETARG_TIMESTAMP(0);
	rfm->last_at = PG_GETARG_TIMESTAMP(1);
	rfm->orders = PG_GETARG_INT64(2);
	revenue_from_numeric(&rfm->revenue, PG_GETARG_DATUM(3));
	check_rfm(rfm, ERRCODE_INVALID_PARAMETER_VALUE);
	PG_RETURN_RFM_P(rfm);
}

/* first_at(rfm) -> timestamp */
Datum
rfm_first_at(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(PG_GETARG_RFM_P(0)->first_at);
}

/* last_at(rfm) -> timestamp */
Datum
rfm_last_at(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMP(PG_GETARG_RFM_P(0)->last_at);
}

/* orders(rfm) -> bigint */
Datum
rfm_orders(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_RFM_P(0)->orders);
}

/* revenue(rfm) -> numeric */
Datum
rfm_revenue(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(revenue_to_numeric(&PG_GETARG_RFM_P(0)->revenue));
}

/* average_order(rfm) -> numeric: revenue / orders, with numeric's own digits */
Datum
rfm_average_order(PG_FUNCTION_ARGS)
{
	Rfm		   *rfm = PG_GETARG_RFM_P(0);

	PG_RETURN_DATUM(DirectFunctionCall2(numeric_div,
										NumericGetDatum(revenue_to_numeric(&rfm->revenue)),
										NumericGetDatum(int64_to_numeric(rfm->orders))));
}

/* recency_days(rfm, as_of date) -> int: whole days from the last order's day */
Datum
rfm_recency_days(PG_FUNCTION_ARGS)
{
	Rfm		   *rfm = PG_GETARG_RFM_P(0);
	DateADT		as_of = PG_GETARG_DATEADT(1);
	int64		day = rfm->last_at / USECS_PER_DAY;

	if (DATE_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be a finite date"),
				 errhint("Pass the day from which recency is counted, such as current_date.")));
	if (rfm->last_at % USECS_PER_DAY < 0)
		day--;
	PG_RETURN_INT32((int32) (as_of - day));
}

static bool
same_rfm(const Rfm *a, const Rfm *b)
{
	return a->first_at == b->first_at && a->last_at == b->last_at &&
		a->orders == b->orders && revenue_equal(&a->revenue, &b->revenue);
}

/* rfm = rfm; revenues as numbers, so 1.5 and 1.50 are equal */
Datum
rfm_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_rfm(PG_GETARG_RFM_P(0), PG_GETARG_RFM_P(1)));
}

/* rfm <> rfm */
Datum
rfm_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_rfm(PG_GETARG_RFM_P(0), PG_GETARG_RFM_P(1)));
}

/* The bytes that equal values share. */
static Rfm
hashed(const Rfm *rfm)
{
	Rfm			h = *rfm;

	h.revenue = revenue_canonical(&rfm->revenue);
	h.revenue.shown = 0;
	return h;
}

/* rfm_hash(rfm) -> int */
Datum
rfm_hash(PG_FUNCTION_ARGS)
{
	Rfm			h = hashed(PG_GETARG_RFM_P(0));

	return hash_any((unsigned char *) &h, sizeof(h));
}

/* rfm_hash_extended(rfm, bigint) -> bigint */
Datum
rfm_hash_extended(PG_FUNCTION_ARGS)
{
	Rfm			h = hashed(PG_GETARG_RFM_P(0));

	return hash_any_extended((unsigned char *) &h, sizeof(h), PG_GETARG_INT64(1));
}

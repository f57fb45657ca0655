/*
 * rfm_agg.c
 *		Making an rfm of orders, and one rfm of two: the aggregate's inner loop.
 *
 * The state is the rfm itself. In an aggregate it is changed in place and the
 * same pointer returned, so that nothing is copied on a row. Not here: the
 * type's own functions (rfm.c), nor the bulk path (rfm_table.c).
 */
#include "postgres.h"

#include "base/dec.h"
#include "common/int.h"
#include "rfm/order_time.h"
#include "rfm/rfm.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(rfm_add_date);
PG_FUNCTION_INFO_V1(rfm_add_timestamp);
PG_FUNCTION_INFO_V1(rfm_merge);

static void
too_many_orders(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("order count out of range")));
}

/*
 * The state that may be changed: the argument itself inside an aggregate, a
 * copy of it elsewhere. The first state of a group is made in the context of
 * the row, from where nodeAgg copies it to its own.
 */
static inline Rfm *
own_state(FunctionCallInfo fcinfo)
{
	Rfm		   *state = PG_GETARG_RFM_P(0);

	if (unlikely(AggCheckCallContext(fcinfo, NULL) == 0))
	{
		Rfm		   *copy = palloc(sizeof(Rfm));

		memcpy(copy, state, sizeof(Rfm));
		state = copy;
	}
	return state;
}

static Datum
first_order(Timestamp at, Datum amount)
{
	Rfm		   *state = palloc0(sizeof(Rfm));

	state->first_at = at;
	state->last_at = at;
	state->orders = 1;
	revenue_from_numeric(&state->revenue, amount);
	PG_RETURN_RFM_P(state);
}

static inline Datum
add_order(FunctionCallInfo fcinfo, Timestamp at)
{
	Datum		amount = PG_GETARG_DATUM(2);
	Rfm		   *state;
	int64		units;

	if (unlikely(PG_ARGISNULL(0)))
		return first_order(at, amount);

	state = own_state(fcinfo);
	if (unlikely(!dec_units(amount, state->revenue.scale, &units) ||
				 !revenue_add_units(&state->revenue, units)))
		revenue_add_numeric(&state->revenue, amount);
	if (at < state->first_at)
		state->first_at = at;
	if (at > state->last_at)
		state->last_at = at;
	if (unlikely(pg_add_s64_overflow(state->orders, 1, &state->orders)))
		too_many_orders();
	PG_RETURN_RFM_P(state);
}

/*
 * rfm_add(rfm, timestamp, numeric) -> rfm, and with timestamptz, whose value
 * is its UTC wall clock
 */
Datum
rfm_add_timestamp(PG_FUNCTION_ARGS)
{
	SKIP_INCOMPLETE_ORDER();
	return add_order(fcinfo, order_time(PG_GETARG_TIMESTAMP(1)));
}

/* rfm_add(rfm, date, numeric) -> rfm */
Datum
rfm_add_date(PG_FUNCTION_ARGS)
{
	SKIP_INCOMPLETE_ORDER();
	return add_order(fcinfo, order_time_of_day(PG_GETARG_DATEADT(1)));
}

/* rfm_merge(rfm, rfm) -> rfm: one summary of two; also the combine function */
Datum
rfm_merge(PG_FUNCTION_ARGS)
{
	Rfm		   *state = own_state(fcinfo);
	Rfm		   *other = PG_GETARG_RFM_P(1);
	int64		orders;

	if (pg_add_s64_overflow(state->orders, other->orders, &orders))
		too_many_orders();
	revenue_add(&state->revenue, &other->revenue);
	state->orders = orders;
	state->first_at = Min(state->first_at, other->first_at);
	state->last_at = Max(state->last_at, other->last_at);
	PG_RETURN_RFM_P(state);
}

/*
 * order_time.h
 *		The time of an order, as rfm_add() and btyd_add() take it.
 *
 * Not here: what is made of it (rfm_agg.c, btyd_agg.c).
 */
#ifndef QUOTETIER_ORDER_TIME_H
#define QUOTETIER_ORDER_TIME_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/date.h"

extern void infinite_order_time(void) pg_attribute_noreturn();
extern void order_day_out_of_range(void) pg_attribute_noreturn();

/* A timestamp, or a timestamptz as its UTC wall clock. */
static inline Timestamp
order_time(Timestamp at)
{
	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		infinite_order_time();
	return at;
}

static inline Timestamp
order_time_of_day(DateADT day)
{
	if (unlikely(DATE_NOT_FINITE(day)))
		infinite_order_time();
	if (unlikely(day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE))
		order_day_out_of_range();
	return (Timestamp) day * USECS_PER_DAY;
}

/* add(state, at, amount, ...): an order without time or amount changes nothing. */
#define SKIP_INCOMPLETE_ORDER() \
	do { \
		if (unlikely(PG_ARGISNULL(1) || PG_ARGISNULL(2))) \
		{ \
			if (PG_ARGISNULL(0)) \
				PG_RETURN_NULL(); \
			PG_RETURN_DATUM(PG_GETARG_DATUM(0)); \
		} \
	} while (0)

#endif

/*
 * order_time.c
 *		What is said of times that no order can have.
 */
#include "postgres.h"

#include "rfm/order_time.h"

void
infinite_order_time(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("an order's time must be finite"),
			 errhint("Leave such orders out with FILTER (WHERE isfinite(...)), or make the time NULL; NULL is skipped.")));
}

void
order_day_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("date out of range for timestamp"),
			 errhint("The last day a timestamp holds is 294276-12-31.")));
}

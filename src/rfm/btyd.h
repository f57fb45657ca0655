/*
 * btyd.h
 *		The btyd value: the periods in which a customer bought, and for how much.
 *
 * What lifetime models (BG/NBD and its kin) need of a customer. Orders of the
 * same period count once, so the periods themselves are kept; amounts only as
 * a whole and for the first period, which the models leave out of the mean.
 * On disk the periods are ascending and distinct; an aggregate's state may end
 * in some that are neither, and in room for more.
 */
#ifndef QUOTETIER_BTYD_H
#define QUOTETIER_BTYD_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "rfm/revenue.h"

typedef struct Btyd
{
	int32		vl_len_;		/* varlena header: do not touch directly */
	int32		nperiods;		/* at least 1 */
	int32		nsorted;		/* so many are ascending and distinct */
	int32		first;			/* the least of them */
	Interval	period;			/* of months, of days, or of time */
	Revenue		revenue;		/* of all orders */
	Revenue		first_revenue;	/* of those in the first period */
	int32		periods[FLEXIBLE_ARRAY_MEMBER]; /* numbers, see btyd_period_of */
} Btyd;

#define BTYD_HEADER		offsetof(Btyd, periods)
#define BTYD_ROOM(b)	((int32) ((VARSIZE(b) - BTYD_HEADER) / sizeof(int32)))

/* Refuses what is not a positive number of months, of days, or of time. */
extern void btyd_check_period(const Interval *period);

/* The number of the period that holds a time; weeks begin on Monday. */
extern int32 btyd_period_of(const Interval *period, Timestamp at);

/* When the period of that number begins. */
extern Timestamp btyd_period_start(const Interval *period, int32 number);

/* A copy in the form of the disk: sorted, distinct, no room. */
extern Btyd *btyd_compact(const Btyd *b);

/* What the models call x, t_x, T and the sum behind m_x; an error if orders are after as_of. */
extern void btyd_measure(const Btyd *b, Timestamp as_of, int64 *x, int64 *t_x, int64 *t);

#endif

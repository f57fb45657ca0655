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

/* A period's length: how many of what, in one number that compares at once. */
typedef int64 BtydPeriod;

typedef enum BtydUnit
{
	BTYD_DAYS,
	BTYD_MONTHS,
	BTYD_USECS
} BtydUnit;

#define BTYD_PERIOD(n, unit)	((BtydPeriod) (((uint64) (n) << 2) | (unit)))
#define BTYD_UNIT(period)		((BtydUnit) ((period) & 3))
#define BTYD_LENGTH(period)		((int64) (period) >> 2)

typedef struct Btyd
{
	int32		vl_len_;		/* varlena header: do not touch directly */
	int32		nperiods;		/* at least 1 */
	int32		nsorted;		/* so many are ascending and distinct */
	int32		first;			/* the least of them */
	BtydPeriod	period;
	int128		units;			/* revenue of all orders, in 10^-scale */
	int128		first_units;	/* of those in the first period */
	int16		scale;
	int16		shown;			/* decimals to be shown, >= scale */
	int32		periods[FLEXIBLE_ARRAY_MEMBER]; /* numbers, see btyd_period_of */
} Btyd;

#define BTYD_HEADER		offsetof(Btyd, periods)
#define BTYD_ROOM(b)	((int32) ((VARSIZE(b) - BTYD_HEADER) / sizeof(int32)))

/* Refuses what is not a positive number of months, of days, or of time. */
extern BtydPeriod btyd_read_period(const Interval *interval);

/* The number of the period that holds a time; weeks begin on Monday. */
extern int32 btyd_period_of(BtydPeriod period, Timestamp at);

/* When the period of that number begins; DT_NOEND if no timestamp holds that. */
extern Timestamp btyd_period_start(BtydPeriod period, int32 number);

/* Revenues of all orders and of the first period, read and set. */
extern void btyd_get_revenues(const Btyd *b, Revenue *all, Revenue *first);
extern void btyd_set_revenues(Btyd *b, Revenue all, Revenue first);

/* A copy in the form of the disk: sorted, distinct, no room. */
extern Btyd *btyd_compact(const Btyd *b);

/* What the models call x, t_x, T and the sum behind m_x; an error if orders are after as_of. */
extern void btyd_measure(const Btyd *b, Timestamp as_of, int64 *x, int64 *t_x, int64 *t);

#endif

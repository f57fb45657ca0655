/*
 * tracker.h
 *		What a trigger of a tracked table needs to know to write down a change.
 *
 * Not here: what a change is (delta.c), and when it is looked at (track.c).
 */
#ifndef QUOTETIER_TRACKER_H
#define QUOTETIER_TRACKER_H

#include "postgres.h"

#include "access/attnum.h"
#include "fmgr.h"
#include "utils/relcache.h"

/* A key as it is stored: compared byte by byte, whatever its type calls equal. */
typedef struct KeyType
{
	AttrNumber	attnum;			/* in the table the trigger is on; 0: no such column */
	Oid			type;
	int16		len;
	bool		byval;
	char		align;
} KeyType;

typedef struct Tracker
{
	NameData	name;
	Oid			rel;			/* the table the trigger is on: the source or a part of it */
	bool		valid;

	Oid			queue;			/* where changes are appended */
	Oid			orders;			/* the view that says which columns an order is */
	Oid			source;
	int32		flush_every;	/* entries between flushes, on average; 0: never by itself */

	KeyType		customer;
	KeyType		value;
	AttrNumber	at;
	Oid			at_type;
	AttrNumber	amount;
	bool		amount_is_numeric;
	FmgrInfo	amount_cast;	/* to numeric, unless it is */
} Tracker;

/* Attributes of a queue; value is there only with "by". */
enum
{
	QUEUE_CUSTOMERS = 1,
	QUEUE_ORDERS,
	QUEUE_REVENUE,
	QUEUE_FIRST_AT,
	QUEUE_LAST_AT,
	QUEUE_RECHECK,
	QUEUE_VALUES
};

/* What the names of all our triggers begin with: so they come before others. */
#define TRIGGER_PREFIX "__quotetier_"

extern void tracker_init(void);
extern void merge_init(void);

/*
 * The tracker of that name, as it concerns this table: an error if the table is
 * no part of the tracker's source, unless it may be a stranger, such as a
 * detached partition.
 */
extern Tracker *find_tracker(const char *name, Relation rel, bool stranger);

/*
 * Runs "SELECT <function>($1, $2)" as the owner of the tracker's queue, and
 * returns its bigint, or -1 for NULL.
 */
extern int64 run_as_tracker(const char *name, Oid queue, const char *function, bool wait);

#endif

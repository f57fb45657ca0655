/*
 * stamp.h
 *		What stamp.c and book.c, the two halves of the protocol, say to each other.
 */
#ifndef QUOTETIER_STAMP_H
#define QUOTETIER_STAMP_H

#include "postgres.h"

#include "utils/rel.h"

extern void stamp_init(void);

/* Does every kind of change of this table reach the stamp trigger, always? */
extern bool stamp_triggers_enabled(Relation rel);

/* Does no trigger fire behind the stamp trigger that could change what it has seen? */
extern bool stamp_rows_final(Relation rel);

/* A trigger's row in the catalog; no oid: there is none. */
typedef struct TriggerRow
{
	Oid			oid;
	ItemPointerData at;
} TriggerRow;

/*
 * The transactions that last changed the stamp triggers of this table, for rows
 * and for TRUNCATE; 0: none. As stored, however old, and with old ones frozen.
 * And where the triggers stand.
 */
extern void stamp_triggers_changed(Oid relid, TransactionId changed[2], TransactionId written[2],
								   TriggerRow rows[2]);

/*
 * Are these rows what the snapshot sees? Whoever disables a trigger is done before
 * others are told: for that long a snapshot may see what was changed without a stamp.
 */
extern bool stamp_triggers_seen(const TriggerRow *rows, int nrows, Snapshot snapshot);

/* Has our own transaction left a stamp that is not rolled back? */
extern bool stamp_pending(void);

/* Our own transaction has changed configuration. */
extern void book_written(void);

#endif

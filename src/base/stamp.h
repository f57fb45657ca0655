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

/* The transactions that last changed the two stamp triggers of this table; 0: none. */
extern void stamp_triggers_changed(Oid relid, TransactionId *row, TransactionId *truncate);

/* Has our own transaction left a stamp that is not rolled back? */
extern bool stamp_pending(void);

/* Our own transaction has changed configuration. */
extern void book_written(void);

#endif

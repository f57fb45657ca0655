/*
 * delta.h
 *		What a statement changed, a customer: gathered, then appended to a queue.
 *
 * A delta is additive, so it may be appended in pieces whenever memory asks for it.
 */
#ifndef QUOTETIER_DELTA_H
#define QUOTETIER_DELTA_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "live/tracker.h"

typedef struct Delta Delta;

extern Delta *delta_begin(Tracker *tracker, Relation queue);

/* An order that came (sign 1) or went (sign -1). Incomplete ones are nobody's. */
extern void delta_add(Delta *delta, TupleTableSlot *order, int sign);

/* An order that was changed. */
extern void delta_change(Delta *delta, TupleTableSlot *before, TupleTableSlot *after);

/* Appends what is left; returns how many entries there were in all. */
extern int64 delta_end(Delta *delta);

/* Tells inserters which pages of the queue have room again. */
extern void recycle_queue(Relation queue);

#endif

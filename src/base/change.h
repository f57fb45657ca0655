/*
 * change.h
 *		Changes: which items of a book a transaction changed, for patching it.
 *
 * Beside its stamp a writer leaves a row in quotetier.change for each item (a
 * rule) that it changes, or one for all of a key (a policy) where it changes
 * more. Two snapshots then differ at most in the items of the rows that only one
 * of them sees. Not here: what a patch does with them.
 */
#ifndef QUOTETIER_CHANGE_H
#define QUOTETIER_CHANGE_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/snapshot.h"

/* An item that stands for all of them. */
#define EVERY_ITEM PG_INT64_MIN

/* A row of the table, as far as it concerns a key: whose stamp, which item. */
typedef struct Change
{
	int64		high;
	int64		low;
	int64		item;
} Change;

/* The changes that a snapshot sees, sorted. */
typedef struct ChangeSet
{
	uint32		n;
	Change	   *changes;
} ChangeSet;

/*
 * The end of our transaction, and of a subtransaction: what it held then is its
 * parent's, or nobody's.
 */
extern void change_forget(void);
extern void change_follow(SubTransactionId ended, SubTransactionId holder);

/* Does this argument of a trigger say what its rows change? */
extern bool change_is_what(const char *arg);

/*
 * The writer: takes away rows where there are too many (as the tables' owner,
 * SPI connected); logs what this row's trigger says it changes. Both under our
 * transaction's stamp of the kind.
 */
extern void change_trim(const char *kind, int64 high, int64 low);
extern void change_log(TriggerData *trigdata, const char *kind, int64 high, int64 low);

/* The reader: the changes of a key, in the current memory context. */
extern void change_read(Oid relid, Snapshot snapshot, const char *kind, const char *key, int keylen,
						ChangeSet *set);

/*
 * The items in which two snapshots may differ, none twice; how many, or -1 where
 * they are not known one by one. *items is in the current memory context.
 */
extern int	change_difference(const ChangeSet *a, const ChangeSet *b, int64 **items);

#endif

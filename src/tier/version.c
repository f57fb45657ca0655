/*
 * version.c
 *		first_change(scheme): whether the transaction changes a scheme for the first time.
 *
 * Which it has changed is the session's own knowledge, that nobody else can
 * write, and is undone with the savepoint in which it was learnt. Not here:
 * what a first change is kept for (32-membership.sql).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/dump.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(first_change);

typedef struct ChangedScheme
{
	SubTransactionId subxact;	/* that changed it first */
	int			len;
	char		name[FLEXIBLE_ARRAY_MEMBER];
} ChangedScheme;

/* in TopTransactionContext */
static List *changed_schemes = NIL;

static void
forget_all(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE &&
		event != XACT_EVENT_PARALLEL_PRE_COMMIT)
		changed_schemes = NIL;
}

/* Those of a subtransaction, and of the later ones inside it, are the list's end. */
static void
forget_undone(SubXactEvent event, SubTransactionId subxact, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (changed_schemes != NIL &&
		   ((ChangedScheme *) llast(changed_schemes))->subxact >= subxact)
		changed_schemes = list_delete_last(changed_schemes);
}

/* first_change(scheme text) -> boolean: true once in a transaction; not for what a restore writes */
Datum
first_change(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	text	   *name = PG_GETARG_TEXT_PP(0);
	int			len = VARSIZE_ANY_EXHDR(name);
	ChangedScheme *changed;
	MemoryContext caller;
	ListCell   *cell;

	/* the versions there were are restored, too */
	if (dump_restoring)
		PG_RETURN_BOOL(false);
	foreach(cell, changed_schemes)
	{
		changed = lfirst(cell);
		if (changed->len == len && memcmp(changed->name, VARDATA_ANY(name), len) == 0)
			PG_RETURN_BOOL(false);
	}

	if (!registered)
	{
		RegisterXactCallback(forget_all, NULL);
		RegisterSubXactCallback(forget_undone, NULL);
		registered = true;
	}
	caller = MemoryContextSwitchTo(TopTransactionContext);
	changed = palloc(offsetof(ChangedScheme, name) + len);
	changed->subxact = GetCurrentSubTransactionId();
	changed->len = len;
	memcpy(changed->name, VARDATA_ANY(name), len);
	changed_schemes = lappend(changed_schemes, changed);
	MemoryContextSwitchTo(caller);
	PG_RETURN_BOOL(true);
}

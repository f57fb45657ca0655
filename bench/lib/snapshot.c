/*
 * snapshot.c
 *		What it costs to ask whether the rule book at hand is still the right one.
 *
 * Only C can see that part of a quote, so this is linked with the extension's
 * own objects, and called in a session that has not loaded the extension.
 */
#include "postgres.h"

#include <time.h>

#include "price/policy.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(same_snapshot_ns);
PG_FUNCTION_INFO_V1(new_snapshot_ns);

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e9 * t.tv_sec + t.tv_nsec;
}

/* What a cache does that trusts itself: it compares the name. */
static pg_noinline const void *
trusting_get(const char *name, int len)
{
	static char *kept;
	static int	kept_len;

	if (kept == NULL)
	{
		kept = MemoryContextStrdup(TopMemoryContext, pnstrdup(name, len));
		kept_len = len;
	}
	return kept_len == len && memcmp(kept, name, len) == 0 ? kept : NULL;
}

/* What exactness adds to a call that is not the first under its snapshot. */
Datum
same_snapshot_ns(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	int			calls = PG_GETARG_INT32(1);
	const void *volatile got;
	double		start,
				exact,
				trusting;

	got = policy_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL, NULL);
	start = cpu_ns();
	for (int i = 0; i < calls; i++)
		got = policy_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL, NULL);
	exact = cpu_ns() - start;
	start = cpu_ns();
	for (int i = 0; i < calls; i++)
		got = trusting_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	trusting = cpu_ns() - start;
	(void) got;
	PG_RETURN_FLOAT8((exact - trusting) / calls);
}

/* The same in the first call under a snapshot, where nobody changed a rule in between. */
Datum
new_snapshot_ns(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	int			calls = PG_GETARG_INT32(1);
	double		took[2];

	for (int ask = 1; ask >= 0; ask--)
	{
		double		start = cpu_ns();

		for (int i = 0; i < calls; i++)
		{
			/* another snapshot than before by its command number, as after any statement of a transaction that writes */
			PushCopiedSnapshot(GetActiveSnapshot());
			GetActiveSnapshot()->curcid += i + 1;
			if (ask)
				(void) policy_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL, NULL);
			PopActiveSnapshot();
		}
		took[ask] = cpu_ns() - start;
	}
	PG_RETURN_FLOAT8((took[1] - took[0]) / calls);
}

/*
 * rule_book.c
 *		rule_book_stats: what a compiled policy holds, and what it cost this session.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "price/policy.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(rule_book_stats);

/* Columns of the result, in their order. */
enum
{
	COLUMN_POLICY,
	COLUMN_RULES,
	COLUMN_SHAPES,
	COLUMN_BUCKETS,
	COLUMN_LONGEST_BUCKET,
	COLUMN_BYTES,
	COLUMN_PATCHED,
	COLUMN_SHARED,
	COLUMN_VERSION,
	COLUMN_HITS,
	COLUMN_LOADS,
	COLUMN_LOAD_MS,
	COLUMN_COMPILE_MS,
	STATS_COLUMNS
};

/* Rules that count, each at every depth that its paths have. */
static int64
count_rules(const Policy *policy)
{
	const Rule *rules;
	int64		n = policy->nrules;
	uint32		i;

	if (policy->base == NULL)
		return n;
	rules = POLICY_PART(policy->base, Rule, rules);
	for (i = 0; i < policy->base->nrules; i++)
	{
		if ((i & 0xFFFF) == 0)
			CHECK_FOR_INTERRUPTS();
		n += !policy_hides(policy, rules[i].id);
	}
	return n;
}

static Datum
milliseconds(double ms)
{
	return DirectFunctionCall2(numeric_round,
							   DirectFunctionCall1(float8_numeric, Float8GetDatum(ms)),
							   Int32GetDatum(3));
}

static void
put_row(ReturnSetInfo *rsinfo, const BookStats *stats)
{
	const Policy *policy = stats->book;
	const Policy *whole = policy->base == NULL ? policy : policy->base;
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {false};
	MatchStats	match;
	char		version[FINGERPRINT_TEXT];

	match_stats(POLICY_MATCH(whole), &match);
	fingerprint_text(stats->fingerprint, version);
	values[COLUMN_POLICY] = PointerGetDatum(cstring_to_text_with_len(stats->key, stats->keylen));
	values[COLUMN_RULES] = Int64GetDatum(count_rules(policy));
	values[COLUMN_SHAPES] = Int64GetDatum(match.shapes);
	values[COLUMN_BUCKETS] = Int64GetDatum(match.buckets);
	values[COLUMN_LONGEST_BUCKET] = Int64GetDatum(match.longest_bucket);
	values[COLUMN_BYTES] = Int64GetDatum(policy->size + (whole == policy ? 0 : whole->size));
	values[COLUMN_PATCHED] = Int64GetDatum(stats->patched);
	values[COLUMN_SHARED] = BoolGetDatum(stats->shared);
	values[COLUMN_VERSION] = CStringGetTextDatum(version);
	values[COLUMN_HITS] = Int64GetDatum(stats->hits);
	values[COLUMN_LOADS] = Int64GetDatum(stats->loads);
	values[COLUMN_LOAD_MS] = milliseconds(stats->load_ms);
	values[COLUMN_COMPILE_MS] = milliseconds(stats->build_ms);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * rule_book_stats(policy text = NULL)
 *		One row a policy that this session has compiled as the statement sees it;
 *		a policy that is named is loaded first.
 */
Datum
rule_book_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	text	   *name = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	if (name != NULL)
		(void) policy_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL, NULL);
	foreach(cell, policy_stats())
	{
		const BookStats *stats = lfirst(cell);

		if (name == NULL ||
			(stats->keylen == VARSIZE_ANY_EXHDR(name) &&
			 memcmp(stats->key, VARDATA_ANY(name), stats->keylen) == 0))
			put_row(rsinfo, stats);
	}
	return (Datum) 0;
}

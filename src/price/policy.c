/*
 * policy.c
 *		The compiled policy that belongs to the active snapshot.
 */
#include "postgres.h"

#include "base/book.h"
#include "price/policy.h"

static const char *const policy_tables[] = {
	"dimension", "policy", "step", "rule", "scale", "fx_rate", "uom", NULL
};

/* To be raised with every change of the layout that no size below tells. */
#define POLICY_FORMAT 13

static Size
policy_size(const void *policy)
{
	return ((const Policy *) policy)->size;
}

static BookKind policy_kind = {
	.name = "price",
	.tables = policy_tables,
	.build = policy_compile,
	.build_about = policy_compile_line,
	.patch = policy_patch,
	.size = policy_size,
	.format = (((uint64) POLICY_FORMAT << 16 | sizeof(Policy)) << 16 | sizeof(RuleMore)) << 16 | sizeof(Bracket)
};

const Policy *
policy_get(const char *name, int len, const FactArgument *line, uint64 *serial)
{
	const Policy *policy = book_get_about(&policy_kind, name, len, line, serial);

	if (unlikely(policy == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("policy \"%.*s\" does not exist", len, name),
				 errdetail("A quote asks for a policy by its name, in the letters it is written in."),
				 errhint("SELECT name FROM quotetier.policy shows the policies there are.")));
	return policy;
}

void
policy_version(char version[FINGERPRINT_TEXT])
{
	fingerprint_text(book_fingerprint(&policy_kind), version);
}

List *
policy_stats(void)
{
	return book_stats(&policy_kind);
}

Dec
stored_big_dec(const StoredDec *stored)
{
	Dec			d = DEC_ZERO;

	(void) dec_from_numeric((Numeric) LINKED(char, stored, stored->big), &d);
	return d;
}

bool
policy_hides(const Policy *policy, int64 rule)
{
	const int64 *hidden = POLICY_PART(policy, int64, hidden);
	uint32		low = 0;
	uint32		high = policy->nhidden;

	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (hidden[middle] < rule)
			low = middle + 1;
		else
			high = middle;
	}
	return low < policy->nhidden && hidden[low] == rule;
}

int
policy_compare_ranks(const Rank *a, const Rank *b)
{
	if (a->step != b->step)
		return a->step < b->step ? -1 : 1;
	if (a->access != b->access)
		return a->access < b->access ? -1 : 1;
	return scope_compare(a->mask, a->depths, b->mask, b->depths);
}

/*
 * policy_scales.c
 *		Compiling a policy: the brackets of its rules' scales.
 */
#include "postgres.h"

#include "price/policy_compile.h"
#include "utils/memutils.h"

enum
{
	SCALE_rule = 1, SCALE_from_value, SCALE_to_value, SCALE_value, SCALE_fee, SCALE_size, SCALE_overage
};

static int
compare_scales(const void *left, const void *right)
{
	const ReadScale *a = *(ReadScale *const *) left;
	const ReadScale *b = *(ReadScale *const *) right;

	return a->rule < b->rule ? -1 : a->rule > b->rule ? 1 : 0;
}

static uint32
read_bracket_more(Compiler *c, const Row *row)
{
	static const BracketMore nothing;
	BracketMore more;

	memset(&more, 0, sizeof(BracketMore));
	more.fee = dec_column(c, row, SCALE_fee);
	more.size = dec_column(c, row, SCALE_size);
	more.has_overage = !is_null(row, SCALE_overage);
	more.overage = dec_column(c, row, SCALE_overage);
	if (more.fee.v == 0 && more.fee.big == 0)
		more.fee.scale = 0;
	if (memcmp(&more, &nothing, sizeof(BracketMore)) == 0)
		return 0;
	GROW(c->bracket_more);
	c->bracket_more.items[c->bracket_more.n++] = more;
	return c->bracket_more.n;
}

/* Brackets come by rule, as the scales stand: this one is of next_scale or one behind it. */
static void
read_bracket(Compiler *c, Row *row)
{
	int64		rule = DatumGetInt64(column(row, SCALE_rule));
	ReadScale  *scale;
	Bracket    *bracket;

	while (c->next_scale < c->scales.n && c->scales_by_rule[c->next_scale]->rule < rule)
		c->next_scale++;
	if (c->next_scale == c->scales.n || c->scales_by_rule[c->next_scale]->rule != rule)
		return;
	scale = c->scales_by_rule[c->next_scale];
	if (scale->scale.nbrackets++ == 0)
		scale->first_bracket = c->brackets.n;
	GROW(c->brackets);
	bracket = &c->brackets.items[c->brackets.n++];
	memset(bracket, 0, sizeof(Bracket));
	bracket->from = dec_column(c, row, SCALE_from_value);
	bracket->open = is_null(row, SCALE_to_value);
	bracket->to = dec_column(c, row, SCALE_to_value);
	bracket->value = dec_column(c, row, SCALE_value);
	bracket->more = read_bracket_more(c, row);
}

/*
 * From this many rules on their brackets are found faster by a query for those of
 * all between the first and the last: where these are not many more, or even so.
 */
#define MANY_SCALES 256
#define MANY_APART 4096
#define FEW_BETWEEN 16		/* for each */

void
read_scales(Compiler *c)
{
	uint32		n = c->scales.n;
	int64	   *rules;
	int64		ends[2];
	bool		apart;
	uint32		i;

	if (n == 0)
		return;
	c->scales_by_rule = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(ReadScale *));
	for (i = 0; i < n; i++)
		c->scales_by_rule[i] = &c->scales.items[i];
	qsort(c->scales_by_rule, n, sizeof(ReadScale *), compare_scales);
	ends[0] = c->scales_by_rule[0]->rule;
	ends[1] = c->scales_by_rule[n - 1]->rule;
	apart = (uint64) ends[1] - (uint64) ends[0] > FEW_BETWEEN * (uint64) n;
	if (n >= (apart ? MANY_APART : MANY_SCALES))
	{
		read_rows(c, "SELECT rule, from_value, to_value, value, fee, size, overage FROM quotetier.scale"
				  " WHERE rule OPERATOR(pg_catalog.>=) $2[1] AND rule OPERATOR(pg_catalog.<=) $2[2]"
				  " ORDER BY rule, from_value", ends, 2, read_bracket);
		return;
	}
	rules = palloc(n * sizeof(int64));
	for (i = 0; i < n; i++)
		rules[i] = c->scales_by_rule[i]->rule;
	if (!read_by_key(c, "scale", rules, n, read_bracket))
		read_table(c, "scale", 0, BY(SCALE_rule, SCALE_from_value), read_bracket);
}

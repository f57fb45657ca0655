/*
 * policy_compile.c
 *		Reads a policy from its tables and lays it out as one chunk.
 *
 * Rules are sorted by step and precedence, so that everywhere else the smaller
 * number is the stronger rule. What the tables' triggers have refused is not
 * checked here again. Not here: what a rule does (procedure.c).
 */
#include "postgres.h"

#include "base/fact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "price/ending.h"
#include "price/policy.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Rows taken from a cursor at a time. */
#define FETCH_ROWS 1000

/* A rule as read, with what decides its place. */
typedef struct ReadRule
{
	Rule		rule;
	uint64		mask;			/* dimensions constrained, heaviest highest */
	uint32		access;			/* place in the step's access list */
	uint32		nids;			/* dimension, count, ids ...: words */
	uint32		ids;			/* first of them */
} ReadRule;

typedef struct Compiler
{
	Policy		head;
	Step		steps[MAX_STEPS];
	List	   *access[MAX_STEPS];	/* of uint64 *: masks, strongest first */
	List	   *competes;
	List	   *groups;
	StringInfoData texts;

	List	   *dims;			/* names of all dimensions, heaviest first */
	List	   *facts;			/* names of numeric facts */
	MatchBuilder *match;

	ReadRule   *rules;
	uint32		nrules;
	uint32		rules_room;
	uint32	   *ids;
	uint32		nids;
	uint32		ids_room;
	ReadRule  **scaled;			/* rules with a scale, by id */
	uint32		nscaled;
	Bracket    *brackets;
	uint32		nbrackets;
	uint32		brackets_room;
	List	   *endings;		/* of Ending * */
	List	   *numerics;		/* of Numeric */
} Compiler;

/* ----- reading rows ----- */

typedef struct Row
{
	HeapTuple	tuple;
	TupleDesc	desc;
	MemoryContext context;		/* for what is only needed while reading it */
} Row;

static Datum
column(Row *row, int number, bool *isnull)
{
	return SPI_getbinval(row->tuple, row->desc, number, isnull);
}

/* A text column; NULL when it is null. */
static char *
text_column(Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);
	MemoryContext caller = MemoryContextSwitchTo(row->context);
	char	   *result = isnull ? NULL : TextDatumGetCString(value);

	MemoryContextSwitchTo(caller);
	return result;
}

static bool
bool_column(Row *row, int number)
{
	bool		isnull;

	return DatumGetBool(column(row, number, &isnull));
}

/* Calls read for every row of a query with one text parameter. */
static void
read_rows(Compiler *c, const char *sql, const char *key, void (*read) (Compiler *c, Row *row))
{
	Oid			types[1] = {TEXTOID};
	Datum		args[1] = {CStringGetTextDatum(key)};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "quotetier rows",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext own = CurrentMemoryContext;
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, 1, types, args, NULL, true,
												   CURSOR_OPT_NO_SCROLL);

	for (;;)
	{
		uint64		i;

		MemoryContextSwitchTo(row_context);
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (i = 0; i < SPI_processed; i++)
		{
			Row			row = {SPI_tuptable->vals[i], SPI_tuptable->tupdesc, row_context};

			MemoryContextSwitchTo(own);
			read(c, &row);
		}
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(row_context);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(own);
	SPI_cursor_close(portal);
	MemoryContextDelete(row_context);
}

/* ----- small parts ----- */

static uint32
add_text(Compiler *c, const char *text)
{
	uint32		offset = c->texts.len;

	appendBinaryStringInfo(&c->texts, text, strlen(text) + 1);
	return offset;
}

/* The place of a name in a list of names, added when it is not there. */
static int
name_number(List **names, const char *name)
{
	ListCell   *cell;

	foreach(cell, *names)
		if (strcmp(lfirst(cell), name) == 0)
			return foreach_current_index(cell);
	*names = lappend(*names, pstrdup(name));
	return list_length(*names) - 1;
}

static StoredDec
store_dec(Compiler *c, Dec d)
{
	StoredDec	stored = {0, d.scale, 0};

	if (d.big == NULL && d.v == (int64) d.v)
		stored.v = (int64) d.v;
	else
	{
		Numeric		num = dec_to_numeric(&d, 0);

		c->numerics = lappend(c->numerics, num);
		stored.big = list_length(c->numerics);
	}
	return stored;
}

/* A numeric column; zero when it is null. The tables admit finite values only. */
static StoredDec
dec_column(Compiler *c, Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);
	Dec			d = DEC_ZERO;

	if (!isnull && !dec_from_numeric(DatumGetNumeric(value), &d))
		elog(ERROR, "infinite value in the configuration");
	return store_dec(c, d);
}

static uint32
ending_column(Compiler *c, Row *row, int number)
{
	char	   *text = text_column(row, number);
	Ending	   *ending;
	Dec			rest;
	Dec			period;

	if (text == NULL)
		return 0;
	if (!ending_parse(text, &rest, &period))
		elog(ERROR, "invalid ending \"%s\" in the configuration", text);
	ending = palloc(sizeof(Ending));
	ending->rest = store_dec(c, rest);
	ending->period = store_dec(c, period);
	c->endings = lappend(c->endings, ending);
	return list_length(c->endings);
}

/* The place of an option in a list of its names, in the order of its enum. */
static int
option(const char *name, const char *const *names, int n)
{
	int			i;

	for (i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	elog(ERROR, "unknown option \"%s\" in the configuration", name);
}

#define OPTION(name, names) option(name, names, lengthof(names))

static const char *const target_names[] = {
	"line", "unit", "adjustment", "unit_adjustment", "line_step", "unit_step"
};
static const char *const pick_names[] = {"first", "best", "sum", "chain"};
static const char *const adjust_names[] = {
	"price", "price_percent", "margin", "markup", "percent_off", "percent_on",
	"amount_off", "amount_on", "line_amount_off"
};
static const char *const scale_names[] = {"volume", "graduated", "block", "package"};

static int
step_number(Compiler *c, const char *name)
{
	int			i;

	for (i = 0; i < c->head.nsteps; i++)
		if (strcmp(c->texts.data + c->steps[i].name, name) == 0)
			return i;
	return -1;
}

static Base
base_named(Compiler *c, const char *name)
{
	Base		base = {BASE_LIST, 0};
	int			step = step_number(c, name);

	if (strcmp(name, "list") == 0)
		base.kind = BASE_LIST;
	else if (strcmp(name, "running") == 0)
		base.kind = BASE_RUNNING;
	else if (step >= 0)
	{
		base.kind = BASE_STEP;
		base.number = step;
	}
	else
	{
		base.kind = BASE_FACT;
		base.number = name_number(&c->facts, name);
	}
	return base;
}

/* ----- policy, dimensions, steps ----- */

static void
read_policy(Compiler *c, Row *row)
{
	char	   *currency = text_column(row, 1);
	RoundMode	mode;

	if (currency != NULL)
		strlcpy(c->head.currency, currency, sizeof(c->head.currency));
	c->head.round_target = OPTION(text_column(row, 2), target_names);
	if (!round_mode_from_name(text_column(row, 3), &mode))
		elog(ERROR, "unknown rounding mode in the configuration");
	c->head.round_mode = mode;
	c->head.increment = dec_column(c, row, 4);
	c->head.ending = ending_column(c, row, 5);
	c->head.strict = bool_column(row, 6);
	c->head.size = 1;			/* found */
}

static void
read_dimension(Compiler *c, Row *row)
{
	c->dims = lappend(c->dims, pstrdup(text_column(row, 1)));
}

/* The bit of a dimension: the heaviest has the highest. */
static uint64
dimension_bit(int dim)
{
	return UINT64CONST(1) << (MATCH_MAX_DIMENSIONS - 1 - dim);
}

/* 'customer+sku' as a mask of dimensions */
static uint64
access_mask(Compiler *c, const char *set)
{
	uint64		mask = 0;
	char	   *names = pstrdup(set);
	char	   *save = NULL;
	char	   *name;

	for (name = strtok_r(names, "+", &save); name != NULL; name = strtok_r(NULL, "+", &save))
	{
		ListCell   *cell;

		foreach(cell, c->dims)
			if (strcmp(lfirst(cell), name) == 0)
				mask |= dimension_bit(foreach_current_index(cell));
	}
	return mask;
}

static void
read_step(Compiler *c, Row *row)
{
	Step	   *step;
	bool		isnull;
	Datum		access;
	char	   *compete;
	char	   *name = text_column(row, 1);

	if (c->head.nsteps == MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the policy has more than %d steps", MAX_STEPS),
				 errhint("Combine steps, or split the policy.")));
	step = &c->steps[c->head.nsteps];
	memset(step, 0, sizeof(Step));
	step->name = add_text(c, name);
	step->seq = DatumGetInt32(column(row, 2, &isnull));
	step->base = base_named(c, text_column(row, 3));
	step->pick = OPTION(text_column(row, 4), pick_names);
	step->only_down = bool_column(row, 5);
	step->ending = ending_column(c, row, 6);
	step->is_list = strcmp(name, "list") == 0;
	compete = text_column(row, 7);
	if (compete != NULL)
		step->compete = name_number(&c->competes, compete) + 1;

	access = column(row, 8, &isnull);
	if (!isnull)
	{
		Datum	   *sets;
		bool	   *nulls;
		int			n;
		int			i;

		deconstruct_array(DatumGetArrayTypeP(access), TEXTOID, -1, false, TYPALIGN_INT,
						  &sets, &nulls, &n);
		for (i = 0; i < n; i++)
		{
			uint64	   *mask = palloc(sizeof(uint64));

			*mask = access_mask(c, TextDatumGetCString(sets[i]));
			c->access[c->head.nsteps] = lappend(c->access[c->head.nsteps], mask);
		}
	}
	c->head.nsteps++;
}

/* A step may exclude later ones, so this comes when all are known. */
static void
read_excludes(Compiler *c, Row *row)
{
	int			step = step_number(c, text_column(row, 1));
	int			excluded = step_number(c, text_column(row, 2));

	if (step >= 0 && excluded >= 0)
		c->steps[step].excludes |= UINT64CONST(1) << excluded;
}

/* ----- rules ----- */

static void
add_id(Compiler *c, uint32 id)
{
	if (c->nids == c->ids_room)
	{
		c->ids_room *= 2;
		c->ids = repalloc_huge(c->ids, c->ids_room * sizeof(uint32));
	}
	c->ids[c->nids++] = id;
}

static void
read_scope_value(Compiler *c, int dim, const JsonbValue *value)
{
	FactLabel	label;

	if (!fact_json_label(value, &label))
		elog(ERROR, "invalid scope in the configuration");
	add_id(c, match_intern(c->match, dim, label.text, label.len));
}

/* Appends dimension, count and ids for each dimension of a scope. */
static void
read_scope(Compiler *c, ReadRule *read, Jsonb *scope)
{
	JsonbIterator *it = JsonbIteratorInit(&scope->root);
	JsonbValue	value;
	JsonbIteratorToken token;
	int			dim = -1;
	uint32		count_at = 0;

	read->ids = c->nids;
	read->mask = 0;
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		ListCell   *cell;

		if (token == WJB_KEY)
		{
			dim = -1;
			foreach(cell, c->dims)
				if (strlen(lfirst(cell)) == value.val.string.len &&
					memcmp(lfirst(cell), value.val.string.val, value.val.string.len) == 0)
					dim = foreach_current_index(cell);
			if (dim < 0)
				elog(ERROR, "unknown dimension in the configuration");
			read->mask |= dimension_bit(dim);
			add_id(c, dim);
			count_at = c->nids;
			add_id(c, 0);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type == jbvBinary)
			{
				JsonbIterator *list = JsonbIteratorInit(value.val.binary.data);
				JsonbValue	element;
				JsonbIteratorToken inner;

				while ((inner = JsonbIteratorNext(&list, &element, true)) != WJB_DONE)
					if (inner == WJB_ELEM)
						read_scope_value(c, dim, &element);
			}
			else
				read_scope_value(c, dim, &value);
			c->ids[count_at] = c->nids - count_at - 1;
		}
	}
	read->nids = c->nids - read->ids;
}

static void
read_validity(Rule *rule, Datum range)
{
	RangeType  *valid = DatumGetRangeTypeP(range);
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(valid), TYPECACHE_RANGE_INFO);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(type, valid, &lower, &upper, &empty);
	rule->from = lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	rule->to = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

/* columns of the query in policy_compile */
static void
read_rule(Compiler *c, Row *row)
{
	ReadRule   *read;
	Rule	   *rule;
	bool		isnull;
	char	   *text;
	ListCell   *cell;

	if (c->nrules == c->rules_room)
	{
		c->rules_room *= 2;
		c->rules = repalloc_huge(c->rules, c->rules_room * sizeof(ReadRule));
	}
	read = &c->rules[c->nrules++];
	memset(read, 0, sizeof(ReadRule));
	rule = &read->rule;
	rule->id = DatumGetInt64(column(row, 1, &isnull));
	rule->step = step_number(c, text_column(row, 2));
	text = text_column(row, 3);
	rule->base = text != NULL ? base_named(c, text) : c->steps[rule->step].base;
	read_scope(c, read, DatumGetJsonbP(column(row, 4, &isnull)));
	read_validity(rule, column(row, 5, &isnull));
	rule->priority = DatumGetInt32(column(row, 6, &isnull));
	rule->adjust = OPTION(text_column(row, 7), adjust_names);
	rule->value = dec_column(c, row, 8);
	text = text_column(row, 9);
	if (text != NULL)
	{
		rule->scale_mode = SCALE_VOLUME + OPTION(text, scale_names);
		text = text_column(row, 10);
		if (strcmp(text, "quantity") == 0)
			rule->scale_measure = MEASURE_QUANTITY;
		else if (strcmp(text, "amount") == 0)
			rule->scale_measure = MEASURE_AMOUNT;
		else
		{
			rule->scale_measure = MEASURE_FACT;
			rule->scale_fact = name_number(&c->facts, text);
		}
		rule->scale_upper_inclusive = strcmp(text_column(row, 11), "(]") == 0;
	}
	text = text_column(row, 12);
	if (text != NULL)
		rule->group = strcmp(text, "*") == 0 ? GROUP_ALONE :
			GROUP_ALONE + 1 + name_number(&c->groups, text);
	rule->final = bool_column(row, 13);
	rule->stop = bool_column(row, 14);
	rule->ending = ending_column(c, row, 15);

	read->access = PG_UINT32_MAX;
	foreach(cell, c->access[rule->step])
		if (*(uint64 *) lfirst(cell) == read->mask)
		{
			read->access = foreach_current_index(cell);
			break;
		}
}

/* By step, then precedence: access rank, priority, id. */
static int
compare_rules(const void *left, const void *right)
{
	const ReadRule *a = left;
	const ReadRule *b = right;

	if (a->rule.step != b->rule.step)
		return a->rule.step < b->rule.step ? -1 : 1;
	if (a->access != b->access)
		return a->access < b->access ? -1 : 1;
	if (a->mask != b->mask)
		return a->mask > b->mask ? -1 : 1;
	if (a->rule.priority != b->rule.priority)
		return a->rule.priority > b->rule.priority ? -1 : 1;
	return a->rule.id < b->rule.id ? -1 : a->rule.id > b->rule.id ? 1 : 0;
}

static void
sort_rules(Compiler *c)
{
	uint32		i;

	qsort(c->rules, c->nrules, sizeof(ReadRule), compare_rules);
	for (i = 1; i < c->nrules; i++)
	{
		ReadRule   *rule = &c->rules[i];
		ReadRule   *before = &c->rules[i - 1];

		if (rule->rule.step == before->rule.step)
			rule->rule.rank = before->rule.rank +
				(rule->access != before->access || rule->mask != before->mask);
	}
}

/* Adds an entry for every combination of a rule's listed values. */
static void
add_entries(Compiler *c, ReadRule *read, uint32 number, uint64 mask, uint32 at, uint32 *chosen)
{
	uint32		dim;
	uint32		i;

	if (at == read->ids + read->nids)
	{
		match_add(c->match, mask, chosen, number);
		return;
	}
	dim = c->ids[at];
	CHECK_FOR_INTERRUPTS();
	for (i = 0; i < c->ids[at + 1]; i++)
	{
		chosen[dim] = c->ids[at + 2 + i];
		add_entries(c, read, number, mask | UINT64CONST(1) << dim,
					at + 2 + c->ids[at + 1], chosen);
	}
}

/* ----- scales ----- */

static int
compare_by_id(const void *left, const void *right)
{
	int64		a = (*(ReadRule *const *) left)->rule.id;
	int64		b = (*(ReadRule *const *) right)->rule.id;

	return a < b ? -1 : a > b ? 1 : 0;
}

static void
read_bracket(Compiler *c, Row *row)
{
	bool		isnull;
	int64		id = DatumGetInt64(column(row, 1, &isnull));
	ReadRule	key;
	ReadRule   *keyp = &key;
	ReadRule  **found;
	Bracket    *bracket;

	key.rule.id = id;
	found = bsearch(&keyp, c->scaled, c->nscaled, sizeof(ReadRule *), compare_by_id);
	if (found == NULL)
		return;
	if (c->nbrackets == c->brackets_room)
	{
		c->brackets_room *= 2;
		c->brackets = repalloc_huge(c->brackets, c->brackets_room * sizeof(Bracket));
	}
	if ((*found)->rule.nbrackets++ == 0)
		(*found)->rule.first_bracket = c->nbrackets;
	bracket = &c->brackets[c->nbrackets++];
	bracket->from = dec_column(c, row, 2);
	(void) column(row, 3, &bracket->open);
	bracket->to = dec_column(c, row, 3);
	bracket->value = dec_column(c, row, 4);
	bracket->fee = dec_column(c, row, 5);
	bracket->size = dec_column(c, row, 6);
	(void) column(row, 7, &isnull);
	bracket->has_overage = !isnull;
	bracket->overage = dec_column(c, row, 7);
}

static void
read_scales(Compiler *c, const char *name)
{
	uint32		i;

	c->scaled = MemoryContextAllocHuge(CurrentMemoryContext, (c->nrules + 1) * sizeof(ReadRule *));
	for (i = 0; i < c->nrules; i++)
		if (c->rules[i].rule.scale_mode != SCALE_NONE)
			c->scaled[c->nscaled++] = &c->rules[i];
	if (c->nscaled == 0)
		return;
	qsort(c->scaled, c->nscaled, sizeof(ReadRule *), compare_by_id);
	read_rows(c,
			  "SELECT s.rule, s.from_value, s.to_value, s.value, s.fee, s.size, s.overage"
			  " FROM quotetier.scale s JOIN quotetier.rule r ON r.id OPERATOR(pg_catalog.=) s.rule"
			  " WHERE r.policy OPERATOR(pg_catalog.=) $1 ORDER BY s.rule, s.from_value",
			  name, read_bracket);
}

/* ----- layout ----- */

static Size
place(Size *at, Size bytes)
{
	Size		offset = *at;

	*at += MAXALIGN(bytes);
	return offset;
}

static Policy *
lay_out(Compiler *c)
{
	Policy		head = c->head;
	Policy	   *policy;
	Size		at = MAXALIGN(sizeof(Policy));
	Size		match_size;
	MatchIndex *match = match_finish(c->match, &match_size);
	Size		numerics;
	Size	   *offsets;
	uint32	   *names;
	ListCell   *cell;
	uint32		i;

	head.nrules = c->nrules;
	head.nbrackets = c->nbrackets;
	head.nendings = list_length(c->endings);
	head.ndims = list_length(c->dims);
	head.nfacts = head.ndims + list_length(c->facts);
	head.ngroups = list_length(c->groups) + GROUP_ALONE + 1;
	head.list_price_fact += head.ndims;
	head.steps = place(&at, head.nsteps * sizeof(Step));
	head.rules = place(&at, c->nrules * sizeof(Rule));
	head.brackets = place(&at, c->nbrackets * sizeof(Bracket));
	head.endings = place(&at, head.nendings * sizeof(Ending));
	head.facts = place(&at, head.nfacts * sizeof(uint32));
	head.numerics = place(&at, list_length(c->numerics) * sizeof(Size));
	numerics = at;
	foreach(cell, c->numerics)
		(void) place(&at, VARSIZE(lfirst(cell)));
	head.match = place(&at, match_size);

	names = palloc((head.nfacts + 1) * sizeof(uint32));
	i = 0;
	foreach(cell, c->dims)
		names[i++] = add_text(c, lfirst(cell));
	foreach(cell, c->facts)
		names[i++] = add_text(c, lfirst(cell));
	head.texts = place(&at, c->texts.len);
	head.size = at;

	policy = MemoryContextAllocHuge(CurrentMemoryContext, at);
	*policy = head;
	memcpy((char *) policy + head.steps, c->steps, head.nsteps * sizeof(Step));
	for (i = 0; i < c->nrules; i++)
		((Rule *) ((char *) policy + head.rules))[i] = c->rules[i].rule;
	memcpy((char *) policy + head.brackets, c->brackets, c->nbrackets * sizeof(Bracket));
	foreach(cell, c->endings)
		((Ending *) ((char *) policy + head.endings))[foreach_current_index(cell)] =
			*(Ending *) lfirst(cell);
	memcpy((char *) policy + head.facts, names, head.nfacts * sizeof(uint32));
	offsets = (Size *) ((char *) policy + head.numerics);
	foreach(cell, c->numerics)
	{
		*offsets++ = numerics;
		memcpy((char *) policy + numerics, lfirst(cell), VARSIZE(lfirst(cell)));
		numerics += MAXALIGN(VARSIZE(lfirst(cell)));
	}
	memcpy((char *) policy + head.match, match, match_size);
	memcpy((char *) policy + head.texts, c->texts.data, c->texts.len);

	for (i = 0; i < head.nsteps; i++)
	{
		Step	   *steps = (Step *) ((char *) policy + head.steps);

		steps[i].end_rule = i > 0 ? steps[i - 1].end_rule : 0;
		while (steps[i].end_rule < c->nrules && c->rules[steps[i].end_rule].rule.step == i)
			steps[i].end_rule++;
	}

	/* names of facts count from the dimensions on */
	for (i = 0; i < c->nrules; i++)
	{
		Rule	   *rule = &((Rule *) ((char *) policy + head.rules))[i];

		if (rule->base.kind == BASE_FACT)
			rule->base.number += head.ndims;
		rule->scale_fact += head.ndims;
		((Step *) ((char *) policy + head.steps))[rule->step].has_groups |= rule->group != 0;
	}
	return policy;
}

void *
policy_compile(const char *name)
{
	MemoryContext result_context = CurrentMemoryContext;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "quotetier policy compiler",
											   ALLOCSET_DEFAULT_SIZES);
	Compiler   *c;
	Policy	   *policy = NULL;
	uint32		chosen[MATCH_MAX_DIMENSIONS];
	uint32		i;

	MemoryContextSwitchTo(work);
	c = palloc0(sizeof(Compiler));
	initStringInfo(&c->texts);
	read_rows(c,
			  "SELECT currency, round_target, round_mode,"
			  " COALESCE(round_increment, quotetier.minor_unit(currency), 0.01), ending, strict"
			  " FROM quotetier.policy WHERE name OPERATOR(pg_catalog.=) $1",
			  name, read_policy);
	if (c->head.size != 0)
	{
		c->head.list_price_fact = name_number(&c->facts, "list_price");
		read_rows(c,
				  "SELECT d.name FROM quotetier.dimension d WHERE EXISTS (SELECT FROM quotetier.rule r"
				  " WHERE r.policy OPERATOR(pg_catalog.=) $1 AND r.scope OPERATOR(pg_catalog.?) d.name)"
				  " ORDER BY d.weight DESC, d.id",
				  name, read_dimension);
		if (list_length(c->dims) > MATCH_MAX_DIMENSIONS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the rules of policy \"%s\" use more than %d dimensions",
							name, MATCH_MAX_DIMENSIONS),
					 errhint("Use conditions for the facts that few rules ask for.")));
		read_rows(c,
				  "SELECT name, seq, base, pick, only_down, ending, compete, access"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1 ORDER BY seq",
				  name, read_step);
		read_rows(c,
				  "SELECT name, pg_catalog.unnest(excludes)"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1",
				  name, read_excludes);

		c->match = match_begin(list_length(c->dims));
		c->rules_room = c->ids_room = c->brackets_room = 256;
		c->rules = palloc(c->rules_room * sizeof(ReadRule));
		c->ids = palloc(c->ids_room * sizeof(uint32));
		c->brackets = palloc(c->brackets_room * sizeof(Bracket));
		read_rows(c,
				  "SELECT id, step, base, scope, valid, priority, adjust, value, scale_mode, scale_on,"
				  " scale_bounds, exclusive_group, final, stop, ending"
				  " FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1"
				  " AND state OPERATOR(pg_catalog.=) 'approved'",
				  name, read_rule);
		sort_rules(c);
		read_scales(c, name);
		for (i = 0; i < c->nrules; i++)
			add_entries(c, &c->rules[i], i, 0, c->rules[i].ids, chosen);

		MemoryContextSwitchTo(result_context);
		policy = lay_out(c);
	}
	MemoryContextSwitchTo(result_context);
	MemoryContextDelete(work);
	return policy;
}

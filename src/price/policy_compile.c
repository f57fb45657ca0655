/*
 * policy_compile.c
 *		Reads a policy from its tables and lays it out as one chunk.
 *
 * Rules are sorted by step and precedence, so that everywhere else the smaller
 * number is the stronger rule. What the tables' triggers have refused is not
 * checked here again. Not here: what a rule does (procedure.c).
 */
#include "postgres.h"

#include "base/scope.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "price/allocate.h"
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
	Scope		scope;
	uint64		depths;			/* of its path values */
	uint32		access;			/* place in the step's access list */
} ReadRule;

typedef struct Compiler
{
	Policy		head;
	Step		steps[MAX_STEPS];
	List	   *access[MAX_STEPS];	/* of uint64 *: masks, strongest first */
	List	   *competes;
	List	   *groups;
	StringInfoData texts;

	int			ndims;			/* dimensions, the strongest first */
	char	   *dims[MATCH_MAX_DIMENSIONS + 1];
	bool		is_path[MATCH_MAX_DIMENSIONS + 1];
	int			currency_dim;	/* -1: none */
	ScopeReader *scopes;
	List	   *facts;			/* names of other facts that are asked for */
	List	   *more;			/* of RuleMore * */
	List	   *paths;			/* of JsonPath * */
	List	   *line_scopes;	/* of Jsonb * */
	List	   *by_facts;		/* numbers of facts */
	List	   *rates;			/* of Rate * */
	List	   *units;			/* of Unit * */
	List	   *notes;			/* of RuleNote * */

	ReadRule   *rules;
	uint32		nrules;
	uint32		rules_room;
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

/* Calls read for every row of a query; key is its parameter, if it has one. */
static void
read_rows(Compiler *c, const char *sql, const char *key, void (*read) (Compiler *c, Row *row))
{
	Oid			types[1] = {TEXTOID};
	Datum		args[1] = {key == NULL ? (Datum) 0 : CStringGetTextDatum(key)};
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "quotetier rows",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext own = CurrentMemoryContext;
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, key == NULL ? 0 : 1, types, args, NULL, true,
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
static const char *const level_names[] = {"line", "order", "statistical"};
static const char *const adjust_names[] = {
	"price", "price_percent", "margin", "markup", "percent_off", "percent_on",
	"amount_off", "amount_on", "line_amount_off", "round_to", "free_units", "add_line",
	"floor_price", "floor_percent", "floor_over", "floor_margin", "cap_percent_off", "cap_price"
};
static const char *const remainder_names[] = {
	"largest", "last_line", "first_lines", "carry", "none"
};
static const char *const breach_names[] = {"clamp", "block", "approve"};
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
	bool		isnull;

	if (currency != NULL)
		strlcpy(c->head.currency, currency, sizeof(c->head.currency));
	c->head.round_target = OPTION(text_column(row, 2), target_names);
	if (!round_mode_from_name(text_column(row, 3), &mode))
		elog(ERROR, "unknown rounding mode in the configuration");
	c->head.round_mode = mode;
	(void) column(row, 4, &isnull);
	c->head.increment_given = !isnull;
	c->head.increment = dec_column(c, row, 4);
	c->head.ending = ending_column(c, row, 5);
	c->head.strict = bool_column(row, 6);
	c->head.zone = add_text(c, text_column(row, 7));
	c->head.size = 1;			/* found */
}

static void
read_dimension(Compiler *c, Row *row)
{
	if (c->ndims <= MATCH_MAX_DIMENSIONS)
	{
		c->dims[c->ndims] = pstrdup(text_column(row, 1));
		c->is_path[c->ndims] = strcmp(text_column(row, 2), "path") == 0;
		if (strcmp(c->dims[c->ndims], "currency") == 0)
			c->currency_dim = c->ndims;
	}
	if (c->ndims < MATCH_MAX_DIMENSIONS && c->is_path[c->ndims])
		c->head.path_dims |= UINT64CONST(1) << c->ndims;
	c->ndims++;
}

/* 'customer+sku' as a mask of dimensions; false if no rule uses one of them. */
static bool
access_mask(Compiler *c, const char *set, uint64 *mask)
{
	char	   *names = pstrdup(set);
	char	   *save = NULL;
	char	   *name;

	*mask = 0;
	for (name = strtok_r(names, "+", &save); name != NULL; name = strtok_r(NULL, "+", &save))
	{
		int			dim;

		for (dim = 0; dim < c->ndims && strcmp(c->dims[dim], name) != 0; dim++)
			;
		if (dim == c->ndims)
			return false;
		*mask |= scope_bit(dim);
	}
	return true;
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
	step->level = OPTION(text_column(row, 9), level_names);
	compete = text_column(row, 10);
	step->remainder = compete == NULL ? REMAINDER_LARGEST : OPTION(compete, remainder_names);
	step->base = base_named(c, text_column(row, 3));
	step->pick = OPTION(text_column(row, 4), pick_names);
	step->only_down = bool_column(row, 5);
	step->ending = ending_column(c, row, 6);
	step->is_list = step->level == LEVEL_LINE && strcmp(name, "list") == 0;
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

			if (access_mask(c, TextDatumGetCString(sets[i]), mask))
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

/* The number of a jsonpath column, + 1; 0 when it is null. */
static uint32
path_column(Compiler *c, Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	if (isnull)
		return 0;
	c->paths = lappend(c->paths, DatumGetJsonPathPCopy(value));
	return list_length(c->paths);
}

/* The number of a jsonb column, + 1; 0 when it is null. */
static uint32
scope_column(Compiler *c, Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	if (isnull)
		return 0;
	c->line_scopes = lappend(c->line_scopes, DatumGetJsonbPCopy(value));
	return list_length(c->line_scopes);
}

static void
read_scale_by(Compiler *c, Row *row, int number, RuleMore *more)
{
	bool		isnull;
	Datum		names = column(row, number, &isnull);
	Datum	   *elements;
	bool	   *nulls;
	int			i;
	int			n;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &n);
	more->by_facts = list_length(c->by_facts);
	more->nby_facts = n;
	for (i = 0; i < n; i++)
		c->by_facts = lappend_int(c->by_facts,
								  name_number(&c->facts, TextDatumGetCString(elements[i])));
}

/* What a guard's percent is of, when neither it nor its step says: margins are over cost. */
static Base
guard_base(Compiler *c, const Rule *rule)
{
	if (c->steps[rule->step].base.kind != BASE_RUNNING)
		return c->steps[rule->step].base;
	if (rule->adjust == ADJUST_FLOOR_MARGIN || rule->adjust == ADJUST_FLOOR_OVER)
		return base_named(c, "cost");
	return base_named(c, "list");
}

static void
read_more(Compiler *c, Row *row, ReadRule *read)
{
	RuleMore	more;
	char	   *text;
	bool		isnull;

	memset(&more, 0, sizeof(RuleMore));
	more.condition = path_column(c, row, 16);
	more.value_expr = path_column(c, row, 17);
	more.exclusions = read->scope.exclusions;
	more.nexclusions = read->scope.nexclusions;
	text = text_column(row, 18);
	if (text != NULL)
		strlcpy(more.currency, text, sizeof(more.currency));
	text = text_column(row, 19);
	if (text != NULL)
		more.on_breach = OPTION(text, breach_names);
	text = text_column(row, 20);
	if (text != NULL)
		more.offset_fact = name_number(&c->facts, text) + 1;

	read_scale_by(c, row, 21, &more);
	more.lines = scope_column(c, row, 22);
	more.counts = scope_column(c, row, 23);
	(void) column(row, 24, &isnull);
	more.has_max_amount = !isnull;
	more.max_amount = dec_column(c, row, 24);
	(void) column(row, 25, &isnull);
	more.has_max_units = !isnull;
	more.max_units = dec_column(c, row, 25);
	more.unit_step = dec_column(c, row, 26);
	more.free_dearest = strcmp(text_column(row, 27), "dearest") == 0;
	more.free_whole = bool_column(row, 28);

	if (more.nby_facts != 0 || more.lines != 0 || more.counts != 0 || more.has_max_amount ||
		more.has_max_units || more.unit_step.v != 0 || more.unit_step.big != 0 ||
		more.free_dearest || more.free_whole || more.condition != 0 || more.value_expr != 0 || more.nexclusions != 0 ||
		more.currency[0] != '\0' || more.on_breach != 0 || more.offset_fact != 0)
	{
		c->more = lappend(c->more, memcpy(palloc(sizeof(RuleMore)), &more, sizeof(RuleMore)));
		read->rule.more = list_length(c->more);
	}
}

/* columns of the query in policy_compile */
static void
read_rule(Compiler *c, Row *row)
{
	ReadRule   *read;
	Rule	   *rule;
	bool		isnull;
	char	   *text;
	List	   *depths;
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
	rule->adjust = OPTION(text_column(row, 7), adjust_names);
	text = text_column(row, 3);
	rule->base = text != NULL ? base_named(c, text) :
		IS_GUARD(rule->adjust) ? guard_base(c, rule) : c->steps[rule->step].base;
	scope_read(c->scopes, DatumGetJsonbP(column(row, 4, &isnull)), &read->scope);
	read_validity(rule, column(row, 5, &isnull));
	rule->priority = DatumGetInt32(column(row, 6, &isnull));
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
	rule->in_quote_currency = c->currency_dim >= 0 &&
		(read->scope.mask & scope_bit(c->currency_dim)) != 0;
	read_more(c, row, read);

	read->access = PG_UINT32_MAX;
	foreach(cell, c->access[rule->step])
		if (*(uint64 *) lfirst(cell) == read->scope.mask)
		{
			read->access = foreach_current_index(cell);
			break;
		}

	/* values of several depths rank differently: a place for each depth */
	if (c->head.path_dims == 0)
		return;
	depths = scope_depths(c->scopes, &read->scope);
	rule->repeated = list_length(depths) > 1;
	foreach(cell, depths)
	{
		if (foreach_current_index(cell) > 0)
		{
			if (c->nrules == c->rules_room)
			{
				c->rules_room *= 2;
				c->rules = repalloc_huge(c->rules, c->rules_room * sizeof(ReadRule));
			}
			c->rules[c->nrules] = c->rules[c->nrules - 1];
			c->nrules++;
		}
		c->rules[c->nrules - 1].depths = *(uint64 *) lfirst(cell);
	}
}

/* Is the access rank of a before that of b (< 0), the same (0), or behind? */
static int
compare_access(const ReadRule *a, const ReadRule *b)
{
	if (a->access != b->access)
		return a->access < b->access ? -1 : 1;
	if (a->scope.mask != b->scope.mask)
		return a->scope.mask > b->scope.mask ? -1 : 1;
	return a->depths > b->depths ? -1 : a->depths < b->depths ? 1 : 0;
}

/* By step, then precedence: access rank, priority, id. */
static int
compare_rules(const void *left, const void *right)
{
	const ReadRule *a = left;
	const ReadRule *b = right;
	int			access;

	if (a->rule.step != b->rule.step)
		return a->rule.step < b->rule.step ? -1 : 1;
	access = compare_access(a, b);
	if (access != 0)
		return access;
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
			rule->rule.rank = before->rule.rank + (compare_access(rule, before) != 0);
	}
}

/* ----- rates, units ----- */

static void
read_rate(Compiler *c, Row *row)
{
	Rate	   *rate = palloc0(sizeof(Rate));
	Rule		validity;
	bool		isnull;

	strlcpy(rate->from_currency, text_column(row, 1), sizeof(rate->from_currency));
	strlcpy(rate->to_currency, text_column(row, 2), sizeof(rate->to_currency));
	rate->rate = dec_column(c, row, 3);
	read_validity(&validity, column(row, 4, &isnull));
	rate->from = validity.from;
	rate->to = validity.to;
	c->rates = lappend(c->rates, rate);
}

static void
read_unit(Compiler *c, Row *row)
{
	Unit	   *unit = palloc(sizeof(Unit));
	char	   *sku = text_column(row, 2);

	unit->unit = add_text(c, text_column(row, 1));
	unit->sku = add_text(c, sku == NULL ? "" : sku);
	unit->factor = dec_column(c, row, 3);
	c->units = lappend(c->units, unit);
}

/* ----- notes ----- */

static void
read_note(Compiler *c, Row *row)
{
	RuleNote   *note = palloc(sizeof(RuleNote));
	bool		isnull;

	note->rule = DatumGetInt64(column(row, 1, &isnull));
	note->text = add_text(c, text_column(row, 2));
	c->notes = lappend(c->notes, note);
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

/* A rule with several places, one for each depth of its paths, has one scale. */
static void
share_brackets(Compiler *c)
{
	uint32		start;
	uint32		end;
	uint32		i;

	for (start = 0; start < c->nscaled; start = end)
	{
		const Rule *has = &c->scaled[start]->rule;

		for (end = start; end < c->nscaled && c->scaled[end]->rule.id == has->id; end++)
			if (c->scaled[end]->rule.nbrackets > 0)
				has = &c->scaled[end]->rule;
		for (i = start; i < end; i++)
		{
			c->scaled[i]->rule.first_bracket = has->first_bracket;
			c->scaled[i]->rule.nbrackets = has->nbrackets;
		}
	}
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
	share_brackets(c);
}

/* ----- layout ----- */

static Size
place(Size *at, Size bytes)
{
	Size		offset = *at;

	*at += MAXALIGN(bytes);
	return offset;
}

/* Places a list of varlena values, behind the offsets at which they begin. */
static Size
place_varlenas(Size *at, List *values)
{
	Size		offset = place(at, list_length(values) * sizeof(Size));
	ListCell   *cell;

	foreach(cell, values)
		(void) place(at, VARSIZE(lfirst(cell)));
	return offset;
}

static void
copy_varlenas(Policy *policy, Size part, List *values)
{
	Size	   *offsets = (Size *) ((char *) policy + part);
	Size		at = part + MAXALIGN(list_length(values) * sizeof(Size));
	ListCell   *cell;

	foreach(cell, values)
	{
		*offsets++ = at;
		memcpy((char *) policy + at, lfirst(cell), VARSIZE(lfirst(cell)));
		at += MAXALIGN(VARSIZE(lfirst(cell)));
	}
}

/* Copies a list of structs of one size. */
static void
copy_structs(Policy *policy, Size part, List *values, Size size)
{
	ListCell   *cell;

	foreach(cell, values)
		memcpy((char *) policy + part + foreach_current_index(cell) * size, lfirst(cell), size);
}

static Policy *
lay_out(Compiler *c)
{
	Policy		head = c->head;
	Policy	   *policy;
	Size		at = MAXALIGN(sizeof(Policy));
	Size		match_size;
	MatchIndex *match = match_finish(c->scopes->match, &match_size);
	Rule	   *rules;
	Step	   *steps;
	uint32	   *names;
	ListCell   *cell;
	uint32		i;

	head.nrules = c->nrules;
	head.nbrackets = c->nbrackets;
	head.nendings = list_length(c->endings);
	head.ndims = c->ndims;
	head.nfacts = c->ndims + list_length(c->facts);
	head.ngroups = list_length(c->groups) + GROUP_ALONE + 1;
	head.nrates = list_length(c->rates);
	head.nunits = list_length(c->units);
	head.nnotes = list_length(c->notes);
	head.list_price_fact += c->ndims;
	head.currency_fact += c->ndims;
	head.uom_fact += c->ndims;
	head.uom_factor_fact += c->ndims;
	head.sku_fact += c->ndims;

	names = palloc((head.nfacts + 1) * sizeof(uint32));
	for (i = 0; i < c->ndims; i++)
		names[i] = add_text(c, c->dims[i]);
	foreach(cell, c->facts)
		names[i++] = add_text(c, lfirst(cell));

	head.steps = place(&at, head.nsteps * sizeof(Step));
	head.rules = place(&at, c->nrules * sizeof(Rule));
	head.brackets = place(&at, c->nbrackets * sizeof(Bracket));
	head.endings = place(&at, head.nendings * sizeof(Ending));
	head.facts = place(&at, head.nfacts * sizeof(uint32));
	head.more = place(&at, list_length(c->more) * sizeof(RuleMore));
	head.exclusions = place(&at, c->scopes->nexclusions * sizeof(ScopeExclusion));
	head.rates = place(&at, head.nrates * sizeof(Rate));
	head.units = place(&at, head.nunits * sizeof(Unit));
	head.notes = place(&at, head.nnotes * sizeof(RuleNote));
	head.texts = place(&at, c->texts.len);
	head.numerics = place_varlenas(&at, c->numerics);
	head.paths = place_varlenas(&at, c->paths);
	head.scopes = place_varlenas(&at, c->line_scopes);
	head.by_facts = place(&at, list_length(c->by_facts) * sizeof(uint32));
	head.match = place(&at, match_size);
	head.size = at;

	policy = MemoryContextAllocHuge(CurrentMemoryContext, at);
	*policy = head;
	steps = (Step *) ((char *) policy + head.steps);
	rules = (Rule *) ((char *) policy + head.rules);
	memcpy(steps, c->steps, head.nsteps * sizeof(Step));
	for (i = 0; i < c->nrules; i++)
	{
		rules[i] = c->rules[i].rule;

		/* facts are numbered from the dimensions on */
		if (rules[i].base.kind == BASE_FACT)
			rules[i].base.number += c->ndims;
		rules[i].scale_fact += c->ndims;
		policy->has_guards |= IS_GUARD(rules[i].adjust);
		policy->has_order |= steps[rules[i].step].level == LEVEL_ORDER;
		policy->has_statistical |= steps[rules[i].step].level == LEVEL_STATISTICAL;
		steps[rules[i].step].has_groups |= rules[i].group != 0;
		steps[rules[i].step].end_rule = i + 1;
	}
	for (i = 1; i < head.nsteps; i++)
		steps[i].end_rule = Max(steps[i].end_rule, steps[i - 1].end_rule);
	memcpy((char *) policy + head.brackets, c->brackets, c->nbrackets * sizeof(Bracket));
	copy_structs(policy, head.endings, c->endings, sizeof(Ending));
	memcpy((char *) policy + head.facts, names, head.nfacts * sizeof(uint32));
	foreach(cell, c->more)
		if (((RuleMore *) lfirst(cell))->offset_fact != 0)
			((RuleMore *) lfirst(cell))->offset_fact += c->ndims;
	copy_structs(policy, head.more, c->more, sizeof(RuleMore));
	memcpy((char *) policy + head.exclusions, c->scopes->exclusions,
		   c->scopes->nexclusions * sizeof(ScopeExclusion));
	copy_structs(policy, head.rates, c->rates, sizeof(Rate));
	copy_structs(policy, head.units, c->units, sizeof(Unit));
	copy_structs(policy, head.notes, c->notes, sizeof(RuleNote));
	memcpy((char *) policy + head.texts, c->texts.data, c->texts.len);
	copy_varlenas(policy, head.numerics, c->numerics);
	copy_varlenas(policy, head.paths, c->paths);
	copy_varlenas(policy, head.scopes, c->line_scopes);
	foreach(cell, c->by_facts)
		((uint32 *) ((char *) policy + head.by_facts))[foreach_current_index(cell)] =
			lfirst_int(cell) + c->ndims;
	memcpy((char *) policy + head.match, match, match_size);
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
	uint32		i;

	MemoryContextSwitchTo(work);
	c = palloc0(sizeof(Compiler));
	c->currency_dim = -1;
	initStringInfo(&c->texts);
	read_rows(c,
			  "SELECT currency, round_target, round_mode, round_increment, ending, strict, zone"
			  " FROM quotetier.policy WHERE name OPERATOR(pg_catalog.=) $1",
			  name, read_policy);
	if (c->head.size != 0)
	{
		c->head.list_price_fact = name_number(&c->facts, "list_price");
		c->head.currency_fact = name_number(&c->facts, "currency");
		c->head.uom_fact = name_number(&c->facts, "uom");
		c->head.uom_factor_fact = name_number(&c->facts, "uom_factor");
		c->head.sku_fact = name_number(&c->facts, "sku");
		read_rows(c,
				  "SELECT d.name, d.kind FROM quotetier.dimension d WHERE EXISTS (SELECT FROM quotetier.rule r"
				  " WHERE r.policy OPERATOR(pg_catalog.=) $1 AND (r.scope OPERATOR(pg_catalog.?) d.name"
				  " OR r.lines OPERATOR(pg_catalog.?) d.name OR r.counts OPERATOR(pg_catalog.?) d.name))"
				  " ORDER BY d.weight DESC, d.id",
				  name, read_dimension);
		c->scopes = scope_reader_create(c->ndims, c->dims, c->is_path);
		read_rows(c,
				  "SELECT name, seq, base, pick, only_down, ending, compete, access, level, remainder"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1 ORDER BY seq",
				  name, read_step);
		read_rows(c,
				  "SELECT name, pg_catalog.unnest(excludes)"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1",
				  name, read_excludes);

		c->rules_room = c->brackets_room = 256;
		c->rules = palloc(c->rules_room * sizeof(ReadRule));
		c->brackets = palloc(c->brackets_room * sizeof(Bracket));
		read_rows(c,
				  "SELECT id, step, base, scope, valid, priority, adjust, value, scale_mode, scale_on,"
				  " scale_bounds, exclusive_group, final, stop, ending, condition, value_expr, currency,"
				  " on_breach, scale_offset, scale_by, lines, counts, max_amount, max_units, unit_step,"
				  " free_from, free_whole"
				  " FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1"
				  " AND state OPERATOR(pg_catalog.=) 'approved'",
				  name, read_rule);
		read_rows(c,
				  "SELECT from_currency, to_currency, rate, valid FROM quotetier.fx_rate"
				  " ORDER BY from_currency COLLATE \"C\", to_currency COLLATE \"C\", valid",
				  NULL, read_rate);
		read_rows(c,
				  "SELECT uom, sku, factor FROM quotetier.uom"
				  " ORDER BY uom COLLATE \"C\", COALESCE(sku, '') COLLATE \"C\"",
				  NULL, read_unit);
		read_rows(c,
				  "SELECT id, note FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1"
				  " AND state OPERATOR(pg_catalog.=) 'approved' AND note OPERATOR(pg_catalog.<>) ''"
				  " ORDER BY id",
				  name, read_note);
		sort_rules(c);
		read_scales(c, name);
		for (i = 0; i < c->nrules; i++)
			scope_add(c->scopes, &c->rules[i].scope, c->rules[i].depths, i);

		MemoryContextSwitchTo(result_context);
		policy = lay_out(c);
	}
	MemoryContextSwitchTo(result_context);
	MemoryContextDelete(work);
	return policy;
}

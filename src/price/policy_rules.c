/*
 * policy_rules.c
 *		Compiling a policy: its rules, sorted by step and precedence.
 *
 * After the sort the smaller number is the stronger rule, everywhere. What the
 * tables' triggers have refused is not checked here again.
 */
#include "postgres.h"

#include "base/condition.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "price/policy_compile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/jsonpath.h"
#include "utils/memutils.h"

static const char *const adjust_names[] = {
	"price", "price_percent", "margin", "markup", "percent_off", "percent_on",
	"amount_off", "amount_on", "line_amount_off", "round_to", "free_units", "add_line",
	"floor_price", "floor_percent", "floor_over", "floor_margin", "cap_percent_off", "cap_price"
};
static const char *const breach_names[] = {"clamp", "block", "approve"};
static const char *const scale_names[] = {"volume", "graduated", "block", "package"};
static const char *const bounds_names[] = {"[)", "(]"};
static const char *const from_names[] = {"cheapest", "dearest"};

/*
 * The columns of a rule. All, and in the table's order: then the executor hands on
 * the rows as it finds them.
 */
#define RULE_COLUMNS(COLUMN) \
	COLUMN(id) COLUMN(policy) COLUMN(step) COLUMN(base) COLUMN(scope) COLUMN(condition) COLUMN(valid) \
	COLUMN(priority) COLUMN(adjust) COLUMN(value) COLUMN(value_expr) COLUMN(currency) \
	COLUMN(scale_mode) COLUMN(scale_on) COLUMN(scale_by) COLUMN(scale_offset) COLUMN(scale_bounds) \
	COLUMN(exclusive_group) COLUMN(final) COLUMN(stop) COLUMN(on_breach) COLUMN(ending) \
	COLUMN(max_amount) COLUMN(max_units) COLUMN(unit_step) COLUMN(free_from) COLUMN(free_whole) \
	COLUMN(lines) COLUMN(counts) COLUMN(note) COLUMN(state)

#define COLUMN_NUMBER(name) , RULE_##name
#define COLUMN_NAME(name) "," #name

enum
{
	RULE_COLUMN_0 RULE_COLUMNS(COLUMN_NUMBER)
};

/* ----- what few rules have ----- */

/* Keeps a value of variable length; its number + 1, 0 when it is null. */
static uint32
varlena_column(const Row *row, int number, List **values)
{
	if (is_null(row, number))
		return 0;
	*values = lappend(*values, PG_DETOAST_DATUM_COPY(column(row, number)));
	return list_length(*values);
}

static void
read_scale_by(Compiler *c, Row *row, RuleMore *more)
{
	int			n;
	Datum	   *elements = text_elements(row, RULE_scale_by, &n);
	int			i;

	if (n == 0)
		return;
	more->by_facts = c->by_facts.n + 1;
	more->nby_facts = n;
	for (i = 0; i < n; i++)
	{
		GROW(c->by_facts);
		c->by_facts.items[c->by_facts.n++] =
			fact_number_of(c, TextDatumGetCString(elements[i]));
	}
}

typedef struct Asking
{
	Compiler   *compiler;
	bool		counted;		/* for the facts of the lines counted, too */
} Asking;

static const char *
asked_name(const Compiler *c, uint32 fact)
{
	return fact < c->ndims ? c->dims[fact] : list_nth(c->facts, fact - c->ndims);
}

static void
note_asked(void *state, const char *name, int len)
{
	Asking	   *asking = state;
	Compiler   *c = asking->compiler;
	char	   *fact = pnstrdup(name, len);
	uint32		number;
	uint32		i;

	asking->counted |= strcmp(fact, "counted") == 0;
	for (number = 0; number < c->ndims && strcmp(c->dims[number], fact) != 0; number++)
		;
	for (i = 0; i < c->asked.n && strcmp(asked_name(c, c->asked.items[i]), fact) != 0; i++)
		;
	if (i == CONDITION_MANY_FACTS)
		c->head.asks_all = true;
	else if (i == c->asked.n)
	{
		GROW(c->asked);
		c->asked.items[c->asked.n++] = number < c->ndims ? number : fact_number_of(c, fact);
	}
	pfree(fact);
}

/* Notes what a rule's condition or formula asks for; may that be $.counted? */
static bool
read_asked(Compiler *c, Row *row, int number)
{
	Asking		asking = {c, false};

	if (is_null(row, number))
		return false;
	if (condition_asks((JsonPath *) long_column(row, number), note_asked, &asking))
		return asking.counted;
	c->head.asks_all = true;
	return true;
}

/* Is there nothing in the row that only few rules have? */
static bool
is_plain(const Row *row, const ReadRule *read)
{
	const uint64 columns =
		COLUMN_BIT(RULE_condition) | COLUMN_BIT(RULE_value_expr) | COLUMN_BIT(RULE_currency) |
		COLUMN_BIT(RULE_scale_by) | COLUMN_BIT(RULE_scale_offset) | COLUMN_BIT(RULE_on_breach) |
		COLUMN_BIT(RULE_ending) | COLUMN_BIT(RULE_max_amount) | COLUMN_BIT(RULE_max_units) |
		COLUMN_BIT(RULE_unit_step) | COLUMN_BIT(RULE_lines) | COLUMN_BIT(RULE_counts) | COLUMN_BIT(RULE_note);

	return all_null(row, columns) && read->scope.nexclusions == 0 && read->rule.group != GROUP_NAMED &&
		read->rule.adjust != ADJUST_FREE_UNITS;
}

static uint32
read_more(Compiler *c, Row *row, const ReadRule *read)
{
	static const RuleMore nothing;
	RuleMore	more;
	char	   *text;
	int			word;

	if (is_plain(row, read))
		return 0;
	memset(&more, 0, sizeof(RuleMore));
	more.ending = ending_column(c, row, RULE_ending);
	more.condition = varlena_column(row, RULE_condition, &c->paths);
	more.value_expr = varlena_column(row, RULE_value_expr, &c->paths);
	more.asks_counted = read_asked(c, row, RULE_condition);
	more.asks_counted |= read_asked(c, row, RULE_value_expr);
	if (read->scope.nexclusions > 0)
	{
		more.exclusions = read->scope.exclusions + 1;
		more.nexclusions = read->scope.nexclusions;
	}
	if (read->rule.group == GROUP_NAMED)
		more.group = varlena_column(row, RULE_exclusive_group, &c->rule_texts);
	text = text_column(row, RULE_currency);
	if (text != NULL)
		strlcpy(more.currency, text, sizeof(more.currency));
	word = WORD(row, RULE_on_breach, breach_names);
	more.on_breach = word < 0 ? BREACH_CLAMP : word;
	text = text_column(row, RULE_scale_offset);
	if (text != NULL)
		more.offset_fact = fact_number_of(c, text) + 1;
	read_scale_by(c, row, &more);
	more.lines = varlena_column(row, RULE_lines, &c->line_scopes);
	more.counts = varlena_column(row, RULE_counts, &c->line_scopes);
	more.has_max_amount = !is_null(row, RULE_max_amount);
	more.max_amount = dec_column(c, row, RULE_max_amount);
	more.has_max_units = !is_null(row, RULE_max_units);
	more.max_units = dec_column(c, row, RULE_max_units);
	more.unit_step = dec_column(c, row, RULE_unit_step);
	more.free_dearest = WORD(row, RULE_free_from, from_names) == 1;
	more.free_whole = bool_column(row, RULE_free_whole);
	more.note = varlena_column(row, RULE_note, &c->rule_texts);

	if (memcmp(&more, &nothing, sizeof(RuleMore)) == 0)
		return 0;
	GROW(c->more);
	c->more.items[c->more.n++] = more;
	return c->more.n;
}

/* ----- rules ----- */

/* What a guard's percent is of, when neither it nor its step says: margins are over cost. */
static Base
guard_base(Compiler *c, const Rule *rule)
{
	if (c->steps[rule->step].base.kind != BASE_RUNNING)
		return c->steps[rule->step].base;
	if (rule->adjust == ADJUST_FLOOR_MARGIN || rule->adjust == ADJUST_FLOOR_OVER)
		return base_named(c, "cost", c->head.nsteps);
	return base_named(c, "list", c->head.nsteps);
}

static Base
rule_base(Compiler *c, Row *row, const Rule *rule)
{
	Base		base;

	if (!is_null(row, RULE_base))
		base = base_named(c, text_column(row, RULE_base), c->head.nsteps);
	else if (IS_GUARD(rule->adjust))
		base = guard_base(c, rule);
	else
		return c->steps[rule->step].base;
	return base;
}

static uint32
read_scale(Compiler *c, Row *row, int64 rule)
{
	ReadScale  *read;
	char	   *on;

	if (is_null(row, RULE_scale_mode))
		return 0;
	GROW(c->scales);
	read = &c->scales.items[c->scales.n++];
	memset(read, 0, sizeof(ReadScale));
	read->rule = rule;
	read->scale.mode = SCALE_VOLUME + WORD(row, RULE_scale_mode, scale_names);
	on = text_column(row, RULE_scale_on);
	if (strcmp(on, "quantity") == 0)
		read->scale.measure = MEASURE_QUANTITY;
	else if (strcmp(on, "amount") == 0)
		read->scale.measure = MEASURE_AMOUNT;
	else
	{
		read->scale.measure = MEASURE_FACT;
		read->scale.fact = fact_number_of(c, on);
	}
	read->scale.upper_inclusive = WORD(row, RULE_scale_bounds, bounds_names) == 1;
	return c->scales.n;
}

static GroupKind
read_group(Row *row)
{
	char	   *name = text_column(row, RULE_exclusive_group);

	return name == NULL ? GROUP_NONE : strcmp(name, "*") == 0 ? GROUP_ALONE : GROUP_NAMED;
}

/* The number of what the rule has before priority decides. */
static uint32
rank_number(Compiler *c, const ReadRule *read)
{
	Rank		key;
	ReadRank  **seen;
	ListCell   *cell;
	bool		found;

	memset(&key, 0, sizeof(Rank));
	key.mask = read->scope.mask;
	key.depths = read->depths;
	key.access = PG_UINT32_MAX;
	key.step = read->rule.step;
	foreach(cell, c->access[read->rule.step])
		if (*(uint64 *) lfirst(cell) == key.mask)
		{
			key.access = foreach_current_index(cell);
			break;
		}
	seen = &c->ranks_seen[(key.mask * UINT64CONST(0x9E3779B97F4A7C15)) >> 58];
	if (*seen == NULL || memcmp(&(*seen)->rank, &key, sizeof(Rank)) != 0)
	{
		*seen = hash_search(c->ranks_read, &key, HASH_ENTER, &found);
		if (!found)
			(*seen)->number = hash_get_num_entries(c->ranks_read) - 1;
	}
	return (*seen)->number;
}

static int
rule_step(Compiler *c, const Row *row)
{
	text	   *step = DatumGetTextPP(column(row, RULE_step));

	return step_number(c, VARDATA_ANY(step), VARSIZE_ANY_EXHDR(step));
}

static bool
is_approved(const Row *row)
{
	static const char word[] = "approved";

	return text_is(row, RULE_state, word, sizeof(word) - 1);
}

/*
 * Does a rule concern the line that the policy is compiled for? If not, what it
 * has for all rules to go by is noted all the same: what its condition asks for,
 * and that its step has groups, so that more rules than the strongest are tried.
 * Few rows are read further than that takes.
 */
static bool
concerns_line(Compiler *c, Row *row)
{
	const uint64 noted =
		COLUMN_BIT(RULE_condition) | COLUMN_BIT(RULE_value_expr) | COLUMN_BIT(RULE_exclusive_group);
	MemoryContext caller = MemoryContextSwitchTo(row->context);
	bool		concerns = scope_holds((Jsonb *) long_column(row, RULE_scope), c->line);

	MemoryContextSwitchTo(caller);
	if (!concerns && !all_null(row, noted) && is_approved(row))
	{
		(void) read_asked(c, row, RULE_condition);
		(void) read_asked(c, row, RULE_value_expr);
		if (!is_null(row, RULE_exclusive_group))
			c->steps[rule_step(c, row)].has_groups = true;
	}
	return concerns;
}

static int
compare_ids(const void *left, const void *right)
{
	int64		a = *(const int64 *) left;
	int64		b = *(const int64 *) right;

	return a < b ? -1 : a > b ? 1 : 0;
}

/* Is the rule one of those to be read? */
static bool
is_wanted(Compiler *c, Row *row)
{
	int64		id;

	/* a row is read as far as it is of use, and in few goes */
	slot_getsomeattrs(row->slot, c->line != NULL ? RULE_scope : RULE_policy);
	if (!text_is(row, RULE_policy, c->name, c->name_len))
		return false;
	if (c->line != NULL)
		return concerns_line(c, row);
	slot_getallattrs(row->slot);
	id = DatumGetInt64(column(row, RULE_id));
	return c->base == NULL || bsearch(&id, c->changed, c->nchanged, sizeof(int64), compare_ids) != NULL;
}

static void
read_rule(Compiler *c, Row *row)
{
	ReadRule   *read;
	Rule	   *rule;
	List	   *depths;
	ListCell   *cell;

	if (!is_wanted(c, row) || !is_approved(row))
		return;
	GROW(c->rules);
	read = &c->rules.items[c->rules.n++];
	memset(read, 0, sizeof(ReadRule));
	rule = &read->rule;
	rule->id = DatumGetInt64(column(row, RULE_id));
	rule->step = rule_step(c, row);
	rule->adjust = WORD(row, RULE_adjust, adjust_names);
	rule->base = rule_base(c, row, rule);
	scope_read(c->scopes, (Jsonb *) long_column(row, RULE_scope), &read->scope);
	validity_column(c, row, RULE_valid, &rule->from, &rule->to);
	rule->priority = DatumGetInt32(column(row, RULE_priority));
	rule->value = dec_column(c, row, RULE_value);
	rule->scale = read_scale(c, row, rule->id);
	rule->group = read_group(row);
	rule->final = bool_column(row, RULE_final);
	rule->stop = bool_column(row, RULE_stop);
	rule->in_quote_currency = c->currency_dim >= 0 &&
		(read->scope.mask & scope_bit(c->currency_dim)) != 0;
	rule->more = read_more(c, row, read);
	c->used_dims |= read->scope.mask;

	/* values of several depths rank differently: a place for each depth */
	if ((read->scope.mask & c->path_mask) == 0)
	{
		rule->rank = rank_number(c, read);
		return;
	}
	depths = scope_depths(c->scopes, &read->scope);
	rule->repeated = list_length(depths) > 1;
	foreach(cell, depths)
	{
		if (foreach_current_index(cell) > 0)
		{
			GROW(c->rules);
			c->rules.items[c->rules.n] = c->rules.items[c->rules.n - 1];
			c->rules.n++;
		}
		read = &c->rules.items[c->rules.n - 1];
		read->depths = *(uint64 *) lfirst(cell);
		read->rule.rank = rank_number(c, read);
	}
}

/* ----- precedence ----- */

static int
compare_ranks(const void *left, const void *right)
{
	return policy_compare_ranks(&((const ReadRank *) left)->rank, &((const ReadRank *) right)->rank);
}

/* What orders the rules of one rank, small enough to be sorted by itself. */
typedef struct Precedence
{
	int64		id;
	int32		priority;
	uint32		rule;
} Precedence;

static inline int
compare_precedence(const Precedence *a, const Precedence *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id ? 1 : 0;
}

#define ST_SORT sort_precedences
#define ST_ELEMENT_TYPE Precedence
#define ST_COMPARE(a, b) compare_precedence(a, b)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/* Numbers the ranks from the strongest on. */
static void
sort_ranks(Compiler *c)
{
	uint32		nranks = hash_get_num_entries(c->ranks_read);
	ReadRank   *sorted = palloc((nranks + 1) * sizeof(ReadRank));
	uint32	   *rank_of = palloc((nranks + 1) * sizeof(uint32));
	HASH_SEQ_STATUS all;
	ReadRank   *rank;
	uint32		i = 0;

	hash_seq_init(&all, c->ranks_read);
	while ((rank = hash_seq_search(&all)) != NULL)
		sorted[i++] = *rank;
	qsort(sorted, nranks, sizeof(ReadRank), compare_ranks);
	c->ranks = palloc((nranks + 1) * sizeof(Rank));
	for (i = 0; i < nranks; i++)
	{
		c->ranks[i] = sorted[i].rank;
		rank_of[sorted[i].number] = i;
	}
	c->head.nranks = nranks;
	for (i = 0; i < c->rules.n; i++)
		c->rules.items[i].rule.rank = rank_of[c->rules.items[i].rule.rank];
}

/* Puts the rules in order: c->order. */
static void
sort_rules(Compiler *c)
{
	Precedence *places = MemoryContextAllocHuge(CurrentMemoryContext,
												(c->rules.n + 1) * sizeof(Precedence));
	uint32	   *ends;
	uint32		i;

	sort_ranks(c);
	ends = palloc0((c->head.nranks + 1) * sizeof(uint32));
	for (i = 0; i < c->rules.n; i++)
		ends[c->rules.items[i].rule.rank]++;
	for (i = 1; i < c->head.nranks; i++)
		ends[i] += ends[i - 1];

	/* into each rank's part from its end on, after which its start stands there */
	for (i = c->rules.n; i-- > 0;)
	{
		const Rule *rule = &c->rules.items[i].rule;
		Precedence *place = &places[--ends[rule->rank]];

		place->id = rule->id;
		place->priority = rule->priority;
		place->rule = i;
	}
	for (i = 0; i < c->head.nranks; i++)
		sort_precedences(places + ends[i],
						 (i + 1 < c->head.nranks ? ends[i + 1] : c->rules.n) - ends[i]);
	c->order = MemoryContextAllocHuge(CurrentMemoryContext, (c->rules.n + 1) * sizeof(uint32));
	for (i = 0; i < c->rules.n; i++)
		c->order[i] = places[i].rule;
	pfree(places);
}

/* ----- all of it ----- */

/* All rules of the policy, in whatever order they are found fastest. */
static void
read_all_rules(Compiler *c)
{
	int			save_guc;

	if (is_small("rule"))
	{
		read_table(c, "rule", 0, NULL, 0, read_rule);
		return;
	}
	/* the planner takes it for as fast to jump between the pages of a policy as to go through them in order */
	save_guc = NewGUCNestLevel();
	(void) set_config_option("enable_indexscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	read_rows(c, psprintf("SELECT %s FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1",
						  RULE_COLUMNS(COLUMN_NAME) + 1),
			  NULL, 0, read_rule);
	AtEOXact_GUC(false, save_guc);
}

void
read_rules(Compiler *c)
{
	HASHCTL		ctl = {.keysize = sizeof(Rank), .entrysize = sizeof(ReadRank), .hcxt = CurrentMemoryContext};
	uint32		i;

	c->ranks_read = hash_create("quotetier ranks", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (c->base == NULL)
		read_all_rules(c);
	else if (!read_by_key(c, "rule", c->changed, c->nchanged, read_rule))
		read_table(c, "rule", 0, NULL, 0, read_rule);
	sort_rules(c);
	read_scales(c);
	match_expect(c->scopes->match, c->rules.n);
	for (i = 0; i < c->rules.n; i++)
	{
		const ReadRule *rule = &c->rules.items[c->order[i]];

		/* they lie where they were read: what is next is on its way */
		if (i + 16 < c->rules.n)
			__builtin_prefetch(&c->rules.items[c->order[i + 16]].scope);
		if (i + 8 < c->rules.n)
			scope_prefetch(c->scopes, &c->rules.items[c->order[i + 8]].scope);
		scope_add(c->scopes, &rule->scope, rule->depths, i);
	}
}

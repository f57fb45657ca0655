/*
 * policy_rules.c
 *		Compiling a policy: its rules, sorted by step and precedence, and their scales.
 *
 * After the sort the smaller number is the stronger rule, everywhere. What the
 * tables' triggers have refused is not checked here again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "price/policy_compile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static const char *const adjust_names[] = {
	"price", "price_percent", "margin", "markup", "percent_off", "percent_on",
	"amount_off", "amount_on", "line_amount_off", "round_to", "free_units", "add_line",
	"floor_price", "floor_percent", "floor_over", "floor_margin", "cap_percent_off", "cap_price"
};
static const char *const breach_names[] = {"clamp", "block", "approve"};
static const char *const scale_names[] = {"volume", "graduated", "block", "package"};

/* ----- rules ----- */

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
		more.free_dearest || more.free_whole || more.condition != 0 || more.value_expr != 0 ||
		more.nexclusions != 0 ||
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

/* ----- all of it ----- */

void
read_rules(Compiler *c, const char *name)
{
	uint32		i;

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
			  "SELECT id, note FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1"
			  " AND state OPERATOR(pg_catalog.=) 'approved' AND note OPERATOR(pg_catalog.<>) ''"
			  " ORDER BY id",
			  name, read_note);
	sort_rules(c);
	read_scales(c, name);
	for (i = 0; i < c->nrules; i++)
		scope_add(c->scopes, &c->rules[i].scope, c->rules[i].depths, i);
}

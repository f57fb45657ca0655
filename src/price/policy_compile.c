/*
 * policy_compile.c
 *		Reads a policy from its tables and lays it out as one chunk.
 *
 * Not here: what a policy does (procedure.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "price/allocate.h"
#include "price/policy_compile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static const char *const kind_names[] = {"label", "path"};
static const char *const target_names[] = {
	"line", "unit", "adjustment", "unit_adjustment", "line_step", "unit_step"
};
static const char *const pick_names[] = {"first", "best", "sum", "chain"};
static const char *const level_names[] = {"line", "order", "statistical"};
static const char *const remainder_names[] = {
	"largest", "last_line", "first_lines", "carry", "none"
};

/* Columns of the small tables, as they stand in these. */
enum
{
	POLICY_name = 1, POLICY_currency, POLICY_zone, POLICY_round_target, POLICY_round_mode,
	POLICY_round_increment, POLICY_ending, POLICY_strict
};
enum
{
	DIMENSION_id = 1, DIMENSION_name, DIMENSION_kind, DIMENSION_weight
};
enum
{
	STEP_policy = 1, STEP_seq, STEP_name, STEP_level, STEP_base, STEP_pick, STEP_access,
	STEP_excludes, STEP_compete, STEP_only_down, STEP_ending, STEP_remainder
};
enum
{
	RATE_from_currency = 1, RATE_to_currency, RATE_rate, RATE_valid
};
enum
{
	UNIT_sku = 1, UNIT_uom, UNIT_factor
};

/* ----- policy, dimensions, steps ----- */

static void
read_policy(Compiler *c, Row *row)
{
	char	   *currency = text_column(row, POLICY_currency);
	RoundMode	mode;

	if (currency != NULL)
		strlcpy(c->head.currency, currency, sizeof(c->head.currency));
	c->head.round_target = WORD(row, POLICY_round_target, target_names);
	if (!round_mode_from_name(text_column(row, POLICY_round_mode), &mode))
		elog(ERROR, "unknown rounding mode in the configuration");
	c->head.round_mode = mode;
	c->head.increment_given = !is_null(row, POLICY_round_increment);
	c->head.increment = dec_column(c, row, POLICY_round_increment);
	c->head.ending = ending_column(c, row, POLICY_ending);
	c->head.strict = bool_column(row, POLICY_strict);
	c->head.zone = add_text(c, text_column(row, POLICY_zone));
	c->head.size = 1;			/* found */
}

typedef struct Dimension
{
	int64		id;
	int32		weight;
	char	   *name;
	bool		is_path;
	bool		used;			/* by a rule of the policy; only looked for where all are too many */
} Dimension;

static void
read_dimension(Compiler *c, Row *row)
{
	Dimension  *dimension = palloc0(sizeof(Dimension));

	dimension->id = DatumGetInt64(column(row, DIMENSION_id));
	dimension->weight = DatumGetInt32(column(row, DIMENSION_weight));
	dimension->name = pstrdup(text_column(row, DIMENSION_name));
	dimension->is_path = WORD(row, DIMENSION_kind, kind_names) == 1;
	c->dimensions = lappend(c->dimensions, dimension);
	c->npaths += dimension->is_path;
}

static int
compare_dimensions(const ListCell *left, const ListCell *right)
{
	const Dimension *a = lfirst(left);
	const Dimension *b = lfirst(right);

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id ? 1 : 0;
}

static void
note_used(Compiler *c, Row *row)
{
	const char *name = text_column(row, 1);
	ListCell   *cell;

	foreach(cell, c->dimensions)
		if (strcmp(((Dimension *) lfirst(cell))->name, name) == 0)
			((Dimension *) lfirst(cell))->used = true;
}

static void
add_dimension(Compiler *c, const Dimension *dimension)
{
	if (c->ndims <= MATCH_MAX_DIMENSIONS)
	{
		c->dims[c->ndims] = dimension->name;
		c->is_path[c->ndims] = dimension->is_path;
		if (strcmp(dimension->name, "currency") == 0)
			c->currency_dim = c->ndims;
	}
	if (c->ndims < MATCH_MAX_DIMENSIONS && dimension->is_path)
	{
		c->head.path_dims |= UINT64CONST(1) << c->ndims;
		c->path_mask |= scope_bit(c->ndims);
	}
	c->ndims++;
}

static void
read_dimensions(Compiler *c)
{
	bool		all;
	ListCell   *cell;

	read_table(c, "dimension", 0, NULL, 0, read_dimension);
	list_sort(c->dimensions, compare_dimensions);

	all = list_length(c->dimensions) <= MATCH_MAX_DIMENSIONS && c->npaths <= SCOPE_MAX_PATHS;
	if (!all)
		read_rows(c,
				  "SELECT d.name FROM quotetier.dimension d WHERE EXISTS (SELECT FROM quotetier.rule r"
				  " WHERE r.policy OPERATOR(pg_catalog.=) $1 AND (r.scope OPERATOR(pg_catalog.?) d.name"
				  " OR r.lines OPERATOR(pg_catalog.?) d.name OR r.counts OPERATOR(pg_catalog.?) d.name))",
				  NULL, 0, note_used);
	foreach(cell, c->dimensions)
	{
		const Dimension *dimension = lfirst(cell);

		if (all || dimension->used)
			add_dimension(c, dimension);
	}
}

/* 'customer+sku' as a mask of dimensions; false if one of them is none of the policy's. */
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

/* Steps are told by name, also to each other, so their places come first. */
static void
note_step(Compiler *c, Row *row)
{
	Step	   *step;

	if (c->head.nsteps == MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the policy has more than %d steps", MAX_STEPS),
				 errdetail("Some were saved while its checks were off."),
				 errhint("Combine steps, or split the policy.")));
	step = &c->steps[c->head.nsteps++];
	memset(step, 0, sizeof(Step));
	step->name = add_text(c, text_column(row, STEP_name));
	step->seq = DatumGetInt32(column(row, STEP_seq));
}

static int
compare_steps(const void *left, const void *right)
{
	int32		a = ((const Step *) left)->seq;
	int32		b = ((const Step *) right)->seq;

	return a < b ? -1 : a > b ? 1 : 0;
}

static void
read_step(Compiler *c, Row *row)
{
	char	   *name = text_column(row, STEP_name);
	int			number = step_number(c, name, strlen(name));
	Step	   *step = &c->steps[number];
	char	   *compete = text_column(row, STEP_compete);
	int			remainder = WORD(row, STEP_remainder, remainder_names);
	Datum	   *names;
	int			n;
	int			i;

	step->level = WORD(row, STEP_level, level_names);
	step->remainder = remainder < 0 ? REMAINDER_LARGEST : remainder;
	step->base = base_named(c, text_column(row, STEP_base), number);
	step->pick = WORD(row, STEP_pick, pick_names);
	step->only_down = bool_column(row, STEP_only_down);
	step->ending = ending_column(c, row, STEP_ending);
	step->is_list = step->level == LEVEL_LINE && strcmp(name, "list") == 0;
	if (compete != NULL)
		step->compete = name_number(&c->competes, compete) + 1;

	names = text_elements(row, STEP_access, &n);
	for (i = 0; i < n; i++)
	{
		uint64	   *mask = palloc(sizeof(uint64));

		if (access_mask(c, TextDatumGetCString(names[i]), mask))
			c->access[number] = lappend(c->access[number], mask);
	}
	names = text_elements(row, STEP_excludes, &n);
	for (i = 0; i < n; i++)
	{
		char	   *excluded = TextDatumGetCString(names[i]);
		int			other = step_number(c, excluded, strlen(excluded));

		if (other >= 0)
			step->excludes |= UINT64CONST(1) << other;
	}
}

static void
read_steps(Compiler *c)
{
	read_table(c, "step", STEP_policy, NULL, 0, note_step);
	qsort(c->steps, c->head.nsteps, sizeof(Step), compare_steps);
	read_table(c, "step", STEP_policy, NULL, 0, read_step);
}

/* ----- rates, units ----- */

static void
read_rate(Compiler *c, Row *row)
{
	Rate	   *rate = palloc0(sizeof(Rate));

	strlcpy(rate->from_currency, text_column(row, RATE_from_currency), sizeof(rate->from_currency));
	strlcpy(rate->to_currency, text_column(row, RATE_to_currency), sizeof(rate->to_currency));
	rate->rate = dec_column(c, row, RATE_rate);
	validity_column(c, row, RATE_valid, &rate->from, &rate->to);
	c->rates = lappend(c->rates, rate);
}

static void
read_unit(Compiler *c, Row *row)
{
	Unit	   *unit = palloc(sizeof(Unit));
	char	   *sku = text_column(row, UNIT_sku);

	unit->unit = add_text(c, text_column(row, UNIT_uom));
	unit->sku = add_text(c, sku == NULL ? "" : sku);
	unit->factor = dec_column(c, row, UNIT_factor);
	c->units = lappend(c->units, unit);
}

/* ----- all of it ----- */

/* A patch numbers facts as its base does. */
static void
take_numbers(Compiler *c, const Policy *base)
{
	const uint32 *facts = POLICY_PART(base, uint32, facts);
	uint32		i;

	for (i = base->ndims; i < base->nfacts; i++)
		(void) name_number(&c->facts, POLICY_TEXT(base, facts[i]));
	c->head.asks_all = base->asks_all;
	for (i = 0; i < base->nasked; i++)
	{
		GROW(c->asked);
		c->asked.items[c->asked.n++] = POLICY_PART(base, uint32, asked)[i];
	}
}

/* Has the policy the dimensions and steps of base? Else numbers mean something else. */
static bool
fits(const Compiler *c, const Policy *base)
{
	const uint32 *facts = POLICY_PART(base, uint32, facts);
	const Step *steps = POLICY_PART(base, Step, steps);
	int			i;

	if (c->ndims != base->ndims || c->head.nsteps != base->nsteps ||
		c->head.path_dims != base->path_dims)
		return false;
	for (i = 0; i < c->ndims; i++)
		if (strcmp(c->dims[i], POLICY_TEXT(base, facts[i])) != 0)
			return false;
	for (i = 0; i < c->head.nsteps; i++)
		if (strcmp(c->texts.data + c->steps[i].name, POLICY_TEXT(base, steps[i].name)) != 0)
			return false;
	return true;
}

/* Has the row two columns of one name? It is refused if some rule asks for it. */
static bool
has_twins(const FactReader *row)
{
	int			i;
	int			k;

	for (i = 0; row->json == NULL && i < row->tupdesc->natts; i++)
		for (k = 0; k < i; k++)
			if (strcmp(NameStr(TupleDescAttr(row->tupdesc, i)->attname),
					   NameStr(TupleDescAttr(row->tupdesc, k)->attname)) == 0)
				return true;
	return false;
}

/*
 * Takes in the line that the policy is compiled for, as far as scopes ask for it.
 * One that may have to be refused is not: all rules tell for what.
 */
static void
read_line(Compiler *c, const FactArgument *argument)
{
	FactReader *facts = fact_reader_create(CurrentMemoryContext);
	ScopeRow   *line = palloc(sizeof(ScopeRow));
	int			dim;

	fact_reader_interest(facts, 1, c->ndims, c->dims);
	fact_reader_argument(facts, argument);
	if (has_twins(facts))
		return;
	scope_row_init(line, facts, c->ndims, c->head.path_dims);
	for (dim = 0; dim < c->ndims; dim++)
	{
		if (!fact_has_labels(facts, dim))
			return;
		(void) scope_row_labels(line, dim);
	}
	c->line = line;
}

static Policy *
compile(const char *name, const Policy *base, const int64 *rules, int nrules, const FactArgument *line,
		bool *whole)
{
	MemoryContext result_context = CurrentMemoryContext;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "quotetier policy compiler",
											   ALLOCSET_DEFAULT_SIZES);
	Compiler   *c;
	Policy	   *policy = NULL;

	MemoryContextSwitchTo(work);
	c = palloc0(sizeof(Compiler));
	c->name = name;
	c->name_len = strlen(name);
	c->base = base;
	c->changed = rules;
	c->nchanged = nrules;
	c->currency_dim = -1;
	initStringInfo(&c->texts);
	read_table(c, "policy", POLICY_name, NULL, 0, read_policy);
	if (c->head.size != 0)
	{
		if (base != NULL)
			take_numbers(c, base);
		c->head.list_price_fact = name_number(&c->facts, "list_price");
		c->head.currency_fact = name_number(&c->facts, "currency");
		c->head.uom_fact = name_number(&c->facts, "uom");
		c->head.uom_factor_fact = name_number(&c->facts, "uom_factor");
		c->head.sku_fact = name_number(&c->facts, "sku");

		read_dimensions(c);
		c->scopes = scope_reader_create(c->ndims, c->dims, c->is_path);
		if (line != NULL)
		{
			read_line(c, line);
			*whole = c->line == NULL;
		}
		read_steps(c);
		read_table(c, "fx_rate", 0, BY(RATE_from_currency, RATE_to_currency, RATE_valid), read_rate);
		read_table(c, "uom", 0, BY(UNIT_uom, UNIT_sku), read_unit);
		if (base == NULL || fits(c, base))
		{
			read_rules(c);

			/* only the chunk outlives the compiler: the matcher is copied into it */
			policy = lay_out(c, result_context);
		}
	}
	MemoryContextSwitchTo(result_context);
	MemoryContextDelete(work);
	return policy;
}

void *
policy_compile(const char *name)
{
	return compile(name, NULL, NULL, 0, NULL, NULL);
}

void *
policy_compile_line(const char *name, const void *line, bool *whole)
{
	return compile(name, NULL, NULL, 0, line, whole);
}

void *
policy_patch(const char *name, const void *base, const int64 *rules, int nrules)
{
	return compile(name, base, rules, nrules, NULL, NULL);
}

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

static const char *const target_names[] = {
	"line", "unit", "adjustment", "unit_adjustment", "line_step", "unit_step"
};
static const char *const pick_names[] = {"first", "best", "sum", "chain"};
static const char *const level_names[] = {"line", "order", "statistical"};
static const char *const remainder_names[] = {
	"largest", "last_line", "first_lines", "carry", "none"
};

/* ----- policy, dimensions, steps ----- */

static void
read_policy(Compiler *c, Row *row)
{
	char	   *currency = text_column(row, 1);
	RoundMode	mode;

	if (currency != NULL)
		strlcpy(c->head.currency, currency, sizeof(c->head.currency));
	c->head.round_target = WORD(row, 2, target_names);
	if (!round_mode_from_name(text_column(row, 3), &mode))
		elog(ERROR, "unknown rounding mode in the configuration");
	c->head.round_mode = mode;
	c->head.increment_given = !is_null(row, 4);
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
		c->is_path[c->ndims] = bool_column(row, 2);
		if (strcmp(c->dims[c->ndims], "currency") == 0)
			c->currency_dim = c->ndims;
	}
	if (c->ndims < MATCH_MAX_DIMENSIONS && c->is_path[c->ndims])
	{
		c->head.path_dims |= UINT64CONST(1) << c->ndims;
		c->path_mask |= scope_bit(c->ndims);
	}
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
	char	   *compete = text_column(row, 7);
	char	   *name = text_column(row, 1);
	int			remainder = WORD(row, 10, remainder_names);

	if (c->head.nsteps == MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the policy has more than %d steps", MAX_STEPS),
				 errdetail("Some were saved while its checks were off."),
				 errhint("Combine steps, or split the policy.")));
	step = &c->steps[c->head.nsteps];
	memset(step, 0, sizeof(Step));
	step->name = add_text(c, name);
	step->seq = DatumGetInt32(column(row, 2, &isnull));
	step->level = WORD(row, 9, level_names);
	step->remainder = remainder < 0 ? REMAINDER_LARGEST : remainder;
	step->base = base_named(c, text_column(row, 3));
	step->pick = WORD(row, 4, pick_names);
	step->only_down = bool_column(row, 5);
	step->ending = ending_column(c, row, 6);
	step->is_list = step->level == LEVEL_LINE && strcmp(name, "list") == 0;
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
	char	   *name = text_column(row, 1);
	char	   *excludes = text_column(row, 2);
	int			step = step_number(c, name, strlen(name));
	int			excluded = step_number(c, excludes, strlen(excludes));

	if (step >= 0 && excluded >= 0)
		c->steps[step].excludes |= UINT64CONST(1) << excluded;
}

/* ----- rates, units ----- */

static void
read_rate(Compiler *c, Row *row)
{
	Rate	   *rate = palloc0(sizeof(Rate));

	strlcpy(rate->from_currency, text_column(row, 1), sizeof(rate->from_currency));
	strlcpy(rate->to_currency, text_column(row, 2), sizeof(rate->to_currency));
	rate->rate = dec_column(c, row, 3);
	validity_column(c, row, 4, &rate->from, &rate->to);
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

static Policy *
compile(const char *name, const Policy *base, const int64 *rules, int nrules)
{
	MemoryContext result_context = CurrentMemoryContext;
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "quotetier policy compiler",
											   ALLOCSET_DEFAULT_SIZES);
	Compiler   *c;
	Policy	   *policy = NULL;

	MemoryContextSwitchTo(work);
	c = palloc0(sizeof(Compiler));
	c->base = base;
	c->changed = rules;
	c->nchanged = nrules;
	c->currency_dim = -1;
	initStringInfo(&c->texts);
	read_rows(c,
			  "SELECT currency, round_target, round_mode, round_increment, ending, strict, zone"
			  " FROM quotetier.policy WHERE name OPERATOR(pg_catalog.=) $1",
			  name, NULL, 0, read_policy);
	if (c->head.size != 0)
	{
		if (base != NULL)
			take_numbers(c, base);
		c->head.list_price_fact = name_number(&c->facts, "list_price");
		c->head.currency_fact = name_number(&c->facts, "currency");
		c->head.uom_fact = name_number(&c->facts, "uom");
		c->head.uom_factor_fact = name_number(&c->facts, "uom_factor");
		c->head.sku_fact = name_number(&c->facts, "sku");

		/* only where there are more than a policy can have, the used ones are looked for */
		read_rows(c,
				  "SELECT d.name, d.kind OPERATOR(pg_catalog.=) 'path' FROM quotetier.dimension d"
				  " WHERE (SELECT pg_catalog.count(*) OPERATOR(pg_catalog.<=) " CppAsString2(MATCH_MAX_DIMENSIONS)
				  " AND pg_catalog.count(*) FILTER (WHERE kind OPERATOR(pg_catalog.=) 'path')"
				  " OPERATOR(pg_catalog.<=) " CppAsString2(SCOPE_MAX_PATHS) " FROM quotetier.dimension)"
				  " OR EXISTS (SELECT FROM quotetier.rule r"
				  " WHERE r.policy OPERATOR(pg_catalog.=) $1 AND (r.scope OPERATOR(pg_catalog.?) d.name"
				  " OR r.lines OPERATOR(pg_catalog.?) d.name OR r.counts OPERATOR(pg_catalog.?) d.name))"
				  " ORDER BY d.weight DESC, d.id",
				  name, NULL, 0, read_dimension);
		c->scopes = scope_reader_create(c->ndims, c->dims, c->is_path);
		read_rows(c,
				  "SELECT name, seq, base, pick, only_down, ending, compete, access, level, remainder"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1 ORDER BY seq",
				  name, NULL, 0, read_step);
		read_rows(c,
				  "SELECT name, pg_catalog.unnest(excludes)"
				  " FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1",
				  name, NULL, 0, read_excludes);

		read_rows(c,
				  "SELECT from_currency, to_currency, rate, valid FROM quotetier.fx_rate"
				  " ORDER BY from_currency COLLATE \"C\", to_currency COLLATE \"C\", valid",
				  NULL, NULL, 0, read_rate);
		read_rows(c,
				  "SELECT uom, sku, factor FROM quotetier.uom"
				  " ORDER BY uom COLLATE \"C\", COALESCE(sku, '') COLLATE \"C\"",
				  NULL, NULL, 0, read_unit);
		if (base == NULL || fits(c, base))
		{
			read_rules(c, name);

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
	return compile(name, NULL, NULL, 0);
}

void *
policy_patch(const char *name, const void *base, const int64 *rules, int nrules)
{
	return compile(name, base, rules, nrules);
}

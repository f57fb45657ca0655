/*
 * class_scheme.c
 *		Reads the rules of a class scheme, and puts them in order of precedence.
 *
 * The order is that of pricing rules (src/price/policy_rules.c): the
 * dimensions a scope asks for, heaviest first, then the depth of its paths,
 * then priority, then the smaller id. Not here: what may be saved
 * (class_check.c), and finding the rule of a row (class.c).
 */
#include "postgres.h"

#include "base/book.h"
#include "base/condition.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "tier/class.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

static void *class_scheme_build(const char *name);

static const char *const class_tables[] = {"dimension", "class_scheme", "class_rule", NULL};

static BookKind class_books = {
	.name = "class",
	.tables = class_tables,
	.build = class_scheme_build,
};

/* A rule at one depth of its paths. */
typedef struct ReadRule
{
	ClassRule	rule;
	Scope		scope;
	uint64		depths;
} ReadRule;

typedef struct Compiler
{
	MemoryContext result;		/* lives as long as the book */
	ClassScheme *scheme;
	ScopeReader *scopes;
	ReadRule   *rules;
	uint32		nrules;
	uint32		rules_room;
	List	   *asked;			/* names of facts that conditions ask for */
} Compiler;

/* Runs a query with the scheme's name; its rows are in SPI_tuptable. */
static void
query(const char *sql, const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			argtypes[] = {TEXTOID};
	Datum		args[] = {CStringGetTextDatum(name)};

	if (SPI_execute_with_args(sql, 1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	MemoryContextSwitchTo(caller);
}

static Datum
column(uint64 row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, isnull);
}

/* ----- dimensions ----- */

static void
read_dimensions(Compiler *c, const char *name)
{
	ClassScheme *scheme = c->scheme;
	uint64		i;

	query("SELECT d.name, d.kind OPERATOR(pg_catalog.=) 'path' FROM quotetier.dimension d WHERE EXISTS"
		  " (SELECT FROM quotetier.class_rule r WHERE r.scheme OPERATOR(pg_catalog.=) $1"
		  " AND r.scope OPERATOR(pg_catalog.?) d.name) ORDER BY d.weight DESC, d.id", name);
	scheme->ndims = SPI_processed;
	scheme->names = MemoryContextAlloc(c->result, (SPI_processed + 1) * sizeof(char *));
	scheme->is_path = MemoryContextAlloc(c->result, (SPI_processed + 1) * sizeof(bool));
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		scheme->names[i] = MemoryContextStrdup(c->result, TextDatumGetCString(column(i, 1, &isnull)));
		scheme->is_path[i] = DatumGetBool(column(i, 2, &isnull));
	}
	c->scopes = scope_reader_create(scheme->ndims, scheme->names, scheme->is_path);
}

/* ----- rules ----- */

static ReadRule *
next_rule(Compiler *c)
{
	if (c->nrules == c->rules_room)
	{
		c->rules_room *= 2;
		c->rules = repalloc_huge(c->rules, (Size) c->rules_room * sizeof(ReadRule));
	}
	return &c->rules[c->nrules++];
}

static void
read_validity(ClassRule *rule, Datum range)
{
	RangeType  *valid = DatumGetRangeTypeP(range);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(valid), TYPECACHE_RANGE_INFO),
					  valid, &lower, &upper, &empty);
	rule->from = lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	rule->to = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

static void
note_asked(void *state, const char *name, int len)
{
	Compiler   *c = state;
	char	   *fact = pnstrdup(name, len);
	ListCell   *cell;

	foreach(cell, c->asked)
		if (strcmp(lfirst(cell), fact) == 0)
			return;
	c->asked = lappend(c->asked, fact);
}

static void
read_rule(Compiler *c, uint64 row)
{
	ReadRule	read = {0};
	ClassRule  *rule = &read.rule;
	MemoryContext work;
	bool		isnull;
	Datum		condition;
	List	   *depths;
	ListCell   *cell;

	rule->id = DatumGetInt64(column(row, 1, &isnull));
	scope_read(c->scopes, DatumGetJsonbP(column(row, 2, &isnull)), &read.scope);
	rule->mask = read.scope.mask;
	rule->exclusions = read.scope.exclusions;
	rule->nexclusions = read.scope.nexclusions;
	read_validity(rule, column(row, 4, &isnull));
	rule->priority = DatumGetInt32(column(row, 5, &isnull));

	work = MemoryContextSwitchTo(c->result);
	condition = column(row, 3, &isnull);
	rule->condition = isnull ? NULL : DatumGetJsonPathPCopy(condition);
	rule->class = DatumGetTextPCopy(column(row, 6, &isnull));
	MemoryContextSwitchTo(work);
	if (rule->condition != NULL && !condition_asks(rule->condition, note_asked, c))
		c->scheme->asks_all = true;

	/* paths of several depths rank differently: a place for each depth */
	depths = scope_depths(c->scopes, &read.scope);
	foreach(cell, depths)
	{
		read.depths = *(uint64 *) lfirst(cell);
		*next_rule(c) = read;
	}
}

static void
read_rules(Compiler *c, const char *name)
{
	uint64		i;

	c->rules_room = 64;
	c->rules = palloc(c->rules_room * sizeof(ReadRule));
	query("SELECT id, scope, condition, valid, priority, class FROM quotetier.class_rule"
		  " WHERE scheme OPERATOR(pg_catalog.=) $1", name);
	for (i = 0; i < SPI_processed; i++)
		read_rule(c, i);
}

/* ----- order ----- */

static int
compare_access(const ReadRule *a, const ReadRule *b)
{
	return scope_compare(a->scope.mask, a->depths, b->scope.mask, b->depths);
}

static int
compare_rules(const void *left, const void *right)
{
	const ReadRule *a = left;
	const ReadRule *b = right;
	int			access = compare_access(a, b);

	if (access != 0)
		return access;
	if (a->rule.priority != b->rule.priority)
		return a->rule.priority > b->rule.priority ? -1 : 1;
	return a->rule.id < b->rule.id ? -1 : a->rule.id > b->rule.id ? 1 : 0;
}

/* Sorts the rules, ranks them, and hands them to the matcher in that order. */
static void
order_rules(Compiler *c)
{
	uint32		i;

	qsort(c->rules, c->nrules, sizeof(ReadRule), compare_rules);
	for (i = 0; i < c->nrules; i++)
	{
		ReadRule   *read = &c->rules[i];

		if (i > 0)
			read->rule.rank = read[-1].rule.rank + (compare_access(read, read - 1) != 0);
		scope_add(c->scopes, &read->scope, read->depths, i);
	}
}

/* Numbers the facts that conditions ask for behind the dimensions, unless they are such. */
static void
keep_asked(Compiler *c)
{
	ClassScheme *scheme = c->scheme;
	int			n = list_length(c->asked);
	ListCell   *cell;

	scheme->nfacts = scheme->ndims;
	scheme->asks_all |= n > CONDITION_MANY_FACTS;
	if (scheme->asks_all)
		return;
	scheme->names = repalloc(scheme->names, (scheme->ndims + n + 1) * sizeof(char *));
	scheme->asked = MemoryContextAlloc(c->result, (n + 1) * sizeof(int));
	foreach(cell, c->asked)
	{
		int			fact;

		for (fact = 0; fact < scheme->ndims && strcmp(scheme->names[fact], lfirst(cell)) != 0; fact++)
			;
		if (fact == scheme->ndims)
		{
			fact = scheme->nfacts++;
			scheme->names[fact] = MemoryContextStrdup(c->result, lfirst(cell));
		}
		scheme->asked[scheme->nasked++] = fact;
	}
}

/* Copies what the scheme keeps out of the compiler's memory. */
static void
keep(Compiler *c)
{
	ClassScheme *scheme = c->scheme;
	Size		exclusions = c->scopes->nexclusions * sizeof(ScopeExclusion);
	MemoryContext work = MemoryContextSwitchTo(c->result);
	MatchIndex *match;
	uint32		i;

	scheme->nrules = c->nrules;
	scheme->rules = MemoryContextAllocHuge(c->result, (c->nrules + 1) * sizeof(ClassRule));
	for (i = 0; i < c->nrules; i++)
		scheme->rules[i] = c->rules[i].rule;
	scheme->exclusions = memcpy(MemoryContextAllocHuge(c->result, exclusions + 1),
								c->scopes->exclusions, exclusions);
	match = MemoryContextAllocHuge(c->result, match_size(c->scopes->match));
	match_lay_out(c->scopes->match, match, NULL, NULL);
	scheme->match = match;
	MemoryContextSwitchTo(work);
}

static void *
class_scheme_build(const char *name)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext work = AllocSetContextCreate(result, "quotetier class compiler",
											   ALLOCSET_DEFAULT_SIZES);
	Compiler	c = {.result = result};

	MemoryContextSwitchTo(work);
	query("SELECT 1 FROM quotetier.class_scheme WHERE name OPERATOR(pg_catalog.=) $1", name);
	if (SPI_processed > 0)
	{
		c.scheme = MemoryContextAllocZero(result, sizeof(ClassScheme));
		read_dimensions(&c, name);
		read_rules(&c, name);
		order_rules(&c);
		keep(&c);
		keep_asked(&c);
	}
	MemoryContextSwitchTo(result);
	MemoryContextDelete(work);
	return c.scheme;
}

const ClassScheme *
class_scheme_get(text *name, uint64 *serial)
{
	const ClassScheme *scheme = book_get(&class_books, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name),
										 serial);

	if (scheme == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("class scheme \"%s\" does not exist", text_to_cstring(name)),
				 errdetail("A class scheme is a row of quotetier.class_scheme; its rules are rows of quotetier.class_rule."),
				 errhint("SELECT name FROM quotetier.class_scheme lists the class schemes there are.")));
	return scheme;
}

/*
 * scheme.c
 *		Compiles quotetier.scheme and quotetier.tier into ladders, and climbs them.
 *
 * Not here: what may be written into the tables (check.c), and the SQL
 * functions that grade with a scheme (tier.c, tier_over.c).
 */
#include "postgres.h"

#include "base/book.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "tier/scheme.h"
#include "utils/builtins.h"

static void *scheme_build(const char *name);

static const char *const scheme_tables[] = {"scheme", "tier", NULL};

static BookKind scheme_books = {
	.name = "tier",
	.tables = scheme_tables,
	.build = scheme_build,
};

static const struct
{
	const char *name;
	SchemeKind	kind;
}			kinds[] = {
	{"threshold", SCHEME_THRESHOLD},
	{"share", SCHEME_SHARE},
	{"pareto", SCHEME_PARETO},
	{"grid", SCHEME_GRID},
};

/* Runs a query about one scheme, and comes back to the context it was called in. */
static void
ask(const char *query, const char *scheme)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {TEXTOID};
	Datum		args[] = {CStringGetTextDatum(scheme)};

	if (SPI_execute_with_args(query, 1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the scheme");
	MemoryContextSwitchTo(context);
}

static Datum
answer(int row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
}

/* Brings the places to one scale, so that a search compares whole numbers. */
static int64 *
common_places(Ladder *ladder)
{
	int64	   *places = palloc(Max(ladder->n, 1) * sizeof(int64));
	int			i;

	for (i = ladder->open_below; i < ladder->n; i++)
		ladder->scale = Max(ladder->scale, ladder->from[i].scale);
	if (ladder->scale > 18)
		return NULL;
	places[0] = PG_INT64_MIN;
	for (i = ladder->open_below; i < ladder->n; i++)
		if (!dec_floor64(ladder->from[i], ladder->scale, &places[i]))
			return NULL;
	return places;
}

/* Makes a ladder of the answers: distinct numerics in ascending order. */
static void
build_ladder(Ladder *ladder)
{
	int			i;

	ladder->n = SPI_processed;
	ladder->from = palloc0(Max(ladder->n, 1) * sizeof(Dec));
	for (i = 0; i < ladder->n; i++)
		if (!dec_from_numeric(DatumGetNumericCopy(answer(i, 1)), &ladder->from[i]))
			ladder->open_below = true;
	ladder->places = common_places(ladder);
}

static void *
scheme_build(const char *name)
{
	Scheme	   *scheme;
	char	   *kind;
	int			i;

	ask("SELECT kind, keep_ties FROM quotetier.scheme WHERE name = $1", name);
	if (SPI_processed == 0)
		return NULL;

	scheme = palloc0(sizeof(Scheme));
	kind = TextDatumGetCString(answer(0, 1));
	scheme->keep_ties = DatumGetBool(answer(0, 2));
	for (i = 0; strcmp(kind, kinds[i].name) != 0; i++)
		if (i == lengthof(kinds) - 1)
			elog(ERROR, "unknown kind of scheme \"%s\"", kind);
	scheme->kind = kinds[i].kind;

	ask("SELECT DISTINCT from_value FROM quotetier.tier"
		" WHERE scheme = $1 AND from_value IS NOT NULL ORDER BY from_value", name);
	build_ladder(&scheme->ladder);
	ask("SELECT DISTINCT coalesce(from_value2, '-Infinity') FROM quotetier.tier"
		" WHERE scheme = $1 AND from_value IS NOT NULL ORDER BY 1", name);
	build_ladder(&scheme->ladder2);

	scheme->names = palloc0(Max(scheme->ladder.n * scheme->ladder2.n, 1) * sizeof(text *));
	ask("SELECT name, dense_rank() OVER (ORDER BY from_value),"
		" dense_rank() OVER (ORDER BY coalesce(from_value2, '-Infinity'))"
		" FROM quotetier.tier WHERE scheme = $1 AND from_value IS NOT NULL", name);
	for (i = 0; i < SPI_processed; i++)
		scheme->names[(DatumGetInt64(answer(i, 2)) - 1) * scheme->ladder2.n +
					  DatumGetInt64(answer(i, 3)) - 1] = DatumGetTextPCopy(answer(i, 1));

	ask("SELECT name FROM quotetier.tier WHERE scheme = $1 AND from_value IS NULL", name);
	scheme->napart = SPI_processed;
	scheme->apart = palloc(Max(scheme->napart, 1) * sizeof(text *));
	for (i = 0; i < scheme->napart; i++)
		scheme->apart[i] = DatumGetTextPCopy(answer(i, 1));
	return scheme;
}

const Scheme *
scheme_get(text *name)
{
	const Scheme *scheme = book_get(&scheme_books, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL);

	if (scheme == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("scheme \"%s\" does not exist", text_to_cstring(name)),
				 errdetail("A scheme is a row of quotetier.scheme; its tiers are rows of quotetier.tier."),
				 errhint("SELECT name, kind FROM quotetier.scheme lists the schemes there are.")));
	return scheme;
}

int
ladder_find(const Ladder *ladder, Dec value)
{
	int			below = ladder->open_below; /* the places before this one are at or under value */
	int			above = ladder->n;
	int64		place;

	/* between whole places, rounding the value down changes no comparison */
	if (likely(ladder->places != NULL && dec_floor64(value, ladder->scale, &place)))
		while (below < above)
		{
			int			middle = (below + above) / 2;

			if (ladder->places[middle] <= place)
				below = middle + 1;
			else
				above = middle;
		}
	else
		while (below < above)
		{
			int			middle = (below + above) / 2;

			if (dec_cmp(ladder->from[middle], value) <= 0)
				below = middle + 1;
			else
				above = middle;
		}
	return below - 1;
}

Dec
graded_value(Datum value, text *scheme)
{
	Dec			dec;

	if (unlikely(!dec_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(value), &dec)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot grade %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, value))),
				 errdetail("Scheme \"%s\" grades finite numbers.", text_to_cstring(scheme)),
				 errhint("Give NULL for a value that is not known: its tier is NULL.")));
	return dec;
}

/*
 * scheme.c
 *		Compiles quotetier.scheme and quotetier.tier into ladders, and climbs them.
 *
 * Not here: what may be written into the tables (check.c), and the SQL
 * functions that grade with a ladder (tier.c).
 */
#include "postgres.h"

#include "base/book.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "tier/scheme.h"
#include "utils/builtins.h"

static void *scheme_build(const char *name);

static const char *const scheme_tables[] = {"scheme", "tier", NULL};

static BookKind scheme_books = {
	.name = "tier",
	.tables = scheme_tables,
	.build = scheme_build,
};

/* Brings the rungs to one scale, so that a search compares whole numbers. */
static int64 *
common_places(Scheme *scheme)
{
	int64	   *places = palloc(scheme->nrungs * sizeof(int64));
	int			i;

	scheme->scale = 0;
	for (i = 0; i < scheme->nrungs; i++)
		if (!scheme->rungs[i].unbounded)
			scheme->scale = Max(scheme->scale, scheme->rungs[i].from.scale);
	for (i = 0; i < scheme->nrungs; i++)
		if (scheme->rungs[i].unbounded)
			places[i] = PG_INT64_MIN;
		else if (scheme->scale > 18 || !dec_floor64(scheme->rungs[i].from, scheme->scale, &places[i]))
			return NULL;
	return places;
}

static void *
scheme_build(const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			argtypes[] = {TEXTOID};
	Datum		args[] = {CStringGetTextDatum(name)};
	Scheme	   *scheme;
	int			i;

	if (SPI_execute_with_args("SELECT 1 FROM quotetier.scheme WHERE name = $1",
							  1, argtypes, args, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the scheme");
	if (SPI_processed == 0)
		return NULL;

	if (SPI_execute_with_args("SELECT name, from_value FROM quotetier.tier"
							  " WHERE scheme = $1 ORDER BY from_value, name",
							  1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tiers");

	MemoryContextSwitchTo(context);
	scheme = palloc0(offsetof(Scheme, rungs) + SPI_processed * sizeof(Rung));
	scheme->nrungs = SPI_processed;
	for (i = 0; i < scheme->nrungs; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Rung	   *rung = &scheme->rungs[i];
		bool		isnull;

		rung->name = DatumGetTextPCopy(SPI_getbinval(row, desc, 1, &isnull));
		rung->unbounded = !dec_from_numeric(DatumGetNumericCopy(SPI_getbinval(row, desc, 2, &isnull)),
											&rung->from);
	}
	scheme->places = common_places(scheme);
	return scheme;
}

const Scheme *
scheme_get(text *name)
{
	Scheme	   *scheme = book_get(&scheme_books, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), NULL);

	if (scheme == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("scheme \"%s\" does not exist", text_to_cstring(name)),
				 errdetail("A scheme is a row of quotetier.scheme; its tiers are rows of quotetier.tier."),
				 errhint("SELECT name, kind FROM quotetier.scheme lists the schemes there are.")));
	return scheme;
}

const Rung *
scheme_find(const Scheme *scheme, Dec value)
{
	int			below = 0;		/* the rungs before this one start at or under value */
	int			above = scheme->nrungs;
	int64		place;

	/* under whole places, rounding the value down changes no comparison */
	if (likely(scheme->places != NULL && dec_floor64(value, scheme->scale, &place)))
		while (below < above)
		{
			int			middle = (below + above) / 2;

			if (scheme->places[middle] <= place)
				below = middle + 1;
			else
				above = middle;
		}
	else
		while (below < above)
		{
			int			middle = (below + above) / 2;
			const Rung *rung = &scheme->rungs[middle];

			if (rung->unbounded || dec_cmp(rung->from, value) <= 0)
				below = middle + 1;
			else
				above = middle;
		}
	return below == 0 ? NULL : &scheme->rungs[below - 1];
}

/*
 * segment.c
 *		Segment maps: read from their tables, compiled to one name a cell.
 *
 * Not here: which row of a map covers a cell; the view segment_cell says that.
 */
#include "postgres.h"

#include "base/book.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "rfm/segment.h"
#include "utils/builtins.h"
#include "utils/datum.h"

PG_FUNCTION_INFO_V1(rfm_segment);

static void *build_segment_map(const char *name);

static const char *const segment_tables[] = {"segment_map", "segment", NULL};

static BookKind segment_books = {
	.name = "segment",
	.tables = segment_tables,
	.build = build_segment_map
};

static int
spi_int(int row, int column)
{
	bool		isnull;

	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
									   column, &isnull));
}

static text *
spi_text(int row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
									  column, &isnull);

	return (text *) PG_DETOAST_DATUM_COPY(value);
}

static void *
build_segment_map(const char *name)
{
	Oid			argtypes[1] = {TEXTOID};
	Datum		args[1] = {CStringGetTextDatum(name)};
	MemoryContext context = CurrentMemoryContext;
	SegmentMap *map;
	text	   *fallback;
	int			ncells;
	int			i;

	if (SPI_execute_with_args("SELECT bins, fallback FROM quotetier.segment_map"
							  " WHERE name OPERATOR(pg_catalog.=) $1",
							  1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segment_map");
	if (SPI_processed == 0)
		return NULL;
	MemoryContextSwitchTo(context);	/* SPI leaves its own behind */
	ncells = spi_int(0, 1);
	ncells = ncells * ncells * ncells;
	map = palloc(offsetof(SegmentMap, cells) + ncells * sizeof(text *));
	map->bins = spi_int(0, 1);
	fallback = spi_text(0, 2);
	for (i = 0; i < ncells; i++)
		map->cells[i] = fallback;

	/* from the last rank to the first, which so has the last word */
	if (SPI_execute_with_args("SELECT r, f, m, segment FROM quotetier.segment_cell"
							  " WHERE map OPERATOR(pg_catalog.=) $1 ORDER BY rank DESC",
							  1, argtypes, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read segment_cell");
	MemoryContextSwitchTo(context);
	for (i = 0; i < SPI_processed; i++)
		map->cells[((spi_int(i, 1) - 1) * map->bins + spi_int(i, 2) - 1) * map->bins +
				   spi_int(i, 3) - 1] = spi_text(i, 4);
	return map;
}

const SegmentMap *
segment_map_get(const char *name, int len)
{
	const SegmentMap *map = book_get(&segment_books, name, len, NULL);

	if (map == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("segment map \"%s\" does not exist", pnstrdup(name, len)),
				 errhint("The maps are the rows of quotetier.segment_map.")));
	return map;
}

SegmentMap *
segment_map_copy(const SegmentMap *map)
{
	int			ncells = map->bins * map->bins * map->bins;
	SegmentMap *copy = palloc(offsetof(SegmentMap, cells) + ncells * sizeof(text *));
	int			i;

	copy->bins = map->bins;
	for (i = 0; i < ncells; i++)
		copy->cells[i] = (text *) DatumGetPointer(datumCopy(PointerGetDatum(map->cells[i]),
															false, -1));
	return copy;
}

/* rfm_segment(r int, f int, m int, map text) -> text */
Datum
rfm_segment(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(3);
	const SegmentMap *map = segment_map_get(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	int			i;

	for (i = 0; i < 3; i++)
		if (PG_GETARG_INT32(i) < 1 || PG_GETARG_INT32(i) > map->bins)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("score %d is out of range", PG_GETARG_INT32(i)),
					 errdetail("Scores of segment map \"%s\" run from 1 to %d.",
							   text_to_cstring(name), map->bins),
					 errhint("Score with as many bins as the map has.")));
	PG_RETURN_DATUM(datumCopy(PointerGetDatum(segment_of(map, PG_GETARG_INT32(0),
														 PG_GETARG_INT32(1),
														 PG_GETARG_INT32(2))), false, -1));
}

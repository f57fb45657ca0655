/*
 * policy_rows.c
 *		Compiling a policy: rows, columns, and the small parts they become.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "price/ending.h"
#include "price/policy_compile.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Rows taken from a cursor at a time. */
#define FETCH_ROWS 1000

Datum
column(Row *row, int number, bool *isnull)
{
	return SPI_getbinval(row->tuple, row->desc, number, isnull);
}

/* A text column; NULL when it is null. */
char *
text_column(Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);
	MemoryContext caller = MemoryContextSwitchTo(row->context);
	char	   *result = isnull ? NULL : TextDatumGetCString(value);

	MemoryContextSwitchTo(caller);
	return result;
}

bool
bool_column(Row *row, int number)
{
	bool		isnull;

	return DatumGetBool(column(row, number, &isnull));
}

/* Calls read for every row of a query; key is its parameter, if it has one. */
void
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

uint32
add_text(Compiler *c, const char *text)
{
	uint32		offset = c->texts.len;

	appendBinaryStringInfo(&c->texts, text, strlen(text) + 1);
	return offset;
}

/* The place of a name in a list of names, added when it is not there. */
int
name_number(List **names, const char *name)
{
	ListCell   *cell;

	foreach(cell, *names)
		if (strcmp(lfirst(cell), name) == 0)
			return foreach_current_index(cell);
	*names = lappend(*names, pstrdup(name));
	return list_length(*names) - 1;
}

StoredDec
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
StoredDec
dec_column(Compiler *c, Row *row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);
	Dec			d = DEC_ZERO;

	if (!isnull && !dec_from_numeric(DatumGetNumeric(value), &d))
		elog(ERROR, "infinite value in the configuration");
	return store_dec(c, d);
}

uint32
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
int
option(const char *name, const char *const *names, int n)
{
	int			i;

	for (i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	elog(ERROR, "unknown option \"%s\" in the configuration", name);
}


int
step_number(Compiler *c, const char *name)
{
	int			i;

	for (i = 0; i < c->head.nsteps; i++)
		if (strcmp(c->texts.data + c->steps[i].name, name) == 0)
			return i;
	return -1;
}

Base
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

void
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

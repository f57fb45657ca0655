/*
 * policy_columns.c
 *		Compiling a policy: columns, and the small parts they become.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "port/pg_bitutils.h"
#include "price/ending.h"
#include "price/policy_compile.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* ----- columns ----- */

Datum
column(const Row *row, int number)
{
	bool		isnull;

	return slot_getattr(row->slot, number, &isnull);
}

bool
is_null(const Row *row, int number)
{
	return slot_attisnull(row->slot, number);
}

bool
all_null(const Row *row, uint64 columns)
{
	TupleTableSlot *slot = row->slot;
	HeapTupleHeader header = slot->tts_ops != &TTSOpsBufferHeapTuple ? NULL :
		((BufferHeapTupleTableSlot *) slot)->base.tuple->t_data;
	int			natts = slot->tts_tupleDescriptor->natts;

	/* a stored row tells it without being taken apart: a bit a column, 1 where it is not null */
	if (header != NULL && HeapTupleHeaderGetNatts(header) == natts)
	{
		uint64		given = 0;
		int			i;

		if ((header->t_infomask & HEAP_HASNULL) == 0)
			return columns == 0;
		for (i = 0; i < BITMAPLEN(natts) && i < sizeof(given); i++)
			given |= (uint64) header->t_bits[i] << (8 * i);
		return (given & columns) == 0;
	}
	for (; columns != 0; columns &= columns - 1)
		if (!is_null(row, pg_rightmost_one_pos64(columns) + 1))
			return false;
	return true;
}

struct varlena *
long_column(Row *row, int number)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(column(row, number));
	MemoryContext caller;

	if (VARATT_IS_SHORT(value) && !VARATT_IS_EXTERNAL(value))
	{
		Size		size = VARSIZE_SHORT(value) - VARHDRSZ_SHORT;

		SET_VARSIZE(&row->room, size + VARHDRSZ);
		memcpy(VARDATA(&row->room), VARDATA_SHORT(value), size);
		return (struct varlena *) &row->room;
	}
	caller = MemoryContextSwitchTo(row->context);
	value = pg_detoast_datum(value);
	MemoryContextSwitchTo(caller);
	return value;
}

char *
text_column(Row *row, int number)
{
	MemoryContext caller;
	char	   *result;

	if (is_null(row, number))
		return NULL;
	caller = MemoryContextSwitchTo(row->context);
	result = TextDatumGetCString(column(row, number));
	MemoryContextSwitchTo(caller);
	return result;
}

bool
text_is(const Row *row, int number, const char *text, int len)
{
	struct varlena *value;

	if (is_null(row, number))
		return false;
	value = PG_DETOAST_DATUM_PACKED(column(row, number));
	return VARSIZE_ANY_EXHDR(value) == len && memcmp(VARDATA_ANY(value), text, len) == 0;
}

Datum *
text_elements(Row *row, int number, int *n)
{
	MemoryContext caller;
	Datum	   *elements = NULL;
	bool	   *nulls;
	int			nelements;
	int			i;

	*n = 0;
	if (is_null(row, number))
		return NULL;
	caller = MemoryContextSwitchTo(row->context);
	deconstruct_array(DatumGetArrayTypeP(column(row, number)), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	MemoryContextSwitchTo(caller);
	for (i = 0; i < nelements; i++)
		if (!nulls[i])
			elements[(*n)++] = elements[i];
	return elements;
}

bool
bool_column(const Row *row, int number)
{
	return !is_null(row, number) && DatumGetBool(column(row, number));
}

int
word_column(const Row *row, int number, const char *const *words, int n)
{
	text	   *word;
	const char *letters;
	int			len;
	int			i;

	if (is_null(row, number))
		return -1;
	word = DatumGetTextPP(column(row, number));
	letters = VARDATA_ANY(word);
	len = VARSIZE_ANY_EXHDR(word);
	for (i = 0; i < n; i++)
		if (words[i][0] == letters[0] && words[i][1] == letters[1] &&
			strncmp(words[i], letters, len) == 0 && words[i][len] == '\0')
			return i;
	elog(ERROR, "unknown option \"%s\" in the configuration", text_to_cstring(word));
}

/* ----- small parts ----- */

uint32
add_text(Compiler *c, const char *text)
{
	uint32		offset = c->texts.len;

	appendBinaryStringInfo(&c->texts, text, strlen(text) + 1);
	return offset;
}

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

int
fact_number_of(Compiler *c, const char *name)
{
	int			number = c->ndims + name_number(&c->facts, name);

	if (number >= PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rules ask for more than %d facts", PG_UINT16_MAX),
				 errdetail("Bases, scale_on, scale_by and scale_offset name facts."),
				 errhint("Split the policy.")));
	return number;
}

StoredDec
store_dec(Compiler *c, Dec d)
{
	StoredDec	stored = {0, d.scale, 0};

	if (d.big == NULL && d.v == (int64) d.v)
		stored.v = (int64) d.v;
	else
	{
		c->numerics = lappend(c->numerics,
							  DatumGetNumericCopy(NumericGetDatum(dec_to_numeric(&d, 0))));
		stored.big = list_length(c->numerics);
	}
	return stored;
}

/* The tables admit finite values only. */
StoredDec
dec_column(Compiler *c, const Row *row, int number)
{
	Dec			d = DEC_ZERO;

	/* a Dec is read from a numeric with a short header as well */
	if (!is_null(row, number) &&
		!dec_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(column(row, number)), &d))
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

int
step_number(Compiler *c, const char *name, int len)
{
	int			i;

	for (i = 0; i < c->head.nsteps; i++)
	{
		const char *known = c->texts.data + c->steps[i].name;

		if (strncmp(known, name, len) == 0 && known[len] == '\0')
			return i;
	}
	return -1;
}

Base
base_named(Compiler *c, const char *name, int nsteps)
{
	Base		base = {BASE_LIST, 0};
	int			step = step_number(c, name, strlen(name));

	if (strcmp(name, "list") == 0)
		base.kind = BASE_LIST;
	else if (strcmp(name, "running") == 0)
		base.kind = BASE_RUNNING;
	else if (step >= 0 && step < nsteps)
	{
		base.kind = BASE_STEP;
		base.number = step;
	}
	else
	{
		base.kind = BASE_FACT;
		base.number = fact_number_of(c, name);
	}
	return base;
}

void
validity_column(Compiler *c, Row *row, int number, TimestampTz *from, TimestampTz *to)
{
	RangeType  *valid = (RangeType *) long_column(row, number);
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (c->range_type == NULL)
		c->range_type = lookup_type_cache(RangeTypeGetOid(valid), TYPECACHE_RANGE_INFO);
	range_deserialize(c->range_type, valid, &lower, &upper, &empty);
	*from = lower.infinite ? DT_NOBEGIN : DatumGetTimestampTz(lower.val);
	*to = upper.infinite ? DT_NOEND : DatumGetTimestampTz(upper.val);
}

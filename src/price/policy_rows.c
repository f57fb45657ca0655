/*
 * policy_rows.c
 *		Compiling a policy: rows, columns, and the small parts they become.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "price/ending.h"
#include "price/policy_compile.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* ----- rows ----- */

/* Takes rows as the executor makes them: a copy of each costs more than compiling it. */
typedef struct RowReceiver
{
	DestReceiver pub;
	Compiler   *compiler;
	RowReader	read;
	MemoryContext context;		/* the compiler's */
	MemoryContext of_row;
} RowReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext caller = MemoryContextSwitchTo(receiver->context);
	Row			row;

	slot_getallattrs(slot);
	row.values = slot->tts_values;
	row.nulls = slot->tts_isnull;
	row.context = receiver->of_row;
	receiver->read(receiver->compiler, &row);
	MemoryContextReset(receiver->of_row);
	MemoryContextSwitchTo(caller);
	return true;
}

static void
ignore_startup(DestReceiver *self, int operation, TupleDesc type)
{
}

static void
ignore_end(DestReceiver *self)
{
}

void
read_rows(Compiler *c, const char *sql, const char *name, const int64 *rules, int nrules, RowReader read)
{
	RowReceiver receiver = {
		.pub = {receive_row, ignore_startup, ignore_end, ignore_end, DestNone},
		.compiler = c,
		.read = read,
		.context = CurrentMemoryContext
	};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.pub};
	Oid			types[2] = {TEXTOID, INT8ARRAYOID};
	Datum		values[2] = {
		name == NULL ? 0 : CStringGetTextDatum(name),
		PointerGetDatum(construct_array((Datum *) rules, nrules, INT8OID, sizeof(int64),
										FLOAT8PASSBYVAL, TYPALIGN_DOUBLE))
	};
	SPIPlanPtr	plan = SPI_prepare(sql, lengthof(types), types);
	ParamListInfo params = makeParamList(lengthof(types));
	int			i;

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", sql);
	for (i = 0; i < lengthof(types); i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = values[i] == 0;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = types[i];
	}
	options.params = params;
	receiver.of_row = AllocSetContextCreate(receiver.context, "quotetier row", ALLOCSET_SMALL_SIZES);
	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "could not execute \"%s\"", sql);
	MemoryContextSwitchTo(receiver.context);
	MemoryContextDelete(receiver.of_row);
	SPI_freeplan(plan);
}

/* ----- columns ----- */

Datum
column(const Row *row, int number, bool *isnull)
{
	*isnull = row->nulls[number - 1];
	return row->values[number - 1];
}

struct varlena *
long_column(Row *row, int number)
{
	MemoryContext caller = MemoryContextSwitchTo(row->context);
	struct varlena *value = PG_DETOAST_DATUM(row->values[number - 1]);

	MemoryContextSwitchTo(caller);
	return value;
}

bool
is_null(const Row *row, int number)
{
	return row->nulls[number - 1];
}

char *
text_column(Row *row, int number)
{
	MemoryContext caller;
	char	   *result;

	if (is_null(row, number))
		return NULL;
	caller = MemoryContextSwitchTo(row->context);
	result = TextDatumGetCString(row->values[number - 1]);
	MemoryContextSwitchTo(caller);
	return result;
}

bool
bool_column(const Row *row, int number)
{
	return !is_null(row, number) && DatumGetBool(row->values[number - 1]);
}

int
word_column(const Row *row, int number, const char *const *words, int n)
{
	text	   *word;
	int			len;
	int			i;

	if (is_null(row, number))
		return -1;
	word = DatumGetTextPP(row->values[number - 1]);
	len = VARSIZE_ANY_EXHDR(word);
	for (i = 0; i < n; i++)
		if (words[i][0] == VARDATA_ANY(word)[0] &&
			strncmp(words[i], VARDATA_ANY(word), len) == 0 && words[i][len] == '\0')
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
		!dec_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(row->values[number - 1]), &d))
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
base_named(Compiler *c, const char *name)
{
	Base		base = {BASE_LIST, 0};
	int			step = step_number(c, name, strlen(name));

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

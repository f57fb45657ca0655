/*
 * fact.c
 *		Facts: the rows they are read from, and where in them they stand.
 *
 * Not here: what a value is as a label, a number, or jsonb (fact_value.c).
 */
#include "postgres.h"

#include "base/book.h"
#include "base/fact_column.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

static ColumnKind
column_kind(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			return COLUMN_TEXT;
		case BPCHAROID:
			return COLUMN_BPCHAR;
		case NAMEOID:
			return COLUMN_NAME;
		case INT2OID:
			return COLUMN_INT2;
		case INT4OID:
			return COLUMN_INT4;
		case INT8OID:
			return COLUMN_INT8;
		case NUMERICOID:
			return COLUMN_NUMERIC;
		case BOOLOID:
			return COLUMN_BOOL;
		case UUIDOID:
			return COLUMN_UUID;
		case DATEOID:
			return COLUMN_DATE;
		default:
			return type_is_enum(type) ? COLUMN_ENUM : COLUMN_OTHER;
	}
}

static void
column_init(FactColumn *column, Oid declared)
{
	Oid			type = getBaseType(declared);
	Oid			element = get_element_type(type);

	column->type = declared;
	column->is_array = OidIsValid(element);
	if (column->is_array)
	{
		column->element = element;
		get_typlenbyvalalign(element, &column->element_len,
							 &column->element_byval, &column->element_align);
		type = getBaseType(element);
	}
	column->kind = column_kind(type);
}

FactReader *
fact_reader_create(MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "quotetier facts", ALLOCSET_SMALL_SIZES);
	FactReader *reader = MemoryContextAllocZero(own, sizeof(FactReader));

	reader->context = own;
	return reader;
}

void
fact_reader_interest(FactReader *reader, uint64 interest, int nfacts, const char **names)
{
	MemoryContext caller;
	int			i;

	if (likely(reader->interest == interest))
		return;
	reader->interest = 0;
	reader->row_type = 0;
	caller = MemoryContextSwitchTo(reader->context);
	if (reader->names != NULL)
	{
		pfree(reader->names);
		pfree(reader->name_lens);
		pfree(reader->column_of_fact);
		pfree(reader->text_of_fact);
	}
	reader->names = palloc((nfacts + 1) * sizeof(char *));
	reader->name_lens = palloc((nfacts + 1) * sizeof(int));
	reader->column_of_fact = palloc((nfacts + 1) * sizeof(int));
	reader->text_of_fact = palloc((nfacts + 1) * sizeof(int));
	for (i = 0; i < nfacts; i++)
	{
		reader->names[i] = names[i];
		reader->name_lens[i] = strlen(names[i]);
	}
	reader->nfacts = nfacts;
	MemoryContextSwitchTo(caller);
	reader->interest = interest;
}

/* Works out where the facts are in rows of this type. */
static void
know_row_type(FactReader *reader, TupleDesc tupdesc, uint64 row_type)
{
	MemoryContext caller;
	int			fact;
	int			i;

	reader->row_type = 0;
	caller = MemoryContextSwitchTo(reader->context);
	if (reader->tupdesc != NULL)
	{
		FreeTupleDesc(reader->tupdesc);
		reader->tupdesc = NULL;
		pfree(reader->columns);
		pfree(reader->own_row);
		pfree(reader->values);
		pfree(reader->nulls);
	}
	reader->columns = palloc0((tupdesc->natts + 1) * sizeof(FactColumn));
	reader->own_row = palloc((tupdesc->natts + 1) * sizeof(NullableDatum));
	reader->values = palloc((tupdesc->natts + 1) * sizeof(Datum));
	reader->nulls = palloc((tupdesc->natts + 1) * sizeof(bool));
	reader->tupdesc = CreateTupleDescCopy(tupdesc);
	MemoryContextSwitchTo(caller);

	for (fact = 0; fact < reader->nfacts; fact++)
	{
		reader->column_of_fact[fact] = reader->text_of_fact[fact] = -1;
		for (i = 0; i < tupdesc->natts; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

			if (attr->attisdropped || strcmp(NameStr(attr->attname), reader->names[fact]) != 0)
				continue;
			if (reader->column_of_fact[fact] >= 0)
				ereport(ERROR,
						(errcode(ERRCODE_AMBIGUOUS_COLUMN),
						 errmsg("the row of facts has two columns \"%s\"", reader->names[fact]),
						 errdetail("They need not have the same value, and a fact has only one."),
						 errhint("Give one of them another name, or leave it out.")));
			column_init(&reader->columns[i], attr->atttypid);
			reader->column_of_fact[fact] = i;
			if (reader->columns[i].kind == COLUMN_TEXT && !reader->columns[i].is_array)
				reader->text_of_fact[fact] = i;
		}
	}
	reader->row_type = row_type;
}

void
fact_reader_columns(FactReader *reader, TupleDesc tupdesc, uint64 row_type,
					const NullableDatum *row)
{
	if (unlikely(reader->row_type != row_type))
		know_row_type(reader, tupdesc, row_type);
	reader->row = row;
	reader->json = NULL;
}

static void
take_values(FactReader *reader, const Datum *values, const bool *nulls)
{
	int			i;

	for (i = 0; i < reader->tupdesc->natts; i++)
	{
		reader->own_row[i].value = values[i];
		reader->own_row[i].isnull = nulls[i];
	}
	reader->row = reader->own_row;
	reader->json = NULL;
}

void
fact_reader_values(FactReader *reader, TupleDesc tupdesc, uint64 row_type,
				   const Datum *values, const bool *nulls)
{
	if (unlikely(reader->row_type != row_type))
		know_row_type(reader, tupdesc, row_type);
	take_values(reader, values, nulls);
}

void
fact_reader_record(FactReader *reader, HeapTupleHeader record)
{
	Oid			type = HeapTupleHeaderGetTypeId(record);
	int32		typmod = HeapTupleHeaderGetTypMod(record);
	uint64		row_type = assign_record_type_identifier(type, typmod);
	HeapTupleData tuple;

	if (unlikely(reader->row_type != row_type))
	{
		TupleDesc	tupdesc = lookup_rowtype_tupdesc(type, typmod);

		know_row_type(reader, tupdesc, row_type);
		ReleaseTupleDesc(tupdesc);
	}
	tuple.t_len = HeapTupleHeaderGetDatumLength(record);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = record;
	heap_deform_tuple(&tuple, reader->tupdesc, reader->values, reader->nulls);
	take_values(reader, reader->values, reader->nulls);
}

void
fact_reader_json(FactReader *reader, Jsonb *json)
{
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("facts must be a JSON object"),
				 errdetail("They are a JSON %s.", JB_ROOT_IS_SCALAR(json) ? "value without names" : "array"),
				 errhint("Write facts as {\"name\": value, ...}.")));
	reader->json = json;
}

/* A null is an absent fact, for which no comparison holds; to jsonpath null != 1. */
static Jsonb *
without_nulls(Jsonb *row)
{
	JsonbIterator *it = JsonbIteratorInit(&row->root);
	JsonbParseState *state = NULL;
	JsonbValue *result;
	JsonbIteratorToken token;
	JsonbValue	key;
	JsonbValue	value;
	bool		has_null = false;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		has_null |= token == WJB_VALUE && value.type == jbvNull;
	if (likely(!has_null))
		return row;
	it = JsonbIteratorInit(&row->root);
	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			key = value;
		else if (token == WJB_VALUE && value.type != jbvNull)
		{
			(void) pushJsonbValue(&state, WJB_KEY, &key);
			(void) pushJsonbValue(&state, WJB_VALUE, &value);
		}
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(result);
}

Jsonb *
fact_record_as_jsonb(FactReader *reader, Datum record, Oid type)
{
	volatile Datum result;

	/* to_jsonb asks its call for the argument's type */
	if (reader->to_jsonb == NULL || reader->to_jsonb_type != type)
	{
		FmgrInfo   *flinfo = MemoryContextAllocZero(reader->context, sizeof(FmgrInfo));
		MemoryContext caller = MemoryContextSwitchTo(reader->context);
		Const	   *argument = makeNullConst(type, -1, InvalidOid);

		fmgr_info_cxt(F_TO_JSONB, flinfo, reader->context);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
												 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
						   flinfo);
		MemoryContextSwitchTo(caller);
		reader->to_jsonb = flinfo;
		reader->to_jsonb_type = type;
	}

	/* a type's cast to json may be a function of the user's, which may quote */
	book_hold();
	PG_TRY();
	{
		result = FunctionCall1(reader->to_jsonb, record);
	}
	PG_FINALLY();
	{
		book_release();
	}
	PG_END_TRY();
	return DatumGetJsonbP(result);
}

Jsonb *
fact_reader_as_jsonb(FactReader *reader)
{
	Datum		row;
	int			i;

	if (reader->json != NULL)
		return without_nulls(reader->json);
	for (i = 0; i < reader->tupdesc->natts; i++)
	{
		reader->values[i] = reader->row[i].value;
		reader->nulls[i] = reader->row[i].isnull;
	}
	row = HeapTupleGetDatum(heap_form_tuple(reader->tupdesc, reader->values, reader->nulls));
	return without_nulls(fact_record_as_jsonb(reader, row, RECORDOID));
}

/*
 * fact.c
 *		Facts: reading named values from rows and from jsonb.
 *
 * Canonical labels: text as it is (character(n) without its padding), numbers
 * without exponent and trailing zeros, booleans as true and false, dates as
 * ISO, enums by label, uuids in their standard form. So 5 in a rule's scope
 * matches the fact 5, 5.0 and '5' alike. Types whose text depends on settings
 * (timestamps, floats, intervals) are refused rather than matched by accident.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/book.h"
#include "base/fact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

/* How a column's datum is read. */
typedef enum ColumnKind
{
	COLUMN_TEXT,
	COLUMN_BPCHAR,
	COLUMN_NAME,
	COLUMN_INT2,
	COLUMN_INT4,
	COLUMN_INT8,
	COLUMN_NUMERIC,
	COLUMN_BOOL,
	COLUMN_ENUM,
	COLUMN_UUID,
	COLUMN_DATE,
	COLUMN_OTHER
} ColumnKind;

struct FactColumn
{
	ColumnKind	kind;			/* of the element, for an array */
	bool		is_array;
	Oid			type;			/* as declared, for messages */
	Oid			element;
	int16		element_len;
	bool		element_byval;
	char		element_align;
};

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
		pfree(reader->values);
		pfree(reader->nulls);
	}
	reader->columns = palloc0((tupdesc->natts + 1) * sizeof(FactColumn));
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
					const Datum *values, const bool *nulls)
{
	if (unlikely(reader->row_type != row_type))
		know_row_type(reader, tupdesc, row_type);
	memcpy(reader->values, values, tupdesc->natts * sizeof(Datum));
	memcpy(reader->nulls, nulls, tupdesc->natts * sizeof(bool));
	reader->json = NULL;
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
	reader->json = NULL;
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

	if (reader->json != NULL)
		return without_nulls(reader->json);
	row = HeapTupleGetDatum(heap_form_tuple(reader->tupdesc, reader->values, reader->nulls));
	return without_nulls(fact_record_as_jsonb(reader, row, RECORDOID));
}

static void
refuse_type(FactReader *reader, int fact, const char *what, const char *type, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("fact \"%s\" is not %s", reader->names[fact], what),
			 errdetail("Its type is %s.", type),
			 errhint("%s", hint)));
}

/* ----- labels ----- */

static FactLabel
label_of_cstring(const char *text)
{
	FactLabel	label;

	label.text = text;
	label.len = strlen(text);
	return label;
}

static FactLabel
label_of_int(int64 value)
{
	char	   *text = palloc(MAXINT8LEN + 1);
	FactLabel	label;

	label.len = pg_lltoa(value, text);
	label.text = text;
	return label;
}

/* infinities and NaN are written as numeric writes them */
static FactLabel
label_of_numeric(Numeric value)
{
	return label_of_cstring(numeric_normalize(value));
}

static FactLabel
label_of_varlena(Datum value)
{
	text	   *t = DatumGetTextPP(value);
	FactLabel	label;

	label.text = VARDATA_ANY(t);
	label.len = VARSIZE_ANY_EXHDR(t);
	return label;
}

static FactLabel
label_of_date(DateADT value)
{
	char	   *text = palloc(MAXDATELEN + 1);
	struct pg_tm tm;

	if (DATE_NOT_FINITE(value))
		EncodeSpecialDate(value, text);
	else
	{
		j2date(value + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, text);
	}
	return label_of_cstring(text);
}

static FactLabel
label_of_datum(FactReader *reader, int fact, const FactColumn *column, Datum value)
{
	FactLabel	label = {NULL, 0};

	switch (column->kind)
	{
		case COLUMN_TEXT:
			return label_of_varlena(value);
		case COLUMN_BPCHAR:
			label = label_of_varlena(value);
			while (label.len > 0 && label.text[label.len - 1] == ' ')
				label.len--;
			return label;
		case COLUMN_NAME:
			return label_of_cstring(NameStr(*DatumGetName(value)));
		case COLUMN_INT2:
			return label_of_int(DatumGetInt16(value));
		case COLUMN_INT4:
			return label_of_int(DatumGetInt32(value));
		case COLUMN_INT8:
			return label_of_int(DatumGetInt64(value));
		case COLUMN_NUMERIC:
			return label_of_numeric(DatumGetNumeric(value));
		case COLUMN_BOOL:
			return label_of_cstring(DatumGetBool(value) ? "true" : "false");
		case COLUMN_ENUM:
			return label_of_cstring(DatumGetCString(DirectFunctionCall1(enum_out, value)));
		case COLUMN_UUID:
			return label_of_cstring(DatumGetCString(DirectFunctionCall1(uuid_out, value)));
		case COLUMN_DATE:
			return label_of_date(DatumGetDateADT(value));
		case COLUMN_OTHER:
			break;
	}
	refuse_type(reader, fact, "of a type that can be matched", format_type_be(column->type),
				"Match text, numbers, booleans, enums, uuids and dates; cast other types to text.");
	return label;
}

bool
fact_json_label(const JsonbValue *value, FactLabel *label)
{
	switch (value->type)
	{
		case jbvString:
			label->text = value->val.string.val;
			label->len = value->val.string.len;
			return true;
		case jbvNumeric:
			*label = label_of_numeric(value->val.numeric);
			return true;
		case jbvBool:
			*label = label_of_cstring(value->val.boolean ? "true" : "false");
			return true;
		default:
			return false;
	}
}

static JsonbValue *
json_fact(FactReader *reader, int fact, JsonbValue *value)
{
	value = getKeyJsonValueFromContainer(&reader->json->root, reader->names[fact],
										 reader->name_lens[fact], value);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

static void
json_labels(FactReader *reader, int fact, FactLabelSink add, void *state)
{
	JsonbValue	space;
	JsonbValue *value = json_fact(reader, fact, &space);
	FactLabel	label;

	if (value == NULL)
		return;
	if (fact_json_label(value, &label))
		add(state, fact, label);
	else if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
	{
		JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
		JsonbIteratorToken token;
		JsonbValue	element;

		while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		{
			if (token != WJB_ELEM || element.type == jbvNull)
				continue;
			if (!fact_json_label(&element, &label))
				refuse_type(reader, fact, "a list of plain values", "a nested list or object",
							"Give a value, or a list of values.");
			add(state, fact, label);
		}
	}
	else
		refuse_type(reader, fact, "a value that can be matched", "a JSON object",
					"Give a string, a number, a boolean, or a list of these.");
}

void
fact_labels(FactReader *reader, int fact, FactLabelSink add, void *state)
{
	const FactColumn *column;
	int			i;

	if (reader->json != NULL)
	{
		json_labels(reader, fact, add, state);
		return;
	}
	i = reader->column_of_fact[fact];
	if (i < 0 || reader->nulls[i])
		return;
	column = &reader->columns[i];
	if (likely(!column->is_array))
		add(state, fact, label_of_datum(reader, fact, column, reader->values[i]));
	else
	{
		Datum	   *elements;
		bool	   *nulls;
		int			n;
		int			e;

		deconstruct_array(DatumGetArrayTypeP(reader->values[i]), column->element,
						  column->element_len, column->element_byval, column->element_align,
						  &elements, &nulls, &n);
		for (e = 0; e < n; e++)
			if (!nulls[e])
				add(state, fact, label_of_datum(reader, fact, column, elements[e]));
	}
}

typedef struct OneLabel
{
	FactReader *reader;
	int			count;
	FactLabel	label;
} OneLabel;

static void
take_one(void *state, int fact, FactLabel label)
{
	OneLabel   *one = state;

	if (one->count++ > 0)
		refuse_type(one->reader, fact, "a single value", "a list of several",
					"Only facts that rules match may be lists.");
	one->label = label;
}

bool
fact_text(FactReader *reader, int fact, FactLabel *label)
{
	OneLabel	one = {reader, 0, {NULL, 0}};

	/* the usual case first: the row has no such column */
	if (reader->json == NULL && reader->column_of_fact[fact] < 0)
		return false;
	fact_labels(reader, fact, take_one, &one);
	*label = one.label;
	return one.count > 0;
}

bool
fact_json(FactReader *reader, int fact, JsonbValue *value, bool *given)
{
	const FactColumn *column;
	FactLabel	label;
	Datum		datum;
	int			i;

	*given = false;
	if (reader->json != NULL)
	{
		*given = json_fact(reader, fact, value) != NULL;
		return true;
	}
	i = reader->column_of_fact[fact];
	if (i < 0 || reader->nulls[i])
		return true;
	column = &reader->columns[i];
	datum = reader->values[i];
	*given = true;
	switch (column->is_array ? COLUMN_OTHER : column->kind)
	{
		case COLUMN_TEXT:
		case COLUMN_NAME:
		case COLUMN_UUID:
		case COLUMN_DATE:
			label = label_of_datum(reader, fact, column, datum);
			value->type = jbvString;
			value->val.string.val = unconstify(char *, label.text);
			value->val.string.len = label.len;
			return true;
		case COLUMN_INT2:
			value->val.numeric = int64_to_numeric(DatumGetInt16(datum));
			break;
		case COLUMN_INT4:
			value->val.numeric = int64_to_numeric(DatumGetInt32(datum));
			break;
		case COLUMN_INT8:
			value->val.numeric = int64_to_numeric(DatumGetInt64(datum));
			break;
		case COLUMN_NUMERIC:
			value->val.numeric = DatumGetNumeric(datum);
			if (numeric_is_nan(value->val.numeric) || numeric_is_inf(value->val.numeric))
				return false;
			break;
		case COLUMN_BOOL:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			return true;
		default:
			return false;
	}
	value->type = jbvNumeric;
	return true;
}

/* ----- numbers ----- */

bool
fact_number(FactReader *reader, int fact, Dec *number)
{
	static const char *const hint = "Give an integer or a numeric; cast other types to numeric.";
	Numeric		value = NULL;

	if (reader->json != NULL)
	{
		JsonbValue	space;
		JsonbValue *json = json_fact(reader, fact, &space);

		if (json == NULL)
			return false;
		if (json->type != jbvNumeric)
			refuse_type(reader, fact, "a number",
						json->type == jbvString ? "a JSON string" :
						json->type == jbvBool ? "a JSON boolean" : "a JSON list or object", hint);
		value = json->val.numeric;
	}
	else
	{
		int			i = reader->column_of_fact[fact];
		const FactColumn *column;

		if (i < 0 || reader->nulls[i])
			return false;
		column = &reader->columns[i];
		switch (column->is_array ? COLUMN_OTHER : column->kind)
		{
			case COLUMN_INT2:
				*number = dec_make(DatumGetInt16(reader->values[i]), 0);
				return true;
			case COLUMN_INT4:
				*number = dec_make(DatumGetInt32(reader->values[i]), 0);
				return true;
			case COLUMN_INT8:
				*number = dec_make(DatumGetInt64(reader->values[i]), 0);
				return true;
			case COLUMN_NUMERIC:
				value = DatumGetNumericPacked(reader->values[i]);
				break;
			default:
				refuse_type(reader, fact, "a number", format_type_be(column->type), hint);
		}
	}
	if (!dec_from_numeric(value, number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fact \"%s\" is not a finite number", reader->names[fact]),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)))),
				 errhint("NaN and infinity have no price; leave the fact out (null) where it is not known.")));
	return true;
}

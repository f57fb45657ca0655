/*
 * fact_value.c
 *		Facts: one of them as labels, as a number, as jsonb.
 *
 * Canonical labels: text as it is (character(n) without its padding), numbers
 * without exponent and trailing zeros, booleans as true and false, dates as
 * ISO, enums by label, uuids in their standard form. So 5 in a rule's scope
 * matches the fact 5, 5.0 and '5' alike. Types whose text depends on settings
 * (timestamps, floats, intervals) are refused rather than matched by accident.
 */
#include "postgres.h"

#include "base/fact_column.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

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
	if (i < 0 || reader->row[i].isnull)
		return;
	column = &reader->columns[i];
	if (likely(!column->is_array))
		add(state, fact, label_of_datum(reader, fact, column, reader->row[i].value));
	else
	{
		Datum	   *elements;
		bool	   *nulls;
		int			n;
		int			e;

		deconstruct_array(DatumGetArrayTypeP(reader->row[i].value), column->element,
						  column->element_len, column->element_byval, column->element_align,
						  &elements, &nulls, &n);
		for (e = 0; e < n; e++)
			if (!nulls[e])
				add(state, fact, label_of_datum(reader, fact, column, elements[e]));
	}
}

bool
fact_has_labels(FactReader *reader, int fact)
{
	JsonbValue	space;
	JsonbValue *value;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;
	int			i;

	if (reader->json == NULL)
	{
		i = reader->column_of_fact[fact];
		return i < 0 || reader->row[i].isnull || reader->columns[i].kind != COLUMN_OTHER;
	}
	value = json_fact(reader, fact, &space);
	if (value == NULL || value->type != jbvBinary)
		return true;
	if (!JsonContainerIsArray(value->val.binary.data))
		return false;
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM && element.type == jbvBinary)
			return false;
	return true;
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
	if (i < 0 || reader->row[i].isnull)
		return true;
	column = &reader->columns[i];
	datum = reader->row[i].value;
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

		if (i < 0 || reader->row[i].isnull)
			return false;
		column = &reader->columns[i];
		switch (column->is_array ? COLUMN_OTHER : column->kind)
		{
			case COLUMN_INT2:
				*number = dec_make(DatumGetInt16(reader->row[i].value), 0);
				return true;
			case COLUMN_INT4:
				*number = dec_make(DatumGetInt32(reader->row[i].value), 0);
				return true;
			case COLUMN_INT8:
				*number = dec_make(DatumGetInt64(reader->row[i].value), 0);
				return true;
			case COLUMN_NUMERIC:
				value = DatumGetNumericPacked(reader->row[i].value);
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

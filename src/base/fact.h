/*
 * fact.h
 *		Facts: named values, read from any row or from jsonb.
 *
 * A reader is told once which facts are of interest (by number) and then, for
 * every row, answers by number. What the row's columns are is worked out once
 * per row type. Not here: which facts matter, and what for.
 */
#ifndef QUOTETIER_FACT_H
#define QUOTETIER_FACT_H

#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "base/dec.h"
#include "fmgr.h"
#include "utils/jsonb.h"

/* The canonical text of a value that is matched for equality. */
typedef struct FactLabel
{
	const char *text;			/* not terminated */
	int			len;
} FactLabel;

typedef struct FactColumn FactColumn;

typedef struct FactReader
{
	MemoryContext context;		/* outlives the rows */

	/* the facts of interest */
	uint64		interest;		/* names the list below; 0: none yet */
	int			nfacts;
	const char **names;
	int		   *name_lens;

	/* rows of this type */
	uint64		row_type;		/* names the type; 0: none yet */
	TupleDesc	tupdesc;
	int		   *column_of_fact; /* -1: the row has no such column */
	int		   *text_of_fact;	/* the same if it is of type text; else -1 */
	FactColumn *columns;
	const NullableDatum *row;	/* the row's columns, where the caller has them or ... */
	NullableDatum *own_row;		/* ... here */
	Datum	   *values;			/* room for taking a row apart, or together */
	bool	   *nulls;

	TupleDesc	columns_desc;	/* of the call's columns; NULL: not known yet */
	Jsonb	   *json;			/* the row, when it is jsonb */
	FmgrInfo   *to_jsonb;
	Oid			to_jsonb_type;	/* of its argument */
} FactReader;

extern FactReader *fact_reader_create(MemoryContext context);

/* Says which facts are of interest; interest names the list (not 0). */
extern void fact_reader_interest(FactReader *reader, uint64 interest,
								 int nfacts, const char **names);

/* Takes the next row. Values are read from it in place. */
extern void fact_reader_record(FactReader *reader, HeapTupleHeader record);
extern void fact_reader_json(FactReader *reader, Jsonb *json);

/* The same where the caller has the row's columns; row_type names its type. */
extern pg_attribute_hot void fact_reader_columns(FactReader *reader, TupleDesc tupdesc, uint64 row_type,
								const NullableDatum *row);
extern void fact_reader_values(FactReader *reader, TupleDesc tupdesc, uint64 row_type,
							   const Datum *values, const bool *nulls);

/* Has the row no such fact, whatever it may be? */
static inline bool
fact_absent(const FactReader *reader, int fact)
{
	return reader->json == NULL && reader->column_of_fact[fact] < 0;
}

typedef enum FactSource
{
	FROM_RECORD,
	FROM_COLUMNS,				/* behind the other arguments; this one has their names */
	FROM_JSONB,
	FROM_TEXT
} FactSource;

/* An argument of a call that is a row of facts. */
typedef struct FactArgument
{
	FunctionCallInfo fcinfo;
	int			number;
	FactSource	source;
} FactArgument;

/* fact_argument.c: takes it as the next row. A call site has a reader of its own. */
extern pg_attribute_hot void fact_reader_argument(FactReader *reader, const FactArgument *argument);
extern Jsonb *fact_json_from_text(text *json);

/*
 * Takes a call of a function that has row_support, and nargs arguments as declared:
 * how does it give the row? False if an argument is null.
 */
static inline bool
fact_record_source(FunctionCallInfo fcinfo, int nargs, FactSource *source)
{
	int			i;

	for (i = 0; i < nargs; i++)
		if (PG_ARGISNULL(i))
			return false;
	*source = PG_NARGS() > nargs ? FROM_COLUMNS : FROM_RECORD;
	return true;
}

/* Calls add for each label of a fact: none if absent, one, or one an element. */
typedef void (*FactLabelSink) (void *state, int fact, FactLabel label);
extern void fact_labels(FactReader *reader, int fact, FactLabelSink add, void *state);

/* May fact_labels be asked for the fact? Else it raises an error. */
extern bool fact_has_labels(FactReader *reader, int fact);

/* The usual case, in short: a fact that is text has one label. False: ask fact_labels. */
static inline bool
fact_plain_text(const FactReader *reader, int fact, FactLabel *label)
{
	int			i;
	const char *text;

	if (reader->json != NULL)
		return false;
	i = reader->text_of_fact[fact];
	if (i < 0 || reader->row[i].isnull)
		return false;
	text = DatumGetPointer(reader->row[i].value);
	if (likely(VARATT_IS_1B(text)))
	{
		label->text = VARDATA_1B(text);
		label->len = (int) VARSIZE_1B(text) - VARHDRSZ_SHORT;
		return !VARATT_IS_1B_E(text);
	}
	label->text = VARDATA_4B(text);
	label->len = (int) VARSIZE_4B(text) - VARHDRSZ;
	return VARATT_IS_4B_U(text);
}

/* A fact as one label; false if it is absent, an error if it has several values. */
extern bool fact_text(FactReader *reader, int fact, FactLabel *label);

/*
 * A fact as it is in the row as jsonb; *given tells if it is there. False if only
 * the whole row tells.
 */
extern bool fact_json(FactReader *reader, int fact, JsonbValue *value, bool *given);

/* The whole row as jsonb, without the facts that are null. */
extern Jsonb *fact_reader_as_jsonb(FactReader *reader);

/* A record, or an array of records, as jsonb. */
extern Jsonb *fact_record_as_jsonb(FactReader *reader, Datum record, Oid type);

/* Reads a fact as a finite number; false if it is absent. */
extern pg_attribute_hot bool fact_number(FactReader *reader, int fact, Dec *number);

/* The canonical label of a jsonb scalar; false for null, array and object. */
extern bool fact_json_label(const JsonbValue *value, FactLabel *label);

#endif

/*
 * fact_column.h
 *		How a row's columns are read, for fact.c and fact_value.c only.
 */
#ifndef QUOTETIER_FACT_COLUMN_H
#define QUOTETIER_FACT_COLUMN_H

#include "postgres.h"

#include "base/fact.h"

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

#endif

/*
 * check.h
 *		What the checks of configuration rows share.
 *
 * A check is a BEFORE ROW trigger that opens its row, says what is wrong with it
 * in words a pricing manager can act on, and closes it. The tables' own CHECKs
 * remain as the floor.
 */
#ifndef QUOTETIER_CHECK_H
#define QUOTETIER_CHECK_H

#include "postgres.h"

#include "access/htup_details.h"
#include "base/dec.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* A row being saved; SPI is connected, as the table's owner. */
typedef struct CheckRow
{
	Relation	rel;
	const char *table;			/* without its schema */
	TriggerEvent event;
	HeapTuple	tuple;			/* as it is to be; on delete as it was */
	HeapTuple	old;			/* as it was; NULL on insert */
	FmgrInfo   *flinfo;			/* lives as long as the statement */
	Oid			save_user;
	int			save_security;
} CheckRow;

/*
 * Refuses a trigger function that was put on a table of somebody else's: it
 * takes columns to be of the types that ours have. fcinfo is a trigger's.
 */
extern void check_own_table(FunctionCallInfo fcinfo);

extern void check_open(CheckRow *row, FunctionCallInfo fcinfo);

/* Returns what the trigger has to return. */
extern Datum check_close(CheckRow *row);

/* Columns by name. Text is NULL, a list empty, when the column is null. */
extern Datum check_datum(const CheckRow *row, HeapTuple tuple, const char *column, bool *isnull);
extern char *check_text(const CheckRow *row, const char *column);
extern char *check_old_text(const CheckRow *row, const char *column);
extern bool check_same(const CheckRow *row, const char *column);
extern int	check_list(const CheckRow *row, const char *column, char ***elements);

/* A numeric column, refused when it is NaN or infinite; false when it is null. */
extern bool check_number(const CheckRow *row, const char *column, Dec *number);

/* A query prepared once a session. Operators must be schema-qualified. */
typedef struct CheckQuery
{
	const char *sql;
	int			nargs;
	Oid			types[4];
	bool		all;			/* all rows are wanted, not just one */
	bool		now;			/* under the active snapshot, as it stands */
	bool		by_index;		/* also if the table looks empty: it may grow while the plan is kept */
	SPIPlanPtr	plan;
} CheckQuery;

/* Runs it, seeing what the statement has done so far; false: no row. */
extern bool check_query(CheckQuery *query, const Datum *args);
extern bool check_query_nulls(CheckQuery *query, const Datum *args, const char *nulls);

/* Columns of the first row found, from 1. */
extern char *check_found_text(int column);
extern int64 check_found_int(int column);

/* A numeric column of any row found; false when it is null. */
extern bool check_found_number(uint64 row, int column, Dec *number);

/* Moves when this session changes what rules are checked against. */
extern uint64 check_epoch;

/*
 * Room for what the statement's rows have been checked against, so that loading a
 * million rules is not a million look-ups. It is zero at first, and again when the
 * epoch moves; nobody else can take away what a rule needs before our transaction ends.
 */
extern void *check_known(const CheckRow *row, Size size);

/* The names a query with one text parameter lists, for a message. */
extern char *check_names(const char *sql, const char *key);

/* Refuses an empty name. */
extern void check_name(const CheckRow *row);

/* For the column valid: refused unless half-open; what names the row's kind. */
extern void check_validity(const CheckRow *row, const char *what);

/*
 * check_scope.c: refuses a scope in a column that names no dimension, or asks
 * for what no fact can be; whose is how a message begins. *known are dimensions seen before in this statement, in memory
 * that lives as long; whoever keeps it forgets it when check_epoch moves.
 */
extern void check_scope(const CheckRow *row, const char *column, const char *whose,
						List **known);

/* check_scope.c: refuses a condition that is neither true nor false. */
extern void check_condition(const CheckRow *row);

/* Refuses a jsonpath that could fail for good, or depend on the session's time zone. */
extern void check_no_datetime(const CheckRow *row, const char *column);

#endif

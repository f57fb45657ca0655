/*
 * check.c
 *		What the checks of configuration rows share: rows, look-ups, messages.
 *
 * Look-ups run as the table's owner, so that who may write rules need not be
 * allowed to read the other tables. Not here: what scopes and conditions may be
 * (check_scope.c), and what a topic checks (its own check files).
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/check.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

uint64		check_epoch = 1;

void
check_own_table(FunctionCallInfo fcinfo)
{
	Relation	rel = ((TriggerData *) fcinfo->context)->tg_relation;

	if (RelationGetNamespace(rel) != get_func_namespace(fcinfo->flinfo->fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s() is a trigger for tables of the extension only",
						get_func_name(fcinfo->flinfo->fn_oid)),
				 errdetail("Table \"%s\" is none of them.", RelationGetRelationName(rel)),
				 errhint("Drop the trigger.")));
}

void
check_open(CheckRow *row, FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("a check of configuration must be called as a row trigger")));
	check_own_table(fcinfo);
	row->rel = trigger->tg_relation;
	row->table = RelationGetRelationName(row->rel);
	row->event = trigger->tg_event;
	row->tuple = trigger->tg_trigtuple;
	row->old = NULL;
	row->flinfo = fcinfo->flinfo;
	if (TRIGGER_FIRED_BY_UPDATE(row->event))
	{
		row->tuple = trigger->tg_newtuple;
		row->old = trigger->tg_trigtuple;
	}
	else if (TRIGGER_FIRED_BY_DELETE(row->event))
		row->old = trigger->tg_trigtuple;

	GetUserIdAndSecContext(&row->save_user, &row->save_security);
	SetUserIdAndSecContext(row->rel->rd_rel->relowner, row->save_security |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

Datum
check_close(CheckRow *row)
{
	SPI_finish();
	SetUserIdAndSecContext(row->save_user, row->save_security);
	return PointerGetDatum(row->tuple);
}

void *
check_known(const CheckRow *row, Size size)
{
	struct
	{
		uint64		epoch;
		char		known[FLEXIBLE_ARRAY_MEMBER];
	}		   *kept = row->flinfo->fn_extra;

	if (kept == NULL)
		kept = row->flinfo->fn_extra = MemoryContextAllocZero(row->flinfo->fn_mcxt, sizeof(*kept) + size);
	if (kept->epoch != check_epoch)
	{
		memset(kept->known, 0, size);
		kept->epoch = check_epoch;
	}
	return kept->known;
}

/* ----- columns ----- */

static int
column_number(const CheckRow *row, const char *column)
{
	int			number = SPI_fnumber(RelationGetDescr(row->rel), column);

	if (number <= 0)
		elog(ERROR, "table \"%s\" has no column \"%s\"", row->table, column);
	return number;
}

Datum
check_datum(const CheckRow *row, HeapTuple tuple, const char *column, bool *isnull)
{
	return heap_getattr(tuple, column_number(row, column), RelationGetDescr(row->rel), isnull);
}

static char *
tuple_text(const CheckRow *row, HeapTuple tuple, const char *column)
{
	bool		isnull;
	Datum		value = check_datum(row, tuple, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

char *
check_text(const CheckRow *row, const char *column)
{
	return tuple_text(row, row->tuple, column);
}

char *
check_old_text(const CheckRow *row, const char *column)
{
	return tuple_text(row, row->old, column);
}

/* Does an update leave the column as it is? */
bool
check_same(const CheckRow *row, const char *column)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(row->rel), column_number(row, column) - 1);
	bool		isnull;
	bool		was_null;
	Datum		value = check_datum(row, row->tuple, column, &isnull);
	Datum		was = check_datum(row, row->old, column, &was_null);

	if (isnull || was_null)
		return isnull && was_null;
	return datum_image_eq(value, was, attr->attbyval, attr->attlen);
}

int
check_list(const CheckRow *row, const char *column, char ***elements)
{
	bool		isnull;
	Datum		value = check_datum(row, row->tuple, column, &isnull);
	Datum	   *datums;
	bool	   *nulls;
	int			n;
	int			i;

	*elements = NULL;
	if (isnull)
		return 0;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &datums, &nulls, &n);
	*elements = palloc((n + 1) * sizeof(char *));
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s.%s contains a null", row->table, column),
					 errdetail("Element %d of the list is null.", i + 1),
					 errhint("Leave it out, or leave the whole column null.")));
		(*elements)[i] = TextDatumGetCString(datums[i]);
	}
	return n;
}

bool
check_number(const CheckRow *row, const char *column, Dec *number)
{
	bool		isnull;
	Datum		value = check_datum(row, row->tuple, column, &isnull);

	if (isnull)
		return false;
	if (!dec_from_numeric(DatumGetNumeric(value), number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s.%s must be a finite number", row->table, column),
				 errdetail("It is %s.", DatumGetCString(DirectFunctionCall1(numeric_out, value))),
				 errhint("Give a number, or leave the column null where it may be.")));
	return true;
}

/* ----- look-ups ----- */

bool
check_query(CheckQuery *query, const Datum *args)
{
	return check_query_nulls(query, args, NULL);
}

bool
check_query_nulls(CheckQuery *query, const Datum *args, const char *nulls)
{
	int			guc_level = 0;
	int			result;

	if (query->by_index)
	{
		guc_level = NewGUCNestLevel();
		(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
	if (query->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(query->sql, query->nargs, query->types);

		if (plan == NULL)
			elog(ERROR, "could not prepare: %s", query->sql);
		SPI_keepplan(plan);
		query->plan = plan;
	}

	/* not read-only: a look-up has to see what this statement has done so far */
	result = SPI_execute_plan(query->plan, (Datum *) args, nulls, query->now,
							  query->all ? 0 : 1);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", query->sql);
	if (query->by_index)
		AtEOXact_GUC(true, guc_level);
	return SPI_processed > 0;
}

char *
check_found_text(int column)
{
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);
}

int64
check_found_int(int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	return SPI_gettypeid(SPI_tuptable->tupdesc, column) == INT8OID ?
		DatumGetInt64(value) : DatumGetInt32(value);
}

bool
check_found_number(uint64 row, int column, Dec *number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && dec_from_numeric(DatumGetNumeric(value), number);
}

char *
check_names(const char *sql, const char *key)
{
	Oid			types[] = {TEXTOID};
	Datum		args[] = {CStringGetTextDatum(key)};
	StringInfoData names;
	uint64		i;

	if (SPI_execute_with_args(sql, 1, types, args, NULL, false, 30) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", sql);
	if (SPI_processed == 0)
		return pstrdup("none so far");
	initStringInfo(&names);
	for (i = 0; i < SPI_processed; i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return names.data;
}

/* ----- columns of several tables ----- */

void
check_name(const CheckRow *row)
{
	char	   *name = check_text(row, "name");

	if (name != NULL && name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of a %s must not be empty", row->table),
				 errdetail("Rules and messages call it by its name."),
				 errhint("Give it a name.")));
}

void
check_validity(const CheckRow *row, const char *what)
{
	bool		isnull;
	Datum		datum = check_datum(row, row->tuple, "valid", &isnull);
	RangeType  *valid;
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	if (isnull)
		return;
	valid = DatumGetRangeTypeP(datum);
	range_deserialize(lookup_type_cache(RangeTypeGetOid(valid), TYPECACHE_RANGE_INFO),
					  valid, &lower, &upper, &empty);

	/* infinity is a moment, too, and no as_of is that late */
	if (empty ||
		(!lower.infinite && TIMESTAMP_IS_NOEND(DatumGetTimestampTz(lower.val))) ||
		(!upper.infinite && TIMESTAMP_IS_NOBEGIN(DatumGetTimestampTz(upper.val))))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the %s's validity is empty", what),
				 errdetail("It would never be in force."),
				 errhint("Give a range [from,to) with from before to.")));
	if (!upper.infinite && upper.inclusive)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the %s's validity includes its end", what),
				 errdetail("Validity is half-open, so that one period ends where the next begins."),
				 errhint("Write [from,to) with the first moment at which it is no longer in force.")));
	if (!lower.infinite && !lower.inclusive)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the %s's validity excludes its beginning", what),
				 errdetail("Validity is half-open, so that one period ends where the next begins."),
				 errhint("Write [from,to) with the first moment at which it is in force.")));
}

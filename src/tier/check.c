/*
 * check.c
 *		What may be written into quotetier.scheme and quotetier.tier.
 *
 * The tables' own constraints are the floor, also where triggers do not run.
 * These triggers come first and say what is wrong, and how to put it right.
 * The rules themselves are rows of the view quotetier.scheme_fault; a scheme is
 * held against it after the statement, so that one statement may move several
 * tiers past each other.
 *
 * So that two sessions do not write a faulty scheme together, the writer of a
 * tier locks the scheme, and the scheme is checked as it then is, whatever the
 * transaction's own snapshot: as foreign keys do it. (Not by UNIQUE: a
 * deferrable one refuses ON CONFLICT DO NOTHING, another one every reordering.)
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/check.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(scheme_check);
PG_FUNCTION_INFO_V1(tier_check);

static char *
column_text(HeapTuple row, TupleDesc desc, const char *column)
{
	return SPI_getvalue(row, desc, SPI_fnumber(desc, column));
}

static void
refuse_wrong_caller(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s() must be called as a trigger", function)));
	check_own_table(fcinfo);
}

static HeapTuple
row_to_be(TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
}

static void
check_kind(TriggerData *trigdata, HeapTuple row)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	char	   *kind = column_text(row, desc, "kind");

	if (kind == NULL || strcmp(kind, "threshold") == 0 || strcmp(kind, "share") == 0 ||
		strcmp(kind, "pareto") == 0 || strcmp(kind, "grid") == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("unknown kind of scheme \"%s\"", kind),
			 errdetail("A scheme is of kind threshold, share, pareto or grid."),
			 errhint("Write threshold (or leave kind out) for tiers that a score reaches; "
					 "share or pareto for shares of a set; grid for two scores."),
			 errtablecol(trigdata->tg_relation, SPI_fnumber(desc, "kind"))));
}

/* How tiers are held: nothing lasts less than no time, or takes less than one. */
static void
check_life(TriggerData *trigdata, HeapTuple row)
{
	static const char *const columns[] = {"validity", "grace", "confirm", "max_drop"};
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	int			i;

	for (i = 0; i < lengthof(columns); i++)
	{
		int			column = SPI_fnumber(desc, columns[i]);
		bool		isnull;
		Datum		value = SPI_getbinval(row, desc, column, &isnull);
		Interval	none = {0};

		if (isnull)
			continue;
		if (i < 2 ? DatumGetInt32(DirectFunctionCall2(interval_cmp, value, IntervalPGetDatum(&none))) < 0 :
			DatumGetInt32(value) < 1)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("%s of scheme \"%s\" is too small", columns[i], column_text(row, desc, "name")),
					 errdetail("It is %s.", column_text(row, desc, columns[i])),
					 i < 2 ? errhint("Write an interval from 0 on, such as '1 year'.") :
					 errhint("Write a number from 1 on."),
					 errtablecol(trigdata->tg_relation, column)));
	}
}

/* Reading and locking are ours to do: a writer of tiers needs no more than that. */
typedef struct Caller
{
	Oid			user;
	int			security;
} Caller;

static Caller
become_owner(Relation rel)
{
	Caller		caller;

	GetUserIdAndSecContext(&caller.user, &caller.security);
	SetUserIdAndSecContext(rel->rd_rel->relowner, caller.security |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	return caller;
}

static void
become_caller(Caller caller)
{
	SPI_finish();
	SetUserIdAndSecContext(caller.user, caller.security);
}

static void
lock_scheme(TriggerData *trigdata, HeapTuple row)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	Oid			argtypes[] = {TEXTOID};
	Datum		args[1];
	bool		isnull;
	Caller		caller;

	args[0] = SPI_getbinval(row, desc, SPI_fnumber(desc, "scheme"), &isnull);
	if (isnull)
		return;					/* NOT NULL will say so */
	caller = become_owner(trigdata->tg_relation);
	if (SPI_execute_with_args("SELECT FROM quotetier.scheme WHERE name OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
							  1, argtypes, args, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not lock the scheme");
	become_caller(caller);
}

/* What no scheme allows in a row; the constraints say the same in fewer words. */
static void
check_row(TriggerData *trigdata, HeapTuple row)
{
	static const char *const columns[] = {"from_value", "from_value2", "keep_value"};
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	int			from = SPI_fnumber(desc, "from_value");
	int			keep = SPI_fnumber(desc, "keep_value");
	Datum		from_value;
	Datum		keep_value;
	bool		from_null;
	bool		keep_null;
	int			i;

	for (i = 0; i < lengthof(columns); i++)
	{
		char	   *value = column_text(row, desc, columns[i]);

		if (value != NULL && (strcmp(value, "NaN") == 0 || strcmp(value, "Infinity") == 0))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("tier \"%s\" of scheme \"%s\" has %s %s",
							column_text(row, desc, "name"), column_text(row, desc, "scheme"),
							columns[i], value),
					 errdetail("No value reaches it."),
					 errhint("Give the lowest value that reaches the tier; -Infinity for a tier that takes any."),
					 errtablecol(trigdata->tg_relation, SPI_fnumber(desc, columns[i]))));
	}
	from_value = SPI_getbinval(row, desc, from, &from_null);
	keep_value = SPI_getbinval(row, desc, keep, &keep_null);
	if (!from_null && !keep_null &&
		DatumGetBool(DirectFunctionCall2(numeric_gt, keep_value, from_value)))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("tier \"%s\" of scheme \"%s\" is harder to keep than to reach",
						column_text(row, desc, "name"), column_text(row, desc, "scheme")),
				 errdetail("Its keep_value %s is above its from_value %s.",
						   column_text(row, desc, "keep_value"), column_text(row, desc, "from_value")),
				 errhint("Lower keep_value, or leave it out: a tier is then kept by what reaches it."),
				 errtablecol(trigdata->tg_relation, keep)));
}

/*
 * Raises the first fault of the schemes that the statement has changed. The
 * statement's new rows are the transition table "changed".
 */
static void
check_schemes(TriggerData *trigdata, const char *faults)
{
	Caller		caller = become_owner(trigdata->tg_relation);

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_register_trigger_data(trigdata) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the trigger's tables");
	if (SPI_execute(faults, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not look for faults");
	PopActiveSnapshot();
	if (SPI_processed > 0)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("%s", column_text(row, desc, "fault")),
				 errdetail("%s", column_text(row, desc, "detail")),
				 errhint("%s", column_text(row, desc, "hint")),
				 errtable(trigdata->tg_relation)));
	}
	become_caller(caller);
}

/*
 * Trigger on quotetier.scheme: BEFORE INSERT OR UPDATE FOR EACH ROW, and AFTER
 * UPDATE FOR EACH STATEMENT.
 */
Datum
scheme_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	refuse_wrong_caller(fcinfo, "scheme_check");
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
	{
		HeapTuple	row = row_to_be(trigdata);

		check_kind(trigdata, row);
		check_life(trigdata, row);
		return PointerGetDatum(row);
	}
	check_schemes(trigdata,
				  "SELECT fault, detail, hint FROM quotetier.scheme_fault"
				  " WHERE EXISTS (SELECT FROM changed WHERE changed.name OPERATOR(pg_catalog.=) scheme_fault.scheme)"
				  " ORDER BY scheme, seq LIMIT 1");
	return PointerGetDatum(NULL);
}

/*
 * Trigger on quotetier.tier: BEFORE INSERT OR UPDATE FOR EACH ROW, and AFTER
 * INSERT, AFTER UPDATE FOR EACH STATEMENT.
 */
Datum
tier_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	refuse_wrong_caller(fcinfo, "tier_check");
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
	{
		HeapTuple	row = row_to_be(trigdata);

		check_row(trigdata, row);
		lock_scheme(trigdata, row);
		return PointerGetDatum(row);
	}
	check_schemes(trigdata,
				  "SELECT fault, detail, hint FROM quotetier.scheme_fault"
				  " WHERE EXISTS (SELECT FROM changed WHERE changed.scheme OPERATOR(pg_catalog.=) scheme_fault.scheme)"
				  " ORDER BY scheme, seq LIMIT 1");
	return PointerGetDatum(NULL);
}

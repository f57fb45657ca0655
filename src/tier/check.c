/*
 * check.c
 *		What may be written into quotetier.scheme and quotetier.tier.
 *
 * The tables' own constraints are the floor, also where triggers do not run.
 * These triggers come first and say what is wrong, and how to put it right.
 * A row is checked by itself before it is stored; a ladder as a whole after
 * the statement, so that one statement may move several rungs past each other.
 *
 * A gap or an overlap cannot be written: a rung ends where the next begins.
 * What can be is two rungs at one place, and a rank that says otherwise. So
 * that two sessions do not write such a ladder together, the writer of a rung
 * locks the scheme, and the ladder is checked as it then is, whatever the
 * transaction's own snapshot: as foreign keys do it. (Not by UNIQUE: a
 * deferrable one refuses ON CONFLICT DO NOTHING, another one every reordering.)
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

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
}

static HeapTuple
row_to_be(TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
}

/*
 * Trigger: BEFORE INSERT OR UPDATE ON quotetier.scheme FOR EACH ROW.
 */
Datum
scheme_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	char	   *kind;

	refuse_wrong_caller(fcinfo, "scheme_check");
	row = row_to_be(trigdata);
	kind = column_text(row, trigdata->tg_relation->rd_att, "kind");
	if (kind != NULL && strcmp(kind, "threshold") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("unknown kind of scheme \"%s\"", kind),
				 errdetail("A scheme is of kind threshold."),
				 errhint("Leave kind out, or write 'threshold'."),
				 errtablecol(trigdata->tg_relation,
							 SPI_fnumber(trigdata->tg_relation->rd_att, "kind"))));
	return PointerGetDatum(row);
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

static void
check_rung(TriggerData *trigdata, HeapTuple row)
{
	TupleDesc	desc = trigdata->tg_relation->rd_att;
	int			column = SPI_fnumber(desc, "from_value");
	bool		isnull;
	Datum		from = SPI_getbinval(row, desc, column, &isnull);
	char	   *problem;

	if (isnull)
		problem = "no from_value";
	else if (numeric_is_nan(DatumGetNumeric(from)))
		problem = "from_value NaN";
	else if (DatumGetBool(DirectFunctionCall2(numeric_eq, from,
											  DirectFunctionCall3(numeric_in, CStringGetDatum("Infinity"),
																  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)))))
		problem = "from_value Infinity";
	else
		return;
	ereport(ERROR,
			(errcode(isnull ? ERRCODE_NOT_NULL_VIOLATION : ERRCODE_CHECK_VIOLATION),
			 errmsg("tier \"%s\" of scheme \"%s\" has %s",
					column_text(row, desc, "name"), column_text(row, desc, "scheme"), problem),
			 errdetail("A tier holds scores from its from_value up to, not including, the next tier's."),
			 errhint("Give the lowest score that reaches the tier; -Infinity for a tier that takes any."),
			 errtablecol(trigdata->tg_relation, column)));
}

/* The first fault of any ladder: the tables are small. */
static const char *const faulty_rungs =
"SELECT scheme, name, from_value, before, from_value OPERATOR(pg_catalog.=) from_before AS same_place"
"  FROM (SELECT scheme, name, from_value,"
"               pg_catalog.lag(name) OVER ladder AS before,"
"               pg_catalog.lag(from_value) OVER ladder AS from_before,"
"               pg_catalog.sign(rank OPERATOR(pg_catalog.-) pg_catalog.lag(rank) OVER ladder) AS step,"
"               pg_catalog.sign(pg_catalog.last_value(rank) OVER whole"
"                   OPERATOR(pg_catalog.-) pg_catalog.first_value(rank) OVER whole) AS way"
"          FROM (SELECT scheme, name, from_value, rank::pg_catalog.numeric FROM quotetier.tier) tier"
"        WINDOW ladder AS (PARTITION BY scheme ORDER BY from_value, name),"
"               whole AS (ladder ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) rung"
" WHERE from_value OPERATOR(pg_catalog.=) from_before"
"    OR step OPERATOR(pg_catalog.<>) way OR step OPERATOR(pg_catalog.=) 0"
" ORDER BY scheme, from_value LIMIT 1";

static void
check_ladders(TriggerData *trigdata)
{
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;
	Caller		caller = become_owner(trigdata->tg_relation);

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute(faulty_rungs, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tiers");
	PopActiveSnapshot();
	if (SPI_processed == 0)
	{
		become_caller(caller);
		return;
	}
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	if (DatumGetBool(SPI_getbinval(row, desc, 5, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("two tiers of scheme \"%s\" begin at %s",
						column_text(row, desc, "scheme"), column_text(row, desc, "from_value")),
				 errdetail("A score there would belong to both \"%s\" and \"%s\".",
						   column_text(row, desc, "before"), column_text(row, desc, "name")),
				 errhint("Give each tier of a scheme a from_value of its own."),
				 errtable(trigdata->tg_relation)));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("the ranks of scheme \"%s\" contradict its from_values",
					column_text(row, desc, "scheme")),
			 errdetail("\"%s\" follows \"%s\" by from_value, but not by rank.",
					   column_text(row, desc, "name"), column_text(row, desc, "before")),
			 errhint("Number the tiers in the order of from_value, upwards or downwards; "
					 "to move several, use one statement."),
			 errtable(trigdata->tg_relation)));
}

/*
 * Trigger on quotetier.tier: BEFORE INSERT OR UPDATE FOR EACH ROW, and AFTER
 * INSERT OR UPDATE FOR EACH STATEMENT.
 */
Datum
tier_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	refuse_wrong_caller(fcinfo, "tier_check");
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
	{
		HeapTuple	row = row_to_be(trigdata);

		check_rung(trigdata, row);
		lock_scheme(trigdata, row);
		return PointerGetDatum(row);
	}
	check_ladders(trigdata);
	return PointerGetDatum(NULL);
}

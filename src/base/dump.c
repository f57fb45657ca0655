/*
 * dump.c
 *		What dump and restore need: rows put back where they belong, and stamp
 *		triggers as they should be.
 *
 * pg_dump reads the configuration as rows of quotetier.dumped (90-dump.sql says
 * why); whoever inserts such rows restores them. The first, 'begin', takes the
 * shipped rows out of the way, which CREATE EXTENSION has just made: what the
 * user had left of them comes next. Runs as the one who restores.
 */
#include "postgres.h"

#include "base/stamp.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(restore_row);
PG_FUNCTION_INFO_V1(restore_row_checked);
PG_FUNCTION_INFO_V1(heal);

/* Rows of one table come one after the other: their INSERT is kept. */
static char *kept_sql = NULL;
static SPIPlanPtr kept_plan = NULL;

/* Runs every statement that the query lists; returns how many. */
static uint64
run_each(const char *query)
{
	SPITupleTable *statements;
	uint64		n;
	uint64		i;

	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute: %s", query);
	statements = SPI_tuptable;
	n = SPI_processed;
	for (i = 0; i < n; i++)
	{
		char	   *statement = SPI_getvalue(statements->vals[i], statements->tupdesc, 1);

		if (SPI_execute(statement, false, 0) < 0)
			elog(ERROR, "could not execute: %s", statement);
	}
	return n;
}

/* Takes away what came with the extension, children and all. */
static void
remove_shipped(void)
{
	(void) run_each("SELECT pg_catalog.format('DELETE FROM %s WHERE %I OPERATOR(pg_catalog.=) %L',"
					" c.conrelid::pg_catalog.regclass, a.attname, 'shipped')"
					" FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a"
					" ON a.attrelid OPERATOR(pg_catalog.=) c.conrelid"
					" AND a.attnum OPERATOR(pg_catalog.=) c.conkey[1]"
					" WHERE c.contype OPERATOR(pg_catalog.=) 'f'"
					" AND c.confrelid OPERATOR(pg_catalog.=) 'quotetier.origin'::pg_catalog.regclass"
					" ORDER BY c.conrelid");
}

/* The row's columns by name, so that newer tables may have more, in any order. */
static char *
insert_statement(const char *table, Jsonb *content)
{
	const char *quoted = quote_identifier(table);
	JsonbIterator *it = JsonbIteratorInit(&content->root);
	JsonbIteratorToken token;
	JsonbValue	key;
	StringInfoData columns;

	initStringInfo(&columns);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
		if (token == WJB_KEY)
			appendStringInfo(&columns, "%s%s", columns.len == 0 ? "" : ", ",
							 quote_identifier(pnstrdup(key.val.string.val, key.val.string.len)));
	return psprintf("INSERT INTO quotetier.%s (%s) SELECT %s"
					" FROM pg_catalog.jsonb_populate_record(NULL::quotetier.%s, $1)",
					quoted, columns.data, columns.data, quoted);
}

static void
restore(const char *name, Datum content)
{
	Jsonb	   *row = DatumGetJsonbP(content);
	char	   *sql;

	if (!JB_ROOT_IS_OBJECT(row))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the content of a dumped row must be a JSON object"),
				 errdetail("It belongs to \"%s\".", name),
				 errhint("Only pg_dump writes such rows.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (strcmp(name, "begin") == 0)
		remove_shipped();
	else
	{
		sql = insert_statement(name, row);
		if (kept_sql == NULL || strcmp(kept_sql, sql) != 0)
		{
			Oid			types[] = {JSONBOID};
			SPIPlanPtr	plan = SPI_prepare(sql, 1, types);

			if (plan == NULL)
				elog(ERROR, "could not prepare: %s", sql);
			SPI_keepplan(plan);
			if (kept_plan != NULL)
				SPI_freeplan(kept_plan);
			kept_plan = plan;
			if (kept_sql != NULL)
				pfree(kept_sql);
			kept_sql = NULL;
			kept_sql = MemoryContextStrdup(TopMemoryContext, sql);
		}
		if (SPI_execute_plan(kept_plan, &content, NULL, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not execute: %s", sql);
	}
	SPI_finish();
}

/*
 * restore_row()
 *		Trigger: BEFORE INSERT FOR EACH ROW on quotetier.dumped. The row goes
 *		where it belongs, and not into the table.
 */
Datum
restore_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	char	   *name;
	Datum		content;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("restore_row() must be a BEFORE INSERT row trigger")));
	desc = RelationGetDescr(trigger->tg_relation);
	name = SPI_getvalue(trigger->tg_trigtuple, desc, SPI_fnumber(desc, "name"));
	content = SPI_getbinval(trigger->tg_trigtuple, desc, SPI_fnumber(desc, "content"), &isnull);
	if (name == NULL || isnull)
		return PointerGetDatum(trigger->tg_trigtuple);	/* the table refuses it */
	restore(name, content);
	return PointerGetDatum(NULL);
}

/*
 * restore_row(name text, content jsonb) returns boolean
 *		In a CHECK of quotetier.dumped, for when the trigger is disabled.
 */
Datum
restore_row_checked(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1))
		restore(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1));
	PG_RETURN_BOOL(true);
}

/*
 * heal() returns bigint
 *		Enables the stamp triggers ALWAYS again, stamps every kind of book, as
 *		changes may have gone unstamped, empties quotetier.dumped and puts the
 *		origins back. Returns how many triggers had to be enabled.
 */
Datum
heal(PG_FUNCTION_ARGS)
{
	uint64		enabled;
	SPITupleTable *kinds;
	uint64		nkinds;
	uint64		i;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	enabled = run_each("SELECT pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I',"
					   " tgrelid::pg_catalog.regclass, tgname) FROM pg_catalog.pg_trigger"
					   " WHERE tgfoid OPERATOR(pg_catalog.=) ANY (ARRAY["
					   "'quotetier.stamp_change()', 'quotetier.restore_row()']::pg_catalog.regprocedure[])"
					   " AND tgenabled OPERATOR(pg_catalog.<>) 'A' ORDER BY tgrelid, tgname");

	/* a trigger's arguments are strings, each ended by a zero byte */
	if (SPI_execute("SELECT DISTINCT book FROM pg_catalog.pg_trigger, pg_catalog.unnest("
					"pg_catalog.string_to_array(pg_catalog.encode(tgargs, 'escape'), '\\000')) book"
					" WHERE tgfoid OPERATOR(pg_catalog.=) 'quotetier.stamp_change()'::pg_catalog.regprocedure"
					" AND book OPERATOR(pg_catalog.<>) ''", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the kinds of book");
	kinds = SPI_tuptable;
	nkinds = SPI_processed;
	for (i = 0; i < nkinds; i++)
	{
		Oid			types[] = {TEXTOID, INT8OID, INT8OID};
		int64		random[2];
		Datum		args[3];

		if (!pg_strong_random(random, sizeof(random)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate a random stamp")));
		args[0] = CStringGetTextDatum(SPI_getvalue(kinds->vals[i], kinds->tupdesc, 1));
		args[1] = Int64GetDatum(random[0]);
		args[2] = Int64GetDatum(random[1]);
		if (SPI_execute_with_args("INSERT INTO quotetier.stamp (book, high, low)"
								  " VALUES ($1::pg_catalog.name, $2, $3)",
								  3, types, args, NULL, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not insert a stamp");
	}
	book_written();

	if (SPI_execute("DELETE FROM quotetier.dumped", false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not empty the table of dumped rows");
	(void) run_each("SELECT pg_catalog.format('INSERT INTO quotetier.origin (name) VALUES (%L)', missing)"
					" FROM pg_catalog.unnest(ARRAY['shipped', 'user']) missing WHERE NOT EXISTS"
					" (SELECT FROM quotetier.origin WHERE name OPERATOR(pg_catalog.=) missing)");
	SPI_finish();
	PG_RETURN_INT64((int64) enabled);
}

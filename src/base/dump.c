/*
 * dump.c
 *		What dump and restore need: rows put back where they belong, and stamp
 *		triggers as they should be.
 *
 * pg_dump reads the configuration as rows of quotetier.dumped (90-dump.sql says
 * why); inserting such rows restores them, a table's in one statement. The
 * first, 'begin', takes the shipped rows out of the way, which CREATE EXTENSION
 * has just made: what the user had left of them comes next. Runs as the one who
 * restores.
 */
#include "postgres.h"

#include "access/table.h"
#include "base/check.h"
#include "base/dump.h"
#include "base/stamp.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(restore_rows);
PG_FUNCTION_INFO_V1(restore_row);
PG_FUNCTION_INFO_V1(heal);

bool		dump_restoring = false;

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
column_list(const char *name, Jsonb *content)
{
	StringInfoData columns;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key;

	if (!JB_ROOT_IS_OBJECT(content))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the content of a dumped row must be a JSON object"),
				 errdetail("It belongs to \"%s\".", name),
				 errhint("Only pg_dump writes such rows.")));
	initStringInfo(&columns);
	it = JsonbIteratorInit(&content->root);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
		if (token == WJB_KEY)
			appendStringInfo(&columns, "%s%s", columns.len == 0 ? "" : ", ",
							 quote_identifier(pnstrdup(key.val.string.val, key.val.string.len)));
	return columns.data;
}

/* Puts back the rows of one table; content is one of them, for its columns. */
static void
restore(const char *name, Datum content, const char *from)
{
	Oid			types[] = {TEXTOID, JSONBOID};
	Datum		args[] = {CStringGetTextDatum(name), content};
	const char *table = quote_identifier(name);
	char	   *columns;
	char	   *sql;

	if (strcmp(name, "begin") == 0)
	{
		remove_shipped();
		return;
	}
	columns = column_list(name, DatumGetJsonbP(content));
	sql = psprintf("INSERT INTO quotetier.%s (%s) SELECT %s FROM %s,"
				   " LATERAL pg_catalog.jsonb_populate_record(NULL::quotetier.%s, dumped_content) ORDER BY dumped_rank",
				   table, columns, columns, from, table);
	dump_restoring = true;
	PG_TRY();
	{
		if (SPI_execute_with_args(sql, 2, types, args, NULL, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not execute: %s", sql);
	}
	PG_FINALLY();
	{
		dump_restoring = false;
	}
	PG_END_TRY();
}

/*
 * restore_rows()
 *		Trigger: AFTER INSERT FOR EACH STATEMENT on quotetier.dumped, with the
 *		new rows as "arrived". They go where they belong, none stays.
 */
Datum
restore_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	SPITupleTable *names;
	uint64		n;
	uint64		i;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("restore_rows() must be an AFTER INSERT statement trigger")));
	check_own_table(fcinfo);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_register_trigger_data(trigger) != SPI_OK_TD_REGISTER)
		elog(ERROR, "could not register the trigger's rows");
	if (SPI_execute("SELECT name FROM arrived GROUP BY name ORDER BY pg_catalog.min(place)",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the dumped rows");
	names = SPI_tuptable;
	n = SPI_processed;
	for (i = 0; i < n; i++)
	{
		char	   *name = SPI_getvalue(names->vals[i], names->tupdesc, 1);
		Oid			types[] = {TEXTOID};
		Datum		args[] = {CStringGetTextDatum(name)};
		bool		isnull;

		if (SPI_execute_with_args("SELECT content FROM arrived WHERE name OPERATOR(pg_catalog.=) $1",
								  1, types, args, NULL, false, 1) != SPI_OK_SELECT || SPI_processed == 0)
			elog(ERROR, "could not read a dumped row");
		restore(name, SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull),
				"(SELECT content, rank FROM arrived WHERE name OPERATOR(pg_catalog.=) $1)"
				" dumped (dumped_content, dumped_rank)");
	}
	if (SPI_execute("DELETE FROM quotetier.dumped", false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not empty the table of dumped rows");
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* Will the trigger above see the rows of this statement? */
static bool
trigger_restores(void)
{
	Relation	rel = table_open(get_relname_relid("dumped", get_namespace_oid("quotetier", false)),
								 AccessShareLock);
	TriggerDesc *triggers = rel->trigdesc;
	bool		fires = false;
	int			i;

	for (i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		if (strcmp(triggers->triggers[i].tgname, "restore_rows") == 0)
			fires = triggers->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS ||
				(triggers->triggers[i].tgenabled == TRIGGER_FIRES_ON_ORIGIN &&
				 SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA);
	table_close(rel, NoLock);
	return fires;
}

/*
 * restore_row(name text, content jsonb) returns boolean
 *		In a CHECK of quotetier.dumped: restores the row at once when the trigger
 *		is disabled.
 */
Datum
restore_row(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !trigger_restores())
	{
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		restore(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1),
				"(SELECT $2, 0) dumped (dumped_content, dumped_rank)");
		SPI_finish();
	}
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
					   "'quotetier.stamp_change()', 'quotetier.restore_rows()']::pg_catalog.regprocedure[])"
					   " AND tgenabled OPERATOR(pg_catalog.<>) 'A' ORDER BY tgrelid, tgname");

	/* a trigger's arguments are strings, each ended by a zero byte; not all are kinds */
	if (SPI_execute("SELECT DISTINCT book FROM pg_catalog.pg_trigger, pg_catalog.unnest("
					"pg_catalog.string_to_array(pg_catalog.encode(tgargs, 'escape'), '\\000')) book"
					" WHERE tgfoid OPERATOR(pg_catalog.=) 'quotetier.stamp_change()'::pg_catalog.regprocedure"
					" AND book OPERATOR(pg_catalog.<>) ALL (ARRAY['', 'all'])"
					" AND pg_catalog.strpos(book, '=') OPERATOR(pg_catalog.=) 0", false, 0) != SPI_OK_SELECT)
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
		if (SPI_execute_with_args("INSERT INTO quotetier.change (book, high, low) VALUES ($1, $2, $3)",
								  3, types, args, NULL, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not log the change");
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

/*
 * dump.c
 *		What dump and restore need: room for a restored configuration, and
 *		stamp triggers as they should be.
 *
 * pg_dump writes the configuration tables whole, shipped rows included, since
 * users edit and delete those. Where they are restored, CREATE EXTENSION has
 * just made them again. All tables with shipped rows refer to quotetier.origin,
 * so its one dumped row, 'shipped', is restored before theirs; a CHECK on it
 * sees that it is there already, and takes the shipped rows out of the way. A
 * CHECK and not a trigger, because a restore may disable triggers.
 */
#include "postgres.h"

#include "base/stamp.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(restore_begins);
PG_FUNCTION_INFO_V1(heal);

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

/*
 * restore_begins(name text) returns boolean
 *		In a CHECK of quotetier.origin; always true. When the origin is there
 *		already its rows give way to those about to be restored.
 */
Datum
restore_begins(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID};
	Datum		args[] = {PG_GETARG_DATUM(0)};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT FROM quotetier.origin WHERE name OPERATOR(pg_catalog.=) $1",
							  1, types, args, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the origins");
	if (SPI_processed > 0)
	{
		char	   *name = quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(0)));

		(void) run_each(psprintf(
								 "SELECT pg_catalog.format('DELETE FROM %%s WHERE %%I OPERATOR(pg_catalog.=) %%L',"
								 " c.conrelid::pg_catalog.regclass, a.attname, %s)"
								 " FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_attribute a"
								 " ON a.attrelid OPERATOR(pg_catalog.=) c.conrelid"
								 " AND a.attnum OPERATOR(pg_catalog.=) c.conkey[1]"
								 " WHERE c.contype OPERATOR(pg_catalog.=) 'f'"
								 " AND c.confrelid OPERATOR(pg_catalog.=) 'quotetier.origin'::pg_catalog.regclass",
								 name));
		if (SPI_execute_with_args("DELETE FROM quotetier.origin WHERE name OPERATOR(pg_catalog.=) $1",
								  1, types, args, NULL, false, 0) != SPI_OK_DELETE)
			elog(ERROR, "could not make room for the origin");
	}
	SPI_finish();
	PG_RETURN_BOOL(true);
}

/*
 * heal() returns bigint
 *		Enables the stamp triggers ALWAYS again, stamps every kind of book, as
 *		changes may have gone unstamped, and puts the origins back. Returns how
 *		many triggers had to be enabled.
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
					   " WHERE tgfoid OPERATOR(pg_catalog.=) 'quotetier.stamp_change()'::pg_catalog.regprocedure"
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

	(void) run_each("SELECT pg_catalog.format('INSERT INTO quotetier.origin (name) VALUES (%L)', missing)"
					" FROM pg_catalog.unnest(ARRAY['shipped', 'user']) missing WHERE NOT EXISTS"
					" (SELECT FROM quotetier.origin WHERE name OPERATOR(pg_catalog.=) missing)");
	SPI_finish();
	PG_RETURN_INT64((int64) enabled);
}

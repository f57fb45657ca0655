/*
 * iso.c
 *		Timestamps as text that no setting changes, for types that hold them.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/iso.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

bool
iso_to_timestamp(const char *text, Timestamp *result)
{
	size_t		year = strspn(text, "0123456789");

	/* no setting reads a text that begins with a year of four digits as anything else */
	if (year < 4 || year > 6 || text[year] != '-' ||
		strspn(text, "0123456789-:. BC") != strlen(text))
		return false;
	*result = DatumGetTimestamp(DirectFunctionCall3(timestamp_in, CStringGetDatum(text),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
	return true;
}

void
append_iso_timestamp(StringInfo out, Timestamp t)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		text[MAXDATELEN + 1];

	if (TIMESTAMP_NOT_FINITE(t) || timestamp2tm(t, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	EncodeDateTime(&tm, fsec, false, 0, NULL, USE_ISO_DATES, text);
	appendStringInfoString(out, text);
}

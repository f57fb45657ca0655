/*
 * iso.h
 *		Timestamps as text that no setting changes, for types that hold them.
 */
#ifndef QUOTETIER_ISO_H
#define QUOTETIER_ISO_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

/*
 * Reads a timestamp, or a date, in ISO form; false when it has another. What
 * has that form and is no date is an error.
 */
extern bool iso_to_timestamp(const char *text, Timestamp *result);

extern void append_iso_timestamp(StringInfo out, Timestamp t);

#endif

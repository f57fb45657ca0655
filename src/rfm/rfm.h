/*
 * rfm.h
 *		The rfm value: what a customer's orders come down to.
 *
 * A fixed-size type, used as the aggregate's state and stored as it is, so its
 * layout is an on-disk format. Not here: scores and segments.
 */
#ifndef QUOTETIER_RFM_H
#define QUOTETIER_RFM_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "rfm/revenue.h"

typedef struct Rfm
{
	Timestamp	first_at;		/* finite, without zone */
	Timestamp	last_at;
	int64		orders;			/* at least 1 */
	Revenue		revenue;
} Rfm;

StaticAssertDecl(sizeof(Rfm) == 64, "rfm is a type of 64 bytes");

extern Datum rfm_recency_days(PG_FUNCTION_ARGS);

#define PG_GETARG_RFM_P(n)	((Rfm *) PG_GETARG_POINTER(n))
#define PG_RETURN_RFM_P(x)	PG_RETURN_POINTER(x)

#endif

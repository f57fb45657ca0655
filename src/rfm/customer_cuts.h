/*
 * customer_cuts.h
 *		Scoring modes: from a set of customers to the cuts of its measures.
 */
#ifndef QUOTETIER_CUSTOMER_CUTS_H
#define QUOTETIER_CUSTOMER_CUTS_H

#include "postgres.h"

#include "rfm/customers.h"
#include "rfm/segment.h"
#include "utils/array.h"

typedef enum ScoreMode
{
	MODE_QUANTILE,				/* type-7 quantiles, ties together */
	MODE_RFM_R,					/* as R's package rfm: quantile + 1 begins the next bin */
	MODE_NTILE,					/* equal counts, ties parted by customer */
	MODE_FIXED,					/* given cuts */
	MODE_JENKS,					/* natural breaks */
	MODE_MEAN,					/* two bins: high from the mean on */
	MODE_MEDIAN					/* two bins: high from the median on */
} ScoreMode;

/* Where one measure's scores begin. */
typedef struct ScoreCuts
{
	int			ncuts;
	Dec			cut[MAX_SEGMENT_BINS];	/* ascending */
	bool		closed_left;	/* a value equal to a cut scores above it */
	bool		by_customer;	/* or does from this customer on */
	Datum		customer[MAX_SEGMENT_BINS]; /* text */
} ScoreCuts;

extern ScoreMode score_mode_from_name(const char *name);

/* Refuses bins that a mode, or what it is given, does not go with. */
extern void check_mode(ScoreMode mode, int bins, ArrayType *given[RFM_MEASURES]);

/* Whether a value equal to a cut scores above it. */
extern bool mode_closed_left(ScoreMode mode, RfmMeasure measure);

/* The cuts of a measure of a set that is not empty. */
extern ScoreCuts customers_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode,
								int bins, ArrayType *given);

/* Cuts that can be kept: those of ntile without its customers, ties in the lower bin. */
extern ScoreCuts keepable_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode,
							   int bins, ArrayType *given);

/* 1 + the number of cuts the value is above; not for cuts by customer */
extern int	score_by_cuts(const ScoreCuts *cuts, const Dec *value);

/*
 * Exact natural breaks of ascending distinct values that occur upto[i] -
 * upto[i - 1] times: the last value of each of the first classes - 1 classes.
 */
extern void jenks_breaks(const long double *values, const int64 *upto, int64 n, int classes,
						 int64 *breaks);

#endif

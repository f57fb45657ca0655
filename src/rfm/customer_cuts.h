/*
 * customer_cuts.h
 *		Scoring modes: from a set of customers to the cut points of its measures.
 */
#ifndef QUOTETIER_CUSTOMER_CUTS_H
#define QUOTETIER_CUSTOMER_CUTS_H

#include "postgres.h"

#include "rfm/customers.h"

typedef enum ScoreMode
{
	MODE_QUANTILE
} ScoreMode;

extern ScoreMode score_mode_from_name(const char *name);

/* The bins - 1 cuts of a measure, ascending; a score is 1 + the cuts below the value. */
extern Dec *customers_cuts(CustomerSet *set, RfmMeasure measure, ScoreMode mode, int bins);

#endif

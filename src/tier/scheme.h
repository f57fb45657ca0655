/*
 * scheme.h
 *		A scheme compiled: its tiers in order, ready to be searched.
 */
#ifndef QUOTETIER_SCHEME_H
#define QUOTETIER_SCHEME_H

#include "postgres.h"

#include "base/dec.h"

typedef enum SchemeKind
{
	SCHEME_THRESHOLD,			/* from_value is a score */
	SCHEME_SHARE,				/* from_value is the percent of rows before */
	SCHEME_PARETO,				/* from_value is the percent of value before */
	SCHEME_GRID					/* from_value and from_value2 are two scores */
} SchemeKind;

/* Places in ascending order; a rung holds from its place up to the next. */
typedef struct Ladder
{
	int			n;
	bool		open_below;		/* the first place is -Infinity */
	Dec		   *from;

	/* the same times 10^scale; NULL when 64 bits do not hold them */
	int64	   *places;
	int			scale;
} Ladder;

typedef struct Scheme
{
	SchemeKind	kind;
	bool		keep_ties;
	Ladder		ladder;
	Ladder		ladder2;		/* the second axis of a grid; else one open rung */
	text	  **names;			/* of rung i, cell i * ladder2.n + j; NULL: none */
	text	  **apart;			/* tiers without a place */
	int			napart;
} Scheme;

/* The scheme of this name as the active snapshot sees it; an error if there is none. */
extern const Scheme *scheme_get(text *name);

/* The rung this value stands on; -1 below the first. */
extern int	ladder_find(const Ladder *ladder, Dec value);

/* Reads a value to be graded; an error for NaN and infinity. Packed numerics will do. */
extern Dec	graded_value(Datum value, text *scheme);

#endif

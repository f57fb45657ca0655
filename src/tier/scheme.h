/*
 * scheme.h
 *		A scheme compiled: its rungs in order, ready to be searched.
 */
#ifndef QUOTETIER_SCHEME_H
#define QUOTETIER_SCHEME_H

#include "postgres.h"

#include "base/dec.h"

/* A rung holds from its from value up to the next rung's. */
typedef struct Rung
{
	text	   *name;
	bool		unbounded;		/* from -Infinity */
	Dec			from;
} Rung;

typedef struct Scheme
{
	int			nrungs;

	/* the rungs' from values times 10^scale; NULL when 64 bits do not hold them */
	int64	   *places;
	int			scale;
	Rung		rungs[FLEXIBLE_ARRAY_MEMBER];	/* from ascending */
} Scheme;

/* The scheme of this name as the active snapshot sees it; an error if there is none. */
extern const Scheme *scheme_get(text *name);

/* The rung this value stands on; NULL below the first. */
extern const Rung *scheme_find(const Scheme *scheme, Dec value);

#endif

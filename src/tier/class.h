/*
 * class.h
 *		A class scheme compiled: its rules in order of precedence, and their matcher.
 */
#ifndef QUOTETIER_CLASS_H
#define QUOTETIER_CLASS_H

#include "postgres.h"

#include "base/match.h"
#include "base/scope.h"
#include "datatype/timestamp.h"
#include "utils/jsonpath.h"

/* A rule; the smaller number is the stronger. */
typedef struct ClassRule
{
	int64		id;
	TimestampTz from;			/* half-open */
	TimestampTz to;
	int32		priority;
	uint32		rank;			/* smaller is more specific */
	uint64		mask;			/* dimensions its scope asks for */
	text	   *class;
	JsonPath   *condition;		/* NULL: none */
	uint32		exclusions;		/* first of the values it leaves out */
	uint32		nexclusions;
} ClassRule;

typedef struct ClassScheme
{
	int			ndims;
	int			nfacts;
	const char **names;			/* of facts: dimensions, the strongest first; others that conditions name */
	bool	   *is_path;
	uint32		nrules;
	ClassRule  *rules;
	ScopeExclusion *exclusions;
	MatchIndex *match;
	bool		asks_all;		/* some condition may ask for any fact */
	int			nasked;
	int		   *asked;			/* numbers of the facts that conditions name */
} ClassScheme;

/*
 * The class scheme of this name under the active snapshot; an error if there is
 * none. Valid until the next book of any kind is asked for. *serial names it
 * (see book_get).
 */
extern const ClassScheme *class_scheme_get(text *name, uint64 *serial);

#endif

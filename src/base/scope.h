/*
 * scope.h
 *		Scopes: a rule's equality part, read from jsonb into the matcher.
 *
 * {"tier": ["gold", "vip"], "region": "CN.East", "channel": {"not": ["web"]}}:
 * a list means IN, a value of a path dimension covers what lies below it, and
 * not leaves values out. Whoever compiles rules reads all scopes first, sorts
 * the rules by the strength of their scopes, and then adds the entries.
 */
#ifndef QUOTETIER_SCOPE_H
#define QUOTETIER_SCOPE_H

#include "postgres.h"

#include "base/fact.h"
#include "base/match.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Path dimensions one index can rank by depth, and how deep. */
#define SCOPE_MAX_PATHS 8
#define SCOPE_MAX_DEPTH 255

/* A value that a rule leaves out; id 0 is not used. */
typedef struct ScopeExclusion
{
	uint32		dim;
	uint32		id;
} ScopeExclusion;

/* One scope, as read. Its values stand in the reader. */
typedef struct Scope
{
	uint64		mask;			/* dimensions constrained: the strongest has the highest bit */
	uint32		words;			/* first of its words in the reader */
	uint32		nwords;
	uint32		exclusions;		/* first of them in the reader */
	uint32		nexclusions;
} Scope;

typedef struct ScopeReader
{
	MatchBuilder *match;
	int			ndims;
	const char **names;			/* dimensions, the strongest first */
	int		   *name_lens;
	bool	   *is_path;
	int		   *path_number;	/* of the path dimensions */
	uint32	   *words;
	uint32		nwords;
	uint32		words_room;
	ScopeExclusion *exclusions;
	uint32		nexclusions;
	uint32		exclusions_room;
} ScopeReader;

/* Starts reading, in the current memory context; names stay the caller's. */
extern ScopeReader *scope_reader_create(int ndims, const char **names, const bool *is_path);

extern void scope_read(ScopeReader *reader, Jsonb *jsonb, Scope *scope);

/* A scope of this dimension alone, as bit of a mask. */
static inline uint64
scope_bit(int dim)
{
	return UINT64CONST(1) << (MATCH_MAX_DIMENSIONS - 1 - dim);
}

/*
 * The depths of a scope's path values: larger is deeper, dimension by
 * dimension. A list may hold values of several depths; each combination of
 * depths ranks for itself. Returns them all, as a list of uint64 *.
 */
extern List *scope_depths(ScopeReader *reader, const Scope *scope);

/*
 * Which of two scopes, each at its depths, is the stronger (< 0: the first)?
 * The one that asks for the heavier dimensions; of the same ones the deeper.
 */
static inline int
scope_compare(uint64 mask, uint64 depths, uint64 other_mask, uint64 other_depths)
{
	if (mask != other_mask)
		return mask > other_mask ? -1 : 1;
	return depths > other_depths ? -1 : depths < other_depths ? 1 : 0;
}

/* Asks for the scope's words, some scopes before they are added. */
static inline void
scope_prefetch(const ScopeReader *reader, const Scope *scope)
{
	__builtin_prefetch(&reader->words[scope->words]);
}

/* Adds the entries of one of these combinations. */
extern void scope_add(ScopeReader *reader, const Scope *scope, uint64 depths, uint32 payload);

/* Says a label of the row to the matcher; of a path, also what lies above it. */
extern void scope_query_path(MatchQuery *query, int dim, FactLabel label);

static inline void
scope_query_label(MatchQuery *query, int dim, bool is_path, FactLabel label)
{
	match_query_add(query, dim, label.text, label.len);
	if (unlikely(is_path))
		scope_query_path(query, dim, label);
}

/* Has the row none of the values left out, in dimensions that it has at all? */
extern bool scope_excludes_nothing(const MatchQuery *query, const ScopeExclusion *exclusions,
								   uint32 nexclusions);

/* The labels a row has in a dimension, and those above them in a path, sorted. */
typedef struct LabelSet
{
	FactLabel  *labels;
	int			n;
	int			room;
	FactLabel	few[2];			/* room for most */
} LabelSet;

/* A row that scopes are asked about: its dimensions are the reader's first facts. */
typedef struct ScopeRow
{
	FactReader *facts;
	int			ndims;
	uint64		path_dims;
	uint64		known;			/* dimensions whose labels have been read */
	LabelSet	sets[MATCH_MAX_DIMENSIONS];
} ScopeRow;

extern void scope_row_init(ScopeRow *row, FactReader *facts, int ndims, uint64 path_dims);

/* Reads the labels, once, into the memory context of the first call. */
extern const LabelSet *scope_row_labels(ScopeRow *row, int dim);

/* Does a scope hold of the row? For scopes that are asked about a few rows only; the index is for many. */
extern bool scope_holds(Jsonb *scope, ScopeRow *row);

#endif

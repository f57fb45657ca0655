/*
 * match.h
 *		Tuple-space matching: which entries constrain only what a row fulfils?
 *
 * An entry constrains some dimensions to one value each and leaves the others
 * open. Entries are grouped by which dimensions they constrain (their shape),
 * one hash probe a shape; so the cost of a search follows the number of
 * shapes, not of entries. The finished index is one position-independent
 * chunk. Not here: what an entry means.
 */
#ifndef QUOTETIER_MATCH_H
#define QUOTETIER_MATCH_H

#include "postgres.h"

/* Dimensions an index can constrain: the bits of a shape's mask. */
#define MATCH_MAX_DIMENSIONS 64

typedef struct MatchIndex MatchIndex;
typedef struct MatchBuilder MatchBuilder;

/* Starts an index over ndims dimensions, in the current memory context. */
extern MatchBuilder *match_begin(int ndims);

/* The number (never 0) that stands for a value of a dimension. */
extern uint32 match_intern(MatchBuilder *builder, int dim, const char *value, int len);

/* Makes room for so many entries, which then take no copying. */
extern void match_expect(MatchBuilder *builder, uint32 nentries);

/*
 * Adds an entry: for every dimension whose bit is set in mask, ids[dimension]
 * is the value it is constrained to. Entries must come in the order in which
 * their payloads grow.
 */
extern void match_add(MatchBuilder *builder, uint64 mask, const uint32 *ids, uint32 payload);

/*
 * Does the first of two payloads, whose entries are of the same values, always
 * make the second one superfluous? It came before.
 */
typedef bool (*MatchOutdone) (const void *state, uint32 by, uint32 payload);

/*
 * Lays the index out as one chunk of match_size bytes, at a place of the caller's.
 * outdone may be NULL: then every entry counts.
 */
extern Size match_size(MatchBuilder *builder);
extern void match_lay_out(MatchBuilder *builder, MatchIndex *index, MatchOutdone outdone,
						  const void *state);

/* A label of the row, until the search turns it into the number of its value. */
typedef struct MatchLabel
{
	const char *text;
	int			len;
	int			dim;
	uint64		word;			/* its last bytes */
	uint32		hash;
	uint32		id;				/* of the first value with this hash; 0: there is none */
} MatchLabel;

/* A row to search for; the room it needs is kept from one search to the next. */
typedef struct MatchQuery
{
	MemoryContext context;		/* where room is taken */
	int			ndims;
	MatchLabel *labels;
	int			nlabels;
	uint64		present;		/* dimensions in which the row has a value at all */
	int			labels_room;
	int		   *nids;			/* a dimension: how many known values the row has */
	uint32	  **ids;			/* a dimension: these values */
	int		   *ids_room;
	uint32	   *found;			/* payloads, from the smallest on */
	int			nfound;
	int			found_room;
	const char *items;			/* what payloads number, ... */
	Size		item_size;		/* ... and how large one is */

	/* how far the search has come */
	uint32		complete;		/* payloads below this are all found */
	bool		all;			/* also those outdone */
	const MatchIndex *index;
	uint64		known;			/* dimensions in which the row has known values, ... */
	uint64		several;		/* ... and more than one */
	uint64	   *keys;			/* a dimension: the key of its first value */
	uint64	   *shapes_of_dim;	/* a dimension: shapes that its values allow */
	uint64		possible;		/* shapes that may have entries, by their SHAPE_BIT */
	uint64		shapes;			/* those of this block that are not yet looked at */
	uint32		block;			/* its first one's number */
} MatchQuery;

/* Payloads number items of this size: what is found is fetched into the cache ahead of its use. */
extern void match_query_init(MatchQuery *query, int ndims, const void *items, Size item_size,
							 MemoryContext context);

/* Empties the query for the next row. */
static inline void
match_query_reset(MatchQuery *query)
{
	query->nlabels = 0;
	query->present = 0;
	query->nfound = 0;
}

extern void match_query_make_room(MatchQuery *query);

/*
 * Says that the row has this value in this dimension; may be said repeatedly.
 * The text must stay in place until the search starts.
 */
static inline void
match_query_add(MatchQuery *query, int dim, const char *value, int len)
{
	MatchLabel *label;

	if (unlikely(query->nlabels == query->labels_room))
		match_query_make_room(query);
	label = &query->labels[query->nlabels++];
	label->text = value;
	label->len = len;
	label->dim = dim;
}

/* Says what another query of the row has been told, before either search starts. */
extern void match_query_copy(MatchQuery *query, const MatchQuery *from);

/*
 * Finds the entries whose constraints the row fulfils: query->found, each once.
 * Those that others outdo are found only if all are asked for.
 */
extern void match_search(MatchQuery *query, const MatchIndex *index, bool all);

/*
 * The same bit by bit: starts the search; goes on until at least the payloads
 * below one are found. The smallest come first, and are often all that is wanted.
 */
extern pg_attribute_hot void match_start(MatchQuery *query, const MatchIndex *index, bool all);
extern pg_attribute_hot void match_go_on(MatchQuery *query, uint32 payload);

static inline void
match_find_below(MatchQuery *query, uint32 payload)
{
	if (query->complete < payload)
		match_go_on(query, payload);
}

/* The n-th payload from 0 on, searching as far as need be; false if there are not so many below end. */
static inline bool
match_nth(MatchQuery *query, int n, uint32 end, uint32 *payload)
{
	while (n >= query->nfound || query->found[n] >= query->complete)
	{
		if (query->complete >= end)
			return false;
		match_go_on(query, query->complete + 1);
	}
	*payload = query->found[n];
	return true;
}

/* For statistics. */
typedef struct MatchStats
{
	uint32		shapes;
	uint32		buckets;
	uint32		entries;
	uint32		longest_bucket;
} MatchStats;

extern void match_stats(const MatchIndex *index, MatchStats *stats);

#endif

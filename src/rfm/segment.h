/*
 * segment.h
 *		Segment maps, compiled: one name a cell of (r, f, m).
 */
#ifndef QUOTETIER_SEGMENT_H
#define QUOTETIER_SEGMENT_H

#include "postgres.h"

/* Scores are digits, so that a cell can be written 555. */
#define MIN_SEGMENT_BINS	2
#define MAX_SEGMENT_BINS	9

typedef struct SegmentMap
{
	int			bins;
	text	   *cells[FLEXIBLE_ARRAY_MEMBER];	/* bins^3 names */
} SegmentMap;

/*
 * The map of that name under the active snapshot; an error if there is none.
 * Valid until the next book_get.
 */
extern const SegmentMap *segment_map_get(const char *name, int len);

/* A copy of the map that stays, in the current memory context. */
extern SegmentMap *segment_map_copy(const SegmentMap *map);

static inline text *
segment_of(const SegmentMap *map, int r, int f, int m)
{
	return map->cells[((r - 1) * map->bins + f - 1) * map->bins + m - 1];
}

#endif

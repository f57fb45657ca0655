/*
 * match_index.h
 *		The layout of a finished index, for match_build.c and match_search.c only.
 *
 * Values are interned: one hash table holds the values of all dimensions. A
 * value carries the set of shapes in which it occurs, so that intersecting the
 * sets of a row's values leaves few shapes to probe. The set has 64 bits;
 * shapes beyond share bits, which makes it a looser filter, never a wrong one.
 *
 * Most probes for a bucket find none. A byte a slot tells that, in an array that
 * is small enough to stay in the processor's cache; where the bucket is stands
 * in another one.
 */
#ifndef QUOTETIER_MATCH_INDEX_H
#define QUOTETIER_MATCH_INDEX_H

#include "postgres.h"

#include "base/match.h"
#include "common/hashfn.h"

#define SHAPE_BIT(shape)	(UINT64CONST(1) << ((shape) & 63))

typedef struct Slot
{
	uint32		hash;
	uint32		item;			/* where it is, + 1; 0: empty */
} Slot;

/* A value, with all that a look-up reads side by side; found by its place. */
typedef struct Value
{
	uint64		shapes;			/* SHAPE_BITs it occurs in */
	uint32		dim;
	uint32		len;
	char		text[FLEXIBLE_ARRAY_MEMBER];
} Value;

/* Places of values are counted in words of this size. */
typedef uint64 ValueWord;

typedef struct Shape
{
	uint64		mask;			/* dimensions constrained */
	uint32		dims;			/* first of them in the list of dimensions */
	uint32		ndims;
} Shape;

/* A bucket; its payloads follow its values: first those that count, then those outdone. */
typedef struct Bucket
{
	uint32		shape;
	uint32		nentries;
	uint32		ncount;
	uint32		ids[FLEXIBLE_ARRAY_MEMBER];
} Bucket;

/* Places of buckets are counted in words of this size. */
typedef uint32 BucketWord;

/* All offsets are from the start of this header. */
struct MatchIndex
{
	uint32		ndims;
	uint32		nshapes;
	uint32		nvalues;
	uint32		nbuckets;
	uint32		nentries;
	uint32		value_mask;		/* slots - 1 */
	uint32		bucket_mask;
	uint32		longest_bucket;
	Size		value_slots;
	Size		bucket_tags;	/* a slot: BUCKET_TAG; 0: empty */
	Size		bucket_places;	/* a slot: where its bucket is */
	Size		values;
	Size		shapes;
	Size		shape_dims;
	Size		open_shapes;	/* a dimension: SHAPE_BITs that leave it open */
	Size		buckets;
};

#define PART(index, type, part) ((type *) ((char *) (index) + (index)->part))

static inline uint32
value_hash(int dim, const char *value, int len)
{
	return murmurhash32(hash_bytes((const unsigned char *) value, len) + dim);
}

/* A bucket's hash: of the sum of its shape's key and its values'. */
static inline uint64
shape_key(uint32 shape)
{
	return (shape + 1) * UINT64CONST(0x9E3779B97F4A7C15);
}

static inline uint64
value_key(uint32 id)
{
	uint64		key = id * UINT64CONST(0xFF51AFD7ED558CCD);

	return (key ^ (key >> 32)) * UINT64CONST(0xC4CEB9FE1A85EC53);
}

static inline uint32
bucket_hash(uint64 key)
{
	return ((key ^ (key >> 32)) * UINT64CONST(0xFF51AFD7ED558CCD)) >> 32;
}

/* Its first slot comes from the low bits, its tag from the high ones. */
#define BUCKET_TAG(hash)	((uint8) Max((hash) >> 24, 1))

static inline bool
is_value(const Value *value, int dim, const char *text, int len)
{
	return value->dim == dim && value->len == len && memcmp(value->text, text, len) == 0;
}

#endif

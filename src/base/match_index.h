/*
 * match_index.h
 *		The layout of a finished index, for match_build.c and match_search.c only.
 *
 * Values are interned: one hash table holds the values of all dimensions. A
 * value carries the set of shapes in which it occurs, so that intersecting the
 * sets of a row's values leaves few shapes to probe. The set has 64 bits;
 * shapes beyond share bits, which makes it a looser filter, never a wrong one.
 *
 * Buckets are found by hash, in groups. Most probes find none, and the group's
 * tags say so: they are small enough to stay in the processor's cache. The
 * buckets of a group stand together, so that to find one takes two accesses.
 */
#ifndef QUOTETIER_MATCH_INDEX_H
#define QUOTETIER_MATCH_INDEX_H

#include "postgres.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/match.h"

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
	uint64		kind;			/* see value_kind() */
	uint64		word;			/* its last bytes, all of it if it is short */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* if it is not */
} Value;

/* Places of values are counted in words of this size. */
typedef uint64 ValueWord;

typedef struct Shape
{
	uint64		mask;			/* dimensions constrained */
	uint32		dims;			/* first of them in the list of dimensions */
	uint32		ndims;
	uint32		first;			/* its smallest payload; shapes stand in this order */
	uint32		unused;
} Shape;

/* A bucket; its payloads follow its values: first those that count, then those outdone. */
typedef struct Bucket
{
	uint32		words;			/* all it takes; the next one of its group follows */
	uint32		shape;
	uint32		ncount;
	uint32		ids[FLEXIBLE_ARRAY_MEMBER];
} Bucket;

/* Places of buckets are counted in words of this size. */
typedef uint32 BucketWord;

#define BUCKET_WORDS(ndims, nentries) (offsetof(Bucket, ids) / sizeof(BucketWord) + (ndims) + (nentries))

/* Up to GROUP_SIZE buckets; when it is full, the next group has the others. */
#define GROUP_SIZE 12

typedef struct Group
{
	uint64		tags;			/* a byte each, the first in the lowest one; 0: none */
	uint32		more_tags;		/* of those from the ninth on */
	uint32		buckets;		/* where they stand, in this order */
} Group;

/* All offsets are from the start of this header. */
struct MatchIndex
{
	uint32		ndims;
	uint32		nshapes;
	uint32		nvalues;
	uint32		nbuckets;
	uint32		nentries;
	uint32		value_mask;		/* slots - 1 */
	uint32		group_mask;		/* groups - 1 */
	uint32		longest_bucket;
	Size		value_slots;
	Size		groups;
	Size		values;
	Size		shapes;
	Size		shape_dims;
	Size		open_shapes;	/* a dimension: SHAPE_BITs that leave it open */
	Size		buckets;
};

/* The buckets of a group: where each one begins, in words from here; then they. */
typedef struct GroupBuckets
{
	uint8		at[GROUP_SIZE];
} GroupBuckets;

#define GROUP_BUCKETS_WORDS (sizeof(GroupBuckets) / sizeof(BucketWord))

/* Too far for that: one is found from the first one on. */
#define FAR_BUCKET PG_UINT8_MAX

#define PART(index, type, part) ((type *) ((char *) (index) + (index)->part))

#define HASH_FACTOR UINT64CONST(0xFF51AFD7ED558CCD)

static inline uint64
hash_mix(uint64 hash, uint64 word)
{
	hash = (hash ^ word) * HASH_FACTOR;
	return hash ^ (hash >> 32);
}

/* Dimension and length of a value, which no other kind has. */
static inline uint64
value_kind(int dim, int len)
{
	return (uint64) dim << 32 | (uint32) len;
}

#define KIND_LEN(kind) ((int) (uint32) (kind))

/* Up to so many bytes a value's word tells all. */
#define SHORT_VALUE 8

/* Up to eight bytes, as a number that no other text of this length has. */
static inline uint64
text_word(const char *text, int len)
{
	if (len >= 4)
	{
		uint32		first;
		uint32		last;

		memcpy(&first, text, 4);
		memcpy(&last, text + len - 4, 4);
		return (uint64) first << 32 | last;
	}
	if (len >= 2)
	{
		uint16		first;
		uint16		last;

		memcpy(&first, text, 2);
		memcpy(&last, text + len - 2, 2);
		return (uint64) first << 32 | last;
	}
	return len > 0 ? (uint8) text[0] : 0;
}

/*
 * For labels, which are short: hash_bytes() takes three times as long. *word is
 * that of the last bytes, eight at most.
 */
static inline uint32
value_hash(uint64 kind, const char *text, uint64 *word)
{
	uint64		hash = kind * HASH_FACTOR;	/* else one dimension's "a1" might be another's "b1" */
	int			len = KIND_LEN(kind);

	for (; unlikely(len > 8); len -= 8, text += 8)
	{
		memcpy(word, text, 8);
		hash = hash_mix(hash, *word);
	}
	*word = text_word(text, len);
	hash = hash_mix(hash, *word);
	return (hash * HASH_FACTOR) >> 32;
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
	return hash_mix(0, id) * UINT64CONST(0xC4CEB9FE1A85EC53);
}

static inline uint32
bucket_hash(uint64 key)
{
	return ((key ^ (key >> 32)) * HASH_FACTOR) >> 32;
}

/* A bucket's group comes from the low bits of its hash, its tag from the high ones. */
static inline uint8
bucket_tag(uint32 hash)
{
	return Max(hash >> 24, 1);
}

static inline bool
group_is_full(const Group *group)
{
	return group->more_tags >> 24 != 0;
}

#ifndef __SSE2__
/* The highest bit of every byte that is 0. */
static inline uint64
zero_bytes(uint64 bytes)
{
	const uint64 low = UINT64CONST(0x7F7F7F7F7F7F7F7F);

	return ~(((bytes & low) + low) | bytes | low);
}
#endif

/* Which buckets of the group have this tag, as bits from the lowest on? */
static inline uint32
group_tagged(const Group *group, uint8 tag)
{
#ifdef __SSE2__
	/* the tags come first in it */
	__m128i		equal = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *) group), _mm_set1_epi8((char) tag));

	return _mm_movemask_epi8(equal) & ((1 << GROUP_SIZE) - 1);
#else
	const uint64 all = UINT64CONST(0x0101010101010101) * tag;
	const uint64 gather = UINT64CONST(0x0102040810204080);
	uint64		first = zero_bytes(group->tags ^ all);
	uint64		more = zero_bytes(group->more_tags ^ all) & PG_UINT32_MAX;

	return ((first >> 7) * gather) >> 56 | ((more >> 7) * gather) >> 56 << 8;
#endif
}

/* Is it the value of this kind and text, whose word is given, too? */
static inline bool
is_value(const Value *value, uint64 kind, const char *text, uint64 word)
{
	return value->kind == kind && value->word == word &&
		(likely(KIND_LEN(kind) <= SHORT_VALUE) || memcmp(value->text, text, KIND_LEN(kind)) == 0);
}

#endif

/*
 * match_search.c
 *		Tuple-space matching: searching the index.
 *
 * What a search waits for is memory. So every stage asks for the next one's
 * cache lines for all values, then for all probes, before it looks at any.
 */
#include "postgres.h"

#include "base/match_index.h"
#include "lib/qunique.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* Up to so many values of a dimension, repetitions are looked for one by one. */
#define FEW_IDS 16

/* Up to so many numbers are sorted by insertion. */
#define FEW_NUMBERS 64

/* How many of what is found are fetched into the cache ahead of their use. */
#define ITEMS_AHEAD 16

/* How many shapes are looked at in one go, at least. */
#define SHAPES_AT_ONCE 4

/* How many probes have their first memory access under way at once. */
#define PROBES_AHEAD 64

void
match_query_init(MatchQuery *query, int ndims, const void *items, Size item_size,
				 MemoryContext context)
{
	int			dim;

	query->context = context;
	query->items = items;
	query->item_size = item_size;
	query->ndims = ndims;
	query->nids = MemoryContextAllocZero(context, (ndims + 1) * sizeof(int));
	query->ids_room = MemoryContextAllocZero(context, (ndims + 1) * sizeof(int));
	query->ids = MemoryContextAllocZero(context, (ndims + 1) * sizeof(uint32 *));
	for (dim = 0; dim < ndims; dim++)
	{
		query->ids_room[dim] = 4;
		query->ids[dim] = MemoryContextAlloc(context, 4 * sizeof(uint32));
	}
	query->keys = MemoryContextAlloc(context, (ndims + 1) * sizeof(uint64));
	query->shapes_of_dim = MemoryContextAlloc(context, (ndims + 1) * sizeof(uint64));
	query->labels_room = ndims + 4;
	query->labels = MemoryContextAlloc(context, query->labels_room * sizeof(MatchLabel));
	query->found_room = 64;
	query->found = MemoryContextAlloc(context, query->found_room * sizeof(uint32));
	match_query_reset(query);
}

void
match_query_make_room(MatchQuery *query)
{
	query->labels_room *= 2;
	query->labels = repalloc(query->labels, query->labels_room * sizeof(MatchLabel));
}

void
match_query_copy(MatchQuery *query, const MatchQuery *from)
{
	match_query_reset(query);
	while (query->labels_room < from->nlabels)
		match_query_make_room(query);
	memcpy(query->labels, from->labels, from->nlabels * sizeof(MatchLabel));
	query->nlabels = from->nlabels;
}

static int
compare_numbers(const void *left, const void *right)
{
	uint32		a = *(const uint32 *) left;
	uint32		b = *(const uint32 *) right;

	return a < b ? -1 : a > b ? 1 : 0;
}

/* Sorts numbers, which may stand in sorted runs. */
static void
sort_numbers(uint32 *numbers, int n)
{
	int			i;

	if (unlikely(n > FEW_NUMBERS))
		qsort(numbers, n, sizeof(uint32), compare_numbers);
	else
		for (i = 1; i < n; i++)
		{
			uint32		number = numbers[i];
			int			at;

			for (at = i; at > 0 && numbers[at - 1] > number; at--)
				numbers[at] = numbers[at - 1];
			numbers[at] = number;
		}
}

static bool
has_id(const uint32 *ids, int n, uint32 id)
{
	int			i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Finds the labels' values, as far as hashes tell. */
static pg_attribute_hot void
find_hashes(MatchQuery *query, const MatchIndex *index)
{
	const Slot *slots = PART(index, const Slot, value_slots);
	const ValueWord *values = PART(index, const ValueWord, values);
	const uint32 mask = index->value_mask;
	MatchLabel *end = query->labels + query->nlabels;
	MatchLabel *label;

	for (label = query->labels; label < end; label++)
	{
		label->hash = value_hash(value_kind(label->dim, label->len), label->text, &label->word);
		__builtin_prefetch(&slots[label->hash & mask]);
	}
	for (label = query->labels; label < end; label++)
	{
		uint32		hash = label->hash;
		uint32		at = hash & mask;

		while (slots[at].item != 0 && slots[at].hash != hash)
			at = (at + 1) & mask;
		label->id = slots[at].item;
		__builtin_prefetch(&values[label->id]);
	}
}

static inline bool
is_label(const MatchIndex *index, uint32 id, const MatchLabel *label)
{
	return is_value((const Value *) (PART(index, const ValueWord, values) + id - 1),
					value_kind(label->dim, label->len), label->text, label->word);
}

/* The number of the label's value, where the first one with its hash is another; 0 if no entry asks for it. */
static pg_noinline uint32
find_further(const MatchIndex *index, const MatchLabel *label)
{
	const Slot *slots = PART(index, const Slot, value_slots);
	uint32		at;

	for (at = label->hash & index->value_mask; slots[at].item != 0; at = (at + 1) & index->value_mask)
		if (slots[at].hash == label->hash && is_label(index, slots[at].item, label))
			break;
	return slots[at].item;
}

/* Adds to the ids of a dimension that has some. */
static pg_noinline void
add_id(MatchQuery *query, int dim, uint32 id)
{
	int			n = query->nids[dim];

	if (n <= FEW_IDS && has_id(query->ids[dim], n, id))
		return;
	if (n == query->ids_room[dim])
	{
		query->ids_room[dim] *= 2;
		query->ids[dim] = repalloc(query->ids[dim], query->ids_room[dim] * sizeof(uint32));
	}
	query->ids[dim][query->nids[dim]++] = id;
	query->several |= UINT64CONST(1) << dim;
}

/* Ids of which there are many: sorts them, so that repetitions drop out. */
static pg_noinline void
unite_ids(MatchQuery *query)
{
	int			dim;

	for (dim = 0; dim < query->ndims; dim++)
		if (query->nids[dim] > FEW_IDS)
		{
			sort_numbers(query->ids[dim], query->nids[dim]);
			query->nids[dim] = qunique(query->ids[dim], query->nids[dim], sizeof(uint32),
									   compare_numbers);
			query->keys[dim] = value_key(query->ids[dim][0]);
		}
}

/*
 * Turns the row's labels into ids, and works out which shapes may have entries.
 * Labels that no entry asks for drop out, and so do repetitions, which would
 * multiply the probes: a list has them, and paths that begin alike.
 */
static pg_attribute_hot void
find_ids(MatchQuery *query, const MatchIndex *index)
{
	const ValueWord *values = PART(index, const ValueWord, values);
	const MatchLabel *end = query->labels + query->nlabels;
	const MatchLabel *label;
	uint64	   *shapes = query->shapes_of_dim;
	uint64	   *keys = query->keys;
	uint32	  **ids = query->ids;
	int		   *nids = query->nids;
	int			ndims = query->ndims;
	uint64		present = 0;
	uint64		known = 0;
	uint64		possible = ~UINT64CONST(0);
	int			dim;

	find_hashes(query, index);
	memset(nids, 0, ndims * sizeof(int));
	memcpy(shapes, PART(index, const uint64, open_shapes), ndims * sizeof(uint64));
	query->several = 0;
	for (label = query->labels; label < end; label++)
	{
		uint32		id = label->id;
		uint64		bit;

		dim = label->dim;
		bit = UINT64CONST(1) << dim;
		present |= bit;
		if (id == 0)
			continue;
		if (unlikely(!is_label(index, id, label)) && (id = find_further(index, label)) == 0)
			continue;
		shapes[dim] |= ((const Value *) &values[id - 1])->shapes;
		if (likely((known & bit) == 0))
		{
			known |= bit;
			nids[dim] = 1;
			ids[dim][0] = id;
			keys[dim] = value_key(id);
		}
		else
			add_id(query, dim, id);
	}
	if (unlikely(query->several != 0))
		unite_ids(query);
	for (dim = 0; dim < ndims; dim++)
		possible &= shapes[dim];
	query->present = present;
	query->known = known;
	query->possible = possible;
}

/* A probe: the bucket of a shape and one of the row's values for each of its dimensions. */
typedef struct Probe
{
	uint32		hash;
	uint32		shape;
	const Group *group;
	uint64		combination;	/* of the row's values, by number */
	uint32		tagged;			/* the group's buckets that may be it, as bits */
} Probe;

/* Probes under way at once. */
typedef struct Probes
{
	int			n;
	Probe		of[PROBES_AHEAD];
} Probes;

/* Is it the bucket that the probe means? */
static inline bool
is_bucket(const MatchQuery *query, const MatchIndex *index, const Bucket *bucket, const Probe *probe)
{
	const Shape *shape = &PART(index, const Shape, shapes)[probe->shape];
	const uint32 *dims = PART(index, const uint32, shape_dims) + shape->dims;
	uint64		rest = probe->combination;
	uint32		i;

	if (bucket->shape != probe->shape)
		return false;
	for (i = 0; i < shape->ndims; i++)
	{
		uint32		choice = 0;

		if (unlikely(rest != 0))
		{
			choice = rest % query->nids[dims[i]];
			rest /= query->nids[dims[i]];
		}
		if (bucket->ids[i] != query->ids[dims[i]][choice])
			return false;
	}
	return true;
}

static void
collect(MatchQuery *query, const MatchIndex *index, const Bucket *bucket)
{
	const uint32 *payloads = bucket->ids + PART(index, const Shape, shapes)[bucket->shape].ndims;
	uint32		n = query->all ? (const BucketWord *) bucket + bucket->words - payloads : bucket->ncount;
	uint32		i;

	if (unlikely(query->nfound + n > query->found_room))
	{
		query->found_room = Max(query->found_room * 2, query->nfound + n);
		query->found = repalloc_huge(query->found, query->found_room * sizeof(uint32));
	}
	for (i = 0; i < n; i++)
	{
		query->found[query->nfound + i] = payloads[i];
		if (query->nfound + i < ITEMS_AHEAD)
			__builtin_prefetch(query->items + payloads[i] * query->item_size);
	}
	query->nfound += n;
}

static inline const Group *
group_at(const MatchIndex *index, uint32 hash)
{
	return PART(index, const Group, groups) + (hash & index->group_mask);
}

static inline const Group *
next_group(const MatchIndex *index, const Group *group)
{
	return group_at(index, group - PART(index, const Group, groups) + 1);
}

static pg_noinline const Bucket *
far_bucket(const BucketWord *words, int n)
{
	for (words += GROUP_BUCKETS_WORDS; n > 0; n--)
		words += ((const Bucket *) words)->words;
	return (const Bucket *) words;
}

/* The n-th bucket of a group, whose buckets are here. */
static inline const Bucket *
group_bucket(const BucketWord *words, int n)
{
	uint8		at = ((const GroupBuckets *) words)->at[n];

	return likely(at != FAR_BUCKET) ? (const Bucket *) (words + at) : far_bucket(words, n);
}

/* Looks for the bucket that a probe means, in its group and those that follow a full one. */
static const Bucket *
find_bucket(const MatchQuery *query, const MatchIndex *index, const Probe *probe)
{
	const Group *group = probe->group;
	uint32		tagged = probe->tagged;

	for (;;)
	{
		const BucketWord *words = PART(index, const BucketWord, buckets) + group->buckets;

		for (; tagged != 0; tagged &= tagged - 1)
		{
			const Bucket *bucket = group_bucket(words, pg_rightmost_one_pos32(tagged));

			if (likely(is_bucket(query, index, bucket, probe)))
				return bucket;
		}
		if (likely(!group_is_full(group)))
			return NULL;
		group = next_group(index, group);
		tagged = group_tagged(group, bucket_tag(probe->hash));
	}
}

static pg_attribute_hot void
run_probes(MatchQuery *query, const MatchIndex *index, Probes *probes)
{
	const BucketWord *words = PART(index, const BucketWord, buckets);
	int			n = 0;
	int			i;

	for (i = 0; i < probes->n; i++)
	{
		const Group *group = probes->of[i].group;

		probes->of[i].tagged = group_tagged(group, bucket_tag(probes->of[i].hash));
		if (probes->of[i].tagged == 0 && likely(!group_is_full(group)))
			continue;
		__builtin_prefetch(words + group->buckets);
		__builtin_prefetch(words + group->buckets + 16);
		__builtin_prefetch(words + group->buckets + 32);
		probes->of[n++] = probes->of[i];
	}
	for (i = 0; i < n; i++)
	{
		const Bucket *bucket = find_bucket(query, index, &probes->of[i]);

		if (bucket != NULL)
			collect(query, index, bucket);
	}
	probes->n = 0;
}

static inline void
add_probe(MatchQuery *query, const MatchIndex *index, Probes *probes, uint32 shape, uint64 key,
		  uint64 combination)
{
	Probe	   *probe;

	if (unlikely(probes->n == PROBES_AHEAD))
		run_probes(query, index, probes);
	probe = &probes->of[probes->n++];
	probe->hash = bucket_hash(key);
	probe->shape = shape;
	probe->combination = combination;
	probe->group = group_at(index, probe->hash);
	__builtin_prefetch(probe->group);
}

/* Probes a shape for every combination of the row's values. */
static pg_noinline void
add_combinations(MatchQuery *query, const MatchIndex *index, Probes *probes, uint32 shape_number)
{
	const Shape *shape = &PART(index, const Shape, shapes)[shape_number];
	const uint32 *dims = PART(index, const uint32, shape_dims) + shape->dims;
	int			choice[MATCH_MAX_DIMENSIONS] = {0};
	uint64		combination = 0;
	uint32		i;

	do
	{
		uint64		key = shape_key(shape_number);

		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < shape->ndims; i++)
			key += value_key(query->ids[dims[i]][choice[i]]);
		add_probe(query, index, probes, shape_number, key, combination++);
		for (i = 0; i < shape->ndims; i++)
		{
			if (++choice[i] < query->nids[dims[i]])
				break;
			choice[i] = 0;
		}
	} while (i < shape->ndims);
}

/* Shapes stand in blocks of as many as a set has bits: takes up the one that begins here. */
static void
take_block(MatchQuery *query, const MatchIndex *index, uint32 block)
{
	query->block = block;
	query->shapes = query->possible;
	if (index->nshapes - block < 64)
		query->shapes &= SHAPE_BIT(index->nshapes - block) - 1;
}

/* Moves on to a block with shapes that may have entries; is there one? */
static bool
next_block(MatchQuery *query, const MatchIndex *index)
{
	while (query->shapes == 0)
	{
		if (query->block + 64 >= index->nshapes)
			return false;
		take_block(query, index, query->block + 64);
	}
	return true;
}

/* The next shape that may have entries: they stand in the order of their smallest payloads. */
static inline uint32
next_shape(const MatchQuery *query)
{
	return query->block + pg_rightmost_one_pos64(query->shapes);
}

void
match_go_on(MatchQuery *query, uint32 payload)
{
	const MatchIndex *index = query->index;
	const Shape *shapes = PART(index, const Shape, shapes);
	const uint64 *keys = query->keys;
	const uint64 unknown = ~query->known;
	const uint64 several = query->several;
	Probes		probes;
	int			n = 0;

	probes.n = 0;
	while (query->shapes != 0 || next_block(query, index))
	{
		uint32		number = next_shape(query);
		const Shape *shape = &shapes[number];

		if (n >= SHAPES_AT_ONCE && shape->first >= payload)
			break;
		query->shapes &= query->shapes - 1;
		if (unlikely((shape->mask & unknown) != 0))
			continue;			/* it shares its bit with another one */
		n++;
		if (likely((shape->mask & several) == 0))
		{
			uint64		key = shape_key(number);
			uint64		dims;

			for (dims = shape->mask; dims != 0; dims &= dims - 1)
				key += keys[pg_rightmost_one_pos64(dims)];
			add_probe(query, index, &probes, number, key, 0);
		}
		else
			add_combinations(query, index, &probes, number);
	}
	run_probes(query, index, &probes);
	query->complete = query->shapes != 0 || next_block(query, index) ?
		shapes[next_shape(query)].first : PG_UINT32_MAX;
	sort_numbers(query->found, query->nfound);
	if (unlikely(several != 0))
		query->nfound = qunique(query->found, query->nfound, sizeof(uint32), compare_numbers);
}

void
match_start(MatchQuery *query, const MatchIndex *index, bool all)
{
	find_ids(query, index);
	query->index = index;
	query->all = all;
	take_block(query, index, 0);
	query->nfound = 0;
	query->complete = 0;
}

void
match_search(MatchQuery *query, const MatchIndex *index, bool all)
{
	match_start(query, index, all);
	match_find_below(query, PG_UINT32_MAX);
}

void
match_stats(const MatchIndex *index, MatchStats *stats)
{
	stats->shapes = index->nshapes;
	stats->buckets = index->nbuckets;
	stats->entries = index->nentries;
	stats->longest_bucket = index->longest_bucket;
}

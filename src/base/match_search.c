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

/* How many probes have their first memory access under way at once. */
#define PROBES_AHEAD 64

void
match_query_init(MatchQuery *query, int ndims, MemoryContext context)
{
	int			dim;

	query->context = context;
	query->ndims = ndims;
	query->nids = MemoryContextAllocZero(context, (ndims + 1) * sizeof(int));
	query->ids_room = MemoryContextAllocZero(context, (ndims + 1) * sizeof(int));
	query->ids = MemoryContextAllocZero(context, (ndims + 1) * sizeof(uint32 *));
	for (dim = 0; dim < ndims; dim++)
	{
		query->ids_room[dim] = 4;
		query->ids[dim] = MemoryContextAlloc(context, 4 * sizeof(uint32));
	}
	query->labels_room = ndims + 4;
	query->labels = MemoryContextAlloc(context, query->labels_room * sizeof(MatchLabel));
	query->found_room = 64;
	query->found = MemoryContextAlloc(context, query->found_room * sizeof(uint32));
	match_query_reset(query);
}

void
match_query_add(MatchQuery *query, const MatchIndex *index, int dim, const char *value, int len)
{
	MatchLabel *label;

	if (query->nlabels == query->labels_room)
	{
		query->labels_room *= 2;
		query->labels = repalloc(query->labels, query->labels_room * sizeof(MatchLabel));
	}
	label = &query->labels[query->nlabels++];
	query->present |= UINT64CONST(1) << dim;
	label->text = value;
	label->len = len;
	label->dim = dim;
	label->hash = value_hash(dim, value, len);
	__builtin_prefetch(&PART(index, const Slot, value_slots)[label->hash & index->value_mask]);
}

static int
compare_ids(const void *left, const void *right)
{
	uint32		a = *(const uint32 *) left;
	uint32		b = *(const uint32 *) right;

	return a < b ? -1 : a > b ? 1 : 0;
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

/*
 * Turns the row's labels into ids; those that no entry asks for drop out, and so
 * do repetitions, which would multiply the probes: a list has them, and paths
 * that begin alike.
 */
static void
find_ids(MatchQuery *query, const MatchIndex *index)
{
	const Slot *slots = PART(index, const Slot, value_slots);
	const ValueWord *values = PART(index, const ValueWord, values);
	int			i;

	for (i = 0; i < query->nlabels; i++)
	{
		MatchLabel *label = &query->labels[i];
		uint32		at = label->hash & index->value_mask;

		while (slots[at].item != 0 && slots[at].hash != label->hash)
			at = (at + 1) & index->value_mask;
		label->slot = at;
		if (slots[at].item != 0)
			__builtin_prefetch(&values[slots[at].item - 1]);
	}
	for (i = 0; i < query->nlabels; i++)
	{
		MatchLabel *label = &query->labels[i];
		int			dim = label->dim;
		uint32		at;

		for (at = label->slot; slots[at].item != 0; at = (at + 1) & index->value_mask)
		{
			if (slots[at].hash != label->hash ||
				!is_value((const Value *) &values[slots[at].item - 1],
						  dim, label->text, label->len))
				continue;
			if (query->nids[dim] <= FEW_IDS &&
				has_id(query->ids[dim], query->nids[dim], slots[at].item))
				break;
			if (query->nids[dim] == query->ids_room[dim])
			{
				query->ids_room[dim] *= 2;
				query->ids[dim] = repalloc(query->ids[dim],
										   query->ids_room[dim] * sizeof(uint32));
			}
			query->ids[dim][query->nids[dim]++] = slots[at].item;
			break;
		}
	}
	for (i = 0; i < query->ndims; i++)
		if (unlikely(query->nids[i] > FEW_IDS))
		{
			qsort(query->ids[i], query->nids[i], sizeof(uint32), compare_ids);
			query->nids[i] = qunique(query->ids[i], query->nids[i], sizeof(uint32), compare_ids);
		}
}

/* One probe: the bucket of a shape and one value for each of its dimensions. */
typedef struct Probe
{
	uint32		hash;
	uint32		shape;
	uint32		slot;			/* the first with this hash */
} Probe;

static inline uint32
first_slot(const MatchIndex *index, uint32 hash)
{
	const Slot *slots = PART(index, const Slot, bucket_slots);
	uint32		at = hash & index->bucket_mask;

	while (slots[at].item != 0 && slots[at].hash != hash)
		at = (at + 1) & index->bucket_mask;
	if (slots[at].item != 0)
		__builtin_prefetch(&PART(index, const BucketWord, buckets)[slots[at].item - 1]);
	return at;
}

static inline void
collect(MatchQuery *query, const MatchIndex *index, const Probe *probe, const uint32 *choice)
{
	const Slot *slots = PART(index, const Slot, bucket_slots);
	const BucketWord *words = PART(index, const BucketWord, buckets);
	const Shape *shape = &PART(index, const Shape, shapes)[probe->shape];
	const uint32 *dims = PART(index, const uint32, shape_dims) + shape->dims;
	uint32		at;

	for (at = probe->slot; slots[at].item != 0; at = (at + 1) & index->bucket_mask)
	{
		const Bucket *bucket = (const Bucket *) &words[slots[at].item - 1];
		uint32		n;
		uint32		i;

		if (slots[at].hash != probe->hash || bucket->shape != probe->shape)
			continue;
		for (i = 0; i < shape->ndims; i++)
			if (bucket->ids[i] != query->ids[dims[i]][choice == NULL ? 0 : choice[i]])
				break;
		if (i < shape->ndims)
			continue;
		n = query->all ? bucket->nentries : bucket->ncount;
		if (query->nfound + n > query->found_room)
		{
			query->found_room = Max(query->found_room * 2, query->nfound + n);
			query->found = repalloc_huge(query->found, query->found_room * sizeof(uint32));
		}
		for (i = 0; i < n; i++)
			query->found[query->nfound + i] = bucket->ids[shape->ndims + i];
		query->nfound += n;
		return;
	}
}

/* Probes a shape for every combination of the row's values. */
static void
probe_combinations(MatchQuery *query, const MatchIndex *index, uint32 shape_number)
{
	const Shape *shape = &PART(index, const Shape, shapes)[shape_number];
	const uint32 *dims = PART(index, const uint32, shape_dims) + shape->dims;
	uint32		choice[MATCH_MAX_DIMENSIONS] = {0};
	uint32		i;

	for (;;)
	{
		uint64		key = key_start(shape_number);
		Probe		probe;

		CHECK_FOR_INTERRUPTS();
		for (i = 0; i < shape->ndims; i++)
			key = key_mix(key, query->ids[dims[i]][choice[i]]);
		probe.hash = (uint32) key;
		probe.shape = shape_number;
		probe.slot = first_slot(index, probe.hash);
		collect(query, index, &probe, choice);
		for (i = 0; i < shape->ndims; i++)
		{
			if (++choice[i] < query->nids[dims[i]])
				break;
			choice[i] = 0;
		}
		if (i == shape->ndims)
			return;
	}
}

static void
run_probes(MatchQuery *query, const MatchIndex *index, Probe *probes, int nprobes)
{
	int			i;

	for (i = 0; i < nprobes; i++)
		probes[i].slot = first_slot(index, probes[i].hash);
	for (i = 0; i < nprobes; i++)
		collect(query, index, &probes[i], NULL);
}

void
match_search(MatchQuery *query, const MatchIndex *index, bool all)
{
	const ValueWord *values = PART(index, const ValueWord, values);
	const Shape *shapes = PART(index, const Shape, shapes);
	const uint64 *open = PART(index, const uint64, open_shapes);
	const Slot *slots = PART(index, const Slot, bucket_slots);
	uint64		bits = index->nshapes >= 64 ? ~UINT64CONST(0) : SHAPE_BIT(index->nshapes) - 1;
	Probe		probes[PROBES_AHEAD];
	int			nprobes = 0;
	bool		single = true;
	int			i;
	uint32		dim;

	query->all = all;
	find_ids(query, index);
	for (dim = 0; dim < index->ndims; dim++)
	{
		uint64		possible = open[dim];

		for (i = 0; i < query->nids[dim]; i++)
			possible |= ((const Value *) &values[query->ids[dim][i] - 1])->shapes;
		bits &= possible;
		single &= query->nids[dim] <= 1;
	}

	while (bits != 0)
	{
		uint32		shape_number = pg_rightmost_one_pos64(bits);

		bits &= bits - 1;
		for (; shape_number < index->nshapes; shape_number += 64)
		{
			const Shape *shape = &shapes[shape_number];
			const uint32 *dims = PART(index, const uint32, shape_dims) + shape->dims;
			uint64		key = key_start(shape_number);
			uint32		d;

			for (d = 0; d < shape->ndims; d++)
			{
				if (query->nids[dims[d]] == 0)
					break;
				key = key_mix(key, query->ids[dims[d]][0]);
			}
			if (d < shape->ndims)
				continue;
			if (!single)
			{
				probe_combinations(query, index, shape_number);
				continue;
			}
			if (nprobes == PROBES_AHEAD)
			{
				run_probes(query, index, probes, nprobes);
				nprobes = 0;
			}
			__builtin_prefetch(&slots[(uint32) key & index->bucket_mask]);
			probes[nprobes].hash = (uint32) key;
			probes[nprobes].shape = shape_number;
			nprobes++;
		}
	}
	run_probes(query, index, probes, nprobes);
}

void
match_stats(const MatchIndex *index, MatchStats *stats)
{
	stats->shapes = index->nshapes;
	stats->buckets = index->nbuckets;
	stats->entries = index->nentries;
	stats->longest_bucket = index->longest_bucket;
}

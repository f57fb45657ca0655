/*
 * match_build.c
 *		Tuple-space matching: building the index and laying it out.
 */
#include "postgres.h"

#include "base/match_index.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* How many buckets a group has at most, on an average. */
#define GROUP_LOAD 7

/* A growing array. */
typedef struct Vector
{
	char	   *data;
	Size		width;
	Size		used;
	Size		room;
} Vector;

/* An entry while building: a bucket's entries are a chain. */
typedef struct BuildEntry
{
	uint32		payload;
	uint32		next;
} BuildEntry;

typedef struct BuildBucket
{
	uint32		hash;
	uint32		shape;
	uint32		ids;			/* first of its values */
	uint32		first;			/* of its entries */
	uint32		last;
	uint32		nentries;
} BuildBucket;

typedef struct ShapeEntry
{
	uint64		mask;			/* key */
	uint32		shape;
} ShapeEntry;

/* An entry on its way in: what it looks at first is being fetched into the cache. */
typedef struct ComingEntry
{
	uint32		hash;
	uint32		shape;
	uint32		payload;
	uint32		ids[MATCH_MAX_DIMENSIONS];	/* of the shape's dimensions, in their order */
} ComingEntry;

#define ENTRIES_COMING 8

struct MatchBuilder
{
	int			ndims;
	Vector		values;			/* of ValueWord */
	uint32		nvalues;
	Vector		value_slots;
	Vector		shapes;
	Vector		shape_dims;
	HTAB	   *shape_of_mask;
	ShapeEntry	last_shape;		/* entries come sorted: the next one's is often the same */
	Vector		buckets;
	Vector		bucket_ids;
	Vector		bucket_slots;
	Vector		entries;
	ComingEntry coming[ENTRIES_COMING];	/* in turn */
	uint64		ncome;			/* how many were added */
	uint64		nin;			/* how many of them are in */
};

/* ----- growing arrays ----- */

static void
vector_init(Vector *vector, Size width, Size room)
{
	vector->width = width;
	vector->used = 0;
	vector->room = room;
	vector->data = MemoryContextAllocHuge(CurrentMemoryContext, width * room);
}

static void
too_many(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("too many scope values"),
			 errdetail("Lists in scopes expand to their combinations, and these are too many."),
			 errhint("Use fewer or shorter lists in one scope.")));
}

static void *
vector_add(Vector *vector, Size n)
{
	void	   *place;

	if (vector->used + n > vector->room)
	{
		vector->room = Max(vector->room * 2, vector->used + n);
		vector->data = repalloc_huge(vector->data, vector->room * vector->width);
	}
	if (vector->used + n > PG_UINT32_MAX - 1)
		too_many();
	place = vector->data + vector->used * vector->width;
	vector->used += n;
	return place;
}

#define ITEM(vector, type, n)	(((type *) (vector).data)[n])

static void
slots_init(Vector *slots, Size n)
{
	vector_init(slots, sizeof(Slot), n);
	slots->used = n;
	memset(slots->data, 0, n * sizeof(Slot));
}

static void
slot_put(Vector *slots, uint32 hash, uint32 item)
{
	Slot	   *table = (Slot *) slots->data;
	uint32		mask = slots->used - 1;
	uint32		at = hash & mask;

	while (table[at].item != 0)
		at = (at + 1) & mask;
	table[at].hash = hash;
	table[at].item = item + 1;
}

/* Keeps at most half of the slots filled. */
static void
slots_make_room(Vector *slots, Size items)
{
	Vector		old = *slots;
	Size		i;

	if (items * 2 < slots->used)
		return;
	slots_init(slots, old.used * 2);
	for (i = 0; i < old.used; i++)
		if (ITEM(old, Slot, i).item != 0)
			slot_put(slots, ITEM(old, Slot, i).hash, ITEM(old, Slot, i).item - 1);
	pfree(old.data);
}

/* ----- building ----- */

MatchBuilder *
match_begin(int ndims)
{
	MatchBuilder *builder = palloc0(sizeof(MatchBuilder));
	HASHCTL		ctl;

	Assert(ndims <= MATCH_MAX_DIMENSIONS);
	builder->ndims = ndims;
	vector_init(&builder->values, sizeof(ValueWord), 1024);
	slots_init(&builder->value_slots, 512);
	vector_init(&builder->shapes, sizeof(Shape), 16);
	vector_init(&builder->shape_dims, sizeof(uint32), 64);
	vector_init(&builder->buckets, sizeof(BuildBucket), 256);
	vector_init(&builder->bucket_ids, sizeof(uint32), 1024);
	slots_init(&builder->bucket_slots, 512);
	vector_init(&builder->entries, sizeof(BuildEntry), 256);

	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(ShapeEntry);
	ctl.hcxt = CurrentMemoryContext;
	builder->shape_of_mask = hash_create("quotetier shapes", 64, &ctl,
										 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return builder;
}

/* The value at a place, as ids give it. */
#define BUILT_VALUE(builder, id) ((Value *) &ITEM((builder)->values, ValueWord, (id) - 1))

uint32
match_intern(MatchBuilder *builder, int dim, const char *value, int len)
{
	uint64		kind = value_kind(dim, len);
	uint64		word;
	uint32		hash = value_hash(kind, value, &word);
	uint32		mask = builder->value_slots.used - 1;
	uint32		at;
	uint32		place = builder->values.used;
	int			kept = len > SHORT_VALUE ? len : 0;
	Size		words = (offsetof(Value, text) + kept + sizeof(ValueWord) - 1) / sizeof(ValueWord);
	Value	   *new;

	for (at = hash & mask;; at = (at + 1) & mask)
	{
		Slot	   *slot = &ITEM(builder->value_slots, Slot, at);

		if (slot->item == 0)
			break;
		if (slot->hash == hash && is_value(BUILT_VALUE(builder, slot->item), kind, value, word))
			return slot->item;
	}

	new = vector_add(&builder->values, words);
	((ValueWord *) new)[words - 1] = 0; /* behind the text, too */
	new->shapes = 0;
	new->kind = kind;
	new->word = word;
	memcpy(new->text, value, kept);
	slots_make_room(&builder->value_slots, ++builder->nvalues);
	slot_put(&builder->value_slots, hash, place);
	return place + 1;
}

static void
vector_expect(Vector *vector, Size n)
{
	if (n <= vector->room)
		return;
	vector->data = repalloc_huge(vector->data, n * vector->width);
	vector->room = n;
}

void
match_expect(MatchBuilder *builder, uint32 nentries)
{
	Assert(builder->entries.used == 0);
	vector_expect(&builder->buckets, nentries);
	vector_expect(&builder->entries, nentries);
	pfree(builder->bucket_slots.data);
	slots_init(&builder->bucket_slots, pg_nextpower2_64(2 * (uint64) Max(nentries, 256)));
}

static uint32
shape_of(MatchBuilder *builder, uint64 mask, uint32 payload)
{
	bool		found;
	ShapeEntry *entry;
	int			dim;

	if (builder->last_shape.mask == mask && builder->shapes.used > 0)
		return builder->last_shape.shape;
	entry = hash_search(builder->shape_of_mask, &mask, HASH_ENTER, &found);
	if (!found)
	{
		Shape	   *shape = vector_add(&builder->shapes, 1);

		entry->shape = builder->shapes.used - 1;
		shape->mask = mask;
		shape->dims = builder->shape_dims.used;
		shape->ndims = 0;
		shape->first = payload;
		shape->unused = 0;
		for (dim = 0; dim < builder->ndims; dim++)
			if (mask & (UINT64CONST(1) << dim))
			{
				*(uint32 *) vector_add(&builder->shape_dims, 1) = dim;
				shape->ndims++;
			}
	}
	builder->last_shape = *entry;
	return entry->shape;
}

/* Takes in the entry that has waited longest. */
static void
take_in(MatchBuilder *builder)
{
	const ComingEntry *coming = &builder->coming[builder->nin++ % ENTRIES_COMING];
	uint32		ndims = ITEM(builder->shapes, Shape, coming->shape).ndims;
	uint32		slot_mask = builder->bucket_slots.used - 1;
	uint32		at;
	BuildBucket *bucket = NULL;
	BuildEntry *entry;
	uint32		number;

	for (at = coming->hash & slot_mask; bucket == NULL; at = (at + 1) & slot_mask)
	{
		Slot	   *slot = &ITEM(builder->bucket_slots, Slot, at);
		BuildBucket *known;

		if (slot->item == 0)
			break;
		known = &ITEM(builder->buckets, BuildBucket, slot->item - 1);
		if (slot->hash == coming->hash && known->shape == coming->shape &&
			memcmp(&ITEM(builder->bucket_ids, uint32, known->ids), coming->ids, ndims * sizeof(uint32)) == 0)
			bucket = known;
	}

	number = builder->entries.used;
	entry = vector_add(&builder->entries, 1);
	entry->payload = coming->payload;
	entry->next = PG_UINT32_MAX;

	if (bucket != NULL)
	{
		ITEM(builder->entries, BuildEntry, bucket->last).next = number;
		bucket->last = number;
		bucket->nentries++;
		return;
	}

	bucket = vector_add(&builder->buckets, 1);
	bucket->hash = coming->hash;
	bucket->shape = coming->shape;
	bucket->ids = builder->bucket_ids.used;
	bucket->first = bucket->last = number;
	bucket->nentries = 1;
	memcpy(vector_add(&builder->bucket_ids, ndims), coming->ids, ndims * sizeof(uint32));
	slots_make_room(&builder->bucket_slots, builder->buckets.used);
	slot_put(&builder->bucket_slots, coming->hash, builder->buckets.used - 1);
}

void
match_add(MatchBuilder *builder, uint64 mask, const uint32 *ids, uint32 payload)
{
	uint32		shape_number = shape_of(builder, mask, payload);
	const Shape *shape = &ITEM(builder->shapes, Shape, shape_number);
	const uint32 *dims = &ITEM(builder->shape_dims, uint32, shape->dims);
	uint64		key = shape_key(shape_number);
	ComingEntry *coming;
	uint32		i;

	if (builder->ncome == builder->nin + ENTRIES_COMING)
		take_in(builder);
	coming = &builder->coming[builder->ncome++ % ENTRIES_COMING];
	for (i = 0; i < shape->ndims; i++)
	{
		uint32		id = ids[dims[i]];

		BUILT_VALUE(builder, id)->shapes |= SHAPE_BIT(shape_number);
		key += value_key(id);
		coming->ids[i] = id;
	}
	coming->hash = bucket_hash(key);
	coming->shape = shape_number;
	coming->payload = payload;
	__builtin_prefetch(&ITEM(builder->bucket_slots, Slot, coming->hash & (builder->bucket_slots.used - 1)));
}

static Size
place(Size *at, Size bytes)
{
	Size		offset = *at;

	*at += MAXALIGN(bytes);
	return offset;
}

/* The words that buckets take, in so many groups. */
static Size
bucket_words(MatchBuilder *builder, Size ngroups)
{
	Size		nwords = ngroups * GROUP_BUCKETS_WORDS;
	uint32		i;

	for (i = 0; i < builder->buckets.used; i++)
	{
		BuildBucket *built = &ITEM(builder->buckets, BuildBucket, i);

		nwords += BUCKET_WORDS(ITEM(builder->shapes, Shape, built->shape).ndims, built->nentries);
	}
	if (nwords > PG_UINT32_MAX - 1)
		too_many();
	return nwords;
}

/* The header, with the place of everything; how large it all is. */
static Size
place_parts(MatchBuilder *builder, MatchIndex *head)
{
	Size		at = MAXALIGN(sizeof(MatchIndex));

	memset(head, 0, sizeof(MatchIndex));
	head->ndims = builder->ndims;
	head->nshapes = builder->shapes.used;
	head->nvalues = builder->nvalues;
	head->nbuckets = builder->buckets.used;
	head->nentries = builder->entries.used;
	head->value_mask = builder->value_slots.used - 1;
	head->group_mask = pg_nextpower2_32(builder->buckets.used / GROUP_LOAD + 1) - 1;
	head->value_slots = place(&at, builder->value_slots.used * sizeof(Slot));
	head->groups = place(&at, ((Size) head->group_mask + 1) * sizeof(Group));
	head->values = place(&at, builder->values.used * sizeof(ValueWord));
	head->shapes = place(&at, builder->shapes.used * sizeof(Shape));
	head->shape_dims = place(&at, builder->shape_dims.used * sizeof(uint32));
	head->open_shapes = place(&at, builder->ndims * sizeof(uint64));
	head->buckets = place(&at, bucket_words(builder, (Size) head->group_mask + 1) * sizeof(BucketWord));
	return at;
}

Size
match_size(MatchBuilder *builder)
{
	MatchIndex	head;

	while (builder->nin < builder->ncome)
		take_in(builder);
	return place_parts(builder, &head);
}

/*
 * Lays out the payloads of a bucket, and says how many count. One that has outdone
 * another is likely to outdo the next, so only that and the last are asked.
 */
static uint32
lay_out_payloads(MatchBuilder *builder, const BuildBucket *built, uint32 *payloads,
				 MatchOutdone outdone, const void *state)
{
	uint32		count = 0;
	uint32		rest = 0;
	int64		by = -1;
	uint32		n;

	for (n = built->first; n != PG_UINT32_MAX; n = ITEM(builder->entries, BuildEntry, n).next)
	{
		uint32		payload = ITEM(builder->entries, BuildEntry, n).payload;

		if (outdone != NULL && by >= 0 && outdone(state, by, payload))
			payloads[built->nentries - ++rest] = payload;
		else if (outdone != NULL && count > 0 && outdone(state, payloads[count - 1], payload))
		{
			by = payloads[count - 1];
			payloads[built->nentries - ++rest] = payload;
		}
		else
			payloads[count++] = payload;
	}
	return count;
}

/*
 * Puts the buckets into groups, which get their tags and, for the time being, how
 * many they have. Returns the numbers of the buckets, group by group.
 */
static uint32 *
fill_groups(MatchBuilder *builder, MatchIndex *index)
{
	Group	   *groups = PART(index, Group, groups);
	Size		ngroups = (Size) index->group_mask + 1;
	uint32	   *order = MemoryContextAllocHuge(CurrentMemoryContext,
											   ngroups * GROUP_SIZE * sizeof(uint32));
	uint32	   *next = order;
	uint32		i;
	Size		g;

	memset(groups, 0, ngroups * sizeof(Group));
	for (i = 0; i < index->nbuckets; i++)
	{
		uint32		hash = ITEM(builder->buckets, BuildBucket, i).hash;
		uint64		tag = bucket_tag(hash);
		uint32		n;

		for (g = hash & index->group_mask; groups[g].buckets == GROUP_SIZE;)
			g = (g + 1) & index->group_mask;
		n = groups[g].buckets++;
		if (n < 8)
			groups[g].tags |= tag << (8 * n);
		else
			groups[g].more_tags |= tag << (8 * (n - 8));
		order[g * GROUP_SIZE + n] = i;
	}
	for (g = 0; g < ngroups; next += groups[g++].buckets)
		memmove(next, order + g * GROUP_SIZE, groups[g].buckets * sizeof(uint32));
	return order;
}

static void
lay_out_buckets(MatchBuilder *builder, MatchIndex *index, MatchOutdone outdone, const void *state)
{
	uint32	   *order = fill_groups(builder, index);
	Group	   *groups = PART(index, Group, groups);
	BucketWord *words = PART(index, BucketWord, buckets);
	Size		nwords = 0;
	uint32		i = 0;
	Size		g;

	for (g = 0; g <= index->group_mask; g++)
	{
		uint32		end = i + groups[g].buckets;
		uint8	   *where = ((GroupBuckets *) (words + nwords))->at;

		groups[g].buckets = nwords;
		nwords += GROUP_BUCKETS_WORDS;
		for (; i < end; i++)
		{
			BuildBucket *built = &ITEM(builder->buckets, BuildBucket, order[i]);
			uint32		ndims = ITEM(builder->shapes, Shape, built->shape).ndims;
			Bucket	   *bucket = (Bucket *) (words + nwords);

			/* they lie where they were built: what is next is on its way */
			if (i + 16 < index->nbuckets)
				__builtin_prefetch(&ITEM(builder->buckets, BuildBucket, order[i + 16]));
			if (i + 8 < index->nbuckets)
			{
				BuildBucket *next = &ITEM(builder->buckets, BuildBucket, order[i + 8]);

				__builtin_prefetch(&ITEM(builder->bucket_ids, uint32, next->ids));
				__builtin_prefetch(&ITEM(builder->entries, BuildEntry, next->first));
			}
			*where++ = Min(nwords - groups[g].buckets, FAR_BUCKET);
			bucket->words = BUCKET_WORDS(ndims, built->nentries);
			bucket->shape = built->shape;
			memcpy(bucket->ids, &ITEM(builder->bucket_ids, uint32, built->ids),
				   ndims * sizeof(uint32));
			bucket->ncount = lay_out_payloads(builder, built, bucket->ids + ndims, outdone, state);
			nwords += bucket->words;
			index->longest_bucket = Max(index->longest_bucket, built->nentries);
			if ((i & 0xFFFF) == 0)
				CHECK_FOR_INTERRUPTS();
		}
	}
	pfree(order);
}

void
match_lay_out(MatchBuilder *builder, MatchIndex *index, MatchOutdone outdone, const void *state)
{
	uint64	   *open;
	uint32		i;
	int			dim;

	(void) place_parts(builder, index);
	memcpy(PART(index, char, value_slots), builder->value_slots.data,
		   builder->value_slots.used * sizeof(Slot));
	memcpy(PART(index, char, values), builder->values.data,
		   builder->values.used * sizeof(ValueWord));
	memcpy(PART(index, char, shapes), builder->shapes.data, builder->shapes.used * sizeof(Shape));
	memcpy(PART(index, char, shape_dims), builder->shape_dims.data,
		   builder->shape_dims.used * sizeof(uint32));

	open = PART(index, uint64, open_shapes);
	for (dim = 0; dim < builder->ndims; dim++)
	{
		open[dim] = 0;
		for (i = 0; i < index->nshapes; i++)
			if (!(ITEM(builder->shapes, Shape, i).mask & (UINT64CONST(1) << dim)))
				open[dim] |= SHAPE_BIT(i);
	}

	lay_out_buckets(builder, index, outdone, state);
}

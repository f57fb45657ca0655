/*
 * customer_hash.c
 *		A hash table that adds orders up by customer, within bounded memory.
 *
 * Open addressing with linear probing. A text key is kept once, behind the
 * table, and found by 32 bits of its hash and its place. Not here: SQL types
 * of keys and amounts (customers.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "rfm/customer_hash.h"
#include "utils/memutils.h"

#define CACHE_LINE		64
#define FIRST_SLOTS		1024
#define MAX_LOAD(slots)	((int64) ((slots) / 10 * 7))

/* Beyond this level equal hashes, not many customers, fill the table. */
#define MAX_LEVEL		6

/* What an order of an unknown customer looks like in a file; a text follows. */
typedef struct FiledOrder
{
	int128		units;
	uint64		number;
	int32		scale;
	int32		len;
	DateADT		day;
} FiledOrder;

static void
make_slots(CustomerHash *hash, uint64 nslots)
{
	hash->slots_base = MemoryContextAllocExtended(hash->context,
												  nslots * sizeof(Customer) + CACHE_LINE,
												  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	hash->slots = (Customer *) TYPEALIGN(CACHE_LINE, hash->slots_base);
	hash->nslots = nslots;
	hash->shift = 64 - pg_leftmost_one_pos64(nslots);
}

CustomerHash *
customer_hash_create(MemoryContext parent, bool numbers, size_t budget, int level, int scale)
{
	MemoryContext context = AllocSetContextCreate(parent, "quotetier customers",
												  ALLOCSET_DEFAULT_SIZES);
	CustomerHash *hash = MemoryContextAllocZero(context, sizeof(CustomerHash));

	hash->context = context;
	hash->budget = budget;
	hash->level = level;
	hash->numbers = numbers;
	hash->scale = scale;
	make_slots(hash, FIRST_SLOTS);
	return hash;
}

void
customer_hash_free(CustomerHash *hash)
{
	MemoryContextDelete(hash->context);
}

static inline uint64
hash_number(uint64 x)
{
	x ^= x >> 33;
	x *= UINT64CONST(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64CONST(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

/* The bits of the hash a key carries: all of a number's, half of a text's. */
static inline uint64
hash_of_key(const CustomerHash *hash, uint64 key)
{
	return hash->numbers ? hash_number(key) : key;
}

static inline char *
key_place(const CustomerHash *hash, uint64 key)
{
	return hash->keys + (key & 0xFFFFFFFF) * 8;
}

text *
customer_hash_key(const CustomerHash *hash, const Customer *customer)
{
	Assert(!hash->numbers);
	return (text *) key_place(hash, customer->key);
}

/* Twice the slots; false when that is more than the budget. */
static bool
grow(CustomerHash *hash)
{
	Customer   *old = hash->slots;
	void	   *old_base = hash->slots_base;
	uint64		nold = hash->nslots;
	uint64		i;

	/* the old slots are there until the new ones are filled */
	if (hash->level < MAX_LEVEL &&
		nold * 3 * sizeof(Customer) + hash->keys_room > hash->budget)
		return false;
	/* a text's hash has 32 bits in its key */
	if (!hash->numbers && nold >= UINT64CONST(1) << 31)
		return false;
	make_slots(hash, nold * 2);
	for (i = 0; i < nold; i++)
	{
		uint64		slot;

		if (old[i].orders == 0)
			continue;
		slot = hash_of_key(hash, old[i].key) >> hash->shift;
		while (hash->slots[slot].orders != 0)
			slot = (slot + 1) & (hash->nslots - 1);
		hash->slots[slot] = old[i];
	}
	pfree(old_base);
	return true;
}

/* Keeps a text; false when there is no room within the budget. */
static bool
keep_text(CustomerHash *hash, const CustomerOrder *order, uint64 *key)
{
	size_t		size = TYPEALIGN(8, VARHDRSZ + order->len);
	char	   *place;

	if (hash->keys_used + size > hash->keys_room)
	{
		size_t		room = Max(hash->keys_room * 2, TYPEALIGN(8192, size));

		if ((hash->level < MAX_LEVEL &&
			 hash->nslots * sizeof(Customer) + room + hash->keys_room > hash->budget) ||
			room / 8 > PG_UINT32_MAX)
			return false;
		if (hash->keys == NULL)
			hash->keys = MemoryContextAllocHuge(hash->context, room);
		else
			hash->keys = repalloc_huge(hash->keys, room);
		hash->keys_room = room;
	}
	place = hash->keys + hash->keys_used;
	SET_VARSIZE(place, VARHDRSZ + order->len);
	memcpy(VARDATA(place), order->bytes, order->len);
	*key = (order->hash & ~UINT64CONST(0xFFFFFFFF)) | (hash->keys_used / 8);
	hash->keys_used += size;
	return true;
}

static void
file_order(CustomerHash *hash, const CustomerOrder *order)
{
	FiledOrder	filed;
	int			file = (order->hash >> (5 * hash->level)) % CUSTOMER_FILES;

	StaticAssertStmt(CUSTOMER_FILES == 1 << 5, "a level takes five bits of the hash");
	StaticAssertStmt(5 * (MAX_LEVEL + 1) <= 40, "the levels' bits must be there");
	if (hash->files == NULL)
		hash->files = MemoryContextAllocZero(hash->context, CUSTOMER_FILES * sizeof(BufFile *));
	if (hash->files[file] == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(hash->context);

		hash->files[file] = BufFileCreateTemp(false);
		MemoryContextSwitchTo(caller);
	}
	memset(&filed, 0, sizeof(filed));
	filed.units = order->units;
	filed.number = order->number;
	filed.scale = hash->scale;
	filed.len = hash->numbers ? 0 : order->len;
	filed.day = order->day;
	BufFileWrite(hash->files[file], &filed, sizeof(filed));
	if (filed.len > 0)
		BufFileWrite(hash->files[file], unconstify(char *, order->bytes), filed.len);
}

static inline bool
same_text(const CustomerHash *hash, uint64 key, const CustomerOrder *order)
{
	char	   *kept;

	if ((key ^ order->hash) >> 32 != 0)
		return false;
	kept = key_place(hash, key);
	return VARSIZE(kept) - VARHDRSZ == (uint32) order->len &&
		memcmp(VARDATA(kept), order->bytes, order->len) == 0;
}

/* The customer of an order, perhaps a new one; NULL when the table is full. */
static inline Customer *
find(CustomerHash *hash, CustomerOrder *order)
{
	uint64		slot = order->hash >> hash->shift;
	Customer   *customer;

	for (;; slot = (slot + 1) & (hash->nslots - 1))
	{
		customer = &hash->slots[slot];
		if (customer->orders == 0)
			break;
		if (hash->numbers ? customer->key == order->number :
			same_text(hash, customer->key, order))
			return customer;
	}

	/* once some went to files, all unknown do */
	if (hash->files != NULL)
		return NULL;
	if (unlikely(hash->n >= MAX_LOAD(hash->nslots)))
		return grow(hash) ? find(hash, order) : NULL;
	if (hash->numbers)
		customer->key = order->number;
	else if (!keep_text(hash, order, &customer->key))
		return NULL;
	customer->last_day = order->day;
	hash->n++;
	return customer;
}

bool
customer_hash_add(CustomerHash *hash, CustomerOrder *orders, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		orders[i].hash = hash->numbers ? hash_number(orders[i].number) :
			hash_bytes_extended((const unsigned char *) orders[i].bytes, orders[i].len, 0);
		__builtin_prefetch(&hash->slots[orders[i].hash >> hash->shift], 1);
	}
	for (i = 0; i < n; i++)
	{
		Customer   *customer = find(hash, &orders[i]);

		if (unlikely(customer == NULL))
		{
			file_order(hash, &orders[i]);
			continue;
		}
		if (unlikely(__builtin_add_overflow(customer->revenue, orders[i].units,
											&customer->revenue) ||
					 ++customer->orders == 0))
			return false;
		if (orders[i].day > customer->last_day)
			customer->last_day = orders[i].day;
	}
	return true;
}

bool
refine_units(int128 *units, int from, int to)
{
	for (; from < to; from++)
		if (__builtin_mul_overflow(*units, (int128) 10, units))
			return false;
	return true;
}

bool
customer_hash_refine(CustomerHash *hash, int scale)
{
	uint64		i;

	for (i = 0; i < hash->nslots; i++)
		if (hash->slots[i].orders != 0 &&
			!refine_units(&hash->slots[i].revenue, hash->scale, scale))
			return false;
	hash->scale = scale;
	return true;
}

int64
customer_hash_compact(CustomerHash *hash)
{
	uint64		i;
	int64		n = 0;

	for (i = 0; i < hash->nslots; i++)
		if (hash->slots[i].orders != 0)
			hash->slots[n++] = hash->slots[i];
	Assert(n == hash->n);
	return n;
}

void
customer_hash_empty(CustomerHash *hash)
{
	pfree(hash->slots_base);
	if (hash->keys != NULL)
		pfree(hash->keys);
	hash->slots_base = NULL;
	hash->slots = NULL;
	hash->keys = NULL;
	hash->n = 0;
}

static void
read_exactly(BufFile *file, void *to, size_t size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read a temporary file of customers")));
}

CustomerHash *
customer_hash_replay(CustomerHash *hash, int file)
{
	BufFile    *from = hash->files[file];
	CustomerHash *child = customer_hash_create(MemoryContextGetParent(hash->context),
											   hash->numbers, hash->budget,
											   hash->level + 1, hash->scale);
	FiledOrder	filed;
	char	   *bytes = NULL;
	int			room = 0;

	hash->files[file] = NULL;
	if (BufFileSeek(from, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file of customers")));
	for (;;)
	{
		size_t		got = BufFileRead(from, &filed, sizeof(filed));
		CustomerOrder order;

		CHECK_FOR_INTERRUPTS();
		if (got == 0)
			break;
		if (got != sizeof(filed))
			elog(ERROR, "temporary file of customers ends early");
		order.units = filed.units;
		order.number = filed.number;
		order.day = filed.day;
		order.len = filed.len;
		if (filed.len > room)
		{
			if (bytes != NULL)
				pfree(bytes);
			room = filed.len * 2;
			bytes = MemoryContextAllocHuge(child->context, room);
		}
		if (filed.len > 0)
			read_exactly(from, bytes, filed.len);
		order.bytes = bytes;
		if (!refine_units(&order.units, filed.scale, child->scale) ||
			!customer_hash_add(child, &order, 1))
		{
			customer_hash_free(child);
			child = NULL;
			break;
		}
	}
	BufFileClose(from);
	return child;
}

/*
 * customer_hash.h
 *		A hash table that adds orders up by customer, within bounded memory.
 *
 * 32 bytes a customer, two to a cache line, and slots are prefetched a batch
 * at a time: the few cache misses of a row are what grouping costs. When the
 * table is full, orders of customers it does not know yet go to files, by
 * hash, and are added up afterwards, a file at a time. Not here: where orders
 * come from.
 */
#ifndef QUOTETIER_CUSTOMER_HASH_H
#define QUOTETIER_CUSTOMER_HASH_H

#include "postgres.h"

#include "storage/buffile.h"
#include "utils/date.h"

typedef struct Customer
{
	int128		revenue;		/* in units of 10^-scale of the table */
	uint64		key;			/* the number itself, or hash and place of the text */
	DateADT		last_day;
	uint32		orders;			/* 0: an empty slot */
} Customer;

/* An order on its way into the table. */
typedef struct CustomerOrder
{
	int128		units;			/* amount in units of 10^-scale of the table */
	uint64		number;			/* the customer, if numbers are keys */
	const char *bytes;			/* the customer, if texts are */
	int32		len;
	DateADT		day;
	uint64		hash;			/* set by customer_hash_add */
} CustomerOrder;

typedef struct CustomerHash
{
	MemoryContext context;
	size_t		budget;			/* bytes it may take */
	int			level;			/* how often its orders have been through a file */
	bool		numbers;		/* keys are numbers */
	int			scale;
	Customer   *slots;			/* aligned to a cache line */
	void	   *slots_base;
	uint64		nslots;			/* a power of two */
	int			shift;			/* hash >> shift is a slot */
	int64		n;
	char	   *keys;			/* the texts, each a varlena, eight-byte aligned */
	size_t		keys_used;
	size_t		keys_room;
	BufFile   **files;			/* NULL until the table has been full */
} CustomerHash;

#define CUSTOMER_FILES		32

extern CustomerHash *customer_hash_create(MemoryContext parent, bool numbers,
										  size_t budget, int level, int scale);
extern void customer_hash_free(CustomerHash *hash);

/*
 * Adds orders up. False when a sum or a count does not fit; the table is of no
 * use then.
 */
extern bool customer_hash_add(CustomerHash *hash, CustomerOrder *orders, int n);

/* Counts in finer units from now on; false when a sum does not fit. */
extern bool customer_hash_refine(CustomerHash *hash, int scale);

/* Moves the customers to the front of the slots and returns how many there are. */
extern int64 customer_hash_compact(CustomerHash *hash);

/* The text of a customer's key; valid as long as the table. */
extern text *customer_hash_key(const CustomerHash *hash, const Customer *customer);

/* Gives back all memory but the files'. */
extern void customer_hash_empty(CustomerHash *hash);

/*
 * Adds up the orders of one of the hash's files, in a new table of the next
 * level, and closes the file. NULL when a sum or a count does not fit.
 */
extern CustomerHash *customer_hash_replay(CustomerHash *hash, int file);

/* units * 10^(to - from); false when that does not fit */
extern bool refine_units(int128 *units, int from, int to);

#endif

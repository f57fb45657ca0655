/*
 * shelf.h
 *		The books a session has of one kind, and how it comes by them.
 *
 * For book.c and shelf.c only: book.c knows what a snapshot sees, shelf.c has or
 * makes the book of that.
 */
#ifndef QUOTETIER_SHELF_H
#define QUOTETIER_SHELF_H

#include "postgres.h"

#include "base/book.h"
#include "base/change.h"
#include "base/image.h"
#include "base/stamp.h"
#include "utils/snapshot.h"

#define MAX_TABLES		16

/* Fingerprints whose books are kept, beside the present one. */
#define KEPT_FINGERPRINTS 4

/* What has become of a key so far. */
typedef struct KeyStats
{
	struct KeyStats *next;
	char	   *key;
	int			keylen;
	struct Book *partial;		/* made for the first that was asked about; not on the shelf */
	uint64		hits;
	uint64		loads;
	double		load_ms;
} KeyStats;

typedef struct Book
{
	struct Book *next;
	int			refs;			/* the shelf's and those of patches */
	MemoryContext context;
	KeyStats   *stats;			/* of its key */
	Fingerprint fingerprint;
	bool		transient;		/* for one snapshot of one transaction only */
	uint64		serial;
	const void *content;
	double		build_ms;

	/* one that changes can be told from, and so be patched */
	bool		patchable;
	ChangeSet	changes;		/* that its snapshot saw */

	/* a patch */
	struct Book *base;
	int			npatched;

	/* one that is mapped */
	uint64		file;			/* 0: it is not */
	Image		image;
} Book;

/* Who last changed what a table is: its pg_class row and its stamp triggers. */
typedef struct TableDefinition
{
	TransactionId changed[3];	/* FrozenTransactionId once they are old */
	TransactionId written[3];	/* as stored, however old */
} TableDefinition;

/* All that is known of one kind of book. */
typedef struct BookShelf
{
	/* what the snapshot of snapshot_serial sees */
	uint64		snapshot_serial;
	Fingerprint fingerprint;
	bool		transient;
	bool		log_trusted;	/* what has changed is in the log */

	/* the tables, looked up again after invalidation_count has moved */
	uint64		invalidation_seen;
	bool		tables_known;
	int			ntables;
	Oid			stamp_relid;
	Oid			change_relid;
	Oid			relids[MAX_TABLES];
	TableDefinition definitions[MAX_TABLES];
	TriggerRow	triggers[2 * MAX_TABLES];	/* their stamp triggers */
	Oid			owner;
	bool		stamps_trusted;
	bool		rows_final;		/* what the stamp triggers see is what is stored */

	Book	   *books;			/* most recently used first */
	KeyStats   *keys;
	Fingerprint recent[KEPT_FINGERPRINTS];
	int			nrecent;
} BookShelf;

static inline bool
same_fingerprint(Fingerprint a, Fingerprint b)
{
	return a.high == b.high && a.low == b.low;
}

/* Is it the book of this key that the shelf's snapshot sees? */
static inline bool
is_present(const BookShelf *shelf, const Book *book, const char *key, int keylen)
{
	return book->stats->keylen == keylen && memcmp(book->stats->key, key, keylen) == 0 &&
		same_fingerprint(book->fingerprint, shelf->fingerprint) &&
		book->transient == shelf->transient;
}

/* Called once from book_init; books live in this context. */
extern void shelf_init(MemoryContext context);

/*
 * The book of a key that the shelf's snapshot sees, made if need be; NULL: there
 * is none. With a thing that is asked about, the first time it need not be all.
 */
extern Book *shelf_find(BookKind *kind, const char *key, int keylen, const void *thing);

/* Those that the shelf's snapshot sees: BookStats *. */
extern List *shelf_stats(BookShelf *shelf);

/* Drops the books that no snapshot is likely to ask for again, or all of them. */
extern void shelf_tidy(BookShelf *shelf);
extern void shelf_clear(BookShelf *shelf);

/* Deletes what was held when it was dropped. */
extern void shelf_delete_waiting(void);

#endif

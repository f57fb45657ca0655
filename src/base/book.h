/*
 * book.h
 *		Books: configuration tables compiled once, seen exactly as a SELECT would.
 *
 * A book is what a topic (tiers, segment maps, prices) makes of its
 * configuration tables. book_get hands out the book that belongs to the active
 * snapshot: the one a SELECT in the same statement would lead to. How that is
 * known without reading the tables again is told at the top of book.c.
 */
#ifndef QUOTETIER_BOOK_H
#define QUOTETIER_BOOK_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* 128 random bits a writer leaves; their XOR names what a snapshot sees. */
typedef struct Fingerprint
{
	int64		high;
	int64		low;
} Fingerprint;

/* As text: hexadecimal, and a terminator. */
#define FINGERPRINT_TEXT 33

extern void fingerprint_text(Fingerprint fingerprint, char text[FINGERPRINT_TEXT]);

struct BookShelf;

/* One kind of book. Defined once, statically, by the topic that owns it. */
typedef struct BookKind
{
	const char *name;			/* the stamps' book column: "price", "tier" */
	const char *const *tables;	/* its configuration tables, NULL-terminated */

	/*
	 * Compiles the book of this key (a policy, a scheme) in the current memory
	 * context, which lives as long as the book. SPI is connected, with the
	 * tables' owner as the user and pg_catalog as the search path; run queries
	 * read_only, so that they see what the active snapshot sees. Every call of
	 * SPI moves the current memory context: note it on entry, go back to it
	 * before allocating. Returns NULL when there is none of that name.
	 */
	void	   *(*build) (const char *key);

	/*
	 * Of kinds that can, else NULL. Builds as much of it as an answer about one
	 * thing takes, which is sooner done, for the first who asks about one. *whole
	 * tells if that has become all of it.
	 */
	void	   *(*build_about) (const char *key, const void *thing, bool *whole);

	/*
	 * Of kinds whose changes are logged, else NULL. Patches a book: builds what
	 * there is of these items now, and returns something that leads to base for
	 * the rest. Called as build is; NULL when the key is gone, or base cannot be
	 * patched.
	 */
	void	   *(*patch) (const char *key, const void *base, const int64 *items, int nitems);

	/*
	 * Of the same kinds: how large a book is that build made, as one chunk that
	 * means the same at any page. Its format must change with its layout.
	 */
	Size		(*size) (const void *book);
	uint64		format;

	struct BookShelf *shelf;	/* private to book.c; NULL at start */
} BookKind;

/* What a session has of one key. */
typedef struct BookStats
{
	const char *key;
	int			keylen;
	const void *book;
	int			patched;		/* items that a patch has read anew */
	bool		shared;			/* its bulk is mapped from an image */
	Fingerprint fingerprint;
	uint64		hits;			/* times it was found ready */
	uint64		loads;			/* times it had to be built, patched or mapped */
	double		load_ms;		/* the last of them */
	double		build_ms;		/* the compilation of its bulk, by whoever did it */
} BookStats;

/* Called once from _PG_init. */
extern void book_init(void);

/*
 * The book of a key under the active snapshot, or NULL when there is none; valid
 * until the next book_get of any kind. *serial, if asked for, differs between any
 * two books ever handed out, so that what is derived from a book can be kept by
 * it. With a thing that is asked about, where a book would have to be compiled
 * for this session alone, the first time it is only as much as that takes.
 */
extern pg_attribute_hot const void *book_get_about(BookKind *kind, const char *key, int keylen,
												   const void *thing, uint64 *serial);

/* All of it. */
static inline const void *
book_get(BookKind *kind, const char *key, int keylen, uint64 *serial)
{
	return book_get_about(kind, key, keylen, NULL, serial);
}

/*
 * Between the two, no book is deleted: around code of the user's that runs while
 * a book is in use, and may get one itself. What is in use then remains so until
 * the next book_get after. Release also on errors.
 */
extern void book_hold(void);
extern void book_release(void);

/* What this session has of the keys asked for before, as the active snapshot sees them: BookStats *. */
extern List *book_stats(BookKind *kind);

/* What names the content the last book_get of this kind saw. */
extern Fingerprint book_fingerprint(BookKind *kind);

#endif

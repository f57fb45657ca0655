/*
 * shelf.c
 *		Having the book that a snapshot sees: found, mapped, patched or compiled.
 *
 * In this order, as each costs some hundred times the one before:
 *
 *	 found		this session has it, by key and fingerprint;
 *	 mapped		an image of it stands ready (image.c);
 *	 patched	it differs from one of those in few items, as the log tells
 *				(change.c): those are read anew, the rest is taken from there;
 *	 compiled	of everything, by one session at a time, that leaves an image.
 *
 * Where a session compiles for itself alone, its first question may be its last
 * (under this snapshot, of this key): the first time, a book is compiled for the
 * thing that is asked about only. At most that makes the second a little later.
 *
 * Not here: what a snapshot sees (book.c), what a book contains.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/shelf.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/*
 * A patch costs some microseconds an item whenever it is made, and every quote a
 * little. From MANY on, a session that finds nobody else at it compiles a new
 * image, while the others go on patching, up to MOST.
 */
#define PATCH_MANY 1024
#define PATCH_MOST 4096

/* A smaller book is compiled sooner than it is worth a file. */
#define SHARE_LEAST (256 * 1024)

static bool share_books = true;

static MemoryContext BookContext = NULL;
static uint64 book_serial = 0;

/* While books are held, those that would be deleted wait here. */
static int	holds = 0;
static Book *waiting = NULL;

void
shelf_init(MemoryContext context)
{
	BookContext = context;
	DefineCustomBoolVariable("quotetier.share_books",
							 "Whether this session uses and leaves compiled rule books that all sessions share.",
							 "They stand in the server's folder for temporary files.",
							 &share_books, true, PGC_USERSET, 0, NULL, NULL, NULL);
}

/* ----- deleting ----- */

static void
delete_book(Book *book)
{
	Book	   *base = book->base;

	if (book->file != 0)
		image_detach(&book->image);
	MemoryContextDelete(book->context);
	if (base != NULL && --base->refs == 0)
		delete_book(base);
}

static void
drop_book(Book *book)
{
	if (holds > 0)
	{
		book->next = waiting;
		waiting = book;
	}
	else if (--book->refs == 0)
		delete_book(book);
}

void
shelf_delete_waiting(void)
{
	while (waiting != NULL && holds == 0)
	{
		Book	   *book = waiting;

		waiting = book->next;
		drop_book(book);
	}
}

void
book_hold(void)
{
	holds++;
}

void
book_release(void)
{
	holds--;
}

static void
drop_partial(KeyStats *stats)
{
	if (stats->partial != NULL)
		drop_book(stats->partial);
	stats->partial = NULL;
}

void
shelf_clear(BookShelf *shelf)
{
	KeyStats   *stats;

	for (stats = shelf->keys; stats != NULL; stats = stats->next)
		drop_partial(stats);
	while (shelf->books != NULL)
	{
		Book	   *book = shelf->books;

		shelf->books = book->next;
		drop_book(book);
	}
	shelf->nrecent = 0;
}

/* Is a snapshot likely to ask for it again? */
static bool
is_recent(const BookShelf *shelf, const Book *book)
{
	int			i;

	for (i = 0; i < shelf->nrecent && !book->transient; i++)
		if (same_fingerprint(shelf->recent[i], book->fingerprint))
			return true;
	return false;
}

void
shelf_tidy(BookShelf *shelf)
{
	Book	  **link = &shelf->books;
	KeyStats   *stats;
	int			i;

	if (!shelf->transient)
	{
		for (i = 0; i < shelf->nrecent; i++)
			if (same_fingerprint(shelf->recent[i], shelf->fingerprint))
				break;
		if (i == shelf->nrecent && shelf->nrecent < KEPT_FINGERPRINTS)
			shelf->nrecent++;
		memmove(shelf->recent + 1, shelf->recent,
				Min(i, shelf->nrecent - 1) * sizeof(Fingerprint));
		shelf->recent[0] = shelf->fingerprint;
	}

	while (*link != NULL)
	{
		Book	   *book = *link;

		if (is_recent(shelf, book))
			link = &book->next;
		else
		{
			*link = book->next;
			drop_book(book);
		}
	}
	for (stats = shelf->keys; stats != NULL; stats = stats->next)
		if (stats->partial != NULL && !is_recent(shelf, stats->partial))
			drop_partial(stats);
}

/* ----- making ----- */

static KeyStats *
stats_of(BookShelf *shelf, const char *key, int keylen)
{
	KeyStats   *stats;

	for (stats = shelf->keys; stats != NULL; stats = stats->next)
		if (stats->keylen == keylen && memcmp(stats->key, key, keylen) == 0)
			return stats;
	stats = MemoryContextAllocZero(BookContext, sizeof(KeyStats));
	stats->key = MemoryContextAllocZero(BookContext, keylen + 1);
	memcpy(stats->key, key, keylen);
	stats->keylen = keylen;
	stats->next = shelf->keys;
	shelf->keys = stats;
	return stats;
}

/* Until it is complete a book belongs to the caller, so an error frees it. */
static Book *
new_book(KeyStats *stats)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "quotetier book",
												  ALLOCSET_SMALL_SIZES);
	Book	   *book = MemoryContextAllocZero(context, sizeof(Book));

	book->context = context;
	book->stats = stats;
	book->serial = ++book_serial;
	return book;
}

static Book *
keep(Book *book)
{
	MemoryContextSetParent(book->context, BookContext);
	book->refs = 1;
	return book;
}

static Book *
put_on_shelf(BookShelf *shelf, Book *book)
{
	keep(book);
	book->next = shelf->books;
	shelf->books = book;
	return book;
}

/*
 * Builds the book, as a patch of base if there is one, as far as it is about a
 * thing if there is one (then *whole tells if that is all of it); false: there is
 * nothing of that key.
 */
static bool
build(BookKind *kind, Book *book, const Book *base, const int64 *items, int nitems, const void *thing,
	  bool *whole)
{
	MemoryContext caller = MemoryContextSwitchTo(book->context);
	Oid			save_user;
	int			save_security;
	int			save_guc;
	instr_time	start;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(start);
	GetUserIdAndSecContext(&save_user, &save_security);
	SetUserIdAndSecContext(kind->shelf->owner, save_security |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	save_guc = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(book->context);
	book->content = base != NULL ? kind->patch(book->stats->key, base->content, items, nitems) :
		thing != NULL ? kind->build_about(book->stats->key, thing, whole) : kind->build(book->stats->key);
	SPI_finish();
	AtEOXact_GUC(false, save_guc);
	SetUserIdAndSecContext(save_user, save_security);
	MemoryContextSwitchTo(caller);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	book->build_ms = INSTR_TIME_GET_MILLISEC(end);
	return book->content != NULL;
}

/* Has somebody asked about one thing under this snapshot? */
static bool
was_asked(const BookShelf *shelf, const KeyStats *stats)
{
	const Book *partial = stats->partial;

	return partial != NULL && partial->transient == shelf->transient &&
		same_fingerprint(partial->fingerprint, shelf->fingerprint);
}

/*
 * The book of the shelf's snapshot; NULL: there is none of that key. With a
 * thing that is asked about, and if none was before, of that only.
 */
static Book *
compile(BookKind *kind, KeyStats *stats, const ChangeSet *changes, const void *thing)
{
	BookShelf  *shelf = kind->shelf;
	Book	   *book = new_book(stats);
	bool		first = thing != NULL && !was_asked(shelf, stats);
	bool		whole = !first;

	book->fingerprint = shelf->fingerprint;
	book->transient = shelf->transient;
	if (!build(kind, book, NULL, NULL, 0, first ? thing : NULL, &whole))
	{
		MemoryContextDelete(book->context);
		return NULL;
	}
	drop_partial(stats);
	if (!whole)
		return stats->partial = keep(book);
	if (changes != NULL && !book->transient)
	{
		book->patchable = true;
		book->changes.n = changes->n;
		book->changes.changes = MemoryContextAlloc(book->context, (changes->n + 1) * sizeof(Change));
		memcpy(book->changes.changes, changes->changes, changes->n * sizeof(Change));
	}
	return put_on_shelf(shelf, book);
}

static Book *
patch(BookKind *kind, KeyStats *stats, Book *base, const int64 *items, int nitems)
{
	BookShelf  *shelf = kind->shelf;
	Book	   *book = new_book(stats);

	book->fingerprint = shelf->fingerprint;
	book->transient = shelf->transient;
	book->npatched = nitems;
	if (!build(kind, book, base, items, nitems, NULL, NULL))
	{
		MemoryContextDelete(book->context);
		return NULL;
	}
	book->build_ms = base->build_ms;
	book->base = base;
	base->refs++;
	return put_on_shelf(shelf, book);
}

/* ----- images ----- */

static void
image_key(const BookKind *kind, const KeyStats *stats, ImageKey *key)
{
	const BookShelf *shelf = kind->shelf;
	int			i;

	key->database = MyDatabaseId;
	key->stamps = shelf->stamp_relid;
	key->format = kind->format;
	key->name = hash_combine64(DatumGetUInt64(hash_any_extended((const unsigned char *) kind->name,
																strlen(kind->name), 0)),
							   DatumGetUInt64(hash_any_extended((const unsigned char *) stats->key,
																stats->keylen, 0)));
	key->definitions = 0;
	for (i = 0; i < shelf->ntables; i++)
		key->definitions = hash_combine64(hash_combine64(key->definitions, shelf->relids[i]),
										  DatumGetUInt64(hash_any_extended((const unsigned char *) shelf->definitions[i].written,
																		   sizeof(shelf->definitions[i].written), 0)));
}

/* Takes the image that stands there now, unless we have it. */
static void
take_image(BookKind *kind, KeyStats *stats, const ImageKey *key)
{
	uint64		file = image_file(key);
	Book	   *book;

	if (file == 0)
		return;
	for (book = kind->shelf->books; book != NULL; book = book->next)
		if (book->file == file || (book->base != NULL && book->base->file == file))
			return;
	book = new_book(stats);
	if (!image_attach(key, &book->image))
	{
		MemoryContextDelete(book->context);
		return;
	}
	book->file = file;
	book->fingerprint = book->image.fingerprint;
	book->patchable = true;
	book->changes = book->image.changes;
	book->content = book->image.content;
	book->build_ms = book->image.build_ms;
	put_on_shelf(kind->shelf, book);
}

/* Leaves an image of a book just compiled, and takes it instead: one copy is enough. */
static Book *
leave_image(BookKind *kind, KeyStats *stats, const ImageKey *key, Book *book)
{
	TransactionId xmax = GetActiveSnapshot()->xmax;
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next) - (xmax > XidFromFullTransactionId(next));
	Book	   *mapped;

	if (kind->size(book->content) < SHARE_LEAST ||
		!image_publish(key, book->fingerprint, &book->changes,
					   FullTransactionIdFromEpochAndXid(epoch, xmax),
					   book->build_ms, book->content, kind->size(book->content)))
		return book;
	take_image(kind, stats, key);
	mapped = kind->shelf->books;
	if (mapped == book || !same_fingerprint(mapped->fingerprint, book->fingerprint))
		return book;
	Assert(mapped->next == book);
	mapped->next = book->next;
	drop_book(book);
	return mapped;
}

/* ----- choosing ----- */

/*
 * The book that differs least from what the snapshot sees; the items in which it
 * does, -1 where there is none.
 */
static Book *
nearest(BookShelf *shelf, KeyStats *stats, const ChangeSet *changes, int64 **items, int *nitems)
{
	Book	   *best = NULL;
	Book	   *book;

	*items = NULL;
	*nitems = -1;
	for (book = shelf->books; book != NULL; book = book->next)
	{
		Book	   *whole = book->base != NULL ? book->base : book;
		int64	   *differing;
		int			n;

		if (book->stats != stats || !whole->patchable || whole == best)
			continue;
		n = change_difference(&whole->changes, changes, &differing);
		if (n >= 0 && (best == NULL || n < *nitems))
		{
			best = whole;
			*items = differing;
			*nitems = n;
		}
		else
			pfree(differing);
	}
	return best;
}

static Book *
load_by_changes(BookKind *kind, KeyStats *stats, const void *thing)
{
	BookShelf  *shelf = kind->shelf;
	bool		shared = share_books && !shelf->transient;
	bool		locked = false;
	ChangeSet	changes;
	ImageKey	key;
	Book	   *book;

	change_read(shelf->change_relid, GetActiveSnapshot(), kind->name, stats->key, stats->keylen, &changes);
	image_key(kind, stats, &key);
	for (;;)
	{
		int64	   *items;
		int			nitems;

		if (share_books)
			take_image(kind, stats, &key);
		book = nearest(shelf, stats, &changes, &items, &nitems);
		if (book != NULL && !shelf->transient && same_fingerprint(book->fingerprint, shelf->fingerprint))
			break;
		if (nitems >= 0 && nitems <= PATCH_MOST)
		{
			bool		few = nitems <= PATCH_MANY || !shared;

			/* if nobody is at it, look once more, then compile */
			if (!few && !locked && image_lock(&key, false))
			{
				locked = true;
				continue;
			}
			if (few || !locked)
			{
				book = patch(kind, stats, book, items, nitems);
				if (book != NULL)
					break;
			}
		}
		if (shared && !locked)
		{
			image_lock(&key, true);
			locked = true;
			continue;
		}
		book = compile(kind, stats, &changes, shared ? NULL : thing);
		if (book != NULL && shared)
			book = leave_image(kind, stats, &key, book);
		break;
	}
	if (locked)
		image_unlock(&key);
	return book;
}

Book *
shelf_find(BookKind *kind, const char *key, int keylen, const void *thing)
{
	BookShelf  *shelf = kind->shelf;
	MemoryContext work;
	MemoryContext caller;
	Book	  **link;
	Book	   *book;
	KeyStats   *stats;
	instr_time	start;
	instr_time	end;

	for (link = &shelf->books; *link != NULL; link = &(*link)->next)
	{
		book = *link;
		if (is_present(shelf, book, key, keylen))
		{
			*link = book->next;
			book->next = shelf->books;
			shelf->books = book;
			return book;
		}
	}

	INSTR_TIME_SET_CURRENT(start);
	stats = stats_of(shelf, key, keylen);
	if (kind->patch == NULL || !shelf->log_trusted)
		book = compile(kind, stats, NULL, thing);
	else
	{
		work = AllocSetContextCreate(CurrentMemoryContext, "quotetier changes", ALLOCSET_SMALL_SIZES);
		caller = MemoryContextSwitchTo(work);
		book = load_by_changes(kind, stats, thing);
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(work);
	}
	if (book == NULL)
	{
		/* names that do not exist must not pile up */
		if (stats->loads == 0 && stats == shelf->keys)
		{
			shelf->keys = stats->next;
			pfree(stats->key);
			pfree(stats);
		}
		return NULL;
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	stats->loads++;
	stats->load_ms = INSTR_TIME_GET_MILLISEC(end);
	return book;
}

List *
shelf_stats(BookShelf *shelf)
{
	List	   *all = NIL;
	Book	   *book;

	for (book = shelf->books; book != NULL; book = book->next)
	{
		BookStats  *stats;
		const Book *whole = book->base != NULL ? book->base : book;

		if (!is_present(shelf, book, book->stats->key, book->stats->keylen))
			continue;
		stats = palloc0(sizeof(BookStats));
		stats->key = book->stats->key;
		stats->keylen = book->stats->keylen;
		stats->book = book->content;
		stats->patched = book->npatched;
		stats->shared = whole->file != 0;
		stats->fingerprint = book->fingerprint;
		stats->hits = book->stats->hits;
		stats->loads = book->stats->loads;
		stats->load_ms = book->stats->load_ms;
		stats->build_ms = whole->build_ms;
		all = lappend(all, stats);
	}
	return all;
}

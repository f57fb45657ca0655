/*
 * image.h
 *		Images: books in files that every session of the server maps, read only.
 *
 * A large book is compiled once for all sessions. Its image stands in the
 * server's folder for temporary files, so the server removes it when it starts,
 * base backups leave it out, and what it says is only ever said of the database
 * and the fingerprint that it names. A file is complete when it appears, and is
 * replaced, never changed. Needs no preloaded library, and nothing breaks where
 * no file can be written: then every session compiles for itself.
 */
#ifndef QUOTETIER_IMAGE_H
#define QUOTETIER_IMAGE_H

#include "postgres.h"

#include "access/transam.h"
#include "base/book.h"
#include "base/change.h"

/* What an image is of: whatever could make two contents differ. */
typedef struct ImageKey
{
	Oid			database;
	Oid			stamps;			/* the table: made anew with the extension */
	uint64		definitions;	/* hash of the configuration tables' definitions */
	uint64		format;			/* of the content */
	uint64		name;			/* hash of the kind of book and the key */
} ImageKey;

/* An image mapped into our memory. */
typedef struct Image
{
	const void *content;
	Size		size;			/* of the content */
	Fingerprint fingerprint;
	ChangeSet	changes;		/* in the image */
	double		build_ms;		/* what it took to compile */
	void	   *address;
	Size		mapped;
} Image;

/* Maps the image of this key, if there is one now. */
extern bool image_attach(const ImageKey *key, Image *image);
extern void image_detach(Image *image);

/* Which file stands there now, 0: none; another number is another file. */
extern uint64 image_file(const ImageKey *key);

/*
 * Leaves an image for others, unless that of a newer snapshot stands there: up to
 * which transaction says how new. False where no file can be written.
 */
extern bool image_publish(const ImageKey *key, Fingerprint fingerprint, const ChangeSet *changes,
						  FullTransactionId newest, double build_ms, const void *content, Size size);

/* Only one session at a time compiles an image: waits for it, or says that it is not. */
extern bool image_lock(const ImageKey *key, bool wait);
extern void image_unlock(const ImageKey *key);

#endif

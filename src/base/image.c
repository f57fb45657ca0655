/*
 * image.c
 *		Books in files that every session of the server maps, read only.
 *
 * A file is written under a name of its own and then renamed, so that nobody
 * ever sees half of one; who has an older one mapped keeps it. It is read with
 * read() before it is trusted, and mapped only if it is as long as it says.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/image.h"
#include "catalog/pg_tablespace_d.h"
#include "common/file_perm.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/lock.h"
#include "utils/syscache.h"

#define IMAGE_MAGIC "quotetier image\n"

/* The content begins here: at a page, whatever is in front. */
#define IMAGE_ALIGN 4096

/* Distinguishes our locks from all that SQL can take: those have 1 or 2 here. */
#define IMAGE_LOCK 0x7174

typedef struct ImageHeader
{
	char		magic[sizeof(IMAGE_MAGIC)];
	ImageKey	key;
	Fingerprint fingerprint;
	FullTransactionId newest;	/* the builder's snapshot saw none from here on */
	double		build_ms;
	Size		nchanges;
	Size		content;		/* offsets */
	Size		content_size;
	Size		size;			/* of the file */
} ImageHeader;

#define IMAGE_FOLDER "base/" PG_TEMP_FILES_DIR
#define IMAGE_NAME PG_TEMP_FILE_PREFIX "_quotetier."

static void
image_path(char path[MAXPGPATH], const ImageKey *key)
{
	snprintf(path, MAXPGPATH, IMAGE_FOLDER "/" IMAGE_NAME "%u.%u." UINT64_FORMAT,
			 key->database, key->stamps, key->name);
}

static bool
same_key(const ImageKey *a, const ImageKey *b)
{
	return a->database == b->database && a->stamps == b->stamps &&
		a->definitions == b->definitions && a->format == b->format && a->name == b->name;
}

/* Reads a header that is whole, and of this key; the file is open. */
static bool
read_header(int fd, const ImageKey *key, ImageHeader *header)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 &&
		read(fd, header, sizeof(ImageHeader)) == sizeof(ImageHeader) &&
		memcmp(header->magic, IMAGE_MAGIC, sizeof(IMAGE_MAGIC)) == 0 &&
		same_key(&header->key, key) &&
		header->size == stat.st_size &&
		header->content + header->content_size == header->size;
}

uint64
image_file(const ImageKey *key)
{
	char		path[MAXPGPATH];
	struct stat at;

	image_path(path, key);
	if (stat(path, &at) != 0)
		return 0;
	return hash_combine64(at.st_ino, hash_combine64(at.st_mtim.tv_sec, at.st_mtim.tv_nsec)) | 1;
}

bool
image_attach(const ImageKey *key, Image *image)
{
	char		path[MAXPGPATH];
	ImageHeader header;
	void	   *address = MAP_FAILED;
	int			fd;

	image_path(path, key);
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return false;
	if (read_header(fd, key, &header))
		address = mmap(NULL, header.size, PROT_READ, MAP_SHARED, fd, 0);
	CloseTransientFile(fd);
	if (address == MAP_FAILED)
		return false;
	image->address = address;
	image->mapped = header.size;
	image->content = (char *) address + header.content;
	image->size = header.content_size;
	image->fingerprint = header.fingerprint;
	image->build_ms = header.build_ms;
	image->changes.n = header.nchanges;
	image->changes.changes = (Change *) ((char *) address + MAXALIGN(sizeof(ImageHeader)));
	return true;
}

void
image_detach(Image *image)
{
	munmap(image->address, image->mapped);
}

/* ----- publishing ----- */

/* Writes all of it, or says that it could not. */
static bool
write_part(int fd, const void *part, Size size)
{
	const char *at = part;

	while (size > 0)
	{
		ssize_t		written;

		CHECK_FOR_INTERRUPTS();
		written = write(fd, at, Min(size, 16 * 1024 * 1024));
		if (written <= 0)
			return false;
		at += written;
		size -= written;
	}
	return true;
}

static bool
write_image(const char *path, const ImageHeader *header, const ChangeSet *changes, const void *content)
{
	static const char padding[IMAGE_ALIGN];
	Size		front = MAXALIGN(sizeof(ImageHeader));
	Size		log = changes->n * sizeof(Change);
	bool		whole;
	int			fd = OpenTransientFile(path, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);

	if (fd < 0)
		return false;
	whole = write_part(fd, header, sizeof(ImageHeader)) &&
		write_part(fd, padding, front - sizeof(ImageHeader)) &&
		write_part(fd, changes->changes, log) &&
		write_part(fd, padding, header->content - front - log) &&
		write_part(fd, content, header->content_size);
	return CloseTransientFile(fd) == 0 && whole;
}

/* Does the file that stands there belong to a newer snapshot of the same? */
static bool
newer_stands(const char *path, const ImageKey *key, FullTransactionId newest)
{
	ImageHeader header;
	bool		newer;
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);

	if (fd < 0)
		return false;
	newer = read_header(fd, key, &header) && FullTransactionIdPrecedes(newest, header.newest);
	CloseTransientFile(fd);
	return newer;
}

/*
 * Removes images of databases and extensions that are gone, and what sessions
 * left unfinished that were killed.
 */
static void
remove_orphans(const ImageKey *key)
{
	DIR		   *folder = AllocateDir(IMAGE_FOLDER);
	struct dirent *entry;

	while ((entry = ReadDirExtended(folder, IMAGE_FOLDER, LOG)) != NULL)
	{
		char		path[MAXPGPATH];
		Oid			database;
		Oid			stamps;
		uint64		name;
		int			pid = 0;
		int			parts = sscanf(entry->d_name, IMAGE_NAME "%u.%u." UINT64_FORMAT ".%d",
								   &database, &stamps, &name, &pid);

		if (parts < 3)
			continue;
		if (database == key->database ? stamps != key->stamps :
			!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
			parts = 0;
		if (parts == 4 && kill(pid, 0) != 0 && errno == ESRCH)
			parts = 0;
		if (parts > 0)
			continue;
		snprintf(path, MAXPGPATH, IMAGE_FOLDER "/%s", entry->d_name);
		(void) unlink(path);
	}
	FreeDir(folder);
}

bool
image_publish(const ImageKey *key, Fingerprint fingerprint, const ChangeSet *changes,
			  FullTransactionId newest, double build_ms, const void *content, Size size)
{
	char		path[MAXPGPATH];
	char		unfinished[MAXPGPATH + 16];
	ImageHeader header;
	bool		published = false;

	image_path(path, key);
	if (newer_stands(path, key, newest))
		return false;
	memset(&header, 0, sizeof(header));
	memcpy(header.magic, IMAGE_MAGIC, sizeof(IMAGE_MAGIC));
	header.key = *key;
	header.fingerprint = fingerprint;
	header.newest = newest;
	header.build_ms = build_ms;
	header.nchanges = changes->n;
	header.content = TYPEALIGN(IMAGE_ALIGN, MAXALIGN(sizeof(ImageHeader)) + changes->n * sizeof(Change));
	header.content_size = size;
	header.size = header.content + size;

	(void) MakePGDirectory(IMAGE_FOLDER);
	snprintf(unfinished, sizeof(unfinished), "%s.%d", path, MyProcPid);
	PG_TRY();
	{
		published = write_image(unfinished, &header, changes, content) &&
			rename(unfinished, path) == 0;
	}
	PG_FINALLY();
	{
		if (!published)
			(void) unlink(unfinished);
	}
	PG_END_TRY();
	if (published)
		remove_orphans(key);
	return published;
}

/* ----- one builder at a time ----- */

static LOCKTAG
image_locktag(const ImageKey *key)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, key->database, (uint32) (key->name >> 32), (uint32) key->name, IMAGE_LOCK);
	return tag;
}

bool
image_lock(const ImageKey *key, bool wait)
{
	LOCKTAG		tag = image_locktag(key);

	return LockAcquire(&tag, ExclusiveLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

void
image_unlock(const ImageKey *key)
{
	LOCKTAG		tag = image_locktag(key);

	(void) LockRelease(&tag, ExclusiveLock, false);
}

/*
 * quotetier.c
 *		The library's entry: the magic block and what has to happen at load.
 *
 * Everything else lives in a folder named after its topic.
 */
#include "postgres.h"

#include "base/book.h"
#include "fmgr.h"
#include "live/tracker.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	book_init();
	tracker_init();
	merge_init();
}

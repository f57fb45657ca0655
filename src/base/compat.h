/*
 * compat.h
 *		The differences between PostgreSQL 15, 16, 17 and 18, in one place.
 *
 * Nothing else in the tree asks for PG_VERSION_NUM.
 */
#ifndef QUOTETIER_COMPAT_H
#define QUOTETIER_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "quotetier needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "storage/proc.h"

/* The local transaction id of this backend. */
#if PG_VERSION_NUM >= 170000
#define MyLocalTransactionId()	(MyProc->vxid.lxid)
#else
#define MyLocalTransactionId()	(MyProc->lxid)
#endif

#endif

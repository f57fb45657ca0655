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

#if PG_VERSION_NUM >= 170000
#include "common/file_utils.h"	/* PG_TEMP_FILES_DIR */
#endif

#if PG_VERSION_NUM >= 160000
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"
#include "varatt.h"
#define pg_class_ownercheck(table, role) \
	object_ownercheck(RelationRelationId, table, role)
#define pg_proc_aclcheck(function, role, mode) \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#define qualified_name_list(text)	stringToQualifiedNameList(text, NULL)
#define sorted_datum(sort, value, isnull) \
	tuplesort_getdatum(sort, true, true, value, isnull, NULL)
#else
#define qualified_name_list(text)	stringToQualifiedNameList(text)
#define sorted_datum(sort, value, isnull) \
	tuplesort_getdatum(sort, true, value, isnull, NULL)
#endif

#if PG_VERSION_NUM >= 180000
#define index_begin(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define index_begin(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

#endif

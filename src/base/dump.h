/*
 * dump.h
 *		Whether the rows being written are a dump's.
 */
#ifndef QUOTETIER_DUMP_H
#define QUOTETIER_DUMP_H

/* Then they are as they were, and what triggers made of them comes with them. */
extern bool dump_restoring;

#endif

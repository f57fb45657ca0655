/*
 * policy_compile.h
 *		What the files that compile a policy share: the compiler's state.
 *
 *	 policy_compile.c	the policy, its dimensions, steps, rates and units
 *	 policy_rules.c		its rules and scales, sorted by precedence
 *	 policy_rows.c		reading rows and columns
 *	 policy_layout.c	the finished chunk
 */
#ifndef QUOTETIER_POLICY_COMPILE_H
#define QUOTETIER_POLICY_COMPILE_H

#include "postgres.h"

#include "access/htup_details.h"
#include "base/scope.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "price/policy.h"

/* A rule as read, with what decides its place. */
typedef struct ReadRule
{
	Rule		rule;
	Scope		scope;
	uint64		depths;			/* of its path values */
	uint32		access;			/* place in the step's access list */
} ReadRule;

typedef struct Compiler
{
	Policy		head;
	Step		steps[MAX_STEPS];
	List	   *access[MAX_STEPS];	/* of uint64 *: masks, strongest first */
	List	   *competes;
	List	   *groups;
	StringInfoData texts;

	int			ndims;			/* dimensions, the strongest first */
	char	   *dims[MATCH_MAX_DIMENSIONS + 1];
	bool		is_path[MATCH_MAX_DIMENSIONS + 1];
	int			currency_dim;	/* -1: none */
	ScopeReader *scopes;
	List	   *facts;			/* names of other facts that are asked for */
	List	   *more;			/* of RuleMore * */
	List	   *paths;			/* of JsonPath * */
	List	   *line_scopes;	/* of Jsonb * */
	List	   *by_facts;		/* numbers of facts */
	List	   *rates;			/* of Rate * */
	List	   *units;			/* of Unit * */
	List	   *notes;			/* of RuleNote * */

	ReadRule   *rules;
	uint32		nrules;
	uint32		rules_room;
	ReadRule  **scaled;			/* rules with a scale, by id */
	uint32		nscaled;
	Bracket    *brackets;
	uint32		nbrackets;
	uint32		brackets_room;
	List	   *endings;		/* of Ending * */
	List	   *numerics;		/* of Numeric */
} Compiler;

/* A row of a query. */
typedef struct Row
{
	HeapTuple	tuple;
	TupleDesc	desc;
	MemoryContext context;		/* for what is only needed while reading it */
} Row;

/* policy_rows.c: calls read for every row of a query; key is its parameter, if it has one. */
extern void read_rows(Compiler *c, const char *sql, const char *key,
					  void (*read) (Compiler *c, Row *row));

/* Columns are numbered from 1. A text is NULL, a number zero, when it is null. */
extern Datum column(Row *row, int number, bool *isnull);
extern char *text_column(Row *row, int number);
extern bool bool_column(Row *row, int number);
extern StoredDec dec_column(Compiler *c, Row *row, int number);
extern uint32 ending_column(Compiler *c, Row *row, int number);
extern void read_validity(Rule *rule, Datum range);

/* The place of an option among its names, in the order of its enum. */
extern int	option(const char *name, const char *const *names, int n);
#define OPTION(name, names) option(name, names, lengthof(names))

/* Keeps a text; the place of a name in a list, added if it is not there. */
extern uint32 add_text(Compiler *c, const char *text);
extern int	name_number(List **names, const char *name);
extern StoredDec store_dec(Compiler *c, Dec d);

/* A step by name, -1 if there is none; a base by name. */
extern int	step_number(Compiler *c, const char *name);
extern Base base_named(Compiler *c, const char *name);

/* policy_rules.c: reads the rules of a policy and their scales, and sorts them. */
extern void read_rules(Compiler *c, const char *name);

/* policy_layout.c: makes one chunk of it all. */
extern Policy *lay_out(Compiler *c);

#endif

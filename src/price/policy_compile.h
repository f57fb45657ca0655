/*
 * policy_compile.h
 *		What the files that compile a policy share: the compiler's state.
 *
 *	 policy_compile.c	the policy, its dimensions, steps, rates and units
 *	 policy_rules.c		its rules, sorted by precedence
 *	 policy_scales.c	the brackets of their scales
 *	 policy_rows.c		reading rows
 *	 policy_columns.c	reading columns, and the small parts they become
 *	 policy_layout.c	the finished chunk
 *
 * While compiling, a Link holds the number + 1 of what it is to lead to in the
 * compiler's list or array of such; the layout makes it a distance.
 */
#ifndef QUOTETIER_POLICY_COMPILE_H
#define QUOTETIER_POLICY_COMPILE_H

#include "postgres.h"

#include "base/scope.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "price/policy.h"
#include "utils/hsearch.h"
#include "utils/typcache.h"

/* A growing array; room is made by GROW. */
#define GROWING(type) struct { type *items; uint32 n; uint32 room; }

#define GROW(array) \
	do { \
		if ((array).n == (array).room) \
		{ \
			(array).room = Max((array).room * 2, 256); \
			(array).items = (array).items == NULL ? \
				palloc((array).room * sizeof(*(array).items)) : \
				repalloc_huge((array).items, (array).room * sizeof(*(array).items)); \
		} \
	} while (0)

/* A rule as read; its rank is a number among ranks_read until they are sorted. */
typedef struct ReadRule
{
	Rule		rule;
	Scope		scope;
	uint64		depths;			/* of its path values */
} ReadRule;

/* A scale as read: its brackets are a run of those read. */
typedef struct ReadScale
{
	Scale		scale;
	int64		rule;
	uint32		first_bracket;
} ReadScale;

/* The key of a rank, and its number in order of appearance. */
typedef struct ReadRank
{
	Rank		rank;
	uint32		number;
} ReadRank;

typedef struct Compiler
{
	const char *name;			/* the policy's */
	int			name_len;
	const Policy *base;			/* the policy to patch; NULL: all of it is compiled */
	const int64 *changed;		/* the rules the patch reads, sorted */
	int			nchanged;
	ScopeRow   *line;			/* the line that the rules are to price; NULL: any */
	TypeCacheEntry *range_type;	/* tstzrange */
	Policy		head;
	Step		steps[MAX_STEPS];
	List	   *access[MAX_STEPS];	/* of uint64 *: masks, strongest first */
	List	   *competes;
	StringInfoData texts;

	List	   *dimensions;		/* all there are: of Dimension * */
	int			npaths;			/* of them of kind path */
	int			ndims;			/* dimensions, the strongest first */
	const char *dims[MATCH_MAX_DIMENSIONS + 1];
	bool		is_path[MATCH_MAX_DIMENSIONS + 1];
	uint64		path_mask;		/* those of kind path, as bits of a scope's mask */
	int			currency_dim;	/* -1: none */
	ScopeReader *scopes;
	List	   *facts;			/* names of other facts that are asked for */
	List	   *paths;			/* of JsonPath * */
	List	   *line_scopes;	/* of Jsonb * */
	List	   *rule_texts;		/* of text *: names of groups, and notes */
	List	   *rates;			/* of Rate * */
	List	   *units;			/* of Unit * */
	List	   *endings;		/* of Ending * */
	List	   *numerics;		/* of Numeric */

	GROWING(ReadRule) rules;
	GROWING(RuleMore) more;
	GROWING(ReadScale) scales;
	GROWING(Bracket) brackets;
	GROWING(BracketMore) bracket_more;
	GROWING(uint32) by_facts;
	GROWING(uint32) asked;		/* numbers of the facts that conditions ask for */
	uint64		used_dims;		/* by some scope, as bits of a scope's mask */
	ReadScale **scales_by_rule;	/* while their brackets are read: by rule, ... */
	uint32		next_scale;		/* ... and the one that comes now */
	HTAB	   *ranks_read;		/* of ReadRank */
	ReadRank   *ranks_seen[64];	/* some of them, by their masks */
	uint32	   *order;			/* numbers of the rules, by precedence */
	Rank	   *ranks;
} Compiler;

/* A row of a table, or of a query that gives all columns of one. */
typedef struct Row
{
	TupleTableSlot *slot;
	MemoryContext context;		/* for what is only needed while reading it */
	union
	{
		int64		align;		/* as ranges of timestamps need it */
		char		data[VARATT_SHORT_MAX + VARHDRSZ];
	}			room;			/* for a value whose header is short */
} Row;

/* policy_rows.c: rows, for each of which read is called. */
typedef void (*RowReader) (Compiler *c, Row *row);

/*
 * The rows of a small table; where of is a column, those in which it names the
 * policy. If in an order, by these columns, texts by their bytes, null first:
 * BY(column, ...).
 */
extern void read_table(Compiler *c, const char *table, int of, const int *order, int norder,
					   RowReader read);

/* Does reading all of a table take no longer than planning a query for a part? */
extern bool is_small(const char *table);

#define BY(...) (const int[]) {__VA_ARGS__}, lengthof(((const int[]) {__VA_ARGS__}))

/*
 * Those whose first column is one of these keys, in the order of the primary key.
 * False: there is no index to find them by.
 */
extern bool read_by_key(Compiler *c, const char *table, const int64 *keys, int n, RowReader read);

/* Those of a query, whose parameters are the policy's name and these ids. */
extern void read_rows(Compiler *c, const char *sql, const int64 *rules, int nrules, RowReader read);

/*
 * policy_columns.c: columns, numbered as in the table. A text is NULL, a number
 * zero, when it is null.
 */
extern Datum column(const Row *row, int number);
extern bool is_null(const Row *row, int number);

/* Are all of these columns null? They are a set: COLUMN_BIT of each. */
extern bool all_null(const Row *row, uint64 columns);
#define COLUMN_BIT(number) (UINT64CONST(1) << ((number) - 1))

extern bool text_is(const Row *row, int number, const char *text, int len);
extern char *text_column(Row *row, int number);
extern bool bool_column(const Row *row, int number);
extern StoredDec dec_column(Compiler *c, const Row *row, int number);
extern uint32 ending_column(Compiler *c, Row *row, int number);
extern void validity_column(Compiler *c, Row *row, int number, TimestampTz *from, TimestampTz *to);

/* The texts of an array, without those that are null. */
extern Datum *text_elements(Row *row, int number, int *n);

/* A value with a long header, that lasts until the next is asked for. */
extern struct varlena *long_column(Row *row, int number);

/* The place of a word among the options, in the order of their enum; -1 when it is null. */
extern int	word_column(const Row *row, int number, const char *const *words, int n);
#define WORD(row, number, words) word_column(row, number, words, lengthof(words))

/*
 * Keeps a text; the place of a name in a list, added if it is not there; the
 * number of a fact that is asked for and that is no dimension.
 */
extern uint32 add_text(Compiler *c, const char *text);
extern int	name_number(List **names, const char *name);
extern int	fact_number_of(Compiler *c, const char *name);
extern StoredDec store_dec(Compiler *c, Dec d);

/* A step by name, -1 if there is none; a base by name, which may be one of the first nsteps steps. */
extern int	step_number(Compiler *c, const char *name, int len);
extern Base base_named(Compiler *c, const char *name, int nsteps);

/* policy_rules.c: reads the rules of a policy, with their scales, and sorts them. */
extern void read_rules(Compiler *c);

/* policy_scales.c: reads the brackets of the scales that the rules have. */
extern void read_scales(Compiler *c);

/* policy_layout.c: makes one chunk of it all. */
extern Policy *lay_out(Compiler *c, MemoryContext result);

#endif

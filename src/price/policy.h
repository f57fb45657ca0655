/*
 * policy.h
 *		A pricing policy, compiled: what the procedure needs to price a line.
 *
 * A Policy is one position-independent chunk: everything in it is found by
 * offset from its start. policy_get hands out the one that belongs to the
 * active snapshot.
 */
#ifndef QUOTETIER_POLICY_H
#define QUOTETIER_POLICY_H

#include "postgres.h"

#include "base/dec.h"
#include "base/match.h"
#include "base/scope.h"
#include "datatype/timestamp.h"
#include "utils/jsonpath.h"

/* Steps of one policy: they are the bits of a set. */
#define MAX_STEPS 64

typedef enum Adjust
{
	ADJUST_PRICE,
	ADJUST_PRICE_PERCENT,
	ADJUST_MARGIN,
	ADJUST_MARKUP,
	ADJUST_PERCENT_OFF,
	ADJUST_PERCENT_ON,
	ADJUST_AMOUNT_OFF,
	ADJUST_AMOUNT_ON,
	ADJUST_LINE_AMOUNT_OFF,
	ADJUST_ROUND_TO,
	ADJUST_FREE_UNITS,			/* order level */
	ADJUST_ADD_LINE,
	ADJUST_FLOOR_PRICE,			/* from here on: guards */
	ADJUST_FLOOR_PERCENT,
	ADJUST_FLOOR_OVER,
	ADJUST_FLOOR_MARGIN,
	ADJUST_CAP_PERCENT_OFF,
	ADJUST_CAP_PRICE
} Adjust;

#define SETS_PRICE(adjust) ((adjust) <= ADJUST_MARKUP)
#define IS_GUARD(adjust) ((adjust) >= ADJUST_FLOOR_PRICE)

typedef enum Breach
{
	BREACH_CLAMP,
	BREACH_BLOCK,
	BREACH_APPROVE
} Breach;

typedef enum Level
{
	LEVEL_LINE,
	LEVEL_ORDER,
	LEVEL_STATISTICAL
} Level;

typedef enum Pick
{
	PICK_FIRST,
	PICK_BEST,
	PICK_SUM,
	PICK_CHAIN
} Pick;

typedef enum BaseKind
{
	BASE_LIST,
	BASE_RUNNING,
	BASE_STEP,					/* as it stood after an earlier step */
	BASE_FACT					/* a numeric fact, per unit */
} BaseKind;

typedef struct Base
{
	uint8		kind;			/* BaseKind */
	uint16		number;			/* of the step or the fact */
} Base;

typedef enum ScaleMode
{
	SCALE_NONE,
	SCALE_VOLUME,
	SCALE_GRADUATED,
	SCALE_BLOCK,
	SCALE_PACKAGE
} ScaleMode;

typedef enum ScaleMeasure
{
	MEASURE_QUANTITY,
	MEASURE_AMOUNT,				/* the rule's base */
	MEASURE_FACT
} ScaleMeasure;

typedef enum RoundTarget
{
	TARGET_LINE,
	TARGET_UNIT,
	TARGET_ADJUSTMENT,
	TARGET_UNIT_ADJUSTMENT,
	TARGET_LINE_STEP,
	TARGET_UNIT_STEP
} RoundTarget;

/* A decimal at rest; what 64 bits do not hold stands elsewhere as a numeric. */
typedef struct StoredDec
{
	int64		v;
	int32		scale;
	uint32		big;			/* number of the numeric + 1; 0: none */
} StoredDec;

/* Legal unit prices are k * period + rest. */
typedef struct Ending
{
	StoredDec	rest;
	StoredDec	period;
} Ending;

typedef struct Bracket
{
	StoredDec	from;
	StoredDec	to;
	StoredDec	value;
	StoredDec	fee;
	StoredDec	size;
	StoredDec	overage;
	bool		open;			/* no upper bound */
	bool		has_overage;
} Bracket;

/* Rules stand in the order of their steps, then of precedence. */
typedef struct Rule
{
	int64		id;
	TimestampTz from;			/* half-open */
	TimestampTz to;
	StoredDec	value;
	uint32		rank;			/* smaller is more specific; within a step */
	int32		priority;
	uint16		step;
	Base		base;
	uint8		adjust;			/* Adjust */
	uint8		scale_mode;		/* ScaleMode */
	uint8		scale_measure;	/* ScaleMeasure */
	bool		scale_upper_inclusive;	/* '(]' instead of '[)' */
	bool		final;
	bool		stop;
	uint16		scale_fact;
	uint16		group;			/* exclusive group + 1; 0: none */
	uint32		first_bracket;
	uint32		nbrackets;
	uint32		ending;			/* number + 1; 0: none */
	uint32		more;			/* number + 1 of its RuleMore; 0: none */
	bool		repeated;		/* stands at several depths; counts once */
	bool		in_quote_currency;	/* scoped on currency: its money never converts */
} Rule;

/* What few rules have. */
typedef struct RuleMore
{
	uint32		condition;		/* number + 1 of a path; 0: none */
	uint32		value_expr;
	uint32		exclusions;		/* first value left out */
	uint32		nexclusions;
	char		currency[4];	/* its money is in this; empty: the quote's */
	uint8		on_breach;		/* Breach */
	uint16		offset_fact;	/* + 1; 0: none */
	bool		has_max_amount;
	bool		has_max_units;
	bool		free_dearest;	/* free_units: the dearest instead of the cheapest */
	bool		free_whole;		/* free_units: all of a portion or none of it */
	uint32		by_facts;		/* first fact that lines share to be measured together */
	uint32		nby_facts;
	uint32		lines;			/* number + 1 of a scope in jsonb; 0: none */
	uint32		counts;
	StoredDec	max_amount;		/* the most it takes off */
	StoredDec	max_units;
	StoredDec	unit_step;		/* 0: none */
} RuleMore;

/* A rate, valid for a half-open period; sorted by currencies. */
typedef struct Rate
{
	char		from_currency[4];
	char		to_currency[4];
	TimestampTz from;
	TimestampTz to;
	StoredDec	rate;
} Rate;

/* A unit of measure, by name, then sku; the sku of all is the empty text. */
typedef struct Unit
{
	uint32		unit;			/* texts */
	uint32		sku;
	StoredDec	factor;
} Unit;

/* What a rule's writer calls it, for explanations; sorted by rule. */
typedef struct RuleNote
{
	int64		rule;
	uint32		text;
} RuleNote;

/* Group number of '*', the one that stands alone in its step. */
#define GROUP_ALONE 1

typedef struct Step
{
	uint32		name;			/* offset into the texts */
	int32		seq;
	uint8		level;			/* Level */
	Base		base;
	uint8		pick;			/* Pick */
	bool		only_down;
	bool		is_list;		/* the step that sets the list price */
	bool		has_groups;		/* some rule is in an exclusive group */
	uint16		compete;		/* number + 1; 0: none */
	uint32		ending;
	uint8		remainder;		/* Remainder, of order steps */
	uint64		excludes;		/* steps, as bits */
	uint32		end_rule;		/* its rules are numbered below this */
} Step;

typedef struct Policy
{
	Size		size;
	char		currency[4];
	uint8		round_target;	/* RoundTarget */
	uint8		round_mode;		/* RoundMode */
	bool		strict;
	bool		has_guards;
	bool		has_statistical;
	bool		has_order;
	bool		increment_given;	/* else the currency's minor unit */
	StoredDec	increment;
	uint32		zone;			/* text */
	uint32		ending;
	uint32		nsteps;
	uint32		nrules;
	uint32		nbrackets;
	uint32		nendings;
	uint32		ndims;			/* dimensions are the first facts */
	uint32		nfacts;
	uint32		nrates;
	uint32		nunits;
	uint32		nnotes;
	uint64		path_dims;		/* dimensions of kind path, as bits */
	int32		list_price_fact;
	int32		cost_fact;
	int32		currency_fact;
	int32		uom_fact;
	int32		uom_factor_fact;
	int32		sku_fact;
	Size		steps;
	Size		rules;
	Size		brackets;
	Size		endings;
	Size		facts;			/* offsets of the names, into the texts */
	Size		numerics;		/* offsets of numerics too large for 64 bits */
	Size		more;
	Size		exclusions;
	Size		paths;			/* offsets of jsonpaths */
	Size		scopes;			/* offsets of the jsonb of lines and counts */
	Size		by_facts;
	Size		rates;
	Size		units;
	Size		notes;
	Size		texts;
	Size		match;
} Policy;

#define POLICY_PART(policy, type, part) ((const type *) ((const char *) (policy) + (policy)->part))
#define POLICY_TEXT(policy, offset) (POLICY_PART(policy, char, texts) + (offset))
#define POLICY_MATCH(policy) POLICY_PART(policy, MatchIndex, match)

static inline Dec
stored_dec(const Policy *policy, const StoredDec *stored)
{
	Dec			d = dec_make(stored->v, stored->scale);

	if (unlikely(stored->big != 0))
		(void) dec_from_numeric((Numeric) ((char *) policy +
										   POLICY_PART(policy, Size, numerics)[stored->big - 1]),
								&d);
	return d;
}

#define POLICY_PATH(policy, number) \
	((const JsonPath *) ((const char *) (policy) + POLICY_PART(policy, Size, paths)[(number) - 1]))
#define POLICY_SCOPE(policy, number) \
	((Jsonb *) ((const char *) (policy) + POLICY_PART(policy, Size, scopes)[(number) - 1]))
#define RULE_MORE(policy, rule) \
	((rule)->more == 0 ? NULL : POLICY_PART(policy, RuleMore, more) + (rule)->more - 1)

/*
 * The policy of this name under the active snapshot; an error if there is
 * none. Valid until the next call. *serial names it (see book_get).
 */
extern const Policy *policy_get(const char *name, int len, uint64 *serial);

/* The rule book's fingerprint, as the last policy_get saw it, in hexadecimal. */
extern void policy_version(char version[33]);

/* policy_compile.c: reads and compiles a policy; NULL if there is none. */
extern void *policy_compile(const char *name);

#endif

/*
 * policy.h
 *		A pricing policy, compiled: what the procedure needs to price a line.
 *
 * A Policy is one position-independent chunk: its parts are found by offset from
 * its start, and what a rule has beside itself by its distance from the rule.
 * So a rule is all that is needed to read it, also where rules of two chunks
 * price a line together: a policy and a patch of it. policy_get hands out the
 * policy that belongs to the active snapshot.
 */
#ifndef QUOTETIER_POLICY_H
#define QUOTETIER_POLICY_H

#include "postgres.h"

#include "base/book.h"
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
#define IS_SURCHARGE(adjust) ((adjust) == ADJUST_PERCENT_ON || (adjust) == ADJUST_AMOUNT_ON)
#define IS_GUARD(adjust) ((adjust) >= ADJUST_FLOOR_PRICE)

/* Is its value a percent? The others are money, or units. */
#define PERCENT_ADJUSTS \
	(1 << ADJUST_PRICE_PERCENT | 1 << ADJUST_MARGIN | 1 << ADJUST_MARKUP | \
	 1 << ADJUST_PERCENT_OFF | 1 << ADJUST_PERCENT_ON | 1 << ADJUST_FLOOR_PERCENT | \
	 1 << ADJUST_FLOOR_MARGIN | 1 << ADJUST_CAP_PERCENT_OFF)
#define IS_PERCENT(adjust) ((PERCENT_ADJUSTS >> (adjust) & 1) != 0)

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

/* Is it rounded only once, after the last step? */
#define ROUNDS_IN_THE_END(target) ((target) == TARGET_LINE || (target) == TARGET_UNIT)

/* Is it prices of a unit that are rounded, or amounts of a line? */
#define ROUNDS_UNIT(target) \
	((target) == TARGET_UNIT || (target) == TARGET_UNIT_ADJUSTMENT || (target) == TARGET_UNIT_STEP)

/* How far from the struct that says so something lies, in 4 bytes; 0: it has none. */
typedef int32 Link;

#define LINKED(type, owner, link) \
	((const type *) ((const char *) (owner) + (int64) (link) * 4))

/* A decimal at rest; what 64 bits do not hold stands elsewhere as a numeric. */
typedef struct StoredDec
{
	int64		v;
	int32		scale;
	Link		big;
} StoredDec;

/* Legal unit prices are k * period + rest. */
typedef struct Ending
{
	StoredDec	rest;
	StoredDec	period;
} Ending;

/* What few brackets have. */
typedef struct BracketMore
{
	StoredDec	fee;
	StoredDec	size;
	StoredDec	overage;
	bool		has_overage;
} BracketMore;

typedef struct Bracket
{
	StoredDec	from;
	StoredDec	to;
	StoredDec	value;
	Link		more;			/* BracketMore */
	bool		open;			/* no upper bound */
} Bracket;

/* A rule's scale; its brackets follow it. */
typedef struct Scale
{
	uint8		mode;			/* ScaleMode */
	uint8		measure;		/* ScaleMeasure */
	bool		upper_inclusive;	/* '(]' instead of '[)' */
	uint16		fact;
	uint32		nbrackets;
	Bracket		brackets[FLEXIBLE_ARRAY_MEMBER];
} Scale;

typedef enum GroupKind
{
	GROUP_NONE,
	GROUP_NAMED,				/* RuleMore has the name */
	GROUP_ALONE					/* '*': it stands alone in its step */
} GroupKind;

/*
 * Rules stand in the order of their steps, then of precedence: the smaller rank,
 * then the larger priority, then the smaller id. One is a cache line.
 */
typedef struct Rule
{
	int64		id;
	TimestampTz from;			/* half-open */
	TimestampTz to;
	StoredDec	value;
	uint32		rank;			/* place among the policy's ranks */
	int32		priority;
	Link		more;			/* RuleMore */
	Link		scale;			/* Scale */
	Base		base;
	uint8		group;			/* GroupKind: whether it is in an exclusive group */
	uint8		adjust:5;		/* Adjust */
	bool		final:1;
	bool		stop:1;
	bool		repeated:1;		/* stands at several depths; counts once */
	uint8		step:6;
	bool		in_quote_currency:1;	/* scoped on currency: its money never converts */
} Rule;

/* What few rules have. */
typedef struct RuleMore
{
	Link		condition;		/* JsonPath */
	Link		value_expr;
	Link		exclusions;		/* ScopeExclusions: values left out */
	Link		by_facts;		/* numbers of facts that lines share to be measured together */
	Link		lines;			/* Jsonb: a scope */
	Link		counts;
	Link		ending;			/* Ending */
	Link		group;			/* text: the exclusive group, if it has a name */
	Link		note;			/* text: what its writer calls it */
	uint32		nexclusions;
	uint32		nby_facts;
	char		currency[4];	/* its money is in this; empty: the quote's */
	uint8		on_breach;		/* Breach */
	bool		has_max_amount;
	bool		has_max_units;
	bool		free_dearest;	/* free_units: the dearest instead of the cheapest */
	bool		free_whole;		/* free_units: all of a portion or none of it */
	bool		asks_counted;	/* its condition or formula asks for the facts of the lines counted */
	uint16		offset_fact;	/* + 1; 0: none */
	StoredDec	max_amount;		/* the most it takes off */
	StoredDec	max_units;
	StoredDec	unit_step;		/* 0: none */
} RuleMore;

/* What decides between rules of one step before priority does; the strongest first. */
typedef struct Rank
{
	uint64		mask;			/* dimensions constrained */
	uint64		depths;			/* of its path values */
	uint32		access;			/* place in the step's access list */
	uint32		step;
} Rank;

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
	Link		ending;			/* Ending */
	uint8		remainder;		/* Remainder, of order steps */
	uint64		excludes;		/* steps, as bits */
	uint32		end_rule;		/* its rules are numbered below this */
} Step;

/* Is the strongest rule that applies all that the step takes? */
static inline bool
takes_strongest(const Step *step)
{
	return step->pick == PICK_FIRST && !step->has_groups;
}

typedef struct Policy
{
	Size		size;
	const struct Policy *base;	/* of a patch: the policy that it changes; else NULL */
	char		currency[4];
	uint8		round_target;	/* RoundTarget */
	uint8		round_mode;		/* RoundMode */
	bool		strict;
	bool		has_guards;
	bool		has_statistical;
	bool		has_order;
	bool		all_count;		/* of a patch: in its base no rule may be taken for outdone */
	bool		asks_all;		/* some condition or formula may ask for any fact */
	bool		increment_given;	/* else the currency's minor unit */
	StoredDec	increment;
	uint32		zone;			/* text */
	Link		ending;			/* Ending */
	uint32		nsteps;
	uint32		nrules;
	uint32		nranks;
	uint32		ndims;			/* dimensions are the first facts */
	uint32		nfacts;
	uint32		nasked;
	uint32		nrates;
	uint32		nunits;
	uint32		nhidden;
	uint64		path_dims;		/* dimensions of kind path, as bits */
	uint64		used_dims;		/* dimensions that some rule's scope names */
	int32		list_price_fact;
	int32		cost_fact;
	int32		currency_fact;
	int32		uom_fact;
	int32		uom_factor_fact;
	int32		sku_fact;
	Size		steps;
	Size		rules;
	Size		ranks;
	Size		facts;			/* offsets of the names, into the texts */
	Size		asked;			/* numbers of the facts that conditions and formulas ask for */
	Size		rates;
	Size		units;
	Size		texts;
	Size		hidden;			/* of a patch: ids of the rules that do not count in its base, sorted */
	Size		match;
} Policy;

#define POLICY_PART(policy, type, part) ((const type *) ((const char *) (policy) + (policy)->part))
#define POLICY_TEXT(policy, offset) (POLICY_PART(policy, char, texts) + (offset))
#define POLICY_MATCH(policy) POLICY_PART(policy, MatchIndex, match)

/* policy.c */
extern pg_attribute_cold Dec	stored_big_dec(const StoredDec *stored);

static inline Dec
stored_dec(const StoredDec *stored)
{
	return unlikely(stored->big != 0) ? stored_big_dec(stored) : dec_make(stored->v, stored->scale);
}

static inline const RuleMore *
rule_more(const Rule *rule)
{
	return likely(rule->more == 0) ? NULL : LINKED(RuleMore, rule, rule->more);
}

static inline const Scale *
rule_scale(const Rule *rule)
{
	return rule->scale == 0 ? NULL : LINKED(Scale, rule, rule->scale);
}

static inline ScaleMode
scale_mode(const Rule *rule)
{
	return rule->scale == 0 ? SCALE_NONE : (ScaleMode) LINKED(Scale, rule, rule->scale)->mode;
}

static inline const BracketMore *
bracket_more(const Bracket *bracket)
{
	return bracket->more == 0 ? NULL : LINKED(BracketMore, bracket, bracket->more);
}

static inline bool
has_overage(const Bracket *bracket)
{
	return bracket->more != 0 && bracket_more(bracket)->has_overage;
}

/* Due once the bracket is entered. */
static inline Dec
bracket_fee(const Bracket *bracket)
{
	return bracket->more == 0 ? DEC_ZERO : stored_dec(&bracket_more(bracket)->fee);
}

/* Rules of a patch are numbered from the last of its base on. */
static inline const Rule *
policy_rule(const Policy *policy, uint32 number)
{
	const Policy *base = policy->base;

	if (unlikely(base != NULL))
	{
		if (number < base->nrules)
			return POLICY_PART(base, Rule, rules) + number;
		number -= base->nrules;
	}
	return POLICY_PART(policy, Rule, rules) + number;
}

/* Is the rule of this number of this step, or of an earlier one? */
static inline bool
policy_is_upto(const Policy *policy, uint32 number, int step)
{
	const Policy *base = policy->base;

	if (unlikely(base != NULL))
	{
		if (number < base->nrules)
			return number < POLICY_PART(base, Step, steps)[step].end_rule;
		number -= base->nrules;
	}
	return number < POLICY_PART(policy, Step, steps)[step].end_rule;
}

/*
 * The policy of this name under the active snapshot; an error if there is
 * none. Valid until the next call. *serial names it (see book_get). With a
 * line, its rules may be only those that can apply to this line.
 */
extern pg_attribute_hot const Policy *policy_get(const char *name, int len, const FactArgument *line,
												 uint64 *serial);

/* The rule book's fingerprint, as the last policy_get saw it. */
extern void policy_version(char version[FINGERPRINT_TEXT]);

/* The policies this session has, as the active snapshot sees them: BookStats *. */
extern List *policy_stats(void);

/* Does a patch say of this rule that it does not count in its base? */
extern bool policy_hides(const Policy *policy, int64 rule);

/* Is the rule one of the patch's own? */
static inline bool
is_patched(const Policy *policy, const Rule *rule)
{
	return policy->base != NULL && (const char *) rule >= (const char *) policy &&
		(const char *) rule < (const char *) policy + policy->size;
}

/* What decides about a rule before its priority does. */
static inline const Rank *
policy_rank(const Policy *policy, const Rule *rule)
{
	return POLICY_PART(policy->base == NULL || is_patched(policy, rule) ? policy : policy->base,
					   Rank, ranks) + rule->rank;
}

/* Which of two ranks, of whatever chunk, is the stronger (< 0: the left one). */
extern int	policy_compare_ranks(const Rank *a, const Rank *b);

/* policy_compile.c: reads and compiles a policy; NULL if there is none. */
extern void *policy_compile(const char *name);

/*
 * The same with no more rules than those whose scopes hold for a line, a
 * FactArgument; *whole tells if they are all there are.
 */
extern void *policy_compile_line(const char *name, const void *line, bool *whole);

/*
 * The same by reading, of its rules, only those that may differ from base; what
 * is small is read anew. The patch points to base; NULL where it would not fit.
 */
extern void *policy_patch(const char *name, const void *base, const int64 *rules, int nrules);

#endif

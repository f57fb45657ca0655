/*
 * pricer.h
 *		Pricing one line: what goes in, what comes out, and the trace of the way.
 *
 * What most lines run through is pg_attribute_hot, here and in src/base: so it
 * stands together, away from what few lines need, and fits the processor's
 * instruction cache beside the executor. A price takes an eighth less for it.
 */
#ifndef QUOTETIER_PRICER_H
#define QUOTETIER_PRICER_H

#include "postgres.h"

#include "base/dec.h"
#include "base/fact.h"
#include "base/match.h"
#include "nodes/execnodes.h"
#include "price/policy.h"
#include "utils/jsonb.h"

typedef enum QuoteStatus
{
	QUOTE_OK,
	QUOTE_NEEDS_APPROVAL,		/* a larger one overrules a smaller one */
	QUOTE_BLOCKED,
	QUOTE_NO_PRICE
} QuoteStatus;

/* What a quote says. Amounts carry the sign of the quantity. */
typedef struct Quote
{
	QuoteStatus status;
	Dec			list;			/* what prices per unit and the discount come from: */
	Dec			net;			/* amounts without a sign, of one unit at quantity 0 */
	Dec			list_amount;
	Dec			net_price;		/* per unit, six decimals at most */
	Dec			net_amount;
} Quote;

/* The columns of quote's result, in their order. */
typedef enum QuoteColumn
{
	COLUMN_LIST_PRICE,
	COLUMN_LIST_AMOUNT,
	COLUMN_NET_PRICE,
	COLUMN_NET_AMOUNT,
	COLUMN_DISCOUNT_PCT,
	COLUMN_CURRENCY,
	COLUMN_STATUS,
	COLUMN_RULES,
	COLUMN_VERSION
} QuoteColumn;

#define QUOTE_COLUMNS (COLUMN_VERSION + 1)

typedef enum Verdict
{
	VERDICT_LIST,
	VERDICT_APPLIED,
	VERDICT_RESIDUAL,
	VERDICT_STATISTICAL,		/* tells an amount, but is no part of the price */
	VERDICT_REJECTED
} Verdict;

/* A row of an explanation. */
typedef struct TraceRow
{
	const char *step;
	int64		rule;			/* 0: none */
	Verdict		verdict;
	const char *reason;
	bool		has_base;
	Dec			base;
	Dec			amount;			/* of this row */
	Dec			due;			/* its amount if the quantity is zero */
} TraceRow;

/* The rows of an explanation: the waterfall, and the candidates that lost. */
typedef struct Trace
{
	List	   *waterfall;		/* of TraceRow * */
	List	   *rejected;
} Trace;

struct Taking;

/* What trying a rule leads to. */
typedef struct Effect
{
	bool		has_base;
	Dec			base;			/* the line amount that a percent is of */
	Dec			result;			/* the line amount afterwards; may be below zero */
	Dec			rate;			/* its value, from the bracket if it has a scale */
	const Bracket *bracket;		/* NULL: no scale */
	Dec			fee;			/* of its brackets; part of result unless the quantity is zero */
	struct Taking *taking;		/* of an order's rule: how its lines share it */
} Effect;

typedef struct Candidate
{
	const Rule *rule;
	Effect		effect;			/* alone, on the entry value */
	const Rule *equal;			/* only its larger id puts this one behind */
	bool		waits;			/* of a chain: for a price, so there is no effect yet */
} Candidate;

/* What the steps have led to so far. */
typedef struct LineState
{
	bool		has_list;
	Dec			list_amount;
	bool		has_running;
	Dec			running;		/* the exact line amount */
	Dec			zero_due;		/* of quantity zero only: fees; running is a unit's price */
	Dec			zero_list;		/* the part of it that is the list price's */
	bool		listed;			/* step list gave the list price */
	uint64		excluded;		/* steps switched off */
	const Rule *final;			/* the rule that ended the line steps */
	const Ending *ending;		/* the last one given; NULL: none */
	int			nrules;			/* rules applied */
	QuoteStatus status;			/* as the guards say */
	Dec			floor;			/* of an order's line: the bound of the clamps, for order steps */
} LineState;

/* What order steps measure; reserved names of conditions. */
typedef struct OrderTotals
{
	Dec			amount;			/* running, of all lines but returns */
	Dec			list_amount;
	Dec			quantity;
	int			lines;
	Dec			counted_amount; /* of the lines that the rule counts */
	Dec			counted_quantity;
	Jsonb	   *counted;		/* the facts of those lines; NULL: the rule does not ask */
} OrderTotals;

struct Order;

/* All that pricing needs from line to line; one per call site. */
typedef struct Pricer
{
	MemoryContext context;
	MemoryContext of_policy;	/* for the query and the prices after steps */
	FactReader *facts;
	const Policy *policy;
	uint64		serial;			/* of the policy */
	MatchQuery	query;			/* its found are rules that match, the strongest first */
	uint32		needed;			/* rules below this number are asked for by every line */
	MatchQuery	patch_query;	/* the same of a patch's own rules */
	Candidate  *candidates;
	int			candidates_room;
	bool	   *has_after;		/* a step: was there a price after it? */
	Dec		   *after;
	int64	   *rules;			/* ids of the rules applied, in order */
	int			rules_room;
	Trace	   *trace;			/* filled where it is not NULL */

	/* the line */
	TimestampTz as_of;
	bool		negative;
	bool		zero;
	Dec			quantity;		/* in base units, without its sign */
	Dec			units;			/* what prices are multiplied by: that of 1 for quantity 0 */
	Dec			quoted;			/* the same in the unit asked for */
	char		currency[4];	/* of the quote; empty: none */
	Dec			increment;
	bool		increment_known;	/* for this policy, in ... */
	char		increment_in[4];	/* ... this currency */
	bool		statistical;	/* the steps running now never change net */
	Jsonb	   *step_facts;		/* what conditions see; NULL: not built for this step */
	struct Order *order;		/* the order it is part of; NULL: it stands alone */
	int			line;			/* its place there */
	const OrderTotals *totals;	/* of an order's header, which is priced as a line; else NULL */
	LineState	state;
} Pricer;

/* Is the way to be told? Few lines ask for it, and they may take longer. */
static inline bool
tracing(const Pricer *pricer)
{
	return unlikely(pricer->trace != NULL);
}

extern Pricer *pricer_create(MemoryContext context);

/*
 * Takes the policy as the active snapshot sees it, and prepares for its facts;
 * with a line, all of it or as much as prices this line (see policy_get).
 */
extern pg_attribute_hot void pricer_policy(Pricer *pricer, const char *name, int len,
										   const FactArgument *line);

/* The same for a policy at hand. */
extern void pricer_use(Pricer *pricer, const Policy *policy, uint64 serial);

/* Does access rank not decide between two rules? */
extern pg_attribute_hot bool same_rank(const Pricer *pricer, const Rule *a, const Rule *b);

/* The query that the rule was found by, whose numbers for values are the rule's. */
static inline const MatchQuery *
query_of(const Pricer *pricer, const Rule *rule)
{
	return is_patched(pricer->policy, rule) ? &pricer->patch_query : &pricer->query;
}

/*
 * Starts to find the rules that match the facts, the strongest first: into
 * pricer->query.found, as far as they are asked for (match_nth, match_find_below).
 */
extern pg_attribute_hot void find_rules(Pricer *pricer);

/*
 * Runs the step, or the competing steps from it on, if of this level; *at is
 * the place among the rules found. Returns the step after.
 */
extern pg_attribute_hot int	run_from(Pricer *pricer, int step, int *at, Level level);
extern void run_statistical(Pricer *pricer);

/* What the line has come to; its discount, in percent of list, false where list is 0. */
extern pg_attribute_hot void pricer_result(Pricer *pricer, Quote *quote);
extern bool quote_discount(const Quote *quote, Dec *percent);

/*
 * Prices the line whose facts have been read into pricer->facts. The rules
 * applied are pricer->rules, pricer->state.nrules of them.
 */
extern pg_attribute_hot void pricer_quote(Pricer *pricer, Numeric quantity, TimestampTz as_of, Quote *quote);

/* quote.c: a column of quote's result, for the line priced last. */
extern Datum quote_column(const Pricer *pricer, const Quote *quote, QuoteColumn column, bool *isnull);

/*
 * line.c: starts a line from its facts; an amount per quoted unit; a rule's
 * money in the quote's currency.
 */
extern pg_attribute_hot void line_start(Pricer *pricer, Numeric quantity, TimestampTz as_of);
extern Dec	unit_price(const Pricer *pricer, Dec amount);
extern Dec	rule_money(Pricer *pricer, const Rule *rule, Dec money);
extern bool rule_converts(const Pricer *pricer, const Rule *rule, const char **from);

/* line_facts.c: what conditions and formulas see on entry to the step. */
extern Jsonb *line_facts(Pricer *pricer);

/*
 * guard.c: makes the running amount a legal one; bounds it by the guards that
 * clamp; then tests those that block or ask for approval.
 */
extern pg_attribute_hot void settle(Pricer *pricer);
extern void clamp_guards(Pricer *pricer);
extern void test_guards(Pricer *pricer);

/* How much an order step may take from the line, or at most add to it, before a clamp is reached. */
extern Dec	room_above_floor(const Pricer *pricer);
extern Dec	room_below_cap(Pricer *pricer, Dec most);

/*
 * order_step.c: an order's rules seen through its header. Measures the lines
 * for a rule; what its base and its scale's amount come to there; tries it;
 * takes what it takes off from the lines, and returns how much that was.
 */
extern void order_measure(Pricer *header, const Rule *rule);
extern bool order_base(Pricer *header, const Rule *rule, bool counted, Dec *base, char **why_not);
extern bool order_try(Pricer *header, const Rule *rule, Effect *effect, char **why_not);
extern Dec	order_take(Pricer *header, const Rule *rule, const Effect *effect, Dec discount);

/* The lines as they stand, so that competing steps can start from the same. */
struct OrderCopy;
extern struct OrderCopy *order_save(Pricer *header);
extern void order_restore(Pricer *header, const struct OrderCopy *copy);

/* The line amount a rule's percent is of. */
extern pg_attribute_hot bool base_amount(Pricer *pricer, const Rule *rule, Dec *base, char **why_not);

/* What a rule's scale measures of the line, in the rule's currency; base if it measures that. */
extern bool rule_measure(Pricer *pricer, const Rule *rule, Dec base, Dec *measure, char **why_not);

/* rule_effect.c: tries a rule on an entry value; else says why not (if asked). */
extern pg_attribute_hot bool rule_effect(Pricer *pricer, const Rule *rule, Effect *effect, char **why_not);

/*
 * pick.c: runs one step over the rules that match, from the at-th found on; whether a rule that matches is in force and its condition holds;
 * whether it is of a chain in which another may set the price it needs.
 */
extern pg_attribute_hot void run_step(Pricer *pricer, int number, int at);
extern pg_attribute_hot bool rule_stands(Pricer *pricer, const Rule *rule);
extern bool can_wait(const Pricer *pricer, const Rule *rule);

/*
 * apply.c: tries a rule on the line as it stands, and rounds as the policy says
 * (else says why not, if asked); moves the running amount to result, which is
 * what the rule makes of it, or to the effect's, cut to what is left; notes a
 * rule as applied; rounds a line amount by the line or by its unit; moves the
 * running amount without a rule, which makes a residual row.
 */
extern pg_attribute_hot bool try_rule(Pricer *pricer, const Rule *rule, Effect *effect, char **why_not);
extern pg_attribute_hot void apply_rule(Pricer *pricer, const Candidate *candidate, const Effect *effect, Dec result,
					   bool cut);
extern pg_attribute_hot void apply_cut(Pricer *pricer, const Candidate *candidate, const Effect *effect);
extern pg_attribute_hot void remember_rule(Pricer *pricer, int64 id);
extern pg_attribute_hot Dec	round_amount_mode(const Pricer *pricer, Dec amount, RoundMode mode);

static inline Dec
round_amount(const Pricer *pricer, Dec amount)
{
	return round_amount_mode(pricer, amount, (RoundMode) pricer->policy->round_mode);
}

extern pg_attribute_hot void move_to(Pricer *pricer, Dec result, const char *what, const char *reason);

/* trace.c: rows of an explanation, and the words for them. */
extern pg_attribute_cold TraceRow *trace_row(Pricer *pricer, Verdict verdict, const char *step, const Rule *rule,
					  const char *reason, const Effect *effect, Dec amount);
extern pg_attribute_cold void trace_rejected(Pricer *pricer, const Rule *rule, const char *fmt,...) pg_attribute_printf(3, 4);

/* Rows of a waterfall that lost against another step's. */
extern pg_attribute_cold void trace_lost(Pricer *pricer, List *rows, const char *against);

/* What a rule does, and why it did not; a number; the price of a unit, or of the order. */
extern pg_attribute_cold char *describe_rule(Pricer *pricer, const Rule *rule, const Effect *effect);
extern pg_attribute_cold char *describe_validity(const Pricer *pricer, const Rule *rule);
extern pg_attribute_cold char *describe_exclusion(const Pricer *pricer, const Rule *rule);
extern pg_attribute_cold char *describe_condition(const Pricer *pricer, const Rule *rule);
extern pg_attribute_cold char *describe_outside(const Pricer *pricer, const Rule *rule, Dec measure);
extern pg_attribute_cold const char *describe_loss(const Pricer *pricer, const Candidate *winner, const Candidate *loser,
						 bool by_price);
extern pg_attribute_cold char *describe_final(const Pricer *pricer, const Rule *final);
extern pg_attribute_cold char *describe_excluder(const Pricer *pricer, int step);
extern char *dec_text(Dec d);
extern char *unit_text(const Pricer *pricer, Dec amount);
extern const char *fact_name(const Pricer *pricer, int fact);
extern const char *step_name(const Pricer *pricer, int step);

#endif

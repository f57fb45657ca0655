/*
 * class.c
 *		classify and explain_class: which rule of a class scheme a row's facts meet.
 *
 * Each call site keeps a Classifier, so that a statement over many rows finds
 * the scheme, the row type and all room ready. Not here: in which order rules
 * stand (class_scheme.c).
 */
#include "postgres.h"

#include "base/condition.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "tier/class.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(classify_record);
PG_FUNCTION_INFO_V1(classify_jsonb);
PG_FUNCTION_INFO_V1(classify_text);
PG_FUNCTION_INFO_V1(explain_class_record);
PG_FUNCTION_INFO_V1(explain_class_jsonb);
PG_FUNCTION_INFO_V1(explain_class_text);

/* What a call site keeps from call to call. */
typedef struct Classifier
{
	FactReader *facts;
	MemoryContext scheme_context;	/* what belongs to the scheme below */
	const ClassScheme *scheme;
	uint64		serial;			/* of the scheme; 0: none yet */
	MatchQuery	query;

	/* the row */
	TimestampTz as_of;
	Jsonb	   *asked_facts;	/* what conditions see; NULL: none has asked */
} Classifier;

static Classifier *
classifier(FunctionCallInfo fcinfo)
{
	Classifier *c = fcinfo->flinfo->fn_extra;

	if (unlikely(c == NULL))
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		c = MemoryContextAllocZero(context, sizeof(Classifier));
		c->facts = fact_reader_create(context);
		c->scheme_context = AllocSetContextCreate(context, "quotetier class query",
												  ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = c;
	}
	return c;
}

static void
take_scheme(Classifier *c, text *name)
{
	uint64		serial;

	c->scheme = class_scheme_get(name, &serial);
	if (likely(c->serial == serial))
		return;
	c->serial = 0;
	MemoryContextReset(c->scheme_context);
	match_query_init(&c->query, c->scheme->ndims, c->scheme->rules, sizeof(ClassRule), c->scheme_context);
	fact_reader_interest(c->facts, serial, c->scheme->nfacts, c->scheme->names);
	c->serial = serial;
}

/* The arguments: scheme, facts, as_of. */
static void
take_arguments(FunctionCallInfo fcinfo, FactSource source, Classifier *c)
{
	FactArgument facts = {fcinfo, 1, source};

	take_scheme(c, PG_GETARG_TEXT_PP(0));
	fact_reader_argument(c->facts, &facts);
	c->as_of = PG_GETARG_TIMESTAMPTZ(2);
	c->asked_facts = NULL;
}

/* ----- matching ----- */

static void
add_label(void *state, int fact, FactLabel label)
{
	Classifier *c = state;

	scope_query_label(&c->query, fact, c->scheme->is_path[fact], label);
}

/* Starts to find the rules whose scopes the facts meet, the strongest first. */
static void
find_rules(Classifier *c)
{
	int			dim;

	match_query_reset(&c->query);
	for (dim = 0; dim < c->scheme->ndims; dim++)
		fact_labels(c->facts, dim, add_label, c);
	match_start(&c->query, c->scheme->match, true);
}

/* The facts that the scheme's conditions name; NULL if only all of the row tells. */
static Jsonb *
asked_facts(Classifier *c)
{
	JsonbParseState *document = NULL;
	JsonbValue	value;
	bool		given;
	int			i;

	(void) pushJsonbValue(&document, WJB_BEGIN_OBJECT, NULL);
	for (i = 0; i < c->scheme->nasked; i++)
	{
		if (!fact_json(c->facts, c->scheme->asked[i], &value, &given))
			return NULL;
		if (given)
			condition_add(&document, c->scheme->names[c->scheme->asked[i]], &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&document, WJB_END_OBJECT, NULL));
}

/* Why a rule whose scope is met does not apply; NULL if it does. */
static const char *
why_not(Classifier *c, const ClassRule *rule)
{
	if (c->as_of < rule->from || (c->as_of >= rule->to && rule->to != DT_NOEND))
		return "not in force at that time";
	if (!scope_excludes_nothing(&c->query, c->scheme->exclusions + rule->exclusions,
								rule->nexclusions))
		return "its scope leaves out a value that the facts have, or a fact that they lack";
	if (rule->condition != NULL)
	{
		if (c->asked_facts == NULL && !c->scheme->asks_all)
			c->asked_facts = asked_facts(c);
		if (c->asked_facts == NULL)
			c->asked_facts = fact_reader_as_jsonb(c->facts);
		if (!condition_holds(rule->condition, c->asked_facts))
			return "its condition does not hold";
	}
	return NULL;
}

/* ----- classify ----- */

static Datum
classify(FunctionCallInfo fcinfo, FactSource source)
{
	Classifier *c = classifier(fcinfo);
	uint32		number;
	int			i;

	take_arguments(fcinfo, source, c);
	find_rules(c);
	for (i = 0; match_nth(&c->query, i, PG_UINT32_MAX, &number); i++)
	{
		const ClassRule *rule = &c->scheme->rules[number];

		/* a copy: the book may be gone before the caller has looked */
		if (why_not(c, rule) == NULL)
			PG_RETURN_TEXT_P(DatumGetTextPCopy(PointerGetDatum(rule->class)));
	}
	PG_RETURN_NULL();
}

/*
 * classify(scheme text, facts record, as_of timestamptz) -> text
 */
Datum
classify_record(PG_FUNCTION_ARGS)
{
	FactSource	source;

	if (!fact_record_source(fcinfo, 3, &source))
		PG_RETURN_NULL();
	return classify(fcinfo, source);
}

Datum
classify_jsonb(PG_FUNCTION_ARGS)
{
	return classify(fcinfo, FROM_JSONB);
}

Datum
classify_text(PG_FUNCTION_ARGS)
{
	return classify(fcinfo, FROM_TEXT);
}

/* ----- explain_class ----- */

/* What the rule asks for: "tier, region; condition holds" */
static char *
describe(const Classifier *c, const ClassRule *rule)
{
	StringInfoData text;
	bool		first = true;
	int			dim;

	initStringInfo(&text);
	appendStringInfoString(&text, rule->mask == 0 ? "applies to all" : "matches");
	for (dim = 0; dim < c->scheme->ndims; dim++)
		if (rule->mask & scope_bit(dim))
		{
			appendStringInfo(&text, "%s %s", first ? "" : ",", c->scheme->names[dim]);
			first = false;
		}
	if (rule->condition != NULL)
		appendStringInfoString(&text, "; its condition holds");
	return text.data;
}

static const char *
lost_by(const ClassRule *winner, const ClassRule *loser)
{
	return winner->rank != loser->rank ? "access rank" :
		winner->priority != loser->priority ? "priority" : "its smaller id";
}

/* Seen already? A rule with paths of several depths is found once for each. */
static bool
found_before(const Classifier *c, int at)
{
	int			i;

	for (i = 0; i < at; i++)
		if (c->scheme->rules[c->query.found[i]].id == c->scheme->rules[c->query.found[at]].id)
			return true;
	return false;
}

static Datum
explain_class(FunctionCallInfo fcinfo, FactSource source)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Classifier *c = classifier(fcinfo);
	const ClassRule *winner = NULL;
	int			seq = 0;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	take_arguments(fcinfo, source, c);
	find_rules(c);
	match_find_below(&c->query, PG_UINT32_MAX);
	for (i = 0; i < c->query.nfound; i++)
	{
		const ClassRule *rule = &c->scheme->rules[c->query.found[i]];
		const char *reason = why_not(c, rule);
		Datum		values[5];
		bool		nulls[5] = {false};
		bool		wins = reason == NULL && winner == NULL;

		if (found_before(c, i))
			continue;
		if (wins)
		{
			winner = rule;
			reason = describe(c, rule);
		}
		else if (reason == NULL)
			reason = psprintf("rule " INT64_FORMAT " goes first by %s", winner->id,
							  lost_by(winner, rule));
		values[0] = Int32GetDatum(++seq);
		values[1] = Int64GetDatum(rule->id);
		values[2] = PointerGetDatum(rule->class);
		values[3] = CStringGetTextDatum(wins ? "applied" : "rejected");
		values[4] = CStringGetTextDatum(reason);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * explain_class(scheme text, facts record, as_of timestamptz)
 *		-> setof (seq int, rule bigint, class text, verdict text, reason text)
 */
Datum
explain_class_record(PG_FUNCTION_ARGS)
{
	return explain_class(fcinfo, FROM_RECORD);
}

Datum
explain_class_jsonb(PG_FUNCTION_ARGS)
{
	return explain_class(fcinfo, FROM_JSONB);
}

Datum
explain_class_text(PG_FUNCTION_ARGS)
{
	return explain_class(fcinfo, FROM_TEXT);
}

/*
 * condition.h
 *		Conditions and formulas: jsonpath over all facts.
 */
#ifndef QUOTETIER_CONDITION_H
#define QUOTETIER_CONDITION_H

#include "postgres.h"

#include "base/dec.h"
#include "utils/jsonb.h"
#include "utils/jsonpath.h"

/* Is the predicate true of the facts? Unknown or failing is false. */
extern bool condition_holds(const JsonPath *path, Jsonb *facts);

/* The number a formula yields; false when it yields none, or fails. */
extern bool condition_number(const JsonPath *path, Jsonb *facts, Dec *number);

/* Is the path a predicate, so that it can be true or false at all? */
extern bool condition_is_predicate(JsonPath *path);

/*
 * Calls add for every fact that the path asks for; false if it may ask for any.
 * Only these have to be there when it is asked.
 */
typedef void (*ConditionFact) (void *state, const char *name, int len);
extern bool condition_asks(JsonPath *path, ConditionFact add, void *state);

/* From more facts than this it does not pay to pick. */
#define CONDITION_MANY_FACTS 64

/* Adds a fact to a document for conditions. */
extern void condition_add(JsonbParseState **document, const char *name, JsonbValue *value);

/*
 * Facts, and further ones that win over those of the same name. What is null
 * in the end is not there.
 */
extern Jsonb *condition_facts(Jsonb *facts, JsonbParseState *winning);

#endif

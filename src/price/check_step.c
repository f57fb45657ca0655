/*
 * check_step.c
 *		What is refused when a dimension, a policy or a step is saved or goes.
 *
 * What steps say of each other (excludes, compete, base) is checked when the
 * transaction ends, so that they can be inserted in any order, by a restore
 * too. What rules rely on may not be taken from under them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/scope.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "pgtime.h"
#include "price/check.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(dimension_check);
PG_FUNCTION_INFO_V1(policy_check);
PG_FUNCTION_INFO_V1(step_check);
PG_FUNCTION_INFO_V1(step_check_procedure);

/* ----- dimensions ----- */

/*
 * Waits for everyone who is writing rules or steps, keeps others out, and from
 * there on sees what they left, whatever the isolation level.
 */
static void
close_rules(void)
{
	Oid			namespace = get_namespace_oid("quotetier", false);

	LockRelationOid(get_relname_relid("step", namespace), ShareRowExclusiveLock);
	LockRelationOid(get_relname_relid("rule", namespace), ShareRowExclusiveLock);
	LockRelationOid(get_relname_relid("class_rule", namespace), ShareRowExclusiveLock);
}

/* As the newest snapshot sees it; own changes of this transaction included. */
static bool
query_now(CheckQuery *query, const Datum *args)
{
	bool		found;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	query->now = true;
	found = check_query(query, args);
	PopActiveSnapshot();
	return found;
}

static void
check_dimension_unused(const CheckRow *row)
{
	static CheckQuery using_rule = {
		"SELECT id, CASE WHEN scope OPERATOR(pg_catalog.?) $1 THEN 'scope'"
		" WHEN counts OPERATOR(pg_catalog.?) $1 THEN 'counts' ELSE 'lines' END FROM quotetier.rule"
		" WHERE scope OPERATOR(pg_catalog.?) $1 OR counts OPERATOR(pg_catalog.?) $1"
		" OR (lines OPERATOR(pg_catalog.?) $1 AND adjust OPERATOR(pg_catalog.<>) 'add_line') ORDER BY id LIMIT 1",
		1, {TEXTOID}
	};
	static CheckQuery using_step = {
		"SELECT policy, name FROM quotetier.step WHERE EXISTS"
		" (SELECT FROM pg_catalog.unnest(access) a"
		" WHERE $1 OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(a, '+'))) LIMIT 1",
		1, {TEXTOID}
	};
	static CheckQuery using_class_rule = {
		"SELECT id, scheme FROM quotetier.class_rule WHERE scope OPERATOR(pg_catalog.?) $1 ORDER BY id LIMIT 1",
		1, {TEXTOID}
	};
	char	   *name = check_old_text(row, "name");
	Datum		args[] = {CStringGetTextDatum(name)};

	close_rules();
	if (query_now(&using_rule, args))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("dimension \"%s\" is in use", name),
				 errdetail("Rule " INT64_FORMAT " names it in its %s.", check_found_int(1), check_found_text(2)),
				 errhint("Change or delete the rules that name it first.")));
	if (query_now(&using_step, args))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("dimension \"%s\" is in use", name),
				 errdetail("The access list of step \"%s\" of policy \"%s\" names it.",
						   check_found_text(2), check_found_text(1)),
				 errhint("Change the step's access list first.")));
	if (query_now(&using_class_rule, args))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("dimension \"%s\" is in use", name),
				 errdetail("The scope of class rule " INT64_FORMAT " of scheme \"%s\" names it.",
						   check_found_int(1), check_found_text(2)),
				 errhint("Change or delete the class rules that name it first.")));
}

/* With more than the matcher has room for, a policy whose rules use them all could not quote. */
static void
check_dimension_limit(void)
{
	static CheckQuery beyond = {
		"SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE kind OPERATOR(pg_catalog.=) 'path')"
		" FROM quotetier.dimension HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) " CppAsString2(MATCH_MAX_DIMENSIONS)
		" OR pg_catalog.count(*) FILTER (WHERE kind OPERATOR(pg_catalog.=) 'path')"
		" OPERATOR(pg_catalog.>) " CppAsString2(SCOPE_MAX_PATHS), 0
	};

	if (check_query(&beyond, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are too many dimensions"),
				 errdetail("With this there are " INT64_FORMAT ", of which " INT64_FORMAT " are paths; there can be %d, and %d paths.",
						   check_found_int(1), check_found_int(2), MATCH_MAX_DIMENSIONS, SCOPE_MAX_PATHS),
				 errhint("Delete dimensions that no rule uses, use conditions for facts that few rules ask for, or let a path be a label.")));
}

/*
 * dimension_check()
 *		Trigger: BEFORE INSERT OR UPDATE OR DELETE, and AFTER INSERT OR UPDATE,
 *		FOR EACH ROW on quotetier.dimension.
 */
Datum
dimension_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;

	check_epoch++;
	check_open(&row, fcinfo);
	if (TRIGGER_FIRED_AFTER(row.event))
	{
		/* the statement's other rows are there only now */
		check_dimension_limit();
		(void) check_close(&row);
		return PointerGetDatum(NULL);
	}
	if (row.old != NULL && (TRIGGER_FIRED_BY_DELETE(row.event) || !check_same(&row, "name")))
		check_dimension_unused(&row);
	if (!TRIGGER_FIRED_BY_DELETE(row.event))
	{
		char	   *name = check_text(&row, "name");
		bool		isnull;
		Datum		weight = check_datum(&row, row.tuple, "weight", &isnull);

		check_name(&row);
		check_vocabulary(&row);
		if (name != NULL && strchr(name, '+') != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a dimension's name cannot contain a plus sign"),
					 errdetail("Access lists join dimensions by it: customer+sku."),
					 errhint("Name the fact differently, such as with an underscore.")));
		if (!isnull && DatumGetInt32(weight) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("a dimension's weight must be positive"),
					 errdetail("It is %d.", DatumGetInt32(weight)),
					 errhint("Give 1, or more for a dimension whose rules outrank others.")));
	}
	return check_close(&row);
}

/* ----- policies ----- */

/*
 * policy_check()
 *		Trigger: BEFORE INSERT OR UPDATE FOR EACH ROW on quotetier.policy.
 */
Datum
policy_check(PG_FUNCTION_ARGS)
{
	CheckRow	row;
	char	   *zone;
	Dec			increment;

	check_open(&row, fcinfo);
	check_name(&row);
	check_vocabulary(&row);
	check_currency(&row, "currency");
	check_ending(&row);
	if (check_number(&row, "round_increment", &increment) && dec_sign(increment) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("policy.round_increment must be above 0"),
				 errdetail("Prices are rounded to its multiples."),
				 errhint("Give 0.01 for cents, 1 for whole units, or leave it null for the currency's minor unit.")));
	zone = check_text(&row, "zone");
	if (zone != NULL)
	{
		pg_tz	   *tz = pg_tzset(zone);

		if (tz == NULL || !pg_tz_acceptable(tz))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown time zone \"%s\"", zone),
					 errdetail("The policy's zone decides which day and hour a moment falls in."),
					 errhint("Give a name of pg_timezone_names, such as UTC, Europe/Berlin or Asia/Shanghai.")));
	}
	return check_close(&row);
}

/* ----- steps, one by one ----- */

/* 'customer+sku' from the list of a step's access sets; '' is the empty set */
static void
check_access(const CheckRow *row)
{
	static CheckQuery unknown = {
		"SELECT d FROM pg_catalog.unnest(pg_catalog.string_to_array($1, '+')) d"
		" WHERE NOT EXISTS (SELECT FROM quotetier.dimension"
		" WHERE name OPERATOR(pg_catalog.=) d) LIMIT 1",
		1, {TEXTOID}
	};
	static CheckQuery repeated = {
		"SELECT d FROM pg_catalog.unnest(pg_catalog.string_to_array($1, '+')) d"
		" GROUP BY d HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 LIMIT 1",
		1, {TEXTOID}
	};
	static CheckQuery same = {
		"SELECT 1 WHERE pg_catalog.string_to_array($1, '+') OPERATOR(pg_catalog.@>) pg_catalog.string_to_array($2, '+')"
		" AND pg_catalog.string_to_array($1, '+') OPERATOR(pg_catalog.<@) pg_catalog.string_to_array($2, '+')",
		2, {TEXTOID, TEXTOID}
	};
	char	  **sets;
	int			n = check_list(row, "access", &sets);
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		Datum		args[2] = {CStringGetTextDatum(sets[i])};

		if (check_query(&unknown, args))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the access list names dimension \"%s\", which does not exist",
							check_found_text(1)),
					 errdetail("There are these dimensions: %s.",
							   check_names("SELECT name FROM quotetier.dimension ORDER BY id", "")),
					 errhint("Each element joins dimensions by + without spaces; the empty set is ''.")));
		if (check_query(&repeated, args))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("access set \"%s\" names a dimension twice", sets[i]),
					 errdetail("Dimension \"%s\" is repeated.", check_found_text(1)),
					 errhint("Name each dimension of a set once.")));
		for (j = 0; j < i; j++)
		{
			args[1] = CStringGetTextDatum(sets[j]);
			if (check_query(&same, args))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the access list has the same set twice"),
						 errdetail("\"%s\" and \"%s\" name the same dimensions.", sets[j], sets[i]),
						 errhint("Keep the one whose place in the list is meant.")));
		}
	}
}

/* Columns that steps of one level only look at. */
static void
check_level_columns(const CheckRow *row)
{
	char	   *level = check_text(row, "level");

	if (level == NULL)
		return;
	if (check_text(row, "ending") != NULL && strcmp(level, "line") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("step.ending has no effect in a step of level %s", level),
				 errdetail("Endings are for unit prices, and those are settled after the last line step."),
				 errhint("Leave ending out; to round an order's total, use round_to.")));
	if (check_text(row, "remainder") != NULL && strcmp(level, "order") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("step.remainder has no effect in a step of level %s", level),
				 errdetail("It says who gets the cents left over when an order step shares an amount."),
				 errhint("Leave remainder out, or make it an order step.")));
}

/*
 * step_check()
 *		Trigger: BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW on
 *		quotetier.step.
 */
Datum
step_check(PG_FUNCTION_ARGS)
{
	static CheckQuery rule_of_step = {
		"SELECT id FROM quotetier.rule WHERE policy OPERATOR(pg_catalog.=) $1"
		" AND step OPERATOR(pg_catalog.=) $2 ORDER BY id LIMIT 1",
		2, {TEXTOID, TEXTOID}
	};
	CheckRow	row;
	char	   *name;

	check_epoch++;
	check_open(&row, fcinfo);
	if (TRIGGER_FIRED_BY_DELETE(row.event))
	{
		Datum		args[] = {CStringGetTextDatum(check_old_text(&row, "policy")),
		CStringGetTextDatum(check_old_text(&row, "name"))};

		if (check_query(&rule_of_step, args))
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("step \"%s\" of policy \"%s\" still has rules",
							check_old_text(&row, "name"), check_old_text(&row, "policy")),
					 errdetail("Rule " INT64_FORMAT " is one of them.", check_found_int(1)),
					 errhint("Delete its rules, or move them to another step, first.")));
		return check_close(&row);
	}

	check_name(&row);
	check_vocabulary(&row);
	check_ending(&row);
	check_level_columns(&row);
	name = check_text(&row, "name");
	if (name != NULL && (strcmp(name, "running") == 0 || strcmp(name, "cost") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a step cannot be called \"%s\"", name),
				 errdetail("As a base the word means something else already."),
				 errhint("Give the step another name.")));
	if (name != NULL && strcmp(name, "list") == 0 && check_text(&row, "compete") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("step \"list\" cannot compete"),
				 errdetail("It gives the list price, from which the steps that compete start."),
				 errhint("Leave compete out; of several rules for the list price, pick takes one.")));
	check_access(&row);
	return check_close(&row);
}

/* ----- steps, together ----- */

/* When the steps of a level run. */
#define PLACE_OF(step) "CASE " step ".level WHEN 'line' THEN 0 WHEN 'order' THEN 1 ELSE 2 END"

/* The first row found says what is wrong. */
typedef struct Contradiction
{
	CheckQuery	query;			/* columns: step, and what it is about */
	int			sqlstate;
	const char *message;		/* of step, other */
	const char *detail;
	const char *hint;
} Contradiction;

static Contradiction contradictions[] = {
	{
		{"SELECT name, e FROM quotetier.step, pg_catalog.unnest(excludes) e"
			" WHERE policy OPERATOR(pg_catalog.=) $1 AND NOT EXISTS (SELECT FROM quotetier.step o"
			" WHERE o.policy OPERATOR(pg_catalog.=) $1 AND o.name OPERATOR(pg_catalog.=) e) ORDER BY seq, e LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_UNDEFINED_OBJECT,
		"step \"%s\" excludes step \"%s\", which does not exist",
		"A step excludes later steps of its own policy.",
		"Correct excludes, or insert the step in the same transaction."
	},
	{
		{"SELECT s.name, o.name FROM quotetier.step s JOIN quotetier.step o"
			" ON o.policy OPERATOR(pg_catalog.=) s.policy AND o.name OPERATOR(pg_catalog.=) ANY (s.excludes)"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND (o.seq OPERATOR(pg_catalog.<=) s.seq"
			" OR " PLACE_OF("o") " OPERATOR(pg_catalog.<) " PLACE_OF("s") ") ORDER BY s.seq, o.seq LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"step \"%s\" excludes step \"%s\", which does not come later",
		"When a step applies, the steps before it have been done; order steps follow all line steps.",
		"Let the earlier step exclude the later one, or change seq."
	},
	{
		{"SELECT s.name, s.base FROM quotetier.step s JOIN quotetier.step o"
			" ON o.policy OPERATOR(pg_catalog.=) s.policy AND o.name OPERATOR(pg_catalog.=) s.base"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND (o.seq OPERATOR(pg_catalog.>=) s.seq"
			" OR " PLACE_OF("o") " OPERATOR(pg_catalog.>) " PLACE_OF("s") ")"
			" AND s.base OPERATOR(pg_catalog.<>) 'list' ORDER BY s.seq LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"the base of step \"%s\", \"%s\", is not an earlier step",
		"A step's result can be a base only after it; order steps follow all line steps.",
		"Name an earlier step, list, running, cost, or a numeric fact that no step is called by."
	},
	{
		{"SELECT s.name, r.id::pg_catalog.text FROM quotetier.step s JOIN quotetier.rule r"
			" ON r.policy OPERATOR(pg_catalog.=) s.policy AND r.step OPERATOR(pg_catalog.=) s.name"
			" JOIN quotetier.step o"
			" ON o.policy OPERATOR(pg_catalog.=) s.policy AND o.name OPERATOR(pg_catalog.=) r.base"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND (o.seq OPERATOR(pg_catalog.>=) s.seq"
			" OR " PLACE_OF("o") " OPERATOR(pg_catalog.>) " PLACE_OF("s") ")"
			" AND r.base OPERATOR(pg_catalog.<>) 'list' ORDER BY r.id LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"in step \"%s\", the base of rule %s is not an earlier step",
		"A step's result can be a base only after it; order steps follow all line steps.",
		"Change the rule's base, or the order of the steps."
	},
	{
		{"SELECT a.name, b.name FROM"
			" (SELECT name, compete, level, pg_catalog.row_number() OVER (ORDER BY seq) n FROM quotetier.step"
			" WHERE policy OPERATOR(pg_catalog.=) $1) a JOIN"
			" (SELECT name, compete, level, pg_catalog.row_number() OVER (ORDER BY seq) n,"
			" pg_catalog.lag(compete) OVER (ORDER BY seq) before, pg_catalog.lag(level) OVER (ORDER BY seq) level_before"
			" FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1) b"
			" ON a.compete OPERATOR(pg_catalog.=) b.compete AND a.n OPERATOR(pg_catalog.<) b.n"
			" WHERE b.before IS DISTINCT FROM b.compete OR b.level_before IS DISTINCT FROM b.level ORDER BY a.n, b.n LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"steps \"%s\" and \"%s\" compete, but another step stands between them",
		"Steps that compete start from the same value, so they must be adjacent and of one level.",
		"Change seq, or give them different names in compete."
	},
	{
		{"SELECT s.name, r.id::pg_catalog.text FROM quotetier.step s JOIN quotetier.rule r"
			" ON r.policy OPERATOR(pg_catalog.=) s.policy AND r.step OPERATOR(pg_catalog.=) s.name"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND s.pick OPERATOR(pg_catalog.=) 'sum'"
			" AND r.adjust OPERATOR(pg_catalog.=) ANY (ARRAY['price', 'price_percent', 'margin', 'markup', 'round_to'])"
			" ORDER BY r.id LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"step \"%s\" cannot add its rules up: rule %s sets a price",
		"A rule that sets a price cannot be added to another.",
		"Let the step pick first, best or chain, or move the rule."
	},
	{
		{"SELECT s.name, r.id::pg_catalog.text FROM quotetier.step s JOIN quotetier.rule r"
			" ON r.policy OPERATOR(pg_catalog.=) s.policy AND r.step OPERATOR(pg_catalog.=) s.name"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND s.level OPERATOR(pg_catalog.<>) 'order'"
			" AND (r.adjust OPERATOR(pg_catalog.=) ANY (ARRAY['free_units', 'add_line'])"
			" OR r.lines IS NOT NULL OR r.counts IS NOT NULL) ORDER BY r.id LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"step \"%s\" must stay an order step for rule %s",
		"The rule works on an order's lines together.",
		"Move the rule to another order step first."
	},
	{
		{"SELECT s.name, r.id::pg_catalog.text FROM quotetier.step s JOIN quotetier.rule r"
			" ON r.policy OPERATOR(pg_catalog.=) s.policy AND r.step OPERATOR(pg_catalog.=) s.name"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND s.level OPERATOR(pg_catalog.<>) 'line'"
			" AND (r.adjust OPERATOR(pg_catalog.=) ANY (ARRAY['floor_price', 'floor_percent', 'floor_over',"
			" 'floor_margin', 'cap_percent_off', 'cap_price'])"
			" OR r.scale_by IS NOT NULL OR r.ending IS NOT NULL) ORDER BY r.id LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"step \"%s\" must stay a line step for rule %s",
		"Guards, scale_by and endings work on lines.",
		"Move the rule to another line step first."
	},
	{
		{"SELECT s.name, o.name FROM quotetier.step s JOIN quotetier.step o"
			" ON o.policy OPERATOR(pg_catalog.=) s.policy AND o.name OPERATOR(pg_catalog.=) ANY (s.excludes)"
			" WHERE s.policy OPERATOR(pg_catalog.=) $1 AND s.level OPERATOR(pg_catalog.=) 'order'"
			" AND o.level OPERATOR(pg_catalog.<>) 'order' ORDER BY s.seq, o.seq LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_CHECK_VIOLATION,
		"order step \"%s\" excludes step \"%s\", which is no order step",
		"What applies to an order switches order steps off; lines are asked one by one.",
		"Let it exclude order steps only."
	},
	{
		{"SELECT name, seq::pg_catalog.text FROM quotetier.step WHERE policy OPERATOR(pg_catalog.=) $1"
			" ORDER BY seq OFFSET 64 LIMIT 1",
		1, {TEXTOID}},
		ERRCODE_PROGRAM_LIMIT_EXCEEDED,
		"step \"%s\", seq %s, is one too many",
		"A policy has at most 64 steps.",
		"Combine steps, or split the policy."
	},
};

static void
check_procedure(const char *policy)
{
	Datum		args[] = {CStringGetTextDatum(policy)};
	int			i;

	for (i = 0; i < lengthof(contradictions); i++)
	{
		Contradiction *c = &contradictions[i];

		if (check_query(&c->query, args))
			ereport(ERROR,
					(errcode(c->sqlstate),
					 errmsg(c->message, check_found_text(1), check_found_text(2)),
					 errdetail("%s The policy is \"%s\".", c->detail, policy),
					 errhint("%s", c->hint)));
	}
}

/* A step that went or has another name: was it a base? As a fact it would go on unseen. */
static void
check_base_gone(const CheckRow *row)
{
	static CheckQuery using = {
		"SELECT 'step ' OPERATOR(pg_catalog.||) name FROM quotetier.step"
		" WHERE policy OPERATOR(pg_catalog.=) $1 AND base OPERATOR(pg_catalog.=) $2"
		" UNION ALL SELECT 'rule ' OPERATOR(pg_catalog.||) id::pg_catalog.text FROM quotetier.rule"
		" WHERE policy OPERATOR(pg_catalog.=) $1 AND base OPERATOR(pg_catalog.=) $2 LIMIT 1",
		2, {TEXTOID, TEXTOID}
	};
	static CheckQuery still = {
		"SELECT 1 FROM quotetier.step"
		" WHERE policy OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, TEXTOID}
	};
	char	   *name = check_old_text(row, "name");
	char	   *policy = TRIGGER_FIRED_BY_DELETE(row->event) ?
		check_old_text(row, "policy") : check_text(row, "policy");
	Datum		args[] = {CStringGetTextDatum(policy), CStringGetTextDatum(name)};

	if (strcmp(name, "list") == 0 || check_query(&still, args))
		return;
	if (check_query(&using, args))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("step \"%s\" of policy \"%s\" is in use as a base", name, policy),
				 errdetail("The base of %s names it.", check_found_text(1)),
				 errhint("Change that base in the same transaction.")));
}

/*
 * step_check_procedure()
 *		Trigger: AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW on
 *		quotetier.step, deferred to the end of the transaction.
 */
Datum
step_check_procedure(PG_FUNCTION_ARGS)
{
	CheckRow	row;

	check_open(&row, fcinfo);
	if (row.old != NULL)
	{
		if (TRIGGER_FIRED_BY_DELETE(row.event) || !check_same(&row, "name"))
			check_base_gone(&row);
		check_procedure(check_old_text(&row, "policy"));
	}
	if (row.tuple != row.old)
		check_procedure(check_text(&row, "policy"));
	(void) check_close(&row);
	return PointerGetDatum(NULL);
}

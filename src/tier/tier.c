/*
 * tier.c
 *		tier(): where one score, or a pair of scores, stands in a scheme.
 *
 * Not here: how a scheme is read and searched (scheme.c), and the schemes that
 * grade a whole set at once (tier_over.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "tier/scheme.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(tier_of_score);
PG_FUNCTION_INFO_V1(tier_of_scores);

static void
refuse_kind(const Scheme *scheme, text *name)
{
	char	   *s = text_to_cstring(name);

	switch (scheme->kind)
	{
		case SCHEME_THRESHOLD:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("scheme \"%s\" grades by one score", s),
					 errhint("Call tier(scheme, score).")));
			break;
		case SCHEME_GRID:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("scheme \"%s\" grades by two scores", s),
					 errdetail("It is a grid: its tiers have a from_value on each of two axes."),
					 errhint("Call tier(scheme, score, score2).")));
			break;
		case SCHEME_SHARE:
		case SCHEME_PARETO:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("scheme \"%s\" grades whole sets, not single scores", s),
					 errdetail("Its tiers are shares of a set, so every tier depends on all the values."),
					 errhint("Call tier_over(scheme, value) OVER (ORDER BY value DESC NULLS LAST).")));
			break;
	}
}

/*
 * tier(scheme text, score numeric) -> text
 */
Datum
tier_of_score(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	Dec			score = graded_value(PG_GETARG_DATUM(1), name);
	const Scheme *scheme = scheme_get(name);
	int			rung;

	if (unlikely(scheme->kind != SCHEME_THRESHOLD))
		refuse_kind(scheme, name);
	rung = ladder_find(&scheme->ladder, score);
	if (rung < 0)
		PG_RETURN_NULL();

	/* a copy: the book may be gone before the caller has looked */
	PG_RETURN_TEXT_P(DatumGetTextPCopy(PointerGetDatum(scheme->names[rung])));
}

/*
 * tier(scheme text, score numeric, score2 numeric) -> text
 */
Datum
tier_of_scores(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	Dec			score = graded_value(PG_GETARG_DATUM(1), name);
	Dec			score2 = graded_value(PG_GETARG_DATUM(2), name);
	const Scheme *scheme = scheme_get(name);
	int			rung;
	int			rung2;
	text	   *tier;

	if (unlikely(scheme->kind != SCHEME_GRID))
		refuse_kind(scheme, name);
	rung = ladder_find(&scheme->ladder, score);
	rung2 = ladder_find(&scheme->ladder2, score2);
	if (rung < 0 || rung2 < 0)
		PG_RETURN_NULL();
	tier = scheme->names[rung * scheme->ladder2.n + rung2];
	if (tier == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("scheme \"%s\" has no tier for scores %s and %s", text_to_cstring(name),
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(1))),
						DatumGetCString(DirectFunctionCall1(numeric_out, PG_GETARG_DATUM(2)))),
				 errdetail("A grid needs a tier for each pair of the from_value and from_value2 that its tiers have."),
				 errhint("Add the missing row to quotetier.tier.")));
	PG_RETURN_TEXT_P(DatumGetTextPCopy(PointerGetDatum(tier)));
}

/*
 * tier.c
 *		tier(): which rung of a scheme's ladder one score stands on.
 *
 * Not here: how the ladder is read and searched (scheme.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "tier/scheme.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(tier_of_score);

static Dec
finite_score(Numeric score, text *scheme)
{
	Dec			value;

	if (unlikely(!dec_from_numeric(score, &value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot grade the score %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(score)))),
				 errdetail("Scheme \"%s\" grades finite numbers.", text_to_cstring(scheme)),
				 errhint("Give NULL for a score that is not known: its tier is NULL.")));
	return value;
}

/*
 * tier(scheme text, score numeric) -> text
 */
Datum
tier_of_score(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	Dec			score = finite_score((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1)), name);
	const Rung *rung = scheme_find(scheme_get(name), score);

	if (rung == NULL)
		PG_RETURN_NULL();

	/* a copy: the book may be gone before the caller has looked */
	PG_RETURN_TEXT_P(DatumGetTextPCopy(PointerGetDatum(rung->name)));
}

/*
 * ahp.c
 *		ahp_weights(): weights from pairwise comparisons, and how consistent they are.
 *
 * Not here: the eigenvector (ahp_math.c).
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "tier/ahp_math.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include <math.h>

PG_FUNCTION_INFO_V1(ahp_weights);

/* Judgements over this are thrown back, Saaty's rule. */
#define CONSISTENT	0.10

/* How far a pair may be from reciprocal: 0.33 and 3 are. */
#define RECIPROCAL	0.02

static void
bad_matrix(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("not a matrix of pairwise comparisons"),
			 errdetail("%s", detail),
			 errhint("Write how much more each row's criterion matters than each column's: "
					 "ARRAY[[1,3,5],[1/3.0,1,3],[1/5.0,1/3.0,1]].")));
}

static double *
read_matrix(ArrayType *array, int *size)
{
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	double	   *matrix;
	int			n;
	int			i;
	int			j;

	if (ARR_NDIM(array) != 2 || ARR_DIMS(array)[0] != ARR_DIMS(array)[1])
		bad_matrix("It is not square.");
	n = ARR_DIMS(array)[0];
	if (n > AHP_MAX)
		bad_matrix(psprintf("It has %d criteria; consistency is known for up to %d.", n, AHP_MAX));

	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &nelements);
	matrix = palloc(nelements * sizeof(double));
	for (i = 0; i < nelements; i++)
	{
		matrix[i] = nulls[i] ? 0 : DatumGetFloat8(elements[i]);
		if (!(matrix[i] > 0) || isinf(matrix[i]))
			bad_matrix(psprintf("Row %d, column %d is not a positive number.", i / n + 1, i % n + 1));
	}
	for (i = 0; i < n; i++)
		for (j = 0; j <= i; j++)
			if (fabs(matrix[i * n + j] * matrix[j * n + i] - 1) > RECIPROCAL)
				bad_matrix(i == j ? psprintf("Row %d, column %d is not 1.", i + 1, i + 1) :
						   psprintf("Row %d, column %d is not the reciprocal of row %d, column %d.",
									i + 1, j + 1, j + 1, i + 1));
	*size = n;
	return matrix;
}

/*
 * ahp_weights(matrix double precision[], force boolean) -> weights, lambda_max, ci, cr
 */
Datum
ahp_weights(PG_FUNCTION_ARGS)
{
	bool		force = PG_GETARG_BOOL(1);
	int			n;
	double	   *matrix = read_matrix(PG_GETARG_ARRAYTYPE_P(0), &n);
	double		weights[AHP_MAX];
	double		lambda;
	double		ci;
	double		cr;
	Datum		elements[AHP_MAX];
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};
	TupleDesc	desc;
	int			i;

	if (!ahp_eigenvector(matrix, n, weights, &lambda))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the comparisons are too far apart to be weighed")));

	/* two criteria cannot contradict each other; nor do those that only rounding puts under n */
	ci = n > 2 ? Max((lambda - n) / (n - 1), 0) : 0;
	cr = n > 2 ? ci / ahp_random_index(n) : 0;
	if (cr >= CONSISTENT && !force)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the comparisons contradict each other"),
				 errdetail("The consistency ratio is %.4f; it must be under %.2f.", cr, CONSISTENT),
				 errhint("Look for rows where A beats B and B beats C, but A does not beat C by as much; or pass force => true.")));

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	for (i = 0; i < n; i++)
		elements[i] = Float8GetDatum(weights[i]);
	values[0] = PointerGetDatum(construct_array(elements, n, FLOAT8OID, sizeof(float8),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = Float8GetDatum(lambda);
	values[2] = Float8GetDatum(ci);
	values[3] = Float8GetDatum(cr);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

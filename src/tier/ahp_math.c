/*
 * ahp_math.c
 *		Power iteration for the analytic hierarchy process. Pure mathematics: no
 *		memory, no errors, nothing of PostgreSQL.
 */
#include "tier/ahp_math.h"

#include <math.h>

#define MAX_ITERATIONS	1000
#define SETTLED			1e-15

int
ahp_eigenvector(const double *matrix, int n, double *weights, double *lambda)
{
	double		next[AHP_MAX];
	int			iteration;
	int			i;
	int			j;

	for (i = 0; i < n; i++)
		weights[i] = 1.0 / n;
	for (iteration = 0; iteration < MAX_ITERATIONS; iteration++)
	{
		double		sum = 0;
		double		change = 0;

		for (i = 0; i < n; i++)
		{
			next[i] = 0;
			for (j = 0; j < n; j++)
				next[i] += matrix[i * n + j] * weights[j];
			sum += next[i];
		}
		if (!(sum > 0) || isinf(sum))
			return 0;
		for (i = 0; i < n; i++)
		{
			next[i] /= sum;
			change += fabs(next[i] - weights[i]);
			weights[i] = next[i];
		}
		*lambda = sum;			/* the weights summed to 1 */
		if (change <= SETTLED * n)
			return 1;
	}

	/* the last bits may go to and fro for ever */
	return 1;
}

double
ahp_random_index(int n)
{
	static const double index[AHP_MAX + 1] = {
		0, 0, 0, .58, .90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59
	};

	return index[n];
}

/*
 * ahp_math.h
 *		The principal eigenvector of a positive reciprocal matrix. Pure mathematics.
 */
#ifndef QUOTETIER_AHP_MATH_H
#define QUOTETIER_AHP_MATH_H

/* The largest matrix that there is a random index for. */
#define AHP_MAX 15

/*
 * Weights (sum 1) and eigenvalue of the n by n matrix, row by row; false when
 * the iteration does not settle, which a positive matrix does not do.
 */
extern int	ahp_eigenvector(const double *matrix, int n, double *weights, double *lambda);

/* Saaty's mean consistency index of random matrices of this size. */
extern double ahp_random_index(int n);

#endif

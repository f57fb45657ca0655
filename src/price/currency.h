/*
 * currency.h
 *		What ISO 4217 says of a currency: how many decimals its minor unit has.
 */
#ifndef QUOTETIER_CURRENCY_H
#define QUOTETIER_CURRENCY_H

#include "postgres.h"

/* Decimals of the currency's minor unit: 0, 2, 3 or 4; -1: no such currency. */
extern int	currency_decimals(const char *code);

#endif

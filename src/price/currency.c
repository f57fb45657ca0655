/*
 * currency.c
 *		The minor units of ISO 4217, and minor_unit(currency) that tells them.
 *
 * Codes without a minor unit (gold, the test codes) are no currencies here. Not
 * here: rates between currencies.
 */
#include "postgres.h"

#include "fmgr.h"
#include "price/currency.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(minor_unit);

/* ISO 4217 list one; also codes withdrawn lately, which old orders still carry */
static const struct
{
	int			decimals;
	const char *codes;
}			minor_units[] =
{
	{2,
	"AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND "
	"BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU "
	"CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
	"GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES "
	"KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
	"MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB "
	"PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
	"SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
	"TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG "},
	{0,
	"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF "
	"XPF "},
	{3,
	"BHD IQD JOD KWD LYD OMR TND "},
	{4,
	"CLF UYW "},
};

int
currency_decimals(const char *code)
{
	int			i;

	if (strlen(code) != 3)
		return -1;
	for (i = 0; i < lengthof(minor_units); i++)
	{
		const char *p;

		for (p = minor_units[i].codes; *p != '\0'; p += 4)
			if (memcmp(p, code, 3) == 0)
				return minor_units[i].decimals;
	}
	return -1;
}

/*
 * minor_unit(currency text) returns numeric
 *		The smallest amount of a currency: 0.01, 1, 0.001 or 0.0001. Of no
 *		currency (NULL): 0.01.
 */
Datum
minor_unit(PG_FUNCTION_ARGS)
{
	int			decimals = 2;

	if (!PG_ARGISNULL(0))
	{
		char	   *code = text_to_cstring(PG_GETARG_TEXT_PP(0));

		decimals = currency_decimals(code);
		if (decimals < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown currency \"%s\"", code),
					 errdetail("A currency is a three-letter code of ISO 4217 that has a minor unit."),
					 errhint("Write the code in capitals, such as EUR, CNY or JPY.")));
	}
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(1, decimals));
}

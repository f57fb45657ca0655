/*
 * vocabulary.c
 *		The words of configuration columns, and which are not supported yet.
 *
 * A word that is not known at all is a mistake (22023). One that the design
 * knows and the engine does not is refused too (0A000): what is saved is never
 * ignored. As the engine grows, not_yet shrinks; nothing else has to change.
 * The same words stand in the tables' CHECKs.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "price/check.h"
#include "utils/builtins.h"

#define MAX_WORDS 20

static const struct
{
	const char *table;
	const char *column;
	const char *words[MAX_WORDS];
}			vocabulary[] =
{
	{"dimension", "kind", {"label", "path"}},
	{"policy", "round_target",
	{"line", "unit", "adjustment", "unit_adjustment", "line_step", "unit_step"}},
	{"policy", "round_mode", {"half_up", "half_even", "up", "down", "ceiling", "floor"}},
	{"step", "level", {"line", "order", "statistical"}},
	{"step", "pick", {"first", "best", "sum", "chain"}},
	{"step", "remainder", {"largest", "last_line", "first_lines", "carry", "none"}},
	{"rule", "adjust",
		{"price", "price_percent", "margin", "markup",
			"percent_off", "percent_on", "amount_off", "amount_on", "line_amount_off",
			"round_to", "free_units", "add_line",
	"floor_price", "floor_percent", "floor_over", "floor_margin", "cap_percent_off", "cap_price"}},
	{"rule", "scale_mode", {"volume", "graduated", "block", "package"}},
	{"rule", "scale_bounds", {"[)", "(]"}},
	{"rule", "free_from", {"cheapest", "dearest"}},
	{"rule", "on_breach", {"clamp", "block", "approve"}},
	{"rule", "state", {"draft", "submitted", "approved", "retired"}},
};

/* No value: any but null. What stands inside a scope check_rule.c looks up itself. */
static const struct
{
	const char *table;
	const char *column;
	const char *value;
}			not_yet[] =
{
	{"policy", "needs_approval", "true"},
	{"rule", "state", "draft"},
	{"rule", "state", "submitted"},
	{"rule", "state", "retired"},
};

static void
check_word(const CheckRow *row, const char *column, const char *const *words)
{
	char	   *value = check_text(row, column);
	StringInfoData known;
	int			i;

	if (value == NULL)
		return;					/* NOT NULL is the table's */
	for (i = 0; i < MAX_WORDS && words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return;
	initStringInfo(&known);
	for (i = 0; i < MAX_WORDS && words[i] != NULL; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", words[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s.%s \"%s\"", row->table, column, value),
			 errdetail("It can be: %s.", known.data),
			 errhint("Write one of these words, in lower case.")));
}

static void
refuse(const char *table, const char *column, const char *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 value == NULL ?
			 errmsg("%s.%s is not supported yet", table, column) :
			 errmsg("%s.%s \"%s\" is not supported yet", table, column, value),
			 errdetail("What this version cannot apply is refused, so that a quote never ignores it."),
			 errhint("Leave %s at its default, or express it by what is supported; see doc/policy.md.", column)));
}

void
check_supported(const char *table, const char *column, const char *value)
{
	int			i;

	for (i = 0; i < lengthof(not_yet); i++)
		if (strcmp(not_yet[i].table, table) == 0 && strcmp(not_yet[i].column, column) == 0 &&
			not_yet[i].value != NULL && strcmp(not_yet[i].value, value) == 0)
			refuse(table, column, value);
}

static void
check_not_yet(const CheckRow *row)
{
	const char *column = NULL;
	char	   *word = NULL;	/* what column holds */
	int			i;

	for (i = 0; i < lengthof(not_yet); i++)
	{
		if (strcmp(not_yet[i].table, row->table) != 0)
			continue;
		if (column == NULL || strcmp(column, not_yet[i].column) != 0)
		{
			Datum		value;
			bool		isnull;

			column = not_yet[i].column;
			word = NULL;
			value = check_datum(row, row->tuple, column, &isnull);
			if (isnull)
				continue;
			if (not_yet[i].value == NULL)
				refuse(row->table, column, NULL);
			switch (SPI_gettypeid(RelationGetDescr(row->rel),
								  SPI_fnumber(RelationGetDescr(row->rel), column)))
			{
				case TEXTOID:
					word = TextDatumGetCString(value);
					break;
				case BOOLOID:
					word = DatumGetBool(value) ? "true" : "false";
					break;
				default:
					break;
			}
		}
		if (word != NULL && strcmp(word, not_yet[i].value) == 0)
			refuse(row->table, column, word);
	}
}

void
check_vocabulary(const CheckRow *row)
{
	int			i;

	for (i = 0; i < lengthof(vocabulary); i++)
		if (strcmp(vocabulary[i].table, row->table) == 0)
			check_word(row, vocabulary[i].column, vocabulary[i].words);
	check_not_yet(row);
}

/*
 * fact_argument.c
 *		Facts as a function's argument: a row, jsonb or JSON text.
 *
 * Statements mostly make the row from columns, for this call alone, and to make
 * one and take it apart again is a good part of what a price costs. So the planner is told to
 * hand over the columns instead: behind the arguments that are declared, while
 * the row's own place tells their names. As a column may be null, a function
 * that has this support is not strict.
 */
#include "postgres.h"

#include "base/fact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(row_support);

/* ----- in the plan ----- */

/* Can the row be null as a whole, or be so by GROUPING SETS? Then its columns do not tell. */
static bool
may_be_null(const PlannerInfo *root)
{
	ListCell   *cell;

	if (root->parse->groupingSets != NIL)
		return true;
	foreach(cell, root->parse->rtable)
	{
		const RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_JOIN && IS_OUTER_JOIN(entry->jointype))
			return true;
	}
	return false;
}

/* The names of the columns that make up a row, as String nodes; NIL if that cannot be told. */
static List *
row_columns(PlannerInfo *root, Node *row, List **columns)
{
	List	   *names = NIL;

	if (IsA(row, RowExpr) && ((RowExpr *) row)->row_typeid == RECORDOID)
	{
		names = ((RowExpr *) row)->colnames;
		*columns = ((RowExpr *) row)->args;
	}
	else if (IsA(row, RowExpr))
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(((RowExpr *) row)->row_typeid, -1);
		ListCell   *cell;

		foreach(cell, ((RowExpr *) row)->args)
		{
			Form_pg_attribute attr = TupleDescAttr(desc, foreach_current_index(cell));

			if (attr->attisdropped)
				continue;
			names = lappend(names, makeString(pstrdup(NameStr(attr->attname))));
			*columns = lappend(*columns, lfirst(cell));
		}
		ReleaseTupleDesc(desc);
	}
	else if (IsA(row, Var) && ((Var *) row)->varattno == InvalidAttrNumber &&
			 ((Var *) row)->varlevelsup == 0 && root != NULL && !may_be_null(root))
	{
		int			number = ((Var *) row)->varno;

		expandRTE(planner_rt_fetch(number, root), number, 0, -1, false, &names, columns);
	}
	return list_length(names) == list_length(*columns) ? names : NIL;
}

static Const *
names_const(List *names)
{
	Datum	   *texts = palloc(list_length(names) * sizeof(Datum));
	ListCell   *cell;

	foreach(cell, names)
		texts[foreach_current_index(cell)] = CStringGetTextDatum(strVal(lfirst(cell)));
	return makeConst(TEXTARRAYOID, -1, InvalidOid, -1,
					 PointerGetDatum(construct_array(texts, list_length(names), TEXTOID, -1, false,
													 TYPALIGN_INT)),
					 false, false);
}

/*
 * row_support(internal) -> internal: of functions with a row among their arguments
 */
Datum
row_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	PlannerInfo *root;
	FuncExpr   *call;
	ListCell   *cell;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	root = ((SupportRequestSimplify *) request)->root;
	call = ((SupportRequestSimplify *) request)->fcall;
	/* a call may be simplified twice */
	if (list_length(call->args) != get_func_nargs(call->funcid))
		PG_RETURN_POINTER(NULL);
	foreach(cell, call->args)
	{
		List	   *columns = NIL;
		List	   *names = row_columns(root, lfirst(cell), &columns);
		List	   *args;

		if (names == NIL || list_length(call->args) + list_length(columns) > FUNC_MAX_ARGS)
			continue;
		args = list_copy(call->args);
		lfirst(list_nth_cell(args, foreach_current_index(cell))) = names_const(names);
		call = copyObject(call);
		call->args = list_concat_copy(args, columns);
		PG_RETURN_POINTER(call);
	}
	PG_RETURN_POINTER(NULL);
}

/* ----- in the call ----- */

/* The columns' type is the call's: one reader reads no other rows. */
#define ROW_OF_COLUMNS 1

/* Works out names and types of the columns, once a call site. */
static void
know_columns(FactReader *reader, FunctionCallInfo fcinfo, int number)
{
	MemoryContext caller = MemoryContextSwitchTo(reader->context);
	TupleDesc	desc;
	Datum	   *names;
	bool	   *nulls;
	int			n;
	int			i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &n);
	desc = CreateTemplateTupleDesc(n);
	for (i = 0; i < n; i++)
		TupleDescInitEntry(desc, i + 1, TextDatumGetCString(names[i]),
						   get_fn_expr_argtype(fcinfo->flinfo, PG_NARGS() - n + i), -1, 0);
	/* as the executor does with rows that it makes */
	reader->columns_desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(caller);
}

static void
read_columns(FactReader *reader, FunctionCallInfo fcinfo, int number)
{
	if (unlikely(reader->columns_desc == NULL))
		know_columns(reader, fcinfo, number);
	fact_reader_columns(reader, reader->columns_desc, ROW_OF_COLUMNS,
						fcinfo->args + PG_NARGS() - reader->columns_desc->natts);
}

Jsonb *
fact_json_from_text(text *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(json))));
}

void
fact_reader_argument(FactReader *reader, FunctionCallInfo fcinfo, int number, FactSource source)
{
	switch (source)
	{
		case FROM_RECORD:
			fact_reader_record(reader, PG_GETARG_HEAPTUPLEHEADER(number));
			break;
		case FROM_COLUMNS:
			read_columns(reader, fcinfo, number);
			break;
		case FROM_JSONB:
			fact_reader_json(reader, PG_GETARG_JSONB_P(number));
			break;
		case FROM_TEXT:
			fact_reader_json(reader, fact_json_from_text(PG_GETARG_TEXT_PP(number)));
			break;
	}
}

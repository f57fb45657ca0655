/*
 * fact_argument.c
 *		Facts as a function's argument: a row, jsonb or JSON text.
 *
 * Statements mostly make the row from columns, for this call alone, and to make
 * one and take it apart again is a good part of what a price costs. So the
 * planner is told to hand over the columns instead: behind the arguments that
 * are declared, while the row's own place tells their names. As a column may be
 * null, a function that has this support is not strict.
 */
#include "postgres.h"

#include "base/fact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(row_support);

/* ----- in the plan ----- */

/* Is there an outer join, by which a row may be null as a whole? Then its columns do not tell. */
static bool
has_outer_join(const Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		const RangeTblEntry *entry = lfirst(cell);

		if (entry->rtekind == RTE_JOIN && IS_OUTER_JOIN(entry->jointype))
			return true;
	}
	return false;
}

/* Does the query read the table or view whose rows are of this type, so that its plan ends with the type? */
static bool
reads_type(const Query *query, Oid type)
{
	Oid			relid = get_typ_typrelid(type);
	ListCell   *cell;

	foreach(cell, query->rtable)
		if (OidIsValid(relid) && lfirst_node(RangeTblEntry, cell)->relid == relid)
			return true;
	return false;
}

/* The names that columns have in a type, of whose values there is one for each; without those dropped. */
static List *
names_of_type(Oid type, List *values, List **columns)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, values)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, foreach_current_index(cell));

		if (attr->attisdropped)
			continue;
		names = lappend(names, makeString(pstrdup(NameStr(attr->attname))));
		*columns = lappend(*columns, lfirst(cell));
	}
	ReleaseTupleDesc(desc);
	return names;
}

/* The columns of a row that is made for the call. */
static List *
made_row_columns(const PlannerInfo *root, RowExpr *row, List **columns)
{
	/* one that is grouped by comes from below: its columns must not give anything else here */
	if (contain_volatile_functions((Node *) row) || expression_returns_set((Node *) row))
		return NIL;
	if (row->row_typeid == RECORDOID)
	{
		*columns = row->args;
		return row->colnames;
	}
	if (root == NULL || !reads_type(root->parse, row->row_typeid))
		return NIL;
	return names_of_type(row->row_typeid, row->args, columns);
}

/* All columns of a table, as the relation's type has them; aliases do not count in it. */
static List *
vars_of_type(const Var *row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(row->vartype, -1);
	List	   *vars = NIL;
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		vars = lappend(vars, makeVar(row->varno, i + 1, attr->atttypid, attr->atttypmod,
									 attr->attcollation, 0));
	}
	ReleaseTupleDesc(desc);
	return vars;
}

/* The columns of a row that the query reads. */
static List *
whole_row_columns(const PlannerInfo *root, const Var *row, List **columns)
{
	const RangeTblEntry *entry;
	List	   *names = NIL;

	if (root == NULL || row->varattno != InvalidAttrNumber || row->varlevelsup != 0 ||
		row->varno < 1 || row->varno > list_length(root->parse->rtable) ||
		has_outer_join(root->parse))
		return NIL;

	/* a table's constraints come here, too, and say 1 whatever the query's first entry is */
	entry = rt_fetch(row->varno, root->parse->rtable);
	if (entry->rtekind == RTE_RELATION)
	{
		if (entry->relkind != RELKIND_VIEW && get_rel_type_id(entry->relid) == row->vartype)
			names = names_of_type(row->vartype, vars_of_type(row), columns);
	}
	else if (row->vartype == RECORDOID &&
			 (entry->rtekind == RTE_VALUES || entry->rtekind == RTE_CTE ||
			  (entry->rtekind == RTE_SUBQUERY && entry->subquery != NULL)))
		expandRTE(unconstify(RangeTblEntry *, entry), row->varno, 0, -1, false, &names, columns);
	return names;
}

/* The names of the columns that make up a row, as String nodes; NIL if that cannot be told. */
static List *
row_columns(const PlannerInfo *root, Node *row, List **columns)
{
	List	   *names = NIL;

	/* by which any row may be null */
	if (root != NULL && root->parse->groupingSets != NIL)
		return NIL;
	if (IsA(row, RowExpr))
		names = made_row_columns(root, (RowExpr *) row, columns);
	else if (IsA(row, Var))
		names = whole_row_columns(root, (Var *) row, columns);
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
fact_reader_argument(FactReader *reader, const FactArgument *argument)
{
	FunctionCallInfo fcinfo = argument->fcinfo;
	int			number = argument->number;

	switch (argument->source)
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

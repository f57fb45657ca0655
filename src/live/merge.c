/*
 * merge.c
 *		Orders that MERGE moves to another partition.
 *
 * PostgreSQL puts such a row into the transition tables of DELETE and INSERT,
 * not of UPDATE, and then fires the statement triggers of the actions that the
 * MERGE spells out. If it spells out UPDATE alone, both rows are lost; so the
 * missing triggers are fired here, for tables we track. Nothing else is in here.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "live/tracker.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

static ExecutorFinish_hook_type next_finish = NULL;

static bool
tracked(Relation rel)
{
	TriggerDesc *desc = rel->trigdesc;
	int			i;

	for (i = 0; desc != NULL && i < desc->numtriggers; i++)
		if (strncmp(desc->triggers[i].tgname, TRIGGER_PREFIX, strlen(TRIGGER_PREFIX)) == 0)
			return true;
	return false;
}

static void
finish_merge(QueryDesc *query)
{
	PlanState  *top = query->planstate;

	if (query->operation == CMD_MERGE && top != NULL && IsA(top, ModifyTableState))
	{
		ModifyTableState *merge = (ModifyTableState *) top;
		ResultRelInfo *target = merge->rootResultRelInfo;
		Relation	rel = target->ri_RelationDesc;

		if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
			(merge->mt_merge_subcommands & MERGE_UPDATE) != 0 &&
			merge->mt_transition_capture != NULL && tracked(rel))
		{
			if ((merge->mt_merge_subcommands & MERGE_DELETE) == 0)
				ExecASDeleteTriggers(query->estate, target, merge->mt_transition_capture);
			if ((merge->mt_merge_subcommands & MERGE_INSERT) == 0)
				ExecASInsertTriggers(query->estate, target, merge->mt_transition_capture);
		}
	}
	if (next_finish)
		next_finish(query);
	else
		standard_ExecutorFinish(query);
}

void
merge_init(void)
{
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_merge;
}

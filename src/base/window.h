/*
 * window.h
 *		What the window function API leaves out: the ORDER BY value's NULLness.
 *
 * A window function cannot ask for the values its window is ordered by. But
 * fetching any argument of a row leaves that row in the executor's slot, and
 * the plan names the column. The window object's own struct is not public; it
 * begins like this in PostgreSQL 15 to 18. Nothing else may look into it.
 */
#ifndef QUOTETIER_WINDOW_H
#define QUOTETIER_WINDOW_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "windowapi.h"

typedef struct WindowObjectHead
{
	NodeTag		type;
	WindowAggState *winstate;
} WindowObjectHead;

/*
 * Whether the first ORDER BY value of a row of the partition is NULL; false
 * without ORDER BY. The function must have an argument.
 */
static inline bool
window_order_is_null(WindowObject window, int64 row)
{
	WindowAggState *winstate = ((WindowObjectHead *) window)->winstate;
	WindowAgg  *plan = (WindowAgg *) winstate->ss.ps.plan;
	bool		isnull;
	bool		isout;

	Assert(IsA(winstate, WindowAggState));
	if (plan->ordNumCols == 0)
		return false;
	(void) WinGetFuncArgInPartition(window, 0, (int) row, WINDOW_SEEK_HEAD, false,
									&isnull, &isout);
	(void) slot_getattr(winstate->ss.ps.ps_ExprContext->ecxt_outertuple,
						plan->ordColIdx[0], &isnull);
	return isnull;
}

#endif

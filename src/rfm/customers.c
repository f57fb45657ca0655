/*
 * customers.c
 *		Collecting: reading a table of orders into a set of customers.
 *
 * The orders come from an ordinary SELECT, so privileges, row security, views,
 * partitions and the snapshot are those of the caller. They are added up by
 * customer_hash.c. Sums that 128 bits do not hold are rare enough to begin
 * again with rfm_agg in SQL, which holds them. Not here: what is then read from
 * the set (customer_set.c).
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "rfm/customers.h"
#include "rfm/revenue.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define BATCH			64

/* Amounts show so many decimals at most before they are cut to what they need. */
#define PADDED_SCALE	20

typedef enum KeyKind
{
	KEY_INT2, KEY_INT4, KEY_INT8, KEY_UUID, KEY_TEXT
} KeyKind;

typedef enum AmountKind
{
	AMOUNT_NUMERIC, AMOUNT_INT2, AMOUNT_INT4, AMOUNT_INT8
} AmountKind;

/* Takes the rows of the SELECT. */
typedef struct OrderReceiver
{
	DestReceiver pub;
	CustomerHash *hash;
	MemoryContext row_context;	/* emptied after every batch */
	KeyKind		key;
	AmountKind	amount;
	bool		at_is_date;
	DateADT		as_of;
	bool		too_long;		/* something does not fit 128 bits */
	int			n;
	CustomerOrder orders[BATCH];
} OrderReceiver;

/* Takes the rows of the aggregate in SQL. */
typedef struct StoreReceiver
{
	DestReceiver pub;
	CustomerSet *set;
} StoreReceiver;

/* The SELECT list, taken from the table's columns. */
typedef struct OrderColumns
{
	KeyKind		key;
	AmountKind	amount;
	Oid			at_type;
	char	   *relation;
	char	   *customer;		/* expressions */
	char	   *at;
	char	   *value;
} OrderColumns;

/* ----- the columns ----- */

static Oid
column_type(Oid source, const char *column)
{
	AttrNumber	attnum = get_attnum(source, column);

	if (attnum == InvalidAttrNumber || attnum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column,
						get_rel_name(source)),
				 errhint("Name the columns of customer, time and amount, in this order.")));
	return getBaseType(get_atttype(source, attnum));
}

static void
wrong_type(Oid source, const char *column, Oid type, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of relation \"%s\" is of type %s", column,
					get_rel_name(source), format_type_be(type)),
			 errdetail("It must be %s.", wanted),
			 errhint("Use a view that casts it.")));
}

/* Until the transaction ends, as if it were read: its columns stay what they are. */
static void
lock_source(Oid source)
{
	Relation	rel = try_relation_open(source, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", source)));
	relation_close(rel, NoLock);
}

static OrderColumns
read_columns(Oid source, const char *customer, const char *at, const char *amount)
{
	OrderColumns c;
	Oid			type;

	lock_source(source);
	c.relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)),
											get_rel_name(source));

	c.customer = pstrdup(quote_identifier(customer));
	type = column_type(source, customer);
	switch (type)
	{
		case INT2OID:
			c.key = KEY_INT2;
			break;
		case INT4OID:
			c.key = KEY_INT4;
			break;
		case INT8OID:
			c.key = KEY_INT8;
			break;
		case UUIDOID:
			c.key = KEY_UUID;
			break;
		case TEXTOID:
		case VARCHAROID:
			c.key = KEY_TEXT;
			break;
		case NUMERICOID:
			/* 1 and 1.0 are the same customer */
			c.key = KEY_TEXT;
			c.customer = psprintf("pg_catalog.trim_scale(%s)::pg_catalog.text", c.customer);
			break;
		default:
			c.key = KEY_TEXT;
			c.customer = psprintf("%s::pg_catalog.text", c.customer);
	}

	c.at = pstrdup(quote_identifier(at));
	c.at_type = column_type(source, at);
	if (c.at_type != DATEOID && c.at_type != TIMESTAMPOID && c.at_type != TIMESTAMPTZOID)
		wrong_type(source, at, c.at_type, "date, timestamp or timestamptz");

	c.value = pstrdup(quote_identifier(amount));
	c.amount = AMOUNT_NUMERIC;
	type = column_type(source, amount);
	switch (type)
	{
		case NUMERICOID:
			break;
		case INT2OID:
			c.amount = AMOUNT_INT2;
			break;
		case INT4OID:
			c.amount = AMOUNT_INT4;
			break;
		case INT8OID:
			c.amount = AMOUNT_INT8;
			break;
		case FLOAT4OID:
		case FLOAT8OID:
		case CASHOID:
			c.value = psprintf("%s::pg_catalog.numeric", c.value);
			break;
		default:
			wrong_type(source, amount, type, "a number");
	}
	return c;
}

/* Runs a read-only query under the caller's snapshot. */
static void
run_query(const char *query, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.read_only = true;
	options.must_return_tuples = true;
	options.dest = receiver;
	result = SPI_execute_extended(query, &options);
	if (result < 0)
		elog(ERROR, "could not read orders: %s", SPI_result_code_string(result));
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
receiver_end(DestReceiver *self)
{
}

/* ----- orders into the hash table ----- */

static void
infinite_day(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("an order's time must be finite"),
			 errhint("Use a view that leaves such orders out, or make the time NULL; NULL is skipped.")));
}

static inline DateADT
day_of(Datum at, bool is_date)
{
	Timestamp	t;
	int64		day;

	if (is_date)
	{
		if (unlikely(DATE_NOT_FINITE(DatumGetDateADT(at))))
			infinite_day();
		return DatumGetDateADT(at);
	}
	t = DatumGetTimestamp(at);
	if (unlikely(TIMESTAMP_NOT_FINITE(t)))
		infinite_day();
	day = t / USECS_PER_DAY;
	return (DateADT) (day - (t < day * USECS_PER_DAY));
}

static void
flush_orders(OrderReceiver *receiver)
{
	if (!customer_hash_add(receiver->hash, receiver->orders, receiver->n))
		receiver->too_long = true;
	receiver->n = 0;
	MemoryContextReset(receiver->row_context);
}

/* An amount that is not simply read in the table's units; false if it does not fit. */
static bool
slow_amount(OrderReceiver *receiver, Datum amount, int128 *units)
{
	MemoryContext caller = MemoryContextSwitchTo(receiver->row_context);
	Revenue		r;
	bool		fits;

	/* refuses NaN and infinity, and pads with zeros to the decimals shown */
	revenue_from_numeric(&r, amount);
	fits = (int128) r.low >> 127 == r.high;
	if (fits && r.scale > receiver->hash->scale)
	{
		int			scale = r.scale;
		int			n = receiver->n;

		/* what waits is in the old units */
		receiver->n = 0;
		fits = customer_hash_add(receiver->hash, receiver->orders, n) &&
			customer_hash_refine(receiver->hash, scale);
	}
	if (fits)
	{
		*units = (int128) r.low;
		fits = refine_units(units, r.scale, receiver->hash->scale);
	}
	MemoryContextSwitchTo(caller);
	return fits;
}

static bool
receive_order(TupleTableSlot *slot, DestReceiver *self)
{
	OrderReceiver *receiver = (OrderReceiver *) self;
	CustomerOrder *order;
	Datum	   *values;
	int128		units = 0;
	DateADT		day;
	int64		u;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2])
		return true;
	values = slot->tts_values;
	day = day_of(values[1], receiver->at_is_date);
	if (day > receiver->as_of)
		return true;

	switch (receiver->amount)
	{
		case AMOUNT_NUMERIC:
			if (likely(dec_units(values[2], receiver->hash->scale, &u)))
				units = u;
			else if (!slow_amount(receiver, values[2], &units))
			{
				receiver->too_long = true;
				return false;
			}
			break;
		case AMOUNT_INT2:
			units = DatumGetInt16(values[2]);
			break;
		case AMOUNT_INT4:
			units = DatumGetInt32(values[2]);
			break;
		case AMOUNT_INT8:
			units = DatumGetInt64(values[2]);
			break;
	}

	order = &receiver->orders[receiver->n];
	order->units = units;
	order->day = day;
	switch (receiver->key)
	{
		case KEY_INT2:
			order->number = (int64) DatumGetInt16(values[0]);
			break;
		case KEY_INT4:
			order->number = (int64) DatumGetInt32(values[0]);
			break;
		case KEY_INT8:
			order->number = DatumGetInt64(values[0]);
			break;
		case KEY_UUID:
			order->len = UUID_LEN;
			order->bytes = MemoryContextAlloc(receiver->row_context, UUID_LEN);
			memcpy(unconstify(char *, order->bytes), DatumGetUUIDP(values[0])->data, UUID_LEN);
			break;
		case KEY_TEXT:
			{
				MemoryContext caller = MemoryContextSwitchTo(receiver->row_context);
				text	   *name = DatumGetTextPP(values[0]);

				order->len = VARSIZE_ANY_EXHDR(name);
				order->bytes = palloc(Max(order->len, 1));
				memcpy(unconstify(char *, order->bytes), VARDATA_ANY(name), order->len);
				MemoryContextSwitchTo(caller);
				break;
			}
	}
	if (++receiver->n == BATCH)
		flush_orders(receiver);
	return !receiver->too_long;
}

/* ----- customers into the store ----- */

static TupleDesc
store_columns(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(4);

	TupleDescInitEntry(desc, 1, "customer", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 2, "last_day", DATEOID, -1, 0);
	TupleDescInitEntry(desc, 3, "orders", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 4, "revenue", NUMERICOID, -1, 0);
	return desc;
}

static void
open_store(CustomerSet *set)
{
	MemoryContext caller = MemoryContextSwitchTo(set->context);

	set->slot = MakeSingleTupleTableSlot(store_columns(), &TTSOpsMinimalTuple);
	set->store = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(caller);
}

static bool
receive_customer(TupleTableSlot *slot, DestReceiver *self)
{
	CustomerSet *set = ((StoreReceiver *) self)->set;

	slot_getallattrs(slot);
	set->scale = Max(set->scale,
					 DatumGetInt32(DirectFunctionCall1(numeric_scale, slot->tts_values[3])));
	tuplestore_putvalues(set->store, set->slot->tts_tupleDescriptor,
						 slot->tts_values, slot->tts_isnull);
	set->n++;
	return true;
}

/* A customer of the hash table as a row. */
void
customers_row_of(const CustomerSet *set, const CustomerHash *hash, const Customer *customer,
				 CustomerRow *row)
{
	if (hash->numbers)
	{
		char		buf[MAXINT8LEN + 1];
		int			len = pg_lltoa((int64) customer->key, buf);

		row->name = PointerGetDatum(cstring_to_text_with_len(buf, len));
	}
	else
	{
		row->name = PointerGetDatum(customer_hash_key(hash, customer));
		if (set->uuid_keys)
			row->name = CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(uuid_out,
																				PointerGetDatum(VARDATA(DatumGetPointer(row->name))))));
	}
	row->value[RECENCY] = dec_make((int64) set->as_of - customer->last_day, 0);
	row->value[FREQUENCY] = dec_make(customer->orders, 0);
	row->value[MONETARY].v = customer->revenue;
	row->value[MONETARY].scale = hash->scale;
	row->value[MONETARY].big = NULL;
}

static void
store_hash(CustomerSet *set, CustomerHash *hash, MemoryContext scratch)
{
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	int64		n = customer_hash_compact(hash);
	int64		i;

	for (i = 0; i < n; i++)
	{
		CustomerRow row;
		Datum		values[4];
		bool		nulls[4] = {false};

		if (i % 1024 == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(scratch);
		}
		customers_row_of(set, hash, &hash->slots[i], &row);
		values[0] = row.name;
		values[1] = DateADTGetDatum(hash->slots[i].last_day);
		values[2] = Int64GetDatum(hash->slots[i].orders);
		values[3] = NumericGetDatum(dec_to_numeric(&row.value[MONETARY], hash->scale));
		tuplestore_putvalues(set->store, set->slot->tts_tupleDescriptor, values, nulls);
	}
	set->n += n;
	MemoryContextReset(scratch);
	MemoryContextSwitchTo(caller);
}

/* Stores the table's customers, then those of its files; false if a sum does not fit. */
static bool
store_customers(CustomerSet *set, CustomerHash *hash, MemoryContext scratch)
{
	int			file;

	check_stack_depth();
	store_hash(set, hash, scratch);
	customer_hash_empty(hash);
	for (file = 0; hash->files != NULL && file < CUSTOMER_FILES; file++)
	{
		CustomerHash *child;
		bool		fits;

		if (hash->files[file] == NULL)
			continue;
		child = customer_hash_replay(hash, file);
		if (child == NULL)
			return false;
		fits = store_customers(set, child, scratch);
		customer_hash_free(child);
		if (!fits)
			return false;
	}
	return true;
}

/* ----- the two ways ----- */

/* By the hash table; false, and nothing collected, when a sum does not fit 128 bits. */
static bool
collect_by_hash(CustomerSet *set, const OrderColumns *c)
{
	OrderReceiver *receiver = palloc0(sizeof(OrderReceiver));
	bool		numbers = c->key <= KEY_INT8;
	bool		fits = true;

	receiver->pub.receiveSlot = receive_order;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_end;
	receiver->pub.rDestroy = receiver_end;
	receiver->pub.mydest = DestNone;
	receiver->hash = customer_hash_create(set->context, numbers, get_hash_memory_limit(), 0, 0);
	receiver->row_context = AllocSetContextCreate(set->context, "quotetier orders",
												  ALLOCSET_DEFAULT_SIZES);
	receiver->key = c->key;
	receiver->amount = c->amount;
	receiver->at_is_date = c->at_type == DATEOID;
	receiver->as_of = set->as_of;
	set->uuid_keys = c->key == KEY_UUID;
	set->numbers = numbers;

	run_query(psprintf("SELECT %s, %s, %s FROM %s", c->customer, c->at, c->value, c->relation),
			  &receiver->pub);
	if (!receiver->too_long)
		flush_orders(receiver);

	set->scale = receiver->hash->scale;
	if (receiver->too_long)
		fits = false;
	else if (receiver->hash->files == NULL)
	{
		set->n = customer_hash_compact(receiver->hash);
		set->hash = receiver->hash;
	}
	else
	{
		open_store(set);
		fits = store_customers(set, receiver->hash, receiver->row_context);
		if (!fits)
		{
			tuplestore_end(set->store);
			ExecDropSingleTupleTableSlot(set->slot);
			set->store = NULL;
			set->n = 0;
		}
	}
	if (set->hash == NULL)
		customer_hash_free(receiver->hash);
	MemoryContextDelete(receiver->row_context);
	return fits;
}

/* By rfm_agg, whose sums are longer. */
static void
collect_by_sql(CustomerSet *set, const OrderColumns *c)
{
	StoreReceiver receiver = {{0}};
	char	   *as_of = DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(set->as_of)));
	bool		local = c->at_type == DATEOID || c->at_type == TIMESTAMPOID;

	receiver.pub.receiveSlot = receive_customer;
	receiver.pub.rStartup = receiver_startup;
	receiver.pub.rShutdown = receiver_end;
	receiver.pub.rDestroy = receiver_end;
	receiver.pub.mydest = DestNone;
	receiver.set = set;
	open_store(set);
	run_query(psprintf("SELECT customer, quotetier.last_at(summary)::pg_catalog.date,"
					   " quotetier.orders(summary), quotetier.revenue(summary)"
					   " FROM (SELECT customer, quotetier.rfm_agg(at, amount) AS summary"
					   " FROM (SELECT %s::pg_catalog.text AS customer, %s%s AS at,"
					   " %s::pg_catalog.numeric AS amount FROM %s) AS orders"
					   " WHERE customer IS NOT NULL"
					   " AND (NOT pg_catalog.isfinite(at)"
					   " OR at::pg_catalog.date OPERATOR(pg_catalog.<=) %s::pg_catalog.date)"
					   " GROUP BY customer) AS customers WHERE summary IS NOT NULL",
					   c->customer, c->at, local ? "" : " AT TIME ZONE 'UTC'",
					   c->value, c->relation, quote_literal_cstr(as_of)),
			  &receiver.pub);
}

CustomerSet *
customers_collect(Oid source, const char *customer, const char *at, const char *amount,
				  DateADT as_of)
{
	CustomerSet *set = palloc0(sizeof(CustomerSet));
	OrderColumns columns = read_columns(source, customer, at, amount);

	if (DATE_NOT_FINITE(as_of))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("as_of must be a finite date"),
				 errhint("Pass the day from which recency is counted, such as current_date.")));
	set->context = AllocSetContextCreate(CurrentMemoryContext, "quotetier customer set",
										 ALLOCSET_DEFAULT_SIZES);
	set->as_of = as_of;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (!collect_by_hash(set, &columns))
		collect_by_sql(set, &columns);
	SPI_finish();
	return set;
}

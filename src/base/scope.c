/*
 * scope.c
 *		Scopes: reading them, ranking them by depth, adding them to the matcher.
 *
 * A scope's words are, for each dimension that it constrains to values: one of
 * the dimension and how many values, and for each value its id and, in a path
 * dimension, its depth.
 */
#include "postgres.h"

#include "base/scope.h"
#include "miscadmin.h"

/* A dimension and how many values of it follow. */
#define DIM_WORD(dim, n) ((uint32) (n) << 8 | (dim))
#define WORD_DIM(word) ((word) & 0xFF)
#define WORD_COUNT(word) ((word) >> 8)

/* Words a value takes. */
#define VALUE_WORDS(reader, dim) ((reader)->is_path[dim] ? 2 : 1)

ScopeReader *
scope_reader_create(int ndims, const char **names, const bool *is_path)
{
	ScopeReader *reader = palloc0(sizeof(ScopeReader));
	int			npaths = 0;
	int			dim;

	if (ndims > MATCH_MAX_DIMENSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rules use more than %d dimensions", MATCH_MAX_DIMENSIONS),
				 errdetail("They use %d.", ndims),
				 errhint("Use conditions for the facts that few rules ask for.")));
	reader->match = match_begin(ndims);
	reader->ndims = ndims;
	reader->names = names;
	reader->name_lens = palloc0((ndims + 1) * sizeof(int));
	reader->is_path = palloc0((ndims + 1) * sizeof(bool));
	reader->path_number = palloc0((ndims + 1) * sizeof(int));
	for (dim = 0; dim < ndims; dim++)
	{
		reader->name_lens[dim] = strlen(names[dim]);
		reader->is_path[dim] = is_path[dim];
		if (is_path[dim])
			reader->path_number[dim] = npaths++;
	}
	if (npaths > SCOPE_MAX_PATHS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the rules use more than %d path dimensions", SCOPE_MAX_PATHS),
				 errdetail("They use %d.", npaths),
				 errhint("Make a dimension whose values have no parts a label.")));
	reader->words_room = 1024;
	reader->words = palloc(reader->words_room * sizeof(uint32));
	reader->exclusions_room = 16;
	reader->exclusions = palloc(reader->exclusions_room * sizeof(ScopeExclusion));
	return reader;
}

/* ----- reading ----- */

static void
add_word(ScopeReader *reader, uint32 word)
{
	if (reader->nwords == reader->words_room)
	{
		reader->words_room *= 2;
		reader->words = repalloc_huge(reader->words, (Size) reader->words_room * sizeof(uint32));
	}
	reader->words[reader->nwords++] = word;
}

static void
add_exclusion(ScopeReader *reader, uint32 dim, uint32 id)
{
	if (reader->nexclusions == reader->exclusions_room)
	{
		reader->exclusions_room *= 2;
		reader->exclusions = repalloc_huge(reader->exclusions, (Size) reader->exclusions_room *
										   sizeof(ScopeExclusion));
	}
	reader->exclusions[reader->nexclusions].dim = dim;
	reader->exclusions[reader->nexclusions++].id = id;
}

static int
dimension_named(int ndims, const char **names, const int *lens, const char *name, int len)
{
	int			dim;

	/* names of one length differ at their ends more often than at their beginnings */
	for (dim = 0; dim < ndims; dim++)
		if (lens[dim] == len && names[dim][len - 1] == name[len - 1] &&
			memcmp(names[dim], name, len) == 0)
			return dim;
	elog(ERROR, "unknown dimension in the configuration");
}

/* What a scope says of a dimension; most often one text. */
typedef struct ScopeEntry
{
	int			dim;
	bool		is_text;
	FactLabel	text;
} ScopeEntry;

/* Takes a scope apart, in one go over its keys and one over its values; returns how many there are. */
static int
take_entries(Jsonb *scope, int ndims, const char **names, const int *lens,
			 ScopeEntry entries[MATCH_MAX_DIMENSIONS])
{
	JsonbContainer *object = &scope->root;
	int			n = JsonContainerSize(object);
	const char *data = (const char *) &object->children[2 * n];
	uint32		at = 0;
	uint32		begin;
	int			i;

	for (i = 0; i < n; i++)
	{
		begin = at;
		JBE_ADVANCE_OFFSET(at, object->children[i]);
		entries[i].dim = dimension_named(ndims, names, lens, data + begin, at - begin);
	}
	for (i = 0; i < n; i++)
	{
		begin = at;
		JBE_ADVANCE_OFFSET(at, object->children[n + i]);
		entries[i].is_text = JBE_ISSTRING(object->children[n + i]);
		entries[i].text.text = data + begin;
		entries[i].text.len = at - begin;
	}
	return n;
}

/* Parts of a path: CN.East has two. */
static uint32
depth_of(FactLabel label)
{
	uint32		depth = 1;
	int			i;

	for (i = 0; i < label.len; i++)
		depth += label.text[i] == '.';
	if (depth > SCOPE_MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a path has more than %d parts", SCOPE_MAX_DEPTH),
				 errdetail("It has %u.", depth),
				 errhint("Use shorter paths.")));
	return depth;
}

static void
read_label(ScopeReader *reader, int dim, FactLabel label, bool left_out)
{
	uint32		id = match_intern(reader->match, dim, label.text, label.len);

	if (left_out)
		add_exclusion(reader, dim, id);
	else
	{
		add_word(reader, id);
		if (reader->is_path[dim])
			add_word(reader, depth_of(label));
	}
}

static void
read_value(ScopeReader *reader, int dim, const JsonbValue *value, bool left_out)
{
	FactLabel	label;

	if (!fact_json_label(value, &label))
		elog(ERROR, "invalid scope in the configuration");
	read_label(reader, dim, label, left_out);
}

/* A value, or a list of values. */
static void
read_values(ScopeReader *reader, int dim, const JsonbValue *value, bool left_out)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (value->type != jbvBinary)
	{
		read_value(reader, dim, value, left_out);
		return;
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			read_value(reader, dim, &element, left_out);
}

/* What a scope says of a dimension, where it is more than one text. */
static void
read_entry(ScopeReader *reader, int dim, const JsonbValue *value)
{
	JsonbValue	space;
	JsonbValue *left_out;
	uint32		at = reader->nwords;

	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
	{
		left_out = getKeyJsonValueFromContainer(value->val.binary.data, "not", 3, &space);
		if (left_out == NULL)
			elog(ERROR, "invalid scope in the configuration");
		read_values(reader, dim, left_out, true);
		return;
	}
	add_word(reader, 0);
	read_values(reader, dim, value, false);
	reader->words[at] = DIM_WORD(dim, (reader->nwords - at - 1) / VALUE_WORDS(reader, dim));
}

void
scope_read(ScopeReader *reader, Jsonb *jsonb, Scope *scope)
{
	ScopeEntry	entries[MATCH_MAX_DIMENSIONS];
	int			n = take_entries(jsonb, reader->ndims, reader->names, reader->name_lens, entries);
	int			i;

	scope->mask = 0;
	scope->words = reader->nwords;
	scope->exclusions = reader->nexclusions;
	for (i = 0; i < n; i++)
	{
		int			dim = entries[i].dim;

		scope->mask |= scope_bit(dim);
		/* a text needs no iterator */
		if (entries[i].is_text)
		{
			add_word(reader, DIM_WORD(dim, 1));
			read_label(reader, dim, entries[i].text, false);
		}
		else
		{
			JsonbValue	space;

			read_entry(reader, dim, getKeyJsonValueFromContainer(&jsonb->root, reader->names[dim],
																 reader->name_lens[dim], &space));
		}
	}
	scope->nwords = reader->nwords - scope->words;
	scope->nexclusions = reader->nexclusions - scope->exclusions;
}

/* ----- depths ----- */

/* The byte of a path dimension in a combination of depths. */
static uint64
depth_bits(const ScopeReader *reader, int dim, uint32 depth)
{
	return (uint64) depth << (8 * (SCOPE_MAX_PATHS - 1 - reader->path_number[dim]));
}

List *
scope_depths(ScopeReader *reader, const Scope *scope)
{
	List	   *combinations = list_make1(palloc0(sizeof(uint64)));
	uint32		at = scope->words;

	while (at < scope->words + scope->nwords)
	{
		uint32		dim = WORD_DIM(reader->words[at]);
		uint32		n = WORD_COUNT(reader->words[at]);
		const uint32 *values = reader->words + at + 1;
		List	   *longer = NIL;
		uint32		i;

		at += 1 + n * VALUE_WORDS(reader, dim);
		if (!reader->is_path[dim])
			continue;
		for (i = 0; i < n; i++)
		{
			uint32		depth = values[2 * i + 1];
			ListCell   *cell;
			uint32		k;

			for (k = 0; k < i; k++)
				if (values[2 * k + 1] == depth)
					break;
			if (k < i)
				continue;
			foreach(cell, combinations)
			{
				uint64	   *depths = palloc(sizeof(uint64));

				*depths = *(uint64 *) lfirst(cell) | depth_bits(reader, dim, depth);
				longer = lappend(longer, depths);
			}
		}
		combinations = longer;
	}
	return combinations;
}

/* Adds an entry for every combination of the values from word at on. */
static void
add_entries(ScopeReader *reader, const Scope *scope, uint64 depths, uint32 payload,
			uint32 at, uint64 mask, uint32 *chosen)
{
	uint32		dim;
	uint32		n;
	uint32		width;
	uint32		i;

	if (at == scope->words + scope->nwords)
	{
		match_add(reader->match, mask, chosen, payload);
		return;
	}
	CHECK_FOR_INTERRUPTS();
	dim = WORD_DIM(reader->words[at]);
	n = WORD_COUNT(reader->words[at]);
	width = VALUE_WORDS(reader, dim);
	for (i = 0; i < n; i++)
	{
		const uint32 *value = reader->words + at + 1 + i * width;

		if (reader->is_path[dim] &&
			(depths & depth_bits(reader, dim, SCOPE_MAX_DEPTH)) != depth_bits(reader, dim, value[1]))
			continue;
		chosen[dim] = value[0];
		add_entries(reader, scope, depths, payload, at + 1 + n * width,
					mask | UINT64CONST(1) << dim, chosen);
	}
}

void
scope_add(ScopeReader *reader, const Scope *scope, uint64 depths, uint32 payload)
{
	uint32		chosen[MATCH_MAX_DIMENSIONS] = {0};

	add_entries(reader, scope, depths, payload, scope->words, 0, chosen);
}

/* ----- searching ----- */

void
scope_query_path(MatchQuery *query, int dim, FactLabel label)
{
	int			depth = 0;
	int			i;

	/* no rule asks for a path of more parts; and each is hashed from the start */
	for (i = 1; i < label.len && depth < SCOPE_MAX_DEPTH; i++)
		if (label.text[i] == '.')
		{
			match_query_add(query, dim, label.text, i);
			depth++;
		}
}

bool
scope_excludes_nothing(const MatchQuery *query, const ScopeExclusion *exclusions, uint32 nexclusions)
{
	uint32		i;
	int			k;

	for (i = 0; i < nexclusions; i++)
	{
		uint32		dim = exclusions[i].dim;

		if (!(query->present & (UINT64CONST(1) << dim)))
			return false;
		for (k = 0; k < query->nids[dim]; k++)
			if (query->ids[dim][k] == exclusions[i].id)
				return false;
	}
	return true;
}

/* ----- one scope, one row ----- */

void
scope_row_init(ScopeRow *row, FactReader *facts, int ndims, uint64 path_dims)
{
	row->facts = facts;
	row->ndims = ndims;
	row->path_dims = path_dims;
	row->known = 0;
}

static int
compare_labels(const void *left, const void *right)
{
	const FactLabel *a = left;
	const FactLabel *b = right;

	return a->len != b->len ? (a->len < b->len ? -1 : 1) : memcmp(a->text, b->text, a->len);
}

static void
put_label(LabelSet *set, const char *text, int len)
{
	if (set->n == set->room)
	{
		FactLabel  *labels = palloc(2 * set->room * sizeof(FactLabel));

		memcpy(labels, set->labels, set->n * sizeof(FactLabel));
		set->labels = labels;
		set->room *= 2;
	}
	set->labels[set->n].text = text;
	set->labels[set->n++].len = len;
}

/* Takes a label; of a path, also what lies above it. */
static void
take_label(void *state, int dim, FactLabel label)
{
	ScopeRow   *row = state;
	LabelSet   *set = &row->sets[dim];
	int			i;

	put_label(set, label.text, label.len);
	for (i = 1; ((row->path_dims >> dim) & 1) != 0 && i < label.len; i++)
		if (label.text[i] == '.')
			put_label(set, label.text, i);
}

const LabelSet *
scope_row_labels(ScopeRow *row, int dim)
{
	LabelSet   *set = &row->sets[dim];

	if ((row->known >> dim) & 1)
		return set;
	set->labels = set->few;
	set->n = 0;
	set->room = lengthof(set->few);
	fact_labels(row->facts, dim, take_label, row);
	if (set->n > 1)
		qsort(set->labels, set->n, sizeof(FactLabel), compare_labels);
	row->known |= UINT64CONST(1) << dim;
	return set;
}

static bool
has_label(const LabelSet *set, FactLabel label)
{
	return bsearch(&label, set->labels, set->n, sizeof(FactLabel), compare_labels) != NULL;
}

/* Is this value one of them, or one of this list? */
static bool
has_value(const LabelSet *set, const JsonbValue *value)
{
	FactLabel	label;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	element;

	if (value->type != jbvBinary)
	{
		if (!fact_json_label(value, &label))
			elog(ERROR, "invalid scope in the configuration");
		return has_label(set, label);
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_ELEM && fact_json_label(&element, &label) && has_label(set, label))
			return true;
	}
	return false;
}

/* Does what a scope says of a dimension, where it is more than one text, hold? */
static bool
entry_holds(const LabelSet *set, const JsonbValue *value)
{
	JsonbValue	space;
	JsonbValue *left_out = NULL;

	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		left_out = getKeyJsonValueFromContainer(value->val.binary.data, "not", 3, &space);
	return left_out == NULL ? has_value(set, value) : set->n > 0 && !has_value(set, left_out);
}

bool
scope_holds(Jsonb *scope, ScopeRow *row)
{
	const char **names = row->facts->names;
	const int  *lens = row->facts->name_lens;
	ScopeEntry	entries[MATCH_MAX_DIMENSIONS];
	int			n = take_entries(scope, row->ndims, names, lens, entries);
	int			i;

	for (i = 0; i < n; i++)
	{
		int			dim = entries[i].dim;
		const LabelSet *set = scope_row_labels(row, dim);
		JsonbValue	space;

		if (entries[i].is_text ? !has_label(set, entries[i].text) :
			!entry_holds(set, getKeyJsonValueFromContainer(&scope->root, names[dim], lens[dim], &space)))
			return false;
	}
	return true;
}

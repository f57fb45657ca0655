# The figures of speed.tsv that are aimed at, as a table for speed.md.

BEGIN {
	FS = "\t"
	split("1000 10000 100000 1000000", sizes, " ")
	print "| figure | aim | at 1 k | 10 k | 100 k | 1 M rules |"
	print "|---|---|---|---|---|---|"
}

FNR > 1 { v[$1, $2, $3] = $4 }

function short(x) { return x >= 100 ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.2f", x) }
function least(a, b) { return a == "" || (b != "" && b < a) ? b : a }
# the better of two arms against net_price, each less what the floor takes
function against(bench, one, other, rules, less,	floor) {
	if (!((bench, "net_price", rules) in v))
		return ""
	floor = less ? v[bench, "floor", rules] : 0
	return short((least(v[bench, one, rules], v[bench, other, rules]) - floor) / (v[bench, "net_price", rules] - floor))
}
function row(figure, aim, cells,	i, line) {
	line = "| " figure " | " aim " |"
	for (i = 1; i <= 4; i++)
		line = line " " cells[i] " |"
	print line
}
function ratios(figure, aim, bench, one, other,		i, cells) {
	for (i = 1; i <= 4; i++)
		cells[i] = ((bench, one, sizes[i]) in v) ? against(bench, one, other, sizes[i], 0) " (" against(bench, one, other, sizes[i], 1) ")" : ""
	row(figure, aim, cells)
}
function values(figure, aim, bench, what, unit,		i, cells) {
	for (i = 1; i <= 4; i++)
		cells[i] = ((bench, what, sizes[i]) in v) ? short(v[bench, what, sizes[i]]) " " unit : ""
	row(figure, aim, cells)
}
function grown(figure, aim, what,	i, cells) {
	for (i = 1; i <= 4; i++)
		cells[i] = ((("growth", what, sizes[i]) in v) && v["growth", what, 1000]) ? short(v["growth", what, sizes[i]] / v["growth", what, 1000]) : ""
	row(figure, aim, cells)
}
function engine(figure, aim, what,	i, cells) {
	for (i = 1; i <= 4; i++)
		cells[i] = (("engines", what, sizes[i]) in v) ? short(v["engines", what, sizes[i]] / v["engines", "net_price", sizes[i]]) : ""
	row(figure, aim, cells)
}
function medusa(figure, aim, what, than,	cells) {
	cells[1] = (("medusa", what, 1000) in v) ? short(v["medusa", what, 1000] / v["medusa", than, 1000]) : ""
	row(figure, aim, cells)
}

END {
	values("`net_price`, 32 shapes: a line", "", "quote32", "net_price", "µs")
	ratios("times as long: the better lookup in SQL", "25", "quote32", "lookup, one index", "lookup, 32 indexes")
	ratios("the lookup by one composite index", "25", "quote32", "lookup, one index", "lookup, one index")
	ratios("joins in bulk", "12", "quote32", "joins in bulk", "joins in bulk")
	ratios("PL/pgSQL", "", "quote32", "PL/pgSQL", "PL/pgSQL")
	values("`net_price`, 9 nested shapes: a line", "", "quote9", "net_price", "µs")
	ratios("times as long: lookup by partial indexes", "6", "quote9", "lookup, 9 indexes", "lookup, 9 indexes")
	ratios("the better of joins in bulk and waterfall", "5", "quote9", "joins in bulk", "waterfall of joins")
	ratios("PL/pgSQL", "", "quote9", "PL/pgSQL", "PL/pgSQL")
	engine("zen-engine", "1,000 at 10 k", "zen-engine")
	engine("json-rules-engine", "1,000 at 1 k", "json-rules-engine")
	medusa("Medusa, one price a call: than a line in a statement", "500", "Medusa, one a call", "net_price, in the statement")
	medusa("… than the same call", "", "Medusa, one a call", "net_price, one a call")
	medusa("Medusa, 200 prices a call: than the same call", "30", "Medusa, 200 a call", "net_price, 200 a call")
	grown("grown since 1 k: equal matches", "at most 3", "equal matches")
	grown("grown since 1 k: realistic mix", "at most 8", "realistic mix")
	values("compile, CPU a rule", "at most 1.5", "compile", "compile", "µs")
	values("image, a rule", "at most 200 from 100 k on", "compile", "size", "bytes")
	values("exactness inside a statement", "at most 5", "exact", "inside a statement", "ns")
	values("exactness, a new snapshot", "at most 3000", "exact", "new snapshot", "ns")
	values("first quote of a connection, shared", "at most 10", "first", "shared", "ms")
	values("… CPU since the connection began", "", "first", "shared, CPU", "ms")
	values("… alone, not shared", "at most 10 at 10 k", "first", "alone", "ms")
	values("… its second quote, which compiles", "", "first", "compiled", "ms")
	values("first statement, nothing", "", "first", "nothing", "ms")
	values("after a change, the next quote elsewhere", "at most 50", "change", "after a change", "ms")
	values("load by `COPY`, a rule", "", "book", "COPY", "µs")
	values("load by `INSERT … SELECT`, a rule", "", "book", "INSERT ... SELECT", "µs")
	values("eight clients, a row each: no trigger", "", "clients", "1 rows, plain", "tps")
	values("… `price_row()`", "", "clients", "1 rows, priced", "tps")
	values("… and rules changing", "", "clients", "1 rows, rules changing, priced", "tps")
	values("`quote` over many lines, no worker", "", "parallel", "0 workers", "s")
	values("… two workers", "", "parallel", "2 workers", "s")
}

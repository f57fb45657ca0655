# Draws speed.tsv: microseconds a line against rules, both axes logarithmic, in two
# panels. A series is drawn where it has figures, and named where it ends.

BEGIN {
	FS = "\t"
	left = 74; top = 92; width = 300; height = 424; gap = 258		# of a panel
	low = 0.1; high = 1e6							# microseconds
	few = 1e3; many = 1e6							# rules

	panel("quote32", 0, "32 shapes of rules")
	series(0, "quote32", "floor", "a C function that does nothing", "#9aa3ad", "3 4", 1.4)
	series(0, "quote32", "net_price", "net_price()", "#0a7d55", "", 3.2)
	series(0, "quote32", "quote", "quote(), with all it tells", "#45b08c", "", 2.2)
	series(0, "quote32", "joins in bulk", "SQL: joins, all lines at once", "#3b6fb5", "", 1.7)
	series(0, "quote32", "lookup, 32 indexes", "SQL: lookup, an index a shape", "#6d5bb8", "", 1.7)
	series(0, "quote32", "lookup, one index", "SQL: lookup, one index", "#a27fc9", "", 1.7)
	series(0, "quote32", "PL/pgSQL", "PL/pgSQL function", "#c0782e", "", 1.7)

	panel("quote9", 1, "9 nested shapes, and engines")
	series(1, "quote9", "floor", "a C function that does nothing", "#9aa3ad", "3 4", 1.4)
	series(1, "quote9", "net_price", "net_price()", "#0a7d55", "", 3.2)
	series(1, "quote9", "quote", "quote(), with all it tells", "#45b08c", "", 2.2)
	series(1, "quote9", "joins in bulk", "SQL: joins, all lines at once", "#3b6fb5", "", 1.7)
	series(1, "quote9", "waterfall of joins", "SQL: joins, step by step", "#7f9fd0", "", 1.7)
	series(1, "quote9", "lookup, 9 indexes", "SQL: lookup, an index a shape", "#6d5bb8", "", 1.7)
	series(1, "quote9", "PL/pgSQL", "PL/pgSQL function", "#c0782e", "", 1.7)
	series(1, "engines", "zen-engine", "zen-engine", "#b5415c", "", 1.7)
	series(1, "engines", "json-rules-engine", "json-rules-engine", "#d1495b", "", 1.7)
	series(1, "medusa", "Medusa, one a call", "Medusa, one price a call", "#7a4b3a", "", 1.7)
	series(1, "medusa", "Medusa, 200 a call", "Medusa, 200 prices a call", "#a06c58", "", 1.7)
}

function panel(name, i, title) { titles[i] = title }
function series(p, bench, what, label, colour, dash, weight) {
	n++
	of[n] = p; key[n] = bench FS what; name[n] = label; colours[n] = colour; dashes[n] = dash; weights[n] = weight
}
function log10(x) { return log(x) / log(10) }
function x(p, rules) { return left + p * (width + gap) + width * log10(rules / few) / log10(many / few) }
function y(us) { return top + height * (1 - log10(us / low) / log10(high / low)) }
function text(at_x, at_y, anchor, size, colour, s, weight) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%s\" fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\"%s>%s</text>\n", at_x, at_y, anchor, size, colour, weight ? " font-weight=\"600\"" : "", s
}
function line(x1, y1, x2, y2, colour) { printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour }
function time(us) { return us < 1000 ? us " µs" : us < 1e6 ? us / 1000 " ms" : us / 1e6 " s" }
function size(rules) { return rules < 1e6 ? rules / 1000 " k" : rules / 1e6 " M" }

FNR > 1 { value[$1 FS $2, ++points[$1 FS $2]] = $4; rules[$1 FS $2, points[$1 FS $2]] = $3 }

END {
	total = left + 2 * (width + gap) - 26
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n", total, top + height + 66, total, top + height + 66
	printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
	text(20, 32, "start", 19, "#1c2530", "What it costs to price a line", 1)
	text(20, 53, "start", 12.5, "#5a6673", "CPU time a line on one core, against the number of rules; both axes logarithmic, lower is better. Medusa by the wall clock.")
	for (p = 0; p < 2; p++) {
		text(x(p, few), top - 14, "start", 13.5, "#1c2530", titles[p], 1)
		for (us = low; us <= high * 1.01; us *= 10) {
			line(x(p, few), y(us), x(p, many), y(us), "#e3e7eb")
			text(x(p, few) - 9, y(us) + 4, "end", 11.5, "#5a6673", time(us + 0))
		}
		for (r = few; r <= many * 1.01; r *= 10) {
			line(x(p, r), y(low), x(p, r), y(low) + 5, "#9aa3ad")
			text(x(p, r), y(low) + 20, "middle", 11.5, "#5a6673", size(r + 0))
		}
		line(x(p, few), y(low), x(p, many), y(low), "#9aa3ad")
		text((x(p, few) + x(p, many)) / 2, y(low) + 42, "middle", 12, "#5a6673", "rules")
	}
	for (s = 1; s <= n; s++) {
		k = key[s]
		if (!points[k])
			continue
		path = ""
		for (i = 1; i <= points[k]; i++)
			path = path sprintf("%s%.1f,%.1f", i == 1 ? "" : " ", x(of[s], rules[k, i]), y(value[k, i]))
		printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-linejoin=\"round\" stroke-linecap=\"round\"%s/>\n", path, colours[s], weights[s], dashes[s] == "" ? "" : " stroke-dasharray=\"" dashes[s] "\""
		for (i = 1; i <= points[k] && dashes[s] == ""; i++)
			printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>\n", x(of[s], rules[k, i]), y(value[k, i]), 1.5 + weights[s] / 2, colours[s]
		end_x[s] = x(of[s], rules[k, points[k]]); end_y[s] = at[s] = y(value[k, points[k]])
	}
	# names keep their distance: those that end at the same place are pushed apart
	for (round = 0; round < 200; round++)
		for (a = 1; a <= n; a++)
			for (b = a + 1; b <= n; b++)
				if ((a in at) && (b in at) && of[a] == of[b] && (end_x[a] - end_x[b]) ^ 2 < 900 && (at[a] - at[b]) ^ 2 < 225) {
					push = (15 - (at[a] > at[b] ? at[a] - at[b] : at[b] - at[a])) / 4 + 0.05
					at[a] += at[a] > at[b] ? push : -push; at[b] -= at[a] > at[b] ? push : -push
				}
	for (s = 1; s <= n; s++)
		if (s in at) {
			# steep ones end in the middle, where others pass: named above
			if (key[s] ~ /^engines/) {
				text(end_x[s] + 8, end_y[s] - 11, "end", 12, colours[s], name[s])
				continue
			}
			if ((at[s] - end_y[s]) ^ 2 > 9)
				line(end_x[s] + 5, end_y[s], end_x[s] + 14, at[s], "#c9d0d6")
			text(end_x[s] + ((at[s] - end_y[s]) ^ 2 > 9 ? 17 : 9), at[s] + 4, "start", 12, colours[s], name[s], weights[s] > 3)
		}
	print "</svg>"
}

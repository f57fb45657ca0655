#!/bin/bash
# What it costs that a quote sees what a SELECT in the same statement would see: in a
# call inside a statement, and in the first call under a new snapshot, both in CPU
# time. Then end to end: a prepared statement of one quote against one that calls a C
# function which does nothing, by pgbench with one client. Medians.
#
#   SET="rules=1000000 rounds=5 seconds=3"
#
# database: book
. "$(dirname "$0")/lib/shell.sh"
rules=${rules:-1000000} rounds=${rounds:-5} seconds=${seconds:-3}

sql -f "$here/lib/mixed.sql" -c "CALL bench.need_mixed($rules, 1000)" -c 'VACUUM ANALYZE quotetier.rule'

# linked with the extension's own objects: only C can see that part of a call
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -shared -fPIC $("$PG_CONFIG" --cflags) -Isrc -I"$("$PG_CONFIG" --includedir-server)" -Wl,-Bsymbolic -o "$work/snapshot.so" \
	bench/lib/snapshot.c $(find src -name '*.o')
sql -c "CREATE FUNCTION bench.same_snapshot_ns(policy text, calls int) RETURNS float8 LANGUAGE c AS '$work/snapshot'" \
	-c "CREATE FUNCTION bench.new_snapshot_ns(policy text, calls int) RETURNS float8 LANGUAGE c AS '$work/snapshot'"
median_of() {
	value -c "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY bench.$1('mixed_$rules', $2)) FROM generate_series(1, 2 * $rounds + 1)"
}
same=$(median_of same_snapshot_ns 1000000) new=$(median_of new_snapshot_ns 20000)
printf 'exactness inside a statement: %7.1f ns a call (<= 5)\n' "$same"
printf '          with a new snapshot: %7.0f ns (<= 3000)\n' "$new"
figure exact 'inside a statement' $rules "round($same::numeric, 1)" ns
figure exact 'new snapshot' $rules "round($new::numeric)" ns

for function in quotetier.net_price bench.floor_price; do echo "$(call $function $rules);" >"$work/$function"; done
for ((round = 0; round <= rounds; round++)); do
	for function in quotetier.net_price bench.floor_price; do
		pgbench -n -M prepared -c 1 -T "$seconds" -f "$work/$function" 2>&1 | awk -v f=$function '/^latency average/ { print f, 1000 * $4 }'
	done
done >"$work/latencies"
quote=$(awk '/net_price/ { print $2 }' "$work/latencies" | tail -n +2 | median) nothing=$(awk '/floor_price/ { print $2 }' "$work/latencies" | tail -n +2 | median)
printf 'a statement of one quote, prepared: %.1f us by the wall clock, of which %.1f are the statement without it\n' "$quote" "$nothing"
figure exact 'prepared statement, one quote' $rules "$quote" us
figure exact 'prepared statement, nothing' $rules "$nothing" us

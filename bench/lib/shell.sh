# Shared by the benches that are shell scripts. They run in the database that
# PGDATABASE names, which has the extension and lib/race.sql.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

sql() { PGOPTIONS="-c client_min_messages=warning ${PGOPTIONS:-}" psql -X -q -v ON_ERROR_STOP=1 -P footer=off "$@"; }
value() { sql -A -t "$@"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# milliseconds of the statements after \timing on
timed() { value "$@" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'; }
figure() { value -c "INSERT INTO bench.figure VALUES ('$1', '$2', $3, $4, '$5')"; }		# BENCH WHAT RULES VALUE UNIT
ratio() { awk "BEGIN { printf \"%.${3:-1}f\", $1 / $2 }"; }

# a line of the realistic mix as a first call asks for it: FUNCTION RULES
call() {
	echo "SELECT $1(f, 12, '2025-06-15', 'mixed_$2') FROM (SELECT 'C7'::text AS customer, 'S11'::text AS sku, 'k11'::text AS category,
		'b11'::text AS brand, 't1'::text AS tier, 'g1'::text AS segment, 'R1.A2.T3'::text AS region, 'h1'::text AS channel, 700 AS order_amount, 19.90 AS list_price) f"
}
size() { value -c "SELECT bench.size($1)"; }

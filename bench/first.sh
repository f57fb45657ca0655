#!/bin/bash
# The first quote of a fresh connection: by the wall clock as psql tells it, in CPU
# time of the backend since it was started, and the memory it then has of its own;
# beside a first statement that calls a C function which does nothing. With the rule
# book shared, and with every connection on its own: alone is its first line, compiled
# its second, for which it compiles. Medians.
#
#   SET="sizes=10000,1000000 connections=20"
. "$(dirname "$0")/lib/shell.sh"
sizes=${sizes:-10000,1000000} connections=${connections:-20}

sql -f "$here/lib/mixed.sql"
sql -c 'CREATE TABLE bench.first (rules int, arm text, ms numeric, cpu numeric, kb numeric)'

first() {			# RULES ARM FUNCTION SHARED: a line of bench.first, of the last of its calls
	local calls=(-c "$(call "$3" "$1")")
	[ "$2" != compiled ] || calls+=("${calls[@]}")
	PGOPTIONS="-c quotetier.share_books=$4" value -F ' ' -c '\timing on' "${calls[@]}" -c '\timing off' \
		-c "SELECT 'own', bench.cpu_ms(), substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s*(\d+)')" |
		awk -v OFS='\t' -v rules="$1" -v arm="$2" '/^Time/ { ms = $2 } /^own/ { print rules, arm, ms, $2, $3 }'
}
# one size after the other: a small book stands in a small table
for rules in ${sizes//,/ }; do
	sql -c "CALL bench.need_mixed($rules, 1000)" -c 'VACUUM ANALYZE quotetier.rule' -c CHECKPOINT >&2
	first $rules shared quotetier.net_price on >/dev/null
	for ((i = 0; i < connections; i++)); do
		first $rules nothing bench.floor_price on
		first $rules shared quotetier.net_price on
		# what takes long needs no more than a few
		[ $((i % 4)) != 0 ] || first $rules alone quotetier.net_price off
		[ $((i % 4)) != 0 ] || first $rules compiled quotetier.net_price off
	done
done | sql -c '\copy bench.first FROM STDIN'

sql <<'SQL'
SELECT rules, arm, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric AS ms, percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu)::numeric AS cpu,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY kb)::numeric AS kb
  INTO TEMP median FROM bench.first GROUP BY rules, arm;
SELECT bench.size(m.rules) AS rules, m.arm, round(m.ms, 2) AS "ms (shared; alone at 10 k: <= 10)", round(m.ms / s.ms, 1) AS "times shared (compiled at 1 M: >= 50)",
       round(m.cpu - n.cpu, 2) AS "ms of CPU more than nothing", m.kb - n.kb AS "kB more than nothing (shared: < 1000)"
  FROM median m JOIN median s ON s.rules = m.rules AND s.arm = 'shared' JOIN median n ON n.rules = m.rules AND n.arm = 'nothing' ORDER BY m.rules, m.ms;
INSERT INTO bench.figure
SELECT 'first', arm, rules, round(ms, 2), 'ms' FROM median UNION ALL SELECT 'first', arm || ', CPU', rules, round(cpu, 2), 'ms' FROM median
UNION ALL SELECT 'first', arm || ', own memory', rules, kb, 'kB' FROM median;
SQL

#!/bin/bash
# The first quote of a fresh connection, by the wall clock as psql tells it, and the
# memory the backend then has of its own; beside a first statement that calls a C
# function which does nothing. With the rule book shared, and with every connection
# on its own. Medians.
#
#   SET="sizes=10000,1000000 connections=20"
#
# database: book
. "$(dirname "$0")/lib/shell.sh"
sizes=${sizes:-10000,1000000} connections=${connections:-20}

sql -f "$here/lib/mixed.sql"
for rules in ${sizes//,/ }; do sql -c "CALL bench.need_mixed($rules, 1000)"; done
sql -c 'VACUUM ANALYZE quotetier.rule' -c 'CREATE TABLE bench.first (rules int, arm text, ms numeric, kb numeric)'

first() {			# RULES ARM FUNCTION SHARED: a line of bench.first
	PGOPTIONS="-c quotetier.share_books=$4" value -F ' ' -c '\timing on' -c "$(call "$3" "$1")" -c '\timing off' \
		-c "SELECT 'own', substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'RssAnon:\s*(\d+)')" |
		awk -v OFS='\t' -v rules="$1" -v arm="$2" '/^Time/ { ms = $2 } /^own/ { print rules, arm, ms, $2 }'
}
for rules in ${sizes//,/ }; do
	first $rules shared quotetier.net_price on >/dev/null
	for ((i = 0; i < connections; i++)); do
		first $rules nothing bench.floor_price on
		first $rules shared quotetier.net_price on
		# what takes long needs no more than a few
		[ $((i % 4)) != 0 ] || first $rules alone quotetier.net_price off
	done
done | sql -c '\copy bench.first FROM STDIN'

sql <<'SQL'
SELECT rules, arm, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric AS ms, percentile_cont(0.5) WITHIN GROUP (ORDER BY kb)::numeric AS kb
  INTO TEMP median FROM bench.first GROUP BY rules, arm;
SELECT bench.size(s.rules) AS rules, round(n.ms, 2) AS "nothing, ms", round(s.ms, 2) AS "shared, ms (<= 10)", round(a.ms, 2) AS "alone, ms",
       round(a.ms / s.ms, 1) AS "alone / shared (>= 50 at 1 M)", s.kb - n.kb AS "shared, kB of its own (< 1000)", a.kb - n.kb AS "alone, kB"
  FROM median s JOIN median a USING (rules) JOIN median n USING (rules) WHERE (s.arm, a.arm, n.arm) = ('shared', 'alone', 'nothing') ORDER BY s.rules;
INSERT INTO bench.figure SELECT 'first', arm, rules, round(ms, 2), 'ms' FROM median UNION ALL SELECT 'first', arm || ', own memory', rules, kb, 'kB' FROM median;
SQL

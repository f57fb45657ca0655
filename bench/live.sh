#!/bin/bash
# Transactions a second of eight clients inserting into a tracked table, beside
# the same table untracked, in turn; the medians and their ratio. What a writer
# folds is in the time measured. Every round ends with check_tracking().
#
#   SET="seconds=5 rounds=3"
# Runs in the database that PGDATABASE names, which has the extension.
set -euo pipefail

seconds=${seconds:-5} rounds=${rounds:-3}

psql -Xq -v ON_ERROR_STOP=1 <<'SQL'
SET client_min_messages = warning;
CREATE SCHEMA bench_live;
CREATE TABLE bench_live.untracked (id bigserial PRIMARY KEY, customer int, at timestamptz, amount numeric);
CREATE TABLE bench_live.tracked (LIKE bench_live.untracked INCLUDING ALL);
CREATE INDEX ON bench_live.untracked (customer);
CREATE INDEX ON bench_live.tracked (customer);
CREATE TABLE bench_live.run (load text, arm text, tps numeric);
SELECT quotetier.track('bench', 'bench_live.tracked', customer => 'customer', at => 'at', amount => 'amount') \g /dev/null
SQL

run() {			# ARM ROWS CUSTOMERS
	local tps
	psql -Xq -c "TRUNCATE bench_live.$1" -c "SELECT quotetier.flush_tracking('bench')" -c CHECKPOINT >/dev/null
	tps=$(echo "INSERT INTO bench_live.$1 (customer, at, amount)
			SELECT (random() * $3)::int, now(), (random() * 10000)::int / 100.0 FROM generate_series(1, $2);" |
		pgbench -n -c 8 -j 2 -T "$seconds" -f - 2>&1 | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
	psql -Xq -c "INSERT INTO bench_live.run VALUES ('$2 rows, $3 customers', '$1', $tps)"
	[ "$(psql -XAtq -c "SELECT count(*) FROM quotetier.check_tracking('bench')")" = 0 ] || { echo "the summary drifted"; exit 1; }
}

for ((round = 0; round < rounds; round++)); do
	for load in "20 199" "1 199" "20 199999"; do
		run untracked $load
		run tracked $load
	done
done

psql -Xq -P footer=off <<'SQL'
SELECT load, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY tps) FILTER (WHERE arm = 'untracked')) AS untracked_tps,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY tps) FILTER (WHERE arm = 'tracked')) AS tracked_tps,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY tps) FILTER (WHERE arm = 'tracked') /
              percentile_cont(0.5) WITHIN GROUP (ORDER BY tps) FILTER (WHERE arm = 'untracked'))::numeric, 2) AS ratio
FROM bench_live.run GROUP BY load ORDER BY load DESC;
SELECT pg_size_pretty(pg_relation_size('bench_live.bench_rfm_queue')) AS queue_size,
       pg_size_pretty(pg_relation_size('bench_live.tracked')) AS orders_size \g (format=unaligned tuples_only=on fieldsep=' of queue beside orders of ')
SET client_min_messages = warning;
SELECT quotetier.untrack('bench') \g /dev/null
DROP SCHEMA bench_live CASCADE;
SQL

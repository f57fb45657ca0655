#!/bin/bash
# price_row() under eight clients at once, each inserting one line, or twenty, a
# transaction: transactions a second beside the same table without the trigger, while
# nobody changes a rule and while a ninth client changes one every tenth of a second.
# In turn; medians.
#
#   SET="rules=1000000 seconds=5 rounds=3"
#
# database: book
. "$(dirname "$0")/lib/shell.sh"
rules=${rules:-1000000} rounds=${rounds:-3} seconds=${seconds:-5}

sql -f "$here/lib/mixed.sql" -c "CALL bench.need_mixed($rules, 1000)" -c 'VACUUM ANALYZE quotetier.rule'
sql <<SQL
CREATE TABLE bench.plain AS SELECT *, NULL::numeric AS net_price FROM bench.line_$rules LIMIT 0;
CREATE TABLE bench.priced (LIKE bench.plain);
CREATE TRIGGER price BEFORE INSERT OR UPDATE ON bench.priced FOR EACH ROW EXECUTE FUNCTION
    quotetier.price_row('policy=mixed_$rules', 'quantity=qty', 'as_of=at', 'net_price=net_price');
CREATE TABLE bench.client_run (load text, arm text, tps numeric);
SQL

run() {			# ARM ROWS LOAD
	local tps
	sql -c "TRUNCATE bench.plain, bench.priced" -c CHECKPOINT
	tps=$(echo "\\set first random(1, 900)
		INSERT INTO bench.$1 SELECT *, NULL FROM bench.line_$rules WHERE id BETWEEN :first AND :first + $2 - 1;" |
		pgbench -n -M prepared -c 8 -j 2 -T "$seconds" -f - 2>&1 | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
	sql -c "INSERT INTO bench.client_run VALUES ('$2 rows$3', '$1', $tps)"
	[ "$(value -c 'SELECT count(*) FROM bench.priced WHERE net_price IS NULL')" = 0 ] || { echo "a row without a price"; exit 1; }
}
sql -c "CREATE INDEX ON bench.line_$rules (id)" -c "ANALYZE bench.line_$rules"

for ((round = 0; round < rounds; round++)); do
	for rows in 1 20; do
		run plain $rows ''
		run priced $rows ''
	done
	echo "\\set rule 10 * $rules + random(1, $rules)
		UPDATE quotetier.rule SET priority = (priority + 1) % 5 WHERE id = :rule;" |
		pgbench -n -c 1 -R 10 -T $((2 * seconds + 5)) -f - >/dev/null 2>&1 &
	writer=$!
	for rows in 1 20; do run priced $rows ', rules changing'; done
	kill $writer 2>/dev/null || true
	wait $writer 2>/dev/null || true
done

sql <<SQL
SELECT p.load, round(n.tps) AS "no trigger, tps", round(p.tps) AS "price_row(), tps", round(p.tps / n.tps, 2) AS ratio
  FROM (SELECT load, percentile_cont(0.5) WITHIN GROUP (ORDER BY tps)::numeric AS tps FROM bench.client_run WHERE arm = 'priced' GROUP BY load) p
  JOIN (SELECT load, percentile_cont(0.5) WITHIN GROUP (ORDER BY tps)::numeric AS tps FROM bench.client_run WHERE arm = 'plain' GROUP BY load) n
    ON n.load = split_part(p.load, ',', 1) ORDER BY p.load;
INSERT INTO bench.figure SELECT 'clients', load || ', ' || arm, $rules, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY tps)::numeric), 'tps' FROM bench.client_run GROUP BY load, arm;
SQL

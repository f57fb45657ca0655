#!/bin/bash
# Compiling a rule book of the realistic mix, and keeping it: the first quote of a
# session that has the library and other policies already, nothing shared.
#
#   SET="sizes=10000,100000,1000000 rounds=5"
#
# database: book
. "$(dirname "$0")/lib/shell.sh"
sizes=${sizes:-10000,100000,1000000} rounds=${rounds:-5}

sql -f "$here/lib/mixed.sql"
for rules in ${sizes//,/ }; do sql -c "CALL bench.need_mixed($rules, 1000)"; done
sql -c "INSERT INTO quotetier.policy (name, currency) VALUES ('tiny', 'USD') ON CONFLICT DO NOTHING" -c 'VACUUM ANALYZE quotetier.rule'

once() {			# RULES: milliseconds of CPU, and bytes
	value -F ' ' <<-SQL
		SET quotetier.share_books = off;
		\o /dev/null
		$(call quotetier.net_price 1 | sed s/mixed_1/tiny/);
		SELECT bench.cpu_ms() AS started \gset
		$(call quotetier.net_price "$1");
		SELECT bench.cpu_ms() AS ended \gset
		\o
		SELECT :ended - :started, bytes FROM quotetier.rule_book_stats('mixed_$1');
	SQL
}
for rules in ${sizes//,/ }; do
	all=$(for ((round = 0; round < rounds; round++)); do once "$rules"; done)
	ms=$(cut -d ' ' -f 1 <<<"$all" | median) bytes=$(cut -d ' ' -f 2 <<<"$all" | median)
	printf '%8s rules: %9.1f ms of CPU, %6.2f us a rule (<= 1.5); %11d bytes, %6.1f a rule (<= 200 from 100 k on)\n' \
		"$(size $rules)" "$ms" "$(ratio "$ms * 1000" $rules 2)" "$bytes" "$(ratio $bytes $rules)"
	figure compile compile $rules "$(ratio "$ms * 1000" $rules 3)" us/rule
	figure compile size $rules "$(ratio $bytes $rules)" bytes/rule
done

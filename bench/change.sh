#!/bin/bash
# One rule of a large book changed, then the next quote in another session that has
# quoted before and stays open, by the wall clock; and the quote after that, where
# nothing has changed. Medians of as many changes as rounds.
#
#   SET="sizes=10000,1000000 rounds=20"
#
# database: book
. "$(dirname "$0")/lib/shell.sh"
sizes=${sizes:-10000,1000000} rounds=${rounds:-20}

sql -f "$here/lib/mixed.sql"
for rules in ${sizes//,/ }; do sql -c "CALL bench.need_mixed($rules, 1000)"; done
sql -c 'VACUUM ANALYZE quotetier.rule'

for rules in ${sizes//,/ }; do
	quote="$(call quotetier.net_price $rules);"
	times=$({	echo "$quote"
		for ((i = 1; i <= rounds; i++)); do
			echo "\\! psql -Xq -c 'UPDATE quotetier.rule SET priority = (priority + 1) % 5 WHERE id = $((rules * 10 + i * (rules / (rounds + 1))))'"
			printf '%s\n' '\timing on' "$quote" "$quote" '\timing off'
		done
	} | timed)
	changed=$(awk NR%2 <<<"$times" | median) same=$(awk 'NR % 2 == 0' <<<"$times" | median)
	printf '%8s rules: %9.2f ms after a change (<= 50), %7.2f ms where nothing has changed\n' "$(size $rules)" "$changed" "$same"
	figure change 'after a change' $rules "$changed" ms
	figure change 'nothing changed' $rules "$same" ms
done

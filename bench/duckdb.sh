#!/bin/bash
# rfm_table against DuckDB (npm @duckdb/node-api, one thread): over DuckDB's own
# columnar copy, and where the rows have to leave PostgreSQL first (COPY to a
# file, load, query). NODE_FOLDER has the package installed, which scripts/bench
# sees to.
#
#   SET="orders=10000000 rounds=3"
#
# npm: @duckdb/node-api
set -euo pipefail
orders=${orders:-10000000} rounds=${rounds:-3}
here=$(cd "$(dirname "$0")" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
[ -d "${NODE_FOLDER:-.}/node_modules/@duckdb" ] ||
	{ echo "npm or the network is not there to install @duckdb/node-api: skipped"; exit 0; }
ln -s "$NODE_FOLDER/node_modules" .

psql -X -q -v ON_ERROR_STOP=1 -v orders="$orders" <<'SQL'
SELECT setseed(0.5) \g /dev/null
CREATE TABLE bench.orders AS
SELECT c AS customer, timestamp '2014-01-01' + i * (interval '4 years' / :orders) AS at,
       (random() * random() * 1000)::numeric(12, 2) AS amount
FROM (SELECT i, (500000 * power(random(), 1.7))::int AS c FROM generate_series(1, :orders) i) o;
VACUUM ANALYZE bench.orders;
SQL
cp "$here/duckdb.mjs" .
node duckdb.mjs "$orders" "$rounds"

// Run by duckdb.sh in a folder that has @duckdb/node-api; times DuckDB here and
// PostgreSQL through psql, in turn, and prints the medians and their ratios.
import { execFileSync } from 'node:child_process'
import { DuckDBInstance } from '@duckdb/node-api'

const rounds = Number(process.argv[3])
const csv = `${process.cwd()}/orders.csv`
const query = `
  SELECT count(customer), sum(recency_days), sum(frequency), sum(monetary), sum(r), sum(f), sum(m)
  FROM (SELECT *, 6 - ntile(5) OVER (ORDER BY recency_days) AS r, ntile(5) OVER (ORDER BY frequency) AS f,
               ntile(5) OVER (ORDER BY monetary) AS m
        FROM (SELECT customer, date '2018-01-01' - max(ordered_at)::date AS recency_days, count(*) AS frequency,
                     sum(amount) AS monetary
              FROM orders GROUP BY customer))`

function psql(...commands) {
  const args = ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1']
  for (const command of commands) args.push('-c', command)
  return execFileSync('psql', args, { encoding: 'utf8' })
}

async function timed(run) {
  const start = process.hrtime.bigint()
  await run()
  return Number(process.hrtime.bigint() - start) / 1e6
}

const rfm = () =>
  psql(`SET jit = off`, `SET max_parallel_workers_per_gather = 0`, `SET work_mem = '512MB'`,
    `SELECT count(customer), sum(recency_days), sum(frequency), sum(monetary), sum(r), sum(f), sum(m), count(segment)
       FROM quotetier.rfm_table('bench.orders', 'customer', 'at', 'amount', as_of => '2018-01-01')`)
const copy = () => psql(`\\copy bench.orders TO '${csv}' WITH (FORMAT csv)`)

const load = async (connection) => {
  await connection.run('CREATE OR REPLACE TABLE orders (customer int, ordered_at timestamp, amount decimal(12, 2))')
  await connection.run(`COPY orders FROM '${csv}' (FORMAT csv, HEADER false)`)
}

const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
copy()
await load(connection)

const times = { rfm: [], own: [], out: [] }
for (let round = 0; round <= rounds; round++) {
  const now = {
    rfm: await timed(rfm),
    own: await timed(() => connection.runAndReadAll(query)),
    out: await timed(async () => { copy(); await load(connection); await connection.runAndReadAll(query) }),
  }
  if (round > 0) for (const arm in now) times[arm].push(now[arm])
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const [a, b, c] = [median(times.rfm), median(times.own), median(times.out)]
const row = (name, ms, ratio) => console.log(`${name.padEnd(44)} ${ms.toFixed(0).padStart(7)} ms  ${ratio}`)
row('rfm_table, scored and segmented', a, `${(a / b).toFixed(2)} x DuckDB on its own copy (<= 3.5)`)
row('DuckDB, own columnar copy, one thread', b, '')
row('DuckDB, rows leave PostgreSQL first', c, `${(c / a).toFixed(2)} x rfm_table (>= 4)`)

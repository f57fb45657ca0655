// Run by engines.sh in a folder that has the packages. Rules and lines come from
// the server; each round times every engine in turn, in CPU time of its process.
import { execFileSync } from 'node:child_process'
import zen from '@gorules/zen-engine'
import jre from 'json-rules-engine'

const sizes = (process.env.sizes ?? '1000,10000,100000').split(',').map(Number)
const lines = Number(process.env.lines ?? 20000), rounds = Number(process.env.rounds ?? 5), seconds = Number(process.env.seconds ?? 1)
const most = 10000      // rules, for json-rules-engine: beyond, a line takes seconds

const psql = (...commands) => execFileSync('psql',
  ['-XqAt', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((c) => ['-c', c])], { encoding: 'utf8', maxBuffer: 1 << 30 })
const rowsOf = (query) => psql(`COPY (SELECT row_to_json(r) FROM (${query}) r) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')`)
  .split('\n').filter(Boolean).map((row) => JSON.parse(row))
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

// what the engine's percent makes of the line, in cents, to compare with quote's
const cents = (line, percent) => Math.floor((line.list_cents * line.qty * (100 - (percent ?? 0)) + 50) / 100)

function decisionTable(rules) {
  const fields = ['customer', 'tier', 'sku', 'category', 'qty', 'at']
  const cell = (value) => value == null ? '' : JSON.stringify(value)
  return {
    contentType: 'application/vnd.gorules.decision',
    nodes: [
      { id: 'in', type: 'inputNode', name: 'in' },
      { id: 'table', type: 'decisionTableNode', name: 'table', content: {
        hitPolicy: 'first',
        inputs: fields.map((field) => ({ id: field, name: field, field })),
        outputs: [{ id: 'percent', name: 'percent', field: 'percent' }],
        rules: rules.map((r, i) => ({
          _id: String(i), customer: cell(r.customer), tier: cell(r.tier), sku: cell(r.sku), category: cell(r.category),
          qty: r.from_qty > 0 ? `>= ${r.from_qty}` : '',
          at: r.valid_from != null ? `>= ${r.valid_from}` : r.valid_to != null ? `< ${r.valid_to}` : '', percent: String(r.percent) })) } },
      { id: 'out', type: 'outputNode', name: 'out' }],
    edges: [{ id: 'a', sourceId: 'in', targetId: 'table', type: 'edge' }, { id: 'b', sourceId: 'table', targetId: 'out', type: 'edge' }],
  }
}

function zenEngine(rules) {
  const decision = new zen.ZenEngine().createDecision(new zen.ZenDecisionContent(decisionTable(rules)))
  return async (line) => (await decision.evaluate(line)).result?.percent
}

// the strongest rule first, and none after the first that holds: four times as fast as asking all of them
function jsonRulesEngine(rules) {
  const engine = new jre.Engine([], { allowUndefinedFacts: true })
  rules.forEach((r, place) => {
    const all = ['customer', 'tier', 'sku', 'category'].filter((f) => r[f] != null).map((fact) => ({ fact, operator: 'equal', value: r[fact] }))
    if (r.from_qty > 0) all.push({ fact: 'qty', operator: 'greaterThanInclusive', value: r.from_qty })
    if (r.valid_from != null) all.push({ fact: 'at', operator: 'greaterThanInclusive', value: r.valid_from })
    if (r.valid_to != null) all.push({ fact: 'at', operator: 'lessThan', value: r.valid_to })
    engine.addRule({ priority: rules.length - place, conditions: { all }, onSuccess: () => engine.stop(),
                     event: { type: 'percent', params: { percent: r.percent } } })
  })
  return async (line) => (await engine.run(line)).events[0]?.params.percent
}

async function perLine(price, asked, from) {
  const start = process.cpuUsage(), until = Date.now() + 1000 * seconds
  let n = 0
  do {
    const line = asked[(from + n) % asked.length]
    if (cents(line, await price(line.facts)) !== line.net_cents) throw new Error(`another price than quote's: ${JSON.stringify(line)}`)
    n++
  } while (Date.now() < until)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / n
}

const facts = 'bench.line9 l CROSS JOIN LATERAL (SELECT l.customer, l.tier, l.sku, l.category, l.list_price) f'
for (const size of sizes) {
  psql(`CALL bench.fill9(${size}, ${lines})`)
  const rules = rowsOf(`SELECT customer, tier, sku, category, from_qty, percent, extract(epoch FROM nullif(valid_from, '-infinity')) AS valid_from,
                               extract(epoch FROM nullif(valid_to, 'infinity')) AS valid_to
                          FROM bench.rule9 ORDER BY shape, priority DESC, percent DESC`)
  const asked = rowsOf(`SELECT json_build_object('customer', l.customer, 'tier', l.tier, 'sku', l.sku, 'category', l.category, 'qty', l.qty, 'at', extract(epoch FROM l.at)) AS facts,
                               l.qty, (l.list_price * 100)::int AS list_cents, (q.net_amount * 100)::bigint AS net_cents
                          FROM ${facts} CROSS JOIN LATERAL quotetier.quote(f, l.qty, l.at, 'nested9_${size}') q ORDER BY l.id`)
  const ours = () => 1000 * psql('SET max_parallel_workers_per_gather = 0', `SELECT median_ms FROM bench.race(1, '{net_price}', ARRAY[$$
    SELECT sum(quotetier.net_price(f, l.qty, l.at, 'nested9_${size}')) FROM ${facts}$$])`) / lines
  const arms = { net_price: ours, 'zen-engine': ((price) => (round) => perLine(price, asked, round * 1000))(zenEngine(rules)) }
  if (size <= most) arms['json-rules-engine'] = ((price) => (round) => perLine(price, asked, round * 1000))(jsonRulesEngine(rules))

  const times = {}
  for (let round = 0; round <= rounds; round++)
    for (const arm in arms) {
      const us = await arms[arm](round)
      if (round > 0) (times[arm] ??= []).push(us)
    }
  console.log(`${size} rules, 9 nested shapes, microseconds of CPU a line`)
  for (const arm in arms) {
    const us = median(times[arm])
    console.log(`  ${arm.padEnd(20)} ${us.toFixed(2).padStart(12)}   ${(us / median(times.net_price)).toFixed(0).padStart(8)} x net_price`)
    psql(`INSERT INTO bench.figure VALUES ('engines', '${arm}', ${size}, round(${us}, 3), 'us')`)
  }
}

// Run by medusa.sh in a folder that has the packages: 1,000 prices of 200 price
// sets in Medusa's pricing module and in a policy, asked for one a call and 200 a
// call, both by a client on the server's socket, in turn.
import { execFileSync } from 'node:child_process'
import pg from 'pg'
import { MedusaModule } from '@medusajs/modules-sdk'

const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env
const rounds = Number(process.env.rounds ?? 7), calls = Number(process.env.calls ?? 200)
const log = console.log
console.log = console.info = () => {}       // its migrations report

const options = { database: { clientUrl: `postgres://${PGUSER}@${encodeURIComponent(PGHOST)}:${PGPORT}/${PGDATABASE}?ssl_mode=disable` } }
await MedusaModule.migrateUp({ moduleKey: 'pricing', modulePath: '@medusajs/pricing', options })
const { pricing } = await MedusaModule.bootstrap({ moduleKey: 'pricing', defaultPath: '@medusajs/pricing', declaration: { scope: 'internal', options } })
const client = new pg.Client()
await client.connect()

// a price for anybody, two for tiers, two for a tier in a region: the more rules hold, the stronger, in both
const cases = [{}, { tier: 'silver' }, { tier: 'gold' }, { tier: 'gold', region: 'EU' }, { tier: 'gold', region: 'US' }]
const contexts = ['basic', 'silver', 'gold'].flatMap((tier) => ['EU', 'US', 'CN'].map((region) => ({ tier, region })))
const skus = Array.from({ length: 200 }, (_, i) => `S${i}`)
const amount = (sku, i) => (2000 + (sku * 37) % 900 - 100 * i) / 100
const sets = await pricing.createPriceSets(skus.map((_, sku) => ({
  prices: cases.map((rules, i) => ({ amount: amount(sku, i), currency_code: 'usd', rules })) })))
const idOf = Object.fromEntries(skus.map((sku, i) => [sku, sets[i].id]))

await client.query(`INSERT INTO quotetier.dimension (name, weight) VALUES ('tier', 2), ('region', 1), ('sku', 3)`)
await client.query(`INSERT INTO quotetier.policy (name, currency) VALUES ('medusa', 'USD')`)
await client.query(`INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('medusa', 10, 'list', 'first')`)
for (const [sku, name] of skus.entries())
  await client.query(`INSERT INTO quotetier.rule (policy, step, scope, adjust, value) SELECT 'medusa', 'list', s, 'price', v FROM unnest($1::jsonb[], $2::numeric[]) u (s, v)`,
    [cases.map((rules) => ({ sku: name, ...rules })), cases.map((_, i) => amount(sku, i))])
await client.query('VACUUM ANALYZE')

const medusa = async (asked, { tier, region }) =>
  (await pricing.calculatePrices({ id: asked.map((sku) => idOf[sku]) }, { context: { currency_code: 'usd', tier, region } }))
    .map((price) => Number(price.calculated_amount))
const ours = async (asked, { tier, region }) =>
  (await client.query({ name: 'price', rowMode: 'array', values: [asked, tier, region], text:
    `SELECT quotetier.net_price(f, 1, now(), 'medusa') FROM unnest($1::text[]) WITH ORDINALITY u (sku, n)
      CROSS JOIN LATERAL (SELECT sku, $2::text AS tier, $3::text AS region) f ORDER BY n` })).rows.map(([price]) => Number(price))

let different = 0
for (const context of contexts) {
  const theirs = await pricing.calculatePrices({ id: skus.map((sku) => idOf[sku]) }, { context: { currency_code: 'usd', ...context } })
  const price = Object.fromEntries(theirs.map((p) => [p.id, Number(p.calculated_amount)]))
  const own = await ours(skus, context)
  skus.forEach((sku, i) => { if (price[idOf[sku]] !== own[i]) different++ })
}
if (different > 0) throw new Error(`${different} prices differ`)

// and without a round trip: many lines in one statement
await client.query(`CREATE TABLE bench.line AS SELECT 'S' || i % 200 AS sku, (ARRAY['basic', 'silver', 'gold'])[i % 3 + 1] AS tier, (ARRAY['EU', 'US', 'CN'])[i % 7 % 3 + 1] AS region
                      FROM generate_series(1, 100000) i`)
const inside = async () => (await client.query(`SELECT median_ms FROM bench.race(1, '{net_price}', ARRAY[$$
  SELECT sum(quotetier.net_price(f, 1, now(), 'medusa')) FROM bench.line l CROSS JOIN LATERAL (SELECT l.sku, l.tier, l.region) f$$], wall => true)`)).rows[0].median_ms / 100

const perPrice = async (price, size) => {
  const n = size === 1 ? calls : Math.max(calls / 20, 1)
  const start = process.hrtime.bigint()
  for (let i = 0; i < n; i++) await price(size === 1 ? [skus[i * 7 % 200]] : skus, contexts[i % contexts.length])
  return Number(process.hrtime.bigint() - start) / 1000 / n / size
}
const arms = { 'one a call': { Medusa: () => perPrice(medusa, 1), net_price: () => perPrice(ours, 1) },
               '200 a call': { Medusa: () => perPrice(medusa, 200), net_price: () => perPrice(ours, 200) },
               'in the statement': { net_price: inside } }
const times = {}
for (let round = 0; round <= rounds; round++)
  for (const how in arms)
    for (const who in arms[how]) {
      const us = Number(await arms[how][who]())
      if (round > 0) (times[`${who}, ${how}`] ??= []).push(us)
    }

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
log('1,000 prices, microseconds a price by the wall clock; all prices equal')
for (const arm in times) {
  const us = median(times[arm]), how = arm.split(', ')[1]
  const than = (other) => `${(us / median(times[`net_price, ${other}`])).toFixed(1).padStart(8)} x net_price, ${other}`
  log(`  ${arm.padEnd(30)} ${us.toFixed(2).padStart(10)}  ${arm.startsWith('Medusa') ? than(how) + than('in the statement') : ''}`)
  execFileSync('psql', ['-Xq', '-c', `INSERT INTO bench.figure VALUES ('medusa', '${arm}', 1000, round(${us}, 3), 'us')`])
}
process.exit(0)

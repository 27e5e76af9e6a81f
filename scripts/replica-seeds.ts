// Many short lives of a replica group under faults: node scripts/replica-seeds.ts --seeds N --from S
import { parseArgs } from 'node:util'
import { turmoil } from '../test/overlay/replica/turmoil.ts'

const { values } = parseArgs({ options: { seeds: { type: 'string' }, from: { type: 'string' } } })
const count = Number(values.seeds ?? 1_000)
const from = Number(values.from ?? Date.now() % 1_000_000_000)
console.error(`node scripts/replica-seeds.ts --from ${from} --seeds ${count}`)

// Half of all errors here are answers; their stacks are for those who look at one.
if (count > 1) Error.stackTraceLimit = 0
const totals: Record<string, number> = {}
const failed: number[] = []
for (let seed = from; seed < from + count; seed++) {
  try {
    for (const [name, figure] of Object.entries(await turmoil(seed))) totals[name] = (totals[name] ?? 0) + figure
  } catch (thrown) {
    failed.push(seed)
    console.error(thrown instanceof Error ? (count === 1 ? thrown : thrown.message) : thrown)
  }
  if ((seed - from + 1) % 1_000 === 0) console.error(`${seed - from + 1} seeds, ${failed.length} failed`)
}
const cpuMs = process.cpuUsage().user / 1_000
console.log(JSON.stringify({ seeds: count, failed, cpuMsEach: Math.round((10 * cpuMs) / count) / 10, ...totals }))
process.exit(failed.length === 0 ? 0 : 1)

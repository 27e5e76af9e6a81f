// Kills a real daemon at random moments while it submits and runs jobs: node scripts/torture.ts [SECONDS] [SEED]
import { torture } from '../test/support/torture.ts'

const [seconds = '60', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
console.error(`node scripts/torture.ts ${seconds} ${seed}`)
const report = await torture({ seed: Number(seed), forMs: Number(seconds) * 1_000, say: (line) => console.error(line) })
console.log(JSON.stringify(report, undefined, 2))
process.exit(report.faults.length === 0 ? 0 : 1)

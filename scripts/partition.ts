// Cuts a grid of real daemons in two halves, in network namespaces, and heals it: node scripts/partition.ts [HALF] [SECONDS]
import { whyNoNamespaces } from '../test/support/namespaces.ts'
import { partition } from '../test/support/partition.ts'

const [half = '10', seconds = '60'] = process.argv.slice(2)
const whyNot = whyNoNamespaces()
if (whyNot !== undefined) {
  console.error(whyNot)
  process.exit(1)
}
const report = await partition({
  halfCount: Number(half),
  cutMs: Number(seconds) * 1_000,
  say: (line) => console.error(line),
})
console.log(JSON.stringify(report, undefined, 2))
process.exit(report.faults.length === 0 ? 0 : 1)

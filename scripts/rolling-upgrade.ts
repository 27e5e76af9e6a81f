// Restarts a grid node by node under load, and counts what failed: node scripts/rolling-upgrade.ts [DAEMONS] [SEED]
import { rollingUpgrade } from '../test/support/rolling-upgrade.ts'

const [daemonCount = '5', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
console.error(`node scripts/rolling-upgrade.ts ${daemonCount} ${seed}`)
const report = await rollingUpgrade({
  daemonCount: Number(daemonCount),
  seed: Number(seed),
  say: (line) => console.error(`  ${line}`),
})
console.log(JSON.stringify(report, undefined, 2))
process.exit(report.failures.length === 0 ? 0 : 1)

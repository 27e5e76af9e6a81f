// Starts many daemons, kills half at once, brings them back, takes the first away, and prints each figure beside its bar:
// node scripts/forty.ts [DAEMONS] [SEED]
import { forty, type Figure } from '../test/support/forty.ts'

const [daemonCount = '40', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
console.error(`node scripts/forty.ts ${daemonCount} ${seed}`)

const missed: Figure[] = []
await forty({
  daemonCount: Number(daemonCount),
  seed: Number(seed),
  say: (line) => console.error(`  ${line}`),
  onFigure: (figure) => {
    const { what, value, unit, bar } = figure
    const isMissed = bar !== undefined && value > bar
    if (isMissed) missed.push(figure)
    const beside = bar === undefined ? '' : `  at most ${bar} ${unit}${isMissed ? '  MISSED' : ''}`
    console.log(`${what.padEnd(56)} ${value.toFixed(1).padStart(7)} ${unit}${beside}`)
  },
})
process.exit(missed.length === 0 ? 0 : 1)

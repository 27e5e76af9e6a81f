// Runs daemons with churn for as long as asked, and prints by minute what those that live on use:
// node scripts/soak.ts [MINUTES] [DAEMONS] [SEED]
import { soak, type Spread } from '../test/support/soak.ts'

const [minutes = '60', daemonCount = '10', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2)
console.error(`node scripts/soak.ts ${minutes} ${daemonCount} ${seed}`)

const both = ({ median, max }: Spread): string => `${median.toFixed(0).padStart(4)}/${max.toFixed(0).padEnd(4)}`
console.log('median/max of the lasting daemons; MiB')
console.log('minute   rss       heap     external  connections streams   restarts finds jobs failures   rss by daemon')
await soak({
  minutes: Number(minutes),
  daemonCount: Number(daemonCount),
  seed: Number(seed),
  say: (line) => console.error(line),
  onMinute: (at, byDaemon) =>
    console.log(
      [
        String(at.minute).padStart(6),
        ...[at.rssMib, at.heapMib, at.externalMib, at.connections, at.streams].map(both),
        ...[at.restarts, at.finds, at.jobs, at.failures].map((count) => String(count).padStart(6)),
        byDaemon.map(({ rssMib }) => rssMib.toFixed(0)).join(' '),
      ].join('  '),
    ),
})

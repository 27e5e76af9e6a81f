/** How long does a query take for 1, 10 and 20 nodes, their live attributes included, beside a bare round trip on an open stream? */
import { findStream } from '../node/client/index.ts'
import type { FindReply } from '../node/surface/index.ts'
import { startEcho } from './support/echo.ts'
import { withGrid } from './support/grid.ts'
import { header, quick, row, summary, timeMs } from './support/report.ts'

/** 40 daemons take 5 GiB: `node bench/find.ts 40`. */
const daemonCount = quick ? 3 : Number(process.argv[2] ?? 10)
const wantedCounts = [1, 10, 20, daemonCount].filter(
  (count, index, all) => count <= daemonCount && all.indexOf(count) === index,
)
const roundCount = quick ? 20 : 300
const recordBytes = 64
const where = 'Cores >= 1 && FreeMemory > 1MiB'

header(
  'How long does a query take for 1, 10 and 20 nodes, their live attributes included, beside one round trip on an open stream?',
  { daemonCount, wantedCounts: wantedCounts.join(','), roundCount, recordBytes },
)

const echo = await startEcho(recordBytes)
try {
  await withGrid(daemonCount, async ({ daemons, fetchOf }) => {
    const fetch = fetchOf(daemons[0]!)
    /** Resolves with how long it took within the daemon. */
    const find = async (count: number): Promise<number> => {
      const body = JSON.stringify({ where, count, timeoutMs: 10_000 })
      const response = await fetch('/find', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const { nodes, explanation } = (await response.json()) as FindReply
      if (nodes.length !== count) throw new Error(`${nodes.length} of ${count} nodes were found`)
      return explanation.elapsedMs
    }
    const first = async (): Promise<void> => {
      for await (const line of findStream(fetch, { where, count: daemonCount, timeoutMs: 10_000 }))
        if (line.type === 'node') return
    }
    const samples = { echo: [] as number[], surface: [] as number[], first: [] as number[] }
    const finds = wantedCounts.map((count) => ({ count, wholeMs: [] as number[], withinMs: [] as number[] }))
    for (let warm = 0; warm < 10; warm++) await Promise.all([find(daemonCount), echo.ask()])
    // In turns, so that what else the machine does falls on all of them.
    for (let round = 0; round < roundCount; round++) {
      samples.echo.push(await timeMs(echo.ask))
      samples.surface.push(await timeMs(async () => (await fetch('/status')).json()))
      samples.first.push(await timeMs(first))
      for (const { count, wholeMs, withinMs } of finds)
        wholeMs.push(await timeMs(async () => void withinMs.push(await find(count))))
    }
    const base = summary(samples.echo).median
    row('one round trip on an open stream', samples.echo, 'ms')
    row('one request over the Unix socket (`status`)', samples.surface, 'ms', base)
    row(`find ${daemonCount}, until the first is there`, samples.first, 'ms', base)
    for (const { count, wholeMs, withinMs } of finds) {
      row(`find ${count} of ${daemonCount}, over the socket`, wholeMs, 'ms', base)
      row(`find ${count} of ${daemonCount}, within the daemon`, withinMs, 'ms', base)
    }
  })
} finally {
  await echo.stop()
}

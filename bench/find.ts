/** How long does a query take on ten daemons, live attributes of all of them included, and when is the first of them there? */
import { findStream } from '../node/client/index.ts'
import type { FindReply } from '../node/surface/index.ts'
import { startEcho } from './support/echo.ts'
import { withGrid } from './support/grid.ts'
import { header, quick, row, summary, timeMs } from './support/report.ts'

const daemonCount = quick ? 3 : 10
const roundCount = quick ? 20 : 300
const recordBytes = 64

header(
  'How long does a query take that asks every daemon for its live attributes, beside one round trip on an open stream?',
  {
    daemonCount,
    roundCount,
    recordBytes,
  },
)

const echo = await startEcho(recordBytes)
try {
  await withGrid(daemonCount, async ({ daemons, fetchOf }) => {
    const fetch = fetchOf(daemons[0]!)
    const where = 'Cores >= 1 && FreeMemory > 1MiB'
    const first = async (): Promise<void> => {
      for await (const line of findStream(fetch, { where, count: daemonCount, timeoutMs: 10_000 }))
        if (line.type === 'node') return
    }
    const find = async (): Promise<void> => {
      const body = JSON.stringify({ where, count: daemonCount, timeoutMs: 10_000 })
      const response = await fetch('/find', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const { nodes } = (await response.json()) as FindReply
      if (nodes.length !== daemonCount) throw new Error(`${nodes.length} of ${daemonCount} daemons were found`)
    }
    const firstMs: number[] = []
    const findMs: number[] = []
    const echoMs: number[] = []
    const surfaceMs: number[] = []
    for (let warm = 0; warm < 10; warm++) await Promise.all([find(), echo.ask()])
    for (let round = 0; round < roundCount; round++) {
      echoMs.push(await timeMs(echo.ask))
      surfaceMs.push(await timeMs(async () => (await fetch('/status')).json()))
      findMs.push(await timeMs(find))
      firstMs.push(await timeMs(first))
    }
    const base = summary(echoMs).median
    row('one round trip on an open stream', echoMs, 'ms')
    row('one request over the Unix socket (`status`)', surfaceMs, 'ms', base)
    row('find, until the first node is there', firstMs, 'ms', base)
    row(`find on ${daemonCount} daemons, over the socket`, findMs, 'ms', base)
  })
} finally {
  await echo.stop()
}

/** What does a daemon cost while nothing happens, beside a bare libp2p node with the same services? */
import { setTimeout as sleep } from 'node:timers/promises'
import { withBareNodes } from './support/bare-grid.ts'
import { metricsOf, withGrid } from './support/grid.ts'
import { cpuSeconds, residentMib } from './support/process.ts'
import { header, quick, row, summary } from './support/report.ts'

const daemonCount = quick ? 3 : Number(process.argv[2] ?? 10)
/** What starting leaves behind is not what idling costs. */
const settleMs = quick ? 2_000 : 60_000
const observedMs = quick ? 3_000 : 60_000

header('What does a daemon cost while nothing happens, beside a bare libp2p node with the same services?', {
  daemonCount,
  settleMs,
  observedMs,
})

interface Idle {
  readonly mib: number[]
  readonly corePercent: number[]
  readonly connections: number[]
  readonly startSeconds: number[]
}

let bare: Idle | undefined
await withBareNodes(daemonCount, async (nodes) => {
  bare = await observe(
    nodes.map(({ pid }) => pid),
    () => Promise.all(nodes.map((node) => node.connectionsCount())),
  )
})

await withGrid(daemonCount, async ({ daemons, fetchOf }) => {
  const gossip = async (): Promise<number[]> =>
    Promise.all(daemons.map(async (daemon) => (await metricsOf(fetchOf(daemon))).get('roost_net_grid_sent_bytes')!))
  let sentBytes: number[] = []
  const idle = await observe(
    daemons.map((daemon) => daemon.process.pid),
    async () => {
      const all = await Promise.all(daemons.map((daemon) => metricsOf(fetchOf(daemon))))
      return all.map((metrics) => metrics.get('roost_net_connections_count')!)
    },
    async (run) => {
      const before = await gossip()
      const startedMs = performance.now()
      await run()
      const seconds = (performance.now() - startedMs) / 1000
      const after = await gossip()
      sentBytes = after.map((bytes, index) => (bytes - before[index]!) / seconds)
    },
  )
  compare('resident memory', (of) => of.mib, 'MiB', 'at most 25 MiB more')
  compare('share of a core', (of) => of.corePercent, '%', 'at most 0.5 % more')
  compare('connections', (of) => of.connections, '')
  compare('processor time to start and gather', (of) => of.startSeconds, 's')
  row('daemon: gossip of its own, sent', sentBytes, 'B/s')
  console.log(`  ${''.padEnd(44)} at most 2000 B/s`)
  console.log(`  all ${daemonCount} daemons together: ${(summary(idle.mib).median * daemonCount) | 0} MiB`)

  function compare(what: string, of: (idle: Idle) => number[], unit: string, bar = ''): void {
    row(`bare libp2p node: ${what}`, of(bare!), unit)
    row(`daemon: ${what}`, of(idle), unit, summary(of(bare!)).median)
    const more = summary(of(idle)).median - summary(of(bare!)).median
    console.log(`  ${''.padEnd(44)} ${more >= 0 ? '+' : ''}${more.toFixed(2)} ${unit}  ${bar}`)
  }
})

/** `around` runs the time of watching, so that more can be measured of it. */
async function observe(
  pids: readonly number[],
  countConnections: () => Promise<number[]>,
  around: (run: () => Promise<void>) => Promise<void> = (run) => run(),
): Promise<Idle> {
  await sleep(settleMs)
  const startSeconds = pids.map(cpuSeconds)
  const connections = await countConnections()
  let corePercent: number[] = []
  await around(async () => {
    const before = pids.map(cpuSeconds)
    await sleep(observedMs)
    corePercent = pids.map((pid, index) => ((cpuSeconds(pid) - before[index]!) / (observedMs / 1000)) * 100)
  })
  return { mib: pids.map(residentMib), corePercent, connections, startSeconds }
}

/** What does a daemon cost while nothing happens: how much memory, and what share of a core? */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withGrid } from './support/grid.ts'
import { cpuSeconds, residentMib } from './support/process.ts'
import { header, quick, row, summary } from './support/report.ts'

const daemonCount = quick ? 3 : 10
/** What starting leaves behind is not what idling costs. */
const settleMs = quick ? 2_000 : 20_000
const observedMs = quick ? 3_000 : 60_000

header('What does a daemon cost while nothing happens, beside a libp2p node that does nothing?', {
  daemonCount,
  settleMs,
  observedMs,
})

const empty = spawn(process.execPath, [join(import.meta.dirname, 'support/empty-libp2p.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  await once(empty.stdout, 'data')
  await withGrid(daemonCount, async ({ daemons }) => {
    await sleep(settleMs)
    const pids = daemons.map((daemon) => daemon.process.pid)
    const [base, ...idle] = await observe([empty.pid!, ...pids])
    row('empty libp2p node: resident memory', [base!.mib], 'MiB')
    row(
      'daemon: resident memory',
      idle.map(({ mib }) => mib),
      'MiB',
      base!.mib,
    )
    row('empty libp2p node: share of a core', [base!.corePercent], '%')
    row(
      'daemon: share of a core',
      idle.map(({ corePercent }) => corePercent),
      '%',
    )
    console.log(
      `  all ${daemonCount} daemons together: ${(summary(idle.map(({ mib }) => mib)).median * daemonCount) | 0} MiB`,
    )
  })
} finally {
  empty.kill()
}

async function observe(pids: readonly number[]): Promise<{ mib: number; corePercent: number }[]> {
  const before = pids.map(cpuSeconds)
  await sleep(observedMs)
  return pids.map((pid, index) => ({
    mib: residentMib(pid),
    corePercent: ((cpuSeconds(pid) - before[index]!) / (observedMs / 1000)) * 100,
  }))
}

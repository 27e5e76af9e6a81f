import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fetch } from '../../overlay/contract/index.ts'
import { socketFetch } from '../../node/client/index.ts'
import { SOCKET_NAME } from '../../node/data/index.ts'
import { startGrid, stopGrid, type DevDaemon } from '../../node/dev/index.ts'

/** A grid of real daemons on loopback, as benches see it. */
export interface BenchGrid {
  readonly dir: string
  readonly daemons: readonly DevDaemon[]
  /** HTTP to a daemon over its socket. */
  fetchOf(daemon: DevDaemon): Fetch
}

const never = new AbortController().signal

/** Starts a grid, waits until every daemon knows every other, runs the bench, and ends the grid whatever happens. */
export async function withGrid(count: number, run: (grid: BenchGrid) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'roost-bench-'))
  const tools = {
    entry: join(import.meta.dirname, '../../roost.ts'),
    env: process.env,
    signal: never,
    progress: (text: string) => process.stderr.write(`  ${text}\n`),
  }
  try {
    const { daemons } = await startGrid(dir, count, tools)
    try {
      const fetchOf = (daemon: DevDaemon): Fetch =>
        socketFetch(join(daemon.dataDir, SOCKET_NAME), { signal: never, unreachableHint: '' })
      for (const daemon of daemons) await allAlive(fetchOf(daemon), count)
      await run({ dir, daemons, fetchOf })
    } finally {
      await stopGrid(dir, tools)
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function allAlive(fetch: Fetch, count: number): Promise<void> {
  for (;;) {
    const { nodes } = (await (await fetch('/status')).json()) as { nodes: { alive: number } }
    if (nodes.alive === count) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** All that a daemon has on `/metrics`, by name; what has labels is left out. */
export async function metricsOf(fetch: Fetch): Promise<ReadonlyMap<string, number>> {
  const lines = (await (await fetch('/metrics')).text()).split('\n').map((line) => /^(\w+) (\S+)$/.exec(line))
  return new Map(lines.flatMap((found) => (found === null ? [] : [[found[1]!, Number(found[2])]])))
}

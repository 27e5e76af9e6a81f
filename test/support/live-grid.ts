import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fetch } from '../../overlay/contract/index.ts'
import { socketFetch } from '../../node/client/index.ts'
import { SOCKET_NAME } from '../../node/data/index.ts'
import {
  killDaemon,
  readGrid,
  replaceDaemon,
  restartDaemon,
  startGrid,
  stopGrid,
  type DevDaemon,
  type DevTools,
} from '../../node/dev/index.ts'
import type { FindReply, NodeReport, Status } from '../../node/surface/index.ts'

/** A question to one daemon is given up after this. */
const ASK_MS_MAX = 30_000

/** Real daemons on loopback, many of them, for scripts that break them and their tests. Numbers are from 1. */
export class LiveGrid {
  readonly dir: string
  readonly #tools: DevTools

  /** Starts so many daemons; `begun` is told when the first is about to. */
  static async start(count: number, say: (line: string) => void): Promise<LiveGrid> {
    const grid = new LiveGrid(mkdtempSync(join(tmpdir(), 'roost-live-')), say)
    await startGrid(grid.dir, count, grid.#tools)
    return grid
  }

  private constructor(dir: string, say: (line: string) => void) {
    this.dir = dir
    const entry = join(import.meta.dirname, '../../roost.ts')
    this.#tools = { entry, env: process.env, signal: new AbortController().signal, progress: say }
  }

  async daemons(): Promise<readonly DevDaemon[]> {
    return (await readGrid(this.dir))!.daemons
  }

  /** HTTP to a daemon over its socket. */
  fetchOf(number: number): Fetch {
    const options = { signal: AbortSignal.timeout(ASK_MS_MAX), unreachableHint: '' }
    return socketFetch(join(this.dir, String(number), SOCKET_NAME), options)
  }

  get userDir(): string {
    return join(this.dir, 'user')
  }

  async status(number: number): Promise<Status> {
    return (await (await this.fetchOf(number)('/status')).json()) as Status
  }

  async nodes(number: number): Promise<readonly NodeReport[]> {
    return ((await (await this.fetchOf(number)('/nodes')).json()) as { nodes: NodeReport[] }).nodes
  }

  async find(number: number, where: string, count: number, timeoutMs = 10_000): Promise<FindReply> {
    const body = JSON.stringify({ where, count, timeoutMs })
    const headers = { 'content-type': 'application/json' }
    return (await (await this.fetchOf(number)('/find', { method: 'POST', headers, body })).json()) as FindReply
  }

  /** All that a daemon has on `/metrics`, by name; what has labels is left out. */
  async metrics(number: number): Promise<ReadonlyMap<string, number>> {
    const text = await (await this.fetchOf(number)('/metrics')).text()
    const lines = text.split('\n').map((line) => /^(\w+) (\S+)$/.exec(line))
    return new Map(lines.flatMap((found) => (found === null ? [] : [[found[1]!, Number(found[2])]])))
  }

  kill(number: number): Promise<DevDaemon> {
    return killDaemon(this.dir, number)
  }

  /** In order where it runs, and with what it has on disk. */
  restart(number: number): Promise<DevDaemon> {
    return restartDaemon(this.dir, number, this.#tools)
  }

  /** By another machine with a key of its own. */
  replace(number: number): Promise<DevDaemon> {
    return replaceDaemon(this.dir, number, this.#tools)
  }

  async end(): Promise<void> {
    try {
      await stopGrid(this.dir, this.#tools)
    } finally {
      rmSync(this.dir, { recursive: true, force: true })
    }
  }
}

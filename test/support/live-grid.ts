import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metricsOf } from '../../bench/support/grid.ts'
import type { Plain } from '../../overlay/index.ts'
import type { Fetch } from '../../overlay/contract/index.ts'
import { encodeStatement } from '../../aem/commands/statement.ts'
import { signAsUser, socketFetch } from '../../node/client/index.ts'
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
import { installNotes, NOTES_PACKAGE } from './notes-grid.ts'
import type { FindReply, NodeReport, Status } from '../../node/surface/index.ts'

/** A question to one daemon is given up after this. */
const ASK_MS_MAX = 30_000

/** Real daemons on loopback, many of them, for scripts that break them and their tests. Numbers are from 1. */
export class LiveGrid {
  readonly dir: string
  readonly #home: string
  readonly #tools: DevTools

  /** Starts so many daemons, with the plugin that keeps notes in replica groups where that is wanted. */
  static async start(
    count: number,
    say: (line: string) => void,
    options: { readonly notes?: boolean; readonly copies?: number } = {},
  ): Promise<LiveGrid> {
    const home = mkdtempSync(join(tmpdir(), 'roost-live-'))
    if (options.notes) installNotes(home)
    const plugins = {
      ...(options.notes && { [NOTES_PACKAGE]: {} }),
      ...(options.copies !== undefined && { aem: { copies: options.copies } }),
    }
    const grid = new LiveGrid(home, { settings: { plugins }, progress: say })
    try {
      await startGrid(grid.dir, count, grid.#tools)
      return grid
    } catch (thrown) {
      rmSync(home, { recursive: true, force: true })
      throw thrown
    }
  }

  private constructor(home: string, tools: Pick<DevTools, 'settings' | 'progress'>) {
    this.#home = home
    this.dir = join(home, 'grid')
    const entry = join(import.meta.dirname, '../../roost.ts')
    this.#tools = { entry, env: process.env, signal: new AbortController().signal, ...tools }
  }

  async daemons(): Promise<readonly DevDaemon[]> {
    return (await readGrid(this.dir))!.daemons
  }

  /** HTTP to a daemon over its socket. */
  fetchOf(number: number): Fetch {
    const options = { signal: AbortSignal.timeout(ASK_MS_MAX), unreachableHint: '' }
    return socketFetch(join(this.dir, String(number), SOCKET_NAME), options)
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

  /** Submits a job of one unit that does nothing; resolves with its id once it is acknowledged. */
  async submit(number: number, description: Plain = { name: 'nothing', run: ['true'], nodes: 1 }): Promise<string> {
    const fetch = this.fetchOf(number)
    const { id: controller } = await this.status(number)
    const statement = await signAsUser(join(this.dir, 'user'), fetch, {
      action: 'job.submit',
      body: { controller, description, inputs: [] },
    })
    const form = new FormData()
    form.set('statement', new Blob([encodeStatement(statement)]))
    return ((await (await fetch('/aem/jobs', { method: 'POST', body: form })).json()) as { id: string }).id
  }

  /** Resolves with a job's last event, once it has ended. */
  async ended(number: number, job: string): Promise<{ readonly type: string; readonly state: string }> {
    const events = await (await this.fetchOf(number)(`/aem/jobs/${job}/events?from=1&follow=true`)).text()
    return JSON.parse(events.trim().split('\n').at(-1)!) as { type: string; state: string }
  }

  /** All that a daemon has on `/metrics`, by name; what has labels is left out. */
  async metrics(number: number): Promise<ReadonlyMap<string, number>> {
    return metricsOf(this.fetchOf(number))
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
      rmSync(this.#home, { recursive: true, force: true })
    }
  }
}

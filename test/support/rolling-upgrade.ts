import { setTimeout as sleep } from 'node:timers/promises'
import { asRoostError, pick, RoostError, seededRng, type Rng } from '../../overlay/index.ts'
import { LiveGrid } from './live-grid.ts'

export interface RollingUpgradeOptions {
  readonly daemonCount: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface RollingUpgradeReport {
  /** By what was asked. */
  readonly answered: Readonly<Record<string, number>>
  /** Questions that the first node asked would not take, and another answered. */
  readonly movedOnCount: number
  readonly failures: readonly string[]
  readonly restartsMs: readonly number[]
}

/** Members of the group that is written to; a majority of them is up while any one is restarted. */
const MEMBERS_COUNT = 3
const COMMIT_MS_MAX = 10_000
/** Between two questions of one client. */
const PAUSE_MS = 50
const SETTLED_MS_MAX = 120_000
const POLL_MS = 200

/**
 * Restarts a grid node by node, as an upgrade does, while clients query, submit, look and commit through all of its nodes. A client that
 * a node certainly did not serve (it is down, or says that it goes down) asks another one, as any client of a grid does; everything
 * else that goes wrong is a failure.
 */
export async function rollingUpgrade(options: RollingUpgradeOptions): Promise<RollingUpgradeReport> {
  const grid = await LiveGrid.start(options.daemonCount, options.say, { notes: true })
  try {
    return await new RollingUpgrade(grid, options).run()
  } finally {
    await grid.end()
  }
}

class RollingUpgrade {
  readonly #grid: LiveGrid
  readonly #options: RollingUpgradeOptions
  readonly #rng: Rng
  readonly #numbers: readonly number[]
  readonly #answered: Record<string, number> = {}
  readonly #failures: string[] = []
  readonly #jobs: { readonly id: string; readonly number: number }[] = []
  readonly #committed: string[] = []
  #movedOnCount = 0
  #isOver = false

  constructor(grid: LiveGrid, options: RollingUpgradeOptions) {
    this.#grid = grid
    this.#options = options
    this.#rng = seededRng(options.seed)
    this.#numbers = Array.from({ length: options.daemonCount }, (_, index) => index + 1)
  }

  async run(): Promise<RollingUpgradeReport> {
    await this.#allSeeAll()
    await this.#makeGroup()
    const clients = [
      this.#again('find', async (number) => {
        const { nodes } = await this.#grid.find(number, 'FreeMemory > 1MiB', 2)
        if (nodes.length < 2) throw new Error(`${nodes.length} of 2 nodes were found`)
      }),
      this.#again('status', async (number) => void (await this.#grid.status(number))),
      this.#again('submit', async (number) => void this.#jobs.push({ id: await this.#grid.submit(number), number })),
      this.#again('commit', (number) => this.#commit(number)),
    ]
    const restartsMs: number[] = []
    for (const number of this.#numbers) restartsMs.push(await this.#restart(number))
    this.#isOver = true
    await Promise.all(clients)
    await this.#checkPromises()
    return {
      answered: this.#answered,
      movedOnCount: this.#movedOnCount,
      failures: this.#failures,
      restartsMs,
    }
  }

  async #restart(number: number): Promise<number> {
    const startedMs = performance.now()
    await this.#grid.restart(number)
    await this.#allSeeAll()
    await this.#groupIsWhole()
    const tookMs = performance.now() - startedMs
    this.#options.say(`restarted ${number} of ${this.#numbers.length} in ${(tookMs / 1000).toFixed(1)} s`)
    return tookMs
  }

  async #again(what: string, ask: (number: number) => Promise<void>): Promise<void> {
    this.#answered[what] = 0
    while (!this.#isOver) {
      try {
        await this.#askAround(ask)
        this.#answered[what]!++
      } catch (thrown) {
        this.#failures.push(`${what}: ${String(thrown)} ${thrown instanceof RoostError ? thrown.code : ''}`)
      }
      await sleep(PAUSE_MS)
    }
  }

  /** Each node is asked once at most. */
  async #askAround(ask: (number: number) => Promise<void>): Promise<void> {
    const left = new Set(this.#numbers)
    for (;;) {
      const number = pick([...left], this.#rng)!
      left.delete(number)
      try {
        return await ask(number)
      } catch (thrown) {
        const { code, certain } = asRoostError(thrown)
        if (!certain || !MOVE_ON_CODES.includes(code) || left.size === 0) throw thrown
        this.#movedOnCount++
      }
    }
  }

  /** Each appends a mark of its own, so that one that was lost, or counted twice, shows. */
  async #commit(number: number): Promise<void> {
    const mark = `<${this.#committed.length}>`
    await this.#post(number, '/notes/execute', {
      name: GROUP,
      command: { type: 'append', key: 'marks', text: mark },
      timeoutMs: COMMIT_MS_MAX,
    })
    this.#committed.push(mark)
  }

  async #makeGroup(): Promise<void> {
    const members = await Promise.all(
      this.#numbers.slice(0, MEMBERS_COUNT).map(async (number) => (await this.#grid.status(number)).id),
    )
    await this.#post(1, '/notes/create', { name: GROUP, members })
    await this.#groupIsWhole()
  }

  /** Waits until all members are voters and have applied the same entries. */
  async #groupIsWhole(): Promise<void> {
    await this.#until('the group is whole', async () => {
      const members = this.#numbers.slice(0, MEMBERS_COUNT)
      const replies = await Promise.all(members.map((number) => this.#post(number, '/notes/list', {})))
      const states = replies.flatMap(({ groups }) => groups)
      const applied = states.map(({ appliedIndex }) => appliedIndex as number)
      return (
        states.length === MEMBERS_COUNT &&
        states.some(({ role }) => role === 'leader') &&
        states.every(({ configuration }) => configuration.voters.length === MEMBERS_COUNT) &&
        Math.max(...applied) - Math.min(...applied) < APPLIED_BEHIND_MAX
      )
    })
  }

  async #allSeeAll(): Promise<void> {
    await this.#until('all see all', async () => {
      const all = await Promise.all(this.#numbers.map((number) => this.#grid.status(number)))
      return all.every(({ nodes }) => nodes.alive === this.#numbers.length)
    })
  }

  /** What was acknowledged is there: every mark once and in order, every job ended well. */
  async #checkPromises(): Promise<void> {
    const { text } = await this.#post(1, '/notes/read', { name: GROUP, key: 'marks' })
    if (text !== this.#committed.join('')) this.#failures.push(`committed marks are not what is read: ${text}`)
    for (const { id, number } of this.#jobs) {
      const { state } = await this.#grid.ended(number, id)
      if (state !== 'done') this.#failures.push(`job ${id} of daemon ${number} is ${state}`)
    }
  }

  async #post(number: number, path: string, body: object): Promise<any> {
    const headers = { 'content-type': 'application/json' }
    const response = await this.#grid.fetchOf(number)(path, { method: 'POST', headers, body: JSON.stringify(body) })
    const reply = (await response.json()) as any
    if (reply.code !== undefined) throw new RoostError(reply.code, reply.message, { certain: reply.certain })
    return reply
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + SETTLED_MS_MAX
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadlineMs) throw new Error(`not within ${SETTLED_MS_MAX / 1000} s: ${what}`)
      await sleep(POLL_MS)
    }
  }
}

const GROUP = 'upgraded'
/** Entries that a member may be behind while others write. */
const APPLIED_BEHIND_MAX = 10
/** With these a node says that it did not, and will not, do what it was asked. */
const MOVE_ON_CODES: readonly string[] = ['DAEMON_UNREACHABLE', 'NODE_LEAVING']

import { setTimeout as sleep } from 'node:timers/promises'
import { sample, seededRng, type Rng } from '../../overlay/index.ts'
import { cpuSeconds } from '../../bench/support/process.ts'
import { LiveGrid } from './live-grid.ts'

/** One thing that was measured, beside what is asked of it. */
export interface Figure {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The most that it may be. */
  readonly bar?: number
}

export interface FortyOptions {
  readonly daemonCount: number
  readonly seed: number
  readonly say: (line: string) => void
  readonly onFigure: (figure: Figure) => void
}

/** Whoever has not come to agree by then never will: the run fails, and says who sees what. */
const AGREE_MS_MAX = 180_000
const POLL_MS = 250
/** Daemons that are started again at the same time: each takes a second or two of a core. */
const STARTS_AT_ONCE = 4

/** Bars for forty daemons on one machine. */
const GATHERED_MS_MAX = 30_000
const AGREED_MS_MAX = 15_000

/**
 * Starts daemons; kills half of them at once; starts those again; takes the first, by which all of the others joined, away for good, and
 * starts some that then have nobody but those whom they remember. Each time every daemon must come to see just those that live, and
 * queries must return them and nobody else. Rejects where that does not come.
 */
export async function forty(options: FortyOptions): Promise<void> {
  const grid = await LiveGrid.start(options.daemonCount, options.say)
  try {
    await new Forty(grid, options).run()
  } finally {
    await grid.end()
  }
}

class Forty {
  readonly #grid: LiveGrid
  readonly #options: FortyOptions
  readonly #rng: Rng
  readonly #living: Set<number>
  /** By number; what is killed keeps its name. */
  readonly #ids = new Map<number, string>()

  constructor(grid: LiveGrid, options: FortyOptions) {
    this.#grid = grid
    this.#options = options
    this.#rng = seededRng(options.seed)
    this.#living = new Set(Array.from({ length: options.daemonCount }, (_, index) => index + 1))
  }

  async run(): Promise<void> {
    const { daemonCount } = this.#options
    for (const { number, id } of await this.#grid.daemons()) this.#ids.set(number, id)
    const gatheredMs = await this.#agreed()
    this.#tell({ what: 'all in each other’s view after the last start', value: gatheredMs, bar: GATHERED_MS_MAX })
    this.#figure({ what: 'processor time of one daemon so far', value: await this.#cpuSecondsOfOne(), unit: 's' })
    await this.#findOnlyTheLiving('all live')

    const dead = sample([...this.#living].slice(1), Math.floor(daemonCount / 2), this.#rng)
    await this.#die(dead, `${dead.length} killed at once`)
    await this.#comeBack(dead, 'restarted')

    await this.#die([1], 'the first gone for good')
    const orphans = sample([...this.#living], Math.ceil(daemonCount / 8), this.#rng)
    await this.#die(orphans, `${orphans.length} more killed`)
    await this.#comeBack(orphans, 'restarted without the first')
  }

  async #die(numbers: readonly number[], what: string): Promise<void> {
    const startedMs = performance.now()
    for (const number of numbers) this.#living.delete(number)
    await Promise.all(numbers.map((number) => this.#grid.kill(number)))
    // Live attributes are asked for, so that this holds from the first moment, whatever membership believes.
    await this.#findNobodyDead(what)
    await this.#agreed()
    this.#tell({ what: `${what}: survivors agree`, value: performance.now() - startedMs, bar: AGREED_MS_MAX })
    await this.#findOnlyTheLiving(what)
  }

  async #comeBack(numbers: readonly number[], what: string): Promise<void> {
    const waiting = [...numbers]
    const startOn = async (): Promise<void> => {
      for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
        await this.#grid.restart(number)
        this.#living.add(number)
      }
    }
    const startedMs = performance.now()
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startOn))
    this.#tell({ what: `${numbers.length} ${what}: all of them answer`, value: performance.now() - startedMs })
    const agreedMs = await this.#agreed()
    this.#tell({ what: `${numbers.length} ${what}: all see all`, value: agreedMs, bar: GATHERED_MS_MAX })
    await this.#findOnlyTheLiving(what)
  }

  /** Waits until each living daemon sees as alive those that live, and nobody as suspect. Gives how long it took. */
  async #agreed(): Promise<number> {
    const startedMs = performance.now()
    let differing = [...this.#living]
    while (differing.length > 0) {
      const still: number[] = []
      for (const number of differing) if (!(await this.#seesJustTheLiving(number))) still.push(number)
      differing = still
      if (performance.now() - startedMs > AGREE_MS_MAX)
        throw new Error(`daemons ${differing.join(', ')} do not see just the ${this.#living.size} that live`)
      if (differing.length > 0) await sleep(POLL_MS)
    }
    return performance.now() - startedMs
  }

  async #seesJustTheLiving(number: number): Promise<boolean> {
    const { nodes: counts } = await this.#grid.status(number)
    if (counts.alive !== this.#living.size || counts.suspect > 0) return false
    const nodes = await this.#grid.nodes(number)
    const alive = nodes.filter(({ state }) => state === 'alive').map(({ id }) => id)
    return alive.toSorted().join() === this.#livingIds().join()
  }

  #livingIds(): readonly string[] {
    return [...this.#living].map((number) => this.#ids.get(number)!).toSorted()
  }

  /** Whom some daemons find now: nobody who is dead, at any time. */
  async #findNobodyDead(when: string): Promise<void> {
    for (const number of sample(this.#living, FINDERS_COUNT, this.#rng)) await this.#foundCount(number, when)
  }

  /** Those who live are all found, in the end: who is too busy to answer a query in time is left out of it. */
  async #findOnlyTheLiving(when: string): Promise<void> {
    const startedMs = performance.now()
    for (const number of sample(this.#living, FINDERS_COUNT, this.#rng))
      for (let count = 0; count < this.#living.size;) {
        count = await this.#foundCount(number, when)
        if (performance.now() - startedMs > AGREE_MS_MAX)
          throw new Error(`${when}: daemon ${number} found ${count} where ${this.#living.size} live`)
      }
  }

  async #foundCount(number: number, when: string): Promise<number> {
    const living = new Set(this.#livingIds())
    const { nodes } = await this.#grid.find(number, 'FreeMemory > 1MiB', this.#options.daemonCount)
    const dead = nodes.filter(({ id }) => !living.has(id))
    if (dead.length > 0) throw new Error(`${when}: daemon ${number} found ${dead.length} that are dead`)
    return nodes.length
  }

  async #cpuSecondsOfOne(): Promise<number> {
    const daemons = (await this.#grid.daemons()).filter(({ number }) => this.#living.has(number))
    return daemons.reduce((sum, { process: { pid } }) => sum + cpuSeconds(pid), 0) / daemons.length
  }

  #tell({ what, value, bar }: { what: string; value: number; bar?: number }): void {
    this.#figure({ what, value: value / 1000, unit: 's', ...(bar !== undefined && { bar: bar / 1000 }) })
  }

  #figure(figure: Figure): void {
    this.#options.onFigure(figure)
  }
}

/** Daemons that are asked each time. */
const FINDERS_COUNT = 5

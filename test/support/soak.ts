import { setTimeout as sleep } from 'node:timers/promises'
import { pick, seededRng, type Rng } from '../../overlay/index.ts'
import { residentMib } from '../../bench/support/process.ts'
import { LiveGrid } from './live-grid.ts'

/** What the daemons that lived all the time have at the end of one minute: the median of them, and the most. */
export interface SoakMinute {
  readonly minute: number
  readonly rssMib: Spread
  /** The least of the heap that was seen in the minute: what is left when V8 has just collected. */
  readonly heapMib: Spread
  /** Buffers and other memory outside the heap. */
  readonly externalMib: Spread
  readonly connections: Spread
  readonly streams: Spread
  /** Of this minute, all of one's own making together. */
  readonly restarts: number
  readonly finds: number
  readonly jobs: number
  readonly failures: number
}

export interface Spread {
  readonly median: number
  readonly max: number
}

export interface SoakOptions {
  readonly daemonCount: number
  readonly minutes: number
  readonly seed: number
  /** Told at the end of each minute; the parts of a spread are by daemon. */
  readonly onMinute: (minute: SoakMinute, byDaemon: readonly DaemonMinute[]) => void
  readonly say: (line: string) => void
}

export interface DaemonMinute {
  readonly number: number
  readonly rssMib: number
  readonly heapMib: number
  readonly externalMib: number
  readonly connections: number
  readonly streams: number
}

const SAMPLE_MS = 5_000
/** From the end of one change to the next. */
const CHURN_PAUSE_MS = 10_000
const FIND_PAUSE_MS = 500
const JOB_PAUSE_MS = 5_000

/**
 * Runs daemons for as long as asked. Half of them live all the time, and are the ones that are measured; the others are killed and
 * started again, stopped in order, or replaced by machines that nobody knows. All the while somebody queries and submits.
 */
export async function soak(options: SoakOptions): Promise<readonly SoakMinute[]> {
  const grid = await LiveGrid.start(options.daemonCount, options.say)
  try {
    return await new Soak(grid, options).run()
  } finally {
    await grid.end()
  }
}

class Soak {
  readonly #grid: LiveGrid
  readonly #options: SoakOptions
  readonly #rng: Rng
  readonly #lasting: readonly number[]
  readonly #passing: readonly number[]
  #isOver = false
  #counts = { restarts: 0, finds: 0, jobs: 0, failures: 0 }

  constructor(grid: LiveGrid, options: SoakOptions) {
    this.#grid = grid
    this.#options = options
    this.#rng = seededRng(options.seed)
    const numbers = Array.from({ length: options.daemonCount }, (_, index) => index + 1)
    this.#lasting = numbers.slice(0, Math.ceil(numbers.length / 2))
    this.#passing = numbers.slice(this.#lasting.length)
  }

  async run(): Promise<readonly SoakMinute[]> {
    const work = [
      this.#again(CHURN_PAUSE_MS, 'restarts', () => this.#churn()),
      this.#again(FIND_PAUSE_MS, 'finds', () => this.#find()),
      this.#again(JOB_PAUSE_MS, 'jobs', () => this.#runJob()),
    ]
    const minutes: SoakMinute[] = []
    try {
      for (let minute = 1; minute <= this.#options.minutes; minute++) {
        const byDaemon = await this.#watchMinute()
        const { restarts, finds, jobs, failures } = this.#counts
        this.#counts = { restarts: 0, finds: 0, jobs: 0, failures: 0 }
        minutes.push({ minute, ...spreads(byDaemon), restarts, finds, jobs, failures })
        this.#options.onMinute(minutes.at(-1)!, byDaemon)
      }
    } finally {
      this.#isOver = true
      await Promise.all(work)
    }
    return minutes
  }

  async #again(pauseMs: number, count: 'restarts' | 'finds' | 'jobs', action: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await action()
        this.#counts[count]++
      } catch (thrown) {
        this.#counts.failures++
        this.#options.say(`${count}: ${String(thrown)}`)
      }
      await sleep(pauseMs)
    }
  }

  async #churn(): Promise<void> {
    const number = pick(this.#passing, this.#rng)!
    const way = this.#rng.below(3)
    if (way === 0) await this.#grid.restart(number)
    else if (way === 1) await this.#grid.replace(number)
    else {
      await this.#grid.kill(number)
      await sleep(this.#rng.below(CHURN_PAUSE_MS))
      await this.#grid.restart(number)
    }
  }

  async #find(): Promise<void> {
    const { nodes } = await this.#grid.find(pick(this.#lasting, this.#rng)!, 'Cores >= 1 && FreeMemory > 1MiB', 3)
    if (nodes.length < 3) throw new Error(`${nodes.length} of 3 nodes were found`)
  }

  async #runJob(): Promise<void> {
    await this.#grid.ended(1, await this.#grid.submit(1))
  }

  async #watchMinute(): Promise<readonly DaemonMinute[]> {
    const pids = new Map((await this.#grid.daemons()).map((daemon) => [daemon.number, daemon.process.pid]))
    const leastHeapMib = new Map<number, number>()
    const endMs = performance.now() + 60_000
    let last: DaemonMinute[] = []
    while (performance.now() < endMs) {
      await sleep(Math.min(SAMPLE_MS, Math.max(0, endMs - performance.now())))
      last = []
      for (const number of this.#lasting) {
        const sample = measured(number, pids.get(number)!, await this.#grid.metrics(number))
        leastHeapMib.set(number, Math.min(sample.heapMib, leastHeapMib.get(number) ?? Infinity))
        last.push({ ...sample, heapMib: leastHeapMib.get(number)! })
      }
    }
    return last
  }
}

function measured(number: number, pid: number, metrics: ReadonlyMap<string, number>): DaemonMinute {
  const mib = (name: string): number => (metrics.get(name) ?? Number.NaN) / 2 ** 20
  return {
    number,
    rssMib: residentMib(pid),
    heapMib: mib('roost_nodejs_heap_size_used_bytes'),
    externalMib: mib('roost_nodejs_external_memory_bytes'),
    connections: metrics.get('roost_net_connections_count') ?? Number.NaN,
    streams: metrics.get('roost_net_streams_count') ?? Number.NaN,
  }
}

function spreads(
  byDaemon: readonly DaemonMinute[],
): Pick<SoakMinute, 'rssMib' | 'heapMib' | 'externalMib' | 'connections' | 'streams'> {
  const spread = (of: (daemon: DaemonMinute) => number): Spread => {
    const sorted = byDaemon.map(of).toSorted((one, other) => one - other)
    return { median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)! }
  }
  return {
    rssMib: spread((daemon) => daemon.rssMib),
    heapMib: spread((daemon) => daemon.heapMib),
    externalMib: spread((daemon) => daemon.externalMib),
    connections: spread((daemon) => daemon.connections),
    streams: spread((daemon) => daemon.streams),
  }
}

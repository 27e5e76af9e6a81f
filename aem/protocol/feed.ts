import { asRoostError, type CallEnv, type PeerId } from '../../overlay/index.ts'
import { Backoff } from './backoff.ts'
import { isStopping } from './background.ts'
import { parseJobEvent, type JobEvent } from './events.ts'
import { Waker } from './waiting.ts'

/** Events heard ahead of their turn that are kept; the furthest ahead go first, and are read later. */
export const FEED_BUFFER_COUNT_MAX = 256

/** How long a feed hears nothing before it reads: a lost hint that no other follows is noticed after this. */
export const FEED_READ_MS = 5_000

/**
 * A feed that goes on hearing nothing reads half as often each time, down to once in so many times `FEED_READ_MS`. Hundreds of jobs that
 * run for hours are followed at the cost of hints alone, and the end of one, should its hint be lost, is known 40 s later.
 */
const QUIET_COUNT_MAX = 8

/** Between two reads for the word of others: whoever they are, they cost no more than this. */
const NUDGED_MS = 1_000

/** Times in a row that a job which was there is not found any more until that is believed: some two minutes. */
const MISSING_COUNT_MAX = 16

/** Between attempts to read from a controller that does not answer. */
const READ_BACKOFF = { firstMs: 250, lastMs: 10_000 } as const

/**
 * Gives a watcher each event of a job once, in order. Hints come by pub/sub and may be lost, doubled, late, out of order or forged; the
 * controller's log is the truth. A hint from the controller that is next in turn is taken as it is; one that leaves a gap, one from
 * somebody else, and silence, make the feed read the log from its cursor.
 */
export class JobFeed {
  readonly #env: Pick<CallEnv<never, never>, 'rng' | 'sleep'>
  readonly #source: FeedSource
  readonly #ahead = new Map<number, JobEvent>()
  readonly #waker: Waker
  readonly #backoff: Backoff
  #next: number
  #missingCount = 0
  #isNudged = false
  #hasEnded = false
  #isStopped = false

  constructor(
    env: Pick<CallEnv<never, never>, 'rng' | 'sleep'>,
    source: FeedSource,
    { from = 1 }: { from?: number } = {},
  ) {
    this.#env = env
    this.#source = source
    this.#waker = new Waker((delayMs) => this.#env.sleep(delayMs))
    this.#backoff = new Backoff(env.rng, READ_BACKOFF)
    this.#next = from
  }

  /** The number of the event that is given next: where a later feed would go on. */
  get next(): number {
    return this.#next
  }

  /** Takes what pub/sub brought, whatever it is. */
  hint(from: PeerId, value: unknown): void {
    if (from !== this.#source.controller) return this.#nudge()
    let event: JobEvent
    try {
      event = parseJobEvent(value)
    } catch {
      return
    }
    this.#keep(event)
    this.#give()
    if (this.#ahead.size > 0 || this.#hasEnded) this.#waker.poke()
  }

  /**
   * Reads and gives until the job's last event has been given or the feed is stopped. Rejects with what `read` says about a job that is
   * not there or not to be read; anything else is tried again.
   */
  async run(): Promise<void> {
    let quietCount = 1
    while (!this.#isStopped && !this.#hasEnded) {
      const isSilent = !(await this.#read()) && (await this.#listen(quietCount))
      quietCount = isSilent ? Math.min(QUIET_COUNT_MAX, 2 * quietCount) : 1
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#waker.poke()
  }

  /** For so many times `FEED_READ_MS`, and once more after what was heard; less where the log must be read. Whether nothing was heard. */
  async #listen(count: number): Promise<boolean> {
    const before = this.#next
    for (let leftCount = count; leftCount > 0; leftCount--) {
      if (this.#isStopped || this.#hasEnded || this.#ahead.size > 0 || this.#isNudged) break
      const next = this.#next
      await this.#waker.wait(FEED_READ_MS)
      if (this.#next > next) leftCount = 2
    }
    if (this.#isNudged && !this.#isStopped) await this.#env.sleep(NUDGED_MS)
    this.#isNudged = false
    return this.#next === before
  }

  /** Somebody else speaks of the job: nothing to believe, but who controls it may have changed. */
  #nudge(): void {
    this.#isNudged = true
    this.#waker.poke()
  }

  /** Whether there may be more to read at once. */
  async #read(): Promise<boolean> {
    try {
      // One before the cursor: who comes back after the last event learns that it was the last.
      const events = await this.#source.read(Math.max(1, this.#next - 1))
      const before = this.#next
      for (const event of events) {
        this.#keep(event)
        this.#give()
      }
      this.#backoff.reset()
      this.#missingCount = 0
      return this.#next > before
    } catch (thrown) {
      if (isStopping(thrown) || this.#isLasting(asRoostError(thrown).code)) throw thrown
      await this.#env.sleep(this.#backoff.next())
      return true
    }
  }

  /** A job that was there may be unknown to a controller that is just being taken over, or takes over. */
  #isLasting(code: string): boolean {
    if (code === 'JOB_NOT_FOUND') return this.#next === 1 || ++this.#missingCount >= MISSING_COUNT_MAX
    return LASTING_CODES.has(code)
  }

  #keep(event: JobEvent): void {
    if (event.number < this.#next) {
      this.#hasEnded ||= event.type === 'ended'
      return
    }
    this.#ahead.set(event.number, event)
    if (this.#ahead.size > FEED_BUFFER_COUNT_MAX) this.#ahead.delete(Math.max(...this.#ahead.keys()))
  }

  #give(): void {
    for (let event = this.#ahead.get(this.#next); event; event = this.#ahead.get(this.#next)) {
      if (this.#isStopped || this.#hasEnded) return
      this.#ahead.delete(event.number)
      this.#next++
      this.#hasEnded = event.type === 'ended'
      this.#source.deliver(event)
    }
  }
}

export interface FeedSource {
  /** Whose hints count at the moment. */
  readonly controller: PeerId
  /** Durable events from this number on, in order; perhaps not all. It ends, one way or the other. */
  read(fromNumber: number): Promise<readonly JobEvent[]>
  /** Must not throw. */
  deliver(event: JobEvent): void
}

/** Errors of a read that do not go away. */
const LASTING_CODES: ReadonlySet<string> = new Set(['DENIED', 'NOT_MEMBER'])

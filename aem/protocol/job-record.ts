import type { Plain, Surroundings } from '../../overlay/index.ts'
import type { JobEvent, JobHappening } from './events.ts'
import type { JobId } from './ids.ts'
import { applyEvent, viewOf, type JobView } from './job-view.ts'
import type { JobStore } from './stores.ts'
import { Turns, Waker, type Sleep } from './waiting.ts'

/** One job at its controller: its view as far as the log is durable, and who waits for something about it. */
export class JobRecord {
  readonly id: JobId
  /** What the user signed: shown to every node that is asked to confirm a unit. */
  readonly statement: NonNullable<Plain>
  readonly #store: JobStore
  readonly #surroundings: Surroundings
  readonly #onEvent: (event: JobEvent, view: JobView) => void
  readonly #turns = new Turns()
  #view: JobView
  /** Wakes who looks for nodes for it. */
  readonly placing: Waker
  /** Wake who follow its units. */
  readonly following: readonly Waker[]

  constructor(events: readonly JobEvent[], { store, surroundings, sleep, onEvent }: JobRecordPorts) {
    const [first] = events
    if (first?.type !== 'submitted' || first.statement === undefined)
      throw new TypeError('a log begins with a signed submission')
    this.#view = viewOf(events)!
    this.id = first.jobId
    this.statement = first.statement
    this.#store = store
    this.#surroundings = surroundings
    this.#onEvent = onEvent
    this.placing = new Waker(sleep)
    this.following = this.#view.units.map(() => new Waker(sleep))
  }

  get view(): JobView {
    return this.#view
  }

  /**
   * Appends what `decide` says about the job as it stands then, or nothing; one decision at a time. Resolves to whether it appended, when
   * that is durable. One event at a time: where the store fails nothing has happened as far as anybody here knows, and the next event
   * takes the number of the one that may have landed.
   */
  append(decide: (view: JobView) => JobHappening | undefined): Promise<boolean> {
    return this.#turns.take(async () => {
      const happening = decide(this.#view)
      if (!happening) return false
      const event: JobEvent = {
        ...happening,
        number: this.#view.lastNumber + 1,
        atMs: Math.floor(this.#surroundings.wallMs),
      }
      await this.#store.append(this.id, [event])
      this.#view = applyEvent(this.#view, event)
      this.#onEvent(event, this.#view)
      return true
    })
  }

  /** Everybody who waits for something about this job looks again. */
  wakeAll(): void {
    this.placing.poke()
    for (const waker of this.following) waker.poke()
  }
}

export interface JobRecordPorts {
  readonly store: JobStore
  readonly surroundings: Surroundings
  readonly sleep: Sleep
  readonly onEvent: (event: JobEvent, view: JobView) => void
}

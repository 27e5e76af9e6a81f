import { isFinal, type JobId, type JobService, type JobView } from '../protocol/index.ts'
import type { Host } from '../../overlay/contract/index.ts'

/** A record lives two days in the directory; well before that it is put again. */
const REPUBLISH_MS = 6 * 3_600_000
/** How often records that are due are put; one that nobody took is due again at once. */
const TICK_MS = 30_000
/** Records put in one tick, so that a node with many jobs does not flood its neighbours after a restart. */
const PUT_COUNT_MAX = 50
/** How long an ended job stays in the directory. Later it is found by asking the nodes that controlled jobs of its user. */
const ENDED_KEPT_MS = 2 * 24 * 3_600_000

/** Keeps the directory's pointers to the jobs of this node fresh. */
export class JobRecords {
  readonly #host: Pick<Host, 'self' | 'directory' | 'log' | 'surroundings'>
  readonly #service: Pick<JobService, 'views' | 'tenures'>
  readonly #putAtMs = new Map<JobId, number>()
  readonly #timer: NodeJS.Timeout
  #isPutting = false

  constructor(
    host: Pick<Host, 'self' | 'directory' | 'log' | 'surroundings'>,
    service: Pick<JobService, 'views' | 'tenures'>,
  ) {
    this.#host = host
    this.#service = service
    this.#timer = setInterval(() => void this.refresh(), TICK_MS).unref()
  }

  /** Puts what is due now, a new job at once. */
  async refresh(): Promise<void> {
    if (this.#isPutting) return
    this.#isPutting = true
    try {
      for (const view of this.#due()) await this.#put(view)
    } finally {
      this.#isPutting = false
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #due(): JobView[] {
    const { nowMs, wallMs } = this.#host.surroundings
    const views = this.#service
      .views()
      .filter((view) => !isFinal(view.state) || wallMs - (view.endedAtMs ?? wallMs) < ENDED_KEPT_MS)
    const wanted = new Set(views.map((view) => view.id))
    for (const id of this.#putAtMs.keys()) if (!wanted.has(id)) this.#putAtMs.delete(id)
    return views
      .filter((view) => nowMs - (this.#putAtMs.get(view.id) ?? -Infinity) >= REPUBLISH_MS)
      .slice(0, PUT_COUNT_MAX)
  }

  async #put(view: JobView): Promise<void> {
    const { directory, log, self, surroundings } = this.#host
    try {
      await directory.announceUser(view.owner)
      const tenure = this.#service.tenures.find(({ home }) => home === view.controller)
      const others = (tenure?.mandate?.holders ?? []).filter((holder) => holder !== self)
      const epoch = tenure?.epoch ?? 1
      await directory.publishJob({ jobId: view.id, controllers: [self, ...others], epoch, owner: view.owner })
      this.#putAtMs.set(view.id, surroundings.nowMs)
    } catch (error) {
      // Alone in the grid, or cut off: the next tick tries again.
      log.debug({ job: view.id, error }, 'job record not put')
    }
  }
}

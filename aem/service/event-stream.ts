import type { JobEvent, JobId } from '../protocol/index.ts'

/** Wakes whoever follows a job on this node when its log has grown. The events themselves are read from the log. */
export class Growth {
  readonly #waiting = new Map<JobId, Set<() => void>>()

  /** How many follow now. */
  get count(): number {
    let count = 0
    for (const wakes of this.#waiting.values()) count += wakes.size
    return count
  }

  grew(jobId: JobId): void {
    for (const wake of this.#waiting.get(jobId) ?? []) wake()
  }

  /** Registers a wake until the returned function is called. */
  watch(jobId: JobId, wake: () => void): () => void {
    const wakes = this.#waiting.get(jobId) ?? new Set()
    this.#waiting.set(jobId, wakes.add(wake))
    return () => {
      wakes.delete(wake)
      if (wakes.size === 0 && this.#waiting.get(jobId) === wakes) this.#waiting.delete(jobId)
    }
  }
}

export interface EventStreamOptions {
  readonly from: number
  /** Goes on after the last event, until the job has ended. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** The events of a job as they come: each once, in order, from its log. */
export async function* eventStream(
  jobId: JobId,
  read: (fromNumber: number) => Promise<readonly JobEvent[]>,
  growth: Growth,
  { from, follow, signal }: EventStreamOptions,
): AsyncGenerator<JobEvent, void, void> {
  let next = from
  let hasGrown = Promise.withResolvers<void>()
  const wake = (): void => hasGrown.resolve()
  const unwatch = growth.watch(jobId, wake)
  signal.addEventListener('abort', wake, { once: true })
  try {
    while (!signal.aborted) {
      // Before the read, so that what is appended meanwhile is not slept through.
      hasGrown = Promise.withResolvers()
      const events = await read(next)
      for (const event of events) {
        next = event.number + 1
        yield event
        if (event.type === 'ended') return
      }
      if (events.length > 0) continue
      if (!follow) return
      await hasGrown.promise
    }
  } finally {
    unwatch()
    signal.removeEventListener('abort', wake)
  }
}

/** Lines of JSON (NDJSON), one ahead of the reader; they stop when `signal` aborts or the reader goes away. */
export function jsonLines(
  values: (signal: AbortSignal) => AsyncGenerator<unknown, void, void>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  // A generator that waits cannot be told to return: it is woken instead.
  const cancelled = new AbortController()
  const lines = values(AbortSignal.any([signal, cancelled.signal]))
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`))
    },
    cancel() {
      cancelled.abort()
    },
  })
}

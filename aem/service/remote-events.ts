import { RoostError, type CallEnv, type PeerId } from '../../overlay/index.ts'
import type { Events } from '../../overlay/contract/index.ts'
import { JobFeed, type JobEvent, type JobId } from '../protocol/index.ts'

/** Events that wait for a reader who is slower than the job. Beyond it the stream breaks off, and the reader comes again. */
const WAITING_COUNT_MAX = 1_000

export interface RemoteEventsDependencies {
  readonly env: Pick<CallEnv<never, never>, 'rng' | 'sleep'>
  readonly events: Events
  /** Who controls it as far as is known: another one after a takeover. */
  readonly controller: () => PeerId
  /** Events from the controller's log. */
  readonly read: (fromNumber: number, signal: AbortSignal) => Promise<readonly JobEvent[]>
}

/** Follows a job that another node controls, to its end: by pub/sub, and by the controller's log wherever that falls short. */
export async function* remoteEvents(
  id: JobId,
  { env, events, controller, read }: RemoteEventsDependencies,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal },
): AsyncGenerator<JobEvent, void, void> {
  const waiting: JobEvent[] = []
  let hasNews = Promise.withResolvers<void>()
  let isOver = false
  let failure: unknown
  const deliver = (event: JobEvent): void => {
    if (waiting.length < WAITING_COUNT_MAX) waiting.push(event)
    else {
      failure = new RoostError('BUSY', 'the job has more to tell than is read', { hint: 'read on from the next event' })
      feed.stop()
    }
    hasNews.resolve()
  }
  const source = {
    get controller() {
      return controller()
    },
    read: (number: number) => read(number, signal),
    deliver,
  }
  const feed = new JobFeed(env, source, { from })
  const unsubscribe = events.subscribe(`job:${id}`, { near: controller() }, (peer, event) => feed.hint(peer, event))
  const stop = (): void => {
    feed.stop()
    hasNews.resolve()
  }
  signal.addEventListener('abort', stop, { once: true })
  feed
    .run()
    .catch((thrown: unknown) => (failure ??= thrown))
    .finally(() => {
      isOver = true
      hasNews.resolve()
    })
  try {
    while (!signal.aborted) {
      const event = waiting.shift()
      if (event) yield event
      else if (isOver) break
      else {
        await hasNews.promise
        hasNews = Promise.withResolvers()
      }
    }
    if (failure !== undefined && !signal.aborted) throw failure
  } finally {
    unsubscribe()
    signal.removeEventListener('abort', stop)
    feed.stop()
  }
}

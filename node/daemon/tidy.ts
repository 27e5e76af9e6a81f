import type { Log } from '../../overlay/contract/index.ts'

/**
 * Gives back what starting took. Loading fifteen hundred modules leaves pages that are half empty, a young generation at its largest, and
 * compiled code of functions that run once: 29 of 144 MiB of an idle daemon. V8 collects all of that only when memory is short, or when it is
 * told that it is (`LowMemoryNotification`, which the inspector's protocol offers as `HeapProfiler.collectGarbage`). It stops the daemon for a
 * quarter to half of a second, so it is done in quiet moments, seldom.
 */

/** What starting and gathering left is garbage by then. */
const FIRST_MS = 20_000
const AGAIN_MS = 1_800_000
/** A moment that is not quiet is waited out, and looked at again after this. */
const BUSY_MS = 20_000
/** The share of time that the event loop was busy since it was looked at last: above it, somebody is being served. */
const BUSY_SHARE_MAX = 0.2

export interface Tidying {
  /** The share of time since it was asked last in which this process was busy. */
  busyShare(): number
  collect(): Promise<void>
}

/** Returns how to stop. */
export function startTidying(log: Log, { busyShare, collect }: Tidying = ofThisProcess()): () => void {
  let timer: NodeJS.Timeout
  const wait = (delayMs: number): void => {
    timer = setTimeout(() => {
      if (busyShare() > BUSY_SHARE_MAX) return wait(BUSY_MS)
      wait(AGAIN_MS)
      collect().catch((error: unknown) => log.debug({ error }, 'memory could not be tidied'))
    }, delayMs).unref()
  }
  wait(FIRST_MS)
  return () => clearTimeout(timer)
}

function ofThisProcess(): Tidying {
  let before = performance.eventLoopUtilization()
  return {
    busyShare: () => {
      const { utilization } = performance.eventLoopUtilization(before)
      before = performance.eventLoopUtilization()
      return utilization
    },
    collect: collectGarbage,
  }
}

/** Resolves when all is collected; nothing else runs meanwhile. */
export async function collectGarbage(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connect()
  try {
    await new Promise<void>((resolve, reject) =>
      session.post('HeapProfiler.collectGarbage', (error) => (error === null ? resolve() : reject(error))),
    )
  } finally {
    session.disconnect()
  }
}

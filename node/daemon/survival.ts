import type { Log } from '../../overlay/contract/index.ts'

/** More uncaught errors than this within a minute and the daemon is not well: it ends, for its supervisor to start it anew. */
export const UNCAUGHT_PER_MINUTE_MAX = 60

export interface Survival {
  readonly uncaughtCount: number
  release(): void
}

/**
 * Keeps the process alive through errors that nobody caught: a stream that times out in a library, a handler that throws
 * late. Each is logged and counted.
 */
export function surviveUncaught(log: Log, giveUp: () => void): Survival {
  let uncaughtCount = 0
  let recentMs: number[] = []
  const onUncaught = (error: unknown): void => {
    uncaughtCount++
    const nowMs = performance.now()
    recentMs = [...recentMs.filter((atMs) => nowMs - atMs < 60_000), nowMs]
    log.error({ error, uncaughtCount }, 'uncaught error')
    if (recentMs.length > UNCAUGHT_PER_MINUTE_MAX) {
      log.error({ uncaughtCount }, 'too many uncaught errors')
      giveUp()
    }
  }
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
  return {
    get uncaughtCount() {
      return uncaughtCount
    },
    release() {
      process.off('uncaughtException', onUncaught)
      process.off('unhandledRejection', onUncaught)
    },
  }
}

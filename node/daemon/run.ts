import { EXIT } from '../../overlay/index.ts'
import type { BuiltInPlugins } from '../host/index.ts'
import { startDaemon } from './daemon.ts'
import { createLog } from './log.ts'
import type { DaemonOptions } from './options.ts'
import { surviveUncaught } from './survival.ts'

/** A daemon that does not end by itself within this, once told to, is ended. */
const STOP_MS_MAX = 25_000

/**
 * A daemon that is told to end while it starts has this long to be ready and end in order. Longer it may wait for somebody to
 * answer whom it wants to join; nothing is promised to anybody yet, so that it can end as it stands.
 */
const ABANDON_START_MS = 3_000

/**
 * Small buffers are cut from common ones of this size, and each that is kept keeps all of its common one: with Node's 64 KiB, names of a
 * hundred peers in routing tables held 5 MiB.
 */
const BUFFER_POOL_BYTES = 4_096

/**
 * Runs a daemon as this process until a signal or a request ends it, and gives the exit status. Failures to start are
 * thrown as `RoostError`s, with nothing left running.
 */
export async function runDaemon(
  options: DaemonOptions,
  parts: { builtInPlugins: BuiltInPlugins; version: string },
): Promise<number> {
  Buffer.poolSize = BUFFER_POOL_BYTES
  const log = await createLog(options)
  let stop: (how: 'shutdown' | 'leave') => void = () => {}
  const asked = new Promise<'shutdown' | 'leave'>((resolve) => (stop = resolve))
  const onSignal = (): void => stop('shutdown')
  const survival = surviveUncaught(log, () => process.exit(EXIT.failed))
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onSignal)
  let abandoning: NodeJS.Timeout | undefined
  void asked.then(() => (abandoning = setTimeout(() => process.exit(EXIT.interrupted), ABANDON_START_MS)))
  try {
    const daemon = await startDaemon(options, { ...parts, log, onStop: (how) => setImmediate(() => stop(how)) })
    const { id, name, grid, addresses, api } = daemon
    log.info({ id, name, grid, addresses, api }, 'ready')
    const how = await asked
    clearTimeout(abandoning)
    log.info({ how }, 'stopping')
    setTimeout(() => process.exit(EXIT.failed), STOP_MS_MAX).unref()
    await daemon.stop(how)
    log.info({}, 'stopped')
    return EXIT.ok
  } finally {
    clearTimeout(abandoning)
    survival.release()
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal)
  }
}

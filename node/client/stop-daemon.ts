import { setTimeout as sleep } from 'node:timers/promises'
import type { Fetch } from '../../overlay/contract/index.ts'
import { RoostError } from '../../overlay/index.ts'
import type { Status } from '../surface/index.ts'
import { describeProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts'

/** How long a daemon may take to end; what it runs outlives it. */
const STOP_MS_MAX = 30_000

const POLL_MS = 20

/** Asks a daemon to end, by `/shutdown` or `/leave`, and resolves with what it was when its process is gone. */
export async function stopDaemon(fetch: Fetch, route: '/shutdown' | '/leave'): Promise<Status> {
  const status = (await (await fetch('/status')).json()) as Status
  const identity = describeProcess(status.pid)
  await (await fetch(route, { method: 'POST' })).text()
  if (identity) await waitUntilGone(identity)
  return status
}

/** Resolves when this process has ended; rejects with `TIMEOUT`. */
export async function waitUntilGone(identity: ProcessIdentity): Promise<void> {
  const deadlineMs = performance.now() + STOP_MS_MAX
  while (isSameProcess(identity)) {
    if (performance.now() > deadlineMs)
      throw new RoostError('TIMEOUT', `the daemon (process ${identity.pid}) still runs after ${STOP_MS_MAX / 1000} s`, {
        certain: false,
        hint: `look into its log; \`kill -9 ${identity.pid}\` ends it hard, and loses nothing that was acknowledged`,
      })
    await sleep(POLL_MS)
  }
}

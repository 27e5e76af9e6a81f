import { join } from 'node:path'
import { RoostError } from '../../../overlay/index.ts'
import { socketFetch } from '../../client/index.ts'
import { SOCKET_NAME } from '../../data/index.ts'
import type { Status } from '../../surface/index.ts'
import type { Session } from '../session.ts'

/** What the daemon of this data directory says of itself; undefined where none runs. */
export async function ownDaemonStatus(dataDir: string, signal: AbortSignal): Promise<Status | undefined> {
  try {
    const response = await socketFetch(join(dataDir, SOCKET_NAME), { signal, unreachableHint: '' })('/status')
    return (await response.json()) as Status
  } catch (error) {
    if (error instanceof RoostError && error.code === 'DAEMON_UNREACHABLE') return undefined
    throw error
  }
}

/** What ends a daemon takes no dev grid for one's own: that must be named with `ROOST_DEV_DIR` or `--data`. */
export async function refuseUnnamedDev(session: Session): Promise<void> {
  const { dev } = await session.place()
  if (dev !== undefined && !session.host.env['ROOST_DEV_DIR'])
    throw new RoostError('DAEMON_UNREACHABLE', 'no daemon of yours runs here', {
      hint: '`roost dev down` ends the dev grid',
    })
}

import { join } from 'node:path'
import { RoostError } from '../../../overlay/index.ts'
import { SOCKET_NAME, socketFetch } from '../../client/index.ts'
import type { Status } from '../../surface/index.ts'

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

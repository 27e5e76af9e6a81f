import { randomBytes } from 'node:crypto'
import type { Log } from '../../overlay/contract/index.ts'
import { SOCKET_NAME, TOKEN_NAME, writeFileAtomic, type DataDirectory } from '../data/index.ts'
import { callerOf, type Network } from '../net/index.ts'
import {
  bearerCaller,
  closeServer,
  listenOnLoopback,
  listenOnSocket,
  nodeListener,
  type Surface,
} from '../surface/index.ts'

export interface WaysIn {
  /** URL of the loopback way. */
  readonly api: string
  close(): Promise<void>
}

/** Opens the surface: to this user by the socket, to programs on loopback that know the token, to nodes by libp2p. */
export async function openWaysIn(
  surface: Surface,
  parts: { data: DataDirectory; network: Network; apiPort: number; log: Log },
): Promise<WaysIn> {
  const { data, network, apiPort, log } = parts
  const token = randomBytes(32).toString('base64url')
  await writeFileAtomic(data.file(TOKEN_NAME), `${token}\n`, { mode: 0o600 })
  const loopback = await listenOnLoopback(apiPort, nodeListener(surface, bearerCaller(token), log))
  try {
    const socket = await listenOnSocket(
      data.file(SOCKET_NAME),
      nodeListener(surface, () => ({ via: 'socket' }), log),
    )
    network.serveHttp(nodeListener(surface, (request) => ({ via: 'peer', peer: callerOf(request) }), log))
    return {
      api: loopback.url,
      close: async () => void (await Promise.all([closeServer(socket), closeServer(loopback.server)])),
    }
  } catch (error) {
    await closeServer(loopback.server)
    throw error
  }
}

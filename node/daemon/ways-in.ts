import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Caller, Log } from '../../overlay/contract/index.ts'
import { SOCKET_NAME, TOKEN_NAME, writeFileAtomic, type DataDirectory } from '../data/index.ts'
import { callerOf, type Network } from '../net/index.ts'
import {
  bearerCaller,
  closeServer,
  listenOnLoopback,
  listenOnSocket,
  nodeListener,
  type NodeListener,
  type Surface,
} from '../surface/index.ts'
import type { Intake } from './intake.ts'

export interface WaysIn {
  /** URL of the loopback way. */
  readonly api: string
  close(): Promise<void>
}

/** Opens the surface: to this user by the socket, to programs on loopback that know the token, to nodes by libp2p. */
export async function openWaysIn(
  surface: Surface,
  parts: { data: DataDirectory; network: Network; intake: Intake; apiPort: number; log: Log },
): Promise<WaysIn> {
  const { data, network, intake, apiPort, log } = parts
  const listener = (admit: (request: IncomingMessage) => Caller): NodeListener =>
    intake.guard(nodeListener(surface, admit, log))
  const token = randomBytes(32).toString('base64url')
  await writeFileAtomic(data.file(TOKEN_NAME), `${token}\n`, { mode: 0o600 })
  const loopback = await listenOnLoopback(apiPort, listener(bearerCaller(token)))
  try {
    const socket = await listenOnSocket(
      data.file(SOCKET_NAME),
      listener(() => ({ via: 'socket' })),
    )
    network.serveHttp(listener((request) => ({ via: 'peer', peer: callerOf(request) })))
    return {
      api: loopback.url,
      close: async () => void (await Promise.all([closeServer(socket), closeServer(loopback.server)])),
    }
  } catch (error) {
    await closeServer(loopback.server)
    throw error
  }
}

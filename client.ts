import { join } from 'node:path'
import { hc } from 'hono/client'
import type { JobApp } from './aem/index.ts'
import { findStream, signAsUser, socketFetch, type FindNews, type FindQuery } from './node/client/index.ts'
import { loadSettings } from './node/config/index.ts'
import { SOCKET_NAME } from './node/data/index.ts'
import type { CoreRoutes } from './node/surface/index.ts'
import type { Fetch, SignedStatement } from './overlay/contract/index.ts'
import type { Plain } from './overlay/index.ts'

export { RoostError } from './overlay/index.ts'
export type { FindNews, FindQuery } from './node/client/index.ts'
export type { SignedStatement } from './overlay/contract/index.ts'

export interface ConnectOptions {
  /** The daemon's data directory and the user's; what the configuration says, where left out. */
  readonly dataDir?: string
  readonly userDir?: string
  /** Ends every request that is under way, which then fails with `CANCELLED`. */
  readonly signal?: AbortSignal
}

/** A daemon's routes, typed by its code: `await (await client.core.nodes.$get()).json()`. Failures are thrown `RoostError`s. */
export interface RoostClient {
  readonly core: ReturnType<typeof hc<CoreRoutes>>
  readonly jobs: ReturnType<typeof hc<JobApp>>
  /** Searches, and gives each node the moment it has answered; the last thing is of type `end`. Whoever stops reading ends the search. */
  find(query: FindQuery, options?: { readonly signal?: AbortSignal }): AsyncIterable<FindNews>
  /** The same way in, for what has no type: routes of other plugins, streams. */
  readonly fetch: Fetch
  /** Signs for the user; `NOT_MEMBER` where the user is none of the daemon's grid. */
  sign(action: string, body: Plain): Promise<SignedStatement>
}

/** Talks to the daemon of this machine over its Unix socket. Nothing is asked before the first request. */
export async function connect(options: ConnectOptions = {}): Promise<RoostClient> {
  const settings = await loadSettings({ flags: {}, env: process.env, pluginNames: [] })
  const { dataDir = settings.dataDir, userDir = settings.userDir, signal = new AbortController().signal } = options
  const fetch = socketFetch(join(dataDir, SOCKET_NAME), { signal, unreachableHint: 'start one: `roost up`' })
  return {
    core: hc<CoreRoutes>('http://roost', { fetch }),
    jobs: hc<JobApp>('http://roost/aem', { fetch }),
    find: (query, findOptions) => findStream(fetch, query, findOptions),
    fetch,
    sign: (action, body) => signAsUser(userDir, fetch, { action, body }),
  }
}

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../../overlay/contract/index.ts'
import {
  ANY_OWNER,
  RoostError,
  asRoostError,
  ownerOf,
  severalOwners,
  shuffle,
  tunnelTargets,
  type Plain,
  type SignedApplicationRecord,
  type TunnelTarget,
} from '../../overlay/index.ts'
import { joinStreams, type Network } from '../net/index.ts'
import type { OpenTunnel, TunnelNews } from '../surface/index.ts'
import { connectToEndpoint } from './tunnel-end.ts'

/** Local ports that lead into tunnels, at once. */
const LISTENERS_COUNT_MAX = 64
/** Connections of one local port; the next is closed at once. */
const CONNECTIONS_COUNT_MAX = 256
/** How long a new connection may look for an endpoint that answers. */
const CONNECT_MS_MAX = 15_000
/** How long a resolved name is taken as it is, so that a program that connects a hundred times does not ask a hundred times. */
const RESOLVED_MS = 1_000
/** An endpoint that failed comes last for so long. */
const AVOIDED_MS = 10_000

export interface TunnelParts {
  readonly network: Network
  readonly vo: string
  readonly log: Log
  /** What this node publishes: what tunnels may end at. */
  published(): readonly SignedApplicationRecord[]
  /** Records of living publishers under a name, of one owner or of all, in random order. */
  resolve(name: string, options: { readonly owner?: string }): Promise<readonly SignedApplicationRecord[]>
}

/**
 * Both ends of tunnels. Here local ports are opened that lead to whichever endpoint of an application answers, each new connection
 * anew; and peers' tunnels end at what this node publishes, and at nothing else.
 */
export class Tunnels {
  readonly #parts: TunnelParts
  readonly #listeners = new Set<Listener>()

  constructor(parts: TunnelParts) {
    this.#parts = parts
    parts.network.serveTunnels((peer, request) =>
      connectToEndpoint(peer, request, { published: parts.published(), vo: parts.vo }),
    )
  }

  /**
   * Opens a port of this machine's loopback (0: any free one) that leads to `name` of its owner, the only one where none is said; it
   * closes with `signal`. Rejects with `APPLICATION_NOT_FOUND` where nobody publishes it now, `ID_AMBIGUOUS` where several owners do,
   * `PORT_TAKEN`, `BUSY`.
   */
  async open(name: string, options: Parameters<OpenTunnel>[1]): Promise<{ readonly port: number }> {
    if (this.#listeners.size >= LISTENERS_COUNT_MAX)
      throw new RoostError('BUSY', `${LISTENERS_COUNT_MAX} ports lead into tunnels already`)
    const listener = new Listener(this.#parts, name, options)
    this.#listeners.add(listener)
    const close = (): void => {
      this.#listeners.delete(listener)
      listener.close()
    }
    try {
      const port = await listener.open(options.port)
      if (options.signal.aborted) close()
      else options.signal.addEventListener('abort', close, { once: true })
      return { port }
    } catch (thrown) {
      close()
      throw thrown
    }
  }

  stop(): void {
    for (const listener of this.#listeners) listener.close()
    this.#listeners.clear()
  }
}

class Listener {
  readonly #parts: TunnelParts
  readonly #name: string
  /** Found when the port is opened, where it was not said: who publishes such a name later is not taken for the same. */
  #owner: string | undefined
  readonly #onNews: (news: TunnelNews) => void
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #ending = new AbortController()
  /** By publisher, instance and place: until when an endpoint that failed comes last. */
  readonly #avoided = new Map<string, number>()
  #resolved: { readonly atMs: number; readonly records: Promise<readonly SignedApplicationRecord[]> } | undefined

  constructor(parts: TunnelParts, name: string, { owner, onNews }: Parameters<OpenTunnel>[1]) {
    this.#parts = parts
    this.#name = name
    this.#owner = owner
    this.#onNews = onNews
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    )
    this.#server.maxConnections = CONNECTIONS_COUNT_MAX
  }

  async open(port: number): Promise<number> {
    // Somebody who mistyped a name is told now and not at the first connection.
    this.#owner ??= onlyOwner(this.#name, await this.#records())
    if ((await this.#records()).length === 0) throw nobody(this.#name)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, port)))
      this.#server.listen({ host: '127.0.0.1', port }, resolve)
    })
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#ending.abort()
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    this.#connect(socket).catch((thrown: unknown) => {
      const { code, message } = asRoostError(thrown)
      this.#parts.log.info({ application: this.#name, code }, 'a connection found no endpoint')
      this.#onNews({ type: 'failed', code, message })
      socket.resetAndDestroy()
    })
  }

  async #connect(socket: Socket): Promise<void> {
    const given = new AbortController()
    socket.once('close', () => given.abort())
    const signal = AbortSignal.any([given.signal, this.#ending.signal, AbortSignal.timeout(CONNECT_MS_MAX)])
    const { target, stream } = await this.#reach(signal)
    if (socket.destroyed) return void stream.destroy()
    this.#onNews({ type: 'connected', node: target.publisher, instance: target.request.instance })
    joinStreams(socket, stream)
  }

  /** The first endpoint that answers. */
  async #reach(signal: AbortSignal): Promise<{ readonly target: TunnelTarget; readonly stream: Duplex }> {
    const targets = this.#inOrder(tunnelTargets(await this.#records()))
    let failure: unknown = nobody(this.#name)
    for (const target of targets) {
      if (signal.aborted) break
      try {
        return { target, stream: await this.#open(target, signal) }
      } catch (thrown) {
        failure = thrown
        this.#avoided.set(keyOf(target), performance.now() + AVOIDED_MS)
        // What is published may be another by now.
        this.#resolved = undefined
      }
    }
    if (targets.length === 0) throw failure
    throw new RoostError('ENDPOINT_UNREACHABLE', `none of the ${targets.length} endpoints of ${this.#name} answers`, {
      cause: failure,
    })
  }

  async #open({ publisher, request }: TunnelTarget, signal: AbortSignal): Promise<Duplex> {
    const { network, published, vo } = this.#parts
    if (publisher === network.self) return await connectToEndpoint(publisher, request, { published: published(), vo })
    return await network.openTunnel(publisher, request as unknown as Plain, signal)
  }

  /** In an order of chance, so that connections spread; those that failed a moment ago come last. */
  #inOrder(targets: TunnelTarget[]): TunnelTarget[] {
    const nowMs = performance.now()
    for (const [key, untilMs] of this.#avoided) if (untilMs <= nowMs) this.#avoided.delete(key)
    const isAvoided = (target: TunnelTarget): boolean => this.#avoided.has(keyOf(target))
    const shuffled = shuffle(targets, this.#parts.network.surroundings.rng)
    return [...shuffled.filter((target) => !isAvoided(target)), ...shuffled.filter(isAvoided)]
  }

  #records(): Promise<readonly SignedApplicationRecord[]> {
    const nowMs = performance.now()
    if (this.#resolved === undefined || nowMs - this.#resolved.atMs > RESOLVED_MS)
      this.#resolved = { atMs: nowMs, records: this.#resolve() }
    return this.#resolved.records
  }

  #resolve(): Promise<readonly SignedApplicationRecord[]> {
    const isAny = this.#owner === undefined || this.#owner === ANY_OWNER
    return this.#parts.resolve(this.#name, isAny ? {} : { owner: this.#owner! })
  }
}

function keyOf({ publisher, request: { instance, endpoint } }: TunnelTarget): string {
  return `${publisher} ${instance} ${endpoint}`
}

function onlyOwner(name: string, records: readonly SignedApplicationRecord[]): string {
  const owners = [...new Set(records.map(({ record }) => ownerOf(record)))]
  if (owners.length > 1) throw severalOwners(name, owners)
  if (owners[0] === undefined) throw nobody(name)
  return owners[0]
}

function nobody(name: string): RoostError {
  return new RoostError('APPLICATION_NOT_FOUND', `nobody who is alive publishes ${name}`)
}

function listenError(cause: NodeJS.ErrnoException, port: number): RoostError {
  if (cause.code === 'EADDRINUSE')
    return new RoostError('PORT_TAKEN', `port ${port} of this machine is taken`, {
      cause,
      hint: 'choose another, or leave it out for any free one',
    })
  return new RoostError('ADDRESS_UNAVAILABLE', `cannot listen on port ${port}: ${cause.message}`, { cause })
}

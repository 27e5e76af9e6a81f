import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { PeerId, Plain } from '../../overlay/index.ts'
import type { Admission } from './contract.ts'
import type { Counters } from './counters.ts'
import { cut } from './cut.ts'
import { Exchange } from './exchange.ts'
import type { Log } from '../../overlay/contract/index.ts'

/**
 * The only thing that an outsider can reach: one request, one reply, and the connection is done. What is asked and answered is
 * `Admission.join`'s; here it is kept small, short and few.
 */
export const JOIN_PROTOCOL = '/roost/join/1'

/** A ticket's secret and a key out, a few certificates back. */
export const JOIN_BYTES_MAX = 65_536
/** Includes the authority's signature, and asking it where it is another node. */
export const JOIN_MS = 10_000
/** Joins that are answered at once, from all outsiders together; more are `BUSY`. */
export const JOINS_OPEN_MAX = 16
const DIAL_MS = 10_000

const LIMITS = { messageBytesMax: JOIN_BYTES_MAX, timeoutMs: JOIN_MS }

export class JoinDesk {
  readonly #admission: Admission
  readonly #counters: Counters
  readonly #log: Log
  #openCount = 0

  constructor({ admission, counters, log }: { admission: Admission; counters: Counters; log: Log }) {
    this.#admission = admission
    this.#counters = counters
    this.#log = log
  }

  /** Answers a stream from anybody. Never rejects. */
  async answer(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    const exchange = new Exchange(stream, LIMITS)
    this.#counters.add('join_requests')
    this.#openCount++
    try {
      if (this.#openCount > JOINS_OPEN_MAX) throw new RoostError('BUSY', 'too many nodes are joining at once')
      if (this.#admission.join === undefined) throw new RoostError('NOT_ADMITTED', 'this node lets nobody join')
      const request = await exchange.read()
      exchange.write(await this.#admission.join(peer, request))
      exchange.close()
    } catch (thrown) {
      this.#counters.add('join_refused_requests')
      if (!(thrown instanceof RoostError)) this.#log.error({ err: thrown, peer }, 'a request to join failed')
      else this.#log.info({ peer, code: thrown.code, err: thrown }, 'a request to join was refused')
      exchange.refuse(
        thrown instanceof RoostError ? thrown : new RoostError('INTERNAL', 'the request could not be answered'),
      )
    } finally {
      this.#openCount--
    }
  }
}

/** Asks by the first address that can be reached. Rejects as `Network.requestJoin` says. */
export async function askToJoin(
  libp2p: Libp2p,
  addresses: readonly string[],
  request: Plain,
): Promise<{ readonly peer: PeerId; readonly reply: unknown }> {
  const connection = await dialFirst(libp2p, addresses)
  try {
    return { peer: connection.remotePeer.toString(), reply: await ask(connection, request) }
  } finally {
    // Opened for this alone and not admitted: the next one is a member's.
    cut(connection, new Error('joining is done'))
  }
}

async function ask(connection: Connection, request: Plain): Promise<unknown> {
  let stream: Stream
  try {
    stream = await connection.newStream(JOIN_PROTOCOL, {
      signal: AbortSignal.timeout(JOIN_MS),
      // A member renews its certificate by it, be the authority behind a relay.
      runOnLimitedConnection: true,
    })
  } catch (cause) {
    throw new RoostError('PROTOCOL_UNKNOWN', 'who answered lets nobody join', { cause })
  }
  const exchange = new Exchange(stream, LIMITS)
  try {
    exchange.write(request)
    return await exchange.read()
  } catch (thrown) {
    throw asRoostError(thrown)
  } finally {
    exchange.close()
  }
}

async function dialFirst(libp2p: Libp2p, addresses: readonly string[]): Promise<Connection> {
  const causes: unknown[] = []
  for (const address of addresses) {
    try {
      return await libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_MS), force: true })
    } catch (thrown) {
      causes.push(thrown)
    }
  }
  throw new RoostError('PEER_UNREACHABLE', `nobody answered at ${addresses.join(', ') || 'no address'}`, {
    cause: causes.length === 1 ? causes[0] : new AggregateError(causes),
    hint: 'check that the machine that invited you is up, and that no firewall stands between',
  })
}

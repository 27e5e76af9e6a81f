import type { Connection } from '@libp2p/interface'
import { RoostError } from '../../overlay/index.ts'
import type { Counters } from './counters.ts'
import { cut } from './cut.ts'

/**
 * Finds connections that carry nothing any more: behind a cut cable, a router that forgot them, or a machine that sleeps, a TCP connection
 * looks as it did for a quarter of an hour, whatever is written to it is lost, and nobody is dialed since there is a connection. So
 * where there is a reason to doubt one, it is asked for a sign of life, and ended if it gives none.
 */

/**
 * How long a doubted connection may take. Longer keeps connections through short failures, which TCP mends by itself about as long
 * after them as they lasted; shorter is sooner at dialing anew.
 */
export const DOUBTED_MS = 8_000
/** The same after this machine slept or moved, where most connections are dead. */
export const SHAKEN_MS = 2_000
/** A timer that is later than this belongs to a machine that is busy, whose own silence this is. */
const LATE_MS_MAX = 500
/** Every libp2p node answers to it; that it agrees to speak it is the sign. */
const PING_PROTOCOL = '/ipfs/ping/1.0.0'

export class Pulse {
  readonly #counters: Counters
  /** Connections that are being asked, each with the time by which it must have answered. */
  readonly #askedUntilMs = new Map<Connection, number>()

  constructor(counters: Counters) {
    this.#counters = counters
  }

  /** Asks each of these connections, unless it is being asked already and has to answer as soon. Never rejects. */
  async feel(connections: readonly Connection[], timeoutMs: number): Promise<void> {
    await Promise.all(connections.map((connection) => this.#feelOne(connection, timeoutMs)))
  }

  async #feelOne(connection: Connection, timeoutMs: number): Promise<void> {
    const untilMs = performance.now() + timeoutMs
    const signal = AbortSignal.timeout(timeoutMs)
    if (untilMs >= (this.#askedUntilMs.get(connection) ?? Infinity)) return
    this.#askedUntilMs.set(connection, untilMs)
    try {
      const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
      void stream.close({ signal }).catch(() => {})
    } catch (cause) {
      // Other failures are answers of a kind, or bounds of ours: pings under way already are all that libp2p allows.
      if (connection.status !== 'open' || !signal.aborted) return
      // Who could not even look at the clock in time did not hear an answer either.
      if (performance.now() - untilMs > LATE_MS_MAX) return
      this.#counters.add('gate_silent_connections')
      cut(connection, new RoostError('CONNECTION_LOST', 'the connection carries nothing any more', { cause }))
    } finally {
      if (this.#askedUntilMs.get(connection) === untilMs) this.#askedUntilMs.delete(connection)
    }
  }
}

import type { Stream, StreamHandler } from '@libp2p/interface'
import { RoostError } from '../../overlay/index.ts'
import type { Counters } from './counters.ts'
import type { Gate } from './gate.ts'

/**
 * What a relay does for somebody who is no member: it takes them to a member that has a place here, where they may join. A ticket of a
 * node that only dials out names such ways; the relay sees nothing of what passes, which is encrypted between the two. It is open for
 * as long as a connection may be without admission, and there is no place here for a stranger itself.
 */

/** Strangers on their way at once; more are refused, and try another relay of their ticket. */
export const STRANGERS_COUNT_MAX = 8
/** What one may send: two handshakes, what libp2p tells by itself, and a request to join of 64 KiB. */
const STRANGER_BYTES_MAX = 131_072

export class Strangers {
  readonly #gate: Gate
  readonly #counters: Counters
  #count = 0

  constructor(gate: Gate, counters: Counters) {
    this.#gate = gate
    this.#counters = counters
  }

  /** The handler of streams that ask to be relayed: a member's wait for its admission, those of others pass as strangers'. */
  handler(inner: StreamHandler): StreamHandler {
    const forMembers = this.#gate.handler(inner)
    return async (stream, connection) => {
      if (this.#gate.mayBeAdmitted(connection)) return await forMembers(stream, connection)
      if (this.#count >= STRANGERS_COUNT_MAX) {
        this.#counters.add('gate_refused_streams')
        return stream.abort(new RoostError('BUSY', 'too many strangers are on their way'))
      }
      this.#counters.add('relay_strangers')
      this.#count++
      stream.addEventListener('close', () => this.#count--, { once: true })
      limit(stream)
      await inner(stream, connection)
    }
  }
}

function limit(stream: Stream): void {
  let leftBytes = STRANGER_BYTES_MAX
  stream.addEventListener('message', ({ data }) => {
    leftBytes -= data.byteLength
    if (leftBytes < 0) stream.abort(new RoostError('NOT_ADMITTED', 'joining takes less than this'))
  })
}

import type { Stream } from '@libp2p/interface'
import { decode, encode } from '../codec/index.ts'
import { RoostError, asRoostError, errorFromRecord } from '../../overlay/index.ts'
import type { Plain } from '../../overlay/index.ts'
import { encodeError } from './envelope.ts'
import { FrameStream } from './frame.ts'

/**
 * A short exchange of values on a stream of its own, with somebody who may be anybody: few messages, small ones, and one time
 * limit over all of it. Each message is `[true, value]`, or `[false, error]` where a side refuses.
 */
export interface ExchangeLimits {
  readonly messageBytesMax: number
  readonly timeoutMs: number
}

/** Messages that may wait to be read. An exchange takes turns, so more than a few is somebody who does not. */
const WAITING_COUNT_MAX = 4
/** `[true, ...]` around a message. */
const HEAD_BYTES_MAX = 16

export class Exchange {
  readonly #frames: FrameStream
  readonly #limits: ExchangeLimits
  readonly #waiting: Uint8Array[] = []
  readonly #timeout: NodeJS.Timeout
  #reader: { resolve(frame: Uint8Array): void; reject(error: RoostError): void } | undefined
  #ended: RoostError | undefined

  constructor(stream: Stream, limits: ExchangeLimits) {
    this.#limits = limits
    const frameBytesMax = limits.messageBytesMax + HEAD_BYTES_MAX
    this.#frames = new FrameStream(
      stream,
      { onFrame: (frame) => this.#take(frame.slice()), onEnd: (reason) => this.#end(reason) },
      { frameBytesMax, writeBufferBytesMax: WAITING_COUNT_MAX * frameBytesMax },
    )
    this.#timeout = setTimeout(
      () => this.abort(new RoostError('CALL_TIMEOUT', `no answer within ${limits.timeoutMs} ms`, { certain: false })),
      limits.timeoutMs,
    )
  }

  /**
   * The next value. Rejects with the error that the other side sent instead, or `CALL_TIMEOUT`, `CONNECTION_LOST`,
   * `MESSAGE_MALFORMED`, `MESSAGE_TOO_LARGE`.
   */
  async read(): Promise<unknown> {
    const frame = this.#waiting.shift() ?? (await this.#next())
    const message = decode(frame, { bytesMax: this.#limits.messageBytesMax + HEAD_BYTES_MAX })
    if (!Array.isArray(message) || message.length !== 2 || typeof message[0] !== 'boolean')
      throw new RoostError('MESSAGE_MALFORMED', 'not a message of an exchange')
    if (message[0] === false) throw errorFromRecord(message[1])
    return message[1]
  }

  write(value: Plain): void {
    const frame = encode([true, value])
    if (frame.length > this.#limits.messageBytesMax + HEAD_BYTES_MAX)
      throw new RoostError(
        'MESSAGE_TOO_LARGE',
        `${frame.length} bytes where at most ${this.#limits.messageBytesMax} are sent`,
      )
    this.#frames.write(frame)
  }

  /** Tells the other side why not, and ends the exchange once that has left. */
  refuse(thrown: unknown): void {
    const record = decode(encodeError(asRoostError(thrown)), { bytesMax: this.#limits.messageBytesMax })
    this.#frames.write(encode([false, record as Plain]))
    this.close()
  }

  /** Ends the exchange, once what was written has left. */
  close(): void {
    clearTimeout(this.#timeout)
    this.#frames.close()
  }

  abort(reason: RoostError): void {
    clearTimeout(this.#timeout)
    this.#frames.abort(reason)
  }

  #next(): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
    })
  }

  #take(frame: Uint8Array): void {
    const reader = this.#reader
    this.#reader = undefined
    if (reader !== undefined) reader.resolve(frame)
    else if (this.#waiting.length < WAITING_COUNT_MAX) this.#waiting.push(frame)
    else this.abort(new RoostError('BUSY', 'messages out of turn'))
  }

  #end(reason = new RoostError('CONNECTION_LOST', 'the other side said nothing more', { certain: false })): void {
    clearTimeout(this.#timeout)
    this.#ended = reason
    this.#reader?.reject(reason)
    this.#reader = undefined
  }
}

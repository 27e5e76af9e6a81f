import type { Stream } from '@libp2p/interface'
import { RoostError } from '../../overlay/index.ts'

/**
 * Frames over a libp2p stream: four bytes of length, most significant first, then that many bytes. Frames that are written in
 * one turn of the event loop leave as one piece, which is what makes one long-lived stream a peer some forty times faster
 * than a stream a request. Both directions hold only what their bounds allow.
 */

export interface FrameLimits {
  /** The longest frame. A longer one ends the stream, since its length is the only way to what follows it. */
  readonly frameBytesMax: number
  /** What waits here for a peer that reads slowly. Beyond it `write` refuses. */
  readonly writeBufferBytesMax: number
  /** How long a peer may take nothing of what waits for it; then the stream ends with `CALL_TIMEOUT`. */
  readonly stalledMs?: number
}

export interface FrameHandlers {
  /** A frame, in the order of arrival. The bytes are only good until it returns. */
  onFrame(frame: Uint8Array): void
  /** The stream has ended, for this reason, or undefined where both sides ended it in order. Called once, and nothing follows it. */
  onEnd(reason: RoostError | undefined): void
}

/** What goes into libp2p's own buffers at once; beyond it waits here, where it is counted. */
const CHUNK_BYTES_MAX = 65_536
/**
 * Half a minute outlasts a machine that is busy with something else; what waits for one that sleeps is of no use to it when it wakes.
 */
export const STALLED_MS = 30_000
/** How long a stream that was closed may take to hand over what was written before. */
const CLOSE_MS = 5_000
const HEADER_BYTES = 4

export class FrameStream {
  readonly #stream: Stream
  readonly #handlers: FrameHandlers
  readonly #limits: FrameLimits
  readonly #reader: FrameReader
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #flushIsDue = false
  #stallTimer: NodeJS.Timeout | undefined
  #state: 'open' | 'closing' | 'ended' = 'open'

  constructor(stream: Stream, handlers: FrameHandlers, limits: FrameLimits) {
    this.#stream = stream
    this.#handlers = handlers
    this.#limits = limits
    this.#reader = new FrameReader(limits.frameBytesMax)
    stream.addEventListener('message', (event) => this.#read(event.data.subarray()))
    stream.addEventListener('drain', () => {
      this.#moves()
      this.#flushSoon()
    })
    stream.addEventListener('remoteCloseWrite', () => this.close())
    stream.addEventListener('close', (event) => this.#end(event.error === undefined ? undefined : lost(event.error)))
    if (stream.status !== 'open') queueMicrotask(() => this.#end(undefined))
  }

  /** Whether frames can still be written. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Takes a frame to be sent; false where the buffer is full or the stream is over, and then it is not sent. */
  write(frame: Uint8Array): boolean {
    if (this.#state !== 'open') return false
    const bytes = frame.length + HEADER_BYTES
    if (frame.length > this.#limits.frameBytesMax) return false
    if (this.#waitingBytes + bytes > this.#limits.writeBufferBytesMax) return false
    this.#waiting.push(frame)
    this.#waitingBytes += bytes
    this.#flushSoon()
    return true
  }

  /** Sends what was written, then ends. Frames are still read until the other side has ended too. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#flushSoon()
  }

  /** Ends at once, in both directions. */
  abort(reason: RoostError): void {
    if (this.#state === 'ended') return
    this.#end(reason)
    this.#stream.abort(reason)
  }

  #read(chunk: Uint8Array): void {
    if (this.#state === 'ended') return
    try {
      this.#reader.push(chunk, (frame) => {
        if (this.#state !== 'ended') this.#handlers.onFrame(frame)
      })
    } catch (thrown) {
      this.abort(
        thrown instanceof RoostError ? thrown : new RoostError('INTERNAL', 'a frame handler failed', { cause: thrown }),
      )
    }
  }

  /** Late in this turn of the loop, so that what is written in it leaves together. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#state === 'ended') return
    this.#flushIsDue = true
    setImmediate(() => {
      this.#flushIsDue = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#state === 'ended') return
    try {
      while (this.#waiting.length > 0 && !this.#stream.writableNeedsDrain) this.#stream.send(this.#takeChunk())
      if (this.#waiting.length > 0) this.#expectDrain()
    } catch (thrown) {
      this.abort(lost(thrown))
      return
    }
    if (this.#state === 'closing' && this.#waiting.length === 0) void this.#closeStream()
  }

  #expectDrain(): void {
    const { stalledMs = STALLED_MS } = this.#limits
    this.#stallTimer ??= setTimeout(
      () => this.abort(new RoostError('CALL_TIMEOUT', `the other side took nothing for ${stalledMs} ms`)),
      stalledMs,
    ).unref()
  }

  #moves(): void {
    clearTimeout(this.#stallTimer)
    this.#stallTimer = undefined
  }

  #takeChunk(): Uint8Array {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length) {
      const next = this.#waiting[count]!.length + HEADER_BYTES
      if (count > 0 && bytes + next > CHUNK_BYTES_MAX) break
      bytes += next
      count++
    }
    const chunk = new Uint8Array(bytes)
    let offset = 0
    for (let index = 0; index < count; index++) {
      const frame = this.#waiting[index]!
      writeLength(chunk, offset, frame.length)
      chunk.set(frame, offset + HEADER_BYTES)
      offset += frame.length + HEADER_BYTES
    }
    this.#waiting = count === this.#waiting.length ? [] : this.#waiting.slice(count)
    this.#waitingBytes -= bytes
    return chunk
  }

  async #closeStream(): Promise<void> {
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(CLOSE_MS) })
    } catch (thrown) {
      this.abort(lost(thrown))
    }
  }

  #end(reason: RoostError | undefined): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#moves()
    this.#waiting = []
    this.#waitingBytes = 0
    this.#handlers.onEnd(reason)
  }
}

/** Cuts bytes into frames, however they were split on the way. Memory grows with what arrived, not with what was announced. */
export class FrameReader {
  readonly #frameBytesMax: number
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerFilled = 0
  #body = EMPTY
  #bodyFilled = 0

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** Gives every frame that is complete now. Throws `MESSAGE_TOO_LARGE` for one beyond the bound; nothing can follow that. */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    let offset = 0
    while (offset < chunk.length) {
      if (this.#headerFilled < HEADER_BYTES) {
        this.#header[this.#headerFilled++] = chunk[offset++]!
        if (this.#headerFilled < HEADER_BYTES) continue
        this.#checkLength()
      }
      const missing = readLength(this.#header) - this.#bodyFilled
      const part = chunk.subarray(offset, offset + missing)
      offset += part.length
      if (part.length < missing) {
        this.#keep(part)
        return
      }
      this.#headerFilled = 0
      if (this.#bodyFilled === 0) {
        onFrame(part)
        continue
      }
      this.#keep(part)
      const frame = this.#body.subarray(0, this.#bodyFilled)
      this.#body = EMPTY
      this.#bodyFilled = 0
      onFrame(frame)
    }
  }

  #checkLength(): void {
    const length = readLength(this.#header)
    if (length > this.#frameBytesMax)
      throw new RoostError(
        'MESSAGE_TOO_LARGE',
        `a frame of ${length} bytes where at most ${this.#frameBytesMax} are read`,
      )
    if (length === 0) throw new RoostError('MESSAGE_MALFORMED', 'an empty frame')
  }

  #keep(part: Uint8Array): void {
    const needed = this.#bodyFilled + part.length
    if (needed > this.#body.length) {
      const grown = new Uint8Array(Math.min(readLength(this.#header), Math.max(needed, this.#body.length * 2)))
      grown.set(this.#body.subarray(0, this.#bodyFilled))
      this.#body = grown
    }
    this.#body.set(part, this.#bodyFilled)
    this.#bodyFilled = needed
  }
}

const EMPTY = new Uint8Array(0)

function readLength(header: Uint8Array): number {
  return ((header[0]! << 24) | (header[1]! << 16) | (header[2]! << 8) | header[3]!) >>> 0
}

function writeLength(target: Uint8Array, offset: number, length: number): void {
  target[offset] = length >>> 24
  target[offset + 1] = length >>> 16
  target[offset + 2] = length >>> 8
  target[offset + 3] = length
}

function lost(cause: unknown): RoostError {
  return new RoostError('CONNECTION_LOST', 'the stream broke', {
    certain: false,
    ...(cause !== undefined && { cause }),
  })
}

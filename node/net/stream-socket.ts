import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../overlay/index.ts'

/**
 * A libp2p stream as the socket that node:http and undici expect. It pauses the stream while nobody reads, and waits for
 * `drain` while the peer does not; `Libp2pSocket` of @libp2p/http-utils awaits `onDrain`, which in @libp2p/utils 7.4.1 never
 * resets, so that everything written piles up in memory.
 */

/** How long a stream that we ended may wait for the other side to end it too. */
const LINGER_MS = 5_000
/** What is given to the stream at once; it may hold this much beyond its window. */
const PIECE_BYTES_MAX = 262_144

export interface StreamSocketOptions {
  /** How long what was written before our end may take to leave; `Infinity`: as long as the other side takes to read. */
  readonly endMs?: number
  /** What may wait here each way, for a reader or for the stream; Node's own bound where left out. */
  readonly bufferBytes?: number
}

export class StreamSocket extends Duplex {
  /** Who is on the other side, as the connection has proved. */
  readonly peer: PeerId
  readonly remoteAddress: string
  readonly #stream: Stream
  readonly #endMs: number
  #hasRemoteEnded: boolean
  #fullSinceMs: number | undefined
  #idleMs = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(stream: Stream, peer: PeerId, { endMs = LINGER_MS, bufferBytes }: StreamSocketOptions = {}) {
    super({ allowHalfOpen: true, ...(bufferBytes !== undefined && { highWaterMark: bufferBytes }) })
    this.#endMs = endMs
    this.peer = peer
    this.remoteAddress = peer
    this.#stream = stream
    this.#hasRemoteEnded =
      stream.remoteWriteStatus === 'closed' && stream.status !== 'reset' && stream.status !== 'aborted'
    stream.addEventListener('message', (event) => {
      this.#touch()
      if (!this.push(event.data.subarray()) && stream.readStatus === 'readable') stream.pause()
    })
    // A connection that is gone also ends the stream; only what the other side has ended is whole.
    stream.addEventListener('remoteCloseWrite', () => (this.#hasRemoteEnded = true))
    stream.addEventListener('end', () => void (this.#hasRemoteEnded && this.push(null)))
    stream.addEventListener('close', (event) => this.#closed(event.error))
    if (stream.status !== 'open') queueMicrotask(() => this.#closed(undefined))
  }

  override _read(): void {
    if (this.#stream.readStatus === 'paused') this.#stream.resume()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#touch()
    this.#send(chunk, 0, done)
  }

  /** What gathered while the stream was full goes in one piece: the encryption under it costs by the message too. */
  override _writev(gathered: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(gathered.map(({ chunk }) => chunk)), '', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    const limit = this.#endMs === Infinity ? {} : { signal: AbortSignal.timeout(this.#endMs) }
    this.#stream.close(limit).then(() => done(), done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idleTimer)
    if (error !== null) this.#stream.abort(error)
    else void this.#linger()
    done(error)
  }

  /** How long the other side has taken nothing of what waits for it; 0 where nothing waits. */
  get stalledMs(): number {
    return this.#fullSinceMs === undefined ? 0 : performance.now() - this.#fullSinceMs
  }

  // What follows is what node:net's sockets have beyond a Duplex, as far as node:http and undici use it.

  setTimeout(timeoutMs: number, listener?: () => void): this {
    if (listener !== undefined) this.once('timeout', listener)
    this.#idleMs = timeoutMs
    this.#touch()
    return this
  }

  get timeout(): number {
    return this.#idleMs
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  address(): object {
    return {}
  }

  /** In pieces, each once the one before has left: what a stream is given at once it keeps at once. */
  #send(chunk: Uint8Array, from: number, done: (error?: Error | null) => void): void {
    try {
      for (let offset = from; offset < chunk.length; offset += PIECE_BYTES_MAX) {
        if (this.#stream.send(chunk.subarray(offset, offset + PIECE_BYTES_MAX))) continue
        this.#afterDrain((error) => (error ? done(error) : this.#send(chunk, offset + PIECE_BYTES_MAX, done)))
        return
      }
      done()
    } catch (thrown) {
      done(asError(thrown))
    }
  }

  /** Once the stream has handed over all that it was given, or has ended. */
  #afterDrain(done: (error?: Error) => void): void {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.#fullSinceMs = performance.now()
    // After a drain the stream sends what it holds, in a microtask of its own, and may be full again.
    const onDrain = (): void => void setImmediate(() => this.#stream.writableNeedsDrain || resolve(undefined))
    const onClose = (): void => resolve(new Error('the stream ended before everything was sent'))
    this.#stream.addEventListener('drain', onDrain)
    this.#stream.addEventListener('close', onClose)
    void promise.then((error) => {
      this.#fullSinceMs = undefined
      this.#stream.removeEventListener('drain', onDrain)
      this.#stream.removeEventListener('close', onClose)
      done(error)
    })
  }

  #closed(error: Error | undefined): void {
    if (error !== undefined) this.destroy(error)
    else if (!this.#hasRemoteEnded) this.destroy(new Error('the connection was lost'))
    // What was received before may still wait here for a reader; its end follows it.
    else if (this.#stream.readBufferLength === 0 && !this.readableEnded && !this.destroyed) this.push(null)
  }

  #touch(): void {
    clearTimeout(this.#idleTimer)
    if (this.#idleMs > 0 && !this.destroyed)
      this.#idleTimer = setTimeout(() => this.emit('timeout'), this.#idleMs).unref()
  }

  /** Ends our side in order, so that what we wrote arrives; a peer that does not end its own is cut off. */
  async #linger(): Promise<void> {
    const stream = this.#stream
    if (stream.status !== 'open' && stream.status !== 'closing') return
    const cut = setTimeout(() => stream.abort(new Error('the other side did not end the stream')), LINGER_MS).unref()
    stream.addEventListener('close', () => clearTimeout(cut))
    try {
      // Nobody reads any more: without this a paused stream would never reach its end.
      if (stream.readStatus === 'paused') stream.resume()
      await stream.close({ signal: AbortSignal.timeout(LINGER_MS) })
    } catch (thrown) {
      stream.abort(asError(thrown))
    }
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

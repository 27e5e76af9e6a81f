import type { Connection, Stream } from '@libp2p/interface'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { CallOptions, PeerId } from '../../overlay/index.ts'
import { after } from './clock.ts'
import type { Counters } from './counters.ts'
import { FRAME_BYTES_MAX } from './envelope.ts'
import { FrameStream } from './frame.ts'

/**
 * All that this node says to one peer on the grid's protocol: one long-lived stream, opened when there is something to say, used in
 * both directions, and replaced when it breaks. When both sides open one at once, both are read; the one that the smaller
 * peer id opened is written to, and who opened the other ends it once it is empty.
 */

/** What may wait for a peer: for its connection, or because it reads slowly. Beyond it messages are dropped and calls are `BUSY`. */
export const WAITING_BYTES_MAX = 4_194_304
const WAITING_COUNT_MAX = 4_096
/** Calls to one peer that wait for their reply; more are `BUSY`. */
export const CALLS_OPEN_MAX = 1_024
/** Streams with one peer that are read. Two are usual while both sides open one at once; beyond the bound the oldest is aborted. */
const STREAMS_COUNT_MAX = 4
/** Two streams that were opened within this time of each other are two tries at the same, not an old one and its replacement. */
const SIMULTANEOUS_MS = 5_000

/** With these ends a stream whose bytes are no frames. */
const UNREADABLE_CODES: readonly string[] = ['MESSAGE_TOO_LARGE', 'MESSAGE_MALFORMED']

const FRAME_LIMITS = { frameBytesMax: FRAME_BYTES_MAX, writeBufferBytesMax: WAITING_BYTES_MAX }

export interface LinkDependencies {
  readonly self: PeerId
  readonly counters: Counters
  /** A stream to the peer over an admitted connection; rejects with a `RoostError`. */
  readonly open: () => Promise<{ stream: Stream; connection: Connection }>
  /** A frame from the peer; the bytes are only good until it returns. */
  readonly onFrame: (frame: Uint8Array) => void
  /** What the peer sent is cut into no frames any more; its stream is over. */
  readonly onUnreadable: (error: RoostError) => void
  /** The peer has not read for so long that its stream is over. */
  readonly onStalled: () => void
  /** The link has become idle, and may be forgotten. */
  readonly onIdle: () => void
}

interface Lane {
  readonly frames: FrameStream
  readonly connection: Connection
  readonly openedMs: number
  readonly isOurs: boolean
}

interface OpenCall {
  /**
   * The lane that the request left by; undefined while it waits here. `between` when that one was ended in order while ours is
   * still being opened: the peer has it already and replies by it.
   */
  lane: Lane | 'between' | undefined
  /** Ends the call, in one way or the other. */
  settle(outcome: { readonly body: Uint8Array } | { readonly error: RoostError }): void
}

export class Link {
  readonly #peer: PeerId
  readonly #dependencies: LinkDependencies
  readonly #lanes = new Set<Lane>()
  readonly #calls = new Map<number, OpenCall>()
  #current: Lane | undefined
  #waiting: { readonly frame: Uint8Array; readonly call: number | undefined }[] = []
  #waitingBytes = 0
  #isOpening = false
  #nextId = 1

  constructor(peer: PeerId, dependencies: LinkDependencies) {
    this.#peer = peer
    this.#dependencies = dependencies
  }

  get callsOpenCount(): number {
    return this.#calls.size
  }

  get waitingBytes(): number {
    return this.#waitingBytes + (this.#current?.frames.waitingBytes ?? 0)
  }

  /** Nothing is open and nothing waits. */
  get isIdle(): boolean {
    return this.#lanes.size === 0 && this.#calls.size === 0 && this.#waiting.length === 0 && !this.#isOpening
  }

  /** Sends, best effort. False where a bound was reached; the newest is what is dropped. */
  send(frame: Uint8Array): boolean {
    return this.#put(frame, undefined)
  }

  /** Sends, unless the peer would have to be connected to anew: by then nobody waits for the answer. */
  answer(frame: Uint8Array): boolean {
    return (this.#writable() !== undefined || this.#isOpening) && this.#put(frame, undefined)
  }

  /** One request; `makeFrame` gets the id under which the reply comes. Rejects as `CallEnv.call` says. */
  call(makeFrame: (id: number) => Uint8Array, { timeoutMs, signal }: CallOptions): Promise<Uint8Array> {
    if (this.#calls.size >= CALLS_OPEN_MAX) return Promise.reject(this.#busy())
    const id = this.#nextId++
    const frame = makeFrame(id)
    return new Promise((resolve, reject) => {
      const settle: OpenCall['settle'] = (outcome) => {
        if (!this.#calls.delete(id)) return
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
        if (call.lane === undefined) this.#forget(id)
        if ('body' in outcome) resolve(outcome.body)
        else reject(outcome.error)
        this.#maybeIdle()
      }
      const stopTimer = after(timeoutMs, () => settle({ error: this.#late(timeoutMs, call.lane !== undefined) }))
      const onAbort = (): void => settle({ error: cancelled(this.#peer) })
      const call: OpenCall = { lane: undefined, settle }
      this.#calls.set(id, call)
      signal?.addEventListener('abort', onAbort)
      if (!this.#put(frame, id)) settle({ error: this.#busy() })
    })
  }

  /** A reply or an error under an id; one that nobody waits for is ignored. */
  settle(id: number, outcome: { readonly body: Uint8Array } | { readonly error: RoostError }): void {
    this.#calls.get(id)?.settle(outcome)
  }

  /** Takes a stream that the peer opened. */
  accept(stream: Stream, connection: Connection): void {
    const lane = this.#addLane(stream, connection, false)
    const current = this.#writable()
    if (current === undefined || this.#yieldsTo(current, lane)) this.#use(lane)
  }

  /** Ends it: open calls fail with `reason`. */
  stop(reason: RoostError): void {
    this.#waiting = []
    this.#waitingBytes = 0
    for (const call of [...this.#calls.values()]) call.settle({ error: reason })
    for (const lane of [...this.#lanes]) lane.frames.abort(reason)
  }

  #put(frame: Uint8Array, call: number | undefined): boolean {
    const current = this.#writable()
    if (current !== undefined) return this.#write(current, frame, call)
    if (this.#waiting.length >= WAITING_COUNT_MAX || this.#waitingBytes + frame.length > WAITING_BYTES_MAX) return false
    this.#waiting.push({ frame, call })
    this.#waitingBytes += frame.length
    if (!this.#isOpening) void this.#open()
    return true
  }

  #write(lane: Lane, frame: Uint8Array, id: number | undefined): boolean {
    if (!lane.frames.write(frame)) return false
    this.#dependencies.counters.add('grid_sent_frames')
    this.#dependencies.counters.add('grid_sent_bytes', frame.length)
    const call = id === undefined ? undefined : this.#calls.get(id)
    if (call !== undefined) call.lane = lane
    return true
  }

  async #open(): Promise<void> {
    this.#isOpening = true
    try {
      const { stream, connection } = await this.#dependencies.open()
      const lane = this.#addLane(stream, connection, true)
      const current = this.#writable()
      // The peer opened one meanwhile, and decides by the same rule.
      if (current === undefined || !this.#yieldsTo(lane, current)) this.#use(lane)
      else lane.frames.close()
    } catch (thrown) {
      if (this.#writable() === undefined) this.#failWaiting(asRoostError(thrown))
    } finally {
      this.#isOpening = false
    }
    this.#maybeIdle()
  }

  #addLane(stream: Stream, connection: Connection, isOurs: boolean): Lane {
    const frames = new FrameStream(
      stream,
      { onFrame: this.#dependencies.onFrame, onEnd: (reason) => this.#ended(lane, reason) },
      FRAME_LIMITS,
    )
    const lane: Lane = { frames, connection, isOurs, openedMs: performance.now() }
    this.#lanes.add(lane)
    if (this.#lanes.size > STREAMS_COUNT_MAX) {
      const oldest = [...this.#lanes].find((other) => other !== this.#current && other !== lane)
      oldest?.frames.abort(new RoostError('BUSY', 'too many streams'))
    }
    return lane
  }

  #writable(): Lane | undefined {
    return this.#current?.frames.isOpen ? this.#current : undefined
  }

  /** Writes to this lane from now on. The one before is still read, and ended in order if it was ours. */
  #use(lane: Lane): void {
    const previous = this.#writable()
    this.#current = lane
    for (const call of this.#calls.values()) {
      // The peer switches too, and replies by the lane that it then writes to: those calls go on.
      const goesOn = call.lane === 'between' || (call.lane === previous && previous && this.#isSameTry(previous, lane))
      if (goesOn) call.lane = lane
    }
    if (previous?.isOurs) previous.frames.close()
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const { frame, call } of waiting) {
      if (this.#write(lane, frame, call)) continue
      if (call === undefined) this.#dependencies.counters.add('grid_dropped_messages')
      else this.#calls.get(call)?.settle({ error: this.#busy() })
    }
  }

  /** Whether a lane gives way to one that the peer opened: always to a replacement, and otherwise if the peer's id is smaller. */
  #yieldsTo(lane: Lane, theirs: Lane): boolean {
    return !lane.isOurs || !this.#isSameTry(lane, theirs) || this.#peer < this.#dependencies.self
  }

  #isSameTry(one: Lane, other: Lane): boolean {
    return one.connection === other.connection || Math.abs(one.openedMs - other.openedMs) < SIMULTANEOUS_MS
  }

  #ended(lane: Lane, reason: RoostError | undefined): void {
    this.#lanes.delete(lane)
    if (this.#current === lane) this.#current = undefined
    if (reason !== undefined && UNREADABLE_CODES.includes(reason.code)) this.#dependencies.onUnreadable(reason)
    if (reason?.code === 'CALL_TIMEOUT') this.#dependencies.onStalled()
    const successor = reason === undefined ? (this.#writable() ?? (this.#isOpening ? 'between' : undefined)) : undefined
    for (const call of [...this.#calls.values()]) {
      if (call.lane !== lane) continue
      if (successor === undefined) call.settle({ error: this.#lost(reason) })
      else call.lane = successor
    }
    this.#maybeIdle()
  }

  #failWaiting(reason: RoostError): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const { call } of waiting) {
      if (call === undefined) this.#dependencies.counters.add('grid_dropped_messages')
      else this.#calls.get(call)?.settle({ error: reason })
    }
    for (const call of [...this.#calls.values()])
      if (call.lane === 'between') call.settle({ error: this.#lost(reason) })
  }

  #forget(id: number): void {
    const index = this.#waiting.findIndex((entry) => entry.call === id)
    if (index === -1) return
    this.#waitingBytes -= this.#waiting[index]!.frame.length
    this.#waiting.splice(index, 1)
  }

  #maybeIdle(): void {
    if (this.isIdle) this.#dependencies.onIdle()
  }

  #lost(cause: RoostError | undefined): RoostError {
    return new RoostError('CONNECTION_LOST', `the connection with ${this.#peer} broke before the answer`, {
      certain: false,
      ...(cause !== undefined && { cause }),
    })
  }

  #busy(): RoostError {
    this.#dependencies.counters.add('grid_busy_calls')
    return new RoostError('BUSY', `too much is under way with ${this.#peer}`)
  }

  #late(timeoutMs: number, wasSent: boolean): RoostError {
    return wasSent
      ? new RoostError('CALL_TIMEOUT', `${this.#peer} did not answer within ${timeoutMs} ms`, { certain: false })
      : new RoostError('PEER_UNREACHABLE', `${this.#peer} could not be reached within ${timeoutMs} ms`)
  }
}

export function cancelled(peer: PeerId): RoostError {
  return new RoostError('CANCELLED', `the call to ${peer} was given up`, { certain: false })
}

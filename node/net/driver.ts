import assert from 'node:assert/strict'
import type { Connection, Stream } from '@libp2p/interface'
import { decode, encode, LastEncoded } from '../codec/index.ts'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type {
  CallEnv,
  CallOptions,
  CallWire,
  Env,
  ErrorCode,
  PeerId,
  Plain,
  Protocol,
  Service,
  Surroundings,
  Wire,
} from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import { after } from './clock.ts'
import type { Counters } from './counters.ts'
import { BODY_BYTES_MAX, decodeEnvelope, decodeError, encodeEnvelope, encodeError } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import { Conversations } from './conversations.ts'
import { protocolName } from './judge.ts'
import { Link, cancelled } from './link.ts'
import { Seat } from './seat.ts'
import type { Versions } from './versions.ts'
import { askByVersion, newestCallWire, wordsFor } from './wording.ts'

/**
 * Drives protocols and conversations on the real network: what `Env` and `CallEnv` promise, over one framed stream a peer. A frame
 * is decoded in two steps, its envelope first, so that the bound of the wire that it is for holds before its body is looked
 * at. Whatever a peer sends ends in a parsed message, an answer, or a count against the peer, which is cut off when there are too
 * many (`Judge`).
 */
export const GRID_PROTOCOL = '/roost/grid/1'

/** Requests of one peer that are being answered; more are answered with `BUSY`. */
export const ANSWERS_OPEN_MAX = 256
/** Unknown protocols of whose messages one peer is told; of those of more it is not, and of each once in so long. */
const REFUSALS_COUNT_MAX = 64
const REFUSAL_MS = 10_000

export interface DriverDependencies {
  readonly surroundings: Surroundings
  readonly log: Log
  readonly counters: Counters
  readonly versions: Versions
  /** A stream for the grid's protocol to an admitted peer; rejects with a `RoostError`. */
  readonly open: (peer: PeerId) => Promise<{ stream: Stream; connection: Connection }>
  /** Something that a peer sent was refused. */
  readonly blame: (peer: PeerId, protocol: string, reason: string) => void
}

interface Channel {
  readonly messageBytesMax: number
  /** A message for a state machine; throws where it cannot be read. */
  receive?(from: PeerId, body: Uint8Array): void
  /** A request; resolves to the encoded reply. Rejects or throws with what the caller is told. */
  answer?(from: PeerId, body: Uint8Array): Promise<Uint8Array>
  leave(): void
}

interface Peer {
  readonly link: Link
  /** When the peer was told last that a protocol of its messages is not spoken here, by protocol. */
  readonly refusedMs: Map<string, number>
  answersOpenCount: number
}

export class Driver {
  readonly #dependencies: DriverDependencies
  readonly #channels = new Map<string, Channel>()
  /** All versions that are spoken, the newest first, by the id of the newest. */
  readonly #spoken = new Map<string, readonly string[]>()
  readonly #peers = new Map<PeerId, Peer>()
  /** A message for several peers is encoded once. */
  readonly #sent = new LastEncoded()
  readonly #sentBytes = new Map<string, number>()
  #isStopped = false

  constructor(dependencies: DriverDependencies) {
    this.#dependencies = dependencies
  }

  get linksCount(): number {
    return this.#peers.size
  }

  get callsOpenCount(): number {
    return [...this.#peers.values()].reduce((sum, { link }) => sum + link.callsOpenCount, 0)
  }

  get waitingBytes(): number {
    return [...this.#peers.values()].reduce((sum, { link }) => sum + link.waitingBytes, 0)
  }

  /** Bytes of messages by protocol, under names for `/metrics`; those of conversations are in the sum of all alone. */
  get sentBytes(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#sentBytes)
  }

  mount<Message, Timer, Event>(
    wire: Wire<Message>,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
  ): Env<Message, Timer, Event> {
    const { surroundings, log, counters } = this.#dependencies
    const send = (to: PeerId, message: Message): void => this.#send(to, wire, message)
    const seat = new Seat<Message, Timer, Event>(wire.id, protocol, onEvent, { surroundings, log, counters, send })
    const { messageBytesMax } = wire
    this.#addChannels(
      [wire, ...(wire.older ?? [])].map(({ id, parse }) => ({
        id,
        messageBytesMax,
        receive: (from, body) => seat.receive(from, this.#read(from, body, { id, messageBytesMax }, parse)),
        leave: () => seat.leave(),
      })),
    )
    try {
      seat.start()
    } catch (thrown) {
      this.unmount(wire.id)
      throw thrown
    }
    return seat.env
  }

  serve<Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>): CallEnv<Request, Reply> {
    const { surroundings } = this.#dependencies
    const conversations = new Conversations(surroundings)
    const { messageBytesMax } = wire
    const encodeReply = (reply: Plain | undefined): Uint8Array => {
      const body = encode(reply)
      if (body.length > messageBytesMax)
        throw new RoostError('MESSAGE_TOO_LARGE', `a reply of ${body.length} bytes`, { certain: false })
      return body
    }
    const versions = [newestCallWire(wire), ...(wire.older ?? [])]
    this.#addChannels(
      versions.map(({ id, parseRequest, expressReply }) => ({
        id,
        messageBytesMax,
        answer: async (from, body) => {
          const request = this.#read(from, body, { id, messageBytesMax }, parseRequest)
          return encodeReply(expressReply(await service.answer(from, request)))
        },
        leave: () => conversations.leave(),
      })),
    )
    return conversations.env<Request, Reply>(async (to, request, options) => {
      const { id, reply: body } = await askByVersion(
        { to, request, versions, ...options },
        { self: surroundings.self, nowMs: () => surroundings.nowMs, chosen: this.#dependencies.versions },
        (version, words, limits) => this.#call(to, { id: version, messageBytesMax }, words, limits),
      )
      try {
        return this.#read(to, body, { id, messageBytesMax }, versions.find((version) => version.id === id)!.parseReply)
      } catch (cause) {
        const error = asRoostError(cause)
        throw new RoostError(error.code, `the reply of ${to}: ${error.message}`, { cause, certain: false })
      }
    })
  }

  unmount(wireId: string): void {
    const ids = this.#spoken.get(wireId) ?? []
    this.#spoken.delete(wireId)
    if (ids.length > 0) this.#dependencies.versions.silence(ids)
    for (const id of ids) {
      const channel = this.#channels.get(id)
      this.#channels.delete(id)
      channel?.leave()
    }
  }

  /** Takes a stream of the grid's protocol that an admitted peer opened. */
  accept(stream: Stream, connection: Connection): void {
    if (this.#isStopped) stream.abort(new Error('stopped'))
    else this.#peer(connection.remotePeer.toString()).link.accept(stream, connection)
  }

  stop(): void {
    this.#isStopped = true
    for (const wireId of [...this.#spoken.keys()]) this.unmount(wireId)
    const reason = new RoostError('CANCELLED', 'the node is stopping', { certain: false })
    for (const { link } of [...this.#peers.values()]) link.stop(reason)
    this.#peers.clear()
  }

  /** Of the versions of one protocol, the newest first. */
  #addChannels(channels: readonly (Channel & { readonly id: string })[]): void {
    assert(!this.#isStopped, 'the network is stopped')
    for (const { id, messageBytesMax } of channels) {
      assert(!this.#channels.has(id), `${id} is mounted already`)
      assert(messageBytesMax <= BODY_BYTES_MAX, `${id} asks for messages beyond ${BODY_BYTES_MAX} bytes`)
    }
    for (const channel of channels) this.#channels.set(channel.id, channel)
    const ids = channels.map(({ id }) => id)
    this.#spoken.set(ids[0]!, ids)
    this.#dependencies.versions.speak(ids)
  }

  #send<Message>(to: PeerId, wire: Wire<Message>, message: Message): void {
    if (this.#isStopped) return
    const chosen = wordsFor(this.#dependencies.versions, to, wire, message)
    if (chosen === undefined) return this.#dependencies.counters.add('grid_unspoken_messages')
    const body = this.#sent.encode(chosen.words)
    this.#countSent(chosen.id, body.length)
    const isSmall = body.length <= wire.messageBytesMax
    const frame = { channel: chosen.id, kind: 'message', id: 0, body } as const
    if (isSmall && this.#peer(to).link.send(encodeEnvelope(frame))) return
    this.#dependencies.counters.add('grid_dropped_messages')
    if (!isSmall)
      this.#dependencies.log.warn(
        { peer: to, protocol: wire.id, bytes: body.length },
        'a message beyond its bound was not sent',
      )
  }

  #countSent(id: string, bytes: number): void {
    const name = `grid_sent_${protocolName(id).replaceAll('-', '_')}_bytes`
    this.#sentBytes.set(name, (this.#sentBytes.get(name) ?? 0) + bytes)
  }

  async #call(
    to: PeerId,
    wire: { readonly id: string; readonly messageBytesMax: number },
    request: Plain,
    options: CallOptions,
  ): Promise<Uint8Array> {
    if (this.#isStopped || options.signal?.aborted) throw cancelled(to)
    const body = encode(request)
    if (body.length > wire.messageBytesMax)
      throw new RoostError(
        'MESSAGE_TOO_LARGE',
        `a request of ${body.length} bytes where ${wire.messageBytesMax} are the bound`,
      )
    if (to === this.#dependencies.surroundings.self) return await this.#answerSelf(wire.id, body, options)
    return await this.#peer(to).link.call(
      (id) => encodeEnvelope({ channel: wire.id, kind: 'request', id, body }),
      options,
    )
  }

  async #answerSelf(wireId: string, body: Uint8Array, { timeoutMs, signal }: CallOptions): Promise<Uint8Array> {
    const { self } = this.#dependencies.surroundings
    const limit = Promise.withResolvers<never>()
    const late = (): RoostError =>
      new RoostError('CALL_TIMEOUT', `no answer within ${timeoutMs} ms`, { certain: false })
    const stopTimer = after(timeoutMs, () => limit.reject(late()))
    const onAbort = (): void => limit.reject(cancelled(self))
    signal?.addEventListener('abort', onAbort)
    try {
      return await Promise.race([this.#answered(self, wireId, body), limit.promise])
    } catch (thrown) {
      // As if it had crossed the network: nothing but the record arrives.
      throw decodeError(encodeError(asRoostError(thrown)))
    } finally {
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #peer(id: PeerId): Peer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const { surroundings, counters, open } = this.#dependencies
    const link = new Link(id, {
      self: surroundings.self,
      counters,
      open: () => open(id),
      onFrame: (frame) => this.#take(id, peer, frame),
      onUnreadable: (error) => this.#malformed(id, 'grid', reasonOf(error, 'unreadable')),
      onStalled: () => {
        counters.add('grid_stalled_streams')
        this.#blame(id, 'grid', 'stalled')
      },
      onIdle: () => this.#forgetIfIdle(id, peer),
    })
    const peer: Peer = { link, refusedMs: new Map(), answersOpenCount: 0 }
    this.#peers.set(id, peer)
    return peer
  }

  #take(from: PeerId, peer: Peer, frame: Uint8Array): void {
    const { counters } = this.#dependencies
    counters.add('grid_received_frames')
    counters.add('grid_received_bytes', frame.length)
    let envelope: Envelope
    try {
      envelope = decodeEnvelope(frame)
    } catch {
      return this.#malformed(from, 'grid', 'unreadable')
    }
    if (envelope.kind === 'message') this.#takeMessage(from, peer, envelope)
    else if (envelope.kind === 'request') void this.#takeRequest(from, peer, envelope)
    else if (envelope.kind === 'reply') peer.link.settle(envelope.id, { body: envelope.body })
    else if (envelope.id === MESSAGE_REFUSED_ID)
      this.#dependencies.versions.learn(from, envelope.channel, decodeError(envelope.body))
    else peer.link.settle(envelope.id, { error: decodeError(envelope.body) })
  }

  #takeMessage(from: PeerId, peer: Peer, { channel, body }: Envelope): void {
    const mounted = this.#channels.get(channel)
    if (mounted?.receive === undefined) return this.#refuseMessage(peer, channel)
    try {
      mounted.receive(from, body)
    } catch (thrown) {
      this.#dependencies.log.debug({ peer: from, protocol: channel, err: thrown }, 'a message was refused')
    }
  }

  /** Says what is spoken instead: a message waits for no answer, and who sent it would go on for ever. */
  #refuseMessage({ link, refusedMs }: Peer, channel: string): void {
    const { counters, versions, surroundings } = this.#dependencies
    counters.add('grid_unknown_protocol_frames')
    const lastMs = refusedMs.get(channel)
    if (lastMs === undefined && refusedMs.size >= REFUSALS_COUNT_MAX) return
    if (lastMs !== undefined && surroundings.nowMs - lastMs < REFUSAL_MS) return
    refusedMs.set(channel, surroundings.nowMs)
    const body = encodeError(versions.refusal(channel))
    link.answer(encodeEnvelope({ channel, kind: 'error', id: MESSAGE_REFUSED_ID, body }))
  }

  async #takeRequest(from: PeerId, peer: Peer, { channel, id, body }: Envelope): Promise<void> {
    const { counters, log } = this.#dependencies
    if (peer.answersOpenCount >= ANSWERS_OPEN_MAX) {
      counters.add('grid_busy_answers')
      this.#blame(from, 'grid', 'busy')
      const busy = new RoostError('BUSY', `more than ${ANSWERS_OPEN_MAX} requests at once`)
      peer.link.answer(encodeEnvelope({ channel, kind: 'error', id, body: encodeError(busy) }))
      return
    }
    peer.answersOpenCount++
    let answer: Pick<Envelope, 'kind' | 'body'>
    try {
      answer = { kind: 'reply', body: await this.#answered(from, channel, body) }
    } catch (thrown) {
      if (!(thrown instanceof RoostError)) {
        counters.add('grid_handler_errors')
        log.error({ err: thrown, protocol: channel, peer: from }, 'a service failed')
      } else {
        const reason = REFUSED_BY_SERVICE[thrown.code]
        if (reason !== undefined) this.#blame(from, protocolName(channel), reason)
      }
      answer = { kind: 'error', body: encodeError(asRoostError(thrown)) }
    }
    peer.answersOpenCount--
    if (!peer.link.answer(encodeEnvelope({ channel, id, ...answer }))) {
      counters.add('grid_dropped_answers')
      if (peer.link.waitingBytes > 0) this.#blame(from, 'grid', 'unread')
    }
    this.#forgetIfIdle(from, peer)
  }

  #forgetIfIdle(id: PeerId, peer: Peer): void {
    if (this.#peers.get(id) === peer && peer.link.isIdle && peer.answersOpenCount === 0) {
      this.#peers.delete(id)
      this.#dependencies.versions.forget(id)
    }
  }

  async #answered(from: PeerId, wireId: string, body: Uint8Array): Promise<Uint8Array> {
    const channel = this.#channels.get(wireId)
    if (channel?.answer !== undefined) return await channel.answer(from, body)
    this.#dependencies.counters.add('grid_unknown_protocol_frames')
    throw this.#dependencies.versions.refusal(wireId)
  }

  /** What a body says. Throws a `RoostError` where it says nothing, which counts against who sent it. */
  #read<Message>(
    from: PeerId,
    body: Uint8Array,
    wire: { readonly id: string; readonly messageBytesMax: number },
    parse: (value: unknown) => Message,
  ): Message {
    let fault = 'unreadable'
    try {
      const value = decode(body, { bytesMax: wire.messageBytesMax })
      fault = 'malformed'
      return parse(value)
    } catch (thrown) {
      this.#malformed(from, protocolName(wire.id), reasonOf(thrown, fault))
      throw thrown
    }
  }

  #malformed(peer: PeerId, protocol: string, reason: string): void {
    this.#dependencies.counters.add('grid_malformed_frames')
    this.#blame(peer, protocol, reason)
  }

  #blame(peer: PeerId, protocol: string, reason: string): void {
    const { surroundings, blame } = this.#dependencies
    if (peer !== surroundings.self) blame(peer, protocol, reason)
  }
}

/** No request has this id: an error under it is about a message. */
const MESSAGE_REFUSED_ID = 0

/** What a service refuses that an honest node does not ask, or not as often. */
const REFUSED_BY_SERVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  SIGNATURE_INVALID: 'forged',
  DENIED: 'denied',
  BUSY: 'busy',
}

function reasonOf(thrown: unknown, otherwise: string): string {
  return thrown instanceof RoostError && thrown.code === 'MESSAGE_TOO_LARGE' ? 'oversized' : otherwise
}

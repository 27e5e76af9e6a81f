import assert from 'node:assert'
import type { CallEnv, CallOptions, CallWire, Crypto, PeerId, Rng, Service } from '../../overlay/env/index.ts'
import { asRoostError, errorFromRecord, RoostError, type ErrorRecord } from '../../overlay/error/index.ts'
import { KIND, type Kernel } from './kernel.ts'
import type { NodeState } from './node.ts'
import type { Parcel } from './passage.ts'

/** Requests that a node works on at once; more are refused with `BUSY`. */
export const ANSWERS_OPEN_MAX = 1_024

/** How long it takes to find that nobody is there. */
const UNREACHABLE_AFTER_MS = 200

/** A reply, or a failure, cannot be longer than this whatever the wire's bound. */
const ERROR_BYTES_MAX = 65_536

/** The world of conversations on one wire of one node, for one of its lives; and the service that answers there. */
export class ServiceEnv implements CallEnv<unknown, unknown> {
  readonly node: NodeState
  readonly wire: CallWire<unknown, unknown>
  readonly service: Service<unknown, unknown>
  /** Calls made from here and sleeps begun here that have not ended. */
  readonly open = new Set<Waiting>()
  /** Calls from others that are being answered here. */
  readonly answering = new Set<Call>()
  readonly #kernel: Kernel
  readonly #life: number

  constructor(kernel: Kernel, node: NodeState, wire: CallWire<unknown, unknown>, service: Service<unknown, unknown>) {
    this.#kernel = kernel
    this.node = node
    this.wire = wire
    this.service = service
    this.#life = node.life
  }

  get isAlive(): boolean {
    return this.#life === this.node.life
  }

  get self(): PeerId {
    return this.node.id
  }
  get nowMs(): number {
    return this.node.nowMs
  }
  get wallMs(): number {
    return this.node.wallMs
  }
  get rng(): Rng {
    return this.node.rng
  }
  get crypto(): Crypto {
    return this.node.crypto
  }

  call(to: PeerId, request: unknown, options: CallOptions): Promise<unknown> {
    assert(to !== this.node.id, 'a node calls itself')
    if (!this.isAlive || options.signal?.aborted)
      return Promise.reject(new RoostError('CANCELLED', `the call to ${to} was given up before it was made`))
    return new Promise((resolve, reject) => {
      new Call(this, resolve, reject, options.signal).set(this.#kernel, to, request, options.timeoutMs)
    })
  }

  sleep(delayMs: number): Promise<void> {
    if (!this.isAlive) return Promise.reject(new RoostError('CANCELLED', 'the node has stopped'))
    return new Promise((resolve, reject) => {
      const sleep = new Waiting(this, () => resolve(), reject)
      this.#kernel.schedule(KIND.sleep, this.node.index, delayMs, 0, sleep)
    })
  }

  /** Rejects what is open here with `CANCELLED`. */
  cancel(): void {
    for (const waiting of [...this.open])
      waiting.fail(new RoostError('CANCELLED', 'the node has stopped', { certain: false }))
  }
}

/** A promise that hangs on an event to come. */
export class Waiting {
  readonly env: ServiceEnv
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: RoostError) => void

  constructor(env: ServiceEnv, resolve: (value: unknown) => void, reject: (error: RoostError) => void) {
    this.env = env
    this.#resolve = resolve
    this.#reject = reject
    env.open.add(this)
  }

  get isOpen(): boolean {
    return this.env.open.has(this)
  }

  /** Only the first end counts. */
  succeed(value?: unknown): void {
    if (this.end()) this.#resolve(value)
  }

  fail(error: RoostError): void {
    if (this.end()) this.#reject(error)
  }

  protected end(): boolean {
    return this.env.open.delete(this)
  }
}

/** One request and its one reply, from the caller's side. */
class Call extends Waiting {
  readonly #signal: CallOptions['signal']
  readonly #abort = (): void =>
    this.fail(new RoostError('CANCELLED', 'the call was given up; it may have taken effect', { certain: false }))

  constructor(
    env: ServiceEnv,
    resolve: (value: unknown) => void,
    reject: (error: RoostError) => void,
    signal: CallOptions['signal'],
  ) {
    super(env, resolve, reject)
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
  }

  set(kernel: Kernel, to: PeerId, request: unknown, timeoutMs: number): void {
    const { node, wire } = this.env
    const channel = kernel.channelOf(wire.id).number
    let parcel = request
    if (kernel.passage !== undefined)
      try {
        parcel = kernel.passage.pack(request, wire.messageBytesMax)
      } catch (thrown) {
        this.fail(asRoostError(thrown))
        return
      }
    const target = kernel.find(to)
    if (target === undefined || !target.isUp) {
      const unreachable: CallEnd = { call: this, code: 'PEER_UNREACHABLE', certain: true, to }
      kernel.schedule(KIND.callEnd, node.index, Math.min(UNREACHABLE_AFTER_MS, timeoutMs), channel, unreachable)
      return
    }
    const timeout: CallEnd = { call: this, code: 'CALL_TIMEOUT', certain: false, to }
    kernel.schedule(KIND.callEnd, node.index, timeoutMs, channel, timeout)
    const arriving: Arriving = { call: this, parcel }
    kernel.measure(kernel.channels[channel]!, parcel)
    kernel.transmit(KIND.request, node.index, target.index, channel, arriving)
  }

  protected override end(): boolean {
    this.#signal?.removeEventListener('abort', this.#abort)
    return super.end()
  }
}

/** What travels with a request. */
interface Arriving {
  readonly call: Call
  readonly parcel: unknown
}

/** What travels with a reply. */
interface Returning {
  readonly call: Call
  readonly outcome: { readonly reply: unknown } | { readonly error: unknown }
}

/** An end of a call that is no answer. */
interface CallEnd {
  readonly call: Call
  readonly code: 'PEER_UNREACHABLE' | 'CALL_TIMEOUT' | 'CONNECTION_LOST'
  readonly certain: boolean
  readonly to: PeerId
}

const END_MESSAGES = {
  PEER_UNREACHABLE: 'cannot be reached',
  CALL_TIMEOUT: 'did not answer in time',
  CONNECTION_LOST: 'was lost before it answered',
} as const

/** Carries requests, replies and their ends between nodes. */
export class Conversations {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  happen(kind: number, node: NodeState, origin: NodeState, channel: number, payload: unknown): void {
    if (kind === KIND.sleep) (payload as Waiting).succeed()
    else if (kind === KIND.request) this.#answer(node, origin, channel, payload as Arriving)
    else if (kind === KIND.reply) this.#conclude(payload as Returning)
    else {
      const { call, code, certain, to } = payload as CallEnd
      if (call.isOpen) call.fail(new RoostError(code, `${to} ${END_MESSAGES[code]}`, { certain, data: { peer: to } }))
    }
  }

  /** The node that was asked is gone; its end of the connection says so, unless the network keeps that from the caller too. */
  breakOff(payload: unknown, caller: NodeState, gone: NodeState): void {
    const end: CallEnd = {
      call: (payload as Arriving).call,
      code: 'CONNECTION_LOST',
      certain: false,
      to: gone.id,
    }
    if (end.call.isOpen) this.#kernel.transmit(KIND.callEnd, gone.index, caller.index, 0, end)
  }

  /** A node's life is about to end: in order, with its promises rejected, or without a word, with its promises forgotten. */
  leave(node: NodeState, { inOrder }: { readonly inOrder: boolean }): void {
    for (const env of node.services) {
      if (env === undefined) continue
      for (const call of env.answering) this.breakOff({ call, parcel: undefined }, call.env.node, node)
      this.#kernel.answersOpen -= env.answering.size
      env.answering.clear()
      if (inOrder) env.cancel()
      else env.open.clear()
    }
    this.#kernel.unsettled = true
  }

  #answer(node: NodeState, caller: NodeState, channel: number, { call, parcel }: Arriving): void {
    const env = node.services[channel]
    if (env === undefined) {
      const unknown = new RoostError('PROTOCOL_UNKNOWN', `${node.id} does not serve ${call.env.wire.id}`)
      this.#return(node, caller, channel, call, { error: unknown.toJSON() })
      return
    }
    const answered = (reply: unknown): void => {
      if (env.answering.delete(call)) this.#kernel.answersOpen--
      if (env.isAlive) this.#return(node, caller, channel, call, this.#packReply(env, reply))
    }
    const failed = (thrown: unknown): void => {
      if (env.answering.delete(call)) this.#kernel.answersOpen--
      if (env.isAlive) this.#return(node, caller, channel, call, { error: asRoostError(thrown).toJSON() })
    }
    try {
      if (env.answering.size >= ANSWERS_OPEN_MAX)
        throw new RoostError('BUSY', `${node.id} works on ${ANSWERS_OPEN_MAX} requests already`)
      const reply = env.service.answer(caller.id, this.#unpackRequest(env, parcel))
      if (!isPromise(reply)) return answered(reply)
      if (!env.answering.has(call)) this.#kernel.answersOpen++
      env.answering.add(call)
      reply.then(answered, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }

  #return(node: NodeState, caller: NodeState, channel: number, call: Call, outcome: Returning['outcome']): void {
    const { passage } = this.#kernel
    const packed =
      passage !== undefined && 'error' in outcome ? { error: passage.pack(outcome.error, ERROR_BYTES_MAX) } : outcome
    const returning: Returning = { call, outcome: packed }
    this.#kernel.measure(this.#kernel.channels[channel]!, 'error' in packed ? packed.error : packed.reply)
    this.#kernel.transmit(KIND.reply, node.index, caller.index, channel, returning)
  }

  #conclude({ call, outcome }: Returning): void {
    if (!call.isOpen) return // It has ended otherwise, or this is the second copy.
    const { passage } = this.#kernel
    const { wire } = call.env
    try {
      if ('error' in outcome) {
        const record = passage === undefined ? outcome.error : passage.unpack(outcome.error as Parcel, ERROR_BYTES_MAX)
        call.fail(errorFromRecord(record))
      } else if (passage === undefined) call.succeed(outcome.reply)
      else call.succeed(wire.parseReply(passage.unpack(outcome.reply as Parcel, wire.messageBytesMax)))
    } catch (thrown) {
      call.fail(asRoostError(thrown))
    }
  }

  #unpackRequest(env: ServiceEnv, parcel: unknown): unknown {
    const { passage } = this.#kernel
    return passage === undefined
      ? parcel
      : env.wire.parseRequest(passage.unpack(parcel as Parcel, env.wire.messageBytesMax))
  }

  #packReply(env: ServiceEnv, reply: unknown): Returning['outcome'] {
    const { passage } = this.#kernel
    if (passage === undefined) return { reply }
    try {
      return { reply: passage.pack(reply, env.wire.messageBytesMax) }
    } catch (thrown) {
      // The request has taken effect; only its answer is too large.
      const { code, message, data } = asRoostError(thrown)
      const error: ErrorRecord = new RoostError(code, message, { certain: false, ...(data && { data }) }).toJSON()
      return { error }
    }
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

import assert from 'node:assert'
import type { PeerId } from '../../overlay/index.ts'
import { Clock, delayTicks, TICKS_PER_MS } from './clock.ts'
import type { Conversations } from './conversations.ts'
import { digestWord } from './digest.ts'
import type { Network } from './network.ts'
import type { NodeState } from './node.ts'
import type { Parcel, Passage } from './passage.ts'
import type { ProtocolEnv } from './protocol-env.ts'
import { EventQueue } from './queue.ts'
import { Trace } from './trace.ts'

/** What an event is. The numbers stand in trace hashes. */
export const KIND = {
  message: 0,
  timer: 1,
  sleep: 2,
  request: 3,
  reply: 4,
  callEnd: 5,
  act: 6,
  fault: 7,
} as const

/** What a run has done so far. */
export interface Counts {
  /** Events taken from the queue: messages, timers, conversations, actions. */
  events: number
  /** Messages, requests and replies that set out. */
  sent: number
  /** Lost on the way, or sent to nobody. */
  lost: number
  /** Arrived, or due, after the life of the node they were meant for. */
  late: number
  /** Not delivered because they were too large, not well formed, or for a protocol that is not spoken. */
  refused: number
  /** Bytes that set out; 0 where messages are handed over as they are. */
  bytesSent: number
}

/**
 * The loop at the heart: takes the next event, moves the clock to it, and hands it to the node that it happens to. Everything
 * is reached from here by the parts of the engine; users of the simulator see `Simulation`.
 */
export class Kernel {
  readonly clock = new Clock()
  readonly trace = new Trace()
  readonly queue: EventQueue
  readonly nodes: NodeState[] = []
  readonly counts: Counts = { events: 0, sent: 0, lost: 0, late: 0, refused: 0, bytesSent: 0 }
  readonly passage: Passage | undefined
  /** Set once, right after construction: both know the kernel. */
  network!: Network
  conversations!: Conversations
  /**
   * Set by whatever may have let a promise continue. The run then waits until no continuation is left before the next event;
   * synchronous protocols never set it and never wait.
   */
  unsettled = false
  readonly #indexOf = new Map<PeerId, number>()
  readonly #channels = new Map<string, number>()
  /** Emitted by handlers, and not yet told to the host: env and event in turn. */
  readonly #outbox: unknown[] = []
  #inHandler = false
  #flushing = false

  constructor(options: { readonly eventsPendingMax: number; readonly passage: Passage | undefined }) {
    this.queue = new EventQueue(options.eventsPendingMax)
    this.passage = options.passage
  }

  find(id: PeerId): NodeState | undefined {
    const index = this.#indexOf.get(id)
    return index === undefined ? undefined : this.nodes[index]
  }

  attach(node: NodeState): void {
    assert(!this.#indexOf.has(node.id), `two nodes have the id ${node.id}`)
    this.#indexOf.set(node.id, node.index)
    this.nodes.push(node)
  }

  /** A small number for each wire id, the same on every node. */
  channelOf(wireId: string): number {
    let channel = this.#channels.get(wireId)
    if (channel === undefined) this.#channels.set(wireId, (channel = this.#channels.size))
    return channel
  }

  /** Adds what happens at the node itself. */
  schedule(kind: number, node: NodeState, afterMs: number, channel: number, payload: unknown): void {
    const atTicks = this.clock.nowTicks + delayTicks(afterMs)
    this.queue.add(atTicks, kind, node.index, node.life, node.index, channel, payload)
  }

  /** Sends what crosses the network. Whether it arrives is up to the network; false where it is known not to. */
  transmit(kind: number, from: NodeState, to: NodeState, channel: number, payload: unknown): boolean {
    const copies = to.isUp ? this.network.copies(from, to) : 0
    this.counts.sent++
    if (copies === 0) {
      this.counts.lost++
      return false
    }
    const { nowTicks } = this.clock
    for (let copy = 0; copy < copies; copy++)
      this.queue.add(
        nowTicks + this.network.travelTicks(from, to),
        kind,
        to.index,
        to.life,
        from.index,
        channel,
        payload,
      )
    return true
  }

  /** Lets one event happen whose time is at most `untilTicks`; false where there is none. */
  step(untilTicks: number): boolean {
    const { queue } = this
    const atTicks = queue.take(untilTicks)
    if (atTicks < 0) return false
    const { kind, life, channel } = queue
    const node = this.nodes[queue.target]!
    const origin = this.nodes[queue.origin]!
    const payload = queue.payload
    this.clock.nowTicks = atTicks
    this.counts.events++
    this.trace.note(atTicks, kind, node.index, origin.index, this.#detail(kind, payload))
    if (node.life !== life && kind !== KIND.act) this.#miss(kind, origin, node, payload)
    else if (node.held !== undefined && kind !== KIND.act) node.held.add(kind, origin, channel, payload)
    else this.dispatch(kind, node, origin, channel, payload)
    return true
  }

  dispatch(kind: number, node: NodeState, origin: NodeState, channel: number, payload: unknown): void {
    switch (kind) {
      case KIND.message:
        this.#deliver(node, origin, channel, payload)
        break
      case KIND.timer: {
        const env = node.protocols[channel]!
        this.#inHandler = true
        env.protocol.wake(payload, env)
        this.#inHandler = false
        break
      }
      case KIND.act:
        this.unsettled = true
        ;(payload as () => void)()
        break
      default:
        this.unsettled = true
        this.conversations.happen(kind, node, origin, channel, payload)
    }
    if (this.#outbox.length > 0) this.#flush()
  }

  /** Runs what starts a protocol, with its events told to the host afterwards. */
  start(env: ProtocolEnv): void {
    const nested = this.#inHandler
    this.#inHandler = true
    env.protocol.start(env)
    this.#inHandler = nested
    if (!nested) this.#flush()
  }

  emit(env: ProtocolEnv, event: unknown): void {
    this.#outbox.push(env, event)
    if (!this.#inHandler) this.#flush()
  }

  noteFault(node: NodeState, what: number): void {
    this.trace.note(this.clock.nowTicks, KIND.fault, node.index, node.index, what)
  }

  #deliver(node: NodeState, origin: NodeState, channel: number, payload: unknown): void {
    const env = node.protocols[channel]
    let message = payload
    if (env === undefined) {
      this.counts.refused++
      return
    }
    if (this.passage !== undefined) {
      try {
        message = env.wire.parse(this.passage.unpack(payload as Parcel, env.wire.messageBytesMax))
      } catch {
        this.counts.refused++
        return
      }
    }
    this.#inHandler = true
    env.protocol.receive(origin.id, message, env)
    this.#inHandler = false
  }

  /** It was meant for a life of the node that is over. */
  #miss(kind: number, origin: NodeState, node: NodeState, payload: unknown): void {
    this.counts.late++
    if (kind === KIND.request) this.conversations.breakOff(payload, origin, node)
  }

  /** Events reach the host in order; what it sets off by them waits its turn. */
  #flush(): void {
    if (this.#flushing) return
    this.#flushing = true
    for (let index = 0; index < this.#outbox.length; index += 2) {
      const env = this.#outbox[index] as ProtocolEnv
      if (!env.isAlive) continue
      if (env.node.converses) this.unsettled = true
      env.onEvent(this.#outbox[index + 1])
    }
    this.#outbox.length = 0
    this.#flushing = false
  }

  /** With a passage the whole message; without one as much as costs next to nothing. */
  #detail(kind: number, payload: unknown): number {
    if (kind === KIND.message) {
      if (this.passage !== undefined) return digestWord((payload as Parcel).content)
      const type = (payload as { readonly type?: unknown } | null)?.type
      return typeof type === 'string'
        ? (type.length << 16) ^ (type.charCodeAt(0) << 8) ^ type.charCodeAt(type.length - 1)
        : 0
    }
    return kind === KIND.timer && typeof payload === 'number' ? payload | 0 : 0
  }
}

/** For messages about time. */
export function describeTime(ticks: number): string {
  return `${(ticks / TICKS_PER_MS).toFixed(3)} ms`
}

import type { PeerId } from '../../overlay/env/index.ts'
import { Channel } from './channel.ts'
import { Clock, delayTicks, TICKS_PER_MS } from './clock.ts'
import type { Conversations } from './conversations.ts'
import { digestWord } from './digest.ts'
import { Marks } from './marks.ts'
import type { Network } from './network.ts'
import type { NodeState } from './node.ts'
import type { Parcel, Passage } from './passage.ts'
import type { ProtocolEnv } from './protocol-env.ts'
import { EventQueue } from './queue.ts'
import { Roster } from './roster.ts'
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
  /** Bytes that set out; an estimate where messages are handed over as they are (see traffic.ts). */
  bytesSent: number
}

/** Looks at a run from outside, between two events. */
export interface Watch {
  /** The time from which it wants to look; -1 for after every event. */
  readonly dueTicks: number
  /** Whether it has seen enough. May throw, which ends the run. */
  look(nowTicks: number): boolean
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
  readonly roster = new Roster()
  /** By node: the life that it is in (see `NodeState.life`), negative while it is paused. */
  readonly marks = new Marks()
  /** How many nodes are up. */
  upCount = 0
  readonly channels: Channel[] = []
  readonly counts: Counts = { events: 0, sent: 0, lost: 0, late: 0, refused: 0, bytesSent: 0 }
  readonly passage: Passage | undefined
  readonly seed: number
  /** Set once, right after construction: both know the kernel. */
  network!: Network
  conversations!: Conversations
  /**
   * Set by whatever may have let a promise continue. The run then waits until no continuation is left before the next event;
   * synchronous protocols never set it and never wait.
   */
  unsettled = false
  /** Answers that somebody works on. While there are any, a message or a timer may be what one waits for. */
  answersOpen = 0
  /** Whether any node ever held conversations. */
  converses = false
  readonly #channelOf = new Map<string, Channel>()
  /** Whose message is being received; empty while none is. */
  #askerId: PeerId = ''
  #askerIndex = -1
  /** Emitted by handlers, and not yet told to the host: env and event in turn. */
  readonly #outbox: unknown[] = []
  #outboxCount = 0
  #inHandler = false
  #flushing = false

  constructor(options: {
    readonly seed: number
    readonly eventsPendingMax: number
    readonly passage: Passage | undefined
  }) {
    this.queue = new EventQueue(options.eventsPendingMax)
    this.passage = options.passage
    this.seed = options.seed
  }

  find(id: PeerId): NodeState | undefined {
    const index = this.indexOf(id)
    return index < 0 ? undefined : this.nodes[index]
  }

  /** The index of a node, or -1. Half of all messages are answers, and whom they are for is known without looking. */
  indexOf(id: PeerId): number {
    return id === this.#askerId ? this.#askerIndex : this.roster.indexOf(id)
  }

  attach(node: NodeState): void {
    this.roster.add(node.id)
    this.nodes.push(node)
    this.marks.add()
    for (const channel of this.channels) channel.mount(node.index, undefined)
  }

  channelOf(wireId: string): Channel {
    let channel = this.#channelOf.get(wireId)
    if (channel === undefined) {
      channel = new Channel(wireId, this.channels.length, this.nodes.length)
      this.#channelOf.set(wireId, channel)
      this.channels.push(channel)
    }
    return channel
  }

  /** Adds what happens at the node itself. */
  schedule(kind: number, index: number, afterMs: number, channel: number, payload: unknown): void {
    const atTicks = this.clock.nowTicks + delayTicks(afterMs)
    this.queue.add(atTicks, kind, index, Math.abs(this.marks.at(index)), index, channel, payload)
  }

  /** Sends what crosses the network. Whether it arrives is up to the network. */
  transmit(kind: number, from: number, to: number, channel: number, payload: unknown): void {
    const { network, clock, counts, queue } = this
    const life = Math.abs(this.marks.at(to))
    counts.sent++
    const copies = (life & 1) === 0 ? 0 : network.copies(from, to)
    if (copies === 0) counts.lost++
    for (let copy = 0; copy < copies; copy++)
      queue.add(clock.nowTicks + network.travelTicks(from, to), kind, to, life, from, channel, payload)
  }

  /** Counts what sets out on a wire: a parcel where there is a passage, the value itself where there is none. */
  measure({ meter }: Channel, payload: unknown): void {
    if (this.passage === undefined) meter.sample(payload)
    else meter.count((payload as Parcel).bytesCount)
  }

  /**
   * Lets events happen whose time is at most `untilTicks`: until there are no more (`idle`), until one has let a promise continue
   * (`unsettled`), or until the watch has seen enough (`watched`).
   */
  run(untilTicks: number, watch: Watch): 'idle' | 'unsettled' | 'watched' {
    const { queue, clock, counts, trace, marks } = this
    let { dueTicks } = watch
    while (queue.take(untilTicks)) {
      const { atTicks, kind, target, life, origin, channel, payload } = queue
      clock.nowTicks = atTicks
      counts.events++
      trace.note(atTicks | 0, kind, target, origin, this.#detail(kind, payload))
      const mark = marks.at(target)
      if (mark === life || kind === KIND.act) this.dispatch(kind, target, origin, channel, payload)
      else if (mark === -life) this.nodes[target]!.held!.add(kind, origin, channel, payload)
      else this.#miss(kind, origin, target, payload)
      if (atTicks >= dueTicks) {
        if (watch.look(atTicks)) return 'watched'
        dueTicks = watch.dueTicks
      }
      if (this.unsettled) return 'unsettled'
    }
    return 'idle'
  }

  dispatch(kind: number, target: number, origin: number, channel: number, payload: unknown): void {
    this.#inHandler = true
    if (kind === KIND.message) this.#deliver(target, origin, channel, payload)
    else if (kind === KIND.timer) {
      const { protocols, desks } = this.channels[channel]!
      protocols[target]!.wake(payload, desks[target]!)
    } else {
      this.unsettled = true
      if (kind === KIND.act) (payload as () => void)()
      else this.conversations.happen(kind, this.nodes[target]!, this.nodes[origin]!, channel, payload)
    }
    this.#inHandler = false
    if (this.answersOpen > 0) this.unsettled = true
    if (this.#outboxCount > 0) this.#flush()
  }

  /** Runs what starts a protocol, with its events told to the host afterwards. */
  start(env: ProtocolEnv): void {
    const nested = this.#inHandler
    this.#inHandler = true
    env.protocol.start(env)
    this.#inHandler = nested
    if (!nested) this.#flush()
  }

  /** Told when what is running has returned; where the host itself called the protocol between two events, right after that. */
  emit(env: ProtocolEnv, event: unknown): void {
    this.#outbox[this.#outboxCount++] = env
    this.#outbox[this.#outboxCount++] = event
    if (!this.#inHandler && !this.#flushing && this.#outboxCount === 2) queueMicrotask(() => this.#flush())
  }

  noteFault(node: NodeState, what: number): void {
    this.trace.note(this.clock.nowTicks, KIND.fault, node.index, node.index, what)
  }

  #deliver(target: number, origin: number, channel: number, payload: unknown): void {
    const { protocols, desks } = this.channels[channel]!
    const env = desks[target]
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
    const from = this.roster.ids[origin]!
    this.#askerId = from
    this.#askerIndex = origin
    protocols[target]!.receive(from, message, env)
    this.#askerId = ''
  }

  /** It was meant for a life of the node that is over. */
  #miss(kind: number, origin: number, target: number, payload: unknown): void {
    this.counts.late++
    if (kind === KIND.request) this.conversations.breakOff(payload, this.nodes[origin]!, this.nodes[target]!)
  }

  /** Events reach the host in order; what it sets off by them waits its turn. */
  #flush(): void {
    if (this.#flushing) return
    this.#flushing = true
    const outbox = this.#outbox
    for (let index = 0; index < this.#outboxCount; index += 2) {
      const env = outbox[index] as ProtocolEnv
      const event = outbox[index + 1]
      outbox[index + 1] = undefined
      if (!env.isAlive) continue
      if (this.converses && env.node.converses) this.unsettled = true
      env.onEvent(event)
    }
    this.#outboxCount = 0
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

import type {
  CallEnv,
  CallWire,
  Env,
  PeerId,
  Protocol,
  ProtocolHost,
  Service,
  Surroundings,
  Wire,
} from '../../overlay/env/index.ts'
import { guestsWire } from '../../overlay/guests/index.ts'
import { samplingWire } from '../../overlay/sampling/index.ts'
import { selectionWire } from '../../overlay/selection/index.ts'
import type { Collusion } from './collusion.ts'
import { GuestsLies } from './guests-lies.ts'
import { SamplingLies } from './sampling-lies.ts'
import { SelectionLies } from './selection-lies.ts'

/** What a hostile node does in one protocol, beside and in place of what the protocol would do. */
export interface Lies<Message> {
  /** What goes out instead of a message of the protocol; undefined where nothing does. */
  onSend?(to: PeerId, message: Message, env: LiesEnv<Message>): Message | undefined
  /** Says whether the message was dealt with, and does not reach the protocol. */
  onReceive?(from: PeerId, message: Message, env: LiesEnv<Message>): boolean
  /** A few times in each cycle. */
  onCycle?(env: LiesEnv<Message>): void
}

export type LiesEnv<Message> = Env<Message, unknown, unknown>

/**
 * Where a hostile node runs what all nodes run, and lies: what it sends in sampling, in its cells and as a guest is not what these
 * protocols wanted to send. In membership it keeps the rules, since whoever does not is soon taken for dead. All that it sends is well formed
 * and well signed: the rest is refused without effect, as the protocols' own tests show.
 */
export class HostileHost implements ProtocolHost {
  readonly #host: ProtocolHost
  readonly #collusion: Collusion

  constructor(host: ProtocolHost, collusion: Collusion) {
    this.#host = host
    this.#collusion = collusion
  }

  get self(): PeerId {
    return this.#host.self
  }

  get surroundings(): Surroundings {
    return this.#host.surroundings
  }

  mount<Message, Timer, Event>(
    wire: Wire<Message>,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
  ): Env<Message, Timer, Event> {
    const lies = this.#liesFor(wire.id) as Lies<Message> | undefined
    if (lies === undefined) return this.#host.mount(wire, protocol, onEvent)
    const liar = new Liar(protocol as Protocol<Message, unknown, unknown>, lies, this.#collusion.sampling.cycleMs)
    const env = this.#host.mount(wire, liar, onEvent as (event: unknown) => void)
    return lyingEnv(env, lies) as Env<Message, Timer, Event>
  }

  serve<Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>): CallEnv<Request, Reply> {
    return this.#host.serve(wire, service)
  }

  #liesFor(wireId: string): unknown {
    if (wireId === samplingWire.id) return new SamplingLies(this.#collusion)
    if (wireId === selectionWire.id) return new SelectionLies(this.#collusion)
    return wireId === guestsWire.id ? new GuestsLies(this.#collusion) : undefined
  }
}

/** A protocol whose messages are changed on their way. */
class Liar<Message> implements Protocol<Message, unknown, unknown> {
  readonly #protocol: Protocol<Message, unknown, unknown>
  readonly #lies: Lies<Message>
  readonly #intervalMs: number
  #env: LiesEnv<Message> | undefined

  constructor(protocol: Protocol<Message, unknown, unknown>, lies: Lies<Message>, cycleMs: number) {
    this.#protocol = protocol
    this.#lies = lies
    this.#intervalMs = cycleMs / PUSH_COUNT
  }

  start(env: LiesEnv<Message>): void {
    this.#env = lyingEnv(env, this.#lies)
    env.wakeAfter(env.rng.real() * this.#intervalMs, LIE)
    this.#protocol.start(this.#env)
  }

  receive(from: PeerId, message: Message, env: LiesEnv<Message>): void {
    if (this.#lies.onReceive?.(from, message, env) !== true) this.#protocol.receive(from, message, this.#env!)
  }

  wake(timer: unknown, env: LiesEnv<Message>): void {
    if (timer !== LIE) return this.#protocol.wake(timer, this.#env!)
    env.wakeAfter(this.#intervalMs, LIE)
    this.#lies.onCycle?.(env)
  }
}

function lyingEnv<Message>(env: LiesEnv<Message>, lies: Lies<Message>): LiesEnv<Message> {
  return {
    get self() {
      return env.self
    },
    get nowMs() {
      return env.nowMs
    },
    get wallMs() {
      return env.wallMs
    },
    rng: env.rng,
    crypto: env.crypto,
    wakeAfter: (delayMs, timer) => env.wakeAfter(delayMs, timer),
    emit: (event) => env.emit(event),
    send: (to, message) => {
      const sent = lies.onSend === undefined ? message : lies.onSend(to, message, env)
      if (sent !== undefined) env.send(to, sent)
    },
  }
}

/** How often in each cycle an attacker does of its own accord what an honest node does once. */
export const PUSH_COUNT = 4
const LIE = { type: 'lie' } as const

import type {
  CallEnv,
  CallWire,
  Crypto,
  Env,
  PeerId,
  Protocol,
  ProtocolHost,
  Rng,
  Service,
  Surroundings,
  Wire,
} from '../../overlay/env/index.ts'
import { chanceFor } from './chance.ts'
import type { Clock } from './clock.ts'
import { ServiceEnv } from './conversations.ts'
import { SimulatedCrypto } from './crypto.ts'
import { Disk } from './disk.ts'
import type { HeldEvents } from './held.ts'
import type { Kernel } from './kernel.ts'
import { ProtocolEnv } from './protocol-env.ts'

/** A node while it is built: the part of a daemon's host that protocols stand on, and what else a machine has. */
export interface NodeHost extends ProtocolHost {
  readonly disk: Disk
}

/** What builds a node: called when it is added, and again whenever it restarts. */
export type Mount = (node: NodeHost) => void

/** What stays the same for all nodes of a simulation. */
export interface NodeCommons {
  readonly kernel: Kernel
  readonly seed: number
  /** Unix time at virtual time 0. */
  readonly wallStartMs: number
}

/** One simulated machine. A life is the time between a start and the crash or stop that ends it; memory lasts one life. */
export class NodeState implements Surroundings, NodeHost {
  readonly index: number
  readonly id: PeerId
  readonly mountAll: Mount
  /** What has been set aside while the node is paused. */
  held: HeldEvents | undefined
  /** By channel. Empty while the node is down, and all its lives where it answers no conversations. */
  services: readonly (ServiceEnv | undefined)[] = NONE
  /** Whether promises may hang on what happens here. */
  converses = false
  /** By how much this machine's idea of Unix time is wrong. */
  wallSkewMs: number
  /** Virtual time at which this life began. */
  startedMs = 0
  readonly #commons: NodeCommons
  #rng: Rng | undefined
  #crypto: SimulatedCrypto | undefined
  #disk: Disk | undefined

  constructor(commons: NodeCommons, index: number, id: PeerId, mountAll: Mount, wallSkewMs: number) {
    this.#commons = commons
    this.index = index
    this.id = id
    this.mountAll = mountAll
    this.wallSkewMs = wallSkewMs
  }

  /** Counts starts and ends: odd while the node is up. What was sent to one life is not for another. */
  get life(): number {
    return Math.abs(this.#commons.kernel.marks.at(this.index))
  }

  get isUp(): boolean {
    return (this.life & 1) === 1
  }

  get self(): PeerId {
    return this.id
  }

  get surroundings(): Surroundings {
    return this
  }

  /** Since the node started: clocks of two nodes, or of two lives, have nothing to do with each other. */
  get nowMs(): number {
    return this.#clock.nowMs - this.startedMs
  }

  get wallMs(): number {
    return this.#commons.wallStartMs + this.#clock.nowMs + this.wallSkewMs
  }

  get rng(): Rng {
    return (this.#rng ??= chanceFor(this.#commons.seed, 'node', this.index))
  }

  get crypto(): Crypto {
    return (this.#crypto ??= new SimulatedCrypto(this.id, this.#commons.seed))
  }

  get disk(): Disk {
    return (this.#disk ??= new Disk())
  }

  begin(): void {
    const { kernel } = this.#commons
    kernel.marks.set(this.index, this.life + 1)
    kernel.upCount++
    this.startedMs = this.#clock.nowMs
    this.mountAll(this)
  }

  /** Ends the life: whatever is in memory is gone, whatever is under way to it will miss it. */
  end(): void {
    const { kernel } = this.#commons
    kernel.marks.set(this.index, this.life + 1)
    kernel.upCount--
    for (const channel of kernel.channels) channel.mount(this.index, undefined)
    this.services = NONE
    this.held = undefined
    this.converses = false
  }

  pause(held: HeldEvents): void {
    this.held = held
    this.#commons.kernel.marks.set(this.index, -this.life)
  }

  resume(): void {
    const { held } = this
    this.held = undefined
    this.#commons.kernel.marks.set(this.index, this.life)
    held?.release(this)
  }

  mount<Message, Timer, Event>(
    wire: Wire<Message>,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
  ): Env<Message, Timer, Event> {
    const { kernel } = this.#commons
    const env = new ProtocolEnv(
      kernel,
      this,
      wire,
      protocol as unknown as Protocol<unknown, unknown, unknown>,
      onEvent as (event: unknown) => void,
    )
    kernel.channelOf(wire.id).mount(this.index, env)
    kernel.start(env)
    return env as unknown as Env<Message, Timer, Event>
  }

  serve<Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>): CallEnv<Request, Reply> {
    const { kernel } = this.#commons
    const env = new ServiceEnv(
      kernel,
      this,
      wire as unknown as CallWire<unknown, unknown>,
      service as unknown as Service<unknown, unknown>,
    )
    const services = this.services.slice()
    services[kernel.channelOf(wire.id).number] = env
    this.services = services
    this.converses = true
    kernel.converses = true
    return env as unknown as CallEnv<Request, Reply>
  }

  get #clock(): Clock {
    return this.#commons.kernel.clock
  }
}

/** One for all: most nodes of a large simulation serve nothing. */
const NONE: readonly (ServiceEnv | undefined)[] = []

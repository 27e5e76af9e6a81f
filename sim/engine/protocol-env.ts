import assert from 'node:assert'
import type { Crypto, Env, PeerId, Protocol, Rng, Wire } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'
import { Chance } from './chance.ts'
import type { Channel } from './channel.ts'
import { KIND, type Kernel } from './kernel.ts'
import type { NodeState } from './node.ts'
import type { Parcel, Passage } from './passage.ts'

/**
 * The world of one protocol on one node, for one of its lives. It is its own source of chance, which with many nodes is one
 * thing less to be fetched from memory for each message.
 */
export class ProtocolEnv extends Chance implements Env<unknown, unknown, unknown> {
  // What every message needs stands first, as in one line of memory.
  readonly #kernel: Kernel
  readonly #index: number
  readonly #life: number
  readonly #channel: Channel
  readonly onEvent: (event: unknown) => void
  readonly protocol: Protocol<unknown, unknown, unknown>
  readonly #startedMs: number
  readonly self: PeerId
  readonly wire: Wire<unknown>
  readonly node: NodeState

  constructor(
    kernel: Kernel,
    node: NodeState,
    wire: Wire<unknown>,
    protocol: Protocol<unknown, unknown, unknown>,
    onEvent: (event: unknown) => void,
  ) {
    const channel = kernel.channelOf(wire.id)
    super(kernel.seed, 'protocol', node.index, (channel.number << CHANNEL_SHIFT) ^ node.life)
    this.protocol = protocol
    this.#kernel = kernel
    this.#index = node.index
    this.#life = node.life
    this.#channel = channel
    this.#startedMs = node.startedMs
    this.self = node.id
    this.wire = wire
    this.node = node
    this.onEvent = onEvent
  }

  get isAlive(): boolean {
    return Math.abs(this.#kernel.marks.at(this.#index)) === this.#life
  }

  get rng(): Rng {
    return this
  }
  get nowMs(): number {
    return this.#kernel.clock.nowMs - this.#startedMs
  }
  get wallMs(): number {
    return this.node.wallMs
  }
  get crypto(): Crypto {
    return this.node.crypto
  }

  /** A message beyond its bound is dropped and counted, as any other loss: sending promises nothing. */
  send(to: PeerId, message: unknown): void {
    const kernel = this.#kernel
    const target = kernel.indexOf(to)
    assert(target !== this.#index, 'a node sends to itself')
    if (!this.isAlive) return
    const { passage } = kernel
    const payload = passage === undefined ? message : this.#pack(passage, message)
    if (payload === TOO_LARGE) {
      kernel.counts.refused++
      return
    }
    kernel.measure(this.#channel, payload)
    if (target >= 0) kernel.transmit(KIND.message, this.#index, target, this.#channel.number, payload)
    else {
      kernel.counts.sent++
      kernel.counts.lost++
    }
  }

  wakeAfter(delayMs: number, timer: unknown): void {
    if (this.isAlive) this.#kernel.schedule(KIND.timer, this.#index, delayMs, this.#channel.number, timer)
  }

  emit(event: unknown): void {
    if (this.onEvent !== unheard && this.isAlive) this.#kernel.emit(this, event)
  }

  #pack(passage: Passage, message: unknown): Parcel | typeof TOO_LARGE {
    try {
      return passage.pack(message, this.wire.messageBytesMax)
    } catch (thrown) {
      if (thrown instanceof RoostError && thrown.code === 'MESSAGE_TOO_LARGE') return TOO_LARGE
      throw thrown
    }
  }
}

/** A node's lives are told apart up to a million of them. */
const CHANNEL_SHIFT = 20

/** For hosts that listen to no events of a protocol: with it the engine does not even hand them on. */
export function unheard(): void {}

const TOO_LARGE = Symbol('too large')

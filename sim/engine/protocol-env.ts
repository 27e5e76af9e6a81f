import assert from 'node:assert'
import type { Crypto, Env, PeerId, Protocol, Rng, Wire } from '../../overlay/index.ts'
import { delayTicks } from './clock.ts'
import { KIND, type Kernel } from './kernel.ts'
import type { NodeState } from './node.ts'

/** The world of one protocol on one node, for one of its lives. */
export class ProtocolEnv implements Env<unknown, unknown, unknown> {
  readonly node: NodeState
  readonly wire: Wire<unknown>
  readonly protocol: Protocol<unknown, unknown, unknown>
  readonly onEvent: (event: unknown) => void
  readonly #kernel: Kernel
  readonly #life: number
  readonly #channel: number

  constructor(
    kernel: Kernel,
    node: NodeState,
    wire: Wire<unknown>,
    protocol: Protocol<unknown, unknown, unknown>,
    onEvent: (event: unknown) => void,
  ) {
    this.#kernel = kernel
    this.node = node
    this.wire = wire
    this.protocol = protocol
    this.onEvent = onEvent
    this.#life = node.life
    this.#channel = kernel.channelOf(wire.id)
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

  /** A message beyond its bound is dropped and counted, as any other loss: sending promises nothing. */
  send(to: PeerId, message: unknown): void {
    const kernel = this.#kernel
    const target = kernel.find(to)
    assert(target !== this.node, 'a node sends to itself')
    if (this.#life !== this.node.life) return
    let payload = message
    if (kernel.passage !== undefined) {
      try {
        const parcel = kernel.passage.pack(message, this.wire.messageBytesMax)
        kernel.counts.bytesSent += parcel.bytesCount
        payload = parcel
      } catch {
        kernel.counts.refused++
        return
      }
    }
    if (target === undefined) {
      kernel.counts.sent++
      kernel.counts.lost++
    } else kernel.transmit(KIND.message, this.node, target, this.#channel, payload)
  }

  wakeAfter(delayMs: number, timer: unknown): void {
    const { node } = this
    if (this.#life !== node.life) return
    const kernel = this.#kernel
    const atTicks = kernel.clock.nowTicks + delayTicks(delayMs)
    kernel.queue.add(atTicks, KIND.timer, node.index, node.life, node.index, this.#channel, timer)
  }

  emit(event: unknown): void {
    if (this.#life === this.node.life) this.#kernel.emit(this, event)
  }
}

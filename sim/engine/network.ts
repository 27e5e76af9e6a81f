import assert from 'node:assert'
import type { PeerId } from '../../overlay/env/index.ts'
import { type Chance, chanceFor } from './chance.ts'
import { delayTicks, TICKS_PER_MS } from './clock.ts'
import { uniformLatency, type Latency, type LatencyByIndex } from './latency.ts'
import type { Roster } from './roster.ts'

export interface NetworkOptions {
  /** By default 20 to 100 ms, uniform: the span of a continent. */
  readonly latency?: Latency
  /** Share of messages that never arrive. 0 by default. */
  readonly lossShare?: number
  /** Share of messages that arrive twice, each copy in its own time. 0 by default. */
  readonly duplicateShare?: number
}

/**
 * What lies between nodes. A message is lost when it sets out: what is under way when a link is cut still arrives. Every draw
 * comes from the network's own stream of chance.
 */
export class Network {
  readonly #rng: Chance
  readonly #roster: Roster
  readonly #seed: number
  #latency!: LatencyByIndex
  /** Where it is the same for all pairs: the shortest, and how much longer the longest is. */
  #minMs = 0
  #spanMs = 0
  #isFlat = false
  #lossShare = 0
  #duplicateShare = 0
  /** The side of each node that a partition names, from 1. */
  readonly #sides = new Map<number, number>()
  #partition: 'none' | 'one-way' | 'two-way' = 'none'
  /** Cut links as `from * NODES_MAX + to`. */
  readonly #cuts = new Set<number>()
  readonly #slowness = new Map<number, number>()

  constructor(seed: number, roster: Roster, options: NetworkOptions) {
    this.#rng = chanceFor(seed, 'network')
    this.#roster = roster
    this.#seed = seed
    this.latency = options.latency ?? uniformLatency({ minMs: 20, maxMs: 100 })
    this.lossShare = options.lossShare ?? 0
    this.duplicateShare = options.duplicateShare ?? 0
  }

  set latency(latency: Latency) {
    const { ids } = this.#roster
    const byName = typeof latency === 'function'
    this.#latency = byName ? (from, to, rng) => latency(ids[from]!, ids[to]!, rng) : latency.bind(this.#seed)
    this.#isFlat = !byName && latency.span !== undefined
    if (byName || latency.span === undefined) return
    this.#minMs = latency.span.minMs
    this.#spanMs = latency.span.maxMs - latency.span.minMs
  }

  get lossShare(): number {
    return this.#lossShare
  }
  set lossShare(share: number) {
    assert(share >= 0 && share <= 1, 'a share lies in [0, 1]')
    this.#lossShare = share
  }

  get duplicateShare(): number {
    return this.#duplicateShare
  }
  set duplicateShare(share: number) {
    assert(share >= 0 && share <= 1, 'a share lies in [0, 1]')
    this.#duplicateShare = share
  }

  /**
   * Splits the grid: from now on nothing passes between nodes of different sides. Nodes that no side names form one more. With
   * `oneWay`, what an earlier side says still reaches a later one, but nothing comes back. Replaces the partition before it.
   */
  partition(sides: readonly Iterable<PeerId>[], options: { readonly oneWay?: boolean } = {}): void {
    this.#sides.clear()
    for (const [index, side] of sides.entries()) for (const id of side) this.#sides.set(this.#find(id), index + 1)
    this.#partition = options.oneWay ? 'one-way' : 'two-way'
  }

  /** Cuts the link in one direction. */
  cut(from: PeerId, to: PeerId): void {
    this.#cuts.add(linkOf(this.#find(from), this.#find(to)))
  }

  mend(from: PeerId, to: PeerId): void {
    this.#cuts.delete(linkOf(this.#find(from), this.#find(to)))
  }

  /** Ends the partition and mends every cut link. Loss, duplication and slowness stay. */
  heal(): void {
    this.#sides.clear()
    this.#partition = 'none'
    this.#cuts.clear()
  }

  /** Makes all messages to and from a node take `factor` times as long. 1 is as before. */
  slow(id: PeerId, factor: number): void {
    assert(factor > 0, 'time does not run back')
    if (factor === 1) this.#slowness.delete(this.#find(id))
    else this.#slowness.set(this.#find(id), factor)
  }

  /** How many copies of a message that sets out now will arrive: 0, 1 or 2. Nodes are told by their index. */
  copies(from: number, to: number): number {
    if (this.#partition !== 'none' && this.#isSplit(from, to)) return 0
    if (this.#cuts.size > 0 && this.#cuts.has(linkOf(from, to))) return 0
    if (this.#lossShare > 0 && this.#rng.real() < this.#lossShare) return 0
    return this.#duplicateShare > 0 && this.#rng.real() < this.#duplicateShare ? 2 : 1
  }

  /** How long one copy travels. */
  travelTicks(from: number, to: number): number {
    if (this.#isFlat && this.#slowness.size === 0) {
      const ms = this.#spanMs === 0 ? this.#minMs : this.#minMs + this.#spanMs * this.#rng.real()
      return ms > 0 ? Math.ceil(ms * TICKS_PER_MS) : 1
    }
    const ms = this.#latency(from, to, this.#rng)
    return delayTicks(this.#slowness.size === 0 ? ms : ms * this.#slownessOf(from) * this.#slownessOf(to))
  }

  #slownessOf(index: number): number {
    return this.#slowness.get(index) ?? 1
  }

  #isSplit(from: number, to: number): boolean {
    const [fromSide, toSide] = [this.#sides.get(from) ?? 0, this.#sides.get(to) ?? 0]
    return this.#partition === 'one-way' ? fromSide > toSide : fromSide !== toSide
  }

  #find(id: PeerId): number {
    const index = this.#roster.indexOf(id)
    assert(index >= 0, `no node is called ${id}`)
    return index
  }
}

function linkOf(from: number, to: number): number {
  return from * NODES_MAX + to
}

/** So that a pair of indices is one exact number. */
export const NODES_MAX = 2 ** 24

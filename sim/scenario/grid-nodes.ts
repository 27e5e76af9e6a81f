import type { PeerId } from '../../overlay/env/index.ts'
import type { NodeHost, Simulation } from '../engine/index.ts'

/** A node that is up already, as one that joins through it is told of it. */
export interface Seed {
  readonly peer: PeerId
  readonly addresses: readonly string[]
}

/**
 * The nodes of a grid by number, in the order in which they came: who is up, since when, and one drawn among them, each in no time
 * however many there are. A node joins through a few that are up already, drawn at random, as people do who were invited by
 * whom they know. What a node runs, who extends this says. The simulation has no other nodes.
 */
export abstract class GridNodes {
  protected readonly simulation: Simulation
  /** Nodes that are up, in no order, and where each stands there; -1 where it is down. */
  readonly #up: number[] = []
  readonly #placeInUp: number[] = []
  readonly #sinceMs: number[] = []

  constructor(simulation: Simulation) {
    this.simulation = simulation
  }

  /** Mounts what a node runs, at each of its starts. `drawSeeds` is for one that knows nobody: a million do not keep theirs. */
  protected abstract mount(index: number, host: NodeHost, drawSeeds: () => readonly Seed[]): void

  /** Where a node is reached. */
  protected abstract addressesOf(index: number): readonly string[]

  /** Nodes that there ever were. */
  get nodesCount(): number {
    return this.#sinceMs.length
  }

  get upCount(): number {
    return this.#up.length
  }

  /** Numbers of those that are up, in no order. */
  get up(): readonly number[] {
    return this.#up
  }

  /** Adds a node. Returns its number. */
  add(): number {
    const index = this.nodesCount
    this.#sinceMs.push(0)
    this.simulation.addNode({ mount: (host) => this.mount(index, host, () => this.#drawSeeds()) })
    this.#noteUp(index)
    return index
  }

  crash(index: number): void {
    if (!this.isUp(index)) return
    this.simulation.crash(this.idAt(index))
    const place = this.#placeInUp[index]!
    const last = this.#up.pop()!
    if (last !== index) {
      this.#up[place] = last
      this.#placeInUp[last] = place
    }
    this.#placeInUp[index] = -1
    this.#sinceMs[index] = this.simulation.nowMs
  }

  restart(index: number): void {
    if (this.isUp(index)) return
    this.simulation.restart(this.idAt(index))
    this.#noteUp(index)
  }

  isUp(index: number): boolean {
    return (this.#placeInUp[index] ?? -1) >= 0
  }

  /** Since when the node has been up, or down. */
  sinceMs(index: number): number {
    return this.#sinceMs[index]!
  }

  idAt(index: number): PeerId {
    return this.simulation.ids[index]!
  }

  /** The number of a node, or -1. */
  indexOf(id: PeerId): number {
    return this.simulation.indexOf(id)
  }

  /** Up to `count` different nodes that are up, at random. */
  draw(count: number): number[] {
    const drawn = new Set<number>()
    const countMax = Math.min(count, this.#up.length)
    while (drawn.size < countMax) drawn.add(this.#up[this.simulation.chance.below(this.#up.length)]!)
    return [...drawn]
  }

  /** Crashes a share of those that are up, at once. Returns how many. */
  kill(share: number): number {
    const doomed = this.draw(Math.floor(share * this.upCount))
    for (const index of doomed) this.crash(index)
    return doomed.length
  }

  #drawSeeds(): readonly Seed[] {
    return this.draw(SEED_COUNT).map((index) => ({ peer: this.idAt(index), addresses: this.addressesOf(index) }))
  }

  #noteUp(index: number): void {
    this.#placeInUp[index] = this.#up.length
    this.#up.push(index)
    this.#sinceMs[index] = this.simulation.nowMs
  }
}

/** Through how many nodes one joins. */
const SEED_COUNT = 3

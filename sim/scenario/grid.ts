import type { Attributes } from '../../overlay/attributes/index.ts'
import { DescriptorChecker } from '../../overlay/descriptor/index.ts'
import { createDiscovery, type Discovery } from '../../overlay/discovery/index.ts'
import type { PeerId } from '../../overlay/env/index.ts'
import { LayoutChecker } from '../../overlay/placement/index.ts'
import { PlanCache } from '../../overlay/selection/index.ts'
import type { NodeHost, Simulation } from '../engine/index.ts'
import type { Views } from '../metrics/index.ts'
import type { Population } from '../population/index.ts'

export interface GridOptions {
  readonly population: Population
  /** Whether nodes will start again, with what they kept on their disk. */
  readonly keepsDisks?: boolean
  /** Called with each node that starts, at each of its starts. */
  readonly onStart?: (index: number, discovery: Discovery) => void
}

/**
 * Nodes that run what a daemon mounts, by number: node 7 is the population's eighth machine. Each joins through a few that are up
 * already, drawn at random, as people do who were invited by whom they know.
 */
export class DiscoveryGrid {
  /** What some node refused, by its reason. */
  readonly refusals = new Map<string, number>()
  readonly #simulation: Simulation
  readonly #options: GridOptions
  /** What one node has verified or worked out, all take from it: signatures and plans are the same for everyone. */
  readonly #shared = {
    checker: new DescriptorChecker({ countMax: CHECKED_COUNT_MAX }),
    layouts: new LayoutChecker(),
    plans: new PlanCache(),
  }
  readonly #indexOf = new Map<PeerId, number>()
  readonly #nodes: GridNode[] = []
  /** Nodes that are up, in no order, and where each stands there: one is drawn, added and taken out in no time. */
  readonly #up: number[] = []
  readonly #placeInUp: number[] = []

  constructor(simulation: Simulation, options: GridOptions) {
    this.#simulation = simulation
    this.#options = options
  }

  /** Nodes that there ever were. */
  get nodesCount(): number {
    return this.#nodes.length
  }

  get upCount(): number {
    return this.#up.length
  }

  /** Numbers of those that are up, in no order. */
  get up(): readonly number[] {
    return this.#up
  }

  get views(): Views {
    return {
      nodesCount: this.nodesCount,
      isUp: (index) => this.isUp(index),
      viewOf: (index) =>
        this.discoveryAt(index)
          .sampled()
          .map(({ peer }) => this.#indexOf.get(peer) ?? -1),
    }
  }

  /** Adds the next machine of the population. Returns its number. */
  add(): number {
    const index = this.#nodes.length
    const id = this.#simulation.drawId()
    const machine = this.#options.population.machine(index)
    const seeds = this.draw(SEED_COUNT).map((seed) => ({ peer: this.idAt(seed), addresses: [addressOf(seed)] }))
    const node: GridNode = { id, attributes: machine.attributes, discovery: undefined, sinceMs: 0 }
    this.#nodes.push(node)
    this.#indexOf.set(id, index)
    this.#simulation.addNode({ id, mount: (host) => this.#mount(index, machine.name, seeds, host) })
    this.#noteUp(index)
    return index
  }

  crash(index: number): void {
    if (!this.isUp(index)) return
    this.#simulation.crash(this.idAt(index))
    const place = this.#placeInUp[index]!
    const last = this.#up.pop()!
    if (last !== index) {
      this.#up[place] = last
      this.#placeInUp[last] = place
    }
    this.#placeInUp[index] = -1
    this.#nodes[index]!.sinceMs = this.#simulation.nowMs
    // What a life held in memory is gone with it; of a hundred thousand that is worth giving back.
    this.#nodes[index]!.discovery = undefined
  }

  restart(index: number): void {
    if (this.isUp(index)) return
    this.#simulation.restart(this.idAt(index))
    this.#noteUp(index)
  }

  isUp(index: number): boolean {
    return (this.#placeInUp[index] ?? -1) >= 0
  }

  /** Since when the node has been up, or down. */
  sinceMs(index: number): number {
    return this.#nodes[index]!.sinceMs
  }

  idAt(index: number): PeerId {
    return this.#nodes[index]!.id
  }

  indexOf(id: PeerId): number | undefined {
    return this.#indexOf.get(id)
  }

  attributesAt(index: number): Attributes {
    return this.#nodes[index]!.attributes
  }

  /** Of a node that is up. */
  discoveryAt(index: number): Discovery {
    return this.#nodes[index]!.discovery!
  }

  /** Up to `count` different nodes that are up, at random. */
  draw(count: number): number[] {
    const drawn = new Set<number>()
    const countMax = Math.min(count, this.#up.length)
    while (drawn.size < countMax) drawn.add(this.#up[this.#simulation.chance.below(this.#up.length)]!)
    return [...drawn]
  }

  #noteUp(index: number): void {
    this.#placeInUp[index] = this.#up.length
    this.#up.push(index)
    this.#nodes[index]!.sinceMs = this.#simulation.nowMs
  }

  #mount(index: number, name: string, seeds: Seeds, host: NodeHost): void {
    const { keepsDisks = false, onStart } = this.#options
    const kept = host.disk.read('discovery')
    const discovery = createDiscovery(
      {
        host,
        onAddress: () => {},
        ...(keepsDisks && { store: (value) => host.disk.write('discovery', value) }),
        onEvent: (event) => {
          if (event.type === 'refused') this.#noteRefusal(`${event.protocol}: ${event.reason}`)
        },
      },
      {
        name,
        addresses: [addressOf(index)],
        attributes: this.attributesAt(index),
        seeds: kept === undefined ? seeds : [],
        kept,
        ...this.#shared,
      },
    )
    this.#nodes[index]!.discovery = discovery
    onStart?.(index, discovery)
  }

  #noteRefusal(reason: string): void {
    if (this.refusals.size < REASON_COUNT_MAX || this.refusals.has(reason))
      this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }
}

interface GridNode {
  readonly id: PeerId
  readonly attributes: Attributes
  discovery: Discovery | undefined
  sinceMs: number
}

type Seeds = readonly { readonly peer: PeerId; readonly addresses: readonly string[] }[]

/** Through how many nodes one joins. */
const SEED_COUNT = 3
const CHECKED_COUNT_MAX = 1 << 20
/** Reasons that are told apart; more are not counted. */
const REASON_COUNT_MAX = 64

function addressOf(index: number): string {
  return `/ip4/10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/4001`
}

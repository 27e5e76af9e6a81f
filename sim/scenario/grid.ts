import type { Attributes } from '../../overlay/attributes/index.ts'
import { DescriptorChecker } from '../../overlay/descriptor/index.ts'
import { createDiscovery, type Discovery } from '../../overlay/discovery/index.ts'
import { LayoutChecker } from '../../overlay/placement/index.ts'
import { SAMPLING_DEFAULTS, SamplingCommons } from '../../overlay/sampling/index.ts'
import { PlanCache } from '../../overlay/selection/index.ts'
import type { NodeHost, Simulation } from '../engine/index.ts'
import type { Views } from '../metrics/index.ts'
import type { Population } from '../population/index.ts'
import { GridNodes, type Seed } from './grid-nodes.ts'

export interface GridOptions {
  readonly population: Population
  /** Whether nodes will start again, with what they kept on their disk. */
  readonly keepsDisks?: boolean
  /** Called with each node that starts, at each of its starts. */
  readonly onStart?: (index: number, discovery: Discovery) => void
}

/** Nodes that run what a daemon mounts: node 7 is the population's eighth machine. */
export class DiscoveryGrid extends GridNodes {
  /** What nodes refused, by protocol and reason. */
  readonly refusals = new Map<string, number>()
  readonly #options: GridOptions
  /** What one node has verified or worked out, all take from it: signatures and plans are the same for everyone. */
  readonly #shared = {
    checker: new DescriptorChecker({ countMax: CHECKED_COUNT_MAX }),
    layouts: new LayoutChecker(),
    plans: new PlanCache(),
    commons: new SamplingCommons({ viewSize: SAMPLING_DEFAULTS.viewSize, nodesCountMax: NODES_COUNT_MAX }),
  }
  readonly #attributes: Attributes[] = []
  readonly #discoveries: (Discovery | undefined)[] = []

  constructor(simulation: Simulation, options: GridOptions) {
    super(simulation)
    this.#options = options
  }

  get views(): Views {
    return {
      nodesCount: this.nodesCount,
      isUp: (index) => this.isUp(index),
      viewOf: (index) =>
        this.discoveryAt(index)
          .sampled()
          .map(({ peer }) => this.indexOf(peer)),
    }
  }

  /** What a life held in memory is gone with it. */
  override crash(index: number): void {
    super.crash(index)
    this.#discoveries[index] = undefined
  }

  attributesAt(index: number): Attributes {
    return (this.#attributes[index] ??= this.#options.population.machine(index).attributes)
  }

  /** Of a node that is up. */
  discoveryAt(index: number): Discovery {
    return this.#discoveries[index]!
  }

  protected override addressesOf(index: number): readonly string[] {
    return [`/ip4/10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/4001`]
  }

  protected override mount(index: number, host: NodeHost, drawSeeds: () => readonly Seed[]): void {
    const { population, keepsDisks = false, onStart } = this.#options
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
        name: population.machine(index).name,
        addresses: this.addressesOf(index),
        attributes: this.attributesAt(index),
        seeds: kept === undefined ? drawSeeds() : [],
        kept,
        ...this.#shared,
      },
    )
    this.#discoveries[index] = discovery
    onStart?.(index, discovery)
  }

  #noteRefusal(reason: string): void {
    if (this.refusals.size < REASON_COUNT_MAX || this.refusals.has(reason))
      this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }
}

const CHECKED_COUNT_MAX = 1 << 20
/** Whoever ever joins counts. Room that is not used costs nothing. */
const NODES_COUNT_MAX = 1 << 19
/** Reasons that are told apart; more are not counted. */
const REASON_COUNT_MAX = 64

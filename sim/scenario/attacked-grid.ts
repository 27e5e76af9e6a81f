import { DescriptorChecker } from '../../overlay/descriptor/index.ts'
import { createDiscovery, type Discovery, type DiscoveryOptions } from '../../overlay/discovery/index.ts'
import { SAMPLING_DEFAULTS } from '../../overlay/sampling/index.ts'
import { Collusion, HostileHost, type AttackName } from '../adversary/index.ts'
import type { NodeHost, Simulation } from '../engine/index.ts'
import type { AttackedViews } from '../metrics/index.ts'
import { GridNodes, type Seed } from './grid-nodes.ts'

export interface AttackedGridOptions {
  readonly attackersShare: number
  readonly attack: AttackName
  readonly keepsDisks?: boolean
  readonly discovery?: Pick<DiscoveryOptions, 'sampling' | 'membership' | 'selection' | 'guests'>
}

/**
 * Nodes that run what a daemon mounts for discovery, some of them hostile from their first moment: as many as the share says of those
 * that ever joined. Machines have no attributes, so that there are home cells and no others.
 */
export class AttackedGrid extends GridNodes {
  /** What honest nodes refused, by protocol and reason. */
  readonly refusals = new Map<string, number>()
  readonly #options: AttackedGridOptions
  readonly #checker = new DescriptorChecker({ countMax: CHECKED_COUNT_MAX })
  readonly #collusion: Collusion
  readonly #discoveries: (Discovery | undefined)[] = []

  constructor(simulation: Simulation, options: AttackedGridOptions) {
    super(simulation)
    this.#options = options
    this.#collusion = new Collusion({ attack: options.attack, sampling: SAMPLING_DEFAULTS })
  }

  isAttacker(index: number): boolean {
    const { attackersShare } = this.#options
    return Math.floor((index + 1) * attackersShare) > Math.floor(index * attackersShare)
  }

  /** What others of a node draw random nodes from. */
  get views(): AttackedViews {
    return this.#viewsBy((discovery) => discovery.sampled())
  }

  /** What sampling alone gives. */
  get shuffledViews(): AttackedViews {
    return this.#viewsBy((discovery) => discovery.shuffled())
  }

  /** Of a node that is up. */
  discoveryAt(index: number): Discovery {
    return this.#discoveries[index]!
  }

  override crash(index: number): void {
    super.crash(index)
    this.#discoveries[index] = undefined
  }

  protected override addressesOf(): readonly string[] {
    return ADDRESSES
  }

  protected override mount(index: number, host: NodeHost, drawSeeds: () => readonly Seed[]): void {
    const { keepsDisks = false, discovery: options } = this.#options
    const isAttacker = this.isAttacker(index)
    const kept = host.disk.read('discovery')
    const discovery = createDiscovery(
      {
        host: isAttacker ? new HostileHost(host, this.#collusion) : host,
        onAddress: () => {},
        ...(keepsDisks && { store: (value) => host.disk.write('discovery', value) }),
        onEvent: (event) => {
          if (event.type === 'refused' && !isAttacker) this.#noteRefusal(`${event.protocol}: ${event.reason}`)
        },
      },
      {
        name: '',
        addresses: ADDRESSES,
        attributes: {},
        seeds: kept === undefined ? drawSeeds() : [],
        kept,
        checker: this.#checker,
        ...options,
        selection: { sampleCountMin: Number.MAX_SAFE_INTEGER, ...options?.selection },
      },
    )
    this.#discoveries[index] = discovery
    if (isAttacker) this.#collusion.learnAttacker(discovery.own())
    else this.#collusion.learnVictim(discovery.own())
  }

  #viewsBy(viewOf: (discovery: Discovery) => readonly { readonly peer: string }[]): AttackedViews {
    return {
      nodesCount: this.nodesCount,
      isUp: (index) => this.isUp(index),
      isAttacker: (index) => this.isAttacker(index),
      viewOf: (index) =>
        this.isAttacker(index) ? [] : viewOf(this.discoveryAt(index)).map(({ peer }) => this.indexOf(peer)),
    }
  }

  #noteRefusal(reason: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
  }
}

/** Nobody dials in a simulation. */
const ADDRESSES = ['/ip4/10.0.0.1/tcp/4001']
const CHECKED_COUNT_MAX = 1 << 20

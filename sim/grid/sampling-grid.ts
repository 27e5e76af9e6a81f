import assert from 'node:assert'
import { DescriptorChecker, mintDescriptor, type Descriptor } from '../../overlay/descriptor/index.ts'
import type { PeerId } from '../../overlay/env/index.ts'
import {
  Sampling,
  SAMPLING_DEFAULTS,
  SamplingCommons,
  samplingWire,
  type SamplingOptions,
} from '../../overlay/sampling/index.ts'
import { Attacker, Collusion, type AttackName } from '../adversary/index.ts'
import { unheard, type NodeHost, type Simulation } from '../engine/index.ts'

export interface SamplingGridOptions {
  readonly nodesCount: number
  /** Share of nodes that attack: those with the highest numbers. None by default. */
  readonly attackersShare?: number
  readonly attack?: AttackName
  readonly sampling?: Partial<SamplingOptions>
}

/**
 * Nodes that run sampling and nothing else, by number, each with a first view of nodes drawn at random: what is measured is what
 * the protocol makes of that. It is the daemon's `Sampling`, with a descriptor as short as one can be.
 */
export class SamplingGrid {
  readonly nodesCount: number
  readonly cycleMs: number
  readonly collusion: Collusion | undefined
  readonly #simulation: Simulation
  readonly #honestCount: number
  readonly #options: SamplingOptions
  readonly #checker: DescriptorChecker
  readonly #commons: SamplingCommons
  /** The place of the first of them among the nodes of the simulation; the others follow. */
  readonly #firstPlace: number
  readonly #descriptors: Descriptor[] = []
  readonly #samplings: (Sampling | undefined)[] = []

  constructor(simulation: Simulation, options: SamplingGridOptions) {
    const { nodesCount, attackersShare = 0, attack = 'push' } = options
    this.#simulation = simulation
    this.nodesCount = nodesCount
    this.#honestCount = nodesCount - Math.round(nodesCount * attackersShare)
    // An established grid: there are no first cycles.
    this.#options = { ...SAMPLING_DEFAULTS, firstCycleCount: 0, ...options.sampling }
    this.cycleMs = this.#options.cycleMs
    this.#checker = new DescriptorChecker({ countMax: nodesCount })
    this.#commons = new SamplingCommons({ viewSize: this.#options.viewSize, nodesCountMax: nodesCount })
    if (this.#honestCount < nodesCount) this.collusion = new Collusion({ attack, sampling: this.#options })
    this.#firstPlace = simulation.ids.length
    for (let index = 0; index < nodesCount; index++) simulation.addNode({ mount: (host) => this.#mount(index, host) })
    for (let index = 0; index < nodesCount; index++) this.#samplings[index]?.know(this.#firstView(index))
  }

  isAttacker(index: number): boolean {
    return index >= this.#honestCount
  }

  isUp(index: number): boolean {
    return this.#simulation.isUpAt(this.#firstPlace + index)
  }

  idAt(index: number): PeerId {
    return this.#simulation.ids[this.#firstPlace + index]!
  }

  /** Numbers of the nodes that it knows; none of an attacker, who knows everyone. */
  viewOf(index: number): readonly number[] {
    return (this.#samplings[index]?.view() ?? []).map(({ peer }) => this.#simulation.indexOf(peer) - this.#firstPlace)
  }

  crash(index: number): void {
    this.#simulation.crash(this.idAt(index))
  }

  #mount(index: number, host: NodeHost): void {
    const descriptor = this.#mint(host)
    this.#descriptors[index] = descriptor
    const { collusion } = this
    if (this.isAttacker(index)) {
      host.mount(samplingWire, new Attacker({ own: descriptor, collusion: collusion! }), unheard)
      return
    }
    collusion?.learnVictim(descriptor)
    const dependencies = { own: descriptor, checker: this.#checker, commons: this.#commons }
    const sampling = new Sampling(dependencies, this.#options)
    this.#samplings[index] = sampling
    host.mount(samplingWire, sampling, unheard)
  }

  /** With what is the same in all of them held once. Who checks it remembers no other: honest nodes pass on what needs no check. */
  #mint({ surroundings }: NodeHost): Descriptor {
    const minted = mintDescriptor({ name: '', sequence: 1, addresses: ADDRESSES, attributes: {} }, surroundings)
    const checked = new DescriptorChecker({ countMax: 1 }).check(
      { ...minted, addresses: ADDRESSES, attributes: ATTRIBUTES },
      surroundings,
    )
    assert(checked.ok, 'a node signs what it says')
    return checked.descriptor
  }

  #firstView(self: number): readonly Descriptor[] {
    const drawn = new Set<number>()
    const countMax = Math.min(this.#options.viewSize, this.nodesCount - 1)
    while (drawn.size < countMax) {
      const index = this.#simulation.chance.below(this.nodesCount)
      if (index !== self) drawn.add(index)
    }
    return Array.from(drawn, (index) => this.#descriptors[index]!)
  }
}

/** Nobody dials in a simulation. */
const ADDRESSES = ['/ip4/10.0.0.1/tcp/4001']
const ATTRIBUTES = {}

import { type Descriptor, DescriptorChecker, mintDescriptor } from '../../overlay/descriptor/index.ts'
import { Sampling, samplingWire } from '../../overlay/sampling/index.ts'
import type { NodeHost, Simulation } from '../engine/index.ts'
import type { Views } from '../metrics/index.ts'
import { GridNodes, type Seed } from './grid-nodes.ts'

/** Nodes that run sampling alone, as a daemon does beside much else: a million of them fit into one process. */
export class ViewGrid extends GridNodes {
  readonly #keepsDisks: boolean
  readonly #checker = new DescriptorChecker({ countMax: CHECKED_COUNT_MAX })
  readonly #samplings: (Sampling | undefined)[] = []

  constructor(simulation: Simulation, options: { readonly keepsDisks: boolean }) {
    super(simulation)
    this.#keepsDisks = options.keepsDisks
  }

  get views(): Views {
    return {
      nodesCount: this.nodesCount,
      isUp: (index) => this.isUp(index),
      viewOf: (index) => this.#samplings[index]!.view().map(({ peer }) => this.indexOf(peer)),
    }
  }

  override crash(index: number): void {
    super.crash(index)
    this.#samplings[index] = undefined
  }

  protected override addressesOf(): readonly string[] {
    return ADDRESSES
  }

  protected override mount(index: number, host: NodeHost, drawSeeds: () => readonly Seed[]): void {
    const kept = this.#keepsDisks ? host.disk.read('sampling') : undefined
    const own = this.#mint(host)
    const sampling = new Sampling(
      { own: () => own, checker: this.#checker, onAddress: () => {} },
      kept === undefined ? { seeds: drawSeeds() } : { reserve: kept },
    )
    this.#samplings[index] = sampling
    host.mount(samplingWire, sampling, (event) => {
      if (event.type === 'reserve-changed' && this.#keepsDisks) host.disk.write('sampling', sampling.snapshot())
    })
  }

  #mint({ surroundings }: NodeHost): Descriptor {
    const sequence = Math.floor(surroundings.wallMs)
    return mintDescriptor({ name: '', sequence, addresses: ADDRESSES, attributes: {} }, surroundings)
  }
}

/** Nobody dials in a simulation. */
const ADDRESSES = ['/ip4/10.0.0.1/tcp/4001']
const CHECKED_COUNT_MAX = 1 << 20

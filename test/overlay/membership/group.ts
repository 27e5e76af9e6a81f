import {
  DescriptorChecker,
  DescriptorOwner,
  Membership,
  membershipWire,
  type Descriptor,
  type MembershipEvent,
  type MembershipOptions,
  type PeerId,
} from '../../../overlay/index.ts'
import type { NodeHost, Simulation } from '../../../sim/engine/index.ts'

export interface Group {
  readonly ids: readonly PeerId[]
  readonly memberships: ReadonlyMap<PeerId, Membership>
}

/** Adds nodes that run membership alone and know each other from the start, as in a home cell. `onEvent` hears what each says. */
export function addGroup(
  simulation: Simulation,
  size: number,
  onEvent: (observer: PeerId, event: MembershipEvent) => void,
  options: { readonly checker?: DescriptorChecker; readonly membership?: Partial<MembershipOptions> } = {},
): Group {
  const checker = options.checker ?? new DescriptorChecker({ countMax: 1 << 20 })
  const memberships = new Map<PeerId, Membership>()
  const descriptors: Descriptor[] = []
  const learners: (() => void)[] = []

  const mount = (node: NodeHost): void => {
    const { self, surroundings } = node
    const owner = new DescriptorOwner(
      { surroundings, onMinted: () => {} },
      { name: 'node', addresses: ['/ip4/10.0.0.1/tcp/4001'], attributes: { Cores: 8 }, startSequence: 1 },
    )
    const membership = new Membership(
      {
        own: () => owner.current(),
        renewAbove: (sequence) => owner.renewAbove(sequence),
        checker,
        onAddress: () => {},
      },
      options.membership,
    )
    memberships.set(self, membership)
    descriptors.push(owner.current())
    const env = node.mount(membershipWire, membership, (event) => onEvent(self, event))
    learners.push(() => {
      for (const descriptor of descriptors) if (descriptor.peer !== self) membership.learn(descriptor, env)
    })
  }

  const ids = Array.from({ length: size }, () => simulation.addNode({ mount }))
  for (const learn of learners) simulation.act(0, learn)
  return { ids, memberships }
}

export interface MembershipOptions {
  /** Between two probes of a node, and how long one may go unanswered before others are asked to probe too. */
  readonly probeMs: number
  readonly probeTimeoutMs: number
  /** Others who are asked to probe a silent node. */
  readonly helperCount: number
  /** The shortest time for a suspected node to refute, before the size of the grid is counted in. */
  readonly suspicionMs: number
  /** The first suspicion may take so many times longer than one that was confirmed from all sides. */
  readonly suspicionFactorMax: number
  /** Independent suspicions that bring the time down to the shortest. */
  readonly confirmationCount: number
  /** The local health score's bound (Lifeguard): a node that fails to keep up waits up to this many times longer for others. */
  readonly healthMax: number
  /** Between two gossip messages while there is news, and to how many each goes. */
  readonly gossipMs: number
  readonly gossipFanout: number
  /** An update is passed on this often times the natural logarithm of the number watched: twice misses one of n with probability 1/n. */
  readonly repeatFactor: number
  /** Whether word of a node that was not known is passed on. Not where something else tells everyone of newcomers. */
  readonly spreadsNewcomers: boolean
  /** Updates that wait to be passed on; beyond it the most repeated goes. */
  readonly updateCountMax: number
  /** Nodes that one node watches; others that it hears of are not watched, and not told of. */
  readonly memberCountMax: number
  /** Dead and left nodes that are remembered; beyond it who is gone for longest is forgotten. */
  readonly goneCountMax: number
  /** Dead and left nodes are remembered so long, so that old word of them does not bring them back. */
  readonly rememberMs: number
  /**
   * Between two probes of the dead, growing from the first to the last while none of them answers: after a partition has healed, two
   * nodes find each other within the last. Each costs a dial that is given up after some seconds.
   */
  readonly reviveMsMin: number
  readonly reviveMsMax: number
}

/** A killed node is found within five seconds or so among a few dozen nodes, within seven among five hundred, for a probe a second. */
export const MEMBERSHIP_DEFAULTS: MembershipOptions = {
  probeMs: 1_000,
  probeTimeoutMs: 400,
  helperCount: 3,
  suspicionMs: 1_200,
  suspicionFactorMax: 3,
  confirmationCount: 3,
  healthMax: 8,
  gossipMs: 200,
  gossipFanout: 3,
  repeatFactor: 2,
  spreadsNewcomers: true,
  updateCountMax: 256,
  memberCountMax: 4_096,
  goneCountMax: 512,
  rememberMs: 3_600_000,
  reviveMsMin: 3_000,
  reviveMsMax: 15_000,
}

/**
 * How many times longer to wait where so many are watched: a false alarm costs everybody a few messages, and there are more nodes
 * to raise one. SWIM (section 4.2) and memberlist let suspicions grow so; here the wait before them does too.
 */
export function sizeFactor(livingCount: number): number {
  return Math.max(1, Math.log10(livingCount + 1))
}

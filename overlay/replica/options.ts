/** How the replicas of a node behave. Neighbours may differ in all of it: nothing here is agreed. */
export interface ReplicaOptions {
  /**
   * How long a follower waits for its leader before it asks for votes, drawn anew each time. Shorter takes over sooner, and more often
   * for nothing.
   */
  readonly electionMsMin: number
  readonly electionMsMax: number
  /** Between two heartbeats of a leader; they also tell what is committed. */
  readonly heartbeatMs: number
  /** What the entries of one message weigh together, beyond the first: at most 262,144, or the message is not taken. */
  readonly appendWeightMax: number
  /** Messages with entries that are under way to one follower. While so many are, entries gather for the next. */
  readonly windowCount: number
  /** What a leader's uncommitted entries may weigh; beyond it clients hear `busy`. */
  readonly uncommittedWeightMax: number
  /** A snapshot is taken when the log weighs as much as the last one, within these bounds (dissertation 5.1.3). */
  readonly compactWeightMin: number
  readonly compactWeightMax: number
  /** While a follower is being sent a snapshot no newer one is taken, up to a log of this weight; then it begins anew with the newer. */
  readonly logWeightMax: number
  /** What stays of the log in memory behind a snapshot, for followers that are a little behind. */
  readonly keepWeight: number
  /** Entries that are applied in one go; a timer goes on with the rest, so that a long log does not stop the node. */
  readonly applyCountMax: number
}

/**
 * A killed leader is replaced within 1.6 s and three round trips, once in a few times later by a split vote. An idle group costs its
 * leader's node ten small messages a second, shared with all groups that it leads with the same peers.
 */
export const REPLICA_DEFAULTS: ReplicaOptions = {
  electionMsMin: 800,
  electionMsMax: 1_600,
  heartbeatMs: 200,
  appendWeightMax: 131_072,
  windowCount: 8,
  uncommittedWeightMax: 8_388_608,
  compactWeightMin: 4_194_304,
  compactWeightMax: 67_108_864,
  logWeightMax: 268_435_456,
  keepWeight: 1_048_576,
  applyCountMax: 1_024,
}

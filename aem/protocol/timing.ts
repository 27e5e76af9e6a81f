/** Every time that jobs are kept by, in one place, with what it trades. */

/** One request between nodes; a node writes to its disk before it answers. */
export const CALL_MS = 5_000

/** How long a node holds room for a gang that is being gathered: a few slow calls. Longer lets a dead controller block more. */
export const HOLD_MS = 15_000

/** How long a query for nodes may take. */
export const FIND_MS = 5_000

/** Between attempts to place a job; also tried when nodes come or jobs end. Longer is calmer, and later. */
export const PLACE_BACKOFF = { firstMs: 250, lastMs: 10_000 } as const

/** A job that waits says so again, with what has changed, at most this often: its log must not grow with its patience. */
export const QUEUED_EVENT_GAP_MS = 60_000

/** How long a job leaves out a node that would not confirm it for a reason that stays: every such attempt is written down. */
export const AVOID_MS = 300_000

/** Between repetitions of a request that must get through while its node may be away. */
export const REPEAT_BACKOFF = { firstMs: 250, lastMs: 10_000 } as const

/** How often a controller reads the log of a unit that says nothing. Reports come by themselves; this is for what went wrong. */
export const FOLLOW_MS = 30_000

/** How long a node may be away before its units count as lost: a restart of the daemon fits in, a patient user does not wait. */
export const GRACE_MS = 10_000

/** After a confirmation without a word to start, how often a node asks whether the unit is still wanted. */
export const CONFIRMED_ASK_MS = 5_000

/**
 * How long a confirmed unit waits for a controller that cannot be reached. Until then its cores are kept, as a gang that is
 * decided on must start whole; beyond it the controller is taken for gone.
 */
export const CONFIRMED_MS_MAX = 3_600_000

/** From the first polite signal to a kill, and between kills. */
export const KILL_AFTER_MS = 5_000

/** Between attempts to write to a store that fails. */
export const STORE_RETRY_MS = 1_000

/** Many changes among the nodes are one reason to try placing again. */
export const NODES_CHANGED_MS = 250

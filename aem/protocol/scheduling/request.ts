/** What a unit takes of its node, and what a node has. */
export interface Room {
  readonly cores: number
  readonly memoryBytes: number
}

/** A unit that waits at a node. Values are bounded where they enter the node; cores are at least 1. */
export interface UnitRequest extends Room {
  readonly unitId: string
  readonly owner: string
  /** How long it may run; without it nobody knows. */
  readonly limitMs?: number
  /** Higher comes first, whatever fair share says. */
  readonly priority: number
  /** Since when it waits, by the node's clock. */
  readonly queuedAtMs: number
  /** For a unit that starts together with others elsewhere. */
  readonly gang?: Gang
  /** The other nodes of its gang will not have room for it earlier. Its room is kept from then on, and lent to others until then. */
  readonly notBeforeMs?: number
}

/**
 * A gang as every node knows it. Neither this nor the priority may differ between its units, or change while it waits: all nodes must
 * agree on which of two gangs comes first (`queue-order.ts`).
 */
export interface Gang {
  readonly jobId: string
  /** Since when the gang waits, by the clock of whoever made it. */
  readonly sinceMs: number
}

/** What runs on the node, or is promised for good. */
export interface Occupied extends Room {
  readonly unitId: string
  readonly startedAtMs: number
  /** When its limit ends it at the latest. */
  readonly endsByMs?: number
}

export function fits(needed: Room, free: Room): boolean {
  return needed.cores <= free.cores && needed.memoryBytes <= free.memoryBytes
}

export function plus(one: Room, other: Room): Room {
  return { cores: one.cores + other.cores, memoryBytes: one.memoryBytes + other.memoryBytes }
}

export function minus(one: Room, other: Room): Room {
  return { cores: one.cores - other.cores, memoryBytes: one.memoryBytes - other.memoryBytes }
}

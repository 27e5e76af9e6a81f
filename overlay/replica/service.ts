import type { PeerId, Plain, Shape } from '../env/index.ts'

/** Anything plain that is there: `undefined` is not. */
export type Given = Exclude<Plain, undefined>

/**
 * What a replica group keeps: a state that changes by commands, in the order of the log, and by nothing else. Every replica runs its own
 * and all must come to the same state, so it knows no clock, no chance, and no order of an object's keys but the one it sorts.
 * Commands, queries, replies and chunks are plain values (`Given`).
 *
 * ```ts
 * class Counters implements ReplicatedService<{ name: string }, number> {
 *   readonly command = (value: unknown) => shape.record({ name: shape.text(100) })(value, 'counter')
 *   readonly query = this.command
 *   readonly #counts = new SnapshotTable(shape.integer())
 *   apply({ name }: { name: string }) {
 *     const count = this.read({ name }) + 1
 *     this.#counts.set(name, count)
 *     return count
 *   }
 *   read = ({ name }: { name: string }) => this.#counts.get(name) ?? 0
 *   snapshot = () => this.#counts.snapshot()
 *   restore = () => this.#counts.restore()
 * }
 * ```
 */
export interface ReplicatedService<Command = Given, Reply = Given, Query = Command> {
  /** Refuses what is no command, before it enters the log. */
  readonly command: Shape<Command>
  readonly query: Shape<Query>
  /**
   * Changes the state. A `RoostError` that it throws is the command's outcome, told to who sent it; the state it leaves behind stays, so it
   * is thrown first. A reply that weighs more than `COMMAND_WEIGHT_MAX` is told as `MESSAGE_TOO_LARGE`.
   */
  apply(command: Command, context: ApplyContext): Reply
  /** Answers `peer` from the state and changes nothing. A `RoostError` is told to who asked. */
  read(query: Query, peer: PeerId): Reply
  /**
   * The state as it is now, in chunks of a weight of at most `SERVICE_CHUNK_WEIGHT_MAX`. They are drawn one at a time, while commands
   * go on being applied: what is drawn later is still the state of the call (`SnapshotTable` does this for tables).
   */
  snapshot(): Iterable<Given>
  /** Empties the state; what is returned is given the chunks of a snapshot, in order. Nothing is applied or read before the last. */
  restore(): (chunk: Given) => void
}

/** Any service: what enters `apply` and `read` has passed `command` and `query`. */
export type AnyService = ReplicatedService<any, any, any>

export interface ApplyContext {
  /** Where the command stands in the log: grows by at least one from command to command. */
  readonly index: number
  /** The group's own time: what has passed while it had a leader, by monotonic clocks. Never runs back; the same at all replicas. */
  readonly atMs: number
  /** Who sent the command. */
  readonly peer: PeerId
}

/** A chunk of a service's state; the rest of `CHUNK_WEIGHT_MAX` is for what wraps it. */
export const SERVICE_CHUNK_WEIGHT_MAX = 260_000

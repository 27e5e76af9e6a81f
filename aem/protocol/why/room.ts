import { shape } from '../../../overlay/index.ts'
import type { UnitOrder } from '../launcher.ts'
import type { Capacity } from '../ports.ts'
import { wallMs } from '../shapes.ts'

/** What a node promises to units, what of it is free, and until when the rest is taken. */
export interface Room {
  readonly capacity: Capacity
  readonly free: Capacity
  /** Of units that are confirmed or run; at most `ROOM_PROMISES_MAX`. What is held for a moment is not among them. */
  readonly promises: readonly RoomPromise[]
}

export interface RoomPromise extends Capacity {
  /** Unix time in milliseconds by the node's clock at which it surely ends: where its unit runs under a time limit. */
  readonly untilMs?: number
}

/** A node of more units tells of these: those of the others count as taken for nobody knows how long. */
export const ROOM_PROMISES_MAX = 1_000

const capacity = { cores: shape.integer(), memoryBytes: shape.integer() }
const room = shape.record({
  capacity: shape.record(capacity),
  free: shape.record(capacity),
  promises: shape.list(shape.record({ ...capacity, untilMs: shape.optional(wallMs) }), ROOM_PROMISES_MAX),
})

/** The only way in for what another node says of itself: the room, or `MESSAGE_MALFORMED`. */
export function parseRoom(value: unknown): Room {
  return room(value, 'room')
}

/** What is promised to one unit; `startedAtMs` is when its process began, where one has. */
export function promiseOf(
  order: Pick<UnitOrder, 'cores' | 'memoryBytes' | 'limits'>,
  startedAtMs?: number,
): RoomPromise {
  const { cores, memoryBytes = 0, limits } = order
  const isKnown = startedAtMs !== undefined && limits.timeMs !== undefined
  return { cores, memoryBytes, ...(isKnown && { untilMs: startedAtMs + limits.timeMs! }) }
}

/** Whether a node that is empty has room for one unit. */
export function isLargeEnough({ capacity: all }: Room, needed: Capacity): boolean {
  return all.cores >= needed.cores && all.memoryBytes >= needed.memoryBytes
}

/** When there is room for one unit at the latest, by what is promised now; undefined where time limits do not tell. */
export function roomAtMs({ free, promises }: Room, needed: Capacity): number | undefined {
  let { cores, memoryBytes } = free
  const ends = promises.filter((promise) => promise.untilMs !== undefined)
  for (const { untilMs, ...given } of ends.toSorted((one, other) => one.untilMs! - other.untilMs!)) {
    cores += given.cores
    memoryBytes += given.memoryBytes
    if (cores >= needed.cores && memoryBytes >= needed.memoryBytes) return untilMs
  }
  return undefined
}

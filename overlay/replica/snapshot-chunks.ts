import { shape } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { plain, weigh } from './plain.ts'
import { SERVICE_CHUNK_WEIGHT_MAX, type Given } from './service.ts'
import type { ResultRow, SessionRow } from './sessions.ts'

/**
 * What a snapshot consists of: the group's time, the clients' sessions, their kept results, then what the service gives. Kept results may
 * be many megabytes, so they travel apart from their sessions, as many at a time as a chunk takes.
 */
export type SnapshotChunk =
  | { readonly type: 'time'; readonly atMs: number }
  | { readonly type: 'sessions'; readonly rows: readonly SessionRow[] }
  | { readonly type: 'results'; readonly results: readonly ResultRow[] }
  | { readonly type: 'service'; readonly chunk: Given }

/** What sessions or results in one chunk weigh, beyond the first. */
const ROWS_WEIGHT_MAX = 131_072
const ROWS_COUNT_MAX = 4_096

const integer = shape.integer()
const given = plain(SERVICE_CHUNK_WEIGHT_MAX) as shape.Shape<NonNullable<Given>>

export const readSnapshotChunk = shape.union({
  time: shape.record({ atMs: shape.real }),
  sessions: shape.record({
    rows: shape.list(
      shape.record({ session: integer, peer: shape.peerId, usedMs: shape.real, settled: integer }),
      ROWS_COUNT_MAX,
    ),
  }),
  results: shape.record({
    results: shape.list(shape.record({ session: integer, sequence: integer, result: given }), ROWS_COUNT_MAX),
  }),
  service: shape.record({ chunk: given }),
}) as shape.Shape<SnapshotChunk>

/** Draws a snapshot, one chunk at a time. A service's chunk that is too heavy is a mistake of its author. */
export function* snapshotChunks(
  atMs: number,
  rows: readonly SessionRow[],
  results: readonly ResultRow[],
  service: Iterable<Given>,
): Generator<SnapshotChunk, void> {
  yield { type: 'time', atMs }
  for (const some of packed(rows)) yield { type: 'sessions', rows: some }
  for (const some of packed(results)) yield { type: 'results', results: some }
  for (const chunk of service) {
    if (weigh(chunk) > SERVICE_CHUNK_WEIGHT_MAX)
      throw new RoostError('INTERNAL', `a chunk of a snapshot weighs more than ${SERVICE_CHUNK_WEIGHT_MAX}`)
    yield { type: 'service', chunk }
  }
}

function* packed<Row>(rows: readonly Row[]): Generator<readonly Row[], void> {
  let some: Row[] = []
  let weight = 0
  for (const row of rows) {
    const rowWeight = weigh(row)
    if (some.length > 0 && (weight + rowWeight > ROWS_WEIGHT_MAX || some.length === ROWS_COUNT_MAX)) {
      yield some
      some = []
      weight = 0
    }
    some.push(row)
    weight += rowWeight
  }
  if (some.length > 0) yield some
}

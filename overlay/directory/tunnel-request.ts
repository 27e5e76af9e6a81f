import { shape } from '../env/index.ts'
import type { PeerId, ShapeOf } from '../env/index.ts'
import {
  APPLICATION_NAME_CHARS_MAX,
  ENDPOINTS_COUNT_MAX,
  INSTANCE_CHARS_MAX,
  OWNER_CHARS_MAX,
  ownerOf,
} from './application-record.ts'
import type { SignedApplicationRecord } from './application-record.ts'

/** What opens a tunnel: one endpoint of one publication of the node that is asked, by its place in the record. */
const tunnelRequest = shape.record({
  name: shape.text(APPLICATION_NAME_CHARS_MAX),
  instance: shape.text(INSTANCE_CHARS_MAX),
  /** Whose name it is; the publisher may have another's under it by now. */
  owner: shape.optional(shape.text(OWNER_CHARS_MAX)),
  endpoint: shape.integer(0, ENDPOINTS_COUNT_MAX - 1),
})

export type TunnelRequest = ShapeOf<typeof tunnelRequest>

export function parseTunnelRequest(value: unknown): TunnelRequest {
  return tunnelRequest(value, 'tunnel request')
}

/** One place to which a connection may go. */
export interface TunnelTarget {
  readonly publisher: PeerId
  readonly request: TunnelRequest
}

/** Every endpoint of these records. */
export function tunnelTargets(records: readonly SignedApplicationRecord[]): TunnelTarget[] {
  return records.flatMap(({ record }) => {
    const { name, publisher, instance, endpoints } = record
    const owner = ownerOf(record)
    return endpoints.map((_, endpoint) => ({ publisher, request: { name, instance, owner, endpoint } }))
  })
}

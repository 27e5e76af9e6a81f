import type { Plain } from '../env/index.ts'
import { shape } from '../env/index.ts'
import type { ShapeOf } from '../env/index.ts'
import { CERTIFICATE_BYTES_MAX, CHAIN_COUNT_MAX } from './certificate.ts'
import { NAME_CHARS_MAX } from './names.ts'
import { exactBytes, fingerprint } from './shapes.ts'
import { TICKET_SECRET_BYTES } from './ticket.ts'

/**
 * What is said before anything else. *Admission*: each side of a new connection presents its certificate, and until it is
 * taken nothing but joining is open. *Joining*: one request with a ticket's secret or an older certificate, one reply with
 * new certificates. That the peer holds the node's key the connection has shown; that it holds the user's key a signature shows.
 */
export const JOIN_PROTOCOL = '/roost/join/1'

/** What a peer presents: its certificate first, then those that lead to the authority. */
export type Presented = ShapeOf<typeof presented>

/** A request to the authority's node over `JOIN_PROTOCOL`. */
export type JoinRequest = ShapeOf<typeof joinRequest>

/** Its answer: certificates in DER; `member` where the request named a user. */
export type JoinReply = ShapeOf<typeof joinReply>

/** A user who asks to be certified, with the proof that the key is theirs: a signature over `possession`. */
export type UserRequest = ShapeOf<typeof userRequest>

export function parsePresented(value: unknown): Presented {
  return presented(value, 'admission')
}

export function parseJoinRequest(value: unknown): JoinRequest {
  return joinRequest(value, 'join request')
}

export function parseJoinReply(value: unknown): JoinReply {
  return joinReply(value, 'join reply')
}

/** The context under which a user signs `possession`. */
export const POSSESSION_CONTEXT = 'roost/join/possession/1'

/**
 * What a user's key signs to show that it is there: for this grid, through this node, for this ticket (its secret's hash) or
 * renewal (nothing), so that nobody else's node can use the proof.
 */
export function possession(of: { fingerprint: string; node: string; name: string; ticket?: Uint8Array }): Plain {
  return { fingerprint: of.fingerprint, node: of.node, name: of.name, ticket: of.ticket }
}

const certificate = shape.bytes(CERTIFICATE_BYTES_MAX)

const presented = shape.record({ certificates: shape.list(certificate, CHAIN_COUNT_MAX) })

const userRequest = shape.record({
  id: shape.peerId,
  name: shape.text(NAME_CHARS_MAX),
  proof: exactBytes(64),
  /** The certificate to renew, where it is a renewal. */
  certificate: shape.optional(certificate),
})

const joinRequest = shape.union({
  redeem: shape.record({
    fingerprint,
    secret: exactBytes(TICKET_SECRET_BYTES),
    user: shape.optional(userRequest),
  }),
  renew: shape.record({
    fingerprint,
    certificate,
    user: shape.optional(userRequest),
  }),
})

const joinReply = shape.record({
  authority: certificate,
  node: certificate,
  member: shape.optional(certificate),
})

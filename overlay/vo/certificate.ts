import type { PeerId } from '../env/index.ts'

/**
 * Certificates are X.509 with ed25519 keys (RFC 8410). What a certificate makes of its holder stands in its one subject
 * alternative name, a URI: `roost:node:<peer id>`, `roost:member:<user id>` or `roost:authority:<fingerprint>`. The id is a
 * function of the public key, so a certificate that was copied beside another key gives itself away.
 */
export type Role = 'authority' | 'node' | 'member'

export function roleUri(role: Role, id: PeerId): string {
  return `roost:${role}:${id}`
}

const DAY_MS = 24 * 60 * 60 * 1000

/** An authority outlives the machines that it began with; renewing it means that everybody joins again. */
export const AUTHORITY_MS = 3_650 * DAY_MS

/**
 * How long a certificate is good. Until revocations spread by gossip this is how long a lost key does harm; it also is how
 * long the authority's node may be away before members fall out.
 */
export const CERTIFICATE_MS = 30 * DAY_MS

/** A certificate is renewed from this share of its life on, which leaves ten of thirty days to reach the authority. */
export const RENEWAL_SHARE = 2 / 3

/** How far two honest clocks may differ. Beginnings and ends of certificates are read this much more generously. */
export const CLOCK_TOLERANCE_MS = 5 * 60 * 1000

/** DER of one certificate; ours have about 350 bytes. */
export const CERTIFICATE_BYTES_MAX = 4_096

/** A certificate and those between it and the authority. Only the first is taken so far: nobody issues for the authority yet. */
export const CHAIN_COUNT_MAX = 3

/** When to ask for a new one. */
export function renewAtMs(validity: { readonly fromMs: number; readonly untilMs: number }): number {
  return validity.fromMs + (validity.untilMs - validity.fromMs) * RENEWAL_SHARE
}

import { hostOf, isLoopback, isRelayed } from './outward-addresses.ts'
import { isPrivate } from './subnets.ts'

/**
 * Which of two addresses of one peer is tried first: what is in a subnet of ours, then public ones, relayed ones, and private ones
 * elsewhere. Only a peer that is not reached from everywhere tells relayed ones, and its private ones are then most likely those of
 * another network that is numbered like many. Loopback comes last: it is right only where all are on one machine. Of two alike
 * neither is first, so that the peer's own order says whether IPv4 or IPv6 is.
 */
export function compareAddresses(left: string, right: string, isNear: (host: string) => boolean): -1 | 0 | 1 {
  return Math.sign(rankOf(left, isNear) - rankOf(right, isNear)) as -1 | 0 | 1
}

function rankOf(address: string, isNear: (host: string) => boolean): number {
  if (isRelayed(address)) return 2
  if (isLoopback(address)) return 4
  const host = hostOf(address)
  if (host !== undefined && isNear(host)) return 0
  return host !== undefined && isPrivate(host) ? 3 : 1
}

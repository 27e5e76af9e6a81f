/**
 * The addresses under which another machine may find this one: without loopback, which would lead it to itself, and without
 * link-local ones of IPv6, which mean nothing without the name of an interface. A node that listens on loopback alone, as those of a
 * dev grid, keeps it. Multiaddrs, in their order.
 */
export function outwardAddresses(addresses: readonly string[]): readonly string[] {
  const dialable = addresses.filter((address) => !LINK_LOCAL.test(address))
  const outward = dialable.filter((address) => !LOOPBACK.test(address))
  return outward.length > 0 ? outward : dialable
}

const LOOPBACK = /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/
const LINK_LOCAL = /^\/(ip4\/169\.254\.|ip6\/fe[89ab][0-9a-f]:)/i

/** Whether an address leads over a relay. */
export function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}

/** The IP address that one connects to by a multiaddr: of a relayed one, that of the relay. Undefined for a name. */
export function hostOf(address: string): string | undefined {
  return /^\/ip[46]\/([^/]+)/.exec(address)?.[1]
}

export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address)
}

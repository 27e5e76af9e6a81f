/**
 * The addresses under which another machine may find this one: without loopback, which would lead it to itself. A node that
 * listens on loopback alone, as those of a dev grid, keeps it. Multiaddrs, in their order.
 */
export function outwardAddresses(addresses: readonly string[]): readonly string[] {
  const outward = addresses.filter((address) => !LOOPBACK.test(address))
  return outward.length > 0 ? outward : addresses
}

const LOOPBACK = /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/

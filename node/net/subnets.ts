import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Which hosts share a subnet with this machine, by what its interfaces say now. */

/** Interfaces come and go with cables and sleep; asking the system costs a tenth of a millisecond. */
const LOOK_MS = 1_000

export class Subnets {
  readonly #nowMs: () => number
  #lookedMs = -Infinity
  #near = new BlockList()
  #own = ''

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Whether an IP address is one of this machine's or of a subnet that it has an interface in. */
  isNear(host: string): boolean {
    this.#look()
    const family = isIP(host)
    return family !== 0 && this.#near.check(host, family === 4 ? 'ipv4' : 'ipv6')
  }

  /** The machine's addresses as one text: another text is another place in the network. */
  own(): string {
    this.#look()
    return this.#own
  }

  #look(): void {
    if (this.#nowMs() - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = this.#nowMs()
    const subnets = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    const near = new BlockList()
    for (const { cidr, family } of subnets) {
      const [network, prefix] = cidr?.split('/') ?? []
      if (network !== undefined && prefix !== undefined)
        near.addSubnet(network, Number(prefix), family === 'IPv4' ? 'ipv4' : 'ipv6')
    }
    this.#near = near
    this.#own = subnets
      .map(({ address }) => address)
      .toSorted()
      .join()
  }
}

const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6')

/** Whether an IP address is one that many networks use for themselves (RFC 1918, 6598, 4193). */
export function isPrivate(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && PRIVATE.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

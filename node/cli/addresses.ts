import type { Output } from '../../overlay/contract/index.ts'

/** A node's addresses, a line each, without the peer id that stands above them and is the same in all. */
export function tellAddresses(output: Output, addresses: readonly string[], width: number): void {
  const shown = addresses.length === 0 ? ['none'] : addresses.map((address) => address.replace(/\/p2p\/\w+$/, ''))
  for (const address of shown) output.line(`${'address'.padEnd(width)}${address}`)
}

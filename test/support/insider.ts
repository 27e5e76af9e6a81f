import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Connection, Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { generateKey, loadKey, rawPrivateKey } from '../../node/keys/index.ts'
import { Exchange } from '../../node/net/exchange.ts'
import { Authority } from '../../node/vo/authority.ts'
import { readAuthority } from '../../node/vo/check.ts'
import { makeOutsider } from '../node/net/outsider.ts'
import type { Machine } from './machine.ts'

/** The authority of a grid, with the key that its first machine keeps: to certify whom nobody invited. */
export async function authorityOf(machine: Machine): Promise<Authority> {
  const file = (name: string): string => join(machine.dataDir, 'vo', name)
  const certificate = readAuthority(Uint8Array.from(readFileSync(file('authority.crt'))), Date.now())
  return new Authority((await loadKey(file('authority.key')))!, certificate)
}

/** A bare libp2p node with a valid certificate: what a member is who keeps no rules. */
export async function makeInsider(
  machine: Machine,
  address: string,
): Promise<{ insider: Libp2p; connect: () => Promise<Connection> }> {
  const key = generateKey()
  const authority = await authorityOf(machine)
  const certificate = await authority.issue({ role: 'node', publicKey: key.publicKey }, { wallMs: Date.now() })
  const insider = await makeOutsider(privateKeyFromRaw(rawPrivateKey(key)))
  const connect = async (): Promise<Connection> => {
    const connection = await insider.dial(multiaddr(address), { force: true })
    const stream = await connection.newStream('/roost/admission/1')
    const exchange = new Exchange(stream, { messageBytesMax: 32_768, timeoutMs: 10_000 })
    exchange.write({ certificates: [certificate] })
    await exchange.read()
    exchange.write(null)
    exchange.close()
    return connection
  }
  return { insider, connect }
}

import type { PeerId, Plain, Surroundings } from '../../overlay/index.ts'
import { RoostError } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { DataDirectory } from '../data/index.ts'
import { openUser, rawPrivateKey, type Key } from '../keys/index.ts'
import { createNetwork, type Admission, type Network } from '../net/index.ts'
import { createVo, joinWithTicket, loadVo, type Vo, type VoDependencies } from '../vo/index.ts'
import type { DaemonOptions } from './options.ts'

/** A node that is in a grid and on the network. */
export interface InGrid {
  readonly vo: Vo
  readonly network: Network
  /** Who was told of by the ticket, or holds the authority: somebody to begin with. */
  readonly contacts: readonly { readonly peer: PeerId; readonly addresses: readonly string[] }[]
}

/**
 * Comes into the grid: the one that this data directory is in, else the one of the ticket, else a new one. A ticket is
 * redeemed over the network, so that the network starts before there is anything to show to a peer. Fails as `createVo`,
 * `loadVo`, `joinWithTicket` and `createNetwork` do, and then leaves nothing running.
 */
export async function enterGrid(
  options: DaemonOptions,
  parts: { data: DataDirectory; nodeKey: Key; surroundings: Surroundings; log: Log },
): Promise<InGrid> {
  const { data, nodeKey, surroundings, log } = parts
  const dependencies: VoDependencies = { data, nodeKey, user: await openUser(options.userDir) }
  let vo = options.ticket === undefined ? await loadOrCreate(dependencies, options) : undefined
  const entered = (): Vo => {
    if (vo === undefined) throw new RoostError('NOT_ADMITTED', 'this node is not in a grid yet')
    return vo
  }
  const admission: Admission = {
    present: () => vo?.admission.present(),
    check: (peer, presented) => entered().admission.check(peer, presented),
    join: (peer, request) => entered().admission.join(peer, request),
  }
  const network = await createNetwork(
    {
      privateKey: rawPrivateKey(nodeKey),
      listen: options.listen.map((address) => multiaddrOf(address, options.port)),
      store: data.db,
    },
    { admission, surroundings, vo: () => entered().fingerprint, log },
  )
  try {
    vo ??= await redeem(dependencies, options, network)
  } catch (error) {
    await network.stop()
    throw error
  }
  return { vo, network, contacts: [{ peer: vo.authorityPeer, addresses: vo.authorityAddresses }] }
}

async function loadOrCreate(dependencies: VoDependencies, options: DaemonOptions): Promise<Vo> {
  const loaded = await loadVo(dependencies)
  if (loaded === undefined) return createVo(dependencies, { name: options.gridName, userName: options.userName })
  if (options.gridName !== undefined && options.gridName !== loaded.name)
    throw new RoostError('ALREADY_JOINED', `this machine is in the grid ${loaded.name} already`)
  return loaded
}

function redeem(dependencies: VoDependencies, options: DaemonOptions, network: Network): Promise<Vo> {
  return joinWithTicket(dependencies, {
    ticket: options.ticket!,
    userName: options.userName,
    request: async (addresses, request: Plain) => (await network.requestJoin(addresses, request)).reply,
  })
}

function multiaddrOf(address: string, port: number): string {
  return `/${address.includes(':') ? 'ip6' : 'ip4'}/${address}/tcp/${port}`
}

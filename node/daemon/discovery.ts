import { createDiscovery, type Discovery, type DiscoveryEvent } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { Network } from '../net/index.ts'
import type { InGrid } from './grid.ts'
import type { Keepsakes } from './kept.ts'
import type { SelfDescription } from './self-description.ts'

/**
 * Discovery on the real network: it learns where to dial from descriptors, and whom to doubt from broken connections; what it refuses
 * counts against who sent it.
 */
export async function startDiscovery(parts: {
  readonly name: string
  readonly contacts: InGrid['contacts']
  readonly self: SelfDescription
  readonly keepsakes: Keepsakes
  readonly network: Network
  readonly log: Log
}): Promise<Discovery> {
  const { name, contacts, self, keepsakes, network, log } = parts
  const discovery = createDiscovery(
    {
      host: network,
      onAddress: (peer, addresses) => network.know(peer, addresses),
      store: (kept) => void keepsakes.keepDiscovery(kept),
      onEvent: (event) => {
        if (event.type === 'refused') network.blame(event.peer, event)
        logEvent(log, event)
      },
    },
    {
      name,
      addresses: network.addresses(),
      attributes: self.attributes(),
      seeds: contacts.filter(({ peer }) => peer !== network.self),
      kept: await keepsakes.discovery(),
      sampling: { cycleMs: SHUFFLE_MS },
      membership: PATIENCE,
    },
  )
  // A connection that breaks is the first sign of a daemon that was killed; a silent daemon, that its connection may be dead.
  network.onLost((peer) => discovery.doubt(peer))
  discovery.watch(({ id, state }) => {
    if (state === 'suspect' || state === 'dead') network.doubt(id)
  })
  return discovery
}

/**
 * Between two shuffles that a daemon starts. Descriptors of real machines have 600 bytes, and shuffles of eight of them are three quarters
 * of what an idle daemon says: 1.9 kB/s at 5 s, 1.3 at this. Who just started shuffles every second all the same.
 */
const SHUFFLE_MS = 7_000

/**
 * Twice as patient as a network alone asks for: processes of a busy machine answer late. With half of this, thirty daemons on two busy
 * cores took one another for dead, and what they said about it kept the cores busy. A daemon that is killed breaks its connections,
 * so that all probe it at once; it is called dead after some eight seconds among forty.
 */
const PATIENCE = { probeMs: 2_000, probeTimeoutMs: 1_000, suspicionMs: 2_500 } as const

function logEvent(log: Log, event: DiscoveryEvent): void {
  const { type, ...fields } = event
  if (type === 'refused') log.debug(fields, 'refused what a peer sent')
  else
    log.warn(fields, type === 'offer-failed' ? 'a source of attributes failed' : 'what was kept of the grid is damaged')
}

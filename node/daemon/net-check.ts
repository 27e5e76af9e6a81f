import type { Discovery, PeerId } from '../../overlay/index.ts'
import type { Network, Reach } from '../net/index.ts'
import type { DoctorReply, NetCheck } from '../surface/index.ts'

export interface NetChecked {
  readonly discovery: Discovery
  readonly network: Network
}

/** How others reach this node, in words, with what to do where it could be better. */
export function describeReach(reach: Reach, { discovery, network }: NetChecked): NetCheck {
  const nameOf = (id: PeerId): string => discovery.get(id)?.name ?? id
  const othersCount = discovery.list().filter(({ id, state }) => id !== network.self && state !== 'left').length
  const { addresses, relays, witnesses, relayedPeersCount } = reach
  // Who knows of others and is connected with none has lost them, be it before the first was ever reached.
  const isLost = othersCount > 0 && network.connected().length === 0
  const state = isLost ? 'cut-off' : reach.state
  return {
    state,
    ...words({ ...reach, state }, isLost, relays.map(nameOf)),
    addresses: [...addresses],
    relays: relays.map((id) => ({ id, name: nameOf(id) })),
    relayedPeersCount,
    witnesses: witnesses.map(({ peer, answer, host }) => ({
      id: peer,
      name: nameOf(peer),
      answer,
      ...(host !== undefined && { host }),
    })),
  }
}

/** The same as a line of `roost doctor`. */
export function checkReach(parts: NetChecked): DoctorReply['checks'][number] {
  const { state, detail, hint } = describeReach(parts.network.reach(), parts)
  return {
    name: 'reach',
    state: state === 'cut-off' ? 'failed' : 'ok',
    detail: `${state}: ${detail}`,
    ...(hint !== undefined && { hint }),
  }
}

function words(
  { state, witnesses }: Pick<Reach, 'state' | 'witnesses'>,
  isLost: boolean,
  relays: readonly string[],
): Pick<NetCheck, 'detail' | 'hint'> {
  const reached = witnesses.filter(({ answer }) => answer === 'reached').length
  const asked = witnesses.filter(({ answer }) => answer !== 'silent').length
  const openPort = 'let the port of `listen` through the firewall, or forward it to this machine at the router'
  switch (state) {
    case 'reachable':
      return { detail: asked === 0 ? 'others have connected to this node' : `${reached} of ${asked} nodes reached it` }
    case 'relayed':
      return {
        detail: `others do not reach this node, and come over ${relays.join(' and ')}; it takes part in everything`,
        hint: `for more speed, ${openPort}`,
      }
    case 'cut-off':
      return isLost
        ? {
            detail: 'no other node is connected',
            hint: 'check the network of this machine, and what it may reach outside',
          }
        : {
            detail: 'this node reaches others, but nobody reaches it: no node that is reachable relays for it',
            hint: `${openPort}; or do so at any other node, which then relays for this one`,
          }
    case 'unknown':
      return {
        detail: 'no other node has been there yet to tell',
        hint: '`roost invite` prints a ticket for another machine; a few seconds after the first peer it is known',
      }
  }
}

import assert from 'node:assert/strict'
import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { RateLimit } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import type { Counters } from './counters.ts'
import { TOPICS, TOPICS_COUNT } from './topics.ts'

/**
 * Stands between the streams of pub/sub and gossipsub, which drops what it does not want without a word and without end: topics that
 * are not ours, messages that it cannot read, as many of either as a peer cares to send. Here they are counted, and count against
 * the peer. gossipsub 17.1.1 has no hook for this; its loop over a stream is replaced by one that does the same and says so.
 */

/** What one message of gossipsub's may carry; more is not read. We have 64 topics, and each of a peer's lists can name them all. */
export const RPC_LIMITS = {
  maxSubscriptions: 4 * TOPICS_COUNT,
  maxMessages: 1_024,
  maxControlMessages: 8 * TOPICS_COUNT,
  maxIhaveMessageIDs: 5_000,
  maxIwantMessageIDs: 5_000,
  maxIdontwantMessageIDs: 512,
  maxPeerInfos: 16,
} as const

/**
 * Messages of gossipsub's from one peer: so many at once, then one each so many milliseconds; what is beyond is dropped unread. An event
 * costs a node 1 to 2 ms, so that more than this is more than it could take in.
 */
export const RPC_BURST_COUNT = 4_096
export const RPC_MS = 1

/** What gossipsub has and its types leave out. */
interface GossipSubInside {
  pipePeerReadStream(peer: Libp2pPeerId, source: AsyncIterable<{ subarray(): Uint8Array }>): Promise<void>
  decodeRpc(bytes: Uint8Array): Rpc
  handleReceivedRpc(from: Libp2pPeerId, rpc: Rpc): Promise<void>
  handlePeerReadStreamError(error: unknown, peer: Libp2pPeerId): void
}

interface Rpc {
  readonly subscriptions?: readonly { readonly topic?: string }[]
  readonly messages?: readonly { readonly topic?: string }[]
}

export interface PubsubGuardDependencies {
  readonly counters: Counters
  readonly nowMs: () => number
  /** Something that a peer sent was refused. */
  readonly blame: (peer: PeerId, protocol: string, reason: string) => void
}

/** Takes effect for every stream that is opened from now on. */
export function guardPubsub(pubsub: GossipSub, { counters, nowMs, blame }: PubsubGuardDependencies): void {
  const inside = pubsub as unknown as GossipSubInside
  for (const name of ['pipePeerReadStream', 'decodeRpc', 'handleReceivedRpc', 'handlePeerReadStreamError'] as const)
    assert.equal(typeof inside[name], 'function', `gossipsub has no ${name} any more`)
  const limit = new RateLimit({ intervalMs: RPC_MS, burstCount: RPC_BURST_COUNT })
  const refuse = (peer: PeerId, reason: string): void => {
    counters.add('events_refused_rpcs')
    blame(peer, 'events', reason)
  }

  const take = (from: Libp2pPeerId, bytes: Uint8Array): void => {
    const peer = from.toString()
    counters.add('events_received_rpcs')
    counters.add('events_received_bytes', bytes.length)
    if (!limit.allows(peer, nowMs())) return refuse(peer, 'rate')
    let rpc: Rpc
    try {
      rpc = inside.decodeRpc(bytes)
    } catch {
      return refuse(peer, 'unreadable')
    }
    for (let count = foreignCount(rpc); count > 0; count--) refuse(peer, 'foreign')
    // It looks at each part by itself, and has nobody to tell what went wrong.
    inside.handleReceivedRpc(from, rpc).catch(() => {})
  }

  inside.pipePeerReadStream = async (from, source) => {
    try {
      for await (const data of source) take(from, data.subarray())
    } catch (thrown) {
      if (isOversized(thrown)) refuse(from.toString(), 'oversized')
      inside.handlePeerReadStreamError(thrown, from)
    }
  }
}

/** Subscriptions and messages of topics that no version of ours has; a newer neighbour may have some, once. */
function foreignCount({ subscriptions = [], messages = [] }: Rpc): number {
  return [...subscriptions, ...messages].filter(({ topic }) => topic === undefined || !OURS.has(topic)).length
}

const OURS: ReadonlySet<string> = new Set(TOPICS)

/** A length that `it-length-prefixed` refuses to wait for. */
function isOversized(thrown: unknown): boolean {
  return thrown instanceof Error && /^InvalidDataLength(Length)?Error$/.test(thrown.name)
}

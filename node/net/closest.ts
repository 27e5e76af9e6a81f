import { createHash } from 'node:crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId } from '../../overlay/index.ts'
import type { GridServices } from './libp2p.ts'

/**
 * Which nodes are nearest to a key, by the DHT's own measure: the distance of SHA-256 of the key and of the peer id, by XOR (Maymounkov and
 * Mazieres, Kademlia, 2002, section 2). A node of a small grid knows everybody, and reckons it. Of a larger one it knows some
 * hundreds; there the DHT is asked too, and its answer kept for a while.
 */

/** Who knows fewer nodes than this knows them all: a grid that is divided has cells of more. */
const EVERYBODY_COUNT_MAX = 128
/** A lookup takes some twenty requests; the nodes near a key change with churn, and a put reaches eight of them. */
const KEPT_MS = 60_000
const LOOKUP_MS = 2_000
/** Keys whose answers are kept: more than there are shards of the directory. */
const LOOKUPS_COUNT_MAX = 64
/** Peers whose place is remembered; beyond it they are reckoned anew. */
const PLACES_COUNT_MAX = 20_000

interface Lookup {
  readonly atMs: number
  found: readonly PeerId[]
  readonly done: Promise<void>
}

export class ClosestPeers {
  readonly #dht: Pick<GridServices['dht'], 'getClosestPeers'>
  readonly #nowMs: () => number
  readonly #lookups = new Map<string, Lookup>()
  readonly #places = new Map<PeerId, number>()
  readonly #ending = new AbortController()

  constructor(dht: Pick<GridServices['dht'], 'getClosestPeers'>, nowMs: () => number) {
    this.#dht = dht
    this.#nowMs = nowMs
  }

  /** The nearest first, at most `count`, among those that are known and those that the DHT finds but for `except`. */
  async find(
    key: Uint8Array,
    { count, known, except }: { count: number; known: readonly PeerId[]; except: (peer: PeerId) => boolean },
  ): Promise<readonly PeerId[]> {
    const found = known.length < EVERYBODY_COUNT_MAX ? [] : await this.#lookUp(key)
    const place = placeOf(key)
    const candidates = [...new Set([...known, ...found.filter((peer) => !except(peer))])]
    return candidates
      .map((peer) => ({ peer, distance: (this.#placeOf(peer) ^ place) >>> 0 }))
      .toSorted((left, right) => left.distance - right.distance || (left.peer < right.peer ? -1 : 1))
      .slice(0, count)
      .map(({ peer }) => peer)
  }

  stop(): void {
    this.#ending.abort()
  }

  /** What is known of an earlier lookup is given at once, and renewed behind it when it is old. */
  async #lookUp(key: Uint8Array): Promise<readonly PeerId[]> {
    const name = Buffer.from(key).toString('hex')
    const kept = this.#lookups.get(name)
    if (kept === undefined || this.#nowMs() - kept.atMs > KEPT_MS) this.#start(name, key, kept?.found ?? [])
    const lookup = this.#lookups.get(name)!
    if (kept === undefined) await lookup.done
    return lookup.found
  }

  #start(name: string, key: Uint8Array, found: readonly PeerId[]): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    const lookup: Lookup = { atMs: this.#nowMs(), found, done: promise }
    this.#lookups.delete(name)
    this.#lookups.set(name, lookup)
    if (this.#lookups.size > LOOKUPS_COUNT_MAX) this.#lookups.delete(this.#lookups.keys().next().value!)
    void this.#ask(key).then((peers) => {
      if (peers.length > 0) lookup.found = peers
      resolve()
    })
  }

  async #ask(key: Uint8Array): Promise<PeerId[]> {
    const peers: PeerId[] = []
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(LOOKUP_MS), this.#ending.signal])
      for await (const event of this.#dht.getClosestPeers(key, { signal }))
        if (event.name === 'FINAL_PEER') peers.push(event.peer.id.toString())
    } catch {
      // The deadline, or nobody to ask: what was found stands.
    }
    return peers
  }

  #placeOf(peer: PeerId): number {
    let place = this.#places.get(peer)
    if (place === undefined) {
      place = placeOf(peerIdFromString(peer).toMultihash().bytes)
      if (this.#places.size >= PLACES_COUNT_MAX) this.#places.clear()
      this.#places.set(peer, place)
    }
    return place
  }
}

/** The first 32 bits tell any two nodes apart that a grid has near one key. */
function placeOf(bytes: Uint8Array): number {
  return createHash('sha256').update(bytes).digest().readUInt32BE()
}

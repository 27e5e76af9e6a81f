import { peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { commonPrefix } from '../placement/index.ts'
import type { Contact } from '../sampling/index.ts'
import type { GuestsEnv } from './guests.ts'
import type { GuestsOptions } from './options.ts'
import type { HeldVisit } from './visit.ts'

/** Something to be done at the nodes around a key, on several ways that have nothing to do with each other. */
export interface Errand {
  readonly key: number
  /** To be announced there; without it one only asks who is there. */
  readonly visit?: HeldVisit
  /** Who was asked first on each way. */
  readonly starts: Set<PeerId>
  readonly welcomedBy: Set<PeerId>
  openCount: number
}

interface Path {
  readonly errand: Errand
  readonly asked: readonly PeerId[]
}

export interface ErrandsDependencies {
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  /** How many leading bits of a key matter: those that this node's home cell shares. */
  readonly depth: () => number
}

/**
 * Ways through the grid to the cell of a key. Whoever wants to get there asks from node to node by itself, each for nodes that are
 * nearer, so that a liar leads astray one way of several and no further than `hopCountMax`; who was named on one way is asked on that
 * way alone (S/Kademlia's disjoint paths: Baumgart and Mies 2007, section 4.3).
 */
export class Errands {
  readonly #dependencies: ErrandsDependencies
  readonly #options: GuestsOptions
  /** By the round of the question that is open on it. */
  readonly #paths = new Map<number, Path>()
  #round = 0

  constructor(dependencies: ErrandsDependencies, options: GuestsOptions) {
    this.#dependencies = dependencies
    this.#options = options
  }

  static create(key: number, visit?: HeldVisit): Errand {
    return { key, ...(visit !== undefined && { visit }), starts: new Set(), welcomedBy: new Set(), openCount: 0 }
  }

  /** Sets out on one more way. */
  begin(errand: Errand, first: Contact, env: GuestsEnv): void {
    if (this.#paths.size >= PATH_COUNT_MAX) return
    errand.starts.add(first.peer)
    errand.openCount++
    this.#go({ errand, asked: [] }, first, env)
  }

  onWelcome(from: PeerId, round: number): void {
    const path = this.#take(from, round)
    if (path === undefined) return
    const { errand } = path
    errand.openCount--
    // Who is not near says what it cannot know.
    const isNear = commonPrefix(peerKey(from), errand.key) >= this.#dependencies.depth() - DEPTH_DIFFERENCE
    if (errand.visit !== undefined && isNear) errand.welcomedBy.add(from)
  }

  /** Goes on to the nearest of those who were named. Says whether that was an answer to a question. */
  onRefer(from: PeerId, round: number, descriptors: readonly Descriptor[], env: GuestsEnv): boolean {
    const path = this.#take(from, round)
    if (path === undefined) return false
    const { errand, asked } = path
    const next = asked.length < this.#options.hopCountMax ? this.#nearest(path, descriptors, from, env) : undefined
    if (next === undefined) errand.openCount--
    else this.#go(path, next, env)
    return true
  }

  onUnanswered(round: number): void {
    const path = this.#paths.get(round)
    if (path === undefined) return
    this.#paths.delete(round)
    path.errand.openCount--
  }

  #go({ errand, asked }: Path, to: Contact, env: GuestsEnv): void {
    const round = ++this.#round
    this.#paths.set(round, { errand, asked: [...asked, to.peer] })
    this.#dependencies.onAddress(to.peer, to.addresses)
    const { key, visit } = errand
    env.send(to.peer, visit === undefined ? { type: 'ask', round, key } : { type: 'visit', round, visit })
    env.wakeAfter(this.#options.replyTimeoutMs, { type: 'unanswered-path', round })
  }

  #take(from: PeerId, round: number): Path | undefined {
    const path = this.#paths.get(round)
    if (path === undefined || path.asked.at(-1) !== from) return undefined
    this.#paths.delete(round)
    return path
  }

  /** Any of the nearest; who only asks who is there has arrived where nobody is nearer. */
  #nearest(
    { errand, asked }: Path,
    descriptors: readonly Descriptor[],
    from: PeerId,
    env: GuestsEnv,
  ): Descriptor | undefined {
    const depth = Math.max(this.#dependencies.depth(), 1)
    let best: Descriptor | undefined
    let bestBits = errand.visit === undefined ? Math.min(commonPrefix(peerKey(from), errand.key), depth) : -1
    let equalCount = 0
    for (const descriptor of descriptors) {
      const { peer } = descriptor
      if (peer === env.self || asked.includes(peer)) continue
      const bits = Math.min(commonPrefix(peerKey(peer), errand.key), depth)
      if (bits > bestBits) {
        best = descriptor
        bestBits = bits
        equalCount = 1
      } else if (bits === bestBits && best !== undefined && env.rng.below(++equalCount) === 0) best = descriptor
    }
    return best
  }
}

/** How many bits coarser than one's own another cell may be. */
const DEPTH_DIFFERENCE = 2
/** Ways that are open at once; further ones are not begun. */
const PATH_COUNT_MAX = 64

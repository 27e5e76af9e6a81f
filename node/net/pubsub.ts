import type { GossipSub } from '@libp2p/gossipsub'
import { decode, encode } from '../codec/index.ts'
import { RoostError } from '../../overlay/index.ts'
import type { PeerId, Plain } from '../../overlay/index.ts'
import type { Events, Log } from '../../overlay/contract/index.ts'
import type { Counters } from './counters.ts'
import { EVENT_BYTES_MAX, topicOf } from './topics.ts'

/**
 * Events over gossipsub. Keys share a fixed number of topics, so an event says which key it is for, and a node hears some that it
 * did not ask for and drops them. gossipsub resolves `publish` also when nobody was sent anything; who was is counted.
 */

/** Subscriptions of this node. Each watcher of a job is one; more is a leak, and refused with `BUSY`. */
export const SUBSCRIPTIONS_COUNT_MAX = 10_000

type Listener = (from: PeerId, event: unknown) => void

export interface PubsubDependencies {
  readonly self: PeerId
  readonly pubsub: GossipSub
  readonly counters: Counters
  readonly log: Log
  /** Connects to a publisher; what comes of it is not waited for. */
  readonly connect: (peer: PeerId) => Promise<void>
  /** Something that a peer published was refused. */
  readonly blame: (peer: PeerId, protocol: string, reason: string) => void
}

export class GossipEvents implements Events {
  readonly #dependencies: PubsubDependencies
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #topicCounts = new Map<string, number>()
  #subscriptionsCount = 0
  #isStopped = false

  constructor(dependencies: PubsubDependencies) {
    this.#dependencies = dependencies
    dependencies.pubsub.addEventListener('message', ({ detail }) => {
      if (detail.type === 'signed') this.#take(detail.from.toString(), detail.topic, detail.data)
    })
  }

  /** Subscriptions of this node, the topics that they share, and the peers that it passes events to, each once a topic. */
  metrics(): Readonly<Record<string, number>> {
    const { pubsub } = this.#dependencies
    const topics = [...this.#topicCounts.keys()]
    return {
      event_subscriptions_count: this.#subscriptionsCount,
      event_topics_count: topics.length,
      event_mesh_peers_count: topics.reduce((sum, topic) => sum + meshOf(pubsub, topic), 0),
    }
  }

  async publish(key: string, event: Plain): Promise<void> {
    const { pubsub, counters, log, self } = this.#dependencies
    const bytes = encode([key, event])
    if (bytes.length > EVENT_BYTES_MAX)
      throw new RoostError(
        'MESSAGE_TOO_LARGE',
        `an event of ${bytes.length} bytes where at most ${EVENT_BYTES_MAX} are sent`,
      )
    if (this.#isStopped) return
    counters.add('events_published')
    const topic = topicOf(key)
    // gossipsub tells others only; a subscriber on this node hears the same thing, as it would be after the network.
    queueMicrotask(() => this.#take(self, topic, bytes))
    try {
      const { recipients } = await pubsub.publish(topic, bytes)
      if (recipients.length === 0 && pubsub.getSubscribers(topic).length > 0) counters.add('events_unheard')
    } catch (thrown) {
      counters.add('events_unheard')
      log.debug({ key, err: thrown }, 'an event was not sent')
    }
  }

  subscribe(key: string, { near }: { readonly near?: PeerId }, listener: Listener): () => void {
    if (this.#subscriptionsCount >= SUBSCRIPTIONS_COUNT_MAX)
      throw new RoostError('BUSY', `more than ${SUBSCRIPTIONS_COUNT_MAX} subscriptions`)
    // Two subscriptions with one function are two subscriptions.
    const own: Listener = (from, event) => listener(from, event)
    this.#add(key, own)
    if (near !== undefined && near !== this.#dependencies.self) void this.#connect(near)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#remove(key, own)
    }
  }

  stop(): void {
    this.#isStopped = true
    this.#listeners.clear()
    this.#topicCounts.clear()
    this.#subscriptionsCount = 0
  }

  #add(key: string, listener: Listener): void {
    const listeners = this.#listeners.get(key) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(key, listeners)
    this.#subscriptionsCount++
    const topic = topicOf(key)
    const topicCount = this.#topicCounts.get(topic) ?? 0
    this.#topicCounts.set(topic, topicCount + 1)
    if (topicCount === 0 && !this.#isStopped) this.#dependencies.pubsub.subscribe(topic)
  }

  #remove(key: string, listener: Listener): void {
    if (this.#isStopped) return
    const listeners = this.#listeners.get(key)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(key)
    this.#subscriptionsCount--
    const topic = topicOf(key)
    const topicCount = this.#topicCounts.get(topic)! - 1
    if (topicCount > 0) {
      this.#topicCounts.set(topic, topicCount)
      return
    }
    this.#topicCounts.delete(topic)
    this.#dependencies.pubsub.unsubscribe(topic)
  }

  async #connect(near: PeerId): Promise<void> {
    try {
      await this.#dependencies.connect(near)
    } catch (thrown) {
      this.#dependencies.log.debug({ peer: near, err: thrown }, 'no connection to a publisher')
    }
  }

  #take(from: PeerId, topic: string, bytes: Uint8Array): void {
    if (this.#isStopped || !this.#topicCounts.has(topic)) return
    const { counters, log } = this.#dependencies
    let value: unknown
    try {
      value = decode(bytes, { bytesMax: EVENT_BYTES_MAX })
    } catch {
      return this.#refuse(from, 'unreadable')
    }
    if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== 'string' || topicOf(value[0]) !== topic)
      return this.#refuse(from, 'malformed')
    const [key, event] = value as [string, unknown]
    for (const listener of [...(this.#listeners.get(key) ?? [])]) {
      counters.add('events_delivered')
      try {
        listener(from, event)
      } catch (thrown) {
        log.error({ err: thrown, key }, 'a listener of events failed')
      }
    }
  }
  /** `from` signed it: whoever passed it on is not to blame. */
  #refuse(from: PeerId, reason: string): void {
    this.#dependencies.counters.add('events_malformed')
    this.#dependencies.blame(from, 'events', reason)
  }
}

/** Peers of a topic's mesh. gossipsub has the method, and its type leaves it out. */
function meshOf(pubsub: GossipSub, topic: string): number {
  return (pubsub as GossipSub & { getMeshPeers(topic: string): readonly string[] }).getMeshPeers(topic).length
}

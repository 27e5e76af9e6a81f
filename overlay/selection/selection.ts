import { timeFault, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import { pick, sample, shuffle, type Env, type PeerId, type Protocol } from '../env/index.ts'
import { RateLimit } from '../sampling/index.ts'
import { Cell } from './cell.ts'
import { PUSH_COUNT_MAX, WANT_COUNT_MAX, type SelectionMessage } from './messages.ts'

export interface SelectionOptions {
  /** Descriptors that a cell keeps. Newcomers beyond it are told of by nobody here until there is room. */
  readonly cellCountMax: number
  /** Between two exchanges that a node starts, and between two while the last one brought something. */
  readonly exchangeMs: number
  readonly exchangeAgainMs: number
  /** To how many others a new descriptor is pushed at once, by each who had not heard of it. */
  readonly pushFanout: number
  /** How long news is gathered before it is pushed, and how much of it may wait; what does not fit is left to the exchanges. */
  readonly pushMs: number
  readonly pushCountMax: number
}

export const SELECTION_DEFAULTS: SelectionOptions = {
  cellCountMax: 4_096,
  exchangeMs: 3_000,
  exchangeAgainMs: 200,
  pushFanout: 4,
  pushMs: 20,
  pushCountMax: 256,
}

/**
 * Selection answers "which nodes are like this?" without asking anybody: the members of a cell all hold each other's
 * descriptors. A new descriptor is pushed to a few members, who push it on if it is news to them, which reaches nearly everyone in a
 * few steps; now and then two members compare digests of what they hold and level the rest. These are the rumor
 * mongering and the anti-entropy of Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", 1987, in that
 * division of labour.
 *
 * For now a grid is one cell. A larger one will have many, in several groupings: then a node holds one of these for each of its
 * cells, and contacts in the others. What is asked of a cell, and its messages, stay.
 */
export class Selection implements Protocol<SelectionMessage, SelectionTimer, SelectionEvent> {
  readonly #own: () => Descriptor
  readonly #checker: DescriptorChecker
  readonly #mayLive: (descriptor: Descriptor) => boolean
  readonly #options: SelectionOptions
  readonly #cell: Cell
  /** Summaries and wants are what costs us more than the asker. */
  readonly #rateLimit: RateLimit
  #fresh: Descriptor[] = []
  #pushing = false
  #gained = false

  constructor(dependencies: SelectionDependencies, options: Partial<SelectionOptions> = {}) {
    this.#own = dependencies.own
    this.#checker = dependencies.checker
    this.#mayLive = dependencies.mayLive
    this.#options = { ...SELECTION_DEFAULTS, ...options }
    this.#cell = new Cell({ countMax: this.#options.cellCountMax })
    this.#rateLimit = new RateLimit({ intervalMs: this.#options.exchangeAgainMs / 2, burstCount: 16 })
  }

  /** Everyone in the cell, this node included. */
  members(): IterableIterator<Descriptor> {
    return this.#cell.descriptors()
  }

  get(peer: PeerId): Descriptor | undefined {
    return this.#cell.get(peer)
  }

  /** Takes in a checked descriptor that came another way. News is pushed on unless `quietly`. */
  learn(descriptor: Descriptor, env: SelectionEnv, how: { readonly quietly: boolean } = { quietly: false }): boolean {
    if (!this.#mayLive(descriptor) || this.#cell.put(descriptor) !== 'kept') return false
    this.#gained = true
    if (!how.quietly) this.#push(descriptor, env)
    return true
  }

  /** A node is gone: it is offered no more. */
  forget(peer: PeerId): void {
    this.#cell.remove(peer)
  }

  start(env: SelectionEnv): void {
    this.#cell.put(this.#own())
    env.wakeAfter(env.rng.below(this.#options.exchangeMs), { type: 'exchange' })
  }

  wake(timer: SelectionTimer, env: SelectionEnv): void {
    if (timer.type === 'exchange') this.#startExchange(env)
    else this.#sendFresh(env)
  }

  receive(from: PeerId, message: SelectionMessage, env: SelectionEnv): void {
    if (message.type === 'push') return this.#takeAll(message.descriptors, from, env)
    if (!this.#rateLimit.allows(from, env.nowMs)) return env.emit({ type: 'refused', peer: from, reason: 'rate' })
    if (message.type === 'summary') {
      const buckets = shuffle(this.#cell.differing(message.digests), env.rng)
      if (buckets.length > 0) env.send(from, { type: 'holdings', ...this.#cell.page(buckets) })
    } else if (message.type === 'holdings') {
      const { ours, theirs } = this.#cell.compare(message.buckets, message.holdings)
      this.#give(from, sample(ours, WANT_COUNT_MAX, env.rng), env)
      if (theirs.length > 0) env.send(from, { type: 'want', peers: sample(theirs, WANT_COUNT_MAX, env.rng) })
    } else {
      const wanted = message.peers.slice(0, WANT_COUNT_MAX).map((peer) => this.#cell.get(peer))
      this.#give(
        from,
        wanted.filter((descriptor) => descriptor !== undefined),
        env,
      )
    }
  }

  #startExchange(env: SelectionEnv): void {
    const { exchangeMs, exchangeAgainMs } = this.#options
    env.wakeAfter(this.#gained ? exchangeAgainMs : exchangeMs, { type: 'exchange' })
    this.#gained = false
    this.#cell.put(this.#own())
    this.#dropExpired(env)
    const partner = pick(this.#others(env), env.rng)
    if (partner !== undefined) env.send(partner, { type: 'summary', digests: this.#cell.summary() })
  }

  #takeAll(descriptors: readonly Descriptor[], from: PeerId, env: SelectionEnv): void {
    for (const descriptor of descriptors) {
      if (descriptor.peer === env.self) {
        env.emit({ type: 'heard', descriptor, from })
        continue
      }
      const known = this.#cell.get(descriptor.peer)
      if (known !== undefined && known.sequence > descriptor.sequence) continue
      const checked = this.#checker.check(descriptor, env)
      if (!checked.ok) env.emit({ type: 'refused', peer: from, reason: checked.fault })
      else if (this.learn(checked.descriptor, env)) env.emit({ type: 'heard', descriptor: checked.descriptor, from })
    }
  }

  #push(descriptor: Descriptor, env: SelectionEnv): void {
    if (this.#fresh.length >= this.#options.pushCountMax) return
    this.#fresh.push(descriptor)
    if (this.#pushing) return
    this.#pushing = true
    env.wakeAfter(this.#options.pushMs, { type: 'push' })
  }

  #sendFresh(env: SelectionEnv): void {
    this.#pushing = false
    const fresh = this.#fresh
    this.#fresh = []
    for (const peer of sample(this.#others(env), this.#options.pushFanout, env.rng)) this.#give(peer, fresh, env)
  }

  #give(peer: PeerId, descriptors: readonly Descriptor[], env: SelectionEnv): void {
    for (let first = 0; first < descriptors.length; first += PUSH_COUNT_MAX)
      env.send(peer, { type: 'push', descriptors: descriptors.slice(first, first + PUSH_COUNT_MAX) })
  }

  #dropExpired(env: SelectionEnv): void {
    for (const descriptor of this.#cell.descriptors())
      if (timeFault(descriptor, env.wallMs) === 'expired') this.#cell.remove(descriptor.peer)
  }

  #others(env: SelectionEnv): PeerId[] {
    const peers: PeerId[] = []
    for (const { peer } of this.#cell.descriptors()) if (peer !== env.self) peers.push(peer)
    return peers
  }
}

export interface SelectionDependencies {
  /** This node's newest descriptor. */
  readonly own: () => Descriptor
  readonly checker: DescriptorChecker
  /** Whether membership has nothing against this word of the node. */
  readonly mayLive: (descriptor: Descriptor) => boolean
}

export type SelectionTimer = { readonly type: 'exchange' } | { readonly type: 'push' }

export type SelectionEvent =
  /** A checked descriptor that is news, or whatever someone holds for our own. */
  | { readonly type: 'heard'; readonly descriptor: Descriptor; readonly from: PeerId }
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }

type SelectionEnv = Env<SelectionMessage, SelectionTimer, SelectionEvent>

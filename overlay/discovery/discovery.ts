import { checkAttributes, equalAttributes, type Attributes } from '../attributes/index.ts'
import { DescriptorChecker, DescriptorOwner, type Descriptor } from '../descriptor/index.ts'
import type { Env, PeerId, Plain, ProtocolHost, Surroundings } from '../env/index.ts'
import {
  Guests,
  guestsWire,
  type GuestsEvent,
  type GuestsMessage,
  type GuestsOptions,
  type GuestsState,
  type GuestsTimer,
  type HomeCell,
} from '../guests/index.ts'
import { Live, liveWire } from '../live/index.ts'
import {
  isGone,
  Membership,
  membershipWire,
  type Member,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipOptions,
  type MembershipTimer,
} from '../membership/index.ts'
import {
  Sampling,
  samplingWire,
  type Contact,
  type SamplingEvent,
  type SamplingMessage,
  type SamplingCommons,
  type SamplingOptions,
  type SamplingTimer,
} from '../sampling/index.ts'
import { LayoutChecker, layoutId } from '../placement/index.ts'
import {
  Answerer,
  PlanCache,
  questionWire,
  Selection,
  selectionWire,
  type SelectionEvent,
  type SelectionMessage,
  type SelectionOptions,
  type SelectionTimer,
} from '../selection/index.ts'
import { CellSource } from './cell-source.ts'
import { Finder } from './finder.ts'
import { readKept, type Kept } from './kept.ts'
import type { FindOptions, FindResult, NodeInfo, Nodes, Query } from './nodes.ts'
import { namesToAnnounce, Offers } from './offers.ts'
import type { SearchOptions } from './search.ts'

export interface DiscoveryDependencies {
  readonly host: ProtocolHost
  /** Makes addresses known to whoever dials; called before anything is sent to that peer, and often with what is known. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  /** Asks for this to be kept on disk, and given back as `kept` at the next start. At most every few seconds. */
  readonly store?: (kept: Plain) => void
  /** For logs and counters. */
  readonly onEvent?: (event: DiscoveryEvent) => void
}

export interface DiscoveryOptions {
  readonly name: string
  /** Multiaddr texts under which this node is reached. */
  readonly addresses: readonly string[]
  /** Static attributes, labels included. */
  readonly attributes: Attributes
  /** Nodes to join. */
  readonly seeds?: readonly Contact[]
  /** What was stored in an earlier life. */
  readonly kept?: unknown
  /** Sequence numbers begin at the highest of this, wall time and what was kept. */
  readonly startSequence?: number
  readonly sampling?: Partial<SamplingOptions>
  readonly membership?: Partial<MembershipOptions>
  readonly selection?: Partial<SelectionOptions>
  readonly guests?: Partial<GuestsOptions>
  readonly search?: Partial<SearchOptions>
  /** Simulations may share these among their nodes. */
  readonly checker?: DescriptorChecker
  readonly layouts?: LayoutChecker
  readonly plans?: PlanCache
  readonly commons?: SamplingCommons
}

export type DiscoveryEvent =
  /** Something that a peer sent was not taken. */
  | { readonly type: 'refused'; readonly protocol: string; readonly peer: PeerId; readonly reason: string }
  /** A source of dynamic attributes failed. */
  | { readonly type: 'offer-failed'; readonly source: string; readonly cause: unknown }
  /** What was kept on disk cannot be read; the node starts without it. */
  | { readonly type: 'kept-damaged'; readonly cause: unknown }

export interface Discovery extends Nodes {
  /** This node's newest descriptor. */
  own(): Descriptor
  /** Says something else of this node from now on, to everyone at once. `ATTRIBUTE_INVALID` where it is out of bounds. */
  update(fields: { name?: string; addresses?: readonly string[]; attributes?: Attributes }): void
  /** More nodes to join. */
  seed(contacts: readonly Contact[]): void
  /** Somebody lost the connection to this node or got no answer: it is probed at once. */
  doubt(peer: PeerId): void
  /** Random nodes that nobody could choose; until there are such, those of the sampling view. */
  sampled(): readonly Descriptor[]
  /** Random nodes as sampling has them: quick to know the living, and easily won by nodes that name only each other. */
  shuffled(): readonly Descriptor[]
  /** How large this node's part in selection is. */
  readonly selectionState: SelectionState
  readonly guestState: GuestsState
  /** Says goodbye to everyone. Give it a moment before the connections go. */
  leave(): void
  /** What the next life needs, as of now. */
  kept(): Plain
}

export interface SelectionState {
  /** Nodes of the grid, judged by the home cell. */
  readonly nodeCount: number
  /** Descriptors of others that this node keeps, one counted in each table where it stands. */
  readonly descriptorCount: number
  /** Questions of others that it answered. */
  readonly answeredCount: number
  /** Names the newest layout; 0 where there is none. */
  readonly layout: number
  /** The epoch of the newest layout, and its groupings as lists of attributes. */
  readonly epoch: number
  readonly groupings: readonly (readonly string[])[]
}

/** Mounts sampling, membership, selection, guests and the live directory on a host, and ties them together. */
export function createDiscovery(dependencies: DiscoveryDependencies, options: DiscoveryOptions): Discovery {
  return new MountedDiscovery(dependencies, options)
}

/**
 * Membership watches the home cell. A descriptor that belongs there, whichever protocol brought it, is first learned by membership, which knows
 * who is dead; what it takes goes to selection, which passes on what is news; what it buries is taken out of selection and of the view.
 * Other descriptors go to selection directly. Who draws random nodes draws from guests, once there are some.
 */
class MountedDiscovery implements Discovery {
  readonly #surroundings: Surroundings
  readonly #store: (kept: Plain) => void
  readonly #onEvent: (event: DiscoveryEvent) => void
  readonly #owner: DescriptorOwner
  readonly #offers: Offers
  readonly #sampling: Sampling
  readonly #membership: Membership
  readonly #selection: Selection
  readonly #guests: Guests
  readonly #answerer: Answerer
  readonly #samplingEnv: Env<SamplingMessage, SamplingTimer, SamplingEvent>
  readonly #membershipEnv: Env<MembershipMessage, MembershipTimer, MembershipEvent>
  readonly #selectionEnv: Env<SelectionMessage, SelectionTimer, SelectionEvent>
  readonly #guestsEnv: Env<GuestsMessage, GuestsTimer, GuestsEvent>
  readonly #finder: Finder
  readonly #listeners = new Set<(node: NodeInfo) => void>()
  readonly #startedAtMs: number
  #seeds: readonly Contact[]
  /** Peers of an earlier life. */
  readonly #past: readonly Contact[]
  /** As given, without what is announced of dynamic names. */
  #attributes: Attributes

  constructor(dependencies: DiscoveryDependencies, options: DiscoveryOptions) {
    const { host } = dependencies
    // Views and reserves name a node as it was when it was last heard of; where a living one is now, membership knows best.
    const onAddress = (peer: PeerId, addresses: readonly string[]): void =>
      dependencies.onAddress(peer, this.#livingAt(peer) ?? addresses)
    this.#surroundings = host.surroundings
    this.#store = dependencies.store ?? (() => {})
    this.#onEvent = dependencies.onEvent ?? (() => {})
    this.#startedAtMs = host.surroundings.nowMs
    this.#seeds = options.seeds ?? []
    this.#attributes = checkAttributes(options.attributes)
    const kept = this.#readKept(options.kept)
    const { surroundings } = host
    this.#owner = new DescriptorOwner(
      { surroundings, onMinted: (descriptor) => this.#announce(descriptor) },
      {
        name: options.name,
        addresses: options.addresses,
        attributes: this.#attributes,
        startSequence: Math.max(options.startSequence ?? 0, Math.floor(surroundings.wallMs), kept.sequence + 1),
      },
    )
    this.#offers = new Offers({ onFailed: (source, cause) => this.#onEvent({ type: 'offer-failed', source, cause }) })
    const checker = options.checker ?? new DescriptorChecker()
    const own = (): Descriptor => this.#owner.current()
    this.#membership = new Membership(
      {
        own,
        renewAbove: (sequence) => this.#owner.renewAbove(sequence),
        checker,
        onAddress: dependencies.onAddress,
        mayWatch: (peer) => this.#selection.cells.isHome(peer),
      },
      { spreadsNewcomers: false, ...options.membership },
    )
    this.#selection = new Selection(
      {
        own,
        checker,
        mayLive: (descriptor) => this.#membership.mayLive(descriptor),
        layouts: options.layouts ?? new LayoutChecker(),
      },
      options.selection,
    )
    this.#sampling = this.#createSampling(
      { own, checker, onAddress, ...(options.commons && { commons: options.commons }) },
      options,
      kept,
    )
    this.#past = this.#sampling.snapshot() as unknown as readonly Contact[]
    this.#guests = new Guests(
      { own, checker, onAddress, home: homeOf(this.#selection), strangers: () => [...this.#seeds, ...this.#past] },
      options.guests,
    )
    const live = new Live({ surroundings, measure: () => this.#measure() })
    const plans = options.plans ?? new PlanCache()
    this.#answerer = new Answerer({ selection: this.#selection, surroundings, plans })
    this.#membershipEnv = host.mount(membershipWire, this.#membership, (event) => this.#onMembership(event))
    this.#selectionEnv = host.mount(selectionWire, this.#selection, (event) => this.#onSelection(event))
    this.#finder = new Finder(
      {
        live,
        callEnv: host.serve(liveWire, live),
        source: new CellSource({
          selection: this.#selection,
          checker,
          callEnv: host.serve(questionWire, this.#answerer),
          onAddress,
          onSilent: (peer) => this.doubt(peer),
          onRefused: (peer, reason) => this.#onEvent({ type: 'refused', protocol: 'selection', peer, reason }),
        }),
        descriptorOf: (peer) => this.#descriptorOf(peer),
        onAddress,
        onSilent: (peer) => this.doubt(peer),
        onAsked: (plan) => this.#selection.notePopular(plan.askedNames),
      },
      options.search,
    )
    this.#samplingEnv = host.mount(samplingWire, this.#sampling, (event) => this.#onSampling(event))
    this.#guestsEnv = host.mount(guestsWire, this.#guests, (event) => this.#onGuests(event))
  }

  own(): Descriptor {
    return this.#owner.current()
  }

  sampled(): readonly Descriptor[] {
    return this.#guests.view(this.#surroundings) ?? this.#sampling.view()
  }

  shuffled(): readonly Descriptor[] {
    return this.#sampling.view()
  }

  update(fields: { name?: string; addresses?: readonly string[]; attributes?: Attributes }): void {
    if (fields.attributes !== undefined) this.#attributes = checkAttributes(fields.attributes)
    const { name, addresses } = fields
    this.#owner.update({
      ...(name !== undefined && { name }),
      ...(addresses !== undefined && { addresses }),
      attributes: this.#attributesToSign(this.#offers.measure()),
    })
  }

  seed(contacts: readonly Contact[]): void {
    this.#seeds = [...this.#seeds, ...contacts].slice(-SEED_COUNT_MAX)
    this.#sampling.seed(contacts, this.#samplingEnv)
  }

  /** Who watches a node finds out: this one, or those of its own home cell. */
  doubt(peer: PeerId): void {
    if (this.#membership.isWatched(peer)) this.#membership.doubt(peer, this.#membershipEnv)
    else this.#selection.doubt(peer, this.#selectionEnv)
  }

  get selectionState(): SelectionState {
    const layout = this.#selection.newestLayout
    return {
      nodeCount: this.#selection.estimatedNodeCount(),
      descriptorCount: this.#selection.cells.entryCount,
      answeredCount: this.#answerer.answeredCount,
      layout: layout === undefined ? 0 : layoutId(layout),
      epoch: layout?.epoch ?? 0,
      groupings: layout?.groupings ?? [],
    }
  }

  get guestState(): GuestsState {
    return this.#guests.state(this.#surroundings)
  }

  leave(): void {
    this.#membership.leave(this.#membershipEnv)
  }

  kept(): Plain {
    return { sequence: this.#owner.current().sequence, reserve: this.#sampling.snapshot() }
  }

  list(): readonly NodeInfo[] {
    return [this.#ownInfo(), ...[...this.#membership.members()].map(infoOf)]
  }

  get(id: PeerId): NodeInfo | undefined {
    if (id === this.#surroundings.self) return this.#ownInfo()
    const member = this.#membership.get(id)
    return member && infoOf(member)
  }

  watch(listener: (node: NodeInfo) => void): () => void {
    // One function given twice is two listeners, each with its own way to stop.
    const own = (node: NodeInfo): void => listener(node)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  offer(source: string, read: () => Attributes): () => void {
    const stop = this.#offers.add(source, read)
    this.#measure()
    return stop
  }

  find(query: Query, options: FindOptions): Promise<FindResult> {
    return this.#finder.find(query, options)
  }

  /** What this node is now. Names that nobody expects to be dynamic are announced in the descriptor. */
  #measure(): { static: Attributes; dynamic: Attributes } {
    const dynamic = this.#offers.measure()
    const toSign = this.#attributesToSign(dynamic)
    if (!equalAttributes(toSign, this.#owner.current().attributes)) this.#owner.update({ attributes: toSign })
    return { static: this.#owner.current().attributes, dynamic }
  }

  #attributesToSign(dynamic: Attributes): Attributes {
    const names = namesToAnnounce(dynamic)
    return names.length === 0 ? this.#attributes : { ...this.#attributes, Dynamic: names }
  }

  #createSampling(
    dependencies: ConstructorParameters<typeof Sampling>[0],
    options: DiscoveryOptions,
    kept: Kept,
  ): Sampling {
    const start = { ...options.sampling, ...(options.seeds && { seeds: options.seeds }) }
    try {
      return new Sampling(dependencies, { ...start, reserve: kept.reserve })
    } catch (cause) {
      this.#onEvent({ type: 'kept-damaged', cause })
      return new Sampling(dependencies, start)
    }
  }

  #readKept(stored: unknown): Kept {
    try {
      if (stored !== undefined) return readKept(stored)
    } catch (cause) {
      this.#onEvent({ type: 'kept-damaged', cause })
    }
    return { sequence: -1, reserve: [] }
  }

  #onSampling(event: SamplingEvent): void {
    if (event.type === 'reserve-changed') this.#store(this.kept())
    else if (event.type === 'silent') this.doubt(event.peer)
    else if (event.type === 'refused') this.#onEvent({ ...event, protocol: 'sampling' })
    else
      for (const descriptor of event.descriptors) {
        this.#selection.observe(this.#guests.draw(this.#surroundings) ?? descriptor)
        this.#hear(descriptor)
      }
  }

  #onGuests(event: GuestsEvent): void {
    if (event.type === 'came') this.#hear(event.descriptor)
    else if (event.type === 'met') this.#onMet(event.descriptor)
    else if (event.type === 'alive') this.#sampling.remember(event.descriptor, this.#samplingEnv)
    else if (event.type === 'silent') this.doubt(event.peer)
    else this.#onEvent({ ...event, protocol: 'guests' })
  }

  /** Somebody was named who may be a neighbour. Of others whom somebody names there are enough, and nobody knows why they are named. */
  #onMet(descriptor: Descriptor): void {
    if (this.#selection.cells.isHome(descriptor.peer)) this.#hear(descriptor)
  }

  #onSelection(event: SelectionEvent): void {
    if (event.type === 'heard') this.#hear(event.descriptor)
    else if (event.type === 'silent') this.doubt(event.peer)
    else if (event.type === 'doubted') this.#onDoubted(event.peer)
    else if (event.type === 'buried') this.#owner.renewAbove(event.sequence)
    else if (event.type === 'rehomed') this.#watchHome()
    else if (event.type === 'refused') this.#onEvent({ ...event, protocol: 'selection' })
  }

  /** What concerns the home cell goes to membership first, which knows who of it is gone, and comes to selection from there. */
  #hear(descriptor: Descriptor): void {
    const { peer } = descriptor
    if (peer === this.#surroundings.self || this.#selection.cells.isHome(peer))
      this.#membership.learn(descriptor, this.#membershipEnv)
    else this.#selection.learn(descriptor, this.#selectionEnv)
  }

  /** Somebody doubts that a node of the home cell lives. */
  #onDoubted(peer: PeerId): void {
    const member = this.#membership.get(peer)
    if (member === undefined) return
    if (isGone(member.state)) this.#selection.tellGone(member.descriptor, this.#selectionEnv)
    else this.#membership.doubt(peer, this.#membershipEnv)
  }

  #watchHome(): void {
    for (const { peer } of this.#membership.members())
      if (!this.#selection.cells.isHome(peer)) this.#membership.unwatch(peer, this.#membershipEnv)
    for (const descriptor of [...this.#selection.members()])
      if (descriptor.peer !== this.#surroundings.self) this.#membership.learn(descriptor, this.#membershipEnv)
  }

  #onMembership(event: MembershipEvent): void {
    if (event.type === 'refused') return this.#onEvent({ ...event, protocol: 'membership' })
    if (event.type === 'forgotten') return
    const { peer, state, descriptor } = event.member
    if (isGone(state)) {
      this.#selection.bury(descriptor, this.#selectionEnv)
      this.#sampling.forget(peer, state === 'left' ? 'left' : 'dead')
      this.#guests.forget(peer, this.#guestsEnv)
    } else {
      this.#selection.learnHome(descriptor, this.#selectionEnv)
      if (state === 'alive') this.#sampling.remember(descriptor, this.#samplingEnv)
    }
    this.#tellListeners(infoOf(event.member))
  }

  #descriptorOf(peer: PeerId): Descriptor | undefined {
    if (peer === this.#surroundings.self) return this.#owner.current()
    return this.#membership.get(peer)?.descriptor ?? this.#selection.cells.get(peer)
  }

  /** Where a node of the home cell is that is not gone. */
  #livingAt(peer: PeerId): readonly string[] | undefined {
    const member = this.#membership.get(peer)
    return member === undefined || isGone(member.state) ? undefined : member.descriptor.addresses
  }

  /** This node says something new of itself. */
  #announce(descriptor: Descriptor): void {
    this.#selection.announce(descriptor, this.#selectionEnv)
    this.#tellListeners(this.#ownInfo())
  }

  #tellListeners(node: NodeInfo): void {
    for (const listener of this.#listeners) listener(node)
  }

  #ownInfo(): NodeInfo {
    const { peer, name, attributes, addresses, sequence } = this.#owner.current()
    return { id: peer, name, state: 'alive', sinceMs: this.#startedAtMs, attributes, addresses, sequence }
  }
}

/** The home cell, as those who are guests there and elsewhere need to know it. */
function homeOf(selection: Selection): HomeCell {
  const { home } = selection.cells
  const { grouping } = home
  return {
    get ownKey() {
      return grouping.ownKey
    },
    get depth() {
      return grouping.depth
    },
    get isSettled() {
      return home.isSettled
    },
    isReady: (nowMs) => home.isReady(nowMs),
    encloses: (key) => grouping.encloses(key),
    members: () => selection.members(),
    contacts: () => grouping.contacts.descriptors(),
  }
}

/** Seeds beyond these make the oldest ones go. */
const SEED_COUNT_MAX = 64

function infoOf({ peer, state, sinceMs, descriptor }: Member): NodeInfo {
  const { name, attributes, addresses, sequence } = descriptor
  return { id: peer, name, state, sinceMs, attributes, addresses, sequence }
}

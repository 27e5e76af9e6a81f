import type { Descriptor } from '../descriptor/index.ts'
import { sample, type PeerId, type Rng } from '../env/index.ts'
import { isGone, type Member, type MemberState } from './member.ts'
import { PeerIndex, ROW_COUNT_MAX } from './peer-index.ts'

/**
 * What a node thinks of the others, each with a descriptor. The gone stay in it for a while, so that old word of them does not bring
 * them back.
 *
 * A simulation holds tens of millions of rows, so one takes about 20 bytes: the reference to the descriptor, a word for state and time,
 * and its share of the index. What a caller sees of a member is made when it asks. Rows stand in three stretches: the living who
 * have been probed in this round, the living who have not, the gone. So whom to probe next, whom to tell and which of the dead to
 * call is each one draw, and nobody keeps an order of its own.
 */
export class MemberTable {
  readonly #countMax: number
  #capacity = 0
  /** Rows 0 to `#count - 1`; those beyond are empty. */
  #descriptors: Descriptor[] = []
  /** By row: since when in eighths of a second, and in the two lowest bits the state. */
  #notes = new Uint32Array(0)
  readonly #index = new PeerIndex()
  #count = 0
  #livingCount = 0
  #probedCount = 0
  #deadCount = 0
  /** Sequence numbers that are later than the descriptor's. */
  #laterSequences: Map<PeerId, number> | undefined

  constructor(options: { readonly countMax: number }) {
    this.#countMax = Math.min(options.countMax, ROW_COUNT_MAX)
  }

  get count(): number {
    return this.#count
  }

  /** Those who are alive or suspected. */
  get livingCount(): number {
    return this.#livingCount
  }

  get goneCount(): number {
    return this.#count - this.#livingCount
  }

  get isFull(): boolean {
    return this.#count >= this.#countMax
  }

  get(peer: PeerId): Member | undefined {
    const row = this.#index.rowOf(peer, this.#descriptors)
    return row < 0 ? undefined : this.#memberAt(row)
  }

  /** Everyone, in no order. Removing the one that was given last does not disturb it. */
  *all(): Generator<Member> {
    for (let row = this.#count - 1; row >= 0; row--) if (row < this.#count) yield this.#memberAt(row)
  }

  has(peer: PeerId): boolean {
    return this.#index.rowOf(peer, this.#descriptors) >= 0
  }

  /** Whether the peer is alive or suspected. */
  isLiving(peer: PeerId): boolean {
    const row = this.#index.rowOf(peer, this.#descriptors)
    return row >= 0 && row < this.#livingCount
  }

  /** Whether the peer is alive or suspected under just this sequence number. */
  isLivingAs(peer: PeerId, sequence: number): boolean {
    const row = this.#index.rowOf(peer, this.#descriptors)
    return row >= 0 && row < this.#livingCount && this.#descriptors[row]!.sequence === sequence
  }

  /** Whether this sequence number is later than all that is known of the peer. */
  isNews(descriptor: Descriptor): boolean {
    const row = this.#index.rowOf(descriptor.peer, this.#descriptors)
    return row < 0 || descriptor.sequence > this.#sequenceAt(row)
  }

  /** Whether this descriptor says nothing against its node living: it is not gone, or back with a newer word. */
  mayLive(descriptor: Descriptor): boolean {
    const row = this.#index.rowOf(descriptor.peer, this.#descriptors)
    return row < this.#livingCount || descriptor.sequence > this.#sequenceAt(row)
  }

  /** Adds or changes a row. A newcomer among the living is to be probed in this round still. There must be room for a new one. */
  set(
    descriptor: Descriptor,
    state: MemberState,
    sequence: number,
    nowMs: number,
  ): { readonly member: Member; readonly before: MemberState | undefined } {
    let row = this.#index.rowOf(descriptor.peer, this.#descriptors)
    const before = row < 0 ? undefined : stateOf(this.#notes[row]!)
    if (row < 0) row = this.#append(descriptor)
    this.#descriptors[row] = descriptor
    if (before !== state) this.#notes[row] = noteOf(state, nowMs)
    if (before === 'dead') this.#deadCount--
    if (state === 'dead') this.#deadCount++
    if (sequence !== descriptor.sequence) (this.#laterSequences ??= new Map()).set(descriptor.peer, sequence)
    else this.#laterSequences?.delete(descriptor.peer)
    if (isGone(state) && row < this.#livingCount) row = this.#lower(row)
    else if (!isGone(state) && row >= this.#livingCount) row = this.#raise(row)
    return { member: this.#memberAt(row), before }
  }

  /** Whether it was there. */
  remove(peer: PeerId): boolean {
    let row = this.#index.rowOf(peer, this.#descriptors)
    if (row < 0) return false
    if (stateOf(this.#notes[row]!) === 'dead') this.#deadCount--
    this.#laterSequences?.delete(peer)
    if (row < this.#livingCount) row = this.#lower(row)
    const last = this.#count - 1
    this.#swap(row, last)
    this.#index.remove(last, this.#descriptors)
    this.#descriptors[last] = undefined as unknown as Descriptor
    this.#count = last
    if (this.#count < this.#capacity * SHRINK_BELOW && this.#capacity > CAPACITY_MIN) this.#resize()
    return true
  }

  /**
   * The next one to probe: everyone once, in an order drawn anew for each round, newcomers at a random place in what is left of it
   * (SWIM, section 4.3). So the time until a dead node is probed is bounded, not only likely to be short.
   */
  nextToProbe(rng: Rng): PeerId | undefined {
    if (this.#livingCount === 0) return undefined
    if (this.#probedCount === this.#livingCount) this.#probedCount = 0
    const row = this.#probedCount + rng.below(this.#livingCount - this.#probedCount)
    this.#swap(row, this.#probedCount)
    return this.#descriptors[this.#probedCount++]!.peer
  }

  /** Different living ones at random, up to `count`; fewer where few are `wanted`. */
  draw(count: number, rng: Rng, wanted: (peer: PeerId, state: MemberState) => boolean = () => true): PeerId[] {
    const living = this.#livingCount
    if (living <= count * DRAWS_PER_PEER) return sample(this.#livingPeers(wanted), count, rng)
    const peers: PeerId[] = []
    for (let draws = count * DRAWS_PER_PEER; draws > 0 && peers.length < count; draws--) {
      const row = rng.below(living)
      const { peer } = this.#descriptors[row]!
      if (!peers.includes(peer) && wanted(peer, stateOf(this.#notes[row]!))) peers.push(peer)
    }
    return peers
  }

  /** One of the dead, those who left not among them. */
  drawDead(rng: Rng): PeerId | undefined {
    if (this.#deadCount === 0) return undefined
    let row = this.#livingCount + rng.below(this.goneCount)
    while (stateOf(this.#notes[row]!) !== 'dead') row = row + 1 === this.#count ? this.#livingCount : row + 1
    return this.#descriptors[row]!.peer
  }

  /** Who of the gone is so since `untilMs` or longer, and the time since which the next of them is: never, where there is none. */
  goneUntil(untilMs: number): { readonly peers: PeerId[]; readonly nextSinceMs: number } {
    const peers: PeerId[] = []
    let nextSinceMs = Number.POSITIVE_INFINITY
    for (let row = this.#livingCount; row < this.#count; row++) {
      const sinceMs = sinceMsOf(this.#notes[row]!)
      if (sinceMs <= untilMs) peers.push(this.#descriptors[row]!.peer)
      else nextSinceMs = Math.min(nextSinceMs, sinceMs)
    }
    return { peers, nextSinceMs }
  }

  /** Who is gone for longest. */
  longestGone(): PeerId | undefined {
    let longest = this.#livingCount
    for (let row = longest + 1; row < this.#count; row++)
      if (sinceMsOf(this.#notes[row]!) < sinceMsOf(this.#notes[longest]!)) longest = row
    return longest < this.#count ? this.#descriptors[longest]!.peer : undefined
  }

  #livingPeers(wanted: (peer: PeerId, state: MemberState) => boolean): PeerId[] {
    const peers: PeerId[] = []
    for (let row = 0; row < this.#livingCount; row++) {
      const { peer } = this.#descriptors[row]!
      if (wanted(peer, stateOf(this.#notes[row]!))) peers.push(peer)
    }
    return peers
  }

  #memberAt(row: number): Member {
    const descriptor = this.#descriptors[row]!
    const note = this.#notes[row]!
    return {
      peer: descriptor.peer,
      state: stateOf(note),
      sinceMs: sinceMsOf(note),
      descriptor,
      sequence: this.#sequenceAt(row),
    }
  }

  #sequenceAt(row: number): number {
    const { peer, sequence } = this.#descriptors[row]!
    return this.#laterSequences?.get(peer) ?? sequence
  }

  /** A row at the end, among the gone for now. */
  #append(descriptor: Descriptor): number {
    const row = this.#count
    if (row === this.#capacity) this.#resize()
    this.#descriptors[row] = descriptor
    this.#index.add(descriptor.peer, row)
    this.#count++
    return row
  }

  /** From the living to the gone: the holes that it leaves are filled from behind. */
  #lower(row: number): number {
    if (row < this.#probedCount) {
      this.#swap(row, --this.#probedCount)
      row = this.#probedCount
    }
    this.#swap(row, --this.#livingCount)
    return this.#livingCount
  }

  /** From the gone to the living. */
  #raise(row: number): number {
    this.#swap(row, this.#livingCount)
    return this.#livingCount++
  }

  #swap(row: number, other: number): void {
    if (row === other) return
    const one = this.#descriptors[row]!
    const two = this.#descriptors[other]!
    this.#index.swap(one.peer, row, two.peer, other)
    this.#descriptors[row] = two
    this.#descriptors[other] = one
    const note = this.#notes[row]!
    this.#notes[row] = this.#notes[other]!
    this.#notes[other] = note
  }

  #resize(): void {
    this.#capacity = Math.min(Math.max(CAPACITY_MIN, Math.ceil(this.#count * GROWTH)), this.#countMax)
    const descriptors = new Array<Descriptor>(this.#capacity)
    for (let row = 0; row < this.#count; row++) descriptors[row] = this.#descriptors[row]!
    this.#descriptors = descriptors
    const notes = new Uint32Array(this.#capacity)
    notes.set(this.#notes.subarray(0, this.#count))
    this.#notes = notes
    this.#index.rebuild(descriptors, this.#count, this.#capacity)
  }
}

const CAPACITY_MIN = 8
/** How much room there is after growing: what lies empty, against how often everything is copied. */
const GROWTH = 1.25
/** The share of the room below which it is given back, as after a cell has split. */
const SHRINK_BELOW = 0.6
/** How often we draw for each peer that is asked for, before we make do with fewer. */
const DRAWS_PER_PEER = 4

const STATES: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left']
const STATE_BITS = 2
const SINCE_UNIT_MS = 125
/** Four years and more: later times all look like this one. */
const SINCE_UNITS_MAX = 2 ** (32 - STATE_BITS) - 1

function noteOf(state: MemberState, nowMs: number): number {
  const units = Math.min(SINCE_UNITS_MAX, Math.floor(nowMs / SINCE_UNIT_MS))
  return ((units << STATE_BITS) | STATES.indexOf(state)) >>> 0
}

function stateOf(note: number): MemberState {
  return STATES[note & 3]!
}

function sinceMsOf(note: number): number {
  return (note >>> STATE_BITS) * SINCE_UNIT_MS
}

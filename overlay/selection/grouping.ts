import { keyOf, type Descriptor } from '../descriptor/index.ts'
import type { PeerId, Rng } from '../env/index.ts'
import { commonPrefix, prefixMatches } from '../placement/index.ts'
import { holdingHash, placeOf } from './batch.ts'
import { Cell } from './cell.ts'
import { Contacts, SLOT_BITS, SLOT_COUNT } from './contacts.ts'
import { Rest } from './rest.ts'

export interface GroupingOptions {
  /** A cell with more members than this splits. */
  readonly cellCountMax: number
  /** One with fewer takes in its sibling. */
  readonly cellCountMin: number
  /** After a cell had to split again, so long (in cycles) before it may grow again; doubled each time. */
  readonly growRestCycles: number
}

/** Where a descriptor belongs, and whether that was known. */
export type Placing = 'new' | 'newer' | 'contact' | 'old'

/** No key has more bits, and no cell a longer prefix. */
export const DEPTH_MAX = 32

/**
 * One way to cut the grid into cells, as one node sees it: its own cell, of which it knows everyone, and a few contacts in the
 * others. A cell is all nodes whose keys share their first `depth` bits with ours. Nobody agrees on depths: a node whose cell
 * grows too large keeps the half that is nearer to it, one whose cell grows small takes the other half back in, and
 * neighbours that stand a level apart for a while only know more of each other than they need.
 */
export class Grouping {
  /** Of a descriptor, in this grouping. */
  readonly keyOf: (descriptor: Descriptor) => number
  readonly cell = new Cell()
  readonly contacts = new Contacts()
  readonly #options: GroupingOptions
  #ownKey: number
  #depth = 0
  /** Between two times that this node takes the sibling in: being in a small cell, alone in one, and because others did. */
  readonly #growRest: Rest
  readonly #aloneRest = new Rest(ALONE_REST_CYCLES)
  readonly #joinRest: Rest

  constructor(own: Descriptor, keyOf: (descriptor: Descriptor) => number, options: GroupingOptions) {
    this.keyOf = keyOf
    this.#options = options
    this.#growRest = new Rest(options.growRestCycles)
    this.#joinRest = new Rest(options.growRestCycles)
    this.#ownKey = keyOf(own)
    this.cell.put(own)
  }

  get ownKey(): number {
    return this.#ownKey
  }

  get depth(): number {
    return this.#depth
  }

  /** Whether a key lies in the cell. */
  encloses(key: number): boolean {
    return prefixMatches(key, this.#ownKey, this.#depth)
  }

  /** Puts a descriptor where it belongs by its key in this grouping. */
  put(descriptor: Descriptor, key: number, heardAt: number): Placing {
    const level = commonPrefix(key, this.#ownKey)
    if (level < this.#depth) {
      this.contacts.put(level, slotOf(key, level), descriptor, heardAt)
      return 'contact'
    }
    return this.putMember(descriptor, placeOf(keyOf(descriptor)), holdingHash(descriptor), heardAt)
  }

  /** Puts one of the cell, whose marks are known. */
  putMember(descriptor: Descriptor, place: number, hash: number, heardAt: number): Placing {
    const placing = this.cell.put(descriptor, place, hash)
    if (placing === 'new') this.#split(heardAt)
    return placing
  }

  /** This node's own descriptor, where it changed: its key may have, and then all that is known is placed anew. */
  putOwn(own: Descriptor, cycle: number): boolean {
    this.cell.put(own)
    const key = this.keyOf(own)
    if (key === this.#ownKey) return false
    const known = [...this.cell.descriptors(), ...this.contacts.takeFrom(0)]
    this.cell.keepOnly((descriptor) => descriptor === own)
    this.#ownKey = key
    for (const descriptor of known) this.put(descriptor, this.keyOf(descriptor), cycle)
    return true
  }

  remove(descriptor: Descriptor): boolean {
    const key = this.keyOf(descriptor)
    const level = commonPrefix(key, this.#ownKey)
    const removed = this.cell.remove(descriptor.peer) !== undefined
    return (level < this.#depth && this.contacts.remove(level, descriptor.peer)) || removed
  }

  /**
   * Up to `count` that are nearer to this key than this node is: of its own cell where the key lies in it, otherwise contacts that share
   * more of it, those that share most first.
   */
  nearer(key: number, count: number, rng: Rng): Descriptor[] {
    const level = commonPrefix(key, this.#ownKey)
    if (level >= this.#depth) {
      const some = new Set<Descriptor>()
      for (let tries = 0; tries < 2 * count; tries++) some.add(this.cell.pick(rng)!)
      return [...some].slice(0, count)
    }
    const slot = slotOf(key, level)
    const nearest = [...this.contacts.slot(level, slot)]
    for (const descriptor of this.contacts.level(level)) if (!nearest.includes(descriptor)) nearest.push(descriptor)
    return nearest.slice(0, count)
  }

  /** How many nodes there are, judged by this cell. */
  estimatedCount(): number {
    return this.cell.count * 2 ** this.#depth
  }

  /**
   * Takes the sibling in where the cell has become small: first whom we know of it, the rest comes with the next exchanges. Where that
   * proved too many before, not for a while; but nobody stays alone in a cell for long, as who was told of one that there is not would.
   */
  grow(cycle: number): boolean {
    const { count } = this.cell
    if (this.#depth === 0 || count >= this.#options.cellCountMin) return false
    const rest = count > ALONE_COUNT ? this.#growRest : this.#aloneRest
    if (rest.isOn(cycle)) return false
    rest.begin(cycle)
    this.#takeSiblingIn(cycle, () => true)
    return true
  }

  /**
   * Somebody of the sibling has taken this half in, one of the two being too small to stand alone. So does this node take the sibling in:
   * as long as it does not, what it says and hears is passed on in its half only, and they miss it. Whoever told it is taken in at once,
   * who else is there comes with the next exchange: contacts may be gone.
   */
  join(teller: PeerId, cycle: number): boolean {
    if (this.#depth === 0 || this.#joinRest.isOn(cycle)) return false
    this.#joinRest.begin(cycle)
    this.#takeSiblingIn(cycle, ({ peer }) => peer === teller)
    return true
  }

  #takeSiblingIn(cycle: number, isWanted: (descriptor: Descriptor) => boolean): void {
    this.#depth--
    for (const descriptor of this.contacts.takeFrom(this.#depth)) if (isWanted(descriptor)) this.cell.put(descriptor)
    this.#split(cycle)
  }

  /** Takes on the depth that others of the cell have: who joins a large grid need not get to know all of it first. */
  deepen(depth: number, cycle: number): void {
    if (depth <= this.#depth) return
    this.#depth = Math.min(depth, DEPTH_MAX)
    this.#release(cycle)
  }

  /**
   * Some of the cell have split it. So does this node, where both halves are large enough to last: as long as some know the whole and some
   * know a half, news of one half misses those in the other who know the whole. Says whether the cell is to stay whole, which only who
   * knows both halves can tell.
   */
  follow(depth: number, cycle: number, knowsBoth: boolean): boolean {
    if (depth <= this.#depth) return false
    const lastingCount = LASTING * this.#options.cellCountMin
    const lasts = knowsBoth ? this.#smallerHalf() >= lastingCount : this.cell.count >= 2 * lastingCount
    if (lasts) this.deepen(this.#depth + 1, cycle)
    return !lasts && knowsBoth
  }

  /** Members of the half of the cell that has fewer. */
  #smallerHalf(): number {
    const { count } = this.cell
    let near = 0
    for (const member of this.cell.descriptors())
      if (prefixMatches(this.keyOf(member), this.#ownKey, this.#depth + 1)) near++
    return Math.min(near, count - near)
  }

  #addContact(descriptor: Descriptor, key: number, heardAt: number): void {
    const level = commonPrefix(key, this.#ownKey)
    this.contacts.put(level, slotOf(key, level), descriptor, heardAt)
  }

  #split(cycle: number): void {
    const { cellCountMax } = this.#options
    while (this.cell.count > cellCountMax && this.#depth < DEPTH_MAX) {
      this.#growRest.undo(cycle)
      this.#aloneRest.undo(cycle)
      this.#joinRest.undo(cycle)
      this.#depth++
      this.#release(cycle)
    }
  }

  /** Members who are outside of the cell now become contacts. */
  #release(cycle: number): void {
    for (const descriptor of this.cell.keepOnly((member) => this.encloses(this.keyOf(member))))
      this.#addContact(descriptor, this.keyOf(descriptor), cycle)
  }
}

/** The bits of a key that follow the one in which it differs from ours. */
export function slotOf(key: number, level: number): number {
  return level >= DEPTH_MAX - 1 ? 0 : ((key << (level + 1)) >>> (DEPTH_MAX - SLOT_BITS)) & (SLOT_COUNT - 1)
}

/** A cell of so many is none, whatever its bounds are; and for how long (in cycles) to wait before the next is taken in too. */
const ALONE_COUNT = 4
const ALONE_REST_CYCLES = 2
/** Times the least that a cell may have: one that was just split should not grow at once. */
const LASTING = 1.1

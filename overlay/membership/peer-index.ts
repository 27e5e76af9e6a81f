import { keyOf, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'

/** Slots for each row; at most two of three are taken, so that a search looks at two or three. */
const SLOTS_PER_ROW = 1.5
/** 2^32 over the golden ratio: spreads keys that share their high bits, as those of one cell do. */
const SPREAD = 0x9e3779b1

/**
 * Finds the row of a peer: open addressing with linear probing (Knuth, The Art of Computer Programming 3, section 6.4, algorithms L and
 * R), two bytes a slot. It keeps no keys: what stands in a row says whose it is.
 */
export class PeerIndex {
  /** The row and one; 0 is empty. */
  #slots = new Uint16Array(0)

  /** Starts anew with the first `count` rows, with room for `capacity`, at least 1 and at most `ROW_COUNT_MAX`. */
  rebuild(rows: readonly Descriptor[], count: number, capacity: number): void {
    this.#slots = new Uint16Array(Math.ceil(capacity * SLOTS_PER_ROW))
    for (let row = 0; row < count; row++) this.add(rows[row]!, row)
  }

  rowOf(peer: PeerId, rows: readonly Descriptor[]): number {
    return this.#search(peer, peerKey(peer), rows)
  }

  /** As `rowOf`, cheaper where a descriptor is at hand. */
  rowOfSame(descriptor: Descriptor, rows: readonly Descriptor[]): number {
    return this.#search(descriptor.peer, keyOf(descriptor), rows)
  }

  add(descriptor: Descriptor, row: number): void {
    let slot = this.#home(keyOf(descriptor))
    while (this.#slots[slot] !== 0) slot = this.#after(slot)
    this.#slots[slot] = row + 1
  }

  /** The peer in row `from` moves to row `to`. */
  move(descriptor: Descriptor, from: number, to: number): void {
    this.#slots[this.#slotOf(descriptor, from)] = to + 1
  }

  /** Two peers change places. */
  swap(one: Descriptor, oneRow: number, other: Descriptor, otherRow: number): void {
    const oneSlot = this.#slotOf(one, oneRow)
    const otherSlot = this.#slotOf(other, otherRow)
    this.#slots[oneSlot] = otherRow + 1
    this.#slots[otherSlot] = oneRow + 1
  }

  /** Takes the peer in this row out. The rows must still hold whom the index has there. */
  remove(descriptor: Descriptor, row: number, rows: readonly Descriptor[]): void {
    const slots = this.#slots
    let hole = this.#slotOf(descriptor, row)
    // Whoever was displaced over the hole moves back into it: a search stops at the first empty slot.
    for (let slot = this.#after(hole); slots[slot] !== 0; slot = this.#after(slot)) {
      const home = this.#home(keyOf(rows[slots[slot]! - 1]!))
      if (this.#distance(home, slot) < this.#distance(hole, slot)) continue
      slots[hole] = slots[slot]!
      hole = slot
    }
    slots[hole] = 0
  }

  #search(peer: PeerId, key: number, rows: readonly Descriptor[]): number {
    const slots = this.#slots
    if (slots.length === 0) return -1
    for (let slot = this.#home(key); slots[slot] !== 0; slot = this.#after(slot)) {
      const row = slots[slot]! - 1
      if (rows[row]!.peer === peer) return row
    }
    return -1
  }

  #slotOf(descriptor: Descriptor, row: number): number {
    let slot = this.#home(keyOf(descriptor))
    while (this.#slots[slot] !== row + 1) slot = this.#after(slot)
    return slot
  }

  #home(key: number): number {
    return Math.floor(((Math.imul(key, SPREAD) >>> 0) / 0x1_0000_0000) * this.#slots.length)
  }

  #after(slot: number): number {
    return slot + 1 === this.#slots.length ? 0 : slot + 1
  }

  #distance(from: number, to: number): number {
    return from <= to ? to - from : to - from + this.#slots.length
  }
}

/** What two bytes a slot can tell apart. */
export const ROW_COUNT_MAX = 0xffff

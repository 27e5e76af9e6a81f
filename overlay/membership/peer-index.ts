import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'

/** Slots for each row; at most two of three are taken, so that a search looks at two or three. */
const SLOTS_PER_ROW = 1.5
/** The last characters of a peer id differ from node to node, 35 bits of them; to read all would cost more than the rest of a search. */
const TAIL_CHARS = 6

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
    for (let row = 0; row < count; row++) this.add(rows[row]!.peer, row)
  }

  /** The peer's row among these, or -1. */
  rowOf(peer: PeerId, rows: readonly Descriptor[]): number {
    const slots = this.#slots
    if (slots.length === 0) return -1
    for (let slot = this.#home(peer); slots[slot] !== 0; slot = this.#after(slot)) {
      const row = slots[slot]! - 1
      if (rows[row]!.peer === peer) return row
    }
    return -1
  }

  add(peer: PeerId, row: number): void {
    let slot = this.#home(peer)
    while (this.#slots[slot] !== 0) slot = this.#after(slot)
    this.#slots[slot] = row + 1
  }

  /** Two peers change places. */
  swap(one: PeerId, oneRow: number, other: PeerId, otherRow: number): void {
    const oneSlot = this.#slotOf(one, oneRow)
    const otherSlot = this.#slotOf(other, otherRow)
    this.#slots[oneSlot] = otherRow + 1
    this.#slots[otherSlot] = oneRow + 1
  }

  /** Takes the peer in this row out. The rows must still hold whom the index has there. */
  remove(row: number, rows: readonly Descriptor[]): void {
    const slots = this.#slots
    let hole = this.#slotOf(rows[row]!.peer, row)
    // Whoever was displaced over the hole moves back into it: a search stops at the first empty slot.
    for (let slot = this.#after(hole); slots[slot] !== 0; slot = this.#after(slot)) {
      const home = this.#home(rows[slots[slot]! - 1]!.peer)
      if (this.#distance(home, slot) < this.#distance(hole, slot)) continue
      slots[hole] = slots[slot]!
      hole = slot
    }
    slots[hole] = 0
  }

  #slotOf(peer: PeerId, row: number): number {
    let slot = this.#home(peer)
    while (this.#slots[slot] !== row + 1) slot = this.#after(slot)
    return slot
  }

  /** Where the search for a peer begins: FNV-1a (Fowler, Noll and Vo), spread by 2^32 over the golden ratio. */
  #home(peer: PeerId): number {
    let hash = 0x811c9dc5
    for (let index = Math.max(0, peer.length - TAIL_CHARS); index < peer.length; index++)
      hash = Math.imul(hash ^ peer.charCodeAt(index), 0x01000193)
    return Math.floor(((Math.imul(hash, 0x9e3779b1) >>> 0) / 0x1_0000_0000) * this.#slots.length)
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

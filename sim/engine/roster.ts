import assert from 'node:assert'
import type { PeerId } from '../../overlay/env/index.ts'

/**
 * Who there is: names by index, and back. The way back is taken for every message that opens a conversation, on names that are spread over
 * more memory than any cache holds; what it costs is the memory that it touches. A map touches a name's hash, a bucket and an entry. Here it is
 * the name itself, a word in a table of indices, and the name that stands at that index, which is the same text at the same
 * place and needs no reading.
 */
export class Roster {
  readonly ids: PeerId[] = []
  /** Open addressing: an index, or NOBODY. At most half of it is used. */
  #slots = new Int32Array(SLOTS_START).fill(NOBODY)
  #mask = SLOTS_START - 1
  /** In place of the table once names turned out to be alike where it looks at them. */
  #map: Map<PeerId, number> | undefined

  /** Takes in a name that nobody has, and returns its index. */
  add(id: PeerId): number {
    assert(this.indexOf(id) < 0, `two nodes have the id ${id}`)
    const index = this.ids.length
    this.ids.push(id)
    if (this.#map !== undefined) this.#map.set(id, index)
    else {
      if (2 * this.ids.length > this.#slots.length) this.#grow()
      this.#place(id, index)
    }
    return index
  }

  /** The index of a node, or -1. */
  indexOf(id: PeerId): number {
    if (this.#map !== undefined) return this.#map.get(id) ?? NOBODY
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = wordOf(id) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]!
      if (index < 0 || this.ids[index] === id) return index
    }
  }

  #place(id: PeerId, index: number): void {
    let slot = wordOf(id) & this.#mask
    let probesCount = 0
    while (this.#slots[slot]! >= 0) {
      slot = (slot + 1) & this.#mask
      if (++probesCount === PROBES_MAX) {
        this.#map = new Map(this.ids.map((each, at) => [each, at]))
        return
      }
    }
    this.#slots[slot] = index
  }

  #grow(): void {
    const count = 4 * this.#slots.length
    this.#slots = new Int32Array(count).fill(NOBODY)
    this.#mask = count - 1
    for (let index = 0; index < this.ids.length - 1 && this.#map === undefined; index++)
      this.#place(this.ids[index]!, index)
  }
}

/** Six characters after the prefix that all peer ids of a kind share; 35 bits of them where they are drawn. */
function wordOf(id: PeerId): number {
  const low = (id.charCodeAt(8) << 12) ^ (id.charCodeAt(9) << 6) ^ id.charCodeAt(10)
  const high = (id.charCodeAt(11) << 12) ^ (id.charCodeAt(12) << 6) ^ id.charCodeAt(13)
  const word = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  return word ^ (word >>> 15)
}

const NOBODY = -1
const SLOTS_START = 64
/** At half load a search of so many steps is a sign of names that differ elsewhere. */
const PROBES_MAX = 256

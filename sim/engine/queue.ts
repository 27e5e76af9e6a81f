import assert from 'node:assert'
import { RoostError } from '../../overlay/error/index.ts'

/**
 * What will happen, in the order of its time; what falls on the same time comes in the order in which it was added.
 *
 * A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7). Time is counted
 * in ticks (see clock.ts). The lowest wheel has a slot for each tick of the current millisecond, the next a slot for each turn
 * of the lowest, and so on; an event is dropped into the finest wheel whose current turn contains it, and moves down when
 * time enters its slot. So adding and taking cost the same however many events are pending, where a heap pays a
 * cache miss for each of its levels. Order among equal times holds without being stored: slots are first-in first-out,
 * and a slot is emptied downwards before anything can be added directly to what it is emptied into.
 *
 * An event is one row of a typed array, half a cache line, and one cell for its payload; nothing is allocated for it.
 */
export class EventQueue {
  #rows = new Int32Array(CAPACITY_START * ROW)
  #payloads: unknown[] = Array.from({ length: CAPACITY_START }, () => undefined)
  #capacity = CAPACITY_START
  /** First of the unused rows, linked through NEXT. */
  #free = NONE
  /** Rows from here on were never used. */
  #fresh = 0
  #count = 0
  readonly #countMax: number

  /** The start of the current turn of the top wheel, and the time within it. */
  #epochTicks = 0
  #cursor = 0
  readonly #ticks = new Wheel()
  readonly #turns = new Wheel()
  readonly #turnsOfTurns = new Wheel()
  /** Events beyond the current turn of the top wheel, by the turn they belong to. */
  readonly #later = new Map<number, Chain>()

  /** The row that `take` read last. */
  #taken = 0

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#count
  }

  /**
   * Adds an event at `atTicks`, which must not lie before the last one taken. Beyond `countMax` pending events it throws `BUSY`:
   * some protocol sends more than the network can ever deliver, and the run is over.
   */
  add(
    atTicks: number,
    kind: number,
    target: number,
    life: number,
    origin: number,
    channel: number,
    payload: unknown,
  ): void {
    const row = this.#allocate()
    const rows = this.#rows
    const base = row * ROW
    rows[base + KIND] = kind
    rows[base + TARGET] = target
    rows[base + LIFE] = life
    rows[base + ORIGIN] = origin
    rows[base + CHANNEL] = channel
    this.#payloads[row] = payload
    const offset = atTicks - this.#epochTicks
    if (offset < TURN_TICKS) {
      assert(offset >= this.#cursor, 'an event lies in the past')
      rows[base + AT] = offset
      this.#drop(row, offset)
    } else {
      const turn = Math.floor(atTicks / TURN_TICKS)
      rows[base + AT] = atTicks - turn * TURN_TICKS
      let chain = this.#later.get(turn)
      if (chain === undefined) this.#later.set(turn, (chain = { head: NONE, tail: NONE }))
      rows[base + NEXT] = NONE
      if (chain.tail === NONE) chain.head = row
      else rows[chain.tail * ROW + NEXT] = row
      chain.tail = row
    }
  }

  /**
   * Takes the next event whose time is at most `untilTicks`, and returns its time, or -1 where there is none. Its fields are read
   * from `kind`, `target`, `life`, `origin`, `channel` and `payload` before anything is added.
   */
  take(untilTicks: number): number {
    if (this.#count === 0) return -1
    for (;;) {
      const slot = this.#ticks.seek(this.#cursor & SLOT_MASK)
      if (slot >= 0) {
        const offset = (this.#cursor & ~SLOT_MASK) | slot
        const atTicks = this.#epochTicks + offset
        if (atTicks > untilTicks) return -1
        this.#cursor = offset
        this.#unlink(slot)
        return atTicks
      }
      if (!this.#turn(untilTicks)) return -1
    }
  }

  get kind(): number {
    return this.#rows[this.#taken * ROW + KIND]!
  }
  /** Index of the node that it happens to. */
  get target(): number {
    return this.#rows[this.#taken * ROW + TARGET]!
  }
  /** Which of that node's lives it belongs to. */
  get life(): number {
    return this.#rows[this.#taken * ROW + LIFE]!
  }
  /** Index of the node that caused it. */
  get origin(): number {
    return this.#rows[this.#taken * ROW + ORIGIN]!
  }
  get channel(): number {
    return this.#rows[this.#taken * ROW + CHANNEL]!
  }
  /** Handed out once: the queue forgets it. */
  get payload(): unknown {
    const payload = this.#payloads[this.#taken]
    this.#payloads[this.#taken] = undefined
    return payload
  }

  #drop(row: number, offset: number): void {
    const differing = offset ^ this.#cursor
    if (differing < SLOTS) this.#ticks.append(offset & SLOT_MASK, row, this.#rows)
    else if (differing < SLOTS * SLOTS) this.#turns.append((offset >>> SLOT_BITS) & SLOT_MASK, row, this.#rows)
    else this.#turnsOfTurns.append(offset >>> (2 * SLOT_BITS), row, this.#rows)
  }

  #unlink(slot: number): void {
    const row = this.#ticks.shift(slot, this.#rows)
    this.#rows[row * ROW + NEXT] = this.#free
    this.#free = row
    this.#taken = row
    this.#count--
  }

  /** Moves the cursor to the next slot of a coarser wheel that has events, and empties it into the finer ones. */
  #turn(untilTicks: number): boolean {
    return (
      this.#enter(this.#turns, SLOT_BITS, untilTicks) ??
      this.#enter(this.#turnsOfTurns, 2 * SLOT_BITS, untilTicks) ??
      this.#nextTurn(untilTicks)
    )
  }

  /** Undefined where this wheel has no more events in its turn, false where they lie beyond `untilTicks`. */
  #enter(wheel: Wheel, shift: number, untilTicks: number): boolean | undefined {
    const slot = wheel.seek((this.#cursor >>> shift) & SLOT_MASK)
    if (slot < 0) return undefined
    const above = shift + SLOT_BITS
    const start = ((this.#cursor >>> above) << above) | (slot << shift)
    if (this.#epochTicks + start > untilTicks) return false
    this.#cursor = start
    this.#scatter(wheel.clear(slot))
    return true
  }

  #nextTurn(untilTicks: number): boolean {
    let turn = Infinity
    for (const candidate of this.#later.keys()) if (candidate < turn) turn = candidate
    if (turn * TURN_TICKS > untilTicks) return false
    this.#epochTicks = turn * TURN_TICKS
    this.#cursor = 0
    const chain = this.#later.get(turn)!
    this.#later.delete(turn)
    this.#scatter(chain.head)
    return true
  }

  #scatter(head: number): void {
    for (let row = head; row !== NONE;) {
      const next = this.#rows[row * ROW + NEXT]!
      this.#drop(row, this.#rows[row * ROW + AT]!)
      row = next
    }
  }

  #allocate(): number {
    if (this.#count === this.#countMax)
      throw new RoostError('BUSY', `${this.#countMax} simulated events are pending at once`, {
        data: { countMax: this.#countMax },
        hint: 'a protocol sends more than it can ever receive, or the run needs a larger `eventsPendingMax`',
      })
    this.#count++
    const row = this.#free
    if (row !== NONE) {
      this.#free = this.#rows[row * ROW + NEXT]!
      return row
    }
    if (this.#fresh === this.#capacity) this.#grow()
    return this.#fresh++
  }

  #grow(): void {
    const rows = new Int32Array(this.#capacity * 2 * ROW)
    rows.set(this.#rows)
    this.#rows = rows
    for (let added = 0; added < this.#capacity; added++) this.#payloads.push(undefined)
    this.#capacity *= 2
  }
}

interface Chain {
  head: number
  tail: number
}

/** One wheel: a chain of rows for each slot, and a bit for each slot that has any. */
class Wheel {
  /** First and last row of each slot, side by side. */
  readonly #ends = new Int32Array(2 * SLOTS).fill(NONE)
  readonly #occupied = new Int32Array(SLOTS / 32)

  append(slot: number, row: number, rows: Int32Array): void {
    rows[row * ROW + NEXT] = NONE
    const ends = this.#ends
    const tail = ends[2 * slot + 1]!
    ends[2 * slot + 1] = row
    if (tail !== NONE) rows[tail * ROW + NEXT] = row
    else {
      ends[2 * slot] = row
      this.#occupied[slot >>> 5]! |= 1 << (slot & 31)
    }
  }

  /** Takes the first row of a slot that has one. */
  shift(slot: number, rows: Int32Array): number {
    const row = this.#ends[2 * slot]!
    const next = rows[row * ROW + NEXT]!
    if (next === NONE) this.clear(slot)
    else this.#ends[2 * slot] = next
    return row
  }

  /** Empties a slot, and returns the first row of what was its chain. */
  clear(slot: number): number {
    const head = this.#ends[2 * slot]!
    this.#ends[2 * slot] = NONE
    this.#ends[2 * slot + 1] = NONE
    this.#occupied[slot >>> 5]! &= ~(1 << (slot & 31))
    return head
  }

  /** The first slot at or after `from` that has events, or -1. */
  seek(from: number): number {
    const occupied = this.#occupied
    let word = from >>> 5
    let bits = occupied[word]! & (-1 << (from & 31))
    while (bits === 0) {
      if (++word === SLOTS / 32) return -1
      bits = occupied[word]!
    }
    return (word << 5) | (31 - Math.clz32(bits & -bits))
  }
}

const SLOT_BITS = 10
const SLOTS = 1 << SLOT_BITS
const SLOT_MASK = SLOTS - 1
/** One turn of the top wheel: 2^30 ticks, about 17 minutes. */
const TURN_TICKS = 2 ** (3 * SLOT_BITS)
const CAPACITY_START = 1_024
const NONE = -1

/** The fields of a row. */
const ROW = 8
const NEXT = 0
/** Ticks within the turn of the top wheel. */
const AT = 1
const KIND = 2
const TARGET = 3
const LIFE = 4
const ORIGIN = 5
const CHANNEL = 6

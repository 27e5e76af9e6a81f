import assert from 'node:assert'
import { RoostError } from '../../overlay/error/index.ts'
import { AT, baseOf, Buckets, CELL, LIFE, NONE, ORIGIN, ROW, TARGET, WHAT } from './buckets.ts'
import { Cells } from './cells.ts'
import { Instant } from './instant.ts'
import { Occupied } from './occupied.ts'

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
 * The slots of the coarse wheels are buckets, read from end to end; the current millisecond is small enough to be linked row by row.
 * An event takes 24 bytes, and a cell for its payload where it has one.
 */
export class EventQueue {
  /** What was taken last: its time, */
  atTicks = 0
  /** its kind, */
  kind = 0
  /** the index of the node that it happens to, */
  target = 0
  /** which of that node's lives it belongs to, */
  life = 0
  /** the index of the node that caused it, */
  origin = 0
  /** and the wire that it came by. */
  channel = 0
  #cell = NONE
  #count = 0
  readonly #countMax: number

  /** The start of the current turn of the top wheel, and the time within it. */
  #epochTicks = 0
  #cursor = 0
  readonly #instant = new Instant(SLOTS)
  /** Both coarse wheels, and behind them what lies beyond the current turn of the top one. */
  readonly #buckets = new Buckets(2 * SLOTS)
  readonly #turns = new Occupied()
  readonly #turnsOfTurns = new Occupied()
  /** The bucket of each later turn of the top wheel that has events, and those that are free again. */
  readonly #later = new Map<number, number>()
  readonly #spare: number[] = []
  readonly #cells = new Cells()

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#count
  }

  /** What was given with the event that was taken last. Handed out once: the queue forgets it. */
  get payload(): unknown {
    const cell = this.#cell
    this.#cell = NONE
    return this.#cells.take(cell)
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
    if (this.#count === this.#countMax) this.#refuse()
    this.#count++
    const what = kind | (channel << KIND_BITS)
    const cell = this.#cells.put(payload)
    const offset = atTicks - this.#epochTicks
    if (offset < TURN_TICKS) {
      assert(offset >= this.#cursor, 'an event lies in the past')
      this.#drop(offset, what, target, life, origin, cell)
    } else {
      const turn = Math.floor(atTicks / TURN_TICKS)
      this.#buckets.append(this.#bucketOf(turn), atTicks - turn * TURN_TICKS, what, target, life, origin, cell)
    }
  }

  /**
   * Takes the next event whose time is at most `untilTicks`; false where there is none. What it is stands in the fields from `atTicks`
   * to `payload`.
   */
  take(untilTicks: number): boolean {
    if (this.#count === 0) return false
    for (;;) {
      const slot = this.#instant.seek(this.#cursor & SLOT_MASK)
      if (slot >= 0) {
        const offset = (this.#cursor & ~SLOT_MASK) | slot
        const atTicks = this.#epochTicks + offset
        if (atTicks > untilTicks) return false
        this.atTicks = atTicks
        this.#cursor = offset
        this.#read(this.#instant.shift(slot))
        return true
      }
      if (!this.#turn(untilTicks)) return false
    }
  }

  #read(base: number): void {
    const { rows } = this.#instant
    const what = rows[base + WHAT]!
    this.kind = what & KIND_MASK
    this.channel = what >>> KIND_BITS
    this.target = rows[base + TARGET]!
    this.life = rows[base + LIFE]!
    this.origin = rows[base + ORIGIN]!
    this.#cell = rows[base + CELL]!
    this.#count--
  }

  #drop(offset: number, what: number, target: number, life: number, origin: number, cell: number): void {
    const differing = offset ^ this.#cursor
    if (differing < SLOTS) this.#instant.append(offset & SLOT_MASK, what, target, life, origin, cell)
    else if (differing < SLOTS * SLOTS) {
      const slot = (offset >>> SLOT_BITS) & SLOT_MASK
      this.#turns.add(slot)
      this.#buckets.append(slot, offset, what, target, life, origin, cell)
    } else {
      const slot = offset >>> (2 * SLOT_BITS)
      this.#turnsOfTurns.add(slot)
      this.#buckets.append(SLOTS + slot, offset, what, target, life, origin, cell)
    }
  }

  /** Moves the cursor to the next slot of a coarser wheel that has events, and empties it into the finer ones. */
  #turn(untilTicks: number): boolean {
    const cursor = this.#cursor
    let slot = this.#turns.seek((cursor >>> SLOT_BITS) & SLOT_MASK)
    if (slot >= 0) {
      const start = ((cursor >>> (2 * SLOT_BITS)) << (2 * SLOT_BITS)) | (slot << SLOT_BITS)
      if (this.#epochTicks + start > untilTicks) return false
      this.#cursor = start
      this.#turns.remove(slot)
      this.#scatter(slot)
      return true
    }
    slot = this.#turnsOfTurns.seek(cursor >>> (2 * SLOT_BITS))
    if (slot < 0) return this.#nextTurn(untilTicks)
    const start = slot << (2 * SLOT_BITS)
    if (this.#epochTicks + start > untilTicks) return false
    this.#cursor = start
    this.#turnsOfTurns.remove(slot)
    this.#scatter(SLOTS + slot)
    return true
  }

  #nextTurn(untilTicks: number): boolean {
    let turn = Infinity
    for (const candidate of this.#later.keys()) if (candidate < turn) turn = candidate
    if (turn * TURN_TICKS > untilTicks) return false
    this.#epochTicks = turn * TURN_TICKS
    this.#cursor = 0
    const bucket = this.#later.get(turn)!
    this.#later.delete(turn)
    this.#scatter(bucket)
    this.#spare.push(bucket)
    return true
  }

  #scatter(bucket: number): void {
    const buckets = this.#buckets
    for (let block = buckets.detach(bucket); block !== NONE; block = buckets.release(block)) {
      const { rows } = buckets
      const end = baseOf(block) + buckets.countIn(block) * ROW
      for (let base = baseOf(block); base < end; base += ROW)
        this.#drop(
          rows[base + AT]!,
          rows[base + WHAT]!,
          rows[base + TARGET]!,
          rows[base + LIFE]!,
          rows[base + ORIGIN]!,
          rows[base + CELL]!,
        )
    }
  }

  /** The bucket of a turn of the top wheel that is still to come. */
  #bucketOf(turn: number): number {
    let bucket = this.#later.get(turn)
    if (bucket === undefined) this.#later.set(turn, (bucket = this.#spare.pop() ?? this.#buckets.open()))
    return bucket
  }

  #refuse(): never {
    throw new RoostError('BUSY', `${this.#countMax} simulated events are pending at once`, {
      data: { countMax: this.#countMax },
      hint: 'a protocol sends more than it can ever receive, or the run needs a larger `eventsPendingMax`',
    })
  }
}

const SLOT_BITS = 10
const SLOTS = 1 << SLOT_BITS
const SLOT_MASK = SLOTS - 1
/** One turn of the top wheel: 2^30 ticks, about 17 minutes. */
const TURN_TICKS = 2 ** (3 * SLOT_BITS)

/** Kind and channel share a word. */
const KIND_BITS = 4
const KIND_MASK = (1 << KIND_BITS) - 1

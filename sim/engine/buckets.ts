/**
 * Runs of event rows, each written at its end and read from its beginning to its end, once. A run is a chain of blocks of rows that
 * lie side by side: a reader walks through memory in the order in which a processor fetches it ahead, where rows linked one by one
 * would each be waited for.
 */
export class Buckets {
  /** A row is ROW whole numbers: see the fields below. */
  rows = new Int32Array(BLOCKS_START * BLOCK_ROWS * ROW)
  /** Of each block: the one after it, and how many rows are in it. */
  #blocks = new Int32Array(BLOCKS_START * 2)
  #blocksCount = 0
  #free = NONE
  /** Of each bucket: its first and its last block. */
  #ends: Int32Array

  constructor(bucketsCount: number) {
    this.#ends = new Int32Array(2 * bucketsCount).fill(NONE)
  }

  /** Makes room for one more bucket, and returns its number. */
  open(): number {
    const bucket = this.#ends.length / 2
    const ends = new Int32Array(this.#ends.length + 2).fill(NONE)
    ends.set(this.#ends)
    this.#ends = ends
    return bucket
  }

  append(bucket: number, at: number, what: number, target: number, life: number, origin: number, cell: number): void {
    let block = this.#ends[2 * bucket + 1]!
    if (block === NONE || this.#blocks[2 * block + 1] === BLOCK_ROWS) block = this.#extend(bucket, block)
    const row = this.#blocks[2 * block + 1]!++
    const rows = this.rows
    const base = (block * BLOCK_ROWS + row) * ROW
    rows[base + AT] = at
    rows[base + WHAT] = what
    rows[base + TARGET] = target
    rows[base + LIFE] = life
    rows[base + ORIGIN] = origin
    rows[base + CELL] = cell
  }

  /** The first block of a bucket, or NONE. */
  first(bucket: number): number {
    return this.#ends[2 * bucket]!
  }

  next(block: number): number {
    return this.#blocks[2 * block]!
  }

  /** How many rows a block has; the first begins at `baseOf(block)`. */
  countIn(block: number): number {
    return this.#blocks[2 * block + 1]!
  }

  /** The bucket is empty from now on; its blocks are the caller's, to be released one by one. */
  detach(bucket: number): number {
    const block = this.#ends[2 * bucket]!
    this.#ends[2 * bucket] = NONE
    this.#ends[2 * bucket + 1] = NONE
    return block
  }

  /** Gives a detached block back, and returns the one after it. */
  release(block: number): number {
    const next = this.#blocks[2 * block]!
    this.#blocks[2 * block] = this.#free
    this.#free = block
    return next
  }

  #extend(bucket: number, last: number): number {
    const block = this.#allocate()
    this.#blocks[2 * block] = NONE
    this.#blocks[2 * block + 1] = 0
    if (last === NONE) this.#ends[2 * bucket] = block
    else this.#blocks[2 * last] = block
    this.#ends[2 * bucket + 1] = block
    return block
  }

  #allocate(): number {
    const block = this.#free
    if (block !== NONE) {
      this.#free = this.#blocks[2 * block]!
      return block
    }
    if (2 * this.#blocksCount === this.#blocks.length) this.#grow()
    return this.#blocksCount++
  }

  /** By half: with a million nodes the rows are most of what the queue takes. */
  #grow(): void {
    const blocksMax = Math.ceil(this.#blocksCount * 1.5)
    const rows = new Int32Array(blocksMax * BLOCK_ROWS * ROW)
    rows.set(this.rows)
    this.rows = rows
    const blocks = new Int32Array(blocksMax * 2)
    blocks.set(this.#blocks)
    this.#blocks = blocks
  }
}

export function baseOf(block: number): number {
  return block * BLOCK_ROWS * ROW
}

export const NONE = -1
/** 384 bytes: six lines of a cache. */
const BLOCK_ROWS = 16
const BLOCKS_START = 64

/** The fields of a row. */
export const ROW = 6
/** Ticks within the turn of the top wheel; in a chain of the current millisecond, the row that follows. */
export const AT = 0
export const WHAT = 1
export const TARGET = 2
export const LIFE = 3
export const ORIGIN = 4
export const CELL = 5

import { shape, type Plain } from '../env/index.ts'

/** What a node keeps on disk between two lives. */
export interface Kept {
  /** The highest sequence number that it used. */
  readonly sequence: number
  /** The reserve of past peers, as sampling stores it. */
  readonly reserve: Plain
}

const read = shape.record({ sequence: shape.integer(), reserve: (value: unknown) => value as Plain })

/** `MESSAGE_MALFORMED` where it is not what was stored. */
export function readKept(value: unknown): Kept {
  return read(value, 'kept') as Kept
}

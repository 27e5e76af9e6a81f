import { ATTRIBUTE_NAME_CHARS_MAX } from '../attributes/index.ts'
import { shape } from '../env/index.ts'

/** Names that queries constrain together, sorted, and how often. */
export interface AskedSet {
  readonly names: readonly string[]
  readonly weight: number
}

/** What one node tells another of the queries it knows of. */
export type PopularitySummary = readonly AskedSet[]

/** Sets of names that are told apart; of more the one asked for least is forgotten. */
export const ASKED_SET_COUNT_MAX = 24
/** Names of one set; of a query that constrains more the first ones in the order of the alphabet count. */
export const ASKED_NAMES_MAX = 16
/**
 * All weights together, in queries. Beyond it they shrink alike, which is also how old queries are forgotten: each new one outweighs
 * them a little. And whatever a peer says it was asked, it says no more than this.
 */
export const ASKED_WEIGHT_MAX = 64

const readSets = shape.list(
  shape.record({
    names: shape.list(shape.text(ATTRIBUTE_NAME_CHARS_MAX), ASKED_NAMES_MAX),
    weight: shape.real,
  }),
  ASKED_SET_COUNT_MAX,
)

/** A summary in a message: well formed and within bounds. */
export const readPopularity: shape.Shape<PopularitySummary> = (value, path) => {
  const sets = readSets(value, path)
  if (sets.some(({ weight }) => weight < 0 || weight > ASKED_WEIGHT_MAX))
    throw shape.malformed(path, `weights from 0 to ${ASKED_WEIGHT_MAX}`)
  return sets
}

/**
 * What people ask for: groupings follow the attributes that queries constrain together. Each node counts the queries that it sees, and
 * nodes mix what they know: each set in the proportion in which both know it, all of them together as much as the one who knows more
 * has. So what goes round is not counted again, however often it comes by, and queries here and there in a large grid add up.
 */
export class Popularity {
  readonly #weights = new Map<string, number>()

  /** A query constrains these names, in lower case with aliases resolved. */
  add(names: readonly string[]): void {
    if (names.length === 0) return
    this.#raise(keyOf(names), 1)
    this.#trim()
  }

  merge(summary: PopularitySummary): void {
    const believed = scaleOf(summary.map(({ weight }) => weight))
    const ours = this.weight
    const theirs = believed * summary.reduce((sum, { weight }) => sum + weight, 0)
    if (theirs === 0) return
    for (const { names, weight } of summary) if (names.length > 0) this.#raise(keyOf(names), weight * believed)
    this.#scale(Math.max(ours, theirs) / (ours + theirs))
    this.#trim()
  }

  /** The heaviest first. */
  summary(): PopularitySummary {
    return [...this.#weights]
      .map(([key, weight]) => ({ names: key.split(SEPARATOR), weight }))
      .sort((one, other) => other.weight - one.weight || (one.names.join() < other.names.join() ? -1 : 1))
  }

  /** Of all sets together: how many queries the summary speaks of. */
  get weight(): number {
    return [...this.#weights.values()].reduce((sum, weight) => sum + weight, 0)
  }

  #trim(): void {
    while (this.#weights.size > ASKED_SET_COUNT_MAX) {
      const [lightest] = [...this.#weights].reduce((least, entry) => (entry[1] < least[1] ? entry : least))
      this.#weights.delete(lightest)
    }
    this.#scale(scaleOf([...this.#weights.values()]))
  }

  #raise(key: string, weight: number): void {
    this.#weights.set(key, (this.#weights.get(key) ?? 0) + weight)
  }

  #scale(factor: number): void {
    if (factor < 1) for (const [key, weight] of this.#weights) this.#weights.set(key, weight * factor)
  }
}

/** No attribute has it in its name. */
const SEPARATOR = ' '

function keyOf(names: readonly string[]): string {
  return [...new Set(names)].sort().slice(0, ASKED_NAMES_MAX).join(SEPARATOR)
}

function scaleOf(weights: readonly number[]): number {
  return (
    ASKED_WEIGHT_MAX /
    Math.max(
      ASKED_WEIGHT_MAX,
      weights.reduce((sum, weight) => sum + weight, 0),
    )
  )
}

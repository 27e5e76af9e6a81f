import type { Attributes, AttributeValue } from '../../overlay/attributes/index.ts'
import { shuffle, type Rng } from '../../overlay/env/index.ts'
import { drawsFor, type Population } from '../population/index.ts'
import type { Question } from './question.ts'
import { attributeText, quoted } from './translate.ts'

export interface GenerateOptions {
  readonly population: Population
  readonly nodesCount: number
  readonly seed: number
  readonly queriesCount: number
  /** How many attributes a box constrains, and the share of all nodes that it is to hold. */
  readonly constrainCount: number
  readonly share: number
  /** How many nodes are wanted. */
  readonly want: number
}

/** Nodes that shares are measured over; to more of them a box is not fitted. */
const SAMPLE_COUNT_MAX = 50_000
/** Attributes and centres that are drawn for one box; the one that comes nearest to the share is taken. */
const DRAW_COUNT_MAX = 12
/** A box whose share is off by no more than this factor is near enough. */
const NEAR_FACTOR = 1.1
/** Halvings of the width of a box. */
const STEP_COUNT = 20

/**
 * Boxes at random places. A node is drawn for the centre, and attributes that it has; around the centre's values each
 * attribute gets a window that holds the same share of nodes, and the windows are widened together until the box holds the share
 * of all nodes that is wanted. A window that meets the end of an attribute's range is shifted, not cut. Text has no width: it is the
 * centre's or open. Where attributes have few values a box cannot have just any share; of a dozen draws the nearest is taken.
 */
export function generateQuestions(options: GenerateOptions): Question[] {
  const space = new Space(options.population, Math.min(options.nodesCount, SAMPLE_COUNT_MAX))
  return Array.from({ length: options.queriesCount }, (_, index) => {
    const rng = drawsFor(options.seed, 'query', index)
    let best: Box | undefined
    for (let drawn = 0; drawn < DRAW_COUNT_MAX; drawn++) {
      const box = space.drawBox(options.constrainCount, options.share, rng)
      if (box === undefined) continue
      if (best === undefined || offBy(box, options.share) < offBy(best, options.share)) best = box
      if (offBy(best, options.share) <= NEAR_FACTOR) break
    }
    return questionIn(best?.sides ?? [], options.want)
  })
}

type Side =
  | { readonly attribute: string; readonly low: number; readonly high: number }
  | { readonly attribute: string; readonly text: string | boolean }

interface Box {
  readonly sides: readonly Side[]
  readonly share: number
}

function offBy({ share }: Box, wanted: number): number {
  return share === 0 ? Infinity : Math.max(share / wanted, wanted / share)
}

/** What the machines have of one attribute, in typed arrays: shares are counted some ten thousand times. */
interface Values {
  /** Of each machine its number, or NaN; and all numbers, sorted. */
  readonly numbers: Float64Array
  readonly sorted: Float64Array
  /** Of each machine its text or truth by a number of that, or NaN. */
  readonly codes: Float64Array
  readonly codeOf: ReadonlyMap<AttributeValue, number>
}

/** The machines that shares are measured over. */
class Space {
  readonly #machines: readonly Attributes[]
  readonly #names: readonly string[]
  /** Made when they are first needed. */
  readonly #values = new Map<string, Values>()

  constructor(population: Population, sampleCount: number) {
    this.#machines = Array.from({ length: sampleCount }, (_, index) => population.machine(index).attributes)
    this.#names = population.attributeNames
  }

  /** Undefined where the centre has too few attributes. */
  drawBox(constrainCount: number, share: number, rng: Rng): Box | undefined {
    const centre = this.#machines[rng.below(this.#machines.length)]!
    const names = shuffle(
      this.#names.filter((name) => centre[name] !== undefined && typeof centre[name] !== 'object'),
      rng,
    )
    if (names.length < constrainCount) return undefined
    const chosen = names.slice(0, constrainCount)
    let [low, high] = [0, 1]
    for (let step = 0; step < STEP_COUNT; step++) {
      const width = (low + high) / 2
      if (this.#shareOf(this.#sides(chosen, centre, width)) < share) low = width
      else high = width
    }
    const boxes = [low, high].map((width) => {
      const sides = this.#sides(chosen, centre, width)
      return { sides, share: this.#shareOf(sides) }
    })
    return offBy(boxes[0]!, share) < offBy(boxes[1]!, share) ? boxes[0] : boxes[1]
  }

  #sides(names: readonly string[], centre: Attributes, width: number): Side[] {
    return names.map((attribute) => {
      const value = centre[attribute]!
      return typeof value === 'number'
        ? { attribute, ...window(this.#valuesOf(attribute).sorted, value, width) }
        : { attribute, text: value as string | boolean }
    })
  }

  #shareOf(sides: readonly Side[]): number {
    const ranges = sides.map((side) => {
      const { numbers, codes, codeOf } = this.#valuesOf(side.attribute)
      if ('low' in side) return { values: numbers, low: side.low, high: side.high }
      const code = codeOf.get(side.text)!
      return { values: codes, low: code, high: code }
    })
    let count = 0
    for (let machine = 0; machine < this.#machines.length; machine++) {
      let isIn = true
      for (const { values, low, high } of ranges) {
        const value = values[machine]!
        if (value >= low && value <= high) continue
        isIn = false
        break
      }
      if (isIn) count++
    }
    return count / this.#machines.length
  }

  #valuesOf(attribute: string): Values {
    let values = this.#values.get(attribute)
    if (values === undefined) this.#values.set(attribute, (values = readValues(this.#machines, attribute)))
    return values
  }
}

function readValues(machines: readonly Attributes[], attribute: string): Values {
  const numbers = new Float64Array(machines.length).fill(Number.NaN)
  const codes = new Float64Array(machines.length).fill(Number.NaN)
  const codeOf = new Map<AttributeValue, number>()
  for (const [index, machine] of machines.entries()) {
    const value = machine[attribute]
    if (value === undefined) continue
    if (typeof value === 'number') numbers[index] = value
    else {
      if (!codeOf.has(value)) codeOf.set(value, codeOf.size)
      codes[index] = codeOf.get(value)!
    }
  }
  return { numbers, sorted: numbers.filter((value) => !Number.isNaN(value)).sort(), codes, codeOf }
}

/** The range of values around `value` that holds a share `width` of them. */
function window(sorted: Float64Array, value: number, width: number): { readonly low: number; readonly high: number } {
  const count = Math.max(1, Math.round(width * sorted.length))
  const start = Math.max(0, Math.min(firstAtLeast(sorted, value) - (count >> 1), sorted.length - count))
  return { low: Math.min(sorted[start]!, value), high: Math.max(sorted[start + count - 1]!, value) }
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

function isWithin(side: Side, value: AttributeValue | undefined): boolean {
  return 'text' in side ? value === side.text : typeof value === 'number' && value >= side.low && value <= side.high
}

function questionIn(sides: readonly Side[], count: number): Question {
  const conditions = sides.map((side) => {
    const attribute = attributeText(side.attribute)
    if ('low' in side) return `${attribute} >= ${side.low} && ${attribute} <= ${side.high}`
    return `${attribute} =?= ${typeof side.text === 'string' ? quoted(side.text) : side.text}`
  })
  return {
    where: conditions.length === 0 ? 'true' : conditions.join(' && '),
    count,
    isMatch: (attributes) => sides.every((side) => isWithin(side, attributes[side.attribute])),
  }
}

import { pick, RoostError, seededRng, type Plain, type Rng } from '../../overlay/index.ts'
import { decode, encode } from '../../node/codec/index.ts'
import { emit } from './cbor.ts'
import { mutateBytes } from './mutate-bytes.ts'
import { mutateTree } from './mutate-tree.ts'
import { formOf, reasonOf } from './reason.ts'
import type { Target } from './targets.ts'

/**
 * Gives a reader inputs that are nearly right, and holds it to its promise: a value or a `RoostError`, soon, and nothing else. An
 * input whose fate is new is kept, and changed further.
 */

/** The longest that one input may take, of this thread's own time: the machine does other things too. */
export const READ_MS_MAX = 150
/** Fates that are told apart; what is new beyond them counts as `other`. */
const REASONS_COUNT_MAX = 1_000
/** Inputs that are changed further, beside the seeds. Once it is full, a new one takes the place of another. */
const POOL_COUNT_MAX = 256
/** Inputs beyond this are not changed further: they only make the others slow. */
const POOL_INPUT_BYTES_MAX = 65_536

/** An input that broke the promise. */
export interface Fault {
  readonly target: string
  readonly input: Uint8Array
  readonly what: string
}

/** How many inputs had one fate, and the shortest of them. */
export interface Fate {
  count: number
  input: Uint8Array
}

export class Fuzzer {
  readonly target: Target
  readonly fates = new Map<string, Fate>()
  readonly #rng: Rng
  readonly #fields: ReadonlySet<string>
  readonly #pool: Uint8Array[]
  readonly #trees = new Map<Uint8Array, { readonly tree: unknown } | undefined>()
  inputsCount = 0
  acceptedCount = 0

  /** `corpus`: inputs by their fate, as `readCorpus` gives them. */
  constructor(target: Target, options: { readonly seed: number; readonly corpus?: ReadonlyMap<string, Uint8Array> }) {
    this.target = target
    this.#rng = seededRng(options.seed)
    const corpus = [...(options.corpus ?? [])]
    const accepted = corpus.flatMap(([fate, input]) => (fate.startsWith('accepted') ? [input] : []))
    this.#fields = fieldsOf([...target.seeds, ...accepted])
    this.#pool = [...target.seeds, ...corpus.map(([, input]) => input)]
    if (this.#pool.length === 0) this.#pool.push(new Uint8Array())
  }

  /** One input of its own making. */
  step(): Fault | undefined {
    return this.take(this.#make())
  }

  /** One input, as given. */
  take(input: Uint8Array): Fault | undefined {
    this.inputsCount++
    const { fate, what } = this.#try(input)
    if (what !== undefined) return { target: this.target.name, input, what }
    this.#note(fate, input)
    return undefined
  }

  #make(): Uint8Array {
    const base = pick(this.#pool, this.#rng)!
    const tree = this.target.isTree && this.#rng.below(3) > 0 ? this.#treeOf(base) : undefined
    let input = tree === undefined ? base : emit(mutateTree(tree.tree, this.#rng))
    for (let count = tree === undefined ? 1 + this.#rng.below(3) : this.#rng.below(8) === 0 ? 1 : 0; count > 0; count--)
      input = mutateBytes(input, this.#rng, this.#pool)
    // A Buffer is not what arrives in a frame, and its `slice` shares memory.
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
  }

  #treeOf(input: Uint8Array): { readonly tree: unknown } | undefined {
    if (!this.#trees.has(input)) this.#trees.set(input, decoded(input))
    return this.#trees.get(input)
  }

  #try(input: Uint8Array): { readonly fate: string; readonly what?: string } {
    const startMs = performance.now()
    const outcome = this.#read(input)
    if (performance.now() - startMs > READ_MS_MAX && this.#ownMs(input) > READ_MS_MAX)
      return { fate: '', what: `it takes more than ${READ_MS_MAX} ms` }
    for (const key in {}) return { fate: '', what: `every object has a field ${key} now` }
    return outcome
  }

  #read(input: Uint8Array): { readonly fate: string; readonly what?: string } {
    let value: unknown
    try {
      value = this.target.read(input)
    } catch (thrown) {
      if (!(thrown instanceof RoostError)) return { fate: '', what: `it threw ${describe(thrown)}` }
      if (thrown.code === 'INTERNAL') return { fate: '', what: `it called it a mistake of ours: ${thrown.message}` }
      return { fate: reasonOf(thrown, this.#fields) }
    }
    this.acceptedCount++
    const fate = formOf(value)
    const what = this.target.isMessage ? faultWhenSentOn(this.target, value) : undefined
    return what === undefined ? { fate } : { fate, what }
  }

  /** The lesser of two tries. */
  #ownMs(input: Uint8Array): number {
    const tries = [1, 2].map(() => {
      const before = process.threadCpuUsage()
      this.#read(input)
      const { user, system } = process.threadCpuUsage(before)
      return (user + system) / 1_000
    })
    return Math.min(...tries)
  }

  #note(fate: string, input: Uint8Array): void {
    const name = this.fates.has(fate) || this.fates.size < REASONS_COUNT_MAX ? fate : 'other'
    const known = this.fates.get(name)
    if (known !== undefined) {
      known.count++
      if (input.length < known.input.length) known.input = input
      return
    }
    this.fates.set(name, { count: 1, input })
    if (input.length > POOL_INPUT_BYTES_MAX) return
    if (this.#pool.length < POOL_COUNT_MAX) this.#pool.push(input)
    else this.#replace(input)
  }

  #replace(input: Uint8Array): void {
    const index = this.#rng.below(this.#pool.length)
    this.#trees.delete(this.#pool[index]!)
    this.#pool[index] = input
  }
}

/** What was taken may be passed on: it has bytes, and they mean the same to the next. */
function faultWhenSentOn(target: Target, value: unknown): string | undefined {
  try {
    const bytes = encode(value as Plain)
    const again = encode(target.read(bytes) as Plain)
    return Buffer.compare(bytes, again) === 0
      ? undefined
      : 'what was accepted is read as something else when it is sent on'
  } catch (thrown) {
    return `what was accepted cannot be sent on: ${describe(thrown)}`
  }
}

function decoded(input: Uint8Array): { readonly tree: unknown } | undefined {
  try {
    return { tree: decode(input, { bytesMax: POOL_INPUT_BYTES_MAX }) }
  } catch {
    return undefined
  }
}

/** The names that stand in well-formed inputs. */
function fieldsOf(seeds: readonly Uint8Array[]): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
    for (const [name, field] of Object.entries(value)) {
      if (!Array.isArray(value)) names.add(name)
      visit(field)
    }
  }
  for (const seed of seeds) visit(decoded(seed)?.tree)
  return names
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message.slice(0, 300)}` : String(thrown)
}

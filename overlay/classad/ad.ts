import type { Frame } from './frame.ts'
import type { AdEntry, AdNode, Expression } from './syntax.ts'
import type { Value } from './value.ts'

/**
 * What names resolve in: an ad, or a host's own table of attributes. `lookup` gets the name in lower case and gives a value,
 * an expression to be evaluated in this scope, or undefined where there is no such attribute (one that is there and
 * undefined is the expression `{ kind: 'literal', value: undefined }`). It is called once a reference: make it a map.
 */
export interface Scope {
  lookup(nameLowerCase: string): Value | Expression
}

/**
 * A classified advertisement: named expressions, names without regard to case. Immutable. An ad that an expression makes
 * remembers what stands around it, so that its attributes can name those of the ads around.
 */
export class Ad implements Scope {
  readonly #entries: ReadonlyMap<string, AdEntry>
  readonly #home: Frame | undefined

  constructor(node: AdNode, home?: Frame) {
    this.#entries = entriesOf(node)
    this.#home = home
  }

  /** An ad with these attributes, in this order; of two names that differ in case alone the later wins. */
  static of(attributes: Iterable<readonly [name: string, expression: Expression]>): Ad {
    const entries = new Map<string, AdEntry>()
    for (const [name, expression] of attributes) entries.set(name.toLowerCase(), { name, expression })
    return new Ad({ kind: 'ad', entries: [...entries.values()] })
  }

  get size(): number {
    return this.#entries.size
  }

  /** Its attributes in the order in which they were given, with names as they were written. */
  get entries(): Iterable<AdEntry> {
    return this.#entries.values()
  }

  /** The ad as a part of an expression; what stood around it is not part of that. */
  get node(): AdNode {
    return { kind: 'ad', entries: [...this.#entries.values()] }
  }

  /** Where the ad stands: undefined for one that is nobody's part. */
  get home(): Frame | undefined {
    return this.#home
  }

  lookup(nameLowerCase: string): Expression | undefined {
    return this.#entries.get(nameLowerCase)?.expression
  }
}

/** One table for all ads that one place in an expression makes. */
const TABLES = new WeakMap<AdNode, ReadonlyMap<string, AdEntry>>()

function entriesOf(node: AdNode): ReadonlyMap<string, AdEntry> {
  let table = TABLES.get(node)
  if (table === undefined) {
    table = new Map(node.entries.map((entry) => [entry.name.toLowerCase(), entry]))
    TABLES.set(node, table)
  }
  return table
}

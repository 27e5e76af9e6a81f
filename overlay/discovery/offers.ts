import { checkAttributes, knownAttribute, type Attributes } from '../attributes/index.ts'

/** Sources of dynamic attributes at once: the host's own, and one or two for each plugin. */
const SOURCE_COUNT_MAX = 64

interface Source {
  readonly name: string
  readonly read: () => Attributes
}

/**
 * Where this node's dynamic attributes come from. A source that fails, or gives what is no attribute, is left out of that
 * answer and reported; the others stand.
 */
export class Offers {
  readonly #onFailed: (source: string, cause: unknown) => void
  readonly #sources = new Set<Source>()

  constructor(dependencies: { readonly onFailed: (source: string, cause: unknown) => void }) {
    this.#onFailed = dependencies.onFailed
  }

  /** Returns how to take it back. */
  add(name: string, read: () => Attributes): () => void {
    const source = { name, read }
    if (this.#sources.size >= SOURCE_COUNT_MAX) this.#sources.delete(this.#sources.values().next().value!)
    this.#sources.add(source)
    return () => void this.#sources.delete(source)
  }

  /** All of them as they are now; of two sources with one name the later wins. */
  measure(): Attributes {
    let all: Attributes = {}
    for (const source of this.#sources) {
      try {
        all = checkAttributes({ ...all, ...source.read() })
      } catch (cause) {
        this.#onFailed(source.name, cause)
      }
    }
    return all
  }
}

/** The names among them that the table does not know as dynamic: what a descriptor has to announce. */
export function namesToAnnounce(dynamic: Attributes): string[] {
  return Object.keys(dynamic)
    .filter((name) => knownAttribute(name)?.dynamic !== true)
    .sort()
}

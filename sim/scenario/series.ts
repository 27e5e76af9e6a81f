import type { Figure } from './scenario.ts'

/** Lists by cycle, all of one length: what a cycle has no figure for is null there. */
export class Series {
  readonly #lists = new Map<string, (number | null)[]>()
  #length = 0

  /** Adds the figures of one cycle, numbered by whoever counts. */
  add(cycle: number, figures: Readonly<Record<string, number | null>>): void {
    for (const [name, value] of Object.entries({ cycle, ...figures })) {
      let list = this.#lists.get(name)
      if (list === undefined) this.#lists.set(name, (list = Array.from({ length: this.#length }, () => null)))
      list.push(value)
    }
    this.#length++
    for (const list of this.#lists.values()) if (list.length < this.#length) list.push(null)
  }

  /** What a figure last was; undefined where it never was. */
  last(name: string): number | undefined {
    return this.#lists.get(name)?.findLast((value) => value !== null) ?? undefined
  }

  /** The most that a figure ever was; undefined where it never was. */
  max(name: string): number | undefined {
    const values = (this.#lists.get(name) ?? []).filter((value) => value !== null)
    return values.length === 0 ? undefined : values.reduce((most, value) => Math.max(most, value))
  }

  /** The first cycle in which a figure was as `is` says, of those from `first` on. */
  firstCycle(name: string, is: (value: number) => boolean, first = 0): number | undefined {
    const cycles = this.#lists.get('cycle') ?? []
    const values = this.#lists.get(name) ?? []
    const place = values.findIndex((value, at) => value !== null && cycles[at]! >= first && is(value))
    return place < 0 ? undefined : cycles[place]!
  }

  get document(): Readonly<Record<string, Figure>> {
    return Object.fromEntries(this.#lists)
  }
}

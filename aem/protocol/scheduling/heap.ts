/** A binary heap: the first by `compare` comes out first (Williams, CACM 7(6), 1964; built from the bottom up: Floyd, CACM 7(12), 1964). */
export class Heap<Item> {
  #items: Item[]
  readonly #compare: (one: Item, other: Item) => number

  /** The items are the heap's from here on. */
  constructor(compare: (one: Item, other: Item) => number, items: Item[] = []) {
    this.#compare = compare
    this.#items = items
    this.#build()
  }

  get first(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    const items = this.#items
    let place = items.push(item) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#compare(items[parent]!, item) <= 0) break
      items[place] = items[parent]!
      place = parent
    }
    items[place] = item
  }

  pop(): Item | undefined {
    const first = this.#items[0]
    const last = this.#items.pop()
    if (last !== undefined && this.#items.length > 0) this.#sink(last, 0)
    return first
  }

  /** Leaves out the others: as long as going through them takes. */
  keep(isWanted: (item: Item) => boolean): void {
    this.#items = this.#items.filter(isWanted)
    this.#build()
  }

  #build(): void {
    for (let place = (this.#items.length >> 1) - 1; place >= 0; place--) this.#sink(this.#items[place]!, place)
  }

  /** Puts the item at this place, or as far below as it belongs. */
  #sink(item: Item, from: number): void {
    const items = this.#items
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#compare(items[child + 1]!, items[child]!) < 0) child++
      if (this.#compare(item, items[child]!) <= 0) break
      items[place] = items[child]!
      place = child
    }
    items[place] = item
  }
}

/** A binary heap (Williams, CACM 7(6), 1964): the first by `compare` comes out first. */
export class Heap<Item> {
  readonly #items: Item[] = []
  readonly #compare: (one: Item, other: Item) => number

  constructor(compare: (one: Item, other: Item) => number) {
    this.#compare = compare
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
    const items = this.#items
    const first = items[0]
    const item = items.pop()
    if (item === undefined || items.length === 0) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#compare(items[child + 1]!, items[child]!) < 0) child++
      if (this.#compare(item, items[child]!) <= 0) break
      items[place] = items[child]!
      place = child
    }
    items[place] = item
    return first
  }
}

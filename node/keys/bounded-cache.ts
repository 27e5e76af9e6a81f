/** A map that forgets what was asked for longest ago when it is full. */
export class BoundedCache<Key, Value> {
  readonly #countMax: number
  readonly #entries = new Map<Key, Value>()

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#countMax) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(key, value)
  }
}

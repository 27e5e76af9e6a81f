/** After something was done it rests for some cycles; where it was undone meanwhile, for twice as many as the last time. */
export class Rest {
  readonly #leastCycles: number
  #cycles: number
  #endCycle = 0
  #wasUndone = false

  constructor(cycles: number) {
    this.#leastCycles = cycles
    this.#cycles = cycles
  }

  isOn(cycle: number): boolean {
    return cycle < this.#endCycle
  }

  begin(cycle: number): void {
    if (!this.#wasUndone) this.#cycles = this.#leastCycles
    this.#wasUndone = false
    this.#endCycle = cycle + this.#cycles
  }

  undo(cycle: number): void {
    if (!this.isOn(cycle) || this.#wasUndone) return
    this.#wasUndone = true
    this.#cycles = Math.min(this.#cycles * 2, REST_CYCLES_MAX)
    this.#endCycle = cycle + this.#cycles
  }
}

/** In cycles: an hour and a half. */
const REST_CYCLES_MAX = 1_024

/**
 * The fingerprint of a run: every event mixes itself in, so two runs of one seed can be told to be the same, event for event,
 * by comparing sixteen digits. Whole-number arithmetic alone, so that every machine comes to the same ones.
 */
export class Trace {
  #low = 0x811c9dc5 | 0
  #high = 0x27d4eb2f | 0

  /** `atTicks` is virtual time; `detail` tells apart what else is to be told apart. */
  note(atTicks: number, kind: number, target: number, origin: number, detail: number): void {
    this.#mix((atTicks | 0) ^ Math.imul(kind + 1, 0x9e3779b1))
    this.#mix(Math.imul(target, 0x85ebca6b) ^ Math.imul(origin + 1, 0xc2b2ae35) ^ detail)
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  #mix(word: number): void {
    const turned = Math.imul(this.#low ^ word, 0x01000193)
    this.#low = (this.#high + turned) | 0
    this.#high = Math.imul((turned << 13) | (turned >>> 19), 5) ^ word
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}

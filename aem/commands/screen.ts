import type { Output } from '../../overlay/contract/index.ts'

/** What is shown again and again: on a terminal in the place of what stood there. */
export class Screen {
  readonly #output: Output
  readonly isTerminal: boolean
  #isFirst = true

  constructor(output: Output, { isTerminal = process.stdout.isTTY === true } = {}) {
    this.#output = output
    this.isTerminal = isTerminal && !output.json
  }

  /** Before each time: empties the terminal, or leaves a line between. */
  begin(): void {
    if (this.isTerminal) this.#output.write('stdout', new TextEncoder().encode(CLEAR))
    else if (!this.#isFirst) this.#output.line('')
    this.#isFirst = false
  }
}

/** To the upper left corner, and everything from there on (ECMA-48: CUP, ED). */
const CLEAR = '\u001b[H\u001b[J'

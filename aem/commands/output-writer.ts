import type { Output } from '../../overlay/contract/index.ts'

export interface WriterOptions {
  readonly stream: 'stdout' | 'stderr'
  readonly unit: number
  /** Begins each line with `[unit] `. */
  readonly label: boolean
  /** With `--json`, each piece as a record of a stream: `{ unit, stream, offset, base64 }`. */
  readonly record?: boolean
}

/** A line longer than this is shown in parts, each with its label. */
const LINE_BYTES_MAX = 64 * 1024
const NEWLINE = 0x0a

/** The output of one unit on ours: bytes as they are, or whole lines under a label, so that units do not mix within a line. */
export class OutputWriter {
  readonly #output: Output
  readonly #options: WriterOptions
  readonly #label: Uint8Array
  #rest: Uint8Array = new Uint8Array(0)
  #offset = 0

  constructor(output: Output, options: WriterOptions) {
    this.#output = output
    this.#options = options
    this.#label = new TextEncoder().encode(`[${options.unit}] `)
  }

  write(bytes: Uint8Array): void {
    this.#record(bytes)
    if (!this.#options.label) {
      this.#output.write(this.#options.stream, bytes)
      return
    }
    let rest: Uint8Array = Buffer.concat([this.#rest, bytes])
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      this.#line(rest.subarray(0, end + 1))
      rest = rest.subarray(end + 1)
    }
    while (rest.length > LINE_BYTES_MAX) {
      this.#line(Buffer.concat([rest.subarray(0, LINE_BYTES_MAX), Uint8Array.of(NEWLINE)]))
      rest = rest.subarray(LINE_BYTES_MAX)
    }
    this.#rest = rest
  }

  /** What came after the last newline. */
  end(): void {
    if (this.#rest.length > 0) this.#line(Buffer.concat([this.#rest, Uint8Array.of(NEWLINE)]))
    this.#rest = new Uint8Array(0)
  }

  #record(bytes: Uint8Array): void {
    const { unit, stream, record } = this.#options
    if (record) {
      const base64 = Buffer.from(bytes).toString('base64')
      this.#output.record({ unit, stream, offset: this.#offset, base64 })
    }
    this.#offset += bytes.length
  }

  #line(line: Uint8Array): void {
    this.#output.write(this.#options.stream, Buffer.concat([this.#label, line]))
  }
}

import type { Writable } from 'node:stream'
import type { Output } from '../../overlay/contract/index.ts'
import { printable } from './printable.ts'
import { formatTable } from './table.ts'

export interface Streams {
  readonly stdout: Writable
  readonly stderr: Writable
}

/**
 * Results on stdout, all else on stderr. With `--json` stdout holds the command's one document and stderr nothing but the
 * record of an error, so that a program can read both.
 */
export function createOutput({ stdout, stderr }: Streams, { json }: { readonly json: boolean }): Output {
  return {
    json,
    document(value) {
      if (json) stdout.write(`${JSON.stringify(value, undefined, 2)}\n`)
    },
    record(value) {
      if (json) stdout.write(`${JSON.stringify(value)}\n`)
    },
    line(text) {
      if (!json) stdout.write(`${printable(text)}\n`)
    },
    table(rows, columns) {
      if (!json) stdout.write(`${formatTable(rows, columns)}\n`)
    },
    write(stream, bytes) {
      if (!json) (stream === 'stdout' ? stdout : stderr).write(bytes)
    },
    progress(text) {
      if (!json) stderr.write(`${printable(text)}\n`)
    },
  }
}

import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { RoostError } from '../../overlay/error/index.ts'
import { malformed } from '../population/index.ts'

const CHUNK_BYTES = 64 * 1024
const LINE_CHARS_MAX = 16_384

/**
 * The lines of a file that a flag names, without their ends (LF or CRLF), a piece of the file in memory at a time: archives of jobs
 * have many millions. `USAGE` where it cannot be read, or a line has more than `LINE_CHARS_MAX` characters.
 */
export function* readLines(flag: string, file: string): Generator<string> {
  const handle = attempt(flag, file, () => openSync(file, 'r'))
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const decoder = new StringDecoder('utf8')
    let rest = ''
    let line = 1
    for (;;) {
      const bytesCount = attempt(flag, file, () => readSync(handle, chunk))
      const isLast = bytesCount === 0
      const pieces = (rest + (isLast ? decoder.end() : decoder.write(chunk.subarray(0, bytesCount)))).split('\n')
      rest = isLast ? '' : pieces.pop()!
      for (const piece of pieces) {
        check(piece, file, line++)
        yield piece.endsWith('\r') ? piece.slice(0, -1) : piece
      }
      check(rest, file, line)
      if (isLast) return
    }
  } finally {
    closeSync(handle)
  }
}

function check(piece: string, file: string, line: number): void {
  if (piece.length > LINE_CHARS_MAX) throw malformed(file, line, `more than ${LINE_CHARS_MAX} characters`)
}

function attempt<Result>(flag: string, file: string, action: () => Result): Result {
  try {
    return action()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const what = code === 'ENOENT' ? 'there is no file' : `cannot read (${code})`
    throw new RoostError('USAGE', `${flag}: ${what} ${file}`, { cause, file })
  }
}

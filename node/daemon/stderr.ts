import { writeSync } from 'node:fs'
import { Writable } from 'node:stream'

const STDERR = 2

/** Who reads slower than we write, on a pipe that does not block, is waited for so long for each line; then the line is lost. */
const RETRIES_COUNT_MAX = 20
const RETRY_MS = 5

/**
 * Stderr, written synchronously, that never fails: a log on a full disk, or one whose reader has gone away, is no reason for
 * a daemon to end. Lines that cannot be written are lost, and the next one that can begins a line of its own.
 */
export function lossyStderr(write: (bytes: Uint8Array) => number = (bytes) => writeSync(STDERR, bytes)): Writable {
  let isMidLine = false
  return new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      const bytes = isMidLine ? Buffer.concat([Buffer.from('\n'), chunk]) : chunk
      const writtenCount = writeAll(bytes, write)
      if (writtenCount > 0) isMidLine = writtenCount < bytes.length
      done()
    },
  })
}

/** How many of the bytes were written before it failed. */
function writeAll(bytes: Uint8Array, write: (bytes: Uint8Array) => number): number {
  let writtenCount = 0
  for (let retriesCount = 0; writtenCount < bytes.length;) {
    try {
      writtenCount += write(bytes.subarray(writtenCount))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || retriesCount++ >= RETRIES_COUNT_MAX) break
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
    }
  }
  return writtenCount
}

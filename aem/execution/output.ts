import { watch } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { diskError } from '../disk/index.ts'

export interface ReadOutputOptions {
  /** The first byte wanted, from 0. One beyond the end waits for it, or ends at once. */
  readonly from: number
  /** Where given, waits for more at the end of the file until this resolves, and then gives what is left. */
  readonly untilEnded?: Promise<void>
  readonly signal: AbortSignal
}

const CHUNK_BYTES = 64 * 1024
/** A watch may miss a change on some file systems; then it is found after this time. */
const LOOK_AGAIN_MS = 500

/** The bytes of an output file, at most one chunk ahead of its reader. */
export function readOutput(file: string, options: ReadOutputOptions): ReadableStream<Uint8Array> {
  // A generator that waits cannot be told to return: it is woken instead.
  const cancelled = new AbortController()
  const signal = AbortSignal.any([options.signal, cancelled.signal])
  const chunks = follow(file, { ...options, signal })
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        cancelled.abort()
      },
    },
    { highWaterMark: 1 },
  )
}

async function* follow(file: string, options: ReadOutputOptions): AsyncGenerator<Uint8Array, void, void> {
  const { untilEnded, signal } = options
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (thrown) {
    throw diskError(thrown, 'the output could not be read', 'UNIT_NOT_FOUND')
  }
  const changes = new Changes(file, untilEnded, signal)
  let position = options.from
  try {
    while (!signal.aborted) {
      // Both asked before the read: what was written before the end, or since the last look, is then surely read.
      const isLastLook = changes.haveEnded
      const next = changes.next()
      const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, position)
      if (bytesRead > 0) {
        position += bytesRead
        yield buffer.subarray(0, bytesRead)
      } else if (isLastLook) return
      else await next
    }
  } finally {
    changes.close()
    await handle.close()
  }
}

/** Tells that a file may have changed, or that nothing will change it any more. */
class Changes {
  haveEnded: boolean
  readonly #watcher: { close(): void } | undefined
  readonly #timer: NodeJS.Timeout
  #wake: () => void = () => {}

  constructor(file: string, untilEnded: Promise<void> | undefined, signal: AbortSignal) {
    this.haveEnded = untilEnded === undefined
    this.#watcher = this.haveEnded ? undefined : watchQuietly(file, () => this.#wake())
    this.#timer = setInterval(() => this.#wake(), LOOK_AGAIN_MS)
    const end = (): void => {
      this.haveEnded = true
      this.#wake()
    }
    untilEnded?.then(end, end)
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** Resolves at the next change after this call. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    this.#wake()
  }
}

/** The kernel bounds how many watches there may be; without one the timer alone looks. */
function watchQuietly(file: string, onChange: () => void): { close(): void } | undefined {
  try {
    return watch(file, { persistent: false }, onChange).on('error', () => {})
  } catch {
    return undefined
  }
}

import type { PeerId } from '../env/index.ts'
import { asRoostError, RoostError } from '../error/index.ts'
import { COMMAND_WEIGHT_MAX, type CommandContent, type Entry } from './entry.ts'
import { canonical, COMMAND_DEPTH_MAX, weigh } from './plain.ts'
import type { AnyService, Given } from './service.ts'
import { Sessions, type Outcome, type Result } from './sessions.ts'
import { readSnapshotChunk, snapshotChunks, type SnapshotChunk } from './snapshot-chunks.ts'

/**
 * All that the log decides at one replica: the service's state, the sessions of its clients, and the group's time. A snapshot holds
 * all three.
 */
export class StateMachine {
  readonly #service: AnyService
  readonly #sessions = new Sessions()
  #appliedIndex = 0
  #atMs = 0

  constructor(service: AnyService) {
    this.#service = service
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  /** The group's time at the last entry applied. */
  get atMs(): number {
    return this.#atMs
  }

  /** The command as it enters the log; `MESSAGE_MALFORMED` where the service does not know it as one. */
  checkCommand(command: unknown): Given {
    const known: Given = this.#service.command(command, 'command')
    if (weigh(known, COMMAND_DEPTH_MAX) > COMMAND_WEIGHT_MAX)
      throw new RoostError('MESSAGE_TOO_LARGE', `a command weighs more than ${COMMAND_WEIGHT_MAX}`)
    return canonical(known) as Given
  }

  /** Applies the entry after the last one applied; undefined where nobody waits for what comes of it. */
  apply(entry: Entry): Outcome | undefined {
    this.#appliedIndex = entry.index
    this.#atMs = Math.max(this.#atMs, entry.atMs)
    if (entry.type === 'open') return this.#sessions.open(entry.index, entry.peer, this.#atMs)
    if (entry.type === 'command')
      return this.#sessions.run(entry, this.#atMs, () => this.#applyCommand(entry, entry.index))
    return undefined
  }

  read(query: unknown, peer: PeerId): Result {
    return resultOf(() => this.#service.read(this.#service.query(query, 'query'), peer))
  }

  /** The state as it is now, drawn one chunk at a time while entries go on being applied. Draw it to its end, or `return` it. */
  snapshot(): Iterator<SnapshotChunk, void> {
    const { rows, results } = this.#sessions.copy()
    return snapshotChunks(this.#atMs, rows, results, begun(this.#service.snapshot()))
  }

  /** Begins anew from a snapshot of `index`: give it every chunk, then `finish`. A chunk that is none is `MESSAGE_MALFORMED`. */
  restore(index: number): { take(chunk: unknown): void; finish(): void } {
    this.#sessions.clear()
    const takeServiceChunk = this.#service.restore()
    return {
      take: (value) => {
        const chunk = readSnapshotChunk(value, 'chunk')
        if (chunk.type === 'service') takeServiceChunk(chunk.chunk)
        else if (chunk.type === 'sessions') for (const row of chunk.rows) this.#sessions.restore(row)
        else if (chunk.type === 'results') for (const row of chunk.results) this.#sessions.restoreResult(row)
        else this.#atMs = chunk.atMs
      },
      finish: () => {
        this.#appliedIndex = index
      },
    }
  }

  #applyCommand({ command, peer }: CommandContent, index: number): Result {
    return resultOf(() =>
      this.#service.apply(this.#service.command(command, 'command'), { index, atMs: this.#atMs, peer }),
    )
  }
}

/** Draws the first chunk at once, so that a service may write its snapshot as a generator: these begin only when they are drawn from. */
function begun(chunks: Iterable<Given>): Iterable<Given> {
  const iterator = chunks[Symbol.iterator]()
  let first: IteratorResult<Given> | undefined = iterator.next()
  const next = (): IteratorResult<Given> => {
    const drawn = first ?? iterator.next()
    first = undefined
    return drawn
  }
  const end = (): IteratorResult<Given> => iterator.return?.() ?? { value: undefined, done: true }
  return { [Symbol.iterator]: () => ({ next, return: end }) }
}

/** An error is the outcome that the service gives, and kept like any other: it has to be the same at every replica, and it is certain. */
function resultOf(run: () => Given): Result {
  try {
    const result = canonical(run()) as Given
    if (weigh(result, COMMAND_DEPTH_MAX) <= COMMAND_WEIGHT_MAX) return { type: 'done', result }
    throw new RoostError('MESSAGE_TOO_LARGE', `the reply weighs more than ${COMMAND_WEIGHT_MAX}`, { certain: false })
  } catch (thrown) {
    const { code, message, hint, certain } = asRoostError(thrown)
    return { type: 'failed', error: { code, message: message.slice(0, MESSAGE_CHARS_MAX), hint, certain } }
  }
}

const MESSAGE_CHARS_MAX = 1_000

import { asRoostError, RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import type { JobEvent } from '../protocol/index.ts'
import { jobEvents, unitOutput } from './daemon.ts'
import { readingHeaders } from './reading.ts'
import { OutputWriter } from './output-writer.ts'

export interface WatchOptions {
  readonly label: boolean
  /** Whether output is the result, and so printed with `--json` too. */
  readonly record?: boolean
  /** Of this unit alone. */
  readonly unit?: number
  readonly signal: AbortSignal
}

type Ended = Extract<JobEvent, { type: 'ended' }>

/** Follows a job to its end: what happens on stderr, what its units write as they write it. Gives the last event. */
export async function watchJob(context: CommandContext, id: string, options: WatchOptions): Promise<Ended> {
  const units = new Map<number, UnitFollower>()
  const unitOf = (index: number): UnitFollower => {
    const unit = units.get(index) ?? new UnitFollower(context, { id, index }, options)
    units.set(index, unit)
    return unit
  }
  const isWanted = (index: number): boolean => options.unit === undefined || options.unit === index
  // Signed while the job is on its way; who cannot sign is told so where output is asked for.
  readingHeaders(context, id).catch(() => {})
  let lastReason = ''
  for await (const event of jobEvents(context, id, { from: 1, follow: true, signal: options.signal })) {
    switch (event.type) {
      case 'queued':
        if (event.reason !== lastReason) context.output.progress(`queued: ${event.reason}`)
        lastReason = event.reason
        break
      case 'unit-started':
        if (isWanted(event.unit)) unitOf(event.unit).follow()
        break
      case 'unit-exited':
        // One that was quick, or whose start was never reported, has its output all the same.
        if (isWanted(event.unit) && event.exit.kind !== 'unstartable') unitOf(event.unit).follow()
        break
      case 'unit-lost':
        context.output.progress(`unit ${event.unit} lost: ${event.reason}`)
        units.get(event.unit)?.giveUp()
        break
      case 'unit-found':
        context.output.progress(`unit ${event.unit} found: ${event.reason}`)
        if (isWanted(event.unit)) unitOf(event.unit).follow()
        break
      case 'ended':
        await Promise.all([...units.values()].map((unit) => unit.done))
        return event
      case 'submitted':
      case 'matched':
      case 'placed':
      case 'cancelling':
        break
    }
  }
  throw new RoostError('CANCELLED', `given up before job ${id} ended`)
}

const STREAMS = ['stdout', 'stderr'] as const

/** Both streams of a unit. That they cannot be read ends neither the job nor this command. */
class UnitFollower {
  /** Resolves when nothing more will be printed, unless it is told to follow again. */
  done: Promise<unknown> = Promise.resolve()
  readonly #context: CommandContext
  readonly #unit: { readonly id: string; readonly index: number }
  readonly #options: WatchOptions
  readonly #cursors = { stdout: { offset: 0 }, stderr: { offset: 0 } }
  #following: AbortController | undefined

  constructor(context: CommandContext, unit: { readonly id: string; readonly index: number }, options: WatchOptions) {
    this.#context = context
    this.#unit = unit
    this.#options = options
  }

  /** Prints from where it stopped, to the unit's end. */
  follow(): void {
    if (this.#following) return
    this.#following = new AbortController()
    const signal = AbortSignal.any([this.#options.signal, this.#following.signal])
    this.done = Promise.all([this.done, ...STREAMS.map((stream) => this.#print(stream, signal))])
  }

  /** The node is gone; it may come back. */
  giveUp(): void {
    this.#following?.abort()
    this.#following = undefined
  }

  async #print(stream: (typeof STREAMS)[number], signal: AbortSignal): Promise<void> {
    const { output } = this.#context
    const { index } = this.#unit
    const { label, record = false } = this.#options
    const writer = new OutputWriter(output, { stream, unit: index, label, record })
    try {
      const chunks = unitOutput(this.#context, this.#unit, {
        stream,
        follow: true,
        signal,
        cursor: this.#cursors[stream],
      })
      for await (const chunk of chunks) writer.write(chunk)
    } catch (thrown) {
      if (!signal.aborted) output.progress(`unit ${index}: ${stream} broke off: ${asRoostError(thrown).message}`)
    } finally {
      writer.end()
    }
  }
}

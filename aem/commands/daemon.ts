import { asRoostError, RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import type { JobEvent } from '../protocol/index.ts'
import type { Job } from '../service/index.ts'
import { readingHeaders } from './reading.ts'

/**
 * How long a broken stream is taken up again where it broke, without anything new in between, before the command gives up:
 * a restart of a daemon fits in.
 */
const RESUME_WITHIN_MS = 30_000
const RESUME_DELAY_MS = 500

/** JSON from the job routes of the daemon. */
export async function ask<Reply>(context: CommandContext, path: string, init?: RequestInit): Promise<Reply> {
  return (await (await context.fetch(`http://roost/aem${path}`, init)).json()) as Reply
}

/** The text by which the daemon is asked for a job: `@last` becomes the id that it stands for. */
export function jobName(context: CommandContext, text: string): string {
  if (text === '')
    throw new RoostError('USAGE', 'a job has no empty id', { hint: 'write its id, the beginning of one, or @last' })
  if (text !== '@last') return encodeURIComponent(text)
  const last = context.last.get('job')
  if (last === undefined)
    throw new RoostError('JOB_NOT_FOUND', 'no job was submitted from here yet, so there is no @last')
  return last
}

/** The job as everybody sees it. */
export function findJob(context: CommandContext, text: string): Promise<Job> {
  return ask<Job>(context, `/jobs/${jobName(context, text)}`)
}

/** All of the job, where it is the user's. */
export async function showJob(context: CommandContext, text: string): Promise<Job> {
  const { id } = await findJob(context, text)
  return ask<Job>(context, `/jobs/${id}`, { headers: await readingHeaders(context, id) })
}

export interface FollowEventsOptions {
  readonly from: number
  readonly follow: boolean
  readonly signal?: AbortSignal
}

/** The events of a job, each once, in order; with `follow` until the job has ended, however often the daemon goes away. */
export async function* jobEvents(
  context: CommandContext,
  id: string,
  { from, follow, signal = context.signal }: FollowEventsOptions,
): AsyncGenerator<JobEvent, void, void> {
  let next = from
  let hasEnded = false
  const open = async function* (): AsyncGenerator<string, void, void> {
    const path = `http://roost/aem/jobs/${id}/events?from=${next}&follow=${follow}`
    yield* linesOf((await context.fetch(path, { signal })).body)
    if (follow && !hasEnded)
      throw new RoostError('CONNECTION_LOST', `the log of job ${id} broke off before its end`, {
        certain: false,
        hint: `\`roost show ${id}\` says how it stands`,
      })
  }
  let isSilent = false
  const onBreak = (): void => {
    if (!isSilent) context.output.progress(`the daemon does not answer; asking again for ${RESUME_WITHIN_MS / 1000} s`)
    isSilent = true
  }
  for await (const line of resuming(open, { follow, signal, onBreak, giveUp: (thrown) => lostSight(thrown, id) })) {
    if (isSilent) context.output.progress('the daemon answers again')
    isSilent = false
    const event = JSON.parse(line) as JobEvent
    if (event.number < next) continue
    next = event.number + 1
    hasEnded = event.type === 'ended'
    yield event
    if (hasEnded) return
  }
}

/** The daemon has been away for too long. Units run on without it. */
function lostSight(thrown: unknown, id: string): RoostError {
  const { code, message } = asRoostError(thrown)
  return new RoostError(code, `lost sight of job ${id}: ${message}`, {
    cause: thrown,
    hint: `its units go on; when the daemon is up again (\`roost up\`), \`roost logs -f ${id}\` and \`roost wait ${id}\` do too`,
  })
}

export interface UnitOutputOptions {
  readonly stream: 'stdout' | 'stderr'
  readonly follow: boolean
  readonly signal?: AbortSignal
  /** Where to begin; moved along, so that somebody else can go on from there. */
  readonly cursor?: { offset: number }
}

/** What a unit wrote, each byte once; with `follow` until it has ended. */
export async function* unitOutput(
  context: CommandContext,
  { id, index }: { readonly id: string; readonly index: number },
  { stream, follow, signal = context.signal, cursor = { offset: 0 } }: UnitOutputOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const open = async function* (): AsyncGenerator<Uint8Array, void, void> {
    const query = `stream=${stream}&from=${cursor.offset}&follow=${follow}`
    const headers = await readingHeaders(context, id)
    const { body } = await context.fetch(`http://roost/aem/jobs/${id}/units/${index}/output?${query}`, {
      headers,
      signal,
    })
    for await (const chunk of body ?? []) {
      cursor.offset += chunk.length
      yield chunk
    }
  }
  yield* resuming(open, { follow, signal })
}

interface ResumeOptions {
  readonly follow: boolean
  readonly signal: AbortSignal
  /** Called at each attempt that failed. */
  onBreak?(): void
  /** The error to end with, when it was away for too long. */
  giveUp?(thrown: unknown): RoostError
}

/** The items of a stream; where it breaks it is opened again, and `open` knows from where. */
async function* resuming<Item>(
  open: () => AsyncIterable<Item>,
  { follow, signal, onBreak, giveUp }: ResumeOptions,
): AsyncGenerator<Item, void, void> {
  for (let lastProgressMs = performance.now(); ;) {
    try {
      for await (const item of open()) {
        lastProgressMs = performance.now()
        yield item
      }
      return
    } catch (thrown) {
      const isTooLong = performance.now() - lastProgressMs > RESUME_WITHIN_MS
      if (!follow || signal.aborted || !isPassing(thrown)) throw thrown
      if (isTooLong) throw giveUp?.(thrown) ?? thrown
      onBreak?.()
      await pause(RESUME_DELAY_MS, signal)
    }
  }
}

/** What a daemon that restarts, or a node that is cut off for a moment, looks like. */
function isPassing(thrown: unknown): boolean {
  return thrown instanceof RoostError && PASSING.has(thrown.code)
}

const PASSING: ReadonlySet<string> = new Set([
  'CONNECTION_LOST',
  'DAEMON_UNREACHABLE',
  'PEER_UNREACHABLE',
  'CALL_TIMEOUT',
  'BUSY',
  'ROUTE_NOT_FOUND',
])

/** Resolves early where the signal says so; what is asked next then fails with it. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

/** All events so far. */
export async function allEvents(context: CommandContext, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of jobEvents(context, id, { from: 1, follow: false })) events.push(event)
  return events
}

/** Whole lines. One that a break has cut is dropped with the stream: it comes again. */
async function* linesOf(chunks: AsyncIterable<Uint8Array> | null): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    yield* lines.filter((line) => line !== '')
  }
}

/** The last event of a job, once it has come. */
export async function jobEnd(context: CommandContext, id: string): Promise<Extract<JobEvent, { type: 'ended' }>> {
  for await (const event of jobEvents(context, id, { from: 1, follow: true })) if (event.type === 'ended') return event
  throw new RoostError('CANCELLED', `given up before job ${id} ended`)
}

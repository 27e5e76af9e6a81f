import type { CommandContext } from '../../overlay/contract/index.ts'
import { attemptsOf, isFinal, STATE_NAMES, type Attempt, type JobEvent, type StateNames } from '../protocol/index.ts'
import type { Job } from '../service/index.ts'
import { allEvents, jobEvents, pause, showJob } from './daemon.ts'
import { about } from './events.ts'
import { after, commandText, duration, shortId, time } from './format.ts'
import { Screen } from './screen.ts'

/** Between two looks with `--watch` on a terminal. */
const WATCH_MS = 1_000

/** What `--json` prints: the job, its names elsewhere, and how it came to stand so. */
interface Shown extends Job {
  readonly names: StateNames
  readonly attempts: readonly Attempt[]
  readonly events: readonly JobEvent[]
}

/** `roost show JOB`: how it stands, each unit, each attempt to place it, and everything that happened to it. */
export async function show(
  context: CommandContext,
  name: string,
  options: { readonly watch?: true } = {},
): Promise<void> {
  if (options.watch) return watch(context, name)
  const shown = await look(context, name)
  context.output.document(shown)
  print(context, shown)
}

async function look(context: CommandContext, name: string): Promise<Shown> {
  const job = await showJob(context, name)
  const events = await allEvents(context, job.id)
  return { ...job, names: STATE_NAMES[job.state], attempts: attemptsOf(events), events }
}

/** To the job's end: on a terminal all of it again and again, in a file what happens as it happens, as JSON whenever it has changed. */
async function watch(context: CommandContext, name: string): Promise<void> {
  const screen = new Screen(context.output)
  if (!screen.isTerminal && !context.output.json) return append(context, name)
  let last: Shown | undefined
  for (;;) {
    const shown = await look(context, last?.id ?? name)
    if (shown.lastNumber !== last?.lastNumber) context.output.record(shown)
    last = shown
    screen.begin()
    print(context, shown)
    if (isFinal(shown.state)) return
    await pause(WATCH_MS, context.signal)
  }
}

async function append(context: CommandContext, name: string): Promise<void> {
  const { output } = context
  const job = await showJob(context, name)
  for (const line of facts(job)) output.line(line)
  output.line('')
  for await (const event of jobEvents(context, job.id, { from: 1, follow: true })) {
    const { time: at, event: type, what } = eventRow(event, job.submittedAtMs)
    output.line(`${at.padStart(10)}  ${type.padEnd(12)}  ${what}`)
  }
}

function print({ output }: CommandContext, shown: Shown): void {
  for (const line of facts(shown)) output.line(line)
  output.line('')
  output.table(
    shown.units.map((unit) => ({
      unit: unit.index,
      state: unit.state,
      node: unit.node === undefined ? '' : shortId(unit.node),
      time: unit.startedAtMs === undefined ? '' : duration((unit.endedAtMs ?? Date.now()) - unit.startedAtMs),
      reason: unit.reason,
    })),
    ['unit', 'state', 'node', 'time', 'reason'],
  )
  if (shown.attempts.length > 0) {
    output.line('')
    output.table(
      shown.attempts.map((attempt) => attemptRow(attempt, shown.submittedAtMs)),
      ['attempt', 'time', 'nodes', 'what'],
    )
  }
  if (shown.events.length === 0) return
  output.line('')
  output.table(
    shown.events.map((event) => eventRow(event, shown.submittedAtMs)),
    ['time', 'event', 'what'],
  )
}

function attemptRow({ attempt, atMs, outcome, reason, units }: Attempt, submittedAtMs: number) {
  const ends = new Map<string, number>()
  for (const { end, startedAtMs } of units) {
    const words = end ?? (startedAtMs === undefined ? 'not started' : 'running')
    ends.set(words, (ends.get(words) ?? 0) + 1)
  }
  const told = [...ends].map(([words, count]) => (units.length === 1 ? words : `${count} ${words}`)).join(', ')
  const what = outcome === 'placed' ? told : outcome === 'given-up' ? `given up: ${reason}` : 'its nodes are asked'
  return { attempt, time: after(atMs - submittedAtMs), nodes: units.map(({ node }) => shortId(node)).join(' '), what }
}

function eventRow(event: JobEvent, submittedAtMs: number): { time: string; event: string; what: string } {
  return { time: after(event.atMs - submittedAtMs), event: event.type, what: about(event) }
}

function facts(job: Job): string[] {
  const { description, inputs = [] } = job
  const labels = Object.entries(job.labels).map(([name, value]) => `${name}=${value}`)
  const told: [string, string | undefined][] = [
    ['job', job.id],
    ['name', job.name],
    ['labels', labels.length === 0 ? undefined : labels.join(' ')],
    ['state', job.state],
    ['reason', job.reason],
    ['exit', job.exitCode === undefined ? undefined : String(job.exitCode)],
    ['run', description && commandText(description.run)],
    ['where', description?.where],
    ['owner', job.owner],
    ['controller', job.controller],
    ['submitted', time(job.submittedAtMs)],
    ['started', job.startedAtMs === undefined ? undefined : time(job.startedAtMs)],
    ['ended', job.endedAtMs === undefined ? undefined : time(job.endedAtMs)],
    ['inputs', inputs.map((input) => `${input.name} (${input.bytes} bytes)`).join(', ') || undefined],
  ]
  if (description === undefined) told.push(['details', 'what it runs and writes is for its owner alone'])
  return told.filter(([, value]) => value !== undefined).map(([label, value]) => `${label.padEnd(12)}${value}`)
}

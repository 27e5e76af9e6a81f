import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { isLabelName, JOB_STATES, LABEL_NAME_WORDS, parseDurationMs } from '../protocol/index.ts'
import type { JobList, JobSummary } from '../service/index.ts'
import { ask, pause } from './daemon.ts'
import { ago, shortId } from './format.ts'
import { Screen } from './screen.ts'

export interface ListOptions {
  readonly all?: true
  readonly state?: string
  readonly user?: string
  readonly label?: readonly string[]
  readonly since?: string
  readonly watch?: true
}

/** Between two looks with `--watch`: a list asks every node that has jobs. */
const WATCH_MS = 2_000

/** `roost ps`: jobs of this node and of others that can be reached, the newest first. */
export async function list(context: CommandContext, options: ListOptions): Promise<void> {
  const query = await queryOf(context, options)
  if (options.watch) return watchList(context, query, options)
  const reply = await ask<JobList>(context, `/jobs?${query}`)
  context.output.document(reply)
  if (reply.jobs.length === 0) context.output.line(emptyText(options))
  else show(context, reply.jobs)
  tellGaps(context, reply)
}

async function queryOf(context: CommandContext, options: ListOptions): Promise<URLSearchParams> {
  const query = new URLSearchParams()
  if (options.all) query.set('all', 'true')
  if (options.state !== undefined) query.set('state', states(options.state))
  if (options.label !== undefined) query.set('label', options.label.map(label).join(','))
  if (options.since !== undefined) query.set('sinceMs', String(sinceMs(options.since)))
  if (options.user !== undefined) query.set('user', options.user === 'me' ? await ownId(context) : options.user)
  return query
}

function states(text: string): string {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !(JOB_STATES as readonly string[]).includes(name))
  if (unknown !== undefined)
    throw new RoostError('USAGE', `--state ${unknown}: there is no such state`, {
      hint: `one or more of ${JOB_STATES.join(', ')}, with commas between`,
    })
  return names.join(',')
}

function label(text: string): string {
  const equals = text.indexOf('=')
  const name = text.slice(0, Math.max(0, equals))
  if (!isLabelName(name))
    throw new RoostError('USAGE', `--label ${text}: a label is given as name=value`, {
      hint: `a name has ${LABEL_NAME_WORDS}`,
    })
  return `${name}=${encodeURIComponent(text.slice(equals + 1))}`
}

/** `2h` ago, or a time as ISO 8601 has it; without a zone it is this machine's. */
function sinceMs(text: string): number {
  const agoMs = /^[0-9.]+$/.test(text) ? undefined : parseDurationMs(text)
  const atMs = agoMs === undefined ? isoMs(text) : Date.now() - agoMs
  if (Number.isNaN(atMs))
    throw new RoostError('USAGE', `--since ${text}: neither a duration nor a time`, {
      hint: 'write `2h`, `1d12h`, `2026-11-22` or `2026-11-22T08:00`',
    })
  return Math.max(0, Math.floor(atMs))
}

function isoMs(text: string): number {
  return /^\d{4}-\d{2}-\d{2}([T ]|$)/.test(text) ? Date.parse(text) : NaN
}

/** A look every two seconds. Where there is no terminal, what has changed is printed below what stands there. */
async function watchList(context: CommandContext, query: URLSearchParams, options: ListOptions): Promise<void> {
  const screen = new Screen(context.output)
  let before: ReadonlyMap<string, string> | undefined
  for (;;) {
    const reply = await ask<JobList>(context, `/jobs?${query}`)
    const now = new Map(reply.jobs.map((job) => [job.id, `${job.state}: ${job.reason}`]))
    const changed = reply.jobs.filter((job) => before?.get(job.id) !== now.get(job.id))
    const gone = [...(before?.keys() ?? [])].filter((id) => !now.has(id))
    if (before === undefined || changed.length > 0 || gone.length > 0) context.output.record(reply)
    if (screen.isTerminal || before === undefined) {
      screen.begin()
      if (reply.jobs.length === 0) context.output.line(emptyText(options))
      else show(context, reply.jobs)
      tellGaps(context, reply)
    } else {
      if (changed.length > 0) screen.begin()
      if (changed.length > 0) show(context, changed)
      for (const id of gone) context.output.line(`${shortId(id)} is no longer one of these`)
    }
    before = now
    await pause(WATCH_MS, context.signal)
  }
}

function show({ output }: CommandContext, jobs: readonly JobSummary[]): void {
  output.table(
    jobs.map((job) => ({
      id: shortId(job.id),
      name: job.name,
      state: job.state,
      units: job.unitsCount,
      exit: job.exitCode ?? '',
      submitted: ago(job.submittedAtMs),
      reason: job.reason,
    })),
    ['id', 'name', 'state', 'units', 'exit', 'submitted', 'reason'],
  )
}

function emptyText({ all, state }: ListOptions): string {
  return all || state !== undefined ? 'no jobs' : 'no jobs wait or run; `roost ps --all` lists those that have ended'
}

function tellGaps({ output }: CommandContext, { unreached, isWhole }: JobList): void {
  for (const { node, reason } of unreached)
    output.progress(`node ${shortId(node)} was not asked for its jobs: ${reason}`)
  if (!isWhole) output.progress('there are more jobs; these are the newest')
}

/** The key id of who runs this command. Nothing is sent: the signature is thrown away. */
async function ownId(context: CommandContext): Promise<string> {
  return (await context.sign('job.list', {})).signer
}

import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestInvite, socketFetch } from '../../node/client/index.ts'
import { SOCKET_NAME } from '../../node/data/index.ts'
import { signStatement, type User } from '../../node/keys/index.ts'
import { seededRng, type Rng } from '../../overlay/index.ts'
import { makeUsers } from './crowd-users.ts'
import { DaemonClient } from './daemon.ts'
import { Machine, until } from './machine.ts'
import type { Member } from './machines.ts'
import { askRaw, socketOf } from './raw-http.ts'
import { submissionForm } from './statements.ts'

/** Many jobs of several users on real daemons, each watched from the start, late, and with connections that break. */

export interface CrowdOptions {
  readonly daemonCount: number
  readonly userCount: number
  readonly jobCount: number
  readonly seed: number
  /** From submitting the first job to the end of the last. */
  readonly limitMs: number
  readonly say?: (line: string) => void
}

export interface CrowdReport {
  readonly tookMs: number
  readonly eventCount: number
  /** Watchers that did not end with exactly the job's log, each with what it had instead. */
  readonly faults: readonly string[]
  /** From an event's time at its controller to its arrival at a reader elsewhere who was there before it; one clock. */
  readonly latencyMs: Percentiles
  /** From asking any node to follow a job that was submitted just now, to the answer's head. */
  readonly openMs: Percentiles
  /** Breaks that watchers went on after. */
  readonly breakCount: number
  readonly listedByUser: readonly number[]
  /** Highest and sum over all daemons, as `/metrics` had them at the busiest moment that was looked at. */
  readonly metrics: Readonly<Record<string, { readonly max: number; readonly sum: number }>>
}

interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

type Event = { readonly number: number; readonly type: string; readonly atMs: number }

/** Each watches at a node of its own; who breaks off does so after every second event. */
type WatcherKind = 'early' | 'late' | 'broken'

interface CrowdJob {
  readonly id: string
  readonly controller: Member
}

/** Long enough for watchers to be there before the end. */
const SLEEP_S_MIN = 2
const SUBMITTED_AT_ONCE = 8
/** How late the late are: by then a job of a moment is over, or well under way. */
const LATE_MS = 2_000
const METRICS: readonly string[] = [
  'roost_net_event_topics_count',
  'roost_net_event_subscriptions_count',
  'roost_net_event_mesh_peers_count',
  'roost_net_events_published',
  'roost_net_events_delivered',
  'roost_net_events_unheard',
  'roost_net_events_received_rpcs',
  'roost_net_events_received_bytes',
  'roost_net_events_refused_rpcs',
  'roost_net_http_requests',
  'roost_net_grid_received_bytes',
  'roost_process_resident_memory_bytes',
  'roost_process_cpu_seconds_total',
]

export async function crowd(options: CrowdOptions): Promise<CrowdReport> {
  const machines: Machine[] = []
  try {
    const grid = await patientGrid(options, machines)
    return await new Crowd(grid, options).run()
  } finally {
    await Promise.all(machines.map((machine) => machine.end()))
  }
}

/** As `gridOf`, on a machine that may be so busy that a daemon does not come in at the first try. */
async function patientGrid({ daemonCount, say = () => {} }: CrowdOptions, machines: Machine[]): Promise<Member[]> {
  const members: Member[] = []
  for (let index = 0; index < daemonCount; index++) {
    const machine = new Machine({ ROOST_NAME: `n${index + 1}` })
    machines.push(machine)
    const up = async (triesCount: number): Promise<Member['daemon']> => {
      try {
        const ticket = index === 0 ? undefined : await ticketOf(members[0]!.machine)
        return await machine.up(...(ticket === undefined ? [] : ['--join', ticket]))
      } catch (thrown) {
        if (triesCount === 1) throw thrown
        say(`daemon ${index + 1} did not come in: again`)
        return await up(triesCount - 1)
      }
    }
    const daemon = await up(START_TRIES_COUNT)
    members.push({ machine, daemon, id: (await machine.ask('/status')).id })
  }
  for (const { machine } of members)
    await until('all know all', async () => (await machine.ask('/status')).nodes.alive === daemonCount, KNOWN_MS_MAX)
  say(`${daemonCount} daemons know each other`)
  return members
}

/** Asked for without a process: on a machine that is busy a command takes long. */
async function ticketOf(machine: Machine): Promise<string> {
  const socket = join(machine.dataDir, SOCKET_NAME)
  const fetch = socketFetch(socket, { signal: AbortSignal.timeout(TICKET_MS_MAX), unreachableHint: '' })
  return (await requestInvite(machine.userDir, fetch, { ttlMs: 3_600_000 })).ticket
}

const TICKET_MS_MAX = 60_000
const START_TRIES_COUNT = 5
const KNOWN_MS_MAX = 300_000

class Crowd {
  readonly #grid: readonly Member[]
  readonly #options: CrowdOptions
  readonly #rng: Rng
  readonly #jobs: CrowdJob[] = []
  readonly #latenciesMs: number[] = []
  readonly #opensMs: number[] = []
  readonly #metrics = new Map<string, { max: number; sum: number }>()
  #breakCount = 0

  constructor(grid: readonly Member[], options: CrowdOptions) {
    this.#grid = grid
    this.#options = options
    this.#rng = seededRng(options.seed)
  }

  async run(): Promise<CrowdReport> {
    const { userCount, jobCount, limitMs, say = () => {} } = this.#options
    const { machine } = this.#grid[0]!
    const { fingerprint } = (await machine.ask('/status')).grid
    const users = await makeUsers(machine, fingerprint, userCount)
    const startMs = performance.now()
    const watchers: Promise<string | undefined>[] = []
    let left = jobCount
    const submitter = async (): Promise<void> => {
      while (left-- > 0) {
        const job = await this.#submit(users[left % userCount]!, fingerprint)
        this.#jobs.push(job)
        for (const kind of ['early', 'late', 'broken'] as const) watchers.push(this.#watch(job, kind, limitMs))
      }
    }
    const looking = new AbortController()
    const looks = this.#lookAtMetrics(looking.signal)
    await Promise.all(Array.from({ length: SUBMITTED_AT_ONCE }, submitter))
    say(`${jobCount} jobs submitted after ${seconds(startMs)}`)
    const listedByUser = await this.#listed(users)
    const faults = (await Promise.all(watchers)).filter((fault) => fault !== undefined)
    const tookMs = performance.now() - startMs
    say(`${watchers.length} watchers have seen the end after ${seconds(startMs)}`)
    looking.abort()
    await looks
    await this.#readMetrics()
    const logs = await Promise.all(this.#jobs.map((job) => this.#log(job)))
    return {
      tookMs,
      eventCount: logs.reduce((sum, log) => sum + log.length, 0),
      faults,
      latencyMs: percentiles(this.#latenciesMs),
      openMs: percentiles(this.#opensMs),
      breakCount: this.#breakCount,
      listedByUser,
      metrics: Object.fromEntries(this.#metrics),
    }
  }

  async #submit(user: User, fingerprint: string): Promise<CrowdJob> {
    const controller = this.#member()
    const description = { name: 'crowd', run: ['sleep', String(SLEEP_S_MIN + this.#rng.below(4))] }
    const body = { controller: controller.id, description, inputs: [] }
    const { body: form, headers } = await submissionForm(
      await signStatement(user, fingerprint, { action: 'job.submit', body }),
    )
    const socket = socketOf(controller.machine.dataDir)
    const answer = await askRaw(socket, '/aem/jobs', { method: 'POST', body: form, headers })
    if (answer.status !== 200) throw new Error(`not submitted: ${answer.text}`)
    return { id: answer.body.id, controller }
  }

  /** What was wrong with what a watcher saw; undefined where it is the job's log. */
  async #watch(job: CrowdJob, kind: WatcherKind, limitMs: number): Promise<string | undefined> {
    const at = this.#member(job.controller)
    const deadlineMs = performance.now() + limitMs
    const seen: Event[] = []
    if (kind === 'late') await sleep(LATE_MS)
    while (seen.at(-1)?.type !== 'ended') {
      if (performance.now() > deadlineMs) return `${kind} watcher of ${job.id}: no end after ${seen.length} events`
      const before = seen.length
      await this.#follow(at, job.id, { kind, seen, deadlineMs })
      if (seen.at(-1)?.type === 'ended') break
      this.#breakCount++
      // Its daemon has not heard of the job yet, or is too busy: as the command line does, it asks again.
      if (seen.length === before) await sleep(250)
    }
    const log = await this.#log(job)
    const [had, is] = [seen, log].map((events) => JSON.stringify(events))
    return had === is ? undefined : `${kind} watcher of ${job.id} had ${had} where the log is ${is}`
  }

  /** Reads one stream of events to its end, or to where it breaks off. */
  #follow(
    at: Member,
    id: string,
    { kind, seen, deadlineMs }: { kind: WatcherKind; seen: Event[]; deadlineMs: number },
  ): Promise<void> {
    const path = `/aem/jobs/${id}/events?from=${(seen.at(-1)?.number ?? 0) + 1}&follow=true`
    return new Promise((resolve) => {
      const askedMs = Date.now()
      const outgoing = request({ ...socketOf(at.machine.dataDir), path, agent: false })
      const timer = setTimeout(() => outgoing.destroy(), deadlineMs - performance.now())
      const end = (): void => {
        clearTimeout(timer)
        outgoing.destroy()
        resolve()
      }
      outgoing.on('error', end)
      outgoing.on('response', (incoming) => {
        incoming.on('error', end)
        if (incoming.statusCode !== 200) return end()
        const openedMs = Date.now()
        if (kind === 'early') this.#opensMs.push(openedMs - askedMs)
        let count = 0
        const lines = createInterface({ input: incoming })
        lines.on('error', end)
        lines.on('close', end)
        lines.on('line', (line) => {
          if (kind === 'broken' && count === 2) return
          const event = JSON.parse(line) as Event
          seen.push(event)
          count++
          if (event.atMs > openedMs) this.#latenciesMs.push(Date.now() - event.atMs)
          if (kind === 'broken' && count === 2) end()
        })
      })
      outgoing.end()
    })
  }

  async #log({ id, controller }: CrowdJob): Promise<Event[]> {
    const { text } = await askRaw(socketOf(controller.machine.dataDir), `/aem/jobs/${id}/events`)
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Event)
  }

  /** How many jobs each user has, asked at any node. */
  async #listed(users: readonly User[]): Promise<number[]> {
    const expected = (index: number): number => Math.ceil((this.#options.jobCount - index) / this.#options.userCount)
    const counts: number[] = []
    for (const [index, { id }] of users.entries()) {
      const socket = socketOf(this.#member().machine.dataDir)
      let count = 0
      await until('all jobs of a user are listed', async () => {
        const { body } = await askRaw(socket, `/aem/jobs?user=${id}&all=true`)
        count = body.jobs?.length ?? 0
        return count === expected(index)
      }).catch(() => {})
      counts.push(count)
    }
    return counts
  }

  async #lookAtMetrics(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#readMetrics()
      await sleep(2_000)
    }
  }

  async #readMetrics(): Promise<void> {
    const texts = await Promise.all(
      this.#grid.map(
        async ({ machine }) => (await new DaemonClient(machine).ask('/metrics').catch(() => undefined))?.text ?? '',
      ),
    )
    for (const name of METRICS) {
      const values = texts.map((text) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? 0))
      const known = this.#metrics.get(name) ?? { max: 0, sum: 0 }
      const [max, sum] = [Math.max(...values), values.reduce((total, value) => total + value, 0)]
      this.#metrics.set(name, { max: Math.max(known.max, max), sum: Math.max(known.sum, sum) })
    }
  }

  #member(except?: Member): Member {
    const others = this.#grid.filter((member) => member !== except)
    return others[this.#rng.below(others.length)]!
  }
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`
}

import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRng, type Rng } from '../../overlay/index.ts'
import { DaemonClient } from './daemon.ts'
import { Machine, until } from './machine.ts'

/** What a run of torture found; `faults` is empty where every promise was kept. */
export interface TortureReport {
  readonly kills: number
  readonly acknowledged: number
  readonly unacknowledged: number
  readonly faults: readonly string[]
}

export interface TortureOptions {
  readonly seed: number
  readonly forMs: number
  readonly say?: (line: string) => void
}

/** How long a daemon lives before it is killed: often less than a job takes to be placed. */
const LIFE_MS_MAX = 1_500
const JOBS_AT_ONCE = 3
const SETTLED_MS_MAX = 60_000

interface Submitted {
  readonly token: string
  readonly exitCode: number
  /** Where the submission was acknowledged. */
  id?: string
}

/**
 * Kills a daemon with SIGKILL at random moments while jobs are submitted to it and run on it. Afterwards every acknowledged job
 * has ended with its own exit code, or says why it is lost, and no unit has begun twice: each appends its token to one file.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const machine = new Machine()
  try {
    return await new Torture(machine, options).run()
  } finally {
    await machine.end()
  }
}

class Torture {
  readonly #machine: Machine
  readonly #client: DaemonClient
  readonly #rng: Rng
  readonly #options: TortureOptions
  readonly #jobs: Submitted[] = []
  readonly #starts: string
  #isOver = false

  constructor(machine: Machine, options: TortureOptions) {
    this.#machine = machine
    this.#client = new DaemonClient(machine)
    this.#rng = seededRng(options.seed)
    this.#options = options
    this.#starts = join(machine.home, 'starts')
  }

  async run(): Promise<TortureReport> {
    const { forMs, say = () => {} } = this.#options
    let daemon: ChildProcess = await this.#machine.up()
    const submitting = Array.from({ length: JOBS_AT_ONCE }, () => this.#submitAgainAndAgain())
    const untilMs = performance.now() + forMs
    let kills = 0
    while (performance.now() < untilMs) {
      await sleep(this.#rng.below(LIFE_MS_MAX))
      await this.#machine.kill(daemon)
      kills++
      say(`killed ${kills} times, ${this.#jobs.filter(({ id }) => id).length} jobs acknowledged`)
      daemon = await this.#machine.up()
    }
    this.#isOver = true
    await Promise.all(submitting)
    const faults = await this.#faults()
    const acknowledged = this.#jobs.filter(({ id }) => id !== undefined).length
    return { kills, acknowledged, unacknowledged: this.#jobs.length - acknowledged, faults }
  }

  async #submitAgainAndAgain(): Promise<void> {
    while (!this.#isOver) {
      const job: Submitted = { token: `t${this.#jobs.length}`, exitCode: this.#rng.below(100) }
      this.#jobs.push(job)
      const file = join(this.#machine.home, `${job.token}.yaml`)
      const { token, exitCode } = job
      writeFileSync(file, `run: echo ${token} >> ${this.#starts}; sleep 0.${this.#rng.below(10)}; exit ${exitCode}\n`)
      const { status, stdout } = await this.#machine.run('submit', file)
      if (status === 0) job.id = stdout.trim()
    }
  }

  async #faults(): Promise<string[]> {
    const faults: string[] = []
    const { jobs } = (await this.#client.ask('/aem/jobs?all=true')).body
    const known = new Set<string>(jobs.map(({ id }: { id: string }) => id))
    for (const { id, exitCode } of this.#jobs) {
      if (id === undefined) continue
      if (!known.has(id)) faults.push(`${id} was acknowledged and is not there`)
      else faults.push(...(await this.#faultsOf(id, exitCode)))
    }
    // Also of jobs whose acknowledgement was lost: they may have run, once.
    const started = existsSync(this.#starts) ? readFileSync(this.#starts, 'utf8').trim().split('\n') : []
    const counts = Map.groupBy(started, (token) => token)
    for (const [token, starts] of counts) if (starts.length > 1) faults.push(`${token} began ${starts.length} times`)
    return faults
  }

  async #faultsOf(id: string, exitCode: number): Promise<string[]> {
    const isOver = async (): Promise<boolean> =>
      ['done', 'failed', 'cancelled', 'timeout', 'lost'].includes((await this.#client.job(id)).state)
    try {
      await until(`${id} is over`, isOver, SETTLED_MS_MAX)
    } catch {
      const { state, reason } = await this.#client.job(id)
      return [`${id} is ${state} still: ${reason}`]
    }
    const job = await this.#client.job(id)
    const expected = exitCode === 0 ? 'done' : 'failed'
    if (job.state === expected && job.exitCode === exitCode) return []
    return [`${id} should be ${expected} with ${exitCode}, and is ${job.state} with ${job.exitCode}: ${job.reason}`]
  }
}

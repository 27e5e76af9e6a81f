import { setTimeout as sleep } from 'node:timers/promises'
import { InternetGrid, namesOf, type Inhabitant } from './internet-grid.ts'
import { until } from './machine.ts'

/** What a run of partition found; `faults` is empty where every promise was kept. */
export interface PartitionReport {
  readonly daemonsCount: number
  readonly cutMs: number
  /** From the cut until each half believed the other gone, and from the healing until all saw all, in views and in answers. */
  readonly partedMs: number
  readonly wholeMs: number
  readonly answeredMs: number
  /** Commands that the group acknowledged during the cut, and jobs that ran. */
  readonly acknowledgedCount: number
  readonly jobsCount: number
  readonly faults: readonly string[]
}

export interface PartitionOptions {
  /** Daemons in each half; 3 at the least. */
  readonly halfCount: number
  readonly cutMs: number
  readonly say?: (line: string) => void
}

/** After healing everybody sees everybody within this. */
const WHOLE_MS_MAX = 30_000
/** What a command to the group may take where its majority is, and how long one is tried where it is not. */
const COMMAND_MS = 10_000
const REFUSED_MS = 3_000
const PAUSE_MS = 1_000

/**
 * Cuts a grid of real daemons in two halves for a while. Each half goes on by itself: it finds and runs jobs on its own nodes, and the
 * group that has three of five members in the one half commits there, and refuses in the other. Healed, all see all again, and the group has
 * one history: all that was acknowledged, in its order.
 */
export async function partition(options: PartitionOptions): Promise<PartitionReport> {
  const grid = await InternetGrid.of(2 * options.halfCount)
  try {
    return await new Partition(grid, options).run()
  } finally {
    await grid.end()
  }
}

class Partition {
  readonly #grid: InternetGrid
  readonly #options: PartitionOptions
  readonly #halves: readonly [readonly Inhabitant[], readonly Inhabitant[]]
  readonly #faults: string[] = []
  /** Texts of commands that were acknowledged, in their order. */
  readonly #acknowledged: string[] = []
  #jobsCount = 0

  constructor(grid: InternetGrid, options: PartitionOptions) {
    this.#grid = grid
    this.#options = options
    const { members } = grid
    this.#halves = [members.slice(0, options.halfCount), members.slice(options.halfCount)]
  }

  async run(): Promise<PartitionReport> {
    const [one, other] = this.#halves
    const { internet, members } = this.#grid
    await this.#makeGroup([...one.slice(0, 3), ...other.slice(0, 2)])
    await this.#append(one[0]!, 'before')

    this.#say(`${members.length} daemons are one grid; cut`)
    const cutAtMs = performance.now()
    const end = cutAtMs + this.#options.cutMs
    internet.cut(
      one.map(({ host }) => host),
      other.map(({ host }) => host),
    )
    const parted = this.#halves.map((half) => until('each half is by itself', () => this.#grid.agree(half), 60_000))
    await Promise.all(parted)
    const partedMs = performance.now() - cutAtMs
    this.#say(`parted after ${seconds(partedMs)}`)
    await Promise.all([...this.#halves.map((half) => this.#work(half, end)), this.#commit(end), this.#beRefused(end)])

    internet.heal()
    const healedAtMs = performance.now()
    this.#say('healed')
    const wholeMs = await this.#untilOf('all see all', healedAtMs, () => this.#grid.isWhole())
    const answeredMs = await this.#untilOf('queries return all', healedAtMs, () => this.#grid.answersWhole())
    await this.#compareHistories()
    return {
      daemonsCount: members.length,
      cutMs: this.#options.cutMs,
      partedMs: Math.round(partedMs),
      wholeMs,
      answeredMs,
      acknowledgedCount: this.#acknowledged.length,
      jobsCount: this.#jobsCount,
      faults: this.#faults,
    }
  }

  async #makeGroup(members: readonly Inhabitant[]): Promise<void> {
    const [first] = members
    await first!.machine.ask('/notes/create', { name: 'cut', members: members.map(({ id }) => id) })
    await until('all five are voters', async () => {
      const { groups } = await first!.machine.ask('/notes/list', {})
      return groups[0]?.configuration.voters.length === members.length
    })
  }

  /** Queries and jobs of one half. */
  async #work(half: readonly Inhabitant[], untilMs: number): Promise<void> {
    for (let turn = 0; performance.now() < untilMs; turn++) {
      const member = half[turn % half.length]!
      const found = await this.#grid.found(member)
      if (found.join() !== namesOf(half).join()) this.#fault(`${member.name} found ${found.join(' ')}`)
      const { status, stderr } = await member.machine.run('run', '--', 'true')
      this.#jobsCount++
      if (status !== 0) this.#fault(`a job at ${member.name} ended with ${status}: ${stderr}`)
      await sleep(PAUSE_MS)
    }
  }

  async #commit(untilMs: number): Promise<void> {
    const [half] = this.#halves
    for (let turn = 0; performance.now() < untilMs; turn++) {
      await this.#append(half[turn % half.length]!, `${turn}`)
      await sleep(PAUSE_MS)
    }
  }

  async #append({ name, machine }: Inhabitant, text: string): Promise<void> {
    const command = { type: 'append', key: 'k', text: `${text} ` }
    const reply = await machine.ask('/notes/execute', { name: 'cut', command, timeoutMs: COMMAND_MS })
    if (reply.text === undefined) this.#fault(`the group refused ${text} from ${name}: ${JSON.stringify(reply)}`)
    else this.#acknowledged.push(text)
  }

  /** Asks where most members are not: every answer is an error of the group's. */
  async #beRefused(untilMs: number): Promise<void> {
    const [, half] = this.#halves
    for (let turn = 0; performance.now() + REFUSED_MS < untilMs; turn++) {
      const { name, machine } = half[turn % half.length]!
      const command = { type: 'put', key: 'lost', text: 'lost' }
      const asked = { name: 'cut', timeoutMs: REFUSED_MS }
      const wrote = await machine.ask('/notes/execute', { ...asked, command })
      const read = await machine.ask('/notes/read', { ...asked, key: 'k' })
      for (const { code, text } of [wrote, read])
        if (code !== 'GROUP_UNREACHABLE') this.#fault(`the group answered ${name} in the minority: ${code ?? text}`)
      await sleep(PAUSE_MS)
    }
  }

  async #compareHistories(): Promise<void> {
    await this.#append(this.#halves[1][0]!, 'after')
    const expected = this.#acknowledged.map((text) => `${text} `).join('')
    for (const { name, machine } of this.#grid.members) {
      const { text } = await machine.ask('/notes/read', { name: 'cut', key: 'k', timeoutMs: COMMAND_MS })
      if (text !== expected) this.#fault(`${name} reads ${text} where ${expected} was acknowledged`)
    }
    await until('all members have applied the same', async () => {
      const lists = await Promise.all(this.#grid.members.map(({ machine }) => machine.ask('/notes/list', {})))
      const indices = lists.flatMap(({ groups }) => groups.map(({ appliedIndex }: any) => appliedIndex))
      return indices.length === 5 && new Set(indices).size === 1
    })
  }

  async #untilOf(what: string, sinceMs: number, holds: () => Promise<boolean>): Promise<number> {
    await until(what, holds, 3 * WHOLE_MS_MAX)
    const tookMs = Math.round(performance.now() - sinceMs)
    this.#say(`${what} after ${seconds(tookMs)}`)
    if (tookMs > WHOLE_MS_MAX) this.#fault(`it took ${seconds(tookMs)} until ${what}`)
    return tookMs
  }

  #fault(text: string): void {
    this.#say(`fault: ${text}`)
    this.#faults.push(text)
  }

  #say(line: string): void {
    this.#options.say?.(line)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

import { RoostError } from '../../overlay/error/index.ts'
import { sample, type PeerId } from '../../overlay/env/index.ts'
import { findNonlinearizable, type Operation } from '../history/index.ts'
import { quantile } from '../metrics/index.ts'
import { ReplicaGrid, type Group, type User } from './replica-grid.ts'
import { registerModel, type RegisterInput } from './replica-register.ts'
import type { Scenario } from './scenario.ts'

const CYCLE_MS = 5_000
/** A machine that lost its power is back after this. */
const AWAY_MS = 12_000
/** What a user of a group waits at most before the next operation. */
const BREAK_MS = 100
const OPERATION_MS = 10_000
/** A group that answers none of its users for longer is away. */
const ANSWER_MS = 1_000
/** So many cycles ask for one key, longer than machines are away; what was never answered on it makes its history slow to judge. */
const CYCLES_A_KEY = 5
const MEMBERS_COUNT = 3
const FORMING_MS = 30_000
const CALM_CYCLES = 4

/**
 * Replica groups of three on many machines, each asked by two users all the time. Machines lose their power, leaders first; then the network
 * is in two halves for a while; then some die at once and come back. What groups answered is judged as one history: it must be
 * linearizable, whatever happened.
 */
export const replica: Scenario = {
  name: 'replica',
  summary:
    'machines with replica groups lose their power, and the network splits: do groups go on, and is what they say true',
  nodes: { min: 3, max: 3_000, default: 30 },
  settings: { cycles: '30', kill: '0.3@20', latency: 'uniform:1-10', loss: '0.01' },

  async play({ simulation, nodesCount, settings, progress }) {
    const cycles = settings.cycles!
    const figures = new ReplicaFigures()
    const grid = new ReplicaGrid(simulation, { nodesCount, membersCount: MEMBERS_COUNT }, (at, event) => {
      if (event.type !== 'leading') return
      figures.led(event.group, event.term, at, simulation.nowMs)
      const { broken } = figures
      simulation.demand('a term has one leader', broken === undefined, broken ?? '')
    })
    const { groups } = grid
    await simulation.until(() => groups.every((group) => grid.commitIndex(group) > MEMBERS_COUNT), FORMING_MS)
    progress(`${groups.length} groups on ${nodesCount} machines`)

    let isOver = false
    const beganMs = simulation.nowMs
    const cycle = (): number => 1 + Math.floor((simulation.nowMs - beganMs) / CYCLE_MS)
    const watches = groups.map((group) => new GroupWatch(group, simulation.nowMs))
    const operating = watches.flatMap((watch) =>
      watch.group.users.map((user) => watch.operate(user, { isOver: () => isOver, cycle })),
    )
    const crash = (id: PeerId): void => {
      if (!simulation.isUp(id)) return
      for (const { name } of groups) if (grid.leads(id, name)) figures.lost(name, simulation.nowMs)
      grid.crash(id)
      figures.crashCount++
      simulation.act(AWAY_MS, () => grid.restart(id))
    }
    const third = Math.max(1, Math.floor((cycles - CALM_CYCLES) / 3))
    for (let number = 1; number <= cycles; number++) {
      const mayCrash = number <= third || (number > 2 * third && number <= cycles - CALM_CYCLES)
      if (mayCrash) {
        // A leader of one group, and any machine of another: two of three members are hardly ever away at once.
        const [one] = sample(groups, 1, simulation.chance)
        const leader = one!.members.find((id) => grid.leads(id, one!.name))
        if (leader !== undefined) crash(leader)
      }
      if (number === third + 1) {
        simulation.network.partition([sample(simulation.ids, simulation.ids.length >> 1, simulation.chance)])
        progress('split')
      } else if (number === 2 * third + 1) {
        simulation.network.heal()
        progress('healed')
      }
      if (number === settings.kill?.cycle) {
        const doomed = sample(grid.ids, Math.floor(settings.kill.share * nodesCount), simulation.chance)
        for (const id of doomed) crash(id)
        progress(`${doomed.length} lose their power`)
      }
      await simulation.run(CYCLE_MS)
    }
    simulation.network.heal()
    isOver = true
    let isSettled = false
    void Promise.all(operating).then(() => (isSettled = true))
    await simulation.until(() => isSettled, 2 * OPERATION_MS)
    simulation.demand('every operation ends', isSettled, 'a user still waits')
    for (const watch of watches) watch.end(simulation.nowMs)
    for (const { history, group } of watches) {
      const broken = findNonlinearizable(history, registerModel)
      simulation.demand('linearizability', broken === undefined, `${group.name}: ${broken}`)
    }
    if (cycles > 2 * CALM_CYCLES + (settings.kill?.cycle ?? 0))
      for (const { isAway, group } of watches)
        simulation.demand('a group whose members are back answers', !isAway, `${group.name} is silent`)
    const operations = watches.flatMap(({ history }) => history)
    const tookMs = watches.flatMap((watch) => watch.tookMs)
    const lastedMs = groups.length * (simulation.nowMs - beganMs)
    return {
      replica: {
        groups: groups.length,
        crashes: figures.crashCount,
        commits: groups.reduce((sum, group) => sum + grid.commitIndex(group), 0),
        operations: operations.length,
        answered: operations.filter(({ output }) => output !== undefined).length,
        linearizable: 'yes',
        takeovers: figures.takeoverMs.length,
        takeoverMs: { p50: quantile(figures.takeoverMs, 0.5), p99: quantile(figures.takeoverMs, 0.99) },
        operationMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
        unavailableShare: watches.reduce((sum, { awayMs }) => sum + awayMs, 0) / lastedMs,
      },
    }
  },
}

/** Who led what, and how long a group whose leader was lost had none. */
class ReplicaFigures {
  readonly takeoverMs: number[] = []
  crashCount = 0
  /** Two leaders of one term, in words. */
  broken: string | undefined
  readonly #leaders = new Map<string, PeerId>()
  readonly #lostMs = new Map<string, number>()

  lost(group: string, nowMs: number): void {
    this.#lostMs.set(group, nowMs)
  }

  led(group: string, term: number, id: PeerId, nowMs: number): void {
    const place = `${group} in term ${term}`
    const other = this.#leaders.get(place)
    if (other !== undefined && other !== id) this.broken = `${other} and ${id} lead ${place}`
    this.#leaders.set(place, id)
    const lostMs = this.#lostMs.get(group)
    if (lostMs !== undefined) this.takeoverMs.push(nowMs - lostMs)
    this.#lostMs.delete(group)
  }
}

/** What one group was asked and answered. */
class GroupWatch {
  readonly group: Group
  readonly history: Operation<RegisterInput, number>[] = []
  readonly tookMs: number[] = []
  /** For how long in all nothing was answered, beyond `ANSWER_MS` each time. */
  awayMs = 0
  #answeredMs: number
  #endMs = Infinity
  #moment = 0
  #lastValue = 0

  constructor(group: Group, nowMs: number) {
    this.group = group
    this.#answeredMs = nowMs
  }

  /** Nothing has been answered for as long as an operation is waited for. */
  get isAway(): boolean {
    return this.#endMs - this.#answeredMs > OPERATION_MS + ANSWER_MS
  }

  end(nowMs: number): void {
    this.#endMs = nowMs
    this.awayMs += Math.max(0, nowMs - this.#answeredMs - OPERATION_MS)
  }

  /** One operation after another, each with a value that no other has. */
  async operate(user: User, story: { isOver(): boolean; cycle(): number }): Promise<void> {
    const { env } = user
    while (!story.isOver()) {
      const key = `key ${Math.floor(story.cycle() / CYCLES_A_KEY)}`
      await this.#ask(user, key, env.rng.below(2) === 0 ? 'read' : ++this.#lastValue)
      await env.sleep(BREAK_MS * env.rng.real())
    }
  }

  async #ask({ client, env }: User, key: string, input: RegisterInput): Promise<void> {
    const call = this.#moment++
    const calledMs = env.nowMs
    const options = { timeoutMs: OPERATION_MS }
    const note = (output: number | undefined): void => {
      this.history.push({ key, input, output, call, return: this.#moment++ })
    }
    try {
      note(
        input === 'read' ? await client.read({ key }, options) : await client.execute({ key, value: input }, options),
      )
      this.awayMs += Math.max(0, env.nowMs - this.#answeredMs - ANSWER_MS)
      this.#answeredMs = env.nowMs
      this.tookMs.push(env.nowMs - calledMs)
    } catch (thrown) {
      if (!(thrown instanceof RoostError)) throw thrown
      if (!thrown.certain && input !== 'read') note(undefined)
    }
  }
}

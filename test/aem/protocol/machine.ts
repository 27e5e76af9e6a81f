import { RoostError, type CallEnv, type PeerId, type Rng } from '../../../overlay/index.ts'
import type {
  Governor,
  GovernorStore,
  JobEvent,
  JobId,
  JobStore,
  Launcher,
  UnitEvent,
  UnitExit,
  UnitId,
  UnitOrder,
  UnitStore,
} from '../../../aem/protocol/index.ts'
import type { Simulation } from '../../../sim/engine/index.ts'

export interface MachineBugs {
  /** Processes are started again by a second start, and logs forget that they were. */
  readonly amnesia?: boolean
  /** The job store acknowledges before anything is on disk. */
  readonly lyingDisk?: boolean
}

/** The time and chance of the daemon's life that a store or launcher belongs to: nothing of it goes on after a crash. */
type MachineTime = Pick<CallEnv<never, never>, 'sleep' | 'rng'>

interface Process {
  readonly order: UnitOrder
  exit: UnitExit | undefined
}

/** What a machine keeps while its daemon comes and goes: two stores and the processes, which run on without it. */
export class Machine {
  readonly cores: number
  readonly jobLogs = new Map<JobId, JobEvent[]>()
  readonly unitLogs = new Map<UnitId, UnitEvent[]>()
  readonly governors = new Map<PeerId, Governor>()
  readonly processes = new Map<UnitId, Process>()
  /** Every process that ever began, in order. */
  readonly started: UnitOrder[] = []
  readonly #sim: Simulation
  readonly #rng: Rng
  readonly #bugs: MachineBugs
  #life = 0
  #onExit: (unitId: UnitId, exit: UnitExit) => void = () => undefined

  constructor(sim: Simulation, cores: number, rng: Rng, bugs: MachineBugs) {
    this.#sim = sim
    this.cores = cores
    this.#rng = rng
    this.#bugs = bugs
  }

  get running(): UnitOrder[] {
    return [...this.processes.values()].filter((process) => process.exit === undefined).map((process) => process.order)
  }

  /** A daemon begins: its stores and launcher are gone with it, what they wrote and started is not. */
  begin(
    env: MachineTime,
    onExit: (unitId: UnitId, exit: UnitExit) => void,
  ): { jobs: JobStore; units: UnitStore; governors: GovernorStore; launcher: Launcher } {
    const life = ++this.#life
    this.#onExit = (unitId, exit) => {
      if (this.#life === life) onExit(unitId, exit)
    }
    return {
      jobs: this.#store(env, this.jobLogs, { isLying: this.#bugs.lyingDisk === true }),
      units: this.#store(env, this.unitLogs, { drops: this.#bugs.amnesia ? ['starting', 'started'] : [] }),
      governors: this.#governorStore(env),
      launcher: this.#launcher(env),
    }
  }

  loseProcesses(): void {
    this.#life++
    for (const process of this.processes.values())
      process.exit ??= { kind: 'vanished', reason: 'the machine lost its power' }
  }

  /** An append takes a moment before it lands and another before it is known to have. */
  #store<Id extends string, Event extends { number: number; type: string }>(
    env: MachineTime,
    logs: Map<Id, Event[]>,
    { isLying = false, drops = [] }: { isLying?: boolean; drops?: string[] },
  ): {
    append: (id: Id, events: readonly Event[]) => Promise<void>
    read: (id: Id, from: number) => Promise<Event[]>
    list: () => Promise<Id[]>
    remove: (id: Id) => Promise<void>
  } {
    const moment = (): Promise<void> => env.sleep(env.rng.below(40) / 10)
    const write = (id: Id, events: readonly Event[]): void => {
      const log = logs.get(id) ?? []
      for (const event of events) if (!drops.includes(event.type)) log[event.number - 1] = structuredClone(event)
      logs.set(id, log)
    }
    return {
      append: async (id, events) => {
        if (isLying) {
          env.sleep(3_000).then(
            () => write(id, events),
            () => undefined,
          )
          return
        }
        await moment()
        if (env.rng.below(100) === 0) throw new RoostError('DISK_FULL', 'no space left')
        write(id, events)
        await moment()
        if (env.rng.below(100) === 0) throw new RoostError('STORE_FAILED', 'written, but nobody knows')
      },
      read: async (id, from) => {
        await moment()
        return (logs.get(id) ?? []).filter((event) => event.number >= from).map((event) => structuredClone(event))
      },
      list: async () => [...logs.keys()],
      remove: async (id) => {
        logs.delete(id)
      },
    }
  }

  #governorStore(env: MachineTime): GovernorStore {
    return {
      put: async (governor) => {
        await env.sleep(env.rng.below(40) / 10)
        this.governors.set(governor.home, governor)
      },
      list: async () => [...this.governors.values()],
      remove: async (home) => void this.governors.delete(home),
    }
  }

  #launcher(env: MachineTime): Launcher {
    const recovered = (): { order: UnitOrder; state: 'running' | 'exited'; exit?: UnitExit }[] =>
      [...this.processes.values()].map(({ order, exit }) =>
        exit ? { order, state: 'exited', exit } : { order, state: 'running' },
      )
    return {
      start: async (order) => {
        await env.sleep(env.rng.below(30))
        if (this.processes.has(order.unitId) && !this.#bugs.amnesia) return
        this.#begin(order)
        await env.sleep(env.rng.below(10))
      },
      signal: async (unitId, signal) => {
        await env.sleep(1)
        this.#end(unitId, { kind: 'signalled', signal })
      },
      recover: async () => {
        await env.sleep(1)
        return this.#bugs.amnesia ? [] : recovered()
      },
      forget: async (unitId) => {
        this.processes.delete(unitId)
      },
    }
  }

  /** `run` says what the process does: `exit CODE after MS`. */
  #begin(order: UnitOrder): void {
    const [, code, ms] = /^exit (\d+) after (\d+)$/.exec(String(order.run))!
    this.started.push(order)
    const process: Process = { order, exit: undefined }
    this.processes.set(order.unitId, process)
    const afterMs = Number(ms) * (0.5 + this.#rng.real())
    const { timeMs = Infinity } = order.limits
    const exit: UnitExit = afterMs < timeMs ? { kind: 'exited', code: Number(code) } : { kind: 'timeout' }
    this.#sim.act(Math.min(afterMs, timeMs), () => this.#end(order.unitId, exit))
  }

  #end(unitId: UnitId, exit: UnitExit): void {
    const process = this.processes.get(unitId)
    if (!process || process.exit) return
    process.exit = exit
    this.#onExit(unitId, exit)
  }
}

import {
  RoostError,
  seededRng,
  shape,
  type CallEnv,
  type CallWire,
  type PeerId,
  type Plain,
} from '../../../overlay/index.ts'
import {
  jobIdOf,
  JobFeed,
  JobService,
  jobWire,
  publicEvent,
  SUBMIT_ACTION,
  type CheckStatement,
  type FeedSource,
  type JobEvent,
  type JobId,
  type JobPorts,
  type JobReply,
  type JobRequest,
  type JobView,
  type NodesPort,
} from '../../../aem/protocol/index.ts'
import { Simulation, uniformLatency, type NodeHost } from '../../../sim/engine/index.ts'
import { GridBoards } from './grid-boards.ts'
import { Machine, type MachineBugs } from './machine.ts'

/** Planted mistakes, each of which one invariant must notice. */
export interface Bugs extends MachineBugs {
  /** Nodes promise this many times what they have. */
  readonly boast?: number
  /** A controller takes every answer to `confirm` for a yes. */
  readonly blindFaith?: boolean
  /** Exit codes are changed on their way. */
  readonly garbledExits?: boolean
  /** Only the first unit of a gang is told to start, the others to stop. */
  readonly halfStarts?: boolean
  /** Nodes are never told that a unit is not wanted, but for cancelled jobs. */
  readonly neverLetGo?: boolean
  /** Who holds a board takes what it sends to the group for written. */
  readonly hastyBoards?: boolean
  /** A watcher's reads leave an event out. */
  readonly shortReads?: boolean
}

export interface GridOptions {
  readonly seed: number
  readonly machineCount: number
  readonly cores: number
  readonly lossShare?: number
  readonly duplicateShare?: number
  readonly bugs?: Bugs
  /** Jobs are kept by replica groups of three, not by one node's disk. */
  readonly boards?: boolean
}

/** How a job is watched: from when on, and after which time its watcher breaks off and goes on with another feed, again and again. */
export interface Watching {
  readonly lateMs?: number
  readonly cutMs?: number
  /** Who submits it. */
  readonly user?: string
}

/** Who submits everything, unless it is said otherwise. */
export const USER = '12D3KooWJ2sZ9LSRm3Hnkuser11111111111111111111111111'

/** A grid of machines on virtual time whose daemons can be killed while their processes run on, with all that they keep on disks. */
export class JobGrid {
  readonly sim: Simulation
  readonly machines = new Map<PeerId, Machine>()
  readonly services = new Map<PeerId, JobService>()
  /** Submissions that were acknowledged, with the node that did. */
  readonly acknowledged = new Map<JobId, PeerId>()
  readonly feeds = new Map<JobId, JobEvent[]>()
  readonly troubles: string[] = []
  readonly #bugs: Bugs
  readonly #options: GridOptions
  readonly #boards: GridBoards | undefined
  readonly #watchers = new Map<PeerId, Set<(node: { id: PeerId; state: string }) => void>>()
  /** What processes of a machine that stands still would tell its daemon. */
  readonly #paused = new Map<PeerId, (() => void)[]>()
  readonly #feedsOpen = new Map<JobId, JobFeed>()
  #watcherEnv!: CallEnv<unknown, unknown>
  #sides: readonly (readonly PeerId[])[] = []
  #statementCount = 0

  constructor(options: GridOptions) {
    this.#options = options
    this.#bugs = options.bugs ?? {}
    this.sim = new Simulation({
      seed: options.seed,
      passage: 'strict',
      latency: uniformLatency({ minMs: 0.5, maxMs: 20 }),
      lossShare: options.lossShare ?? 0,
      duplicateShare: options.duplicateShare ?? 0,
      replay: `ROOST_SEED=${options.seed} vitest run test/aem/protocol/simulation.test.ts`,
    })
    this.#boards = options.boards
      ? new GridBoards(this.sim, { isHasty: options.bugs?.hastyBoards === true })
      : undefined
    this.sim.addNode({ mount: (node) => (this.#watcherEnv = node.serve(quietWire, { answer: () => null })) })
    for (let index = 0; index < options.machineCount; index++) this.#addMachine()
    this.#boards?.place(this.ids)
  }

  get ids(): PeerId[] {
    return [...this.machines.keys()]
  }

  crash(id: PeerId): void {
    if (!this.sim.isUp(id)) return
    this.#boards?.crash(id)
    this.sim.crash(id)
    this.#paused.delete(id)
    this.services.delete(id)
    this.#watchers.delete(id)
    this.#tellOthers(id, 'dead', 2_000)
  }

  restart(id: PeerId): void {
    if (this.sim.isUp(id)) return
    this.sim.restart(id)
    this.#tellOthers(id, 'alive', 300)
  }

  /** The daemon stands still for a while, and goes on as if nothing had been. */
  pause(id: PeerId, forMs: number): void {
    if (!this.sim.isUp(id) || this.#paused.has(id)) return
    const told: (() => void)[] = []
    this.#paused.set(id, told)
    this.sim.pause(id, 'held')
    this.sim.act(forMs, () => {
      if (this.#paused.get(id) !== told) return
      this.#paused.delete(id)
      this.sim.resume(id)
      for (const tell of told) tell()
    })
  }

  /** The machine loses its power: daemon, processes and all. */
  powerLoss(id: PeerId): void {
    this.crash(id)
    this.machines.get(id)!.loseProcesses()
  }

  partition(sides: readonly (readonly PeerId[])[]): void {
    this.#sides = sides
    this.sim.network.partition(sides)
  }

  heal(): void {
    this.#sides = []
    this.sim.network.heal()
  }

  statement(action: string, body: Plain, signer = USER): NonNullable<Plain> {
    return { action, body, signer, nonce: this.#statementCount++ }
  }

  /** A user submits at a node; what comes of it stands in `acknowledged`. Returns the id that the job will have. */
  submit(at: PeerId, description: Plain, { watched = false, ...how }: Watching & { watched?: boolean } = {}): JobId {
    const statement = this.statement(SUBMIT_ACTION, { controller: at, description, inputs: [] }, how.user)
    const jobId = jobIdOf(statement, this.#watcherEnv.crypto)
    this.sim.act(0, () => {
      this.#holderOf(at)
        ?.submit(statement)
        .then(
          () => {
            this.acknowledged.set(jobId, at)
            if (watched) this.sim.act(how.lateMs ?? 0, () => this.#watch(jobId, at, how))
          },
          () => undefined,
        )
    })
    return jobId
  }

  cancel(jobId: JobId, at: PeerId): void {
    const statement = this.statement('job.cancel', { jobId })
    this.sim.act(0, () => {
      this.#holderOf(at)
        ?.cancel(jobId, statement)
        .catch(() => undefined)
    })
  }

  view(jobId: JobId): JobView | undefined {
    return this.#holderOf(this.acknowledged.get(jobId)!)?.view(jobId)
  }

  /** What the disks have of a job. */
  logOf(jobId: JobId): readonly JobEvent[] | undefined {
    const home = this.acknowledged.get(jobId)!
    return this.#boards ? this.#boards.logOf(home, jobId) : this.machines.get(home)!.jobLogs.get(jobId)
  }

  controls(node: PeerId, home: PeerId): boolean {
    return this.services.get(node)?.tenures.some((tenure) => tenure.home === home) === true
  }

  /** Whether all members keep the jobs of a home, which this node controls itself. */
  hasWholeBoard(home: PeerId): boolean {
    return this.controls(home, home) && this.#boards!.isWhole(home)
  }

  /** Who controls the jobs of a home at the moment. */
  #holderOf(home: PeerId): JobService | undefined {
    if (!this.#boards) return this.services.get(home)
    let newest: { epoch: number; service: JobService } | undefined
    for (const service of this.services.values())
      for (const tenure of service.tenures)
        if (tenure.home === home && tenure.epoch > (newest?.epoch ?? 0)) newest = { epoch: tenure.epoch, service }
    return newest?.service
  }

  #addMachine(): void {
    const id = this.sim.drawId()
    const machine = new Machine(
      this.sim,
      this.#options.cores,
      seededRng(this.#options.seed + this.machines.size),
      this.#bugs,
    )
    this.machines.set(id, machine)
    this.sim.addNode({ id, mount: (node) => this.#mount(node, machine) })
  }

  #mount(node: NodeHost, machine: Machine): void {
    const { self } = node
    const late: { service?: JobService } = {}
    const env = node.serve(jobWire, { answer: (from, request) => late.service!.answer(from, request) })
    const life = machine.begin(env, (unitId, exit) => {
      const tell = (): void => late.service!.unitExited(unitId, exit)
      const paused = this.#paused.get(self)
      if (paused) paused.push(tell)
      else tell()
    })
    const { jobs, ...others } = life
    const ports: JobPorts = {
      ...others,
      ...(!this.#boards && { jobs }),
      nodes: this.#nodesFor(self, env),
      check: this.#check,
      capacity: { cores: this.#options.cores * (this.#bugs.boast ?? 1), memoryBytes: 2 ** 34 },
      onJobEvent: (event, view) => this.#publish(self, view.id, event),
      onTrouble: ({ about, error }) => this.troubles.push(`${about}: ${String(error)}`),
    }
    const service = (late.service = new JobService(ports))
    this.services.set(self, service)
    service
      .start(this.#buggy(env))
      .then(() => this.#boards?.keep(node, service, (about) => this.troubles.push(about)))
      .catch((thrown: unknown) => this.troubles.push(String(thrown)))
    this.#boards?.mount(node)
  }

  readonly #check: CheckStatement = (statement, action) => {
    const signed = statement as { action: string; body: Plain; signer: string }
    if (signed.action !== action) throw new RoostError('DENIED', 'signed for something else')
    return { owner: signed.signer, body: signed.body }
  }

  /** Membership as an oracle that is late; discovery as one whose live values may be stale. */
  #nodesFor(self: PeerId, env: CallEnv<JobRequest, JobReply>): NodesPort {
    return {
      get: (id) => ({ state: this.sim.isUp(id) && this.#areTogether(self, id) ? 'alive' : 'dead' }),
      watch: (listener) => {
        const listeners = this.#watchers.get(self) ?? new Set()
        this.#watchers.set(self, listeners.add(listener))
        return () => listeners.delete(listener)
      },
      find: async ({ where, count }) => {
        await env.sleep(1 + env.rng.below(20))
        const wanted = Number(/FreeCores >= (\d+)/.exec(where)![1])
        const isStale = env.rng.below(3) === 0
        const found = this.ids.filter((id) => {
          const service = this.services.get(id)
          if (!service || !this.sim.isUp(id) || !this.#areTogether(self, id)) return false
          return isStale || Number(service.attributes()['FreeCores']) >= wanted
        })
        const start = env.rng.below(found.length || 1)
        const turned = [...found.slice(start), ...found.slice(0, start)].slice(0, count)
        return { candidates: turned.map((id) => ({ id, attributes: {}, rank: 0 })), rejections: [] }
      },
    }
  }

  #areTogether(one: PeerId, other: PeerId): boolean {
    const sideOf = (id: PeerId): number => this.#sides.findIndex((side) => side.includes(id))
    return sideOf(one) === sideOf(other)
  }

  #tellOthers(id: PeerId, state: string, afterMs: number): void {
    this.sim.act(afterMs, () => {
      if (this.sim.isUp(id) !== (state === 'alive')) return
      for (const [listening, listeners] of this.#watchers)
        if (listening !== id) for (const listener of listeners) listener({ id, state })
    })
  }

  /** Pub/sub that loses, doubles and reorders. */
  #publish(controller: PeerId, jobId: JobId, event: JobEvent): void {
    const feed = this.#feedsOpen.get(jobId)
    for (let copy = feed ? this.sim.chance.below(3) : 0; copy > 0; copy--)
      this.sim.act(this.sim.chance.below(200), () => feed?.hint(controller, structuredClone(publicEvent(event))))
  }

  #watch(jobId: JobId, controller: PeerId, { cutMs }: Watching, got: JobEvent[] = []): void {
    const env = this.#watcherEnv
    const from = (got.at(-1)?.number ?? 0) + 1
    const source: FeedSource = {
      controller,
      deliver: (event) => got.push(event),
      read: async (from) => {
        await env.sleep(1 + env.rng.below(50))
        const service = this.#holderOf(controller)
        if (!service || env.rng.below(5) === 0) throw new RoostError('PEER_UNREACHABLE', 'not now')
        // The node may die over the answer; a connection then breaks sooner or later.
        const broken = env.sleep(2_000).then((): never => {
          throw new RoostError('CONNECTION_LOST', 'no answer')
        })
        const events = (await Promise.race([service.events(jobId, from), broken])).map(publicEvent)
        return this.#bugs.shortReads
          ? events.map((event) => (event.type === 'ended' ? { ...event, number: event.number - 1 } : event))
          : events
      },
    }
    const feed = new JobFeed(env, source, { from })
    this.feeds.set(jobId, got)
    this.#feedsOpen.set(jobId, feed)
    if (cutMs !== undefined)
      this.sim.act(cutMs, () => {
        feed.stop()
        if (got.at(-1)?.type !== 'ended') this.#watch(jobId, controller, { cutMs }, got)
      })
    feed.run().catch((thrown: unknown) => this.troubles.push(`feed: ${String(thrown)}`))
  }

  #buggy(env: CallEnv<JobRequest, JobReply>): CallEnv<JobRequest, JobReply> {
    const { blindFaith, garbledExits, neverLetGo, halfStarts } = this.#bugs
    if (!blindFaith && !garbledExits && !neverLetGo && !halfStarts) return env
    const call: typeof env.call = async (to, request, options) => {
      if (neverLetGo && request.type === 'stop' && !request.reason.startsWith('cancelled')) return { type: 'noted' }
      if (halfStarts && request.type === 'start' && !request.unitId.endsWith('.0'))
        return env.call(to, { type: 'stop', unitId: request.unitId, reason: 'half is enough' }, options)
      const sent = garbledExits && request.type === 'unit-report' ? garbled(request) : request
      if (blindFaith && sent.type === 'confirm')
        return env.call(to, sent, options).catch((): JobReply => ({ type: 'confirmed' }))
      const reply = await env.call(to, sent, options)
      return neverLetGo && reply.type === 'given-up' ? { type: 'noted' } : reply
    }
    return new Proxy(env, { get: (target, key) => (key === 'call' ? call : Reflect.get(target, key, target)) })
  }
}

function garbled(request: JobRequest & { type: 'unit-report' }): JobRequest {
  const events = request.events.map((event) =>
    event.type === 'exited' ? { ...event, exit: { kind: 'exited', code: 99 } as const } : event,
  )
  return { ...request, events }
}

/** The watcher's machine answers nothing; it only lends its time. */
const quietWire: CallWire<unknown, unknown> = {
  id: '/test/quiet/1',
  messageBytesMax: 1_024,
  parseRequest: (value) => shape.boolean(value, 'request'),
  parseReply: (value) => value,
}

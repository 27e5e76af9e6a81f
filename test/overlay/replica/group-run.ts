import { RoostError, pick, seededRng, type Env, type PeerId, type Protocol, type Rng } from '../../../overlay/index.ts'
import {
  GroupClient,
  MemoryDisk,
  replicaCallWire,
  Replicas,
  replicaWire,
  type GroupEnv,
  type ReplicaEvent,
  type ReplicaMessage,
  type ReplicaOptions,
  type ReplicaStatus,
  type ReplicaStorage,
  type ReplicaTimer,
  type StoredReplica,
} from '../../../overlay/replica/index.ts'
import {
  DiskTimers,
  diskWire,
  Simulation,
  uniformLatency,
  type NodeHost,
  type SimulationOptions,
} from '../../../sim/engine/index.ts'
import type { Operation } from '../../../sim/history/index.ts'
import { Notes, type NoteCommand, type NoteInput, type NoteQuery } from './notes.ts'
import { Safety } from './safety.ts'

/** What a test may put in place of a machine's parts, to see that somebody notices. */
export interface Plants {
  /** Between a replica and its disk. */
  readonly storage?: (storage: ReplicaStorage, after: (run: () => void) => void) => ReplicaStorage
  /** What a restarted replica is told that its disk has. */
  readonly stored?: (stored: StoredReplica) => StoredReplica
  /** What a replica says, on its way out. */
  readonly message?: (message: ReplicaMessage) => ReplicaMessage
  /** In place of losing a disk. */
  readonly loseDisk?: (disk: MemoryDisk) => void
}

export interface GroupRunOptions {
  readonly seed: number
  readonly machineCount: number
  /** Of these, the first members. */
  readonly memberCount: number
  readonly clientCount: number
  readonly lossShare?: number
  readonly duplicateShare?: number
  readonly options?: Partial<ReplicaOptions>
  readonly passage?: SimulationOptions['passage']
  readonly latencyMsMax?: number
  /** All machines' clocks and disks go at one rate. */
  readonly isInStep?: boolean
  /** A machine's replica leads, asks for votes, or has given one. */
  readonly onRole?: (machine: Machine, role: 'leader' | 'candidate' | 'voter') => void
  readonly replay?: string
  readonly plants?: Plants
}

export const GROUP = 'notes'

/** Everything faster and smaller than in a daemon, so that a short run has much in it. */
const SHORT: Partial<ReplicaOptions> = {
  electionMsMin: 150,
  electionMsMax: 300,
  heartbeatMs: 50,
  appendWeightMax: 400,
  windowCount: 3,
  compactWeightMin: 1_500,
  compactWeightMax: 3_000,
  logWeightMax: 6_000,
  keepWeight: 300,
  applyCountMax: 4,
}

export type NoteClient = GroupClient<NoteCommand, string, NoteQuery>

/** A machine of the run: what outlives its daemon, and what is there while that is up. */
export interface Machine {
  readonly id: PeerId
  readonly disk: MemoryDisk
  /** By how much its monotonic clock is fast. */
  readonly clockRate: number
  /** What it does otherwise than its neighbours. */
  readonly options: Partial<ReplicaOptions>
  /** The mean of a sync; reads take half. */
  syncMs: number
  isPaused: boolean
  replicas: Replicas | undefined
  notes: Notes | undefined
}

/** A group of replicas and their clients on virtual time, with everything that is promised watched. */
export class GroupRun {
  readonly sim: Simulation
  readonly safety = new Safety()
  readonly machines: Machine[] = []
  readonly clients: NoteClient[] = []
  readonly history: Operation<NoteInput, string>[] = []
  readonly events: ReplicaEvent[] = []
  readonly rng: Rng
  hasLostDisk = false
  /** Changes of members that have been asked for. */
  changesOpen = 0
  readonly #options: GroupRunOptions
  readonly #plants: Plants
  readonly #clientEnvs: GroupEnv[] = []
  #moment = 0
  #isCreated = false

  constructor(options: GroupRunOptions) {
    this.#options = options
    this.#plants = options.plants ?? {}
    this.sim = new Simulation({
      seed: options.seed,
      latency: uniformLatency({ minMs: 1, maxMs: options.latencyMsMax ?? 10 }),
      lossShare: options.lossShare ?? 0,
      duplicateShare: options.duplicateShare ?? 0,
      wallSkewMsMax: 60_000,
      passage: options.passage ?? 'plain',
      ...(options.replay !== undefined && { replay: options.replay }),
    })
    this.rng = seededRng(options.seed ^ 0x5eed)
    for (let index = 0; index < options.machineCount; index++) this.#addMachine()
    for (let index = 0; index < options.clientCount; index++) this.#addClient()
    this.sim.invariant('safety', () => this.#look())
    for (const machine of this.machines)
      this.sim.addNode({ id: machine.id, mount: (node) => this.#mount(node, machine) })
  }

  /** The machine whose replica leads in the highest term. */
  get leader(): Machine | undefined {
    let leader: Machine | undefined
    let leaderTerm = 0
    for (const machine of this.machines) {
      const status = this.status(machine)
      if (status?.role === 'leader' && status.term > leaderTerm) {
        leader = machine
        leaderTerm = status.term
      }
    }
    return leader
  }

  crash(machine: Machine): void {
    if (!this.sim.isUp(machine.id)) return
    machine.disk.crash(this.rng.below(machine.disk.queuedCount + 1))
    machine.replicas = undefined
    machine.notes = undefined
    machine.isPaused = false
    this.sim.crash(machine.id)
  }

  restart(machine: Machine): void {
    if (!this.sim.isUp(machine.id)) this.sim.restart(machine.id)
  }

  /** The machine comes back with another disk. */
  loseDisk(machine: Machine): void {
    this.crash(machine)
    if (this.#plants.loseDisk) this.#plants.loseDisk(machine.disk)
    else machine.disk.erase()
  }

  /** One operation by a client, noted in the history. Rejects with nothing: what failed may have happened or not, as its error says. */
  async operate(client: NoteClient, input: NoteInput, timeoutMs: number): Promise<boolean> {
    const call = this.#moment++
    const note = (output: string | undefined): void => {
      this.history.push({ key: input.key, input, output, call, return: this.#moment++ })
    }
    try {
      note(
        input.type === 'read'
          ? await client.read({ key: input.key }, { timeoutMs })
          : await client.execute(input, { timeoutMs }),
      )
      return true
    } catch (thrown) {
      if (!(thrown instanceof RoostError)) throw thrown
      if (!thrown.certain && input.type !== 'read') note(undefined)
      return false
    }
  }

  status(machine: Machine): ReplicaStatus | undefined {
    return machine.replicas?.status(GROUP)
  }

  /** Asks the group for another member, or one less; what comes of it is the group's own matter. */
  change(action: 'add' | 'remove', peer: PeerId): void {
    this.changesOpen++
    this.clients[0]!.change(action, peer, { timeoutMs: 1_000 })
      .catch(expected)
      .finally(() => this.changesOpen--)
  }

  /** A client's user thinks. */
  pauseClient(index: number, ms: number): Promise<void> {
    return this.#clientEnvs[index]!.sleep(ms)
  }

  handOver(to: PeerId): void {
    this.clients[0]!.handOver(to, { timeoutMs: 300 }).catch(expected)
  }

  pause(machine: Machine, network: 'held' | 'lost', forMs: number): void {
    if (!this.sim.isUp(machine.id) || machine.isPaused) return
    machine.isPaused = true
    const { replicas } = machine
    this.sim.pause(machine.id, network)
    this.sim.act(forMs, () => {
      if (machine.replicas === replicas) this.wakeUp(machine)
    })
  }

  /** Up and running, whatever it was. */
  wakeUp(machine: Machine): void {
    if (machine.isPaused) this.sim.resume(machine.id)
    machine.isPaused = false
    this.restart(machine)
  }

  #look(): string | undefined {
    for (const machine of this.machines) {
      const replica = machine.replicas?.replica(GROUP)
      if (replica) this.safety.look(machine.id, replica)
    }
    return this.safety.broken
  }

  #addMachine(): void {
    const { rng } = this
    const machine: Machine = {
      id: this.sim.drawId(),
      disk: new MemoryDisk(),
      clockRate: this.#options.isInStep ? 1 : 0.8 + 0.5 * rng.real(),
      // Now and then a leader that is slow to give up.
      options: rng.below(3) === 0 ? { electionMsMax: 1_000 } : {},
      syncMs: this.#options.isInStep ? 1 : pick([1, 10, 40], rng)!,
      isPaused: false,
      replicas: undefined,
      notes: undefined,
    }
    this.machines.push(machine)
  }

  #addClient(): void {
    this.sim.addNode({
      mount: (node) => {
        const env = node.serve(replicaCallWire, { answer: noAnswer })
        this.#clientEnvs.push(env)
        this.clients.push(
          new GroupClient<NoteCommand, string, NoteQuery>(
            {
              group: GROUP,
              env,
              resolve: async () => this.machines.map(({ id }) => id),
              reply: (value) => String(value),
            },
            { attemptMs: 200, backoffMsMin: 5, backoffMsMax: 60 },
          ),
        )
      },
    })
  }

  #mount(node: NodeHost, machine: Machine): void {
    const replicas = new Replicas({ mayManage: () => true }, { ...SHORT, ...this.#options.options, ...machine.options })
    machine.replicas = replicas
    machine.notes = undefined
    const say = (message: ReplicaMessage): ReplicaMessage => {
      if (message.type === 'ask-vote' && !message.pre) this.#options.onRole?.(machine, 'candidate')
      if (message.type === 'vote' && !message.pre && message.granted) this.#options.onRole?.(machine, 'voter')
      return this.#plants.message?.(message) ?? message
    }
    const timers = new DiskTimers()
    node.mount(diskWire, timers, () => undefined)
    const open = (stored: StoredReplica | undefined): void => {
      if (replicas.status(GROUP) === undefined && !replicas.groups.includes(GROUP))
        replicas.open(GROUP, this.#parts(node, machine, timers), stored)
    }
    node.mount(replicaWire, drifting(replicas, machine.clockRate, say), (event) => {
      this.events.push(event)
      if (event.type === 'failed' || event.type === 'refused')
        this.safety.broken ??= `${machine.id} ${event.type}: ${event.type === 'failed' ? event.error.message : event.reason}`
      if (event.type === 'invited') open(undefined)
      else if (event.type === 'leading') {
        const replica = replicas.replica(GROUP)
        if (replica?.leadership) this.safety.led(machine.id, replica)
        this.#options.onRole?.(machine, 'leader')
      }
    })
    node.serve(replicaCallWire, replicas)
    const { stored } = machine.disk
    if (stored) open(this.#plants.stored?.(stored) ?? stored)
    else if (!this.#isCreated) {
      this.#isCreated = true
      const learners = this.machines.slice(1, this.#options.memberCount).map(({ id }) => id)
      replicas.create(GROUP, this.#parts(node, machine, timers), { learners })
    }
  }

  #parts(node: NodeHost, machine: Machine, timers: DiskTimers): { service: Notes; storage: ReplicaStorage } {
    const notes = new Notes()
    machine.notes = notes
    notes.onApply = (command, { index }) => this.safety.applied(machine.id, index, command)
    const storage = machine.disk.storage({
      after: (delayMs, run) => timers.after(delayMs, run),
      delayMs: (what) => machine.syncMs * (0.5 + node.surroundings.rng.real()) * (what === 'read' ? 0.5 : 1),
    })
    const watched: ReplicaStorage = {
      readChunk: storage.readChunk,
      persist: (write, settled) => {
        const first = write.entries?.[0]
        if (first) {
          const log = machine.replicas?.replica(GROUP)?.core.log
          this.safety.wrote(write.entries!, first.index === 1 ? 0 : log?.termAt(first.index - 1))
        }
        storage.persist(write, settled)
      },
    }
    return { service: notes, storage: this.#plants.storage?.(watched, (run) => timers.after(0, run)) ?? watched }
  }
}

/** A group under faults may say no to anything. */
function expected(thrown: unknown): void {
  if (!(thrown instanceof RoostError)) throw thrown
}

function noAnswer(): never {
  throw new RoostError('PROTOCOL_UNKNOWN', 'a client answers nothing')
}

type ReplicaEnv = Env<ReplicaMessage, ReplicaTimer, ReplicaEvent>

/** The same protocol on a machine whose monotonic clock is fast, or slow. */
function drifting(
  protocol: Protocol<ReplicaMessage, ReplicaTimer, ReplicaEvent>,
  rate: number,
  say: (message: ReplicaMessage) => ReplicaMessage,
): Protocol<ReplicaMessage, ReplicaTimer, ReplicaEvent> {
  const drifted = (env: ReplicaEnv): ReplicaEnv => ({
    self: env.self,
    rng: env.rng,
    crypto: env.crypto,
    get nowMs() {
      return env.nowMs * rate
    },
    get wallMs() {
      return env.wallMs
    },
    send: (to, message) => env.send(to, say(message)),
    wakeAfter: (delayMs, timer) => env.wakeAfter(delayMs / rate, timer),
    emit: (event) => env.emit(event),
  })
  return {
    start: (env) => protocol.start(drifted(env)),
    receive: (from, message, env) => protocol.receive(from, message, env),
    wake: (timer, env) => protocol.wake(timer, env),
  }
}

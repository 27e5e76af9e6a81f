import {
  GroupClient,
  MemoryDisk,
  replicaCallWire,
  Replicas,
  replicaWire,
  sample,
  type GroupEnv,
  type PeerId,
} from '../../../overlay/index.ts'
import {
  BoardKeeper,
  boardReply,
  JobBoard,
  signMandate,
  type BoardAsker,
  type BoardCommand,
  type BoardReply,
  type BoardReplica,
  type JobEvent,
  type JobId,
  type JobService,
} from '../../../aem/protocol/index.ts'
import { DiskTimers, diskWire, type NodeHost, type Simulation } from '../../../sim/engine/index.ts'

const MEMBERS_COUNT = 3
/** A sync of a disk takes so long, and a half more by chance. */
const SYNC_MS = 2

interface Group {
  readonly name: string
  readonly home: PeerId
  readonly members: readonly PeerId[]
}

/** One daemon's replicas; gone with its life. */
interface Life {
  readonly replicas: Replicas
  readonly env: GroupEnv
  readonly boards: Map<string, JobBoard>
}

/** The boards of a simulated grid: a replica group of three for every machine's jobs, on the disks of random machines. */
export class GridBoards {
  readonly #sim: Simulation
  readonly #groups: Group[] = []
  readonly #disks = new Map<string, MemoryDisk>()
  readonly #lives = new Map<PeerId, Life>()
  readonly #founded = new Set<string>()
  readonly #isHasty: boolean

  /** `isHasty`: a planted mistake, holders hear that an append is safe before it is. */
  constructor(sim: Simulation, { isHasty = false } = {}) {
    this.#sim = sim
    this.#isHasty = isHasty
  }

  /** Chooses the members. Before this every machine has mounted once; after it, groups are made. */
  place(ids: readonly PeerId[]): void {
    for (const [index, home] of ids.entries()) {
      const others = sample(
        ids.filter((id) => id !== home),
        MEMBERS_COUNT - 1,
        this.#sim.chance,
      )
      this.#groups.push({ name: `board ${index}`, home, members: [home, ...others] })
    }
    for (const group of this.#groups) this.#sim.act(0, () => this.#create(group))
  }

  mount(node: NodeHost): void {
    const replicas = new Replicas()
    const timers = new DiskTimers()
    const boards = new Map<string, JobBoard>()
    node.mount(diskWire, timers, () => undefined)
    const parts = (name: string) => {
      const board = new JobBoard()
      boards.set(name, board)
      const delayMs = (): number => SYNC_MS * (1 + 0.5 * node.surroundings.rng.real())
      const after = (ms: number, run: () => void): void => timers.after(ms, run)
      return { service: board, storage: this.#diskOf(node.self, name).storage({ after, delayMs }) }
    }
    node.mount(replicaWire, replicas, (event) => {
      if (event.type === 'invited' && !replicas.groups.includes(event.group))
        replicas.open(event.group, parts(event.group), this.#diskOf(node.self, event.group).stored)
    })
    const env = node.serve(replicaCallWire, replicas)
    this.#lives.set(node.self, { replicas, env, boards })
    this.#partsOf.set(node.self, parts)
    for (const { name } of this.#groups) {
      const { stored } = this.#diskOf(node.self, name)
      if (stored) replicas.open(name, parts(name), stored)
    }
  }

  /** Has a service control what its node is chosen to, from now on. */
  keep(node: NodeHost, service: JobService, onTrouble: (about: string) => void): void {
    const life = this.#lives.get(node.self)!
    const clients = new Map(this.#groups.map((group) => [group.name, this.#clientOf(group, life)]))
    const replicasNow = (): BoardReplica[] =>
      this.#groups.flatMap(({ name }) => {
        const status = life.replicas.status(name)
        if (status === undefined) return []
        const board = life.boards.get(name)
        return [
          {
            name,
            isLeader: status.role === 'leader',
            board: board?.head && board,
            asker: this.#isHasty ? hasty(clients.get(name)!) : clients.get(name)!,
          },
        ]
      })
    const keeper = new BoardKeeper(service, replicasNow, {
      onTrouble: (board, error) => onTrouble(`${board}: ${String(error)}`),
    })
    const found = async (): Promise<void> => {
      const own = this.#groups.find(({ home }) => home === node.self)!
      const mandate = signMandate(node.self, own.members, node.surroundings.crypto)
      await clients.get(own.name)!.execute({ type: 'found', mandate }, { timeoutMs: 600_000 })
    }
    found().catch(() => undefined)
    keeper.run(life.env).catch(() => undefined)
  }

  crash(id: PeerId): void {
    for (const { name } of this.#groups) {
      const disk = this.#diskOf(id, name)
      disk.crash(this.#sim.chance.below(disk.queuedCount + 1))
    }
    this.#lives.delete(id)
  }

  isWhole(home: PeerId): boolean {
    const { name } = this.#groups.find((group) => group.home === home)!
    return this.#lives.get(home)?.replicas.status(name)?.configuration.voters.length === MEMBERS_COUNT
  }

  /** As the member that has applied most has it. */
  logOf(home: PeerId, jobId: JobId): readonly JobEvent[] {
    const { name } = this.#groups.find((group) => group.home === home)!
    let best: { index: number; board: JobBoard } | undefined
    for (const { replicas, boards } of this.#lives.values()) {
      const index = replicas.status(name)?.appliedIndex ?? -1
      if (index > (best?.index ?? -1)) best = { index, board: boards.get(name)! }
    }
    return best?.board.log(jobId, 1) ?? []
  }

  readonly #partsOf = new Map<
    PeerId,
    (name: string) => { service: JobBoard; storage: ReturnType<MemoryDisk['storage']> }
  >()

  #create({ name, home, members }: Group): void {
    if (this.#founded.has(name)) return
    this.#founded.add(name)
    this.#lives.get(home)!.replicas.create(name, this.#partsOf.get(home)!(name), { learners: members.slice(1) })
  }

  #clientOf({ name, members }: Group, { env, replicas }: Life): GroupClient<BoardCommand, BoardReply> {
    const resolve = async (): Promise<readonly PeerId[]> => members
    return new GroupClient({ group: name, env, resolve, reply: boardReply, local: replicas })
  }

  #diskOf(id: PeerId, name: string): MemoryDisk {
    const key = `${id} ${name}`
    const disk = this.#disks.get(key) ?? new MemoryDisk()
    this.#disks.set(key, disk)
    return disk
  }
}

function hasty(asker: BoardAsker): BoardAsker {
  return {
    execute: (command, options) => {
      const executed = asker.execute(command, options)
      if (command.type !== 'append') return executed
      executed.catch(() => undefined)
      return Promise.resolve({ epoch: command.epoch })
    },
  }
}

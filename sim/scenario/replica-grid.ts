import { RoostError } from '../../overlay/error/index.ts'
import { sample, type PeerId } from '../../overlay/env/index.ts'
import {
  GroupClient,
  MemoryDisk,
  replicaCallWire,
  Replicas,
  replicaWire,
  type GroupEnv,
  type ReplicaEvent,
  type ReplicaParts,
} from '../../overlay/replica/index.ts'
import { DiskTimers, diskWire, type NodeHost, type Simulation } from '../engine/index.ts'
import { Registers, type RegisterCommand, type RegisterQuery } from './replica-register.ts'

/** A sync of a disk takes so long, and a half more by chance; a read half of it. */
const SYNC_MS = 2

export type RegisterClient = GroupClient<RegisterCommand, number, RegisterQuery>

export interface Group {
  readonly name: string
  readonly members: readonly PeerId[]
  readonly users: readonly User[]
}

/** Who asks a group, from a node that is none of its members. */
export interface User {
  readonly client: RegisterClient
  readonly env: GroupEnv
}

/** Two: when the network is split there may be one on either side. */
const USERS_COUNT = 2

interface Machine {
  readonly id: PeerId
  /** By group. What is synced outlives the machine's lives. */
  readonly disks: Map<string, MemoryDisk>
  replicas: Replicas | undefined
}

/** Machines that keep replica groups on their disks, and the users of each group, on nodes of their own. */
export class ReplicaGrid {
  readonly groups: Group[] = []
  readonly #simulation: Simulation
  readonly #machines = new Map<PeerId, Machine>()
  readonly #founded = new Set<string>()
  readonly #onEvent: (at: PeerId, event: ReplicaEvent) => void

  constructor(
    simulation: Simulation,
    { nodesCount, membersCount }: { readonly nodesCount: number; readonly membersCount: number },
    onEvent: (at: PeerId, event: ReplicaEvent) => void,
  ) {
    this.#simulation = simulation
    this.#onEvent = onEvent
    const ids = Array.from({ length: nodesCount }, () => simulation.drawId())
    const groupsCount = Math.max(1, Math.floor(nodesCount / membersCount))
    for (let number = 1; number <= groupsCount; number++)
      this.groups.push(this.#group(`group ${number}`, sample(ids, membersCount, simulation.chance)))
    for (const id of ids) {
      const machine: Machine = { id, disks: new Map(), replicas: undefined }
      this.#machines.set(id, machine)
      simulation.addNode({ id, mount: (node) => this.#mount(node, machine) })
    }
  }

  get ids(): readonly PeerId[] {
    return [...this.#machines.keys()]
  }

  leads(id: PeerId, group: string): boolean {
    return this.#machines.get(id)!.replicas?.status(group)?.role === 'leader'
  }

  /** As far as any member knows. */
  commitIndex({ name, members }: Group): number {
    return Math.max(0, ...members.map((id) => this.#machines.get(id)!.replicas?.status(name)?.commitIndex ?? 0))
  }

  /** The power fails: of what waited for a disk a part has reached it. */
  crash(id: PeerId): void {
    if (!this.#simulation.isUp(id)) return
    const machine = this.#machines.get(id)!
    for (const disk of machine.disks.values()) disk.crash(this.#simulation.chance.below(disk.queuedCount + 1))
    machine.replicas = undefined
    this.#simulation.crash(id)
  }

  restart(id: PeerId): void {
    if (!this.#simulation.isUp(id)) this.#simulation.restart(id)
  }

  #group(name: string, members: readonly PeerId[]): Group {
    const users: User[] = []
    const resolve = async (): Promise<readonly PeerId[]> => members
    const mount = (node: NodeHost): void => {
      const env = node.serve(replicaCallWire, { answer: answersNothing })
      users.push({ client: new GroupClient({ group: name, env, resolve, reply: Number }), env })
    }
    for (let count = 0; count < USERS_COUNT; count++) this.#simulation.addNode({ mount })
    return { name, members, users }
  }

  #mount(node: NodeHost, machine: Machine): void {
    const replicas = new Replicas()
    machine.replicas = replicas
    const timers = new DiskTimers()
    node.mount(diskWire, timers, () => undefined)
    const partsOf = (group: string): ReplicaParts => ({
      service: new Registers(),
      storage: diskOf(machine, group).storage({
        after: (delayMs, run) => timers.after(delayMs, run),
        delayMs: (what) => (what === 'read' ? 0.5 : 1) * SYNC_MS * (1 + 0.5 * node.surroundings.rng.real()),
      }),
    })
    node.mount(replicaWire, replicas, (event) => {
      if (event.type === 'invited' && !replicas.groups.includes(event.group))
        replicas.open(event.group, partsOf(event.group), diskOf(machine, event.group).stored)
      this.#onEvent(machine.id, event)
    })
    node.serve(replicaCallWire, replicas)
    for (const [group, { stored }] of machine.disks) if (stored) replicas.open(group, partsOf(group), stored)
    for (const { name, members } of this.groups) {
      if (members[0] !== machine.id || this.#founded.has(name)) continue
      this.#founded.add(name)
      replicas.create(name, partsOf(name), { learners: members.slice(1) })
    }
  }
}

function diskOf({ disks }: Machine, group: string): MemoryDisk {
  const disk = disks.get(group) ?? new MemoryDisk()
  disks.set(group, disk)
  return disk
}

function answersNothing(): never {
  throw new RoostError('PROTOCOL_UNKNOWN', 'nothing is asked here')
}

import type {
  AnyService,
  ApplicationDirectory,
  GroupAsker,
  Groups,
  GroupState,
  Log,
} from '../../overlay/contract/index.ts'
import {
  asRoostError,
  replicaCallWire,
  Replicas,
  replicaWire,
  RoostError,
  type GroupConfiguration,
  type GroupEnv,
  type PeerId,
  type ProtocolHost,
  type ReplicaEvent,
  type Shape,
} from '../../overlay/index.ts'
import { GROUP_ATTRIBUTE, MEMBERS_ATTRIBUTE, NamedGroup } from './group-asker.ts'
import { applicationOf, checkWord, makeGroupId, parseGroupId, type GroupId } from './group-id.ts'
import type { GroupDatabase } from './group-database.ts'

/** A replica whose disk failed is opened again after a second, then after twice as long, up to a minute. */
const REOPEN_MS_MIN = 1_000
const REOPEN_MS_MAX = 60_000
/** How long handing over may take before a daemon ends all the same. */
const RESIGN_MS_MAX = 2_000
/** How long the first node of a group may take to lead it alone. */
const CREATE_MS_MAX = 5_000
const CREATE_POLL_MS = 10

export interface DaemonGroupsParts {
  readonly network: ProtocolHost
  readonly applications: ApplicationDirectory
  readonly database: GroupDatabase
  readonly log: Log
}

/**
 * The replica groups of this daemon: what lies on its disk begins when a plugin says what its kind keeps, a group that calls is
 * joined where its kind is known, and the one who leads a group publishes where it is to be found.
 */
export class DaemonGroups {
  readonly #parts: DaemonGroupsParts
  readonly #replicas = new Replicas()
  readonly #env: GroupEnv
  readonly #kinds = new Map<string, () => AnyService>()
  /** Being read from the disk, or made. */
  readonly #opening = new Set<string>()
  readonly #published = new Set<string>()
  readonly #reopenings = new Map<string, { readonly timer: NodeJS.Timeout; readonly delayMs: number }>()
  #publishing: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(parts: DaemonGroupsParts) {
    this.#parts = parts
    parts.network.mount(replicaWire, this.#replicas, (event) => this.#hear(event))
    this.#env = parts.network.serve(replicaCallWire, this.#replicas)
  }

  /** The groups as one plugin gets them; `noted` has what it registered end with it. */
  for(noted: (end: () => void) => void): Groups {
    return {
      register: async (kind, make) => {
        checkWord(kind)
        if (this.#kinds.has(kind)) throw new RoostError('CONFLICT', `groups of kind ${kind} are another plugin's`)
        this.#kinds.set(kind, make)
        noted(() => this.#unregister(kind))
        for (const { group } of this.#parts.database.list().filter((stored) => stored.kind === kind))
          await this.#open(group, make)
      },
      create: (kind, name, options) => this.#create({ kind, name }, options?.members ?? []),
      client: (kind, name, reply) => this.#client({ kind: checkWord(kind), name: checkWord(name) }, reply),
      list: () => this.list(),
    }
  }

  list(): readonly GroupState[] {
    return this.#replicas.groups.flatMap((id) => {
      const status = this.#replicas.status(id)
      if (status === undefined) return []
      const { role, leader, configuration, appliedIndex } = status
      return [{ id, ...parseGroupId(id)!, role, leader, configuration, appliedIndex }]
    })
  }

  metrics(): Readonly<Record<string, number>> {
    const { batches, writes } = this.#parts.database.counts
    return { groups_count: this.#replicas.groups.length, syncs_total: batches, writes_total: writes }
  }

  /** Hands on what this node leads, where somebody can take it: nobody has to wait for an election when this daemon ends. */
  async resign(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await Promise.race([
      new Promise<void>((resolve) => this.#replicas.resign(resolve)),
      new Promise<void>((resolve) => (timer = setTimeout(resolve, RESIGN_MS_MAX))),
    ])
    clearTimeout(timer)
  }

  /** Closes everything; what was acknowledged is on the disk. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { timer } of this.#reopenings.values()) clearTimeout(timer)
    for (const group of this.#replicas.groups) this.#replicas.close(group)
    await this.#parts.database.close()
  }

  #client<Command, Reply, Query>(name: GroupId, reply: Shape<Reply>): GroupAsker<Command, Reply, Query> {
    const called = applicationOf(name)
    return new NamedGroup(name, {
      env: this.#env,
      applications: this.#parts.applications,
      local: this.#replicas,
      reply,
      ownId: () => this.#replicas.groups.find((id) => applicationOf(parseGroupId(id)!) === called),
    })
  }

  async #create(named: GroupId, members: readonly PeerId[]): Promise<string> {
    const { database, applications, network } = this.#parts
    const name = { kind: checkWord(named.kind), name: checkWord(named.name) }
    const called = applicationOf(name)
    const make = this.#kinds.get(name.kind)
    if (make === undefined) throw new RoostError('USAGE', `nobody has said what a ${name.kind} keeps`)
    const isHere = database.list().some(({ group }) => applicationOf(parseGroupId(group)!) === called)
    if (isHere || (await applications.resolve(called)).length > 0)
      throw new RoostError('CONFLICT', `a group called ${called} is there already`)
    const group = makeGroupId(name, network.surroundings.rng)
    this.#opening.add(group)
    try {
      await database.add(group, name.kind)
      const { storage } = await database.load(group)
      const learners = members.filter((peer) => peer !== network.self)
      this.#replicas.create(group, { service: make(), storage }, { learners })
    } finally {
      this.#opening.delete(group)
    }
    const untilMs = this.#env.nowMs + CREATE_MS_MAX
    while (!this.#published.has(group)) {
      if (this.#env.nowMs > untilMs)
        throw new RoostError('GROUP_UNREACHABLE', `group ${called} does not lead yet`, { certain: false })
      await this.#env.sleep(CREATE_POLL_MS)
    }
    await this.#publishing
    return group
  }

  #unregister(kind: string): void {
    this.#kinds.delete(kind)
    for (const group of this.#replicas.groups.filter((id) => parseGroupId(id)?.kind === kind)) this.#close(group)
  }

  #hear(event: ReplicaEvent): void {
    const { log } = this.#parts
    const { group } = event
    switch (event.type) {
      case 'leading':
        log.info({ group, term: event.term }, 'leading a replica group')
        return this.#publish(group)
      case 'following':
        return this.#takeBack(group)
      case 'members':
        this.#reopenings.delete(group)
        if (this.#published.has(group)) this.#publish(group)
        return
      case 'invited':
        return this.#join(group, event.from)
      case 'removed':
        log.info({ group }, 'no member of a replica group any more')
        this.#close(group)
        void this.#parts.database.forget(group).catch((error: unknown) => {
          log.warn({ group, error }, 'what was left of a replica group stays on the disk')
        })
        return
      case 'failed':
        log.error({ group, error: event.error }, 'the disk of a replica failed; it is opened again')
        this.#takeBack(group)
        return this.#reopenLater(group)
      case 'refused':
        log.warn({ group, peer: event.peer, reason: event.reason }, 'a replica refused what cannot be')
    }
  }

  /** Somebody leads a group that this node is in: one whose kind no plugin knows is left alone, and calls again. */
  #join(group: string, from: PeerId): void {
    const { database, log } = this.#parts
    const id = parseGroupId(group)
    const make = id && this.#kinds.get(id.kind)
    if (make === undefined || this.#opening.has(group) || this.#reopenings.has(group)) return
    void (async () => {
      if (!database.has(group)) {
        log.info({ group, from }, 'joining a replica group')
        await database.add(group, id!.kind)
      }
      await this.#open(group, make)
    })().catch((error: unknown) => log.warn({ group, from, error }, 'a replica group could not be joined'))
  }

  /** Begins a replica with what the disk has of it; a disk that fails is tried again. */
  async #open(group: string, make: () => AnyService): Promise<void> {
    if (this.#opening.has(group) || this.#replicas.groups.includes(group) || this.#isStopped) return
    this.#opening.add(group)
    try {
      const { storage, stored } = await this.#parts.database.load(group)
      const id = parseGroupId(group)
      // The plugin may have ended meanwhile.
      if (id && this.#kinds.get(id.kind) === make && !this.#isStopped)
        this.#replicas.open(group, { service: make(), storage }, stored)
    } catch (thrown) {
      this.#parts.log.error({ group, error: asRoostError(thrown) }, 'a replica could not be opened; it is tried again')
      this.#reopenLater(group)
    } finally {
      this.#opening.delete(group)
    }
  }

  #reopenLater(group: string): void {
    if (this.#isStopped) return
    const before = this.#reopenings.get(group)
    clearTimeout(before?.timer)
    const delayMs = before ? Math.min(2 * before.delayMs, REOPEN_MS_MAX) : REOPEN_MS_MIN
    const timer = setTimeout(() => {
      const make = this.#kinds.get(parseGroupId(group)?.kind ?? '')
      if (make) void this.#open(group, make)
    }, delayMs)
    this.#reopenings.set(group, { timer, delayMs })
  }

  #close(group: string): void {
    clearTimeout(this.#reopenings.get(group)?.timer)
    this.#reopenings.delete(group)
    this.#takeBack(group)
    this.#replicas.close(group)
  }

  #publish(group: string): void {
    this.#published.add(group)
    this.#inTurn(group, async () => {
      const status = this.#replicas.status(group)
      if (status?.role !== 'leader' || !this.#published.has(group)) return
      const { self } = this.#parts.network
      await this.#parts.applications.publish({
        name: applicationOf(parseGroupId(group)!),
        endpoints: [`roost-group://${self}:1/${group}`],
        attributes: { [GROUP_ATTRIBUTE]: group, [MEMBERS_ATTRIBUTE]: membersOf(status.configuration) },
      })
    })
  }

  #takeBack(group: string): void {
    if (!this.#published.delete(group)) return
    this.#inTurn(group, async () => {
      if (!this.#published.has(group)) await this.#parts.applications.remove(applicationOf(parseGroupId(group)!))
    })
  }

  /** One after another: what is said last is what stands. */
  #inTurn(group: string, act: () => Promise<void>): void {
    this.#publishing = this.#publishing.then(act).catch((thrown: unknown) => {
      const error = asRoostError(thrown)
      // Nobody took it yet, who will be told again; or there was nothing to take back.
      const isExpected = error.code === 'RECORD_REFUSED' || error.code === 'APPLICATION_NOT_FOUND'
      if (!isExpected && !this.#isStopped)
        this.#parts.log.warn({ group, error }, 'a replica group could not be published')
    })
  }
}

function membersOf({ voters }: GroupConfiguration): readonly PeerId[] {
  return voters.map(({ peer }) => peer)
}

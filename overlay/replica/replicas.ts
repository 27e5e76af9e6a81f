import type { PeerId, Protocol, Service } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import type { GroupConfiguration } from './entry.ts'
import type { ReplicaEnv, ReplicaEvent, ReplicaTimer } from './events.ts'
import { answerRequest } from './answering.ts'
import { InvitationLimit } from './invitations.ts'
import { GROUP_COUNT_MAX, type Ack, type Beat, type ReplicaMessage } from './messages.ts'
import { REPLICA_DEFAULTS, type ReplicaOptions } from './options.ts'
import { Replica, type ReplicaStatus } from './replica.ts'
import type { ReplicaReply, ReplicaRequest } from './requests.ts'
import type { AnyService } from './service.ts'
import type { ReplicaStorage, StorageWrite, StoredReplica } from './storage.ts'

/** What a replica is made of: the state that it keeps, and the disk that it keeps it on. */
export interface ReplicaParts {
  readonly service: AnyService
  readonly storage: ReplicaStorage
}

export interface ReplicasDependencies {
  /**
   * Whether a peer that the group's log does not name may send entries to it: a leader that joined while this node was behind. All may by
   * default; the gate lets only members of the grid reach a protocol. Replicas believe each other: Raft bears crashes, not lies.
   */
  readonly mayTakePart?: (group: string, peer: PeerId) => boolean
  /** Whether a peer may change a group's members or leader. The members may by default. */
  readonly mayManage?: (group: string, peer: PeerId, configuration: GroupConfiguration) => boolean
}

/**
 * All replica groups that this node takes part in, on one mounted protocol and one served conversation. A group is created once, by
 * one node, and grows from there; every other replica is opened empty, or with what its disk has of it.
 */
export class Replicas
  implements Protocol<ReplicaMessage, ReplicaTimer, ReplicaEvent>, Service<ReplicaRequest, ReplicaReply>
{
  readonly #dependencies: ReplicasDependencies
  readonly #options: ReplicaOptions
  /** A group whose first write is not on the disk yet has no replica. */
  readonly #replicas = new Map<string, Replica | undefined>()
  readonly #invitations = new InvitationLimit()
  #env!: ReplicaEnv
  #life = 0
  #isBeatTimerSet = false

  constructor(dependencies: ReplicasDependencies = {}, options: Partial<ReplicaOptions> = {}) {
    this.#dependencies = dependencies
    this.#options = { ...REPLICA_DEFAULTS, ...options }
  }

  start(env: ReplicaEnv): void {
    this.#env = env
  }

  /**
   * Makes a new group of this node alone, with `learners` who join as they answer. Only for a group id that was never used: a node that
   * creates a group a second time would speak for another history. `BUSY` beyond `GROUP_COUNT_MAX` groups.
   */
  create(group: string, parts: ReplicaParts, { learners = [] }: { readonly learners?: readonly PeerId[] } = {}): void {
    const incarnation = this.#drawIncarnation()
    const configuration = { voters: [{ peer: this.#env.self, incarnation }], learners }
    const hardState = { term: 1, incarnation }
    const entries = [{ index: 1, term: 1, atMs: 0, type: 'members', configuration }] as const
    this.#openNew(group, parts, { hardState, entries })
  }

  /**
   * Takes part in a group, with what this node's disk has of it. With nothing on it the replica begins empty, and counts for nothing until
   * the group has brought it up to date and made it a voter, again where it was one before.
   */
  open(group: string, parts: ReplicaParts, stored: StoredReplica | undefined): void {
    if (stored === undefined)
      this.#openNew(group, parts, { hardState: { term: 0, incarnation: this.#drawIncarnation() }, entries: [] })
    else {
      this.#demandRoom(group)
      this.#begin(group, parts, stored)
    }
  }

  /** Takes part no longer. What the disk has stays. */
  close(group: string): void {
    this.#replicas.get(group)?.end()
    this.#replicas.delete(group)
  }

  /** Undefined where this node has no replica of the group, or none yet. */
  status(group: string): ReplicaStatus | undefined {
    return this.#replicas.get(group)?.status
  }

  /** The replica itself, for whoever looks into it: tests, and reports to an operator. */
  replica(group: string): Replica | undefined {
    return this.#replicas.get(group)
  }

  get groups(): readonly string[] {
    return [...this.#replicas.keys()]
  }

  /**
   * Hands on every group that this node leads, before it is stopped: `done` is called once each has another leader, or could not be
   * handed on within an election's time.
   */
  resign(done: () => void): void {
    let left = 1
    const settle = (): void => {
      if (--left === 0) done()
    }
    for (const replica of this.#replicas.values()) {
      const heir = replica?.leadership?.heir
      if (heir === undefined) continue
      left++
      if (replica!.leadership!.handOver(heir, settle) !== 'taken') settle()
    }
    settle()
  }

  receive(from: PeerId, message: ReplicaMessage): void {
    if (message.type === 'beats') this.#receiveBeats(from, message.beats)
    else if (message.type === 'acks') this.#receiveAcks(from, message.acks)
    else {
      const replica = this.#replicaFor(message.group, from, message.type === 'append' || message.type === 'chunk')
      replica?.receive(from, message)
    }
  }

  wake(timer: ReplicaTimer): void {
    if (timer.type === 'beat') this.#beat()
    else {
      const replica = this.#replicas.get(timer.group)
      if (replica?.life === timer.life) replica.wake(timer)
    }
  }

  /** Answers a client, once there is an answer. */
  answer(from: PeerId, request: ReplicaRequest): Promise<ReplicaReply> {
    return new Promise((resolve) => {
      const { group } = request
      const replica = this.#replicas.get(group)
      if (replica) answerRequest(replica, from, request, this.#mayManage(replica, group, from), resolve)
      else resolve({ type: this.#replicas.has(group) ? 'busy' : 'no-member' })
    })
  }

  #mayManage(replica: Replica, group: string, peer: PeerId): boolean {
    const { configuration } = replica.status
    const { mayManage = isMember } = this.#dependencies
    return mayManage(group, peer, configuration)
  }

  #openNew(group: string, parts: ReplicaParts, stored: StoredReplica): void {
    this.#demandRoom(group)
    this.#replicas.set(group, undefined)
    const { hardState, entries } = stored
    const write: StorageWrite = entries.length > 0 ? { hardState, entries } : { hardState }
    parts.storage.persist(write, (error) => {
      if (!this.#replicas.has(group)) return
      if (error) this.#fail(group, error)
      else this.#begin(group, parts, stored)
    })
  }

  #demandRoom(group: string): void {
    if (this.#replicas.has(group)) throw new RoostError('CONFLICT', `group ${group} is open already`)
    if (this.#replicas.size >= GROUP_COUNT_MAX)
      throw new RoostError('BUSY', `this node takes part in ${GROUP_COUNT_MAX} groups already`)
  }

  #begin(group: string, { service, storage }: ReplicaParts, stored: StoredReplica): void {
    const replica = new Replica(
      group,
      {
        env: this.#env,
        storage,
        service,
        stored,
        life: ++this.#life,
        onFailed: (error) => this.#fail(group, error),
        onLeading: () => this.#setBeatTimer(),
      },
      this.#options,
    )
    this.#replicas.set(group, replica)
    replica.begin()
  }

  #fail(group: string, error: RoostError): void {
    this.close(group)
    this.#env.emit({ type: 'failed', group, error })
  }

  #receiveBeats(from: PeerId, beats: readonly Beat[]): void {
    const acks: Ack[] = []
    for (const beat of beats) {
      const ack = this.#replicaFor(beat.group, from, true)?.receiveBeat(from, beat)
      if (ack) acks.push(ack)
    }
    if (acks.length > 0) this.#env.send(from, { type: 'acks', acks })
  }

  #receiveAcks(from: PeerId, acks: readonly Ack[]): void {
    for (const ack of acks) this.#replicaFor(ack.group, from, false)?.receiveAck(from, ack)
  }

  /** The replica that a message is for, if its sender may speak. `leads`: only a leader sends such messages. */
  #replicaFor(group: string, from: PeerId, leads: boolean): Replica | undefined {
    const replica = this.#replicas.get(group)
    if (replica?.knows(from)) return replica
    if (!(this.#dependencies.mayTakePart?.(group, from) ?? true)) return undefined
    if (replica === undefined && leads && !this.#replicas.has(group)) this.#invite(group, from)
    return replica
  }

  #invite(group: string, from: PeerId): void {
    if (this.#invitations.allows(group, this.#env.nowMs)) this.#env.emit({ type: 'invited', group, from })
  }

  /** One message to each peer with the heartbeats of all groups: idle groups cost no messages of their own. */
  #beat(): void {
    this.#isBeatTimerSet = false
    const beatsByPeer = new Map<PeerId, Beat[]>()
    const add = (to: PeerId, beat: Beat): void => {
      const beats = beatsByPeer.get(to)
      if (beats) beats.push(beat)
      else beatsByPeer.set(to, [beat])
    }
    for (const replica of this.#replicas.values()) replica?.beat(add)
    for (const [peer, beats] of beatsByPeer) this.#env.send(peer, { type: 'beats', beats })
    if ([...this.#replicas.values()].some((replica) => replica?.leadership)) this.#setBeatTimer()
  }

  #setBeatTimer(): void {
    if (this.#isBeatTimerSet) return
    this.#isBeatTimerSet = true
    this.#env.wakeAfter(this.#options.heartbeatMs, { type: 'beat' })
  }

  #drawIncarnation(): number {
    const { rng } = this.#env
    return rng.next() * 0x20_0000 + rng.below(0x20_0000)
  }
}

function isMember(_group: string, peer: PeerId, { voters, learners }: GroupConfiguration): boolean {
  return voters.some((voter) => voter.peer === peer) || learners.includes(peer)
}

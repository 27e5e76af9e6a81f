import type { PeerId } from '../env/index.ts'
import type { RoostError } from '../error/index.ts'
import { ReplicaCore } from './core.ts'
import { Election, isUpToDate } from './election.ts'
import { peersOf, type GroupConfiguration } from './entry.ts'
import type { ReplicaEnv, ReplicaTimer } from './events.ts'
import { Following } from './following.ts'
import { Leadership } from './leadership.ts'
import type { Ack, Beat, GroupMessage, MessageTo } from './messages.ts'
import type { ReplicaOptions } from './options.ts'
import { Restoring } from './restoring.ts'
import type { AnyService } from './service.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import { SnapshotTaker } from './snapshot-taker.ts'
import { StateMachine } from './state-machine.ts'
import type { ReplicaStorage, StoredReplica } from './storage.ts'

export interface ReplicaDependencies {
  readonly env: ReplicaEnv
  readonly storage: ReplicaStorage
  readonly service: AnyService
  readonly stored: StoredReplica
  /** Tells this replica's timers from those of one that was closed. */
  readonly life: number
  /** Its disk failed: it has to end. */
  readonly onFailed: (error: RoostError) => void
  /** It leads, and wants to be told when it is time for heartbeats. */
  readonly onLeading: () => void
}

export interface ReplicaStatus {
  readonly role: 'leader' | 'candidate' | 'follower'
  readonly term: number
  readonly leader: PeerId | undefined
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly lastIndex: number
  readonly configuration: GroupConfiguration
}

/**
 * One replica of one group: Raft (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, "the paper"
 * here; Ongaro, "Consensus: Bridging Theory and Practice", 2014, "the dissertation"). Here the roles meet: a replica follows, stands for
 * election, or leads, and each role is an object that lives as long as it is played.
 *
 * Timers only decide when somebody tries something. Whether it may is decided by terms, logs and majorities.
 */
export class Replica {
  readonly core: ReplicaCore
  readonly life: number
  readonly #onLeading: () => void
  readonly #taker: SnapshotTaker
  readonly #receiver: SnapshotReceiver
  readonly #restoring: Restoring
  #leadership: Leadership | undefined
  #following: Following | undefined
  #election: Election | undefined
  /** When a follower stops waiting for its leader; the timer may ring before, and is then set anew. */
  #electionDueMs = 0
  #isTimerSet = false
  #heardMs = -Infinity
  #isRemoved = false
  #committedConfigurationIndex: number
  #isApplyTimerSet = false

  constructor(group: string, dependencies: ReplicaDependencies, options: ReplicaOptions) {
    const { env, storage, service, stored, life, onFailed, onLeading } = dependencies
    this.life = life
    this.#onLeading = onLeading
    this.core = new ReplicaCore(
      group,
      stored,
      {
        env,
        storage,
        machine: new StateMachine(service),
        onFailed,
        onHeld: () => env.wakeAfter(0, { type: 'flush', group, life }),
        onSaved: () => this.#onSaved(),
        onCommitted: () => this.#onCommitted(),
        onApplied: (entry, outcome) => this.#leadership?.onApplied(entry.index, outcome),
        onMoreToApply: () => this.#setApplyTimer(),
      },
      options,
    )
    this.#committedConfigurationIndex = this.core.log.configurationAt(this.core.commitIndex).index
    this.#taker = new SnapshotTaker(this.core)
    this.#receiver = new SnapshotReceiver(this.core, {
      onBegin: () => this.#taker.cancel(),
      onInstalled: (snapshot) => this.#restoring.begin(snapshot),
    })
    this.#restoring = new Restoring(this.core, onFailed)
  }

  get leadership(): Leadership | undefined {
    return this.#leadership
  }

  get status(): ReplicaStatus {
    const { term, leader, commitIndex, machine, log } = this.core
    return {
      role: this.#leadership ? 'leader' : this.#election ? 'candidate' : 'follower',
      term,
      leader,
      commitIndex,
      appliedIndex: machine.appliedIndex,
      lastIndex: log.lastIndex,
      configuration: log.configuration,
    }
  }

  /** Whether the log names this peer: who it does not name has no part in the group, as far as this replica knows. */
  knows(peer: PeerId): boolean {
    return this.core.log.knows(peer)
  }

  begin(): void {
    if (this.core.snapshot) this.#restoring.begin(this.core.snapshot)
    this.#waitForLeader()
    // Who is alone has nobody to wait for.
    const { voters } = this.core.log.configuration
    if (voters.length === 1 && this.core.isVoter) this.#stand({ isPre: false, isHanded: false })
  }

  /** Nothing more is heard of it. */
  end(): void {
    this.core.saving.close()
    this.#restoring.cancel()
    this.#taker.cancel()
    this.#leave()
  }

  receive(from: PeerId, message: GroupMessage): void {
    switch (message.type) {
      case 'append':
        return this.#follow(from, message.term)?.receiveAppend(message)
      case 'chunk':
        return this.#follow(from, message.term)?.receiveChunk(message)
      case 'ask-vote':
        return this.#answerVote(from, message)
      case 'vote':
        return this.#countVote(from, message)
      case 'mismatch':
        if (this.#isCurrent(message.term)) this.#leadership?.receiveMismatch(from, message)
        return
      case 'chunk-ack':
        if (this.#isCurrent(message.term)) this.#leadership?.receiveChunkAck(from, message)
        return
      case 'take-over':
        if (message.term === this.core.term && from === this.core.leader && this.core.isVoter)
          this.#stand({ isPre: false, isHanded: true })
        return
      case 'removed':
        return this.#hearOfRemoval(from, message.configurationIndex)
    }
  }

  /** A heartbeat, and what to answer. */
  receiveBeat(from: PeerId, beat: Beat): Ack | undefined {
    return this.#follow(from, beat.term)?.receiveBeat(beat)
  }

  receiveAck(from: PeerId, ack: Ack): void {
    if (this.#isCurrent(ack.term)) this.#leadership?.receiveAck(from, ack)
  }

  wake(timer: ReplicaTimer): void {
    if (timer.type === 'flush') {
      this.core.saving.flush()
      this.#leadership?.advance()
    } else if (timer.type === 'apply') {
      this.#isApplyTimerSet = false
      this.core.applyMore()
      this.#leadership?.onCurrent()
      this.#maybeTakeSnapshot()
    } else {
      this.#isTimerSet = false
      this.#maybeStand()
    }
  }

  /** It is time for heartbeats. */
  beat(add: (to: PeerId, beat: Beat) => void): void {
    if (this.#leadership && !this.#leadership.beat(add)) this.#stepDown()
  }

  /** The leader of this term speaks to us; undefined where it is none. */
  #follow(from: PeerId, term: number): Following | undefined {
    const { core } = this
    if (term < core.term) {
      this.#tellTerm(from)
      return undefined
    }
    if (term > core.term) this.#enter(term)
    if (this.#leadership || (core.leader !== undefined && core.leader !== from)) {
      core.env.emit({ type: 'refused', group: core.group, peer: from, reason: `a second leader in term ${term}` })
      return undefined
    }
    if (this.#following === undefined || core.leader !== from) {
      this.#election = undefined
      core.leader = from
      this.#following = new Following(core, from, this.#receiver)
      core.env.emit({ type: 'following', group: core.group, term, leader: from })
    }
    this.#heardMs = core.env.nowMs
    this.#isRemoved = false
    this.#waitForLeader()
    return this.#following
  }

  /** Whoever leads in an older term learns that there is a newer one. */
  #tellTerm(to: PeerId): void {
    const { group, term, incarnation, saving } = this.core
    if (saving.isHardStateDurable) this.core.sendAck(to, { group, term, round: 0, verified: 0, match: 0, incarnation })
  }

  /** An answer is of this term; one of a newer term ends ours. */
  #isCurrent(term: number): boolean {
    if (term > this.core.term) this.#enter(term)
    return term === this.core.term
  }

  #enter(term: number): void {
    this.#leave()
    this.core.enter(term, undefined)
    this.#waitForLeader()
  }

  /** A leader or candidate is a follower of nobody again, in the same term. */
  #stepDown(): void {
    this.#leave()
    this.core.leader = undefined
    this.#waitForLeader()
  }

  #leave(): void {
    const { group, term, env } = this.core
    const leadership = this.#leadership
    this.#leadership = undefined
    this.#following = undefined
    this.#election = undefined
    if (leadership === undefined) return
    leadership.end()
    env.emit({ type: 'following', group, term, leader: undefined })
  }

  /**
   * Votes once a term, for a log that is at least as new (5.2, 5.4.1), and tells so when the vote is on the disk. While a leader is heard it
   * does not listen to others (dissertation 4.2.3), unless that leader sent them. A question to who we were before we lost a disk
   * is not for us.
   */
  #answerVote(from: PeerId, message: MessageTo<'ask-vote'>): void {
    const { core } = this
    const { term, pre, handed } = message
    this.#tellRemoved(from)
    if (message.incarnation !== core.incarnation) return
    const isLed = this.#leadership !== undefined || core.env.nowMs - this.#heardMs < core.options.electionMsMin
    if (pre) {
      const granted = term > core.term && !isLed && isUpToDate(core, message)
      return this.#sendVote(from, { term: granted ? term : core.term, pre, granted })
    }
    if (term > core.term) {
      if (isLed && !handed) return
      this.#enter(term)
    }
    const granted =
      term === core.term &&
      (core.votedFor === undefined || core.votedFor === from) &&
      core.leader === undefined &&
      isUpToDate(core, message)
    if (granted && core.votedFor === undefined) {
      core.enter(term, from)
      this.#waitForLeader()
    }
    this.#sendVote(from, { term: core.term, pre, granted })
  }

  #sendVote(to: PeerId, vote: { readonly term: number; readonly pre: boolean; readonly granted: boolean }): void {
    const { core } = this
    const { group, incarnation, term } = core
    core.saving.whenSaved(() => {
      if (core.term === term) core.send(to, { type: 'vote', group, incarnation, ...vote })
    })
  }

  #countVote(from: PeerId, message: MessageTo<'vote'>): void {
    if (!message.granted && message.term > this.core.term) return this.#enter(message.term)
    const election = this.#election
    if (election === undefined) return
    election.count(from, message)
    this.#maybeWin(election)
  }

  /** No leader was heard for an election's time. */
  #maybeStand(): void {
    if (this.#leadership) return
    if (this.core.env.nowMs < this.#electionDueMs) return this.#setTimer()
    if (this.core.mayStand && !this.#isRemoved) this.#stand({ isPre: true, isHanded: false })
    else this.#waitForLeader()
  }

  #stand(how: { readonly isPre: boolean; readonly isHanded: boolean }): void {
    const { core } = this
    this.#leave()
    if (!how.isPre) core.enter(core.term + 1, core.self)
    const election = new Election(core, how)
    this.#election = election
    this.#waitForLeader()
    const begin = (): void => {
      if (this.#election !== election) return
      election.begin()
      this.#maybeWin(election)
    }
    if (how.isPre) begin()
    else core.saving.whenSaved(begin)
  }

  #maybeWin(election: Election): void {
    if (this.#election !== election || !election.isWon) return
    if (election.isPre) return this.#stand({ isPre: false, isHanded: false })
    const { core } = this
    this.#election = undefined
    core.leader = core.self
    this.#leadership = new Leadership(core)
    this.#leadership.begin()
    this.#onLeading()
    core.env.emit({ type: 'leading', group: core.group, term: core.term })
  }

  #onSaved(): void {
    this.#leadership?.onSaved()
    this.#following?.onSaved()
  }

  #onCommitted(): void {
    this.#following?.onCommitted()
    this.#noteConfiguration()
    this.#leadership?.onCommitted()
    this.#maybeTakeSnapshot()
  }

  #maybeTakeSnapshot(): void {
    if (!this.#receiver.isReceiving) this.#taker.maybeTake({ isNeeded: this.#leadership?.isTransferring ?? false })
  }

  /** A configuration became committed: those who are out are told, and a leader that is out leaves (dissertation 4.2.2). */
  #noteConfiguration(): void {
    const { core } = this
    const { index, configuration } = core.log.configurationAt(core.commitIndex)
    if (index <= this.#committedConfigurationIndex) return
    const before = core.log.configurationAt(index - 1).configuration
    this.#committedConfigurationIndex = index
    core.env.emit({ type: 'members', group: core.group, configuration })
    const members = peersOf(configuration)
    if (this.#leadership)
      for (const peer of peersOf(before))
        if (!members.includes(peer) && peer !== core.self)
          core.send(peer, { type: 'removed', group: core.group, configurationIndex: index })
    if (peersOf(before).includes(core.self) && !members.includes(core.self)) this.#beRemoved()
  }

  #beRemoved(): void {
    const { core } = this
    const heir = this.#leadership?.heir
    if (heir !== undefined) core.send(heir, { type: 'take-over', group: core.group, term: core.term })
    if (this.#leadership) this.#stepDown()
    this.#isRemoved = true
    core.env.emit({ type: 'removed', group: core.group })
  }

  /** Who asks for our vote and is no member any more does not know it yet. */
  #tellRemoved(peer: PeerId): void {
    const { log, commitIndex, group } = this.core
    const { index, configuration } = log.configurationAt(commitIndex)
    if (index > 0 && !peersOf(configuration).includes(peer))
      this.core.send(peer, { type: 'removed', group, configurationIndex: index })
  }

  #hearOfRemoval(from: PeerId, configurationIndex: number): void {
    const { log, env, group } = this.core
    if (this.#isRemoved || !log.knows(from) || configurationIndex <= log.configurationIndex) return
    this.#isRemoved = true
    env.emit({ type: 'removed', group })
  }

  #waitForLeader(): void {
    const { electionMsMin, electionMsMax } = this.core.options
    const { env } = this.core
    this.#electionDueMs = env.nowMs + electionMsMin + env.rng.below(Math.max(1, electionMsMax - electionMsMin))
    if (!this.#isTimerSet) this.#setTimer()
  }

  #setTimer(): void {
    const { env, group } = this.core
    this.#isTimerSet = true
    env.wakeAfter(Math.max(1, this.#electionDueMs - env.nowMs), { type: 'election', group, life: this.life })
  }

  #setApplyTimer(): void {
    if (this.#isApplyTimerSet) return
    this.#isApplyTimerSet = true
    this.core.env.wakeAfter(0, { type: 'apply', group: this.core.group, life: this.life })
  }
}

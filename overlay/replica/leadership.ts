import type { PeerId } from '../env/index.ts'
import type { ReplicaCore } from './core.ts'
import { AppendMessages } from './append-messages.ts'
import { isVoter, peersOf, type EntryContent, type Voter } from './entry.ts'
import { MemberChanges, type ChangeEnd, type MemberChange } from './member-changes.ts'
import type { Ack, Beat, MessageTo } from './messages.ts'
import type { Progress } from './progress.ts'
import { Proposals, type Settle } from './proposals.ts'
import { READ_COUNT_MAX, ReadQueue } from './reads.ts'
import { Replication } from './replication.ts'

/** What became of something that a leader was asked to do: not taken at all, or on its way. */
export type Taken = 'taken' | 'busy' | 'not-leader'

/**
 * What a leader does for the term that it leads, and what it has in memory for it (paper 5.3, 5.4.2). It ends with the term, and all
 * that waits for it is told so; what had entered the log may still be committed by the next leader.
 */
export class Leadership {
  readonly #core: ReplicaCore
  readonly #followers = new Map<PeerId, Replication>()
  readonly #proposals = new Proposals()
  readonly #reads = new ReadQueue()
  readonly #changes: MemberChanges
  readonly #appends: AppendMessages
  readonly #beganMs: number
  readonly #beganAtMs: number
  /** Reads that came before this leader knew what is committed. */
  #early: (() => void)[] = []
  #round = 0
  #handover: { readonly to: PeerId; readonly untilMs: number; readonly settle: (isDone: boolean) => void } | undefined
  #isOver = false

  constructor(core: ReplicaCore) {
    this.#core = core
    this.#beganMs = core.env.nowMs
    this.#beganAtMs = Math.max(core.machine.atMs, core.log.at(core.log.lastIndex)?.atMs ?? 0)
    this.#appends = new AppendMessages(core, () => this.#round)
    this.#changes = new MemberChanges(core, (peer) => this.#followers.get(peer)?.progress)
  }

  /** The first entry of the term commits whatever stands before it (5.4.2, dissertation 6.4). */
  begin(): void {
    this.#keepFollowers()
    this.#append({ type: 'begin' })
  }

  /** Sends what the log has now: one message to each follower, for all that came in one turn. */
  advance(): void {
    for (const follower of this.#followers.values()) follower.advance()
  }

  end(): void {
    this.#isOver = true
    for (const follower of this.#followers.values()) follower.end()
    const handover = this.#handover
    this.#handover = undefined
    handover?.settle(true)
    this.#proposals.abandon()
    this.#changes.abandon()
    for (const run of this.#early.splice(0)) run()
    this.#reads.run(Infinity, Infinity)
  }

  get isOver(): boolean {
    return this.#isOver
  }
  /** Somebody is being sent a snapshot. */
  get isTransferring(): boolean {
    return [...this.#followers.values()].some((follower) => follower.isTransferring)
  }

  /** Puts a command, or a session's beginning, into the log; `settle` is told what came of it. */
  propose(content: EntryContent & { readonly type: 'command' | 'open' }, settle: Settle): Taken {
    if (content.type === 'command' && this.#proposals.join(content, settle)) return 'taken'
    if (this.#handover) return 'not-leader'
    const { saving, options } = this.#core
    if (this.#proposals.isFull || this.#proposals.weight > options.uncommittedWeightMax || saving.isFull) return 'busy'
    this.#append(content, settle)
    return 'taken'
  }

  /** Runs `read` once this replica's state has all that was committed when this was called; ask `isOver` then. */
  whenCurrent(read: () => void): Taken {
    if (this.#reads.isFull || this.#early.length >= READ_COUNT_MAX) return 'busy'
    if (!this.#changes.knowsCommitted()) this.#early.push(read)
    else this.#confirm(read)
    return 'taken'
  }

  change(change: MemberChange, settle: (end: ChangeEnd) => void): Taken {
    if (this.#changes.isFull) return 'busy'
    this.#changes.request(change, settle)
    this.#changes.settle()
    this.#advanceMembers()
    return 'taken'
  }

  /**
   * Leadership goes to another (dissertation 3.10): nothing new is taken until it has the whole log, then it is told to ask for votes.
   * Where that takes longer than an election, this leader goes on.
   */
  handOver(to: PeerId, settle: (isDone: boolean) => void): Taken {
    if (this.#handover) return 'busy'
    const { env, options } = this.#core
    if (!isVoter(this.#core.log.configuration, to) || to === this.#core.self) settle(to === this.#core.self)
    else this.#handover = { to, untilMs: env.nowMs + options.electionMsMin, settle }
    this.#advanceHandover()
    return 'taken'
  }

  /** The voter whose log is the furthest. */
  get heir(): PeerId | undefined {
    let heir: PeerId | undefined
    let match = -1
    for (const { peer, progress } of this.#followers.values())
      if (isVoter(this.#core.log.configuration, peer) && progress.match > match) {
        heir = peer
        match = progress.match
      }
    return heir
  }

  /**
   * A heartbeat is due: adds what goes to each follower. False where no majority was heard for an election's time (6.2), or our own disk
   * does not keep up: then another should lead.
   */
  beat(add: (to: PeerId, beat: Beat) => void): boolean {
    const { env, options, saving } = this.#core
    if (saving.isFull || !this.#hasMajority(({ heardMs }) => env.nowMs - heardMs < options.electionMsMax)) return false
    if (this.#handover && env.nowMs >= this.#handover.untilMs) {
      const { settle } = this.#handover
      this.#handover = undefined
      settle(false)
    }
    this.#round++
    for (const follower of this.#followers.values()) {
      follower.retry()
      follower.advance()
      add(follower.peer, this.#beat)
    }
    this.#advanceMembers()
    this.#runReads()
    return true
  }

  receiveAck(from: PeerId, ack: Ack): void {
    const follower = this.#hear(from, ack.incarnation)
    if (follower === undefined || ack.verified > this.#core.log.lastIndex || ack.round > this.#round) return
    follower.progress.acknowledge(ack)
    follower.advance()
    this.#advanceCommit()
    this.#advanceHandover()
    this.#advanceMembers()
    this.#runReads()
  }

  receiveMismatch(from: PeerId, message: MessageTo<'mismatch'>): void {
    const follower = this.#hear(from, message.incarnation)
    follower?.receiveMismatch(message)
    follower?.advance()
  }

  receiveChunkAck(from: PeerId, message: MessageTo<'chunk-ack'>): void {
    const follower = this.#hear(from, message.incarnation)
    follower?.receiveChunkAck(message)
    follower?.advance()
  }

  /** Our own disk took more: it counts like a follower's. */
  onSaved(): void {
    this.#advanceCommit()
  }

  onApplied(index: number, outcome: Parameters<Settle>[0]): void {
    this.#proposals.settle(index, outcome)
  }

  /** More is committed, and applied as far as it could be at once. */
  onCommitted(): void {
    if (this.#changes.knowsCommitted()) for (const read of this.#early.splice(0)) this.#confirm(read)
    this.#changes.settle()
    this.#advanceMembers()
    this.#runReads()
  }

  /** Entries that were left to apply have been applied. */
  onCurrent(): void {
    this.#runReads()
  }

  get #beat(): Beat {
    const { group, term, commitIndex } = this.#core
    return { group, term, round: this.#round, commit: commitIndex }
  }

  #append(content: EntryContent, settle?: Settle): void {
    const passedMs = Math.floor(this.#core.env.nowMs - this.#beganMs)
    const entry = this.#core.append(content, this.#beganAtMs + passedMs)
    if (settle) this.#proposals.add(entry, this.#core.log.weightAt(entry.index), settle)
    if (entry.type === 'members') this.#keepFollowers()
  }

  /** One for everybody in the newest configuration, which counts from when it is in the log. */
  #keepFollowers(): void {
    const peers = peersOf(this.#core.log.configuration).filter((peer) => peer !== this.#core.self)
    for (const [peer, follower] of this.#followers)
      if (!peers.includes(peer)) {
        follower.end()
        this.#followers.delete(peer)
      }
    for (const peer of peers)
      if (!this.#followers.has(peer)) this.#followers.set(peer, new Replication(peer, this.#core, this.#appends))
  }

  #hear(from: PeerId, incarnation: number): Replication | undefined {
    const follower = this.#followers.get(from)
    if (follower === undefined) return undefined
    const { progress } = follower
    progress.heardMs = this.#core.env.nowMs
    if (progress.incarnation === undefined) progress.incarnation = incarnation
    else if (progress.incarnation !== incarnation) progress.forget(incarnation, this.#core.log.lastIndex + 1)
    return follower
  }

  /** Commits what a majority has on its disks (5.3), once an entry of this term is among it. */
  #advanceCommit(): void {
    const index = this.#agreedUpon(
      ({ match }) => match,
      () => this.#core.saving.durableIndex,
    )
    if (index > this.#core.commitIndex && this.mayCommit(index)) this.#core.commit(index)
  }

  /** Entries of earlier terms are not committed by counting, but by one of this term behind them (5.4.2, figure 8). */
  mayCommit(index: number): boolean {
    return this.#core.log.termAt(index) === this.#core.term
  }

  #confirm(read: () => void): void {
    const confirmed = this.#confirmedRound
    // While a call is out, what comes waits for the next one, all together.
    this.#reads.add({ round: this.#round + 1, index: this.#core.commitIndex, run: read })
    if (confirmed === this.#round) this.#call()
    this.#runReads()
  }

  /** Calls all followers at once, to hear whether they are still with us. */
  #call(): void {
    this.#round++
    for (const { peer } of this.#followers.values()) this.#core.env.send(peer, { type: 'beats', beats: [this.#beat] })
  }

  #runReads(): void {
    if (this.#reads.roundWanted > this.#round && this.#confirmedRound === this.#round) this.#call()
    if (!this.#core.isRestoring) this.#reads.run(this.#confirmedRound, this.#core.machine.appliedIndex)
  }

  /** The newest call that a majority has answered. */
  get #confirmedRound(): number {
    return this.#agreedUpon(
      ({ round }) => round,
      () => this.#round,
    )
  }

  #advanceMembers(): void {
    if (this.#handover || this.#isOver) return
    const configuration = this.#changes.next()
    if (configuration) this.#append({ type: 'members', configuration })
  }

  #advanceHandover(): void {
    if (this.#handover === undefined) return
    const { to } = this.#handover
    const { log, group, term } = this.#core
    if (this.#followers.get(to)?.progress.match === log.lastIndex)
      this.#core.send(to, { type: 'take-over', group, term })
  }

  /** The greatest number that a majority of voters has reached; a voter that is somebody else by now has reached none. */
  #agreedUpon(of: (progress: Progress) => number, own: () => number): number {
    const numbers = this.#core.log.configuration.voters.map((voter) => this.#valueOf(voter, of, own) ?? 0)
    numbers.sort((one, other) => other - one)
    return numbers[Math.floor(numbers.length / 2)] ?? 0
  }

  #hasMajority(holds: (progress: Progress) => boolean): boolean {
    return (
      this.#agreedUpon(
        (progress) => (holds(progress) ? 1 : 0),
        () => 1,
      ) === 1
    )
  }

  #valueOf<Value>(
    { peer, incarnation }: Voter,
    of: (progress: Progress) => Value,
    own: () => Value,
  ): Value | undefined {
    if (peer === this.#core.self) return incarnation === this.#core.incarnation ? own() : undefined
    const progress = this.#followers.get(peer)?.progress
    return progress?.incarnation === incarnation ? of(progress) : undefined
  }
}

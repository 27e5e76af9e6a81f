import type { PeerId } from '../env/index.ts'
import type { ReplicaCore } from './core.ts'
import { isVoter, LEARNERS_MAX, peersOf, VOTERS_MAX, type GroupConfiguration } from './entry.ts'
import type { Progress } from './progress.ts'

export interface MemberChange {
  readonly action: 'add' | 'remove'
  readonly peer: PeerId
}

/** Committed; refused where the group has no room or would be empty; abandoned where this replica leads no longer. */
export type ChangeEnd = 'done' | 'refused' | 'abandoned'

interface Waiting extends MemberChange {
  readonly settle: (end: ChangeEnd) => void
}

/** Changes that wait for those before them; more are refused. */
export const CHANGE_COUNT_MAX = 16

/**
 * Changes who is in the group, one member at a time (dissertation 4.1), so that majorities before and after a change overlap. The
 * next change waits until the one before is committed, and the first until an entry of the leader's own term is: without that, two
 * leaders' changes may overlap (Ongaro's correction of 2015 on raft-dev).
 *
 * Who joins is a learner first (4.2.1): it is sent the log and counts for nothing, until it has caught up. A voter that came back without
 * what it had is made a learner, and so somebody new.
 */
export class MemberChanges {
  readonly #core: ReplicaCore
  readonly #progressOf: (peer: PeerId) => Progress | undefined
  readonly #waiting: Waiting[] = []

  constructor(core: ReplicaCore, progressOf: (peer: PeerId) => Progress | undefined) {
    this.#core = core
    this.#progressOf = progressOf
  }

  get isFull(): boolean {
    return this.#waiting.length >= CHANGE_COUNT_MAX
  }

  request(change: MemberChange, settle: (end: ChangeEnd) => void): void {
    this.#waiting.push({ ...change, settle })
  }

  /** The configuration to go to now; undefined where there is nothing to do. */
  next(): GroupConfiguration | undefined {
    if (!this.mayChange()) return undefined
    const { configuration } = this.#core.log
    return this.#withoutTheForgetful(configuration) ?? this.#asRequested(configuration) ?? this.#promoted(configuration)
  }

  /** Only one change at a time, and none before this leader knows what is committed. */
  mayChange(): boolean {
    return !this.isUnderWay() && this.knowsCommitted()
  }

  isUnderWay(): boolean {
    return this.#core.log.configurationIndex > this.#core.commitIndex
  }

  /** An entry of this leader's term is committed, and so all before it. */
  knowsCommitted(): boolean {
    const { log, commitIndex, term } = this.#core
    return log.termAt(commitIndex) === term
  }

  /** Tells those whose change is committed. */
  settle(): void {
    const { log, commitIndex } = this.#core
    const { configuration } = log.configurationAt(commitIndex)
    for (const change of [...this.#waiting])
      if (isMade(change, configuration)) {
        this.#waiting.splice(this.#waiting.indexOf(change), 1)
        change.settle('done')
      }
  }

  abandon(): void {
    for (const { settle } of this.#waiting.splice(0)) settle('abandoned')
  }

  #withoutTheForgetful({ voters, learners }: GroupConfiguration): GroupConfiguration | undefined {
    const forgetful = voters.find(({ peer, incarnation }) => {
      const known = this.#progressOf(peer)?.incarnation
      return known !== undefined && known !== incarnation
    })
    if (forgetful === undefined || learners.length >= LEARNERS_MAX) return undefined
    return { voters: voters.filter((voter) => voter !== forgetful), learners: [...learners, forgetful.peer] }
  }

  #asRequested(configuration: GroupConfiguration): GroupConfiguration | undefined {
    const { voters, learners } = configuration
    for (const change of [...this.#waiting]) {
      const { action, peer } = change
      const isMember = peersOf(configuration).includes(peer)
      if (action === 'add' && !isMember) {
        if (voters.length + learners.length < VOTERS_MAX && learners.length < LEARNERS_MAX)
          return { voters, learners: [...learners, peer] }
        this.#refuse(change)
      } else if (action === 'remove' && isMember) {
        // The last voter would take the group with it.
        if (voters.length > 1 || !isVoter(configuration, peer)) return without(configuration, peer)
        this.#refuse(change)
      }
    }
    return undefined
  }

  #promoted({ voters, learners }: GroupConfiguration): GroupConfiguration | undefined {
    if (voters.length >= VOTERS_MAX) return undefined
    for (const peer of learners) {
      const progress = this.#progressOf(peer)
      if (progress?.incarnation === undefined || !this.#hasCaughtUp(progress)) continue
      const voter = { peer, incarnation: progress.incarnation }
      return { voters: [...voters, voter], learners: learners.filter((learner) => learner !== peer) }
    }
    return undefined
  }

  /** In rounds: once it takes no longer than the shortest election to get what came in during the round before, it keeps up. */
  #hasCaughtUp(progress: Progress): boolean {
    const { log, env, options } = this.#core
    const { catchUp } = progress
    if (catchUp && progress.match < catchUp.index) return false
    if (catchUp && env.nowMs - catchUp.beganMs < options.electionMsMin) return true
    progress.catchUp = { index: log.lastIndex, beganMs: env.nowMs }
    return false
  }

  #refuse(change: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(change), 1)
    change.settle('refused')
  }
}

function isMade({ action, peer }: MemberChange, configuration: GroupConfiguration): boolean {
  return action === 'add' ? isVoter(configuration, peer) : !peersOf(configuration).includes(peer)
}

function without({ voters, learners }: GroupConfiguration, gone: PeerId): GroupConfiguration {
  return { voters: voters.filter(({ peer }) => peer !== gone), learners: learners.filter((peer) => peer !== gone) }
}

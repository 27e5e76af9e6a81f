import { PeerScores, RoostError, type CutOff, type PeerId } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { Admission } from './contract.ts'
import type { Counters } from './counters.ts'

/**
 * Counts what is refused, by protocol and reason, and against whom; carries out what the scores decide. A peer that is cut off loses its
 * connections, is let in nowhere but to join, and is not dialed, until its time is over.
 */

/** Protocols and reasons that are counted by name: all of ours, many times over. What is beyond counts as `other`. */
const NAMES_COUNT_MAX = 256

export interface JudgeDependencies {
  readonly nowMs: () => number
  readonly log: Log
  readonly counters: Counters
  /** Ends all connections with a peer. */
  readonly disconnect: (peer: PeerId, reason: string) => void
}

export class Judge {
  readonly #dependencies: JudgeDependencies
  readonly #scores = new PeerScores()
  readonly #refusedCounts = new Map<string, number>()

  constructor(dependencies: JudgeDependencies) {
    this.#dependencies = dependencies
  }

  /** Something that a peer sent was refused. `protocol` and `reason` are words of ours, never of the peer's. */
  blame(peer: PeerId, protocol: string, reason: string): void {
    const { nowMs, log, counters, disconnect } = this.#dependencies
    this.#count(`refused_${protocol}_${reason}_messages`)
    const cutOff = this.#scores.note(peer, { protocol, reason }, nowMs())
    if (cutOff === undefined) return
    counters.add('grid_disconnected_peers')
    const forMs = cutOff.untilMs - cutOff.sinceMs
    log.warn({ peer, reason: cutOff.reason, forMs, strikeCount: cutOff.strikeCount }, 'a peer was cut off')
    disconnect(peer, `cut off: ${cutOff.reason}`)
  }

  /** Throws `NOT_ADMITTED` for a peer that is cut off, and says for how long. */
  demandWelcome(peer: PeerId): void {
    const nowMs = this.#dependencies.nowMs()
    const cutOff = this.#scores.cutOffOf(peer, nowMs)
    if (cutOff === undefined) return
    const seconds = Math.ceil((cutOff.untilMs - nowMs) / 1_000)
    throw new RoostError('NOT_ADMITTED', `${peer} is cut off for ${seconds} more seconds: ${cutOff.reason}`, {
      hint: 'it is let in again by itself; both nodes should run neighbouring versions of roost',
    })
  }

  /** Credentials count only for who is not cut off. */
  before(admission: Admission): Pick<Admission, 'present' | 'check'> {
    return {
      present: () => admission.present(),
      check: (peer, presented) => {
        this.demandWelcome(peer)
        return admission.check(peer, presented)
      },
    }
  }

  cutOffs(): readonly CutOff[] {
    return this.#scores.cutOffs(this.#dependencies.nowMs())
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      ...Object.fromEntries(this.#refusedCounts),
      scored_peers_count: this.#scores.count,
      cut_off_peers_count: this.cutOffs().length,
    }
  }

  #count(words: string): void {
    const name = words.replaceAll(/[^a-z0-9]+/g, '_')
    const isKnown = this.#refusedCounts.has(name) || this.#refusedCounts.size < NAMES_COUNT_MAX
    const counted = isKnown ? name : 'refused_other_messages'
    this.#refusedCounts.set(counted, (this.#refusedCounts.get(counted) ?? 0) + 1)
  }
}

/** How a protocol is called in counts and reasons: `/roost/sampling/1` is `sampling`. */
export function protocolName(wireId: string): string {
  return wireId.split('/').at(-2) || wireId
}

import type { PeerId } from '../env/index.ts'
import type { ReplicaCore } from './core.ts'
import type { MessageTo } from './messages.ts'

/**
 * Asks for votes in one term (paper 5.2, 5.4.1). With `pre` it only asks whether votes would be given, which changes nothing
 * anywhere: a node that was cut off does not come back with a higher term and topple a leader that works (dissertation 9.6).
 */
export class Election {
  readonly #core: ReplicaCore
  readonly term: number
  readonly isPre: boolean
  readonly #isHanded: boolean
  readonly #granted = new Set<PeerId>()

  constructor(core: ReplicaCore, { isPre, isHanded }: { readonly isPre: boolean; readonly isHanded: boolean }) {
    this.#core = core
    this.isPre = isPre
    this.#isHanded = isHanded
    this.term = isPre ? core.term + 1 : core.term
  }

  /** Our own vote counts; whoever has it on the disk may ask for others. */
  begin(): void {
    const { log, self, group } = this.#core
    this.#granted.add(self)
    for (const { peer, incarnation } of log.configuration.voters) {
      if (peer === self) continue
      this.#core.send(peer, {
        type: 'ask-vote',
        group,
        term: this.term,
        pre: this.isPre,
        handed: this.#isHanded,
        lastIndex: log.lastIndex,
        lastTerm: log.lastTerm,
        incarnation,
      })
    }
  }

  /** Counts a vote that belongs to this election, and no one's twice. */
  count(from: PeerId, { term, pre, granted, incarnation }: MessageTo<'vote'>): void {
    if (term !== this.term || pre !== this.isPre || !granted) return
    const voter = this.#core.log.configuration.voters.find(({ peer }) => peer === from)
    if (voter?.incarnation === incarnation) this.#granted.add(from)
  }

  get isWon(): boolean {
    const { voters } = this.#core.log.configuration
    return voters.filter(({ peer }) => this.#granted.has(peer)).length > voters.length / 2
  }
}

/** Whether a log that ends so is at least as new as ours (paper 5.4.1): then its owner may have our vote. */
export function isUpToDate(
  core: ReplicaCore,
  last: { readonly lastIndex: number; readonly lastTerm: number },
): boolean {
  const { lastIndex, lastTerm } = core.log
  return last.lastTerm > lastTerm || (last.lastTerm === lastTerm && last.lastIndex >= lastIndex)
}

import type { PeerId, Rng } from '../env/index.ts'
import type { MemberTable } from './member-table.ts'
import type { MembershipOptions } from './options.ts'

/**
 * What is done about the gone. One of the dead is called now and then; the calls become rarer while nobody answers. Behind a healed
 * partition they all live: where one is back, the others are called at once, one at each turn for as long as more of them come back.
 * Nodes that lost the others at the same moment would call at the same moments, and all be silent in between: each call comes
 * earlier by chance. And who is gone for long is forgotten.
 */
export class Graveyard {
  readonly #table: MemberTable
  readonly #options: MembershipOptions
  #callDelayMs: number
  #nextCallMs = Number.POSITIVE_INFINITY
  /** Nobody is to be forgotten before. */
  #nextForgetMs = Number.POSITIVE_INFINITY

  constructor(table: MemberTable, options: MembershipOptions) {
    this.#table = table
    this.#options = options
    this.#callDelayMs = options.reviveMsMin
  }

  /** Somebody died or left. */
  noteGone(state: 'dead' | 'left', nowMs: number): void {
    this.#nextForgetMs = Math.min(this.#nextForgetMs, nowMs + this.#options.rememberMs)
    if (state === 'left') return
    this.#callDelayMs = this.#options.reviveMsMin
    this.#nextCallMs = Math.min(this.#nextCallMs, nowMs + this.#callDelayMs)
  }

  /** One of the dead is back. */
  noteBack(nowMs: number): void {
    this.#callDelayMs = this.#options.reviveMsMin
    this.#nextCallMs = nowMs
  }

  /** One of the dead, when it is time to call one. */
  whomToCall(nowMs: number, rng: Rng): PeerId | undefined {
    if (nowMs < this.#nextCallMs) return undefined
    const peer = this.#table.drawDead(rng)
    const delayMs = this.#callDelayMs * (1 - CHANCE_SHARE * rng.real())
    this.#nextCallMs = peer === undefined ? Number.POSITIVE_INFINITY : nowMs + delayMs
    this.#callDelayMs = Math.min(this.#callDelayMs * 1.5, this.#options.reviveMsMax)
    return peer
  }

  /** Those who have been gone for so long that they are to be forgotten. */
  whomToForget(nowMs: number): readonly PeerId[] {
    if (nowMs < this.#nextForgetMs) return []
    const { peers, nextSinceMs } = this.#table.goneUntil(nowMs - this.#options.rememberMs)
    this.#nextForgetMs = nextSinceMs + this.#options.rememberMs
    return peers
  }
}

/** How much earlier than due a call may come. */
const CHANCE_SHARE = 0.5

import type { PeerId } from '../env/index.ts'
import { sizeFactor, type MembershipOptions } from './options.ts'

/** A suspicion under way: who shares it, who said so first, and by when it must be refuted. */
interface Suspicion {
  readonly sinceMs: number
  readonly from: PeerId[]
  deadlineMs: number
}

/**
 * Who is suspected, and for how long yet. A suspicion starts long and shortens with each independent confirmation: where one node alone
 * hears nothing from another, the trouble may be its own (Lifeguard, section IV-B).
 */
export class Suspicions {
  readonly #options: MembershipOptions
  /** One for each suspected member at most. */
  #suspicions: Map<PeerId, Suspicion> | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  has(peer: PeerId): boolean {
    return this.#suspicions?.has(peer) ?? false
  }

  /** Who suspected this peer first. */
  firstVoice(peer: PeerId): PeerId | undefined {
    return this.#suspicions?.get(peer)?.from[0]
  }

  /** Takes in that `from` suspects the peer: when the suspicion is to be looked at, or undefined where this changes nothing. */
  raise(
    { peer, from }: { readonly peer: PeerId; readonly from: PeerId },
    { nowMs, livingCount }: { readonly nowMs: number; readonly livingCount: number },
  ): { readonly deadlineMs: number } | undefined {
    const wanted = confirmationsWanted(this.#options, livingCount)
    let suspicion = this.#suspicions?.get(peer)
    if (suspicion === undefined) {
      suspicion = { sinceMs: nowMs, from: [from], deadlineMs: 0 }
      ;(this.#suspicions ??= new Map()).set(peer, suspicion)
    } else {
      if (suspicion.from.length > wanted || suspicion.from.includes(from)) return undefined
      suspicion.from.push(from)
    }
    const { suspicionMs, suspicionFactorMax } = this.#options
    const minMs = suspicionMs * sizeFactor(livingCount)
    const limits = { minMs, maxMs: minMs * suspicionFactorMax }
    suspicion.deadlineMs = suspicion.sinceMs + suspicionTimeoutMs(limits, { count: suspicion.from.length - 1, wanted })
    return suspicion
  }

  /** How long the peer still has: 0 or less where its time is over, undefined where nobody suspects it. */
  leftMs(peer: PeerId, nowMs: number): number | undefined {
    const suspicion = this.#suspicions?.get(peer)
    return suspicion && suspicion.deadlineMs - nowMs
  }

  /** Gives everyone more time. */
  extend(byMs: number): void {
    for (const suspicion of this.#suspicions?.values() ?? []) suspicion.deadlineMs += byMs
  }

  end(peer: PeerId): void {
    if (this.#suspicions?.delete(peer) && this.#suspicions.size === 0) this.#suspicions = undefined
  }
}

/**
 * How long a suspected node has (Lifeguard, section IV-B): long while one node alone suspects it, shorter with each independent
 * confirmation, on a logarithmic scale, down to the least.
 */
export function suspicionTimeoutMs(
  limits: { readonly minMs: number; readonly maxMs: number },
  confirmations: { readonly count: number; readonly wanted: number },
): number {
  if (confirmations.wanted < 1) return limits.minMs
  const share = Math.log(confirmations.count + 1) / Math.log(confirmations.wanted + 1)
  return Math.max(limits.minMs, limits.maxMs - (limits.maxMs - limits.minMs) * share)
}

/** Neither the suspect nor who suspects it first can confirm. */
function confirmationsWanted({ confirmationCount }: MembershipOptions, livingCount: number): number {
  return Math.max(0, Math.min(confirmationCount, livingCount - 1))
}

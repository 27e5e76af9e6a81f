import type { PeerId } from '../env/index.ts'
import { weightOf } from './offences.ts'

export interface ScoreOptions {
  /** At this score a peer is cut off. */
  readonly scoreMax: number
  /** In this time half of a score is forgiven. With 100 above, a peer may weigh a little over one a second for ever. */
  readonly halfLifeMs: number
  /** The first cut off, and the longest: each one is twice as long as the one before. */
  readonly cutOffMsMin: number
  readonly cutOffMsMax: number
  /** So long after a cut off has ended, one of those before it is forgotten. */
  readonly strikeMs: number
  /** Peers that are remembered; beyond it the one that was refused something longest ago is forgotten, cut off ones last. */
  readonly peerCountMax: number
}

export const SCORE_DEFAULTS: ScoreOptions = {
  scoreMax: 100,
  halfLifeMs: 60_000,
  cutOffMsMin: 60_000,
  cutOffMsMax: 3_600_000,
  strikeMs: 3_600_000,
  peerCountMax: 1_024,
}

/** A peer that this node has nothing to do with for a while. */
export interface CutOff {
  readonly peer: PeerId
  /** What weighed most, for people: the protocol and the reason. */
  readonly reason: string
  /** Monotonic time. */
  readonly sinceMs: number
  readonly untilMs: number
  /** How many it has had lately, this one counted. */
  readonly strikeCount: number
}

interface Standing {
  /** As of `atMs`. */
  score: number
  atMs: number
  /** What it is made of: weights by protocol and reason, as of `atMs` too. */
  readonly parts: Map<string, number>
  cutOff: CutOff | undefined
  strikeCount: number
}

/**
 * What peers have against them. Each refusal adds its weight to a score that fades; beyond a bound the peer is cut off, first for a
 * minute, and for longer each time that it comes back and goes on. All of it is this node's own judgement, told to nobody: what others
 * say of a peer is no evidence, or lies would cut honest nodes off.
 */
export class PeerScores {
  readonly #options: ScoreOptions
  /** Who was refused something last stands last. */
  readonly #standings = new Map<PeerId, Standing>()

  constructor(options: Partial<ScoreOptions> = {}) {
    this.#options = { ...SCORE_DEFAULTS, ...options }
  }

  get count(): number {
    return this.#standings.size
  }

  /** Something of the peer's was refused. Gives the cut off that begins with it; one that is cut off already loses nothing more. */
  note(
    peer: PeerId,
    refusal: { readonly protocol: string; readonly reason: string },
    nowMs: number,
  ): CutOff | undefined {
    const weight = weightOf(refusal.reason)
    if (weight === 0) return undefined
    const standing = this.#standingOf(peer, nowMs)
    if (this.#isCutOff(standing, nowMs)) return undefined
    this.#fade(standing, nowMs)
    const part = `${refusal.protocol} ${refusal.reason}`
    standing.score += weight
    if (standing.parts.has(part) || standing.parts.size < PARTS_COUNT_MAX)
      standing.parts.set(part, (standing.parts.get(part) ?? 0) + weight)
    return standing.score < this.#options.scoreMax ? undefined : this.#cutOff(peer, standing, nowMs)
  }

  scoreOf(peer: PeerId, nowMs: number): number {
    const standing = this.#standings.get(peer)
    return standing === undefined ? 0 : standing.score * this.#shareLeft(standing, nowMs)
  }

  /** The cut off that a peer is under now. */
  cutOffOf(peer: PeerId, nowMs: number): CutOff | undefined {
    const standing = this.#standings.get(peer)
    return standing !== undefined && this.#isCutOff(standing, nowMs) ? standing.cutOff : undefined
  }

  cutOffs(nowMs: number): readonly CutOff[] {
    return [...this.#standings.values()].flatMap((standing) =>
      this.#isCutOff(standing, nowMs) ? [standing.cutOff!] : [],
    )
  }

  #cutOff(peer: PeerId, standing: Standing, nowMs: number): CutOff {
    const { cutOffMsMin, cutOffMsMax, strikeMs } = this.#options
    const restMs = standing.cutOff === undefined ? 0 : nowMs - standing.cutOff.untilMs
    const strikeCount = Math.max(0, standing.strikeCount - Math.floor(restMs / strikeMs)) + 1
    const lastMs = Math.min(cutOffMsMax, cutOffMsMin * 2 ** (strikeCount - 1))
    const [reason] = [...standing.parts].reduce((most, part) => (part[1] > most[1] ? part : most))
    const cutOff = { peer, reason, sinceMs: nowMs, untilMs: nowMs + lastMs, strikeCount }
    // It comes back with a clean sheet, but for the strikes.
    Object.assign(standing, { cutOff, strikeCount, score: 0 })
    standing.parts.clear()
    return cutOff
  }

  #isCutOff({ cutOff }: Standing, nowMs: number): boolean {
    return cutOff !== undefined && nowMs < cutOff.untilMs
  }

  #fade(standing: Standing, nowMs: number): void {
    const share = this.#shareLeft(standing, nowMs)
    standing.score *= share
    standing.atMs = nowMs
    for (const [part, weight] of standing.parts) standing.parts.set(part, weight * share)
  }

  #shareLeft({ atMs }: Standing, nowMs: number): number {
    return 0.5 ** ((nowMs - atMs) / this.#options.halfLifeMs)
  }

  #standingOf(peer: PeerId, nowMs: number): Standing {
    const known = this.#standings.get(peer)
    this.#standings.delete(peer)
    if (known === undefined && this.#standings.size >= this.#options.peerCountMax) this.#forgetOne(nowMs)
    const standing = known ?? { score: 0, atMs: nowMs, parts: new Map(), cutOff: undefined, strikeCount: 0 }
    this.#standings.set(peer, standing)
    return standing
  }

  #forgetOne(nowMs: number): void {
    let oldest: PeerId | undefined
    for (const [peer, standing] of this.#standings) {
      oldest ??= peer
      if (this.#isCutOff(standing, nowMs)) continue
      oldest = peer
      break
    }
    if (oldest !== undefined) this.#standings.delete(oldest)
  }
}

/** Protocols and reasons that are told apart for one peer; what is more counts, without a name. */
const PARTS_COUNT_MAX = 16

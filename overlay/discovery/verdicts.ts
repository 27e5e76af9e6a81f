import type { PeerId } from '../env/index.ts'
import type { Rejection } from './nodes.ts'

/** Rejections of one search that are listed. Further ones are counted only. */
const REJECTION_COUNT_MAX = 10_000

/** What became of the nodes that a search looked at. */
export class Verdicts {
  readonly #rejections: Rejection[] = []
  #ruledOutCount = 0
  #confirmedCount = 0
  #unfitCount = 0
  #silentCount = 0

  get rejections(): readonly Rejection[] {
    return this.#rejections
  }

  /** Looked at and not asked, since their descriptors say enough. */
  get ruledOutCount(): number {
    return this.#ruledOutCount
  }

  get confirmedCount(): number {
    return this.#confirmedCount
  }

  get unfitCount(): number {
    return this.#unfitCount
  }

  get silentCount(): number {
    return this.#silentCount
  }

  /** Asked and heard of, whatever they said. */
  get answeredCount(): number {
    return this.#confirmedCount + this.#unfitCount
  }

  /** Asked, and either heard of or given up. */
  get doneCount(): number {
    return this.answeredCount + this.#silentCount
  }

  ruleOut(peers: readonly PeerId[]): void {
    this.#ruledOutCount += peers.length
    for (const id of peers) this.#reject(id, 'static')
  }

  confirm(): void {
    this.#confirmedCount++
  }

  unfit(id: PeerId): void {
    this.#unfitCount++
    this.#reject(id, 'dynamic')
  }

  silent(id: PeerId): void {
    this.#silentCount++
    this.#reject(id, 'silent')
  }

  #reject(id: PeerId, reason: Rejection['reason']): void {
    if (this.#rejections.length < REJECTION_COUNT_MAX) this.#rejections.push({ id, reason })
  }
}

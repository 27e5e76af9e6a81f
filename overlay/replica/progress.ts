import type { SnapshotMeta } from './entry.ts'

/** A message with entries that is under way. */
interface UnderWay {
  readonly lastIndex: number
  readonly sentMs: number
}

/** How far a follower is with a snapshot: chunks are sent a few ahead of what it has on its disk. */
export interface Transfer {
  readonly snapshot: SnapshotMeta
  /** All chunks before this one are on the follower's disk, by the best that it has said. */
  acknowledged: number
  /** And by the last: less where it had to make room on its disk for another snapshot in between. */
  told: number
  /** The next one to be sent. */
  next: number
  /** When the follower last got further, or was sent all again. */
  movedMs: number
  /** Chunks that are being read from our disk. */
  reading: number
}

/** What a leader knows of one follower (paper, figure 2: nextIndex and matchIndex; the window is the dissertation's 10.2.1). */
export class Progress {
  /** Its log matches ours up to here and is on its disk. */
  match = 0
  /** Its log matches ours up to here, as far as it has said. */
  verified = 0
  /** The next entry to send. */
  next: number
  /** Until it has said where our logs match, one message at a time goes out. */
  isProbing = true
  /** The newest of our calls that it answered. */
  round = 0
  /** When it last said anything, by our clock. */
  heardMs: number
  /** Who it is: undefined until it has said so. */
  incarnation: number | undefined
  transfer: Transfer | undefined
  /** Catching up goes in rounds (dissertation 4.2.1): the end of the log as this one began, and when. */
  catchUp: { readonly index: number; readonly beganMs: number } | undefined
  #underWay: UnderWay[] = []

  constructor(next: number, nowMs: number) {
    this.next = next
    this.heardMs = nowMs
  }

  get underWayCount(): number {
    return this.#underWay.length
  }

  /** Entries up to `lastIndex` went out. */
  sent(lastIndex: number, nowMs: number): void {
    this.#underWay.push({ lastIndex, sentMs: nowMs })
    this.next = lastIndex + 1
  }

  /** It says how far its log matches, and how far that is on its disk, answering our call `round`. */
  acknowledge(ack: { readonly verified: number; readonly match: number; readonly round: number }): void {
    this.match = Math.max(this.match, ack.match)
    // Restarted, it has forgotten what it had not written; that went out once, and goes out again.
    const hasForgotten = ack.round > this.round && ack.verified < this.verified
    this.round = Math.max(this.round, ack.round)
    if (hasForgotten) {
      this.verified = this.match
      this.probe(this.match + 1)
      return
    }
    this.verified = Math.max(this.verified, ack.verified)
    this.#underWay = this.#underWay.filter(({ lastIndex }) => lastIndex > this.verified)
    if (this.isProbing && ack.verified >= this.next - 1) this.isProbing = false
    if (this.verified >= this.next || (this.#underWay.length === 0 && !this.isProbing)) this.next = this.verified + 1
  }

  /** Whether what is under way should have been answered long ago. */
  isLost(nowMs: number, patienceMs: number): boolean {
    const oldest = this.#underWay[0]
    return oldest !== undefined && nowMs - oldest.sentMs >= patienceMs
  }

  /** Looks for where our logs match, from `next` on. */
  probe(next: number): void {
    this.next = next
    this.isProbing = true
    this.#underWay = []
  }

  /** It begins again with nothing: all that it had promised was another's promise. */
  forget(incarnation: number, next: number): void {
    this.incarnation = incarnation
    this.match = 0
    this.verified = 0
    this.round = 0
    this.transfer = undefined
    this.catchUp = undefined
    this.probe(next)
  }
}

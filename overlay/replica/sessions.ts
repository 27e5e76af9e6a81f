import type { ErrorRecord } from '../error/index.ts'
import type { PeerId } from '../env/index.ts'
import type { CommandContent } from './entry.ts'
import { weigh } from './plain.ts'
import type { Given } from './service.ts'

/** What came of a command that was applied. */
export type Result =
  | { readonly type: 'done'; readonly result: Given }
  | { readonly type: 'failed'; readonly error: ErrorRecord }

/** Why a command was not applied, now or ever. */
export type Refusal =
  /** The session is not known (any more): whether an earlier copy of this command was applied cannot be said. */
  | { readonly type: 'expired' }
  /** The client has said that it no longer waits for this one. */
  | { readonly type: 'settled' }

export type Outcome =
  | Result
  | Refusal
  | { readonly type: 'opened'; readonly session: number }
  | { readonly type: 'busy' }

interface Session {
  readonly peer: PeerId
  usedMs: number
  settled: number
  readonly results: Map<number, Result>
  weight: number
}

/** One session as it stands in a snapshot, but for its results. */
export interface SessionRow {
  readonly session: number
  readonly peer: PeerId
  readonly usedMs: number
  readonly settled: number
}

/** One result of a session, as it stands in a snapshot. */
export interface ResultRow {
  readonly session: number
  readonly sequence: number
  readonly result: Result
}

/** All of these are agreed: another number at one replica and the states part. They belong to the version of the protocol. */
export const SESSION_COUNT_MAX = 1_024
/** Sessions of one peer; with one more its own least used goes. */
export const SESSION_PER_PEER_MAX = 64
/** Commands of one session whose replies are kept; clients keep no more in flight. */
export const SESSION_WINDOW = 256
/** What is kept of replies in all. Beyond it the session that was not used for longest goes. */
export const RESULT_WEIGHT_MAX = 33_554_432
/** A session that is not used for so long, of the group's time, is over. */
export const SESSION_MS = 3_600_000
/** A full table makes room by a session that was idle for so long; without one, new clients wait. */
export const SESSION_IDLE_MS = 60_000

/**
 * What makes a command that was sent twice apply once (dissertation 6.3): each client's session keeps the results of the commands
 * that it still waits for. It is part of the replicated state, changed by entries alone, and in snapshots. A session's name is the
 * index of the entry that opened it, so that a late copy of that entry opens another and no session comes back from the dead.
 *
 * Unlike there, a client may have several commands in flight, which may enter the log in any order: results are kept
 * by sequence number, from the lowest that the client waits for.
 */
export class Sessions {
  /** In the order of last use. */
  readonly #sessions = new Map<number, Session>()
  #weight = 0

  open(session: number, peer: PeerId, atMs: number): Outcome {
    this.#expire(atMs)
    const own = [...this.#sessions].filter(([, other]) => other.peer === peer)
    if (own.length >= SESSION_PER_PEER_MAX) this.#end(own[0]![0])
    if (this.#sessions.size >= SESSION_COUNT_MAX && !this.#makeRoom(atMs)) return { type: 'busy' }
    this.#sessions.set(session, { peer, usedMs: atMs, settled: 1, results: new Map(), weight: 0 })
    return { type: 'opened', session }
  }

  /** Applies a command unless it was, or must not be. */
  run(entry: CommandContent, atMs: number, apply: () => Result): Outcome {
    const session = this.#use(entry, atMs)
    if (session === undefined) return { type: 'expired' }
    this.#settle(session, entry.settled)
    if (entry.sequence < session.settled) return { type: 'settled' }
    const known = this.recall(session.results, entry.sequence)
    if (known) return known
    if (entry.sequence >= session.settled + SESSION_WINDOW) return { type: 'busy' }
    const result = apply()
    this.#keep(session, entry.sequence, result)
    return result
  }

  /** The result of a command that was applied before. */
  recall(results: ReadonlyMap<number, Result>, sequence: number): Result | undefined {
    return results.get(sequence)
  }

  /** What a snapshot has of it: at most `SESSION_COUNT_MAX` sessions of `SESSION_WINDOW` results each. */
  copy(): { readonly rows: SessionRow[]; readonly results: ResultRow[] } {
    const rows: SessionRow[] = []
    const results: ResultRow[] = []
    for (const [session, { peer, usedMs, settled, results: kept }] of this.#sessions) {
      rows.push({ session, peer, usedMs, settled })
      for (const [sequence, result] of kept) results.push({ session, sequence, result })
    }
    return { rows, results }
  }

  clear(): void {
    this.#sessions.clear()
    this.#weight = 0
  }

  /** Rows come in the order of `copy`. */
  restore({ session, peer, usedMs, settled }: SessionRow): void {
    this.#sessions.set(session, { peer, usedMs, settled, results: new Map(), weight: 0 })
  }

  restoreResult({ session: id, sequence, result }: ResultRow): void {
    const session = this.#sessions.get(id)
    if (session) this.#keep(session, sequence, result)
  }

  #use({ session: id, peer }: CommandContent, atMs: number): Session | undefined {
    this.#expire(atMs)
    const session = this.#sessions.get(id)
    if (session === undefined || session.peer !== peer) return undefined
    session.usedMs = atMs
    this.#sessions.delete(id)
    this.#sessions.set(id, session)
    return session
  }

  #settle(session: Session, settled: number): void {
    if (settled <= session.settled) return
    session.settled = settled
    for (const [sequence, result] of session.results) if (sequence < settled) this.#drop(session, sequence, result)
  }

  #keep(session: Session, sequence: number, result: Result): void {
    const weight = weigh(result, Infinity)
    session.results.set(sequence, result)
    session.weight += weight
    this.#weight += weight
    while (this.#weight > RESULT_WEIGHT_MAX && this.#sessions.size > 1) this.#end(this.#oldest()!)
  }

  #drop(session: Session, sequence: number, result: Result): void {
    const weight = weigh(result, Infinity)
    session.results.delete(sequence)
    session.weight -= weight
    this.#weight -= weight
  }

  #expire(atMs: number): void {
    for (let oldest = this.#oldest(); oldest !== undefined; oldest = this.#oldest()) {
      if (this.#sessions.get(oldest)!.usedMs + SESSION_MS > atMs) return
      this.#end(oldest)
    }
  }

  #makeRoom(atMs: number): boolean {
    const oldest = this.#oldest()!
    if (this.#sessions.get(oldest)!.usedMs + SESSION_IDLE_MS > atMs) return false
    this.#end(oldest)
    return true
  }

  #oldest(): number | undefined {
    return this.#sessions.keys().next().value
  }

  #end(id: number): void {
    this.#weight -= this.#sessions.get(id)!.weight
    this.#sessions.delete(id)
  }
}

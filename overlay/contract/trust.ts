import type { PeerId, Plain } from '../env/index.ts'

/** Who sent a request, and how it came in. */
export interface Caller {
  readonly via: 'process' | 'socket' | 'loopback' | 'peer' | 'job'
  /** The node that sent it, where it came from one. */
  readonly peer?: PeerId
  /** The job that sent it, by the socket of its unit. */
  readonly job?: JobCaller
}

/** A unit of a job that runs on this node. */
export interface JobCaller {
  readonly id: string
  readonly unit: string
}

/** What a user says and signs: `body` is any plain value, the rest makes it good for one purpose and a short time. */
export interface Statement {
  /** What is asked: `job.submit`, `job.cancel`. */
  readonly action: string
  readonly body: Plain
  /** Unix time in milliseconds, and 16 random bytes: a statement is taken once, and within `STATEMENT_AGE_MS_MAX`. */
  readonly atMs: number
  readonly nonce: Uint8Array
}

/** A statement with its signature, and the certificate that says who the key belongs to. */
export interface SignedStatement {
  readonly statement: Statement
  /** The user's key id: the peer id form of its ed25519 public key. */
  readonly signer: string
  /** X.509, DER. */
  readonly certificate: Uint8Array
  readonly signature: Uint8Array
}

/** A member of the VO, as its certificate says. */
export interface Member {
  readonly id: string
  readonly name: string
}

export interface Trust {
  /** Fingerprint of the VO's authority: SHA-256 of its public key, 64 hexadecimal digits. */
  readonly vo: string
  /**
   * The member who made this statement. Rejects, in this order: `CREDENTIAL_INVALID` or `CREDENTIAL_EXPIRED` (the certificate),
   * `SIGNATURE_INVALID`, and `DENIED` where `action` is another. `fresh` also asks that it is new: within the time, and not seen
   * before (`STATEMENT_STALE`), and that this can be remembered (`BUSY`). What is no signed statement at all is `MESSAGE_MALFORMED`.
   */
  check(signed: SignedStatement, action: string, options: { readonly fresh: boolean }): Member
}

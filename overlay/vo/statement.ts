import type { Crypto } from '../env/index.ts'
import { shape } from '../env/index.ts'
import type { Plain, Shape, ShapeOf } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { CERTIFICATE_BYTES_MAX } from './certificate.ts'
import { exactBytes } from './shapes.ts'

/**
 * What users say. A statement is signed by the user's key together with the fingerprint of the grid that it is meant for, so
 * that what was said in one grid means nothing in another. It is taken once and for a short time: beyond the time its age
 * refuses it, within the time a memory of nonces does.
 */
export interface Statement {
  readonly action: string
  readonly body: Plain
  /** Unix time in milliseconds. */
  readonly atMs: number
  readonly nonce: Uint8Array
}

/** `signer` is the id of the user's key, `certificate` DER, `signature` ed25519. */
export type SignedStatement = ShapeOf<typeof signedStatement>

/** A statement older than this is refused. Longer forgives worse clocks, and makes every node remember more nonces. */
export const STATEMENT_AGE_MS_MAX = 5 * 60 * 1000
/** How far ahead of ours the clock of an honest user may be. */
export const STATEMENT_AHEAD_MS_MAX = 2 * 60 * 1000
export const NONCE_BYTES = 16
/** Nonces remembered in all, and of one signer: 200 and 13 statements a second. Beyond them new statements are refused with `BUSY`. */
export const NONCE_COUNT_MAX = 65_536
export const NONCE_PER_SIGNER_COUNT_MAX = 4_096

export const STATEMENT_CONTEXT = 'roost/statement/1'

/** What is signed, under `STATEMENT_CONTEXT`. */
export function statementToSign(fingerprint: string, statement: Statement): Plain {
  const { action, body, atMs, nonce } = statement
  return { fingerprint, action, body, atMs, nonce }
}

/** Signs with the key behind `crypto`; `signer` is its id. */
export function signStatement(
  statement: Statement,
  by: { readonly fingerprint: string; readonly signer: string; readonly certificate: Uint8Array },
  crypto: Pick<Crypto, 'sign'>,
): SignedStatement {
  const signature = crypto.sign(STATEMENT_CONTEXT, statementToSign(by.fingerprint, statement))
  return { statement, signer: by.signer, certificate: by.certificate, signature }
}

/** The way in for a signed statement from a peer or a client. `body` stays whatever it is; who acts on it parses it. */
export function parseSignedStatement(value: unknown, path = 'signed statement'): SignedStatement {
  return signedStatement(value, path)
}

/**
 * Which statements have been taken. It lives in memory: statements from before `sinceMs`, when this memory began, are
 * refused, since an earlier life may have taken them.
 */
export class NonceMemory {
  readonly #sinceMs: number
  readonly #limits: { readonly countMax: number; readonly perSignerCountMax: number }
  /** In the order of arrival. */
  readonly #seen = new Map<string, { readonly signer: string; readonly atMs: number }>()
  readonly #countOf = new Map<string, number>()
  /** The latest time of a statement that was forgotten: what is not later could be a repetition. */
  #forgottenAtMs = Number.NEGATIVE_INFINITY

  constructor(sinceMs: number, limits = { countMax: NONCE_COUNT_MAX, perSignerCountMax: NONCE_PER_SIGNER_COUNT_MAX }) {
    this.#sinceMs = sinceMs
    this.#limits = limits
  }

  get count(): number {
    return this.#seen.size
  }

  /**
   * Takes a statement whose signature has been checked. Fails with `STATEMENT_STALE` where it is too old, too far ahead or
   * taken before, and with `BUSY` where the memory, or the signer's part of it, is full: forgetting early would let it be repeated.
   */
  take(signer: string, { atMs, nonce }: Pick<Statement, 'atMs' | 'nonce'>, wallMs: number): void {
    this.#forget(wallMs)
    const ageMs = wallMs - atMs
    if (ageMs > STATEMENT_AGE_MS_MAX) throw stale(`it was signed ${Math.round(ageMs / 1000)} seconds ago`)
    if (-ageMs > STATEMENT_AHEAD_MS_MAX) throw stale(`it is dated ${Math.round(-ageMs / 1000)} seconds from now`)
    if (atMs < this.#sinceMs) throw stale('it was signed before this node started')
    if (atMs <= this.#forgottenAtMs) throw stale('the clock of this node was set back since')
    const key = `${signer} ${nonce.join(',')}`
    if (this.#seen.has(key)) throw stale('it was used before')
    const ofSigner = this.#countOf.get(signer) ?? 0
    if (ofSigner >= this.#limits.perSignerCountMax || this.#seen.size >= this.#limits.countMax)
      throw new RoostError('BUSY', 'too many signed requests within a few minutes')
    this.#seen.set(key, { signer, atMs })
    this.#countOf.set(signer, ofSigner + 1)
  }

  /** Drops from the oldest on what its age refuses anyway; one that arrived early waits for those before it. */
  #forget(wallMs: number): void {
    for (const [key, { signer, atMs }] of this.#seen) {
      if (wallMs - atMs <= STATEMENT_AGE_MS_MAX) return
      this.#seen.delete(key)
      this.#forgottenAtMs = Math.max(this.#forgottenAtMs, atMs)
      const left = this.#countOf.get(signer)! - 1
      if (left === 0) this.#countOf.delete(signer)
      else this.#countOf.set(signer, left)
    }
  }
}

function stale(why: string): RoostError {
  return new RoostError('STATEMENT_STALE', `this signed request is not taken: ${why}`)
}

const frame = shape.record({
  action: shape.text(64),
  atMs: shape.integer(),
  nonce: exactBytes(NONCE_BYTES),
})

const statement: Shape<Statement> = (value, path) => {
  const framed = frame(value, path)
  // Any plain value: the codec has bounded it, and an absent body is one that is undefined.
  return { ...framed, body: (value as { readonly body?: Plain }).body }
}

const signedStatement = shape.record({
  statement,
  signer: shape.peerId,
  certificate: shape.bytes(CERTIFICATE_BYTES_MAX),
  signature: exactBytes(64),
})

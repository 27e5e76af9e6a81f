import { X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CERTIFICATE_BYTES_MAX, CLOCK_TOLERANCE_MS, RoostError, isVoName, roleUri } from '../../overlay/index.ts'
import type { PeerId, Role } from '../../overlay/index.ts'
import { BoundedCache, peerIdOf, rawPublicKey, sha256, spkiOf } from '../keys/index.ts'

/** What a certificate says of its holder. */
export interface Certified {
  /** The peer id form of the holder's public key. */
  readonly id: PeerId
  /** The member's name; for a node its id. */
  readonly name: string
  readonly role: Role
  readonly fromMs: number
  readonly untilMs: number
}

/** A VO's authority as its own certificate, self-signed, shows it. */
export interface AuthorityCertificate {
  /** The peer id form of its public key. */
  readonly id: PeerId
  readonly fingerprint: string
  /** The name of the VO. */
  readonly name: string
  readonly certificate: Uint8Array
  readonly publicKey: KeyObject
  readonly fromMs: number
  readonly untilMs: number
}

/** Certificates whose signature was found good, so that a member's hundredth request costs a hash and no more. */
const CHECKED_COUNT_MAX = 4_096

/**
 * Checks certificates against one authority: `authority -> holder`, nothing between. All of it is synchronous and rests on
 * OpenSSL's reader in node:crypto; what that does not look at (the alternative name's meaning, whether all bytes were read) is
 * compared byte by byte with what we would have written, so that no odd form needs to be understood to be refused.
 */
export class CertificateChecker {
  readonly authority: AuthorityCertificate
  readonly #checked = new BoundedCache<string, Certified>(CHECKED_COUNT_MAX)

  constructor(authority: AuthorityCertificate) {
    this.authority = authority
  }

  /**
   * The holder, where the certificate is the authority's, of this role, for this key, and valid now. Fails with `CREDENTIAL_INVALID`
   * or, where only its time is wrong, `CREDENTIAL_EXPIRED`; never otherwise, whatever the bytes.
   */
  check(certificate: Uint8Array, of: { readonly role: Role; readonly id: PeerId; readonly wallMs: number }): Certified {
    const certified = this.checkHolder(certificate, of)
    checkTime(certified, of.wallMs)
    return certified
  }

  /** The same at whatever time: for one's own certificates, which expire while the daemon is down. */
  checkHolder(certificate: Uint8Array, of: { readonly role: Role; readonly id: PeerId }): Certified {
    const certified = this.#signed(certificate)
    if (certified.role !== of.role) throw invalid(`this is the certificate of a ${certified.role}, not of a ${of.role}`)
    if (certified.id !== of.id) throw invalid(`this certificate belongs to ${certified.id}, not to ${of.id}`)
    return certified
  }

  /** The holder as the authority's signature vouches for it, at whatever time. */
  #signed(certificate: Uint8Array): Certified {
    if (certificate.length > CERTIFICATE_BYTES_MAX)
      throw invalid(`a certificate has at most ${CERTIFICATE_BYTES_MAX} bytes`)
    const hash = Buffer.from(sha256(certificate)).toString('latin1')
    const known = this.#checked.get(hash)
    if (known !== undefined) return known
    const certified = readable(certificate, (x509) => this.#read(x509))
    this.#checked.set(hash, certified)
    return certified
  }

  #read(x509: X509Certificate): Certified {
    if (!x509.verify(this.authority.publicKey))
      throw invalid(`this certificate is not of the grid ${this.authority.name}`)
    if (x509.ca) throw invalid('nobody but the authority itself may issue certificates')
    const id = peerIdOf(ed25519KeyOf(x509))
    const role = (['node', 'member'] as const).find((one) => x509.subjectAltName === `URI:${roleUri(one, id)}`)
    if (role === undefined) throw invalid('this certificate does not name its own key')
    const { fromMs, untilMs } = validityOf(x509)
    return { id, role, name: commonName(x509), fromMs, untilMs: Math.min(untilMs, this.authority.untilMs) }
  }
}

/** Reads the certificate of an authority; it must be valid now and signed by its own key. Fails like `CertificateChecker.check`. */
export function readAuthority(certificate: Uint8Array, wallMs: number): AuthorityCertificate {
  const authority = readable(certificate, (x509) => {
    const raw = ed25519KeyOf(x509)
    const fingerprint = fingerprintOf(raw)
    const publicKey = x509.publicKey
    if (!x509.verify(publicKey)) throw invalid("an authority's certificate is signed by itself")
    if (!x509.ca || x509.subjectAltName !== `URI:${roleUri('authority', fingerprint)}`)
      throw invalid('this is no certificate of an authority')
    const name = commonName(x509)
    if (!isVoName(name)) throw invalid('the authority has no valid grid name')
    return { id: peerIdOf(raw), fingerprint, name, certificate, publicKey, ...validityOf(x509) }
  })
  checkTime(authority, wallMs)
  return authority
}

/** SHA-256 of an ed25519 public key (DER of its SubjectPublicKeyInfo), as 64 hexadecimal digits. */
export function fingerprintOf(rawPublicKey: Uint8Array): string {
  return Buffer.from(sha256(spkiOf(rawPublicKey))).toString('hex')
}

/** Whatever goes wrong inside OpenSSL's reader is the certificate's fault. */
function readable<Result>(certificate: Uint8Array, read: (x509: X509Certificate) => Result): Result {
  try {
    const x509 = new X509Certificate(certificate)
    // PEM, and bytes behind the end, are read too: one certificate has one form here.
    if (!x509.raw.equals(certificate)) throw invalid('this is not the DER of one certificate')
    return read(x509)
  } catch (error) {
    throw error instanceof RoostError ? error : invalid('this is no certificate', error)
  }
}

function ed25519KeyOf(x509: X509Certificate): Uint8Array {
  const raw = rawPublicKey(x509.publicKey)
  if (raw === undefined) throw invalid('the key of a certificate is an ed25519 key')
  return raw
}

function validityOf(x509: X509Certificate): { fromMs: number; untilMs: number } {
  const validity = { fromMs: x509.validFromDate.getTime(), untilMs: x509.validToDate.getTime() }
  if (!(validity.fromMs < validity.untilMs)) throw invalid('this certificate is never valid')
  return validity
}

function checkTime({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }, wallMs: number): void {
  if (wallMs > untilMs + CLOCK_TOLERANCE_MS)
    throw new RoostError('CREDENTIAL_EXPIRED', `this certificate was good until ${new Date(untilMs).toISOString()}`)
  if (wallMs < fromMs - CLOCK_TOLERANCE_MS)
    throw new RoostError('CREDENTIAL_INVALID', `this certificate is good from ${new Date(fromMs).toISOString()} on`, {
      hint: 'check the clock of this machine',
    })
}

function commonName(x509: X509Certificate): string {
  const name: unknown = x509.toLegacyObject().subject?.CN
  if (typeof name !== 'string') throw invalid('a certificate has one common name')
  return name
}

function invalid(message: string, cause?: unknown): RoostError {
  return new RoostError('CREDENTIAL_INVALID', message, cause === undefined ? {} : { cause })
}

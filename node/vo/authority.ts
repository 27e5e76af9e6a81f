import { randomBytes, webcrypto } from 'node:crypto'
import { AUTHORITY_MS, CERTIFICATE_MS, roleUri } from '../../overlay/index.ts'
import { importPublicKey, peerIdOf } from '../keys/index.ts'
import type { Key } from '../keys/index.ts'
import { fingerprintOf, readAuthority } from './check.ts'
import type { AuthorityCertificate } from './check.ts'

/** For whom a certificate is made out. */
export interface Holder {
  readonly role: 'node' | 'member'
  /** The raw ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** A member's name; nodes are named by their id. */
  readonly name?: string
}

/** The key that a VO hangs on, and its own certificate. */
export class Authority {
  readonly #key: Key
  readonly certificate: AuthorityCertificate

  constructor(key: Key, certificate: AuthorityCertificate) {
    this.#key = key
    this.certificate = certificate
  }

  /** DER of a certificate of `CERTIFICATE_MS` from now, or as long as the authority itself has left. */
  async issue({ role, publicKey, name }: Holder, { wallMs }: { readonly wallMs: number }): Promise<Uint8Array> {
    const id = peerIdOf(publicKey)
    const x509 = await loadX509()
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        subject: [{ CN: [name ?? id] }],
        issuer: [{ CN: [this.certificate.name] }],
        notBefore: new Date(wallMs),
        notAfter: new Date(Math.min(wallMs + CERTIFICATE_MS, this.certificate.untilMs)),
        signingAlgorithm: 'Ed25519',
        signingKey: this.#key.privateKey.toCryptoKey('Ed25519', false, ['sign']),
        publicKey: importPublicKey(publicKey).toCryptoKey('Ed25519', true, ['verify']),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.SubjectAlternativeNameExtension([{ type: 'url', value: roleUri(role, id) }]),
        ],
      },
      webcrypto,
    )
    return new Uint8Array(certificate.rawData)
  }
}

/** The self-signed certificate of a new VO's authority. */
export async function foundAuthority(key: Key, { name, wallMs }: { name: string; wallMs: number }): Promise<Authority> {
  const x509 = await loadX509()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(wallMs),
      notAfter: new Date(wallMs + AUTHORITY_MS),
      signingAlgorithm: 'Ed25519',
      keys: {
        privateKey: key.privateKey.toCryptoKey('Ed25519', false, ['sign']),
        publicKey: importPublicKey(key.publicKey).toCryptoKey('Ed25519', true, ['verify']),
      },
      extensions: [
        new x509.BasicConstraintsExtension(true, DELEGATION_DEPTH_MAX, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        new x509.SubjectAlternativeNameExtension([
          { type: 'url', value: roleUri('authority', fingerprintOf(key.publicKey)) },
        ]),
      ],
    },
    webcrypto,
  )
  return new Authority(key, readAuthority(new Uint8Array(certificate.rawData), wallMs))
}

/** Room for delegates one below the authority. Nobody checks a longer chain than `authority -> holder` yet. */
const DELEGATION_DEPTH_MAX = 1

/**
 * Loaded by who issues, and by nobody else: checking needs node:crypto alone. The library's container of parts wants a
 * polyfill loaded before it. It is told which WebCrypto to use at each call, since other users of it in this process
 * (TLS of libp2p) set one of their own for everybody.
 */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return await import('@peculiar/x509')
}

/** A positive number of 16 random bytes (RFC 5280, section 4.1.2.2, allows 20). */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes.toString('hex')
}

import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { PeerId } from '../../overlay/index.ts'
import { peerIdOf } from './peer-id.ts'

/** An ed25519 key (RFC 8032) of a node, a user or an authority. */
export interface Key {
  /** Its name: the peer id of its public half. */
  readonly id: PeerId
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
  /** The signature over these very bytes, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

export function generateKey(): Key {
  return keyFrom(generateKeyPairSync('ed25519').privateKey)
}

/** The key in a PKCS #8 PEM text (RFC 8410), as `pemOf` writes it; undefined where it holds no ed25519 private key. */
export function keyFromPem(pem: string): Key | undefined {
  try {
    const privateKey = createPrivateKey({ key: pem, format: 'pem' })
    return privateKey.asymmetricKeyType === 'ed25519' ? keyFrom(privateKey) : undefined
  } catch {
    return undefined
  }
}

export function pemOf(key: Key): string {
  return key.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
}

/** Seed and public key, 64 bytes: the raw form that libp2p takes. */
export function rawPrivateKey(key: Key): Uint8Array {
  const seed = Buffer.from(key.privateKey.export({ format: 'jwk' }).d!, 'base64url')
  return Uint8Array.from([...seed, ...key.publicKey])
}

/** The raw 32 bytes of an ed25519 public key; undefined for a key of another kind. */
export function rawPublicKey(publicKey: KeyObject): Uint8Array | undefined {
  if (publicKey.asymmetricKeyType !== 'ed25519') return undefined
  return Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length))
}

/** An ed25519 public key from its raw 32 bytes. */
export function importPublicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: spkiOf(raw), format: 'der', type: 'spki' })
}

/** DER of the SubjectPublicKeyInfo of a raw ed25519 public key (RFC 8410): what a fingerprint is taken of. */
export function spkiOf(raw: Uint8Array): Buffer {
  return Buffer.concat([SPKI_PREFIX, raw])
}

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function keyFrom(privateKey: KeyObject): Key {
  const publicKey = rawPublicKey(createPublicKey(privateKey))!
  return {
    id: peerIdOf(publicKey),
    publicKey,
    privateKey,
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
  }
}

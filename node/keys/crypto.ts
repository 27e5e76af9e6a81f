import { createHash, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { Crypto, PeerId, Plain } from '../../overlay/index.ts'
import { encode } from '../codec/index.ts'
import { BoundedCache } from './bounded-cache.ts'
import { importPublicKey } from './key.ts'
import type { Key } from './key.ts'
import { publicKeyOf } from './peer-id.ts'

/** Imported public keys; a key imported anew costs as much as half a verification. */
const PUBLIC_KEY_COUNT_MAX = 4_096

/**
 * The daemon's hashes and signatures: SHA-256 and ed25519 over canonical CBOR. What is signed is the CBOR of
 * `['roost', context, value]`: one item, in which context and value cannot be taken apart differently. Its first byte, 0x83,
 * keeps it from passing for what else the same key signs: certificates begin with 0x30, libp2p's handshakes with letters.
 */
export function createCrypto(key: Key): Crypto {
  const publicKeys = new BoundedCache<PeerId, KeyObject>(PUBLIC_KEY_COUNT_MAX)
  const imported = (signer: PeerId): KeyObject | undefined => {
    const known = publicKeys.get(signer)
    if (known !== undefined) return known
    const raw = publicKeyOf(signer)
    if (raw === undefined) return undefined
    const publicKey = importPublicKey(raw)
    publicKeys.set(signer, publicKey)
    return publicKey
  }
  return {
    hash: (value) => sha256(encode(value)),
    sign: (context, value) => key.sign(bytesToSign(context, value)),
    verify: (signer, context, value, signature) => {
      try {
        const publicKey = imported(signer)
        return publicKey !== undefined && verify(null, bytesToSign(context, value), publicKey, signature)
      } catch {
        // A point that is none, a signature of an odd length, a value that has no bytes.
        return false
      }
    },
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

function bytesToSign(context: string, value: Plain): Uint8Array {
  return encode(['roost', context, value])
}

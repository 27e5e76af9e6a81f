import type { Crypto, PeerId, Plain } from '../../overlay/env/index.ts'
import { digestInto, textWord } from './digest.ts'

/**
 * Hashes and signatures for pretend. A signature is a fingerprint of context and value under a key that follows from the
 * signer's name and the simulation's secret: cheap, and it holds for that signer, context and value alone. Protocol code has
 * no way to make another's, so forgers in a simulation are honest about failing.
 */
export class SimulatedCrypto implements Crypto {
  readonly #key: number
  readonly #secret: number

  constructor(self: PeerId, secret: number) {
    this.#key = textWord(self, secret)
    this.#secret = secret
  }

  hash(value: Plain): Uint8Array {
    digestInto(hashWords, HASH_KEY, value)
    return new Uint8Array(hashWords.buffer.slice(0))
  }

  sign(context: string, value: Plain): Uint8Array {
    digestInto(signatureWords, textWord(context, this.#key), value)
    // Sliced this way, 64 bytes lie within the array itself; a million nodes hold one each.
    return signatureBytes.slice()
  }

  verify(signer: PeerId, context: string, value: Plain, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false
    try {
      digestInto(signatureWords, textWord(context, textWord(signer, this.#secret)), value)
    } catch {
      return false // Not a plain value: nobody signed it.
    }
    for (let index = 0; index < SIGNATURE_BYTES; index++) if (signature[index] !== signatureBytes[index]) return false
    return true
  }
}

const HASH_BYTES = 32
const SIGNATURE_BYTES = 64
const HASH_KEY = 0x5bd1e995
const hashWords = new Uint32Array(HASH_BYTES / 4)
const signatureWords = new Uint32Array(SIGNATURE_BYTES / 4)
const signatureBytes = new Uint8Array(signatureWords.buffer)

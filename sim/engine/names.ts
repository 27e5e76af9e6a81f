import type { PeerId, Rng } from '../../overlay/env/index.ts'

/** A peer id of the right form: the prefix that every ed25519 one has, and 44 drawn characters of the alphabet of base58. */
export function drawPeerId(rng: Rng): PeerId {
  for (let index = PREFIX.length; index < PEER_ID_CHARS; index++)
    characters[index] = ALPHABET.charCodeAt(rng.below(ALPHABET.length))
  return characters.toString('latin1')
}

const PREFIX = '12D3KooW'
const PEER_ID_CHARS = 52
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const characters = Buffer.alloc(PEER_ID_CHARS, PREFIX, 'latin1')

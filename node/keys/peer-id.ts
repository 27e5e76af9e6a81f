import { base58btc } from 'multiformats/bases/base58'
import type { PeerId } from '../../overlay/index.ts'

/**
 * A libp2p peer id of an ed25519 key is base58btc of an identity multihash (code 0x00, length 0x24) of the key in protobuf
 * (type 1, ed25519; 32 bytes); see the libp2p specification "Peer IDs". Written here, so that the command line need not load libp2p.
 */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
const PUBLIC_KEY_BYTES = 32
/** Base58 of 38 bytes that begin 00 24 always has this length. */
const PEER_ID_CHARS = 52

/** The peer id of a raw ed25519 public key of 32 bytes. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  const bytes = new Uint8Array(PREFIX.length + PUBLIC_KEY_BYTES)
  bytes.set(PREFIX)
  bytes.set(publicKey.subarray(0, PUBLIC_KEY_BYTES), PREFIX.length)
  return base58btc.baseEncode(bytes)
}

/** The raw ed25519 public key of 32 bytes behind a peer id; undefined for anything else, peer ids of other kinds of keys too. */
export function publicKeyOf(peer: PeerId): Uint8Array | undefined {
  if (peer.length !== PEER_ID_CHARS) return undefined
  let bytes: Uint8Array
  try {
    bytes = base58btc.baseDecode(peer)
  } catch {
    return undefined
  }
  if (bytes.length !== PREFIX.length + PUBLIC_KEY_BYTES) return undefined
  return PREFIX.every((byte, index) => bytes[index] === byte) ? bytes.slice(PREFIX.length) : undefined
}

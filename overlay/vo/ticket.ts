import type { PeerId } from '../env/index.ts'
import { shape } from '../env/index.ts'
import { RoostError } from '../error/index.ts'
import { fromBase64url, toBase64url } from './base64url.ts'
import { crc32 } from './crc32.ts'
import { isVoName } from './names.ts'

/**
 * What a member hands to somebody whose machine shall join: where to knock, whose answer to believe, and the secret that
 * opens once. As text it is `roost1-` and base64url of
 *
 *   length 2 | secret 16 | fingerprint 32 | expiry in seconds 5 | name | peer | address count 1 | addresses | CRC-32 4
 *
 * with numbers big-endian and each text as one length byte and ASCII. The length tells a cut ticket from a mistyped one, the
 * checksum catches every single wrong letter. The peer id, which ends every address, stands there once.
 *
 * It is written here by hand and not as CBOR since protocols import no packages, and since half the size counts for
 * something that people paste into mails.
 */
export interface Ticket {
  /** The name of the grid. */
  readonly name: string
  /** Fingerprint of the VO's authority, 64 hexadecimal digits. */
  readonly fingerprint: string
  readonly secret: Uint8Array
  /** Unix time in milliseconds; whole seconds, rounded down, survive the text form. */
  readonly expiresAtMs: number
  /** Multiaddrs of the authority's node, each ending in `/p2p/<its peer id>`; at least one. */
  readonly addresses: readonly string[]
}

export const TICKET_PREFIX = 'roost1-'
export const TICKET_SECRET_BYTES = 16
/** How long a ticket is good unless its issuer says otherwise. */
export const TICKET_MS_DEFAULT = 24 * 60 * 60 * 1000
/** Longer invitations would outlive what people remember of them. */
export const TICKET_MS_MAX = 30 * TICKET_MS_DEFAULT
/** A node has a handful of addresses; the first ones are kept when there are more. */
export const TICKET_ADDRESS_COUNT_MAX = 8
const ADDRESS_CHARS_MAX = 200
/** A longer text is refused before it is looked at. */
export const TICKET_CHARS_MAX = 3_000

const LENGTH_BYTES = 2
/** Letters that hold the length: four stand for three bytes. */
const LENGTH_LETTERS = 4
const FINGERPRINT_BYTES = 32
const EXPIRY_BYTES = 5
const CHECKSUM_BYTES = 4

/** The node that redeems the ticket: the peer id that ends its addresses. */
export function ticketPeer(ticket: Ticket): PeerId {
  return splitAddress(ticket.addresses[0] ?? '').peer
}

/** The text form. Fails with `USAGE` where a part is out of bounds: a bad name, no address, addresses of several nodes. */
export function formatTicket(ticket: Ticket): string {
  const addresses = ticket.addresses.slice(0, TICKET_ADDRESS_COUNT_MAX).map(splitAddress)
  const peer = addresses[0]?.peer
  if (peer === undefined) throw new RoostError('USAGE', 'a ticket needs an address where its grid can be reached')
  if (addresses.some((address) => address.peer !== peer))
    throw new RoostError('USAGE', 'a ticket names the addresses of one node')
  if (!isVoName(ticket.name)) throw new RoostError('USAGE', `a grid cannot be called ${JSON.stringify(ticket.name)}`)
  const body = [
    ...ticket.secret,
    ...fromHex(ticket.fingerprint),
    ...bigEndian(Math.floor(ticket.expiresAtMs / 1000), EXPIRY_BYTES),
    ...lengthAndText(ticket.name),
    ...lengthAndText(peer),
    addresses.length,
    ...addresses.flatMap((address) => lengthAndText(address.where)),
  ]
  const checked = Uint8Array.from([...bigEndian(LENGTH_BYTES + body.length + CHECKSUM_BYTES, LENGTH_BYTES), ...body])
  return TICKET_PREFIX + toBase64url(Uint8Array.from([...checked, ...bigEndian(crc32(checked), CHECKSUM_BYTES)]))
}

/**
 * Reads the text form; white space, as mails put it between lines, is skipped. Fails with `TICKET_MALFORMED`, which says
 * whether it is no ticket, cut, mistyped or of a later version.
 */
export function parseTicket(text: string): Ticket {
  if (text.length > TICKET_CHARS_MAX) throw malformed(`this is too long for a ticket: ${text.length} characters`)
  const compact = text.replace(/\s+/g, '')
  if (!compact.startsWith(TICKET_PREFIX))
    throw /^roost\d+-/.test(compact)
      ? malformed('this ticket is of another version of roost', 'use the version of roost that printed it')
      : malformed(`a ticket begins with ${TICKET_PREFIX}`)
  const bytes = decodeLetters(compact.slice(TICKET_PREFIX.length))
  const checked = bytes.subarray(0, -CHECKSUM_BYTES)
  if (crc32(checked) !== new Reader(bytes.subarray(-CHECKSUM_BYTES)).number(CHECKSUM_BYTES))
    throw malformed('the ticket is mistyped: its checksum is wrong')
  return readBody(new Reader(checked.subarray(LENGTH_BYTES)))
}

/** The bytes, as many as they say they are. */
function decodeLetters(letters: string): Uint8Array {
  const badIndex = letters.search(/[^A-Za-z0-9_-]/)
  if (badIndex >= 0)
    throw malformed(
      `the ticket is mistyped: it has no ${JSON.stringify(letters[badIndex])} (character ${TICKET_PREFIX.length + badIndex + 1})`,
    )
  const head = fromBase64url(letters.slice(0, LENGTH_LETTERS))
  if (letters.length < LENGTH_LETTERS || head === undefined)
    throw malformed('the ticket is cut: nearly all of it is missing')
  const letterCount = Math.ceil((new Reader(head).number(LENGTH_BYTES) * 8) / 6)
  if (letters.length < letterCount)
    throw malformed(`the ticket is cut: ${letterCount - letters.length} characters are missing`)
  const bytes = letters.length === letterCount ? fromBase64url(letters) : undefined
  if (bytes === undefined) throw malformed('the ticket is mistyped: its length is wrong')
  return bytes
}

/** What stands between length and checksum. A right checksum says nothing about who wrote it, so every part is checked. */
function readBody(reader: Reader): Ticket {
  const secret = reader.bytes(TICKET_SECRET_BYTES)
  const fingerprint = toHex(reader.bytes(FINGERPRINT_BYTES))
  const expiresAtMs = reader.number(EXPIRY_BYTES) * 1000
  const name = reader.text()
  if (!isVoName(name)) throw malformed('the ticket has no valid grid name')
  const peer = reader.text()
  if (!PEER.test(peer)) throw malformed('the ticket has no valid peer id')
  const addressCount = reader.number(1)
  if (addressCount === 0 || addressCount > TICKET_ADDRESS_COUNT_MAX)
    throw malformed(`a ticket has from 1 to ${TICKET_ADDRESS_COUNT_MAX} addresses`)
  const addresses = Array.from({ length: addressCount }, () => {
    const where = reader.text()
    if (!WHERE.test(where)) throw malformed('the ticket has an address that is none')
    return `${where}/p2p/${peer}`
  })
  if (!reader.isAtEnd) throw malformed('the ticket has more than it should')
  return { name, fingerprint, secret, expiresAtMs, addresses }
}

/** Only the outer form: whether an address means something, the network finds out. */
const WHERE = /^(?:\/[A-Za-z0-9.:%_-]+)+$/
const PEER = /^[1-9A-HJ-NP-Za-km-z]{40,64}$/

function splitAddress(address: string): { readonly where: string; readonly peer: PeerId } {
  const cut = address.lastIndexOf('/p2p/')
  const where = address.slice(0, Math.max(cut, 0))
  const peer = address.slice(cut + '/p2p/'.length)
  if (cut < 0 || !PEER.test(peer) || !WHERE.test(where) || where.length > ADDRESS_CHARS_MAX)
    throw new RoostError('USAGE', `not an address with a peer id: ${address}`)
  return { where, peer: shape.peerId(peer, 'peer') }
}

/** Reads what is there and fails with `TICKET_MALFORMED` where more is asked for. */
class Reader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  bytes(count: number): Uint8Array {
    const end = this.#position + count
    if (end > this.#bytes.length) throw malformed('the ticket is cut')
    const taken = this.#bytes.slice(this.#position, end)
    this.#position = end
    return taken
  }

  number(byteCount: number): number {
    return this.bytes(byteCount).reduce((number, byte) => number * 256 + byte, 0)
  }

  text(): string {
    const bytes = this.bytes(this.number(1))
    if (bytes.length > ADDRESS_CHARS_MAX) throw malformed('the ticket has a text that is too long')
    return String.fromCharCode(...bytes)
  }
}

function bigEndian(number: number, byteCount: number): number[] {
  return Array.from({ length: byteCount }, (_, index) => Math.floor(number / 256 ** (byteCount - 1 - index)) % 256)
}

function lengthAndText(text: string): number[] {
  return [text.length, ...[...text].map((letter) => letter.charCodeAt(0))]
}

function fromHex(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16))
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function malformed(message: string, hint?: string): RoostError {
  return new RoostError('TICKET_MALFORMED', message, hint === undefined ? {} : { hint })
}

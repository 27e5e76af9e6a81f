import { decode, encode } from '../codec/index.ts'
import { RoostError, errorFromRecord } from '../../overlay/index.ts'
import type { Plain } from '../../overlay/index.ts'

/**
 * What a frame on the grid's stream holds: a CBOR list of four, [channel, kind, id, body]. The channel is a wire's id; the body
 * stays encoded inside (as bytes), so that the wire's own bound holds before anything of it is decoded, and a body that is
 * malformed still has a known channel and id to answer to.
 */
export interface Envelope {
  readonly channel: string
  readonly kind: Kind
  /** Pairs a reply with its request, within one peer and direction; 0 for messages. */
  readonly id: number
  readonly body: Uint8Array
}

export type Kind = 'message' | 'request' | 'reply' | 'error'

/** The longest body that any wire may ask for: a mebibyte. */
export const BODY_BYTES_MAX = 1_048_576
const CHANNEL_CHARS_MAX = 128
/** The list's head, a channel, a kind, an id and the body's length. */
const ENVELOPE_BYTES_MAX = 1_024
export const FRAME_BYTES_MAX = BODY_BYTES_MAX + ENVELOPE_BYTES_MAX
/** An error on its way to a peer; the data of one that is longer is left out. */
export const ERROR_BYTES_MAX = 16_384

const KINDS: readonly Kind[] = ['message', 'request', 'reply', 'error']

export function encodeEnvelope({ channel, kind, id, body }: Envelope): Uint8Array {
  return encode([channel, KINDS.indexOf(kind), id, body])
}

/** Throws `MESSAGE_MALFORMED`, whatever the bytes. */
export function decodeEnvelope(frame: Uint8Array): Envelope {
  const value = decode(frame, { bytesMax: FRAME_BYTES_MAX })
  if (!Array.isArray(value) || value.length !== 4)
    throw new RoostError('MESSAGE_MALFORMED', 'a frame is a list of four')
  const [channel, kindIndex, id, body] = value as unknown[]
  const kind = typeof kindIndex === 'number' ? KINDS[kindIndex] : undefined
  if (typeof channel !== 'string' || channel.length > CHANNEL_CHARS_MAX)
    throw new RoostError('MESSAGE_MALFORMED', 'a frame names no channel')
  if (kind === undefined) throw new RoostError('MESSAGE_MALFORMED', 'a frame is of no known kind')
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0)
    throw new RoostError('MESSAGE_MALFORMED', 'a frame has no id')
  if (!(body instanceof Uint8Array)) throw new RoostError('MESSAGE_MALFORMED', 'a frame has no body')
  return { channel, kind, id, body }
}

/** The body of an error for a peer, always within `ERROR_BYTES_MAX`: what does not fit or is not plain stays here. */
export function encodeError(error: RoostError): Uint8Array {
  const { data, ...rest } = error.toJSON()
  const short = {
    ...rest,
    message: rest.message.slice(0, ERROR_BYTES_MAX / 8),
    hint: rest.hint.slice(0, ERROR_BYTES_MAX / 8),
  }
  if (data !== undefined) {
    try {
      const whole = encode({ ...short, data: data as Plain })
      if (whole.length <= ERROR_BYTES_MAX) return whole
    } catch {
      // Data that cannot be sent is for the log on this side.
    }
  }
  return encode({ ...short })
}

/** The error that a peer sent, or `MESSAGE_MALFORMED` (uncertain) where what it sent is none. */
export function decodeError(body: Uint8Array): RoostError {
  try {
    return errorFromRecord(decode(body, { bytesMax: ERROR_BYTES_MAX }))
  } catch (cause) {
    return new RoostError('MESSAGE_MALFORMED', 'the other side sent an error that cannot be read', {
      cause,
      certain: false,
    })
  }
}

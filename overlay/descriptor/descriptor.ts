import { equalAttributes, readAttributes, type Attributes } from '../attributes/index.ts'
import { shape, type PeerId, type Plain, type Surroundings } from '../env/index.ts'
import { HeldDescriptor } from './held.ts'

/**
 * A descriptor is what a node says of itself to everyone: where it is reached and what it is. Only the node itself can
 * make one, since it stands under the node's own signature; whoever passes it on can neither change it nor make up another.
 * Of two, the one with the higher sequence number is the node's word. The same number twice with different content is
 * something an honest node never signs.
 */
export interface Descriptor {
  readonly peer: PeerId
  /** What people call the node. It is not unique and proves nothing. */
  readonly name: string
  /** Grows with each new descriptor of this node, over restarts too. */
  readonly sequence: number
  /** Unix time in milliseconds from which nobody offers it any more. */
  readonly expiresMs: number
  /** Multiaddr texts, best first. */
  readonly addresses: readonly string[]
  /** Static attributes. */
  readonly attributes: Attributes
  /** Over all of the above, under the context `descriptor`. */
  readonly signature: Uint8Array
}

/** What its owner decides; the rest of a descriptor follows from who mints it and when. */
export type DescriptorFields = Pick<Descriptor, 'name' | 'sequence' | 'addresses' | 'attributes'>

/**
 * How long a descriptor is good. It only cleans up after nodes that vanished while nobody looked, membership finds the
 * rest; a day keeps nodes with a badly set clock in the grid.
 */
export const DESCRIPTOR_LIFE_MS = 24 * 3_600_000
/**
 * How far two nodes' clocks may disagree about an expiry. Generous, since nothing but tidiness hangs on it: a wrong time zone does not
 * cost a node the grid.
 */
export const DESCRIPTOR_CLOCK_TOLERANCE_MS = DESCRIPTOR_LIFE_MS / 2

export const DESCRIPTOR_NAME_CHARS_MAX = 64
export const ADDRESS_COUNT_MAX = 8
export const ADDRESS_CHARS_MAX = 256
/** Above every encoding of a descriptor within the bounds: its characters at three bytes each, and what frames them. */
export const DESCRIPTOR_BYTES_MAX = 32_768

const SIGNATURE_BYTES_MAX = 64
const CONTEXT = 'descriptor'

/** The addresses of a node, as messages and files carry them. */
export const readAddresses = shape.list(shape.text(ADDRESS_CHARS_MAX), ADDRESS_COUNT_MAX)

const readName = shape.text(DESCRIPTOR_NAME_CHARS_MAX)

/** A descriptor in a message: well formed and within bounds. Whether its owner signed it, `DescriptorChecker` says. */
export const readDescriptor: shape.Shape<Descriptor> = shape.record({
  peer: shape.peerId,
  name: readName,
  sequence: shape.integer(0),
  expiresMs: shape.integer(0),
  addresses: readAddresses,
  attributes: readAttributes,
  signature: shape.bytes(SIGNATURE_BYTES_MAX),
})

/** A new descriptor of this node. The fields are bounded: `MESSAGE_MALFORMED` where they are not. */
export function mintDescriptor(fields: DescriptorFields, surroundings: Surroundings): Descriptor {
  const unsigned = {
    peer: surroundings.self,
    name: readName(fields.name, 'name'),
    sequence: fields.sequence,
    expiresMs: Math.round(surroundings.wallMs) + DESCRIPTOR_LIFE_MS,
    addresses: readAddresses(fields.addresses, 'addresses'),
    attributes: readAttributes(fields.attributes, 'attributes'),
  }
  return new HeldDescriptor({ ...unsigned, signature: surroundings.crypto.sign(CONTEXT, unsigned as Plain) })
}

/** Why a descriptor is not taken. */
export type DescriptorFault = 'expired' | 'lives-too-long' | 'forged'

/** The fault of a descriptor, or undefined where there is none. It checks the signature each time; see `DescriptorChecker`. */
export function checkDescriptor(descriptor: Descriptor, surroundings: Surroundings): DescriptorFault | undefined {
  const untimely = timeFault(descriptor, surroundings.wallMs)
  if (untimely !== undefined) return untimely
  const { signature, ...unsigned } = descriptor
  return surroundings.crypto.verify(descriptor.peer, CONTEXT, unsigned as Plain, signature) ? undefined : 'forged'
}

/** What the clock has against it. */
export function timeFault(descriptor: Descriptor, wallMs: number): DescriptorFault | undefined {
  if (descriptor.expiresMs + DESCRIPTOR_CLOCK_TOLERANCE_MS <= wallMs) return 'expired'
  if (descriptor.expiresMs - DESCRIPTOR_CLOCK_TOLERANCE_MS > wallMs + DESCRIPTOR_LIFE_MS) return 'lives-too-long'
  return undefined
}

/** Whether the first is a later word of the same node than the second, or the only one there is. */
export function isNewer(descriptor: Descriptor, than: Descriptor | undefined): boolean {
  return than === undefined || descriptor.sequence > than.sequence
}

/** Whether two descriptors say the same under the same signature. */
export function equalDescriptors(one: Descriptor, other: Descriptor): boolean {
  return (
    one === other ||
    (one.peer === other.peer &&
      one.sequence === other.sequence &&
      one.expiresMs === other.expiresMs &&
      one.name === other.name &&
      equalItems(one.signature, other.signature) &&
      equalItems(one.addresses, other.addresses) &&
      equalAttributes(one.attributes, other.attributes))
  )
}

function equalItems(one: ArrayLike<unknown>, other: ArrayLike<unknown>): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

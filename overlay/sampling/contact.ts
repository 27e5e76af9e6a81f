import { readAddresses } from '../descriptor/index.ts'
import { shape, type PeerId } from '../env/index.ts'

/** A node that one may try to reach: all that is needed to say hello. */
export interface Contact {
  readonly peer: PeerId
  readonly addresses: readonly string[]
}

/** A contact from a file or a message. */
export const readContact: shape.Shape<Contact> = shape.record({ peer: shape.peerId, addresses: readAddresses })

import { DESCRIPTOR_BYTES_MAX, readDescriptor, type Descriptor } from '../descriptor/index.ts'
import { shape, type PeerId, type Wire } from '../env/index.ts'

/**
 * What nodes tell each other about a node. `suspect` and `dead` say of which sequence number they speak; a newer descriptor
 * refutes them. `from` is who came to think so, since suspicions of several weigh more. `left` is signed by who left.
 */
export type Update =
  | { readonly type: 'alive'; readonly descriptor: Descriptor }
  | { readonly type: 'suspect'; readonly peer: PeerId; readonly sequence: number; readonly from: PeerId }
  | { readonly type: 'dead'; readonly peer: PeerId; readonly sequence: number; readonly from: PeerId }
  | { readonly type: 'left'; readonly peer: PeerId; readonly sequence: number; readonly signature: Uint8Array }

/**
 * `probe` ties an answer to its probe. `sequence` is that of the sender's newest descriptor: who knows an older or a newer
 * one says so. `nack`: the asked helper is alive, its target silent.
 */
export type MembershipMessage =
  | { readonly type: 'ping'; readonly probe: number; readonly sequence: number; readonly updates: readonly Update[] }
  | { readonly type: 'ack'; readonly probe: number; readonly sequence: number; readonly updates: readonly Update[] }
  | {
      readonly type: 'ping-for-me'
      readonly probe: number
      readonly target: PeerId
      readonly updates: readonly Update[]
    }
  | { readonly type: 'nack'; readonly probe: number }
  | { readonly type: 'gossip'; readonly updates: readonly Update[] }
  /** Asks for the receiver's own descriptor. */
  | { readonly type: 'introduce' }

/** Updates in one message, and how many of them carry a whole descriptor. */
export const UPDATE_COUNT_MAX = 12
export const DESCRIPTOR_COUNT_MAX = 3

const claim = { peer: shape.peerId, sequence: shape.integer() }
const updateList = shape.list(
  shape.union({
    alive: shape.record({ descriptor: readDescriptor }),
    suspect: shape.record({ ...claim, from: shape.peerId }),
    dead: shape.record({ ...claim, from: shape.peerId }),
    left: shape.record({ ...claim, signature: shape.bytes(64) }),
  }),
  UPDATE_COUNT_MAX,
)
const updates: shape.Shape<readonly Update[]> = (value, path) => {
  const read = updateList(value, path)
  if (read.filter((update) => update.type === 'alive').length > DESCRIPTOR_COUNT_MAX)
    throw shape.malformed(path, `at most ${DESCRIPTOR_COUNT_MAX} descriptors`)
  return read
}
const probe = shape.integer()
const readMessage = shape.union({
  ping: shape.record({ probe, sequence: shape.integer(), updates }),
  ack: shape.record({ probe, sequence: shape.integer(), updates }),
  'ping-for-me': shape.record({ probe, target: shape.peerId, updates }),
  nack: shape.record({ probe }),
  gossip: shape.record({ updates }),
  introduce: shape.record({}),
})

export const membershipWire: Wire<MembershipMessage> = {
  id: '/roost/membership/1',
  messageBytesMax: DESCRIPTOR_COUNT_MAX * DESCRIPTOR_BYTES_MAX + UPDATE_COUNT_MAX * 256 + 1_024,
  parse: (value) => readMessage(value, 'message'),
}

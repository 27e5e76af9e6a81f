import { shape, type Crypto, type PeerId, type Plain } from '../../overlay/index.ts'

/**
 * A home's word, signed by its node, that others may control its jobs in its place. The user signed for the home; the home signs for
 * them: that is all that a node asks of who wants to start or stop a unit.
 */
export interface Mandate {
  /** The node that the jobs were submitted at, and that signs. */
  readonly home: PeerId
  readonly holders: readonly PeerId[]
  readonly signature: Uint8Array
}

/** As many as a replica group has voters. */
export const HOLDERS_COUNT_MAX = 7

const CONTEXT = 'roost/aem/mandate/1'
/** Ed25519 (RFC 8032). */
const SIGNATURE_BYTES = 64

/** Signed by this very node for its own jobs. */
export function signMandate(self: PeerId, holders: readonly PeerId[], crypto: Pick<Crypto, 'sign'>): Mandate {
  return { home: self, holders, signature: crypto.sign(CONTEXT, signedPart(self, holders)) }
}

/** Whether the home said that this node may control its jobs. */
export function allows(mandate: Mandate, holder: PeerId, crypto: Pick<Crypto, 'verify'>): boolean {
  const { home, holders, signature } = mandate
  return holders.includes(holder) && crypto.verify(home, CONTEXT, signedPart(home, holders), signature)
}

export const mandateShape: shape.Shape<Mandate> = shape.record({
  home: shape.peerId,
  holders: shape.list(shape.peerId, HOLDERS_COUNT_MAX),
  signature: shape.bytes(SIGNATURE_BYTES),
})

function signedPart(home: PeerId, holders: readonly PeerId[]): Plain {
  return { home, holders: [...holders] }
}

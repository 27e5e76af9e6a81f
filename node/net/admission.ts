import type { Stream } from '@libp2p/interface'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { PeerId, Plain } from '../../overlay/index.ts'
import type { Admission, Admitted } from './contract.ts'
import { Exchange } from './exchange.ts'

/**
 * How two nodes let each other in, on the first stream of a connection. Who dialed presents; who was dialed checks that, and
 * presents in turn; who dialed checks, and says so. Either side may answer with the error instead. Each is admitted at the other
 * only after its credentials were checked there, and who was dialed counts the peer as admitted only once it knows that it
 * is admitted itself, so that neither opens streams that the other would still refuse.
 */
export const ADMISSION_PROTOCOL = '/roost/admission/1'

/** Credentials are two certificates and a signature at most: a few kilobytes. */
export const CREDENTIALS_BYTES_MAX = 32_768
/** From the first byte to the last word. A check is one signature or two; the rest is two round trips. */
export const ADMISSION_MS = 10_000

type Presenting = Pick<Admission, 'present' | 'check'>

const LIMITS = { messageBytesMax: CREDENTIALS_BYTES_MAX, timeoutMs: ADMISSION_MS }

/** The dialing side. Rejects with the error of the side that refused. */
export async function askAdmission(stream: Stream, peer: PeerId, admission: Presenting): Promise<Admitted> {
  const exchange = new Exchange(stream, LIMITS)
  try {
    exchange.write(credentials(admission))
    const presented = await exchange.read()
    const admitted = await checked(exchange, peer, presented, admission)
    exchange.write(null)
    exchange.close()
    return admitted
  } catch (thrown) {
    exchange.close()
    throw asRoostError(thrown)
  }
}

/** The side that was dialed. Rejects with the error of the side that refused. */
export async function answerAdmission(stream: Stream, peer: PeerId, admission: Presenting): Promise<Admitted> {
  const exchange = new Exchange(stream, LIMITS)
  try {
    const presented = await exchange.read()
    const admitted = await checked(exchange, peer, presented, admission)
    exchange.write(ours(exchange, admission))
    await exchange.read()
    exchange.close()
    return admitted
  } catch (thrown) {
    exchange.close()
    throw asRoostError(thrown)
  }
}

async function checked(exchange: Exchange, peer: PeerId, presented: unknown, admission: Presenting): Promise<Admitted> {
  try {
    const admitted = await admission.check(peer, presented)
    if (admitted.untilMs > Date.now()) return admitted
    throw new RoostError('CREDENTIAL_EXPIRED', `the credentials of ${peer} are past their time`)
  } catch (thrown) {
    exchange.refuse(
      thrown instanceof RoostError ? thrown : new RoostError('INTERNAL', 'credentials could not be checked'),
    )
    throw thrown
  }
}

function ours(exchange: Exchange, admission: Presenting): Plain {
  try {
    return credentials(admission)
  } catch (thrown) {
    exchange.refuse(thrown)
    throw thrown
  }
}

function credentials(admission: Presenting): Plain {
  const presented = admission.present()
  if (presented === undefined) throw new RoostError('NOT_ADMITTED', 'this node has no credentials yet')
  return presented
}

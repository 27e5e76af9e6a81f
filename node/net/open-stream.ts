import type { Connection, PeerStore, Stream } from '@libp2p/interface'
import { misfitError, nameOf } from './versions.ts'
import type { Versions } from './versions.ts'

export interface OpenStreamOptions {
  readonly timeoutMs: number
  readonly maxOutboundStreams?: number
  /** Knows what the peer speaks, by libp2p's identify. */
  readonly peerStore: PeerStore
  readonly versions: Versions
}

/**
 * A stream for a protocol of ours. Where the peer does not speak it, the refusal of libp2p becomes `PROTOCOL_UNKNOWN` with the versions that it
 * does speak, as far as they are known; other failures are thrown as they are.
 */
export async function openStream(
  connection: Connection,
  protocol: string,
  { timeoutMs, maxOutboundStreams, peerStore, versions }: OpenStreamOptions,
): Promise<Stream> {
  try {
    return await connection.newStream(protocol, {
      signal: AbortSignal.timeout(timeoutMs),
      runOnLimitedConnection: true,
      ...(maxOutboundStreams !== undefined && { maxOutboundStreams }),
    })
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== 'UnsupportedProtocolError') throw thrown
    const known = await peerStore.get(connection.remotePeer).catch(() => undefined)
    const theirs = (known?.protocols ?? []).filter((id) => nameOf(id) === nameOf(protocol)).slice(0, THEIRS_COUNT_MAX)
    const peer = connection.remotePeer.toString()
    if (theirs.length > 0) versions.misfit(peer, [protocol], theirs)
    throw misfitError(peer, [protocol], theirs)
  }
}

/** Versions of one protocol that are told of. */
const THEIRS_COUNT_MAX = 16

import type { Connection, Stream } from '@libp2p/interface'
import { RoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'
import type { Counters } from './counters.ts'

/**
 * Counts the streams that the other side of a connection opens, whatever they are for and before anything is said on them. libp2p turns
 * away what is beyond each protocol's bound, a stream at a time and for ever; here a peer that goes on opening is noticed, and dropped.
 */

/**
 * Streams that the other side has open at once. Our own nodes never come near it: tunnels, the most, are 128; the muxer's own bound, at
 * which nobody is told, is a little above.
 */
export const STREAMS_OPEN_MAX = 240
/**
 * Streams that the other side opens: so many at once, then so many a second. Each connection through a tunnel is one, and a program may
 * well make hundreds a second; a thousand take half a core, and are more than anybody was seen to ask for.
 */
export const STREAMS_BURST_COUNT = 4_096
export const STREAMS_PER_SECOND = 1_000

export interface StreamGuardDependencies {
  readonly counters: Counters
  readonly nowMs: () => number
  /** Something that a peer did was refused. */
  readonly blame: (peer: PeerId, protocol: string, reason: string) => void
}

/** Watches a connection that has just been opened, to its end. */
export function guardStreams(connection: Connection, { counters, nowMs, blame }: StreamGuardDependencies): void {
  let leftCount = STREAMS_BURST_COUNT
  let atMs = nowMs()
  const isExcess = (): boolean => {
    const ms = nowMs()
    leftCount = Math.min(STREAMS_BURST_COUNT, leftCount + ((ms - atMs) * STREAMS_PER_SECOND) / 1_000)
    atMs = ms
    if (leftCount < 1) return true
    leftCount--
    return openedByOther(connection) > STREAMS_OPEN_MAX
  }
  const refuse = (): void => {
    counters.add('gate_excess_streams')
    blame(connection.remotePeer.toString(), 'connection', 'streams')
  }
  muxerOf(connection)?.addEventListener('stream', ({ detail: stream }: CustomEvent<Stream>) => {
    if (isExcess()) {
      stream.abort(new RoostError('BUSY', 'too many streams'))
      refuse()
      return
    }
    // One beyond the bound of its protocol is ended by libp2p, which tells nobody else.
    stream.addEventListener('close', ({ error }) => {
      if (error?.name === 'TooManyInboundProtocolStreamsError') refuse()
    })
  })
}

function openedByOther({ streams }: Connection): number {
  let count = 0
  for (const { direction } of streams) if (direction === 'inbound') count++
  return count
}

/** A connection keeps its muxer to itself; it is an event target like all else. */
function muxerOf(connection: Connection): StreamSource | undefined {
  return (connection as unknown as { readonly muxer?: StreamSource }).muxer
}

interface StreamSource {
  addEventListener(type: 'stream', listener: (event: CustomEvent<Stream>) => void): void
}

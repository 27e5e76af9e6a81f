import type { Socket } from 'node:net'
import type { ConnectionEncrypter, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/**
 * Fewer system calls for what libp2p sends. A small message costs it two or three writes, one for each piece that encryption leaves,
 * and its receiver two more, which give the sender back the few bytes of window that the message took. On loopback a write is most of
 * what a message costs at all, and it wakes the other side each time.
 *
 * Both mendings reach into what libp2p calls its own; where that has changed they do nothing, and messages cost what they did.
 */

/** What is used of a connection over TCP: `@libp2p/tcp`, socket-to-conn. */
interface TcpConnection {
  readonly socket?: Partial<Pick<Socket, 'cork' | 'uncork'>>
  sendData?(data: unknown): unknown
}

/** Has all that is sent over a connection in one go leave in one write. The encrypter is the first who is given the connection. */
export function inOneWrite<Components>(
  make: (components: Components) => ConnectionEncrypter,
): (components: Components) => ConnectionEncrypter {
  return (components) => {
    const encrypter = make(components)
    return {
      protocol: encrypter.protocol,
      secureInbound: (connection, options) => encrypter.secureInbound(gathered(connection), options),
      secureOutbound: (connection, options) => encrypter.secureOutbound(gathered(connection), options),
    }
  }
}

/** Writes of one callback are held back until it has returned, and leave together. */
function gathered<Connection extends object>(connection: Connection): Connection {
  const tcp = connection as TcpConnection
  const { socket, sendData } = tcp
  if (!socket?.cork || !socket.uncork || !sendData) return connection
  let isHeld = false
  const release = (): void => {
    isHeld = false
    socket.uncork!()
  }
  tcp.sendData = (data) => {
    if (!isHeld) {
      isHeld = true
      socket.cork!()
      process.nextTick(release)
    }
    return sendData.call(tcp, data)
  }
  return connection
}

/** What is used of yamux: `@libp2p/yamux`, muxer, and the specification's number for the frame. */
interface YamuxMuxer {
  sendFrame?(header: YamuxHeader, data?: unknown): boolean
}
interface YamuxHeader {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}
const WINDOW_UPDATE = 1

/**
 * What a receiver may owe a stream's sender of its window. It counts as given here and is not yet there, so that much of the window
 * cannot be used: a quarter of the smallest.
 */
const OWED_BYTES_MAX = 65_536

/** Has windows given back some kilobytes at a time. */
export function withFewerWindowUpdates<Components>(
  make: (components: Components) => StreamMuxerFactory,
): (components: Components) => StreamMuxerFactory {
  return (components) => {
    const factory = make(components)
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection) => owing(factory.createStreamMuxer(connection)),
    }
  }
}

function owing(muxer: StreamMuxer): StreamMuxer {
  const yamux = muxer as YamuxMuxer
  const { sendFrame } = yamux
  if (!sendFrame) return muxer
  /** By stream; those that have ended are dropped when another is owed for the first time. */
  const owedBytes = new Map<number, number>()
  yamux.sendFrame = (header, data) => {
    const { type, flag, streamID, length } = header
    if (type !== WINDOW_UPDATE || flag !== 0) return sendFrame.call(yamux, header, data)
    const bytes = (owedBytes.get(streamID) ?? 0) + length
    if (bytes >= OWED_BYTES_MAX) {
      owedBytes.delete(streamID)
      return sendFrame.call(yamux, { ...header, length: bytes }, data)
    }
    if (!owedBytes.has(streamID)) forgetEnded(owedBytes, muxer)
    owedBytes.set(streamID, bytes)
    return true
  }
  return muxer
}

function forgetEnded(owedBytes: Map<number, number>, { streams }: StreamMuxer): void {
  if (owedBytes.size <= 2 * streams.length) return
  const open = new Set(streams.map((stream) => (stream as { readonly streamId?: number }).streamId))
  for (const id of owedBytes.keys()) if (!open.has(id)) owedBytes.delete(id)
}

import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connection, Stream } from '@libp2p/interface'
import { RoostError, asRoostError } from '../../overlay/index.ts'
import type { PeerId, Plain } from '../../overlay/index.ts'
import { decode, encode } from '../codec/index.ts'
import type { Counters } from './counters.ts'
import { decodeError, encodeError } from './envelope.ts'
import { StreamSocket } from './stream-socket.ts'

/**
 * Tunnels: a libp2p stream whose two ends are other byte streams. It begins with one frame each way, a request and `[true]` or
 * `[false, error]`; from then on all bytes are the two parties' own. Each side's end of writing reaches the other as just that, a slow
 * reader slows the writer at the far end and nothing piles up between, and what breaks off on one side breaks off on the
 * other, so that nobody takes half a file for a whole one.
 */
export const TUNNEL_PROTOCOL = '/roost/tunnel/1'

/** Streams for tunnels of one connection, either way. */
export const TUNNELS_PER_PEER_MAX = 128
/** Tunnels that end here, at once, over all peers; one whose reader is slow holds 2 MiB. Beyond it new ones are refused with `BUSY`. */
export const TUNNELS_COUNT_MAX = 256
/** What waits each way beside the stream's own window. With Node's 64 KiB every read is a pause, which takes a fifth more CPU. */
const BUFFER_BYTES = 524_288
/** A request is a name and a number or two; the answer may be an error. */
export const TUNNEL_HEAD_BYTES_MAX = 16_384
const LENGTH_BYTES = 4
/** From opening the stream to the answer: the far side connects in between. */
const OPEN_MS = 10_000

/** Where a tunnel goes: connects, or rejects with what the other side is told. */
export type ConnectTunnel = (peer: PeerId, request: unknown) => Promise<Duplex>

export class TunnelServer {
  readonly #counters: Counters
  readonly #blame: (peer: PeerId, protocol: string, reason: string) => void
  readonly #sockets = new Set<StreamSocket>()
  #connect: ConnectTunnel | undefined

  constructor(counters: Counters, blame: (peer: PeerId, protocol: string, reason: string) => void) {
    this.#counters = counters
    this.#blame = blame
  }

  get count(): number {
    return this.#sockets.size
  }

  serve(connect: ConnectTunnel): void {
    this.#connect = connect
  }

  /** Takes a stream of an admitted peer. */
  accept(stream: Stream, connection: Connection): void {
    const socket = tunnelSocket(stream, connection.remotePeer.toString())
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    void this.#answer(socket)
  }

  stop(): void {
    this.#connect = undefined
    for (const socket of this.#sockets) socket.destroy(new Error('the node is stopping'))
  }

  async #answer(socket: StreamSocket): Promise<void> {
    let target: Duplex | undefined
    try {
      const request = await readHead(socket)
      if (this.#sockets.size > TUNNELS_COUNT_MAX) throw new RoostError('BUSY', 'too many tunnels end at this node')
      if (this.#connect === undefined) throw new RoostError('BUSY', 'this node is still starting')
      target = await this.#connect(socket.peer, request)
      if (socket.destroyed) throw new RoostError('CONNECTION_LOST', 'the tunnel was given up')
      socket.write(frame([true]))
      this.#counters.add('tunnels_opened')
      joinStreams(socket, target)
    } catch (thrown) {
      target?.destroy()
      const error = asRoostError(thrown)
      if (error.code.startsWith('MESSAGE_')) this.#blame(socket.peer, 'tunnel', 'malformed')
      this.#counters.add('tunnels_refused')
      if (!socket.destroyed) socket.end(frame([false, encodeError(error)]))
      // What more the other side sends is nobody's.
      socket.resume()
    }
  }
}

/** A tunnel over a stream to a peer, once the peer has agreed. Rejects with the error that the peer gave, or why there was none. */
export async function openTunnel(stream: Stream, peer: PeerId, request: Plain): Promise<Duplex> {
  const socket = tunnelSocket(stream, peer)
  try {
    socket.write(frame(request))
    const answer = await readHead(socket)
    if (Array.isArray(answer) && answer[0] === true) return socket
    if (Array.isArray(answer) && answer[0] === false && answer[1] instanceof Uint8Array) throw decodeError(answer[1])
    throw new RoostError('MESSAGE_MALFORMED', `${peer} did not answer as a tunnel does`)
  } catch (thrown) {
    socket.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
    throw asRoostError(thrown)
  }
}

/** Each one's bytes to the other, until both have ended, or one has broken off. */
export function joinStreams(left: Duplex, right: Duplex): void {
  forward(left, right)
  forward(right, left)
}

function forward(from: Duplex, to: Duplex): void {
  const closed = (): void => {
    if (from.readableEnded && from.writableFinished) return
    if (to instanceof Socket) to.resetAndDestroy()
    else to.destroy(new Error('the other end of the tunnel broke off'))
  }
  from.on('error', () => {})
  if (from.closed) return closed()
  from.once('close', closed)
  from.pipe(to)
}

function tunnelSocket(stream: Stream, peer: PeerId): StreamSocket {
  // A reader at the far end may take as long as it likes for what was written before the end.
  const socket = new StreamSocket(stream, peer, { endMs: Infinity, bufferBytes: BUFFER_BYTES })
  socket.on('error', () => {})
  return socket
}

function frame(value: Plain): Uint8Array {
  const body = encode(value)
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, LENGTH_BYTES)
  return bytes
}

/** The first frame of a stream, and not a byte more: what follows, be it the end, is for whom the tunnel is for. */
async function readHead(socket: Duplex): Promise<unknown> {
  const timeout = setTimeout(
    () => socket.destroy(new RoostError('CALL_TIMEOUT', `a tunnel was not opened within ${OPEN_MS} ms`)),
    OPEN_MS,
  )
  try {
    const length = (await readExactly(socket, LENGTH_BYTES)).readUInt32BE()
    if (length === 0 || length > TUNNEL_HEAD_BYTES_MAX)
      throw new RoostError('MESSAGE_TOO_LARGE', 'a head of a length that none has')
    return decode(await readExactly(socket, length), { bytesMax: TUNNEL_HEAD_BYTES_MAX })
  } finally {
    clearTimeout(timeout)
  }
}

function readExactly(socket: Duplex, bytesCount: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // At once, and not when the promise is looked at: the next bytes are not ours.
    const leave = (): void => {
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
    }
    const lose = (cause?: Error): void => {
      leave()
      reject(cause instanceof RoostError ? cause : new RoostError('CONNECTION_LOST', 'the tunnel broke off', { cause }))
    }
    const look = (): void => {
      const bytes = socket.read(bytesCount) as Buffer | null
      if (bytes?.length === bytesCount) {
        leave()
        resolve(bytes)
        // Fewer than were asked for are given only where no more come.
      } else if (bytes !== null || socket.readableEnded || socket.destroyed) lose()
    }
    const listeners = { readable: look, end: () => lose(), close: () => lose(), error: lose }
    for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
    look()
  })
}

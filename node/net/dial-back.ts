import { RoostError, shape } from '../../overlay/index.ts'
import type { CallWire, PeerId, Service } from '../../overlay/index.ts'

/**
 * Dial-back: a node asks another to connect to it anew, and so learns whether others reach it, and under which host the other sees
 * it. libp2p's AutoNAT does the same, but leaves private addresses out, on which most grids live. The host is never the asker's word:
 * only the one that its connection comes from is dialed, and what answers there must prove that it is the asker, so that nobody can
 * have a third party dialed by it.
 */

export interface DialBackRequest {
  /** TCP ports on which the asker listens. */
  readonly ports: readonly number[]
}

export interface DialBackReply {
  /** The IP address that the asker's connection comes from. */
  readonly host: string
  /** The ports at which the asker answered. */
  readonly open: readonly number[]
}

export const DIAL_BACK_PORTS_COUNT_MAX = 2
/** For one port: a handshake, or a packet that nobody answers. */
export const DIAL_BACK_MS = 3_000
/** The same node is answered again after this; a person who runs a check twice is not kept waiting. */
export const DIAL_BACK_PAUSE_MS = 2_000
/** Dials for others under way at once; beyond it who asks is told `BUSY`, and asks another. */
export const DIAL_BACKS_COUNT_MAX = 4
/** Nodes whose last question is remembered; beyond it the oldest is forgotten. */
const ASKERS_COUNT_MAX = 1_024
const HOST_CHARS_MAX = 64

const ports = shape.list(shape.integer(1, 65_535), DIAL_BACK_PORTS_COUNT_MAX)
const readRequest = shape.record({ ports })
const readReply = shape.record({ host: shape.text(HOST_CHARS_MAX), open: ports })

export const dialBackWire: CallWire<DialBackRequest, DialBackReply> = {
  id: '/roost/dial-back/1',
  messageBytesMax: 1_024,
  parseRequest: (value) => readRequest(value, 'request'),
  parseReply: (value) => readReply(value, 'reply'),
}

export interface DialBackDependencies {
  readonly nowMs: () => number
  /** The IP address of a peer's direct connection, if it has one. */
  readonly hostOf: (peer: PeerId) => string | undefined
  /** Whether the peer itself answers at a port of a host. Never rejects. */
  readonly answersAt: (peer: PeerId, host: string, port: number) => Promise<boolean>
}

export class DialBack implements Service<DialBackRequest, DialBackReply> {
  readonly #dependencies: DialBackDependencies
  readonly #askedMs = new Map<PeerId, number>()
  #openCount = 0

  constructor(dependencies: DialBackDependencies) {
    this.#dependencies = dependencies
  }

  async answer(from: PeerId, { ports: asked }: DialBackRequest): Promise<DialBackReply> {
    const host = this.#dependencies.hostOf(from)
    if (host === undefined) throw new RoostError('BUSY', 'only who is connected directly is dialed back')
    this.#admit(from)
    this.#openCount++
    try {
      const open: number[] = []
      for (const port of new Set(asked)) if (await this.#dependencies.answersAt(from, host, port)) open.push(port)
      return { host, open }
    } finally {
      this.#openCount--
    }
  }

  #admit(peer: PeerId): void {
    const now = this.#dependencies.nowMs()
    const lastMs = this.#askedMs.get(peer)
    if (lastMs !== undefined && now - lastMs < DIAL_BACK_PAUSE_MS)
      throw new RoostError('BUSY', 'this node was dialed back a moment ago')
    if (this.#openCount >= DIAL_BACKS_COUNT_MAX) throw new RoostError('BUSY', 'others are being dialed back')
    this.#askedMs.delete(peer)
    this.#askedMs.set(peer, now)
    if (this.#askedMs.size > ASKERS_COUNT_MAX) this.#askedMs.delete(this.#askedMs.keys().next().value!)
  }
}

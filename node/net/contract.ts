import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Level } from 'level'
import type { Events, Fetch, JobDirectory, Log } from '../../overlay/contract/index.ts'
import type { CutOff, PeerId, Plain, ProtocolHost, Surroundings } from '../../overlay/index.ts'
import type { Misfit } from './versions.ts'

/** What the daemon gets from the network and what it must bring: all that is known of libp2p outside this folder. */

/** Who may come in. Credentials are opaque to the network: made, read and checked by whoever implements this. */
export interface Admission {
  /** What this node shows of itself; undefined while it has nothing to show, that is, before it has joined. */
  present(): Plain | undefined
  /**
   * Checks what `peer` presented; the connection has proved that it is `peer`. Gives the Unix time at which admission ends, or
   * rejects with a `RoostError` (`CREDENTIAL_INVALID`, `CREDENTIAL_EXPIRED`, ...), which the other side is told.
   */
  check(peer: PeerId, presented: unknown): Admitted | Promise<Admitted>
  /** Answers a request to join, from a peer that may be anybody. Without it, joining here is refused with `NOT_ADMITTED`. */
  join?(peer: PeerId, request: unknown): Plain | Promise<Plain>
}

export interface Admitted {
  readonly untilMs: number
}

export interface NetworkOptions {
  /** The node's ed25519 key: seed and public key, 64 bytes, as `rawPrivateKey` gives it. It must be that of `surroundings.self`. */
  readonly privateKey: Uint8Array
  /** Multiaddrs to listen on, for example `/ip4/0.0.0.0/tcp/4510`; port 0 takes any free one. Empty: dials only. */
  readonly listen: readonly string[]
  /** Multiaddrs to make known in place of those it listens on. */
  readonly announce?: readonly string[]
  /** Where directory records and peers are kept: a directory for a database of its own, or one that is open. Without it, in memory. */
  readonly store?: string | Level<string, Uint8Array>
  /** What this node does for others that can only dial out, while it is reachable itself; see `RELAY_LIMITS`. */
  readonly relay?: Partial<RelayLimits>
}

/** Bounds of what a relay does for members. What strangers get is less (`Strangers`). */
export interface RelayLimits {
  /** Nodes that have a place here; more are refused, and find another relay. */
  readonly reservationsMax: number
  /** Bytes of one relayed connection, both ways together, and how long it may last; then it ends, and may be opened anew. */
  readonly connectionBytesMax: number
  readonly connectionMsMax: number
}

/** How others reach this node. */
export interface Reach {
  /**
   * `reachable`: others dial it. `relayed`: it only dials out, and others reach it over a relay. `cut-off`: nobody reaches it, or it
   * has lost everybody. `unknown`: there was nobody yet to tell.
   */
  readonly state: 'reachable' | 'relayed' | 'cut-off' | 'unknown'
  /** Multiaddrs that it tells others. */
  readonly addresses: readonly string[]
  /** Nodes that relay for it. */
  readonly relays: readonly PeerId[]
  /** Who was asked last, and what they found. Empty where connections alone were proof. */
  readonly witnesses: readonly Witness[]
  /** Nodes for which it is a relay itself. */
  readonly relayedPeersCount: number
}

/** A peer that was asked to dial back. */
export interface Witness {
  readonly peer: PeerId
  /** The IP address under which it sees this node. */
  readonly host: string | undefined
  /** The ports at which it reached this node. */
  readonly open: readonly number[]
  readonly answer: 'reached' | 'not-reached' | 'silent'
}

export interface NetworkDependencies {
  readonly admission: Admission
  /** The node's name, clocks, chance and signatures: what protocols get in their `Env`. */
  readonly surroundings: Surroundings
  /** Fingerprint of the VO's authority, which stands in directory records. Read when it is needed, since a joining node has none yet. */
  readonly vo: () => string
  readonly log: Log
}

/** This node on the network. Nothing that a peer sends makes any of these throw or ends the process. */
export interface Network extends ProtocolHost {
  readonly directory: JobDirectory
  readonly events: Events
  /** Multiaddrs, each ending in `/p2p/<self>`, that others can dial. */
  addresses(): readonly string[]
  /** Tells when `addresses` has become another. Returns how to stop. */
  onAddresses(listener: (addresses: readonly string[]) => void): () => void
  /** How others reach this node, as it is believed now. */
  reach(): Reach
  /** The same, after asking peers. Takes some seconds where the answer is no. */
  checkReach(): Promise<Reach>
  /** Makes addresses known; the newest word on a peer replaces the one before. Ones that are no multiaddrs are skipped. */
  know(peer: PeerId, addresses: readonly string[]): void
  /** Connects and gets admitted, where that has not happened. Rejects with `PEER_UNREACHABLE`, `NOT_ADMITTED`, `CREDENTIAL_...`. */
  connect(peer: PeerId): Promise<void>
  /** Ends all connections with a peer. It may come back, if `Admission.check` lets it. */
  disconnect(peer: PeerId, reason: string): void
  /**
   * Somebody hears nothing from this peer: of the connections with it, those that give no sign of life within seconds are ended, and
   * what is sent next dials anew.
   */
  doubt(peer: PeerId): void
  /**
   * Counts something of a peer's that a protocol refused, by words of ours. A peer with too much against it is cut off: disconnected,
   * refused and not dialed for a while.
   */
  blame(peer: PeerId, refusal: { readonly protocol: string; readonly reason: string }): void
  /** Peers that are cut off now; times are those of `surroundings.nowMs`. */
  cutOffs(): readonly CutOff[]
  /** Protocols that peers speak in other versions only, met lately. */
  misfits(): readonly Misfit[]
  /** Peers that are connected and admitted. */
  connected(): readonly PeerId[]
  /** Tells of every peer that is admitted on its first connection. Returns how to stop. */
  onAdmitted(listener: (peer: PeerId) => void): () => void
  /** Tells of every peer whose last connection has closed, for whatever reason. Returns how to stop. */
  onLost(listener: (peer: PeerId) => void): () => void

  /** Ends what was mounted or served under a wire's id: no handler, timer or event of it runs again, open calls are `CANCELLED`. */
  unmount(wireId: string): void

  /** Hands requests of admitted peers to an HTTP listener; `callerOf(request)` says who sent one. */
  serveHttp(listener: (request: IncomingMessage, response: ServerResponse) => void): void
  /** HTTP to a peer's listener; the host in the URL means nothing. Fails with a `RoostError`, as `call` does. */
  peerFetch(peer: PeerId): Fetch

  /**
   * Answers peers that open tunnels: `connect` gives the byte stream that one goes to, or rejects with what the peer is told. The peer is
   * admitted, its request may be anything.
   */
  serveTunnels(connect: (peer: PeerId, request: unknown) => Promise<Duplex>): void
  /**
   * A tunnel to where the peer's `connect` leads. Rejects with the error that the peer gave, or as `call` does; an aborted signal gives
   * up while it is being opened.
   */
  openTunnel(peer: PeerId, request: Plain, signal: AbortSignal): Promise<Duplex>

  /**
   * The nodes nearest to a key in the DHT, nearest first, at most `count`: among `known`, and in a large grid among those that the DHT
   * finds but for `except`.
   */
  closest(
    key: Uint8Array,
    among: {
      readonly count: number
      readonly known: readonly PeerId[]
      readonly except: (peer: PeerId) => boolean
    },
  ): Promise<readonly PeerId[]>

  /**
   * Asks to join by way of the first of `addresses` that answers; an address that ends in `/p2p/<id>` only counts if that id
   * answers. Rejects with the error that the other side gave, or `PEER_UNREACHABLE`, `CALL_TIMEOUT`, `CONNECTION_LOST`.
   */
  requestJoin(addresses: readonly string[], request: Plain): Promise<{ readonly peer: PeerId; readonly reply: unknown }>

  /** Counters and gauges by name, for `/metrics`; names end in their unit. */
  metrics(): Readonly<Record<string, number>>
  /** Ends everything; when it resolves, nothing of the network holds the process. Safe to call twice. */
  stop(): Promise<void>
}

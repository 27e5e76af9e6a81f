/**
 * One code, two drivers. A protocol decides; it never reads a clock, a random source or a socket, but asks its `Env`.
 * The daemon drives it with libp2p and real time, the simulator with virtual time under a seed. What both drivers
 * promise is stated, and checked for both, in `test/suite/env.ts`.
 */

/** A node's name: its libp2p peer id (base58 of the identity multihash of its ed25519 public key). Users have one too. */
export type PeerId = string

/** What may be signed, hashed and sent: what CBOR (RFC 8949) and the simulator's clones carry without loss. */
export type Plain =
  | undefined
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain }

/** A source of chance. Every draw is a function of the seed alone. */
export interface Rng {
  /** A whole number in [0, 2^32). */
  next(): number
  /** A whole number in [0, bound), each as likely; `bound` is at least 1. */
  below(bound: number): number
  /** A real number in [0, 1). */
  real(): number
}

/**
 * Hashes and signatures, synchronous. A value is signed as its canonical bytes under a `context`, a short text that says
 * what kind of statement it is, so that a signature over one kind never passes for another.
 */
export interface Crypto {
  /** SHA-256 over the canonical bytes of `value`: 32 bytes. The simulator may use a cheaper function of the same length. */
  hash(value: Plain): Uint8Array
  /** A signature by `env.self`: ed25519 (RFC 8032), 64 bytes. */
  sign(context: string, value: Plain): Uint8Array
  /** Whether `signer` made `signature` over just this value in this context. Never throws, whatever the bytes. */
  verify(signer: PeerId, context: string, value: Plain, signature: Uint8Array): boolean
}

/** What every protocol may know of the world. */
export interface Surroundings {
  readonly self: PeerId
  /** Monotonic time in milliseconds. Only differences mean something. */
  readonly nowMs: number
  /** Unix time in milliseconds as this machine believes it: it may be wrong and it may jump. No safety rests on it. */
  readonly wallMs: number
  readonly rng: Rng
  readonly crypto: Crypto
}

/** The world of a protocol that is a synchronous state machine. */
export interface Env<Message, Timer, Event> extends Surroundings {
  /** Best effort: the message may be lost, late, doubled or overtaken. To oneself it is refused by an assert. */
  send(to: PeerId, message: Message): void
  /** `wake(timer)` after `delayMs` of monotonic time, never before, and never after the protocol was stopped. */
  wakeAfter(delayMs: number, timer: Timer): void
  /** Tells the host what happened. Events reach it in order, after the handler that emitted them has returned. */
  emit(event: Event): void
}

/** A synchronous state machine. One handler at a time; none is re-entered. */
export interface Protocol<Message, Timer, Event> {
  start(env: Env<Message, Timer, Event>): void
  receive(from: PeerId, message: Message, env: Env<Message, Timer, Event>): void
  wake(timer: Timer, env: Env<Message, Timer, Event>): void
}

export interface CallOptions {
  /** How long to wait for the reply before the call fails, uncertain, with `CALL_TIMEOUT`. */
  readonly timeoutMs: number
  /** Gives up early; the call then fails, uncertain, with `CANCELLED`. */
  readonly signal?: AbortSignalLike
}

/** The part of the web's AbortSignal that pure code may use. */
export interface AbortSignalLike {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * The world of a conversation: an async function that asks other nodes and waits. Deterministic in the simulator under a
 * seed as long as it awaits nothing but these functions.
 */
export interface CallEnv<Request, Reply> extends Surroundings {
  /**
   * One request, one reply. Fails with a `RoostError`: `PEER_UNREACHABLE` (certain: it was never sent), `CALL_TIMEOUT` or
   * `CONNECTION_LOST` (uncertain: it may have taken effect), or the error that the other side answered with.
   * A request may arrive twice; requests that change something carry an id that makes them safe to repeat.
   */
  call(to: PeerId, request: Request, options: CallOptions): Promise<Reply>
  /** Resolves after `delayMs` of monotonic time; rejects with `CANCELLED` when the protocol is stopped. */
  sleep(delayMs: number): Promise<void>
}

/** The answering side of conversations. A thrown `RoostError` reaches the caller as that error. */
export interface Service<Request, Reply> {
  answer(from: PeerId, request: Request): Reply | Promise<Reply>
}

/**
 * Where protocols run: the daemon's network, what it gives a plugin, a node of the simulator. What all of them promise is
 * stated in `test/suite/env.ts`.
 */
export interface ProtocolHost {
  readonly self: PeerId
  readonly surroundings: Surroundings
  /** Runs a state machine; its `start` has been called when this returns, and what `start` throws is thrown here. */
  mount<Message, Timer, Event>(
    wire: Wire<Message>,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
  ): Env<Message, Timer, Event>
  /** Answers conversations, and gives the means to hold them. */
  serve<Request, Reply>(wire: CallWire<Request, Reply>, service: Service<Request, Reply>): CallEnv<Request, Reply>
}

/** How a protocol's messages cross the network. */
export interface Wire<Message> {
  /** Names the protocol and its version, for example `/roost/sampling/1`. */
  readonly id: string
  /** The longest encoded message; longer ones are neither sent nor decoded. */
  readonly messageBytesMax: number
  /** The only way in: a well-formed message, or a `RoostError` with code `MESSAGE_MALFORMED`. */
  parse(value: unknown): Message
  /**
   * Versions before this one that are spoken beside it, the newest of them first: with each peer the highest that both speak is used. A
   * node of the version before, which knows nothing of this one, is spoken with in its own.
   */
  readonly older?: readonly OlderWire<Message>[]
}

/** An older version of a protocol, in terms of the newest. */
export interface OlderWire<Message> {
  readonly id: string
  parse(value: unknown): Message
  /** What that version says for it; undefined where it has no words for it, and then it is not sent. */
  express(message: Message): Plain | undefined
}

/** How a conversation's requests and replies cross the network. */
export interface CallWire<Request, Reply> {
  readonly id: string
  readonly messageBytesMax: number
  parseRequest(value: unknown): Request
  parseReply(value: unknown): Reply
  /** As those of `Wire`. */
  readonly older?: readonly OlderCallWire<Request, Reply>[]
}

/** An older version of a conversation, in terms of the newest. */
export interface OlderCallWire<Request, Reply> {
  readonly id: string
  parseRequest(value: unknown): Request
  parseReply(value: unknown): Reply
  /** What that version says for it; undefined where it has no words for it: such a call fails with `PROTOCOL_UNKNOWN`. */
  expressRequest(request: Request): Plain | undefined
  expressReply(reply: Reply): Plain | undefined
}

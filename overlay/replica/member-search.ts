import type { AbortSignalLike, PeerId } from '../env/index.ts'
import { asRoostError, RoostError } from '../error/index.ts'
import type { GroupClientDependencies } from './client.ts'
import { LocalCalls } from './local-calls.ts'
import type { ReplicaReply, ReplicaRequest } from './requests.ts'
import type { Given } from './service.ts'

/** Members that a client keeps in mind; a group has no more at once, and old ones make room. */
const KNOWN_COUNT_MAX = 16

/** Whom a client asks next: the leader where it is known or was named, then the others, each once until it begins again. */
export class MemberSearch {
  readonly #dependencies: Pick<GroupClientDependencies<Given>, 'group' | 'env' | 'resolve' | 'local'>
  readonly #local: LocalCalls | undefined
  #known: PeerId[] = []
  #leader: PeerId | undefined
  readonly #tried = new Set<PeerId>()
  #hasLooked = false

  constructor(dependencies: Pick<GroupClientDependencies<Given>, 'group' | 'env' | 'resolve' | 'local'>) {
    this.#dependencies = dependencies
    const { env, local } = dependencies
    this.#local = local && new LocalCalls(env, local)
  }

  /** Undefined where all have been tried. */
  next(): PeerId | undefined {
    if (this.#leader !== undefined) return this.#leader
    return this.#known.find((peer) => !this.#tried.has(peer))
  }

  /** Whether it was ever asked where members are. */
  get hasLooked(): boolean {
    return this.#hasLooked
  }

  /** All may be asked again, with those that may have come since. */
  async again(): Promise<void> {
    this.#tried.clear()
    this.#hasLooked = true
    const found = await this.#dependencies.resolve().catch((): readonly PeerId[] => [])
    this.#learn(found)
  }

  /** Asks one, and remembers what that says about who leads. An error is a value here: the next one is asked. */
  async ask(
    peer: PeerId,
    request: ReplicaRequest,
    options: { readonly timeoutMs: number; readonly signal: AbortSignalLike | undefined },
  ): Promise<ReplicaReply | RoostError> {
    try {
      const reply = await this.#call(peer, request, options)
      this.#hear(peer, reply)
      return reply
    } catch (thrown) {
      this.#leave(peer)
      return asRoostError(thrown)
    }
  }

  #call(
    peer: PeerId,
    request: ReplicaRequest,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignalLike | undefined },
  ): Promise<ReplicaReply> {
    const { env } = this.#dependencies
    if (peer !== env.self) return env.call(peer, request, signal ? { timeoutMs, signal } : { timeoutMs })
    if (this.#local === undefined) throw new RoostError('PEER_UNREACHABLE', 'this node takes part in no groups')
    return this.#local.ask(request, timeoutMs)
  }

  #hear(peer: PeerId, reply: ReplicaReply): void {
    if (reply.type === 'no-member') {
      this.#leave(peer)
      this.#known = this.#known.filter((known) => known !== peer)
    } else if (reply.type === 'not-leader') {
      this.#leave(peer)
      this.#learn(reply.members)
      if (reply.leader !== undefined && !this.#tried.has(reply.leader)) this.#leader = reply.leader
    } else if (reply.type === 'busy') this.#leave(peer)
    else this.#leader = peer
  }

  #leave(peer: PeerId): void {
    this.#tried.add(peer)
    if (this.#leader === peer) this.#leader = undefined
  }

  /** What was heard last stands first. */
  #learn(peers: readonly PeerId[]): void {
    this.#known = [...new Set([...peers, ...this.#known])].slice(0, KNOWN_COUNT_MAX)
  }
}

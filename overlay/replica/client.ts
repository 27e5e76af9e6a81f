import type { AbortSignalLike, CallEnv, PeerId, Shape } from '../env/index.ts'
import { errorFromRecord, RoostError } from '../error/index.ts'
import { MemberSearch } from './member-search.ts'
import type { ReplicaReply, ReplicaRequest } from './requests.ts'
import type { Given } from './service.ts'
import { ClientSession } from './client-session.ts'
import { SESSION_MS } from './sessions.ts'

export type GroupEnv = Pick<CallEnv<ReplicaRequest, ReplicaReply>, 'call' | 'sleep' | 'rng' | 'nowMs' | 'self'>

export interface GroupClientDependencies<Reply> {
  readonly group: string
  readonly env: GroupEnv
  /** Where members may be found: asked when none of those known leads, and answers within a second or so. */
  readonly resolve: () => Promise<readonly PeerId[]>
  /** Reads the service's replies. They are not to be changed. */
  readonly reply: Shape<Reply>
  /** Answers on this node itself, where it may be a member: its `Replicas`. */
  readonly local?: { answer(from: PeerId, request: ReplicaRequest): Promise<ReplicaReply> }
}

export interface GroupClientOptions {
  /** How long one member is waited for before another is asked. Shorter leaves a hanging leader sooner, and asks a slow one twice. */
  readonly attemptMs: number
  /** Between two rounds of tries: doubling from the first to the last, half of it by chance. */
  readonly backoffMsMin: number
  readonly backoffMsMax: number
  /** Commands under way; more wait. Well below `SESSION_WINDOW`, so that one that hangs does not soon stop the others. */
  readonly inFlightCountMax: number
  /** Commands that wait; more are `BUSY`. */
  readonly waitingCountMax: number
}

export const GROUP_CLIENT_DEFAULTS: GroupClientOptions = {
  attemptMs: 1_000,
  backoffMsMin: 20,
  backoffMsMax: 500,
  inFlightCountMax: 128,
  waitingCountMax: 4_096,
}

export interface AskOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignalLike
}

/**
 * Talks to a group as to one server. It finds the members, follows the leader, and asks again after whatever fails; a command applies
 * once however often it is asked (dissertation 6.3), so a failover is a delay and nothing else.
 *
 * What is not answered in time fails with `GROUP_UNREACHABLE`: certain only where no member was reached at all, since what was sent may
 * arrive late, and twice. `SESSION_EXPIRED`: the group forgot this client to make room for others, and whether the command was applied is
 * not known. The service's own errors come as they are.
 */
export class GroupClient<Command, Reply, Query = Command> {
  readonly #dependencies: GroupClientDependencies<Reply>
  readonly #options: GroupClientOptions
  readonly #search: MemberSearch
  #session: Promise<ClientSession> | undefined
  #usedMs = 0

  constructor(dependencies: GroupClientDependencies<Reply>, options: Partial<GroupClientOptions> = {}) {
    this.#dependencies = dependencies
    this.#options = { ...GROUP_CLIENT_DEFAULTS, ...options }
    this.#search = new MemberSearch(dependencies)
  }

  /** Has the group apply a command, once, and gives what came of it. */
  async execute(command: Command, { timeoutMs, signal }: AskOptions): Promise<Reply> {
    const untilMs = this.#env.nowMs + timeoutMs
    const { session, opening } = await this.#sessionUntil(untilMs, signal)
    const sequence = await session.begin(untilMs)
    try {
      const reply = await this.#ask(
        (group) => ({
          type: 'command',
          group,
          session: session.id,
          sequence,
          settled: session.settled,
          command: command as Given,
        }),
        untilMs,
        signal,
      )
      if (reply.type !== 'expired') return this.#read(reply)
      if (this.#session === opening) this.#session = undefined
      const message = `group ${this.#group} no longer knows whether it did this`
      throw new RoostError('SESSION_EXPIRED', message, { certain: false })
    } finally {
      session.end(sequence)
    }
  }

  /** Answers from a state that has every command that was answered before this was asked. */
  async read(query: Query, { timeoutMs, signal }: AskOptions): Promise<Reply> {
    const untilMs = this.#env.nowMs + timeoutMs
    const reply = await this.#ask((group) => ({ type: 'read', group, query: query as Given }), untilMs, signal).catch(
      harmless,
    )
    return this.#read(reply)
  }

  /** Adds or removes a member; done once it counts, or is out. `CONFLICT` where the group has no room, or would be empty. */
  async change(action: 'add' | 'remove', peer: PeerId, { timeoutMs, signal }: AskOptions): Promise<void> {
    const untilMs = this.#env.nowMs + timeoutMs
    this.#demandDone(await this.#ask((group) => ({ type: 'change', group, action, peer }), untilMs, signal))
  }

  /** Has another voter lead. */
  async handOver(to: PeerId, { timeoutMs, signal }: AskOptions): Promise<void> {
    const untilMs = this.#env.nowMs + timeoutMs
    this.#demandDone(await this.#ask((group) => ({ type: 'hand-over', group, to }), untilMs, signal))
  }

  get #env(): GroupEnv {
    return this.#dependencies.env
  }
  get #group(): string {
    return this.#dependencies.group
  }

  /** The session; who waits for another's try to open one goes on with its own. */
  async #sessionUntil(
    untilMs: number,
    signal: AbortSignalLike | undefined,
  ): Promise<{ readonly session: ClientSession; readonly opening: Promise<ClientSession> }> {
    for (;;) {
      const isOwn = this.#isSessionStale()
      if (isOwn) this.#session = this.#openSession(untilMs, signal)
      const opening = this.#session!
      try {
        return { session: await opening, opening }
      } catch (thrown) {
        if (this.#session === opening) this.#session = undefined
        if (isOwn || this.#env.nowMs >= untilMs || signal?.aborted) throw thrown
      }
    }
  }

  /** There is none, or the group may have given it up. */
  #isSessionStale(): boolean {
    const idleMs = this.#env.nowMs - this.#usedMs
    this.#usedMs = this.#env.nowMs
    return this.#session === undefined || idleMs > SESSION_MS / 2
  }

  async #openSession(untilMs: number, signal: AbortSignalLike | undefined): Promise<ClientSession> {
    const reply = await this.#ask((group) => ({ type: 'open', group }), untilMs, signal).catch(harmless)
    if (reply.type !== 'opened') throw this.#odd(reply)
    return new ClientSession(reply.session, this.#env, this.#options)
  }

  /** Asks one member after another until one answers for the group. */
  async #ask(
    make: (group: string) => ReplicaRequest,
    untilMs: number,
    signal: AbortSignalLike | undefined,
  ): Promise<ReplicaReply> {
    const { attemptMs, backoffMsMin, backoffMsMax } = this.#options
    let isCertain = true
    let backoffMs = backoffMsMin
    for (;;) {
      const target = this.#search.next()
      const leftMs = untilMs - this.#env.nowMs
      if (signal?.aborted) throw new RoostError('CANCELLED', `group ${this.#group}: given up`, { certain: isCertain })
      if (leftMs <= 0) throw this.#late(isCertain)
      if (target === undefined) {
        if (this.#search.hasLooked) {
          await this.#env.sleep(Math.min(leftMs, backoffMs * (0.5 + 0.5 * this.#env.rng.real())))
          backoffMs = Math.min(2 * backoffMs, backoffMsMax)
        }
        await this.#search.again()
        continue
      }
      const reply = await this.#search.ask(target, make(this.#group), {
        timeoutMs: Math.min(leftMs, attemptMs),
        signal,
      })
      if (reply instanceof RoostError) isCertain &&= reply.certain
      else if (isFinal(reply)) return reply
      else isCertain = false
    }
  }

  #read(reply: ReplicaReply): Reply {
    if (reply.type === 'done') return this.#dependencies.reply(reply.result, 'reply')
    throw reply.type === 'failed' ? errorFromRecord(reply.error) : this.#odd(reply)
  }

  #demandDone(reply: ReplicaReply): void {
    if (reply.type !== 'done') throw reply.type === 'failed' ? errorFromRecord(reply.error) : this.#odd(reply)
  }

  #odd(reply: ReplicaReply): RoostError {
    return new RoostError('MESSAGE_MALFORMED', `group ${this.#group} answered "${reply.type}"`, { certain: false })
  }

  #late(isCertain: boolean): RoostError {
    return new RoostError('GROUP_UNREACHABLE', `group ${this.#group} did not answer in time`, {
      certain: isCertain,
      data: { group: this.#group },
    })
  }
}

/** What the group itself has decided; all else is a matter of whom one asked, and when. */
function isFinal({ type }: ReplicaReply): boolean {
  return type !== 'busy' && type !== 'no-member' && type !== 'not-leader'
}

/** What changes nothing has not happened, whatever became of it. */
function harmless(thrown: unknown): never {
  if (!(thrown instanceof RoostError) || thrown.certain) throw thrown
  const { code, message, data, hint } = thrown
  throw new RoostError(code, message, { cause: thrown, certain: true, hint, ...(data && { data }) })
}

import type { GroupAsker, Host } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError, sample, type CallEnv, type PeerId } from '../../overlay/index.ts'
import {
  BoardKeeper,
  boardReply,
  HOLDERS_COUNT_MAX,
  isFinal,
  JobBoard,
  signMandate,
  viewOf,
  type BoardCommand,
  type BoardHears,
  type BoardReplica,
  type BoardReply,
  type JobId,
  type JobService,
  type JobStore,
  type JobView,
} from '../protocol/index.ts'
import { expired, JOB_RETENTION, type InputFiles } from '../store/index.ts'

/** What replica groups of boards are called. */
const KIND = 'jobs'
/** Hexadecimal digits of the home's hash that name its board. */
const NAME_DIGITS = 20

/** How long a submission waits for a board: made, widened to all its members, or taken over by one. */
const READY_MS_MAX = 10_000
const WIDEN_MS_MAX = 5_000
/** How long a daemon that starts waits for its jobs: an election fits in. */
const TAKE_UP_MS_MAX = 3_000
const POLL_MS = 25

/** How often a home looks after its board's members. */
const TEND_MS = 10_000
/** How long a member may be away until another takes its place: longer than a restart and a night's update, shorter than a second loss. */
const REPLACE_MS = 10 * 60_000
const ASK_MS = 10_000

type Sleeper = Pick<CallEnv<never, never>, 'sleep'>
type Asker = GroupAsker<BoardCommand, BoardReply, Record<string, never>>

export interface BoardsDependencies {
  readonly host: Pick<Host, 'self' | 'nodes' | 'groups' | 'surroundings' | 'log'>
  readonly service: JobService
  /** Nodes that keep the log of each job, this one among them. */
  readonly copiesCount: number
  /** Jobs that this node kept alone, before it was told to keep copies. */
  readonly jobLogs: JobStore
  readonly inputs: InputFiles
}

/**
 * The boards that this node has replicas of: its own, made with the first job that is submitted here if it is to keep copies, and those of
 * others that chose this node to keep theirs. While this node leads a board's group it controls its jobs (`BoardKeeper`).
 */
export class Boards {
  readonly #dependencies: BoardsDependencies
  readonly #own: string
  readonly #boards = new Map<string, JobBoard>()
  readonly #askers = new Map<string, Asker>()
  #making: Promise<void> | undefined
  #env: Sleeper | undefined

  constructor(dependencies: BoardsDependencies) {
    this.#dependencies = dependencies
    this.#own = this.#nameOf(dependencies.host.self)
  }

  /** Whether jobs that are submitted here go onto this node's board. One that was made once stays. */
  get keepsCopies(): boolean {
    return this.#dependencies.copiesCount > 1 || this.#ownGroup() !== undefined
  }

  /** Whether this node keeps jobs of anybody. */
  get isEmpty(): boolean {
    return !this.#dependencies.host.groups.list().some(({ kind }) => kind === KIND)
  }

  /**
   * Opens the boards that are on the disk, and holds what this node is chosen for until the daemon stops. Resolves when somebody controls
   * the jobs of this node again, or after a while without.
   */
  async start(env: Sleeper): Promise<void> {
    const { host, service, jobLogs, inputs } = this.#dependencies
    this.#env = env
    const hears: BoardHears = {
      onHome: (home, board) => this.#boards.set(this.#nameOf(home), board),
      onRemoved: (jobId) => {
        inputs.remove(jobId).catch((error: unknown) => host.log.warn({ job: jobId, error }, 'input files stay'))
      },
    }
    await host.groups.register(KIND, () => new JobBoard(hears))
    const trouble = (board: string, error: unknown): void =>
      host.log.warn({ board, error }, 'trouble with a board of jobs')
    const keeper = new BoardKeeper(service, () => this.#replicas(), {
      onTrouble: trouble,
      onTaken: (home, store) => (home === host.self ? this.#adopt(store) : Promise.resolve()),
    })
    for (const work of [keeper.run(env), this.#tend(env)])
      work.catch((thrown: unknown) => {
        if (asRoostError(thrown).code !== 'CANCELLED') trouble(this.#own, thrown)
      })
    if (this.keepsCopies && (await jobLogs.list()).length > 0)
      this.#ensure().catch((thrown: unknown) => trouble(this.#own, thrown))
    const untilMs = host.surroundings.nowMs + TAKE_UP_MS_MAX
    while (this.#ownGroup() && this.#holder() === undefined && host.surroundings.nowMs < untilMs) {
      keeper.look()
      await env.sleep(POLL_MS)
    }
  }

  /**
   * Who controls the jobs that are submitted here, with as many copies as there are nodes for: this node, unless another took over while it
   * was away. `GROUP_UNREACHABLE` where nobody is found in time, as when most of those who keep them are away.
   */
  async ownHolder(): Promise<PeerId> {
    const { host } = this.#dependencies
    await this.#ensure()
    const untilMs = host.surroundings.nowMs + READY_MS_MAX
    for (;;) {
      const holder = this.#holder()
      if (holder !== undefined) return holder
      if (host.surroundings.nowMs > untilMs)
        throw new RoostError('GROUP_UNREACHABLE', 'nobody controls the jobs of this node at the moment', {
          certain: true,
          hint: 'most of the nodes that keep them must be there: `roost node list` shows who is away',
        })
      await this.#env!.sleep(POLL_MS)
    }
  }

  #holder(): PeerId | undefined {
    const { host, service } = this.#dependencies
    if (service.tenures.some(({ home }) => home === host.self)) return host.self
    const holder = this.#boards.get(this.#own)?.head?.holder
    return holder !== host.self && host.nodes.get(holder ?? '')?.state === 'alive' ? holder : undefined
  }

  /** Who may hold the board of a home that this node keeps; nobody where it keeps none. */
  holdersOf(home: PeerId): readonly PeerId[] {
    return this.#boards.get(this.#nameOf(home))?.head?.mandate.holders ?? []
  }

  /** The one job on the boards that this node keeps whose id begins so. */
  idOf(prefix: string): JobId | undefined {
    const ids = [...this.#boards.values()].flatMap((board) => board.jobs().filter((id) => id.startsWith(prefix)))
    return ids.length === 1 ? ids[0] : undefined
  }

  /** A job on a board that this node keeps, as far as it has heard. */
  view(jobId: JobId): JobView | undefined {
    for (const board of this.#boards.values()) {
      const log = board.log(jobId, 1)
      if (log.length > 0) return viewOf(log)
    }
    return undefined
  }

  /** Takes the jobs onto the board that this node kept alone until now; what a crash left half done is gone on with. */
  async #adopt(board: JobStore): Promise<void> {
    const { jobLogs, host, service } = this.#dependencies
    service.yield(host.self)
    const jobIds = await jobLogs.list()
    if (jobIds.length > 0) await this.#widened()
    for (const jobId of jobIds) {
      const there = await board.read(jobId, 1)
      try {
        for (const event of await jobLogs.read(jobId, there.length + 1)) await board.append(jobId, [event])
      } catch (error) {
        if (asRoostError(error).code !== 'MESSAGE_TOO_LARGE') throw error
        host.log.error({ job: jobId, error }, 'a job is too large for a board; it waits for `copies: 1`')
        continue
      }
      await jobLogs.remove(jobId)
      host.log.info({ job: jobId }, 'a job is kept by several nodes from now on')
    }
  }

  #ensure(): Promise<void> {
    return (this.#making ??= this.#make().catch((thrown: unknown) => {
      this.#making = undefined
      throw thrown
    }))
  }

  #replicas(): BoardReplica[] {
    const { groups } = this.#dependencies.host
    return groups
      .list()
      .filter(({ kind }) => kind === KIND)
      .map(({ name, role }) => ({
        name,
        isLeader: role === 'leader',
        board: this.#boards.get(name),
        asker: this.#asker(name),
      }))
  }

  /** Makes this node's board where there is none, and waits until its members have it. */
  async #make(): Promise<void> {
    const { host, copiesCount } = this.#dependencies
    const { self, groups } = host
    if (!this.#ownGroup()) {
      const members = this.#choose(copiesCount - 1, new Set([self]))
      await groups.create(KIND, this.#own, { members })
      await this.#mandate([self, ...members])
    } else if (!this.#boards.get(this.#own)?.head) await this.#mandate(this.#members())
    await this.#widened()
  }

  /** Until more than this node keep the board, or nobody else answers. */
  async #widened(): Promise<void> {
    const { surroundings } = this.#dependencies.host
    const untilMs = surroundings.nowMs + WIDEN_MS_MAX
    while (surroundings.nowMs < untilMs) {
      const { voters = [], learners = [] } = this.#ownGroup()?.configuration ?? {}
      if (voters.length > 1 || learners.length === 0) return
      await this.#env!.sleep(POLL_MS)
    }
  }

  async #tend(env: Sleeper): Promise<void> {
    for (;;) {
      await env.sleep(TEND_MS)
      try {
        await this.#mend()
        await this.#forgetOld()
      } catch (error) {
        if (asRoostError(error).code === 'CANCELLED') throw error
        this.#dependencies.host.log.debug({ error }, 'the board of jobs could not be looked after')
      }
    }
  }

  /** Finds another member for one that is missing or away for long. One change at a time, each by word of the home. */
  async #mend(): Promise<void> {
    const { host, copiesCount } = this.#dependencies
    const group = this.#ownGroup()
    if (group?.role !== 'leader') return
    const members = this.#members()
    const gone = members.find((peer) => peer !== host.self && this.#isGone(peer))
    const isShort = members.length < Math.min(copiesCount, HOLDERS_COUNT_MAX)
    if (gone === undefined && !isShort) return
    const [fresh] = this.#choose(1, new Set(members))
    if (fresh === undefined) return
    const asker = this.#asker(this.#own)
    await this.#mandate([...members.filter((peer) => peer !== gone), fresh])
    if (gone !== undefined) await asker.change('remove', gone, { timeoutMs: ASK_MS })
    await asker.change('add', fresh, { timeoutMs: ASK_MS })
    host.log.info({ fresh, gone }, 'the board of jobs has a new member')
  }

  /** Ended jobs beyond their count and age, of every home whose jobs are controlled here. */
  async #forgetOld(): Promise<void> {
    const { service, host } = this.#dependencies
    for (const { home } of service.tenures) {
      const ended = service.views().filter((view) => view.controller === home && isFinal(view.state))
      const old = expired(
        ended.map(({ id, endedAtMs = 0 }) => ({ id, endedAtMs })),
        JOB_RETENTION,
        host.surroundings.wallMs,
      )
      for (const jobId of old) await service.forget(jobId)
    }
  }

  #isGone(peer: PeerId): boolean {
    const { nodes, surroundings } = this.#dependencies.host
    const node = nodes.get(peer)
    if (node === undefined || node.state === 'alive' || node.state === 'suspect') return false
    return surroundings.nowMs - node.sinceMs > REPLACE_MS
  }

  async #mandate(holders: readonly PeerId[]): Promise<void> {
    const { self, surroundings } = this.#dependencies.host
    const mandate = signMandate(self, holders, surroundings.crypto)
    await this.#asker(this.#own).execute({ type: 'found', mandate }, { timeoutMs: ASK_MS })
  }

  #choose(count: number, except: ReadonlySet<PeerId>): readonly PeerId[] {
    const { nodes, surroundings } = this.#dependencies.host
    const alive = nodes.list().filter(({ id, state }) => state === 'alive' && !except.has(id))
    return sample(
      alive.map(({ id }) => id),
      Math.min(count, alive.length),
      surroundings.rng,
    )
  }

  #members(): readonly PeerId[] {
    const { voters = [], learners = [] } = this.#ownGroup()?.configuration ?? {}
    return [...voters.map(({ peer }) => peer), ...learners]
  }

  #ownGroup(): ReturnType<Host['groups']['list']>[number] | undefined {
    return this.#dependencies.host.groups.list().find(({ kind, name }) => kind === KIND && name === this.#own)
  }

  #asker(name: string): Asker {
    const asker = this.#askers.get(name) ?? this.#dependencies.host.groups.client(KIND, name, boardReply)
    this.#askers.set(name, asker)
    return asker
  }

  #nameOf(home: PeerId): string {
    const digest = this.#dependencies.host.surroundings.crypto.hash(['board', home])
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .slice(0, NAME_DIGITS)
  }
}

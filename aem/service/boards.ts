import type { Host } from '../../overlay/contract/index.ts'
import { asRoostError, RoostError, type CallEnv, type PeerId } from '../../overlay/index.ts'
import {
  BoardKeeper,
  boardReply,
  isFinal,
  JobBoard,
  viewOf,
  type BoardHears,
  type BoardReplica,
  type JobId,
  type JobService,
  type JobStore,
  type JobView,
} from '../protocol/index.ts'
import { expired, JOB_RETENTION, type InputFiles } from '../store/index.ts'
import { boardNameOf, BOARDS_KIND, type GroupOfBoard } from './board-group.ts'
import { OwnBoard } from './own-board.ts'

/** How long a submission waits for somebody who controls the jobs of this node. */
const READY_MS_MAX = 10_000
/** How long a daemon that starts waits for its jobs: an election fits in. */
const TAKE_UP_MS_MAX = 3_000
const POLL_MS = 25
/** How often boards are looked after. */
const TEND_MS = 10_000

type Sleeper = Pick<CallEnv<never, never>, 'sleep'>

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
  readonly #askers = new Map<string, GroupOfBoard>()
  readonly #ownBoard: OwnBoard
  #env: Sleeper | undefined

  constructor(dependencies: BoardsDependencies) {
    this.#dependencies = dependencies
    const { host, copiesCount } = dependencies
    this.#own = this.#nameOf(host.self)
    this.#ownBoard = new OwnBoard({
      host,
      copiesCount,
      name: this.#own,
      asker: () => this.#asker(this.#own),
      isFounded: () => this.#boards.get(this.#own)?.head !== undefined,
      sleep: (delayMs) => this.#env!.sleep(delayMs),
    })
  }

  /** Whether jobs that are submitted here go onto this node's board. One that was made once stays. */
  get keepsCopies(): boolean {
    return this.#dependencies.copiesCount > 1 || this.#ownBoard.group !== undefined
  }

  /** Whether this node keeps jobs of anybody. */
  get isEmpty(): boolean {
    return !this.#dependencies.host.groups.list().some(({ kind }) => kind === BOARDS_KIND)
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
    await host.groups.register(BOARDS_KIND, () => new JobBoard(hears))
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
      this.#ownBoard.ensure().catch((thrown: unknown) => trouble(this.#own, thrown))
    const untilMs = host.surroundings.nowMs + TAKE_UP_MS_MAX
    while (this.#ownBoard.group && this.#holder() === undefined && host.surroundings.nowMs < untilMs) {
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
    await this.#ownBoard.ensure()
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
    if (jobIds.length > 0) await this.#ownBoard.widened()
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

  #replicas(): BoardReplica[] {
    const { groups } = this.#dependencies.host
    return groups
      .list()
      .filter(({ kind }) => kind === BOARDS_KIND)
      .map(({ name, role }) => ({
        name,
        isLeader: role === 'leader',
        board: this.#boards.get(name),
        asker: this.#asker(name),
      }))
  }

  async #tend(env: Sleeper): Promise<void> {
    for (;;) {
      await env.sleep(TEND_MS)
      try {
        await this.#ownBoard.mend()
        await this.#forgetOld()
      } catch (error) {
        if (asRoostError(error).code === 'CANCELLED') throw error
        this.#dependencies.host.log.debug({ error }, 'the board of jobs could not be looked after')
      }
    }
  }

  /** Ended jobs beyond their count and age, of every board that is held here. */
  async #forgetOld(): Promise<void> {
    const { service, host } = this.#dependencies
    for (const { home, mandate } of service.tenures) {
      if (!mandate) continue
      const ended = service.views().filter((view) => view.controller === home && isFinal(view.state))
      const old = expired(
        ended.map(({ id, endedAtMs = 0 }) => ({ id, endedAtMs })),
        JOB_RETENTION,
        host.surroundings.wallMs,
      )
      for (const jobId of old) await service.forget(jobId)
    }
  }

  #asker(name: string): GroupOfBoard {
    const asker = this.#askers.get(name) ?? this.#dependencies.host.groups.client(BOARDS_KIND, name, boardReply)
    this.#askers.set(name, asker)
    return asker
  }

  #nameOf(home: PeerId): string {
    return boardNameOf(home, this.#dependencies.host.surroundings.crypto)
  }
}

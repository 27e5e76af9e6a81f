import type { GroupState, Host } from '../../overlay/contract/index.ts'
import { sample, type PeerId } from '../../overlay/index.ts'
import { HOLDERS_COUNT_MAX, signMandate } from '../protocol/index.ts'
import { BOARDS_KIND, type GroupOfBoard } from './board-group.ts'

/** How long the first job waits for others to keep the board too. */
const WIDEN_MS_MAX = 5_000
const POLL_MS = 25
/** How long a member may be away until another takes its place: longer than a restart and a night's update, shorter than a second loss. */
const REPLACE_MS = 10 * 60_000
const ASK_MS = 10_000

export interface OwnBoardDependencies {
  readonly host: Pick<Host, 'self' | 'nodes' | 'groups' | 'surroundings' | 'log'>
  /** The group that the board is to be. */
  readonly name: string
  readonly asker: () => GroupOfBoard
  /** Nodes that keep it, this one among them. */
  readonly copiesCount: number
  /** Whether this node's replica knows by whose word it stands. */
  readonly isFounded: () => boolean
  readonly sleep: (delayMs: number) => Promise<void>
}

/** The board of this very node: made once, and kept by as many nodes as it is to be. */
export class OwnBoard {
  readonly #dependencies: OwnBoardDependencies
  #making: Promise<void> | undefined

  constructor(dependencies: OwnBoardDependencies) {
    this.#dependencies = dependencies
  }

  get group(): GroupState | undefined {
    const { host, name } = this.#dependencies
    return host.groups.list().find((group) => group.kind === BOARDS_KIND && group.name === name)
  }

  /** Makes it where there is none, and waits until its members have it. */
  ensure(): Promise<void> {
    return (this.#making ??= this.#make().catch((thrown: unknown) => {
      this.#making = undefined
      throw thrown
    }))
  }

  /** Until more than this node keep it, or nobody else answers. */
  async widened(): Promise<void> {
    const { host, sleep } = this.#dependencies
    const untilMs = host.surroundings.nowMs + WIDEN_MS_MAX
    while (host.surroundings.nowMs < untilMs) {
      const { voters = [], learners = [] } = this.group?.configuration ?? {}
      if (voters.length > 1 || learners.length === 0) return
      await sleep(POLL_MS)
    }
  }

  /** Finds another member for one that is missing or away for long. One change at a time, each by word of the home. */
  async mend(): Promise<void> {
    const { host, copiesCount, asker } = this.#dependencies
    if (this.group?.role !== 'leader') return
    const members = this.#members()
    const gone = members.find((peer) => peer !== host.self && this.#isGone(peer))
    const isShort = members.length < Math.min(copiesCount, HOLDERS_COUNT_MAX)
    if (gone === undefined && !isShort) return
    const [fresh] = this.#choose(1, new Set(members))
    if (fresh === undefined) return
    await this.#mandate([...members.filter((peer) => peer !== gone), fresh])
    if (gone !== undefined) await asker().change('remove', gone, { timeoutMs: ASK_MS })
    await asker().change('add', fresh, { timeoutMs: ASK_MS })
    host.log.info({ fresh, gone }, 'the board of jobs has a new member')
  }

  async #make(): Promise<void> {
    const { host, copiesCount, name, isFounded } = this.#dependencies
    if (!this.group) {
      const members = this.#choose(copiesCount - 1, new Set([host.self]))
      await host.groups.create(BOARDS_KIND, name, { members })
      await this.#mandate([host.self, ...members])
    } else if (!isFounded()) await this.#mandate(this.#members())
    await this.widened()
  }

  async #mandate(holders: readonly PeerId[]): Promise<void> {
    const { host, asker } = this.#dependencies
    const mandate = signMandate(host.self, holders, host.surroundings.crypto)
    await asker().execute({ type: 'found', mandate }, { timeoutMs: ASK_MS })
  }

  #isGone(peer: PeerId): boolean {
    const { nodes, surroundings } = this.#dependencies.host
    const node = nodes.get(peer)
    if (node === undefined || node.state === 'alive' || node.state === 'suspect') return false
    return surroundings.nowMs - node.sinceMs > REPLACE_MS
  }

  #choose(count: number, except: ReadonlySet<PeerId>): readonly PeerId[] {
    const { nodes, surroundings } = this.#dependencies.host
    const alive = nodes.list().filter(({ id, state }) => state === 'alive' && !except.has(id))
    return sample(
      alive.map(({ id }) => id),
      count,
      surroundings.rng,
    )
  }

  #members(): readonly PeerId[] {
    const { voters = [], learners = [] } = this.group?.configuration ?? {}
    return [...voters.map(({ peer }) => peer), ...learners]
  }
}

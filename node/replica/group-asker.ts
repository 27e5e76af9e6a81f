import type { ApplicationDirectory, AskOptions, GroupAsker } from '../../overlay/contract/index.ts'
import { GroupClient, RoostError, type GroupEnv, type PeerId, type Replicas, type Shape } from '../../overlay/index.ts'
import { applicationOf, type GroupId } from './group-id.ts'

/** What one look into the directory may take. */
const RESOLVE_MS = 1_500
/** How soon it is looked again for a name that nobody publishes yet. */
const LOOK_AGAIN_MS = 200

export interface GroupAskerDependencies<Reply> {
  readonly env: GroupEnv
  readonly applications: Pick<ApplicationDirectory, 'resolve'>
  readonly local: Replicas
  readonly reply: Shape<Reply>
  /** The id, where this node has a replica of it. */
  readonly ownId: () => string | undefined
}

/** Attributes under which a leader publishes its group. */
export const GROUP_ATTRIBUTE = 'GroupId'
export const MEMBERS_ATTRIBUTE = 'GroupMembers'

/** Finds a group by its name once, and its members whenever those known do not lead. */
export class NamedGroup<Command, Reply, Query> implements GroupAsker<Command, Reply, Query> {
  readonly #dependencies: GroupAskerDependencies<Reply>
  readonly #name: GroupId
  #client: GroupClient<Command, Reply, Query> | undefined

  constructor(name: GroupId, dependencies: GroupAskerDependencies<Reply>) {
    this.#name = name
    this.#dependencies = dependencies
  }

  execute(command: Command, options: AskOptions): Promise<Reply> {
    return this.#with(options, (client, left) => client.execute(command, left))
  }
  read(query: Query, options: AskOptions): Promise<Reply> {
    return this.#with(options, (client, left) => client.read(query, left))
  }
  change(action: 'add' | 'remove', peer: PeerId, options: AskOptions): Promise<void> {
    return this.#with(options, (client, left) => client.change(action, peer, left))
  }
  handOver(to: PeerId, options: AskOptions): Promise<void> {
    return this.#with(options, (client, left) => client.handOver(to, left))
  }

  async #with<Result>(
    options: AskOptions,
    ask: (client: GroupClient<Command, Reply, Query>, left: AskOptions) => Promise<Result>,
  ): Promise<Result> {
    if (this.#client) return ask(this.#client, options)
    const { env } = this.#dependencies
    const untilMs = env.nowMs + options.timeoutMs
    const group = await this.#find(untilMs, options.signal)
    this.#client ??= this.#clientOf(group)
    return ask(this.#client, { ...options, timeoutMs: Math.max(1, untilMs - env.nowMs) })
  }

  #clientOf(group: string): GroupClient<Command, Reply, Query> {
    const { env, local, reply } = this.#dependencies
    const resolve = async (): Promise<readonly PeerId[]> => {
      const own = local.status(group)
      const ofLog = own ? own.configuration.voters.map(({ peer }) => peer) : []
      if (own?.leader !== undefined) return [own.leader, ...ofLog]
      const published = (await this.#published()).filter(({ id }) => id === group)
      return [...new Set([...published.flatMap(({ members }) => members), ...ofLog])]
    }
    return new GroupClient<Command, Reply, Query>({ group, env, resolve, reply, local })
  }

  async #find(untilMs: number, signal: AskOptions['signal']): Promise<string> {
    const { env, ownId } = this.#dependencies
    for (;;) {
      const own = ownId()
      if (own !== undefined) return own
      const ids = new Set((await this.#published().catch(() => [])).map(({ id }) => id))
      const called = applicationOf(this.#name)
      if (ids.size > 1)
        throw new RoostError('CONFLICT', `${ids.size} groups are called ${called}`, { data: { ids: [...ids] } })
      for (const id of ids) return id
      if (signal?.aborted) throw new RoostError('CANCELLED', `group ${called}: given up`, { certain: true })
      if (env.nowMs + LOOK_AGAIN_MS >= untilMs)
        throw new RoostError('GROUP_UNREACHABLE', `no group called ${called} was found`, { certain: true })
      await env.sleep(LOOK_AGAIN_MS)
    }
  }

  /** Groups of this name as their leaders publish them, each with its publisher before the other members. */
  async #published(): Promise<{ readonly id: string; readonly members: readonly PeerId[] }[]> {
    const found = await this.#dependencies.applications.resolve(applicationOf(this.#name), { timeoutMs: RESOLVE_MS })
    return found.flatMap(({ publisher, attributes }) => {
      const id = attributes[GROUP_ATTRIBUTE]
      const members = attributes[MEMBERS_ATTRIBUTE]
      if (typeof id !== 'string' || !Array.isArray(members)) return []
      return [{ id, members: [publisher, ...(members as readonly string[])] }]
    })
  }
}

import type { PeerId } from '../env/index.ts'
import type { AnyService, AskOptions, GroupConfiguration } from '../replica/index.ts'

export type { AnyService, ApplyContext, AskOptions, Given, ReplicatedService } from '../replica/index.ts'

/**
 * Replica groups: a state that a few nodes keep together, for as long as most of them do. A plugin registers what a kind of group keeps
 * (`ReplicatedService`), one node creates a group, the others are made members, and everybody asks it by its name.
 *
 * ```ts
 * host.groups.register('counter', () => new Counters())
 * await host.groups.create('counter', 'visits', { members: [other, third] })
 * const visits = host.groups.client('counter', 'visits', shape.integer())
 * await visits.execute({ name: 'home' }, { timeoutMs: 5_000 })
 * ```
 */
export interface Groups {
  /**
   * Says what groups of this kind keep: `make` gives the service of one replica, empty. Replicas that this node has on its disk begin, and
   * from now on a group of this kind that makes this node a member is opened. Ends with the plugin. `CONFLICT` where the kind is taken.
   * Kinds and names have 1 to 24 of `a-z`, `0-9` and `-`, with a letter or digit at both ends.
   */
  register(kind: string, make: () => AnyService): Promise<void>
  /**
   * Makes a group, of this node alone at first; `members` become voters as they answer, whose plugins must have registered the kind too.
   * Resolves once the group leads and can be found, with its id. `CONFLICT` where one of this name is found already; two that are made
   * at the same moment are two groups, and who asks for the name is told so.
   */
  create(kind: string, name: string, options?: { readonly members?: readonly PeerId[] }): Promise<string>
  /** Who asks a group by its name, wherever its members are. `reply` reads what the service answers. */
  client<Command, Reply, Query = Command>(
    kind: string,
    name: string,
    reply: (value: unknown, path: string) => Reply,
  ): GroupAsker<Command, Reply, Query>
  /** The replicas that this node has open. */
  list(): readonly GroupState[]
}

/**
 * A group as one server: its leader is found and followed, and a failover is a delay. Fails with `GROUP_UNREACHABLE` where the group
 * is not found or does not answer in time, and `CONFLICT` where several groups have the name; else as the service does.
 */
export interface GroupAsker<Command, Reply, Query> {
  /** Applied once, and on the disks of most members, when it resolves. An error says whether it is certain that nothing happened. */
  execute(command: Command, options: AskOptions): Promise<Reply>
  /** From a state with all that was acknowledged before. */
  read(query: Query, options: AskOptions): Promise<Reply>
  /** Members make and unmake members, one at a time; others are `DENIED`. */
  change(action: 'add' | 'remove', peer: PeerId, options: AskOptions): Promise<void>
  handOver(to: PeerId, options: AskOptions): Promise<void>
}

export interface GroupState {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly role: 'leader' | 'candidate' | 'follower'
  readonly leader: PeerId | undefined
  readonly configuration: GroupConfiguration
  readonly appliedIndex: number
}

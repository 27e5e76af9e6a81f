import { keyOf, timeFault, type Descriptor, type DescriptorChecker } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { groupingKeys } from '../placement/index.ts'
import { holdingHash, keyAt, placeOf } from './batch.ts'
import type { CellGossip } from './cell-gossip.ts'
import type { Cells } from './cells.ts'
import type { Gone } from './gone.ts'
import type { Table } from './layout-keeper.ts'
import { NOBODY, type SelectionMessage } from './messages.ts'
import { GivePage } from './page.ts'
import type { SelectionEnv } from './selection.ts'

export interface IntakeDependencies {
  readonly cells: Cells
  readonly gone: Gone
  readonly checker: DescriptorChecker
  /** Whether membership has nothing against this word of the node. */
  readonly mayLive: (descriptor: Descriptor) => boolean
  /** The cycle that it is, for ages. */
  readonly cycle: (env: SelectionEnv) => number
}

/** From whom a descriptor was heard, who else is to hear of it, and when its node was last known to live: now, where that is not said. */
interface Hearing {
  readonly from: PeerId
  readonly within: number
  readonly heardAt?: number
}

/**
 * How descriptors come in: checked, not of a node that is gone since, and put where they belong. What a simulation spends its time on
 * is fetching descriptors from memory; so they are told apart by their marks as long as that will do.
 */
export class Intake {
  readonly #cells: Cells
  readonly #gone: Gone
  readonly #checker: DescriptorChecker
  readonly #mayLive: (descriptor: Descriptor) => boolean
  readonly #cycle: (env: SelectionEnv) => number

  constructor(dependencies: IntakeDependencies) {
    this.#cells = dependencies.cells
    this.#gone = dependencies.gone
    this.#checker = dependencies.checker
    this.#mayLive = dependencies.mayLive
    this.#cycle = dependencies.cycle
  }

  /** Takes in a checked descriptor that came another way, and tells nobody. */
  learn(descriptor: Descriptor, tables: readonly Table[], env: SelectionEnv): void {
    if (!this.#isWelcome(descriptor, keyOf(descriptor))) return
    const cycle = this.#cycle(env)
    this.#putHome(descriptor, cycle, env)
    for (const { layout, cells } of tables) {
      const keys = groupingKeys(layout, descriptor)
      for (const [index, { grouping }] of cells.entries()) grouping.put(descriptor, keys[index]!, cycle)
    }
  }

  /** The same of one that membership watches: in the home cell, that is. The others are told of it by their own members. */
  learnHome(descriptor: Descriptor, env: SelectionEnv): void {
    if (!this.#gone.has(descriptor)) this.#putHome(descriptor, this.#cycle(env), env)
  }

  /** What is told in a cell concerns that cell: in the others that a node is in it is told by their own members. Says how much of it is news. */
  takeNews(
    message: SelectionMessage & { readonly type: 'push' | 'give' },
    cell: CellGossip,
    how: Hearing,
    env: SelectionEnv,
  ): number {
    const { descriptors } = message
    const { ownKey, depth } = cell.grouping
    const marks = GivePage.marksOf(message, this.#checker, { key: ownKey, depth })
    let newsCount = 0
    for (let index = 0; index < descriptors.length; index++) {
      const descriptor = descriptors[index]!
      // As long as the cell has not split under way.
      const isNews =
        marks === undefined || cell.grouping.depth > depth
          ? this.#take(descriptor, cell, how, env)
          : this.#takeMember(descriptor, marks[2 * index]!, marks[2 * index + 1]!, cell, how, env)
      if (isNews) newsCount++
    }
    return newsCount
  }

  /** The sender itself. */
  takeOwn(own: Descriptor, cell: CellGossip, from: PeerId, env: SelectionEnv): void {
    this.#take(own, cell, { from, within: NOBODY }, env)
  }

  takeContacts(
    { descriptors, ages }: SelectionMessage & { readonly type: 'contacts' },
    cell: CellGossip,
    from: PeerId,
    env: SelectionEnv,
  ): void {
    const cycle = this.#cycle(env)
    for (const [index, descriptor] of descriptors.entries())
      this.#take(descriptor, cell, { from, heardAt: cycle - (ages[index] ?? 0) - 1, within: NOBODY }, env)
  }

  /** One cell now and then, in turn: an expiry is hours away, and looking at everyone is dear. */
  dropExpired(env: SelectionEnv): void {
    const cycle = this.#cycle(env)
    if (cycle % EXPIRY_CYCLE_COUNT !== 0) return
    const { all } = this.#cells
    const { grouping } = all[(cycle / EXPIRY_CYCLE_COUNT) % all.length]!
    const isExpired = (descriptor: Descriptor): boolean => timeFault(descriptor, env.wallMs) === 'expired'
    for (const descriptor of grouping.cell.descriptors().filter(isExpired))
      if (descriptor.peer !== env.self) grouping.remove(descriptor)
  }

  /** Says whether it is news in the cell. */
  #take(descriptor: Descriptor, cell: CellGossip, how: Hearing, env: SelectionEnv): boolean {
    const known = this.#checked(descriptor, how.from, env)
    if (known === undefined) return false
    const { grouping } = cell
    const key = grouping.keyOf(known)
    const place = placeOf(keyOf(known))
    if (grouping.encloses(key)) return this.#takeMember(known, place, holdingHash(known), cell, how, env)
    if (this.#isWelcome(known, keyOf(known))) grouping.put(known, key, how.heardAt ?? this.#cycle(env))
    return false
  }

  /** The same of one that is checked, of the cell, and whose marks are known: unless it is news it is not even looked at. */
  #takeMember(
    descriptor: Descriptor,
    place: number,
    hash: number,
    cell: CellGossip,
    { from, within, heardAt }: Hearing,
    env: SelectionEnv,
  ): boolean {
    const { grouping } = cell
    const { home } = this.#cells
    const key = keyAt(place)
    if (grouping.cell.hasHeard(descriptor, place) || !this.#isWelcome(descriptor, key)) return false
    if (this.#isOwn(descriptor, key, from, env)) return false
    // First passed on, as of the cell that it is news in: putting it may split that.
    cell.pass(descriptor, place, hash, within, env)
    this.#cells.watchingHome(env, () => grouping.putMember(descriptor, place, hash, heardAt ?? this.#cycle(env)))
    if (home.grouping.encloses(key)) env.emit({ type: 'heard', descriptor, from })
    return true
  }

  /** What stands verified for it; undefined where it is refused, or of this node itself. */
  #checked(descriptor: Descriptor, from: PeerId, env: SelectionEnv): Descriptor | undefined {
    if (this.#isOwn(descriptor, keyOf(descriptor), from, env)) return undefined
    if (this.#checker.hasChecked(descriptor, env.wallMs)) return descriptor
    const checked = this.#checker.check(descriptor, env)
    if (checked.ok) return checked.descriptor
    env.emit({ type: 'refused', peer: from, reason: checked.fault })
    return undefined
  }

  /** Whether it is this node's; the host looks into what others hold for that. Keys first: of most the name need not be fetched. */
  #isOwn(descriptor: Descriptor, key: number, from: PeerId, env: SelectionEnv): boolean {
    if (key !== this.#cells.home.grouping.ownKey || descriptor.peer !== env.self) return false
    env.emit({ type: 'heard', descriptor, from })
    return true
  }

  /** Nobody has said that its node is gone since; of nodes elsewhere membership knows nothing. */
  #isWelcome(descriptor: Descriptor, key: number): boolean {
    if (this.#gone.has(descriptor, key)) return false
    return !this.#cells.home.grouping.encloses(key) || this.#mayLive(descriptor)
  }

  #putHome(descriptor: Descriptor, heardAt: number, env: SelectionEnv): void {
    const { grouping } = this.#cells.home
    this.#cells.watchingHome(env, () => grouping.put(descriptor, keyOf(descriptor), heardAt))
  }
}

/** Cycles between two looks for what has expired. */
const EXPIRY_CYCLE_COUNT = 12

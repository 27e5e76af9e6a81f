import { isNewer, peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { CellGossip } from './cell-gossip.ts'
import type { CellName } from './messages.ts'
import type { SelectionEnv } from './selection.ts'

/** Every cell that a node is in: its home cell, and those of the layouts that it goes by. */
export class Cells {
  readonly home: CellGossip
  #all: readonly CellGossip[]

  constructor(home: CellGossip) {
    this.home = home
    this.#all = [home]
  }

  /** The home cell first. */
  get all(): readonly CellGossip[] {
    return this.#all
  }

  /** From now on these, and the home cell. */
  replaceOthers(others: readonly CellGossip[]): void {
    this.#all = [this.home, ...others]
  }

  named({ layout, grouping }: CellName): CellGossip | undefined {
    for (const cell of this.#all) if (cell.name.layout === layout && cell.name.grouping === grouping) return cell
    return undefined
  }

  /** Whether a node belongs to the home cell, as far as this one sees. */
  isHome(peer: PeerId): boolean {
    return this.home.grouping.encloses(peerKey(peer))
  }

  /** The newest word of a node that this one has. */
  get(peer: PeerId): Descriptor | undefined {
    let newest: Descriptor | undefined
    for (const { grouping } of this.#all) {
      const descriptor = grouping.cell.get(peer)
      if (descriptor !== undefined && isNewer(descriptor, newest)) newest = descriptor
    }
    return newest
  }

  /** All that is held of other nodes, the newest word of each, in no order: a contact may be heard of in one cell and not in another. */
  held(): Iterable<Descriptor> {
    const newest = new Map<PeerId, Descriptor>()
    for (const { grouping } of this.#all)
      for (const known of [grouping.cell.descriptors(), grouping.contacts.descriptors()])
        for (const descriptor of known)
          if (isNewer(descriptor, newest.get(descriptor.peer))) newest.set(descriptor.peer, descriptor)
    return newest.values()
  }

  /** One descriptor counts as often as it stands. */
  get entryCount(): number {
    return this.#all.reduce((sum, { grouping }) => sum + grouping.cell.count + grouping.contacts.count, 0)
  }

  /** Does something that may make the home cell another, and says so to the host where it did. */
  watchingHome<Result>(env: SelectionEnv, act: () => Result): Result {
    const { depth } = this.home.grouping
    const result = act()
    if (this.home.grouping.depth !== depth) env.emit({ type: 'rehomed' })
    return result
  }
}

import { peerKey, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { CellGossip } from './cell-gossip.ts'
import type { Cells } from './cells.ts'
import type { Gone } from './gone.ts'
import { EVERYONE, HOP_COUNT_MAX, type Claim, type SelectionMessage } from './messages.ts'
import type { SelectionEnv } from './selection.ts'

/**
 * How the cells of a node learn that it is gone. Membership watches home cells; who finds a node of its own gone tells the other
 * cells that it was in, from contact to contact. Who misses an answer of a node elsewhere asks its home cell in the same way.
 */
export class Obituaries {
  readonly #cells: Cells
  readonly #gone: Gone
  readonly #own: () => Descriptor

  constructor(cells: Cells, gone: Gone, own: () => Descriptor) {
    this.#cells = cells
    this.#gone = gone
    this.#own = own
  }

  /**
   * A node of the home cell is gone: it is offered no more. Its nearest neighbours there tell its other cells, each by itself, so that one
   * message lost does not matter.
   */
  bury(descriptor: Descriptor, env: SelectionEnv): void {
    const { peer, sequence } = descriptor
    const { home, all } = this.#cells
    const claim = { peer, sequence }
    const isTeller = home.grouping.cell.distance(peer, env.self) <= TELLER_DISTANCE
    this.#gone.add(claim)
    for (const cell of all) {
      const isMember = cell.grouping.cell.get(peer) !== undefined
      cell.grouping.remove(descriptor)
      if (cell === home || !isTeller) continue
      if (isMember) cell.passGone(claim, EVERYONE, env)
      else this.#forward(cell, 'gone', cell.grouping.keyOf(descriptor), claim, HOP_COUNT_MAX, env)
    }
  }

  /** Tells all cells of a node of the home cell that is gone once more: somebody has not heard of it. */
  tellAgain(descriptor: Descriptor, env: SelectionEnv): void {
    const { peer, sequence } = descriptor
    const { home, all } = this.#cells
    for (const cell of all)
      if (cell !== home)
        this.#forward(cell, 'gone', cell.grouping.keyOf(descriptor), { peer, sequence }, HOP_COUNT_MAX, env)
  }

  /** Asks the home cell of a node whether it lives. */
  doubt(peer: PeerId, env: SelectionEnv): void {
    this.#forward(this.#cells.home, 'doubt', peerKey(peer), { peer, sequence: 0 }, HOP_COUNT_MAX, env)
  }

  /** Somebody says that a node of this cell is gone. Of one of the home cell nobody else's word is taken. */
  take(claim: Claim, cell: CellGossip, within: number, env: SelectionEnv): void {
    const { peer, sequence } = claim
    if (peer === env.self) {
      if (sequence === this.#own().sequence) env.emit({ type: 'buried', sequence })
      return
    }
    const known = cell.grouping.cell.get(peer)
    if (known === undefined || known.sequence > sequence) return
    if (this.#cells.isHome(peer)) return env.emit({ type: 'doubted', peer })
    this.#gone.add(claim)
    cell.grouping.remove(known)
    cell.passGone(claim, within, env)
  }

  onForward(message: SelectionMessage & { readonly type: 'forward' }, env: SelectionEnv): void {
    const { what, key, claim, hopsLeft } = message
    const cell = this.#cells.named(message)
    if (cell === undefined) return
    if (!cell.grouping.encloses(key)) this.#forward(cell, what, key, claim, hopsLeft, env)
    else if (what === 'gone') this.take(claim, cell, EVERYONE, env)
    else if (claim.peer !== env.self) env.emit({ type: 'doubted', peer: claim.peer })
  }

  #forward(
    cell: CellGossip,
    what: 'gone' | 'doubt',
    key: number,
    claim: Claim,
    hopsLeft: number,
    env: SelectionEnv,
  ): void {
    if (hopsLeft === 0 || cell.grouping.encloses(key)) return
    const [contact] = cell.grouping.nearer(key, 1, env.rng)
    if (contact !== undefined)
      env.send(contact.peer, { type: 'forward', ...cell.name, what, key, claim, hopsLeft: hopsLeft - 1 })
  }
}

/** Home neighbours on each side of a dead node that tell its other cells. */
const TELLER_DISTANCE = 2

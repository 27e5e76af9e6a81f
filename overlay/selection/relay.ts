import { keyOf, type Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import { Batch } from './batch.ts'
import type { Cell } from './cell.ts'
import { EVERYONE, NOBODY, type Claim } from './messages.ts'

/** What a message of news says, to whom it goes, and who is to hear of it from there. */
export interface Told {
  readonly hearer: PeerId
  readonly batch: Batch
  readonly gone: readonly Claim[]
  readonly within: number
}

/**
 * How news goes around a cell in two steps. A cell falls into about as many parts as each has members. Who has news first tells
 * one member of each part, its head; each head gathers what it is told for a moment, and tells its part. So everyone hears once, of
 * several things at a time, where a rumour passed on by all who had not heard it comes two or three times to most and never to a few. All go by
 * the same heads for a while, which is what makes news of many come together. What is lost with a head, the exchanges bring.
 */
export class Relay {
  readonly #cell: Cell
  readonly #countMax: number
  /** News first told here, and news handed to this node as a head; most cells have none at most times. */
  #first: News | undefined
  #handed: News | undefined
  #within = NOBODY

  constructor(cell: Cell, options: { readonly countMax: number }) {
    this.#cell = cell
    this.#countMax = options.countMax
  }

  /** What does not fit is left to the exchanges. */
  tell(descriptor: Descriptor, place: number, hash: number, within: number): void {
    const { batch } = this.#newsFor(within)
    if (batch.count < this.#countMax) batch.add(descriptor, place, hash)
  }

  tellGone(claim: Claim, within: number): void {
    const { gone } = this.#newsFor(within)
    if (gone.length < this.#countMax) gone.push(claim)
  }

  /** All that is to be sent now. Members take turns as heads, by the number of the turn that it is. */
  take(own: Descriptor, turn: number): Told[] {
    const told: Told[] = []
    if (this.#first !== undefined) this.#tellHeads(own, this.#first, turn, told)
    if (this.#handed !== undefined) tellEach(this.#cell.partOf(keyOf(own), this.#within), own, this.#handed, told)
    this.#first = undefined
    this.#handed = undefined
    this.#within = NOBODY
    return told
  }

  #tellHeads(own: Descriptor, news: News, turn: number, told: Told[]): void {
    const cell = this.#cell
    if (cell.count <= DIRECT_COUNT) return tellEach(cell.descriptors(), own, news, told)
    const within = cell.partBits
    for (let part = 0; part < 1 << within; part++) {
      const members = cell.partAt(part, within)
      const head = members[turn % members.length]
      if (head === undefined) continue
      if (head.peer === own.peer) this.#hand(news, within)
      else told.push({ hearer: head.peer, ...news, within })
    }
  }

  #hand({ batch, gone }: News, within: number): void {
    for (const [index, descriptor] of batch.descriptors.entries())
      this.tell(descriptor, batch.placeAt(index), batch.hashAt(index), within)
    for (const claim of gone) this.tellGone(claim, within)
  }

  #newsFor(within: number): News {
    if (within === EVERYONE) return (this.#first ??= nothing())
    this.#within = Math.min(this.#within, within)
    return (this.#handed ??= nothing())
  }
}

interface News {
  readonly batch: Batch
  readonly gone: Claim[]
}

function nothing(): News {
  return { batch: new Batch(), gone: [] }
}

/** Each of these but oneself, who is to tell nobody. */
function tellEach(hearers: readonly Descriptor[], own: Descriptor, news: News, told: Told[]): void {
  for (const { peer } of hearers) if (peer !== own.peer) told.push({ hearer: peer, ...news, within: NOBODY })
}

/** In a cell as small as that, whoever has news tells everyone. */
const DIRECT_COUNT = 24

import { keyOf, type Descriptor } from '../descriptor/index.ts'
import { sample, type PeerId, type Rng } from '../env/index.ts'
import { prefixMatches } from '../placement/index.ts'
import { Batch } from './batch.ts'
import type { Grouping } from './grouping.ts'
import { EVERYONE, NOBODY, type Audience, type Claim } from './messages.ts'

/** What a message of news says, to whom it goes, and who is to hear of it from there. */
export interface Told extends Audience {
  readonly hearer: PeerId
  readonly batch: Batch
  readonly gone: readonly Claim[]
}

/**
 * How news goes around a cell in two steps. A cell falls into about as many parts as each has members. Who has news first tells
 * two heads of each part, one in each half of the cell; each head gathers what it is told for a moment, and tells those of its part
 * and half. So everyone hears once, of several things at a time, where a rumour passed on by all who had not heard it comes two or three times
 * to most and never to a few. All go by the same heads for a while, which is what makes news of many come together. What is lost with a
 * head, the exchanges bring.
 *
 * Heads stand in halves since a cell that is about to split has already done so for some of its members, who know their own half only. To
 * those for whom this node's cell is such a half, and who know the other half too, it tells its news through contacts there.
 */
export class Relay {
  readonly #grouping: Grouping
  readonly #countMax: number
  #first = nothing()
  #handed = nothing()
  #audience: Audience = NOBODY

  constructor(grouping: Grouping, options: { readonly countMax: number }) {
    this.#grouping = grouping
    this.#countMax = options.countMax
  }

  /** What does not fit is left to the exchanges. */
  tell(descriptor: Descriptor, place: number, hash: number, audience: Audience): void {
    const { batch } = this.#newsFor(audience)
    if (batch.count < this.#countMax) batch.add(descriptor, place, hash)
  }

  tellGone(claim: Claim, audience: Audience): void {
    const { gone } = this.#newsFor(audience)
    if (gone.length < this.#countMax) gone.push(claim)
  }

  /** All that is to be sent now. Members take turns as heads, by the number of the turn that it is. */
  take(own: Descriptor, turn: number, rng: Rng): Told[] {
    const told: Told[] = []
    const first = this.#first
    if (!isEmpty(first)) {
      this.#tellHeads(own, first, turn, told)
      this.#tellBeyond(first, rng, told)
    }
    if (!isEmpty(this.#handed)) this.#tellPart(own, told)
    this.#first = nothing()
    this.#handed = nothing()
    this.#audience = NOBODY
    return told
  }

  #tellHeads(own: Descriptor, news: News, turn: number, told: Told[]): void {
    const { cell, depth } = this.#grouping
    if (cell.count <= DIRECT_COUNT) {
      for (const { peer } of cell.descriptors()) if (peer !== own.peer) told.push({ hearer: peer, ...news, ...NOBODY })
      return
    }
    const placeBits = cell.partBits
    const audience = { placeBits, keyBits: depth + 1 }
    for (let part = 0; part < 1 << placeBits; part++)
      for (const { peer } of this.#headsOf(cell.partAt(part, placeBits), turn))
        if (peer !== own.peer) told.push({ hearer: peer, ...news, ...audience })
        else this.#hand(news, audience)
  }

  /** One of each half, where there is one. */
  #headsOf(members: readonly Descriptor[], turn: number): Descriptor[] {
    const { keyOf: keyIn, depth } = this.#grouping
    if (members.length === 0) return []
    const start = turn % members.length
    const head = members[start]!
    for (let step = 1; step < members.length; step++) {
      const other = members[(start + step) % members.length]!
      if (!prefixMatches(keyIn(head), keyIn(other), depth + 1)) return [head, other]
    }
    return [head]
  }

  #tellBeyond(news: News, rng: Rng, told: Told[]): void {
    const { contacts, depth } = this.#grouping
    if (depth === 0) return
    for (const { peer } of sample(contacts.level(depth - 1), BEYOND_COUNT, rng))
      told.push({ hearer: peer, ...news, ...EVERYONE })
  }

  #tellPart(own: Descriptor, told: Told[]): void {
    const { cell, depth, ownKey, keyOf: keyIn } = this.#grouping
    const { placeBits, keyBits } = this.#audience
    for (const member of cell.partOf(keyOf(own), placeBits))
      if (member.peer !== own.peer && (keyBits <= depth || prefixMatches(keyIn(member), ownKey, keyBits)))
        told.push({ hearer: member.peer, ...this.#handed, ...NOBODY })
  }

  #hand({ batch, gone }: News, audience: Audience): void {
    for (const [index, descriptor] of batch.descriptors.entries())
      this.tell(descriptor, batch.placeAt(index), batch.hashAt(index), audience)
    for (const claim of gone) this.tellGone(claim, audience)
  }

  #newsFor({ placeBits, keyBits }: Audience): News {
    if (placeBits === EVERYONE.placeBits) return this.#first
    const { placeBits: placeBitsMin, keyBits: keyBitsMin } = this.#audience
    this.#audience = { placeBits: Math.min(placeBits, placeBitsMin), keyBits: Math.min(keyBits, keyBitsMin) }
    return this.#handed
  }
}

interface News {
  readonly batch: Batch
  readonly gone: Claim[]
}

function nothing(): News {
  return { batch: new Batch(), gone: [] }
}

function isEmpty({ batch, gone }: News): boolean {
  return batch.count === 0 && gone.length === 0
}

/** In a cell as small as that, whoever has news tells everyone. */
const DIRECT_COUNT = 24
/** Contacts that are told, in case the cell is half of theirs. */
const BEYOND_COUNT = 2

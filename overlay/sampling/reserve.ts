import { peerKey } from '../descriptor/index.ts'
import { sample, shape, type PeerId, type Plain, type Rng } from '../env/index.ts'
import { readContact, type Contact } from './contact.ts'

/** The most that a stored reserve may hold, whatever was configured when it was written. */
const STORED_COUNT_MAX = 4_096
const readStored = shape.list(readContact, STORED_COUNT_MAX)

/**
 * Past peers, kept on disk by the host: how a node that restarts finds the grid again when the node that it first joined is
 * gone for good (HyParView's passive view, which outlives the process). When it is full, who was heard of longest ago goes.
 * Arrays that grow with what they hold, searched by key: a node adds a few a cycle and looks up hardly ever.
 */
export class Reserve {
  readonly #countMax: number
  readonly #contacts: Contact[] = []
  readonly #keys: number[] = []
  /** When each was heard of, as a count of all that was. */
  readonly #heardAt: number[] = []
  #heardCount = 0

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#contacts.length
  }

  /** Keeps a contact, as heard of now. Says whether anything worth storing changed. */
  keep(contact: Contact, key = peerKey(contact.peer)): boolean {
    const index = this.#indexOf(key, contact.peer)
    const known = this.#contacts[index]
    const at = index >= 0 ? index : this.#contacts.length < this.#countMax ? this.#contacts.length : this.#oldest()
    this.#contacts[at] = contact
    this.#keys[at] = key
    this.#heardAt[at] = ++this.#heardCount
    if (known === undefined) return true
    return known.addresses !== contact.addresses && known.addresses.join() !== contact.addresses.join()
  }

  /** Forgets a peer that said goodbye. */
  drop(peer: PeerId): boolean {
    const index = this.#indexOf(peerKey(peer), peer)
    if (index >= 0) this.#removeAt(index)
    return index >= 0
  }

  /** One of them by chance. */
  drawOne(rng: Rng): Contact | undefined {
    return this.#contacts.length === 0 ? undefined : this.#contacts[rng.below(this.#contacts.length)]
  }

  /** Up to `count` different contacts by chance. */
  draw(count: number, rng: Rng): Contact[] {
    return sample(this.#contacts, count, rng)
  }

  /** The latest heard of last. */
  snapshot(): Plain {
    const order = [...this.#contacts.keys()].sort((one, other) => this.#heardAt[one]! - this.#heardAt[other]!)
    return order
      .map((index) => this.#contacts[index]!)
      .map(({ peer, addresses }) => ({ peer, addresses: [...addresses] }))
  }

  /** Takes back what `snapshot` gave. A damaged one is refused with `MESSAGE_MALFORMED`, and nothing of it is taken. */
  restore(stored: unknown): void {
    for (const contact of readStored(stored, 'reserve')) this.keep(contact)
  }

  #oldest(): number {
    const heardAt = this.#heardAt
    let oldest = 0
    for (let index = 1; index < heardAt.length; index++) if (heardAt[index]! < heardAt[oldest]!) oldest = index
    return oldest
  }

  /** The last one takes its place. */
  #removeAt(index: number): void {
    for (const list of [this.#contacts, this.#keys, this.#heardAt]) {
      list[index] = list.at(-1)!
      list.pop()
    }
  }

  #indexOf(key: number, peer: PeerId): number {
    let index = this.#keys.indexOf(key)
    while (index >= 0 && this.#contacts[index]!.peer !== peer) index = this.#keys.indexOf(key, index + 1)
    return index
  }
}

import { sample, shape, type PeerId, type Plain, type Rng } from '../env/index.ts'
import { readContact, type Contact } from './contact.ts'

/** The most that a stored reserve may hold, whatever was configured when it was written. */
const STORED_COUNT_MAX = 4_096
const readStored = shape.list(readContact, STORED_COUNT_MAX)

/**
 * Past peers, kept on disk by the host: how a node that restarts finds the grid again when the node that it first joined is
 * gone for good (HyParView's passive view, which outlives the process). When it is full, who was heard of longest ago goes.
 */
export class Reserve {
  readonly #countMax: number
  /** The latest heard of last. */
  readonly #contacts = new Map<PeerId, Contact>()

  constructor(options: { readonly countMax: number }) {
    this.#countMax = options.countMax
  }

  get count(): number {
    return this.#contacts.size
  }

  /** Keeps a contact, as heard of now. Says whether anything worth storing changed. */
  keep(contact: Contact): boolean {
    const known = this.#contacts.get(contact.peer)
    this.#contacts.delete(contact.peer)
    if (this.#contacts.size >= this.#countMax) this.#contacts.delete(this.#contacts.keys().next().value!)
    this.#contacts.set(contact.peer, { peer: contact.peer, addresses: contact.addresses })
    return known?.addresses !== contact.addresses && known?.addresses.join() !== contact.addresses.join()
  }

  /** Forgets a peer that said goodbye. */
  drop(peer: PeerId): boolean {
    return this.#contacts.delete(peer)
  }

  /** Up to `count` different contacts by chance. */
  draw(count: number, rng: Rng): Contact[] {
    return sample(this.#contacts.values(), count, rng)
  }

  snapshot(): Plain {
    return [...this.#contacts.values()].map(({ peer, addresses }) => ({ peer, addresses: [...addresses] }))
  }

  /** Takes back what `snapshot` gave. A damaged one is refused with `MESSAGE_MALFORMED`, and nothing of it is taken. */
  restore(stored: unknown): void {
    for (const contact of readStored(stored, 'reserve')) this.keep(contact)
  }
}

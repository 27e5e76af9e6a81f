import { peerKey } from '../descriptor/index.ts'
import { sample, shape, type PeerId, type Plain, type Rng } from '../env/index.ts'
import { readContact, type Contact } from './contact.ts'

/** The most that a stored reserve may hold, whatever was configured when it was written. */
const STORED_COUNT_MAX = 4_096
const readStored = shape.list(readContact, STORED_COUNT_MAX)

/**
 * Past peers, kept on disk by the host: how a node that restarts finds the grid again when the node that it first joined is
 * gone for good (HyParView's passive view, which outlives the process). When it is full, who was heard of longest ago goes.
 * Two arrays that grow with what they hold, searched by key: a node adds a few a cycle and looks up hardly ever.
 */
export class Reserve {
  readonly #countMax: number
  /** The latest heard of last. */
  readonly #contacts: Contact[] = []
  readonly #keys: number[] = []

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
    if (known !== undefined) this.#removeAt(index)
    else if (this.#contacts.length >= this.#countMax) this.#removeAt(0)
    this.#contacts.push(contact)
    this.#keys.push(key)
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

  snapshot(): Plain {
    return this.#contacts.map(({ peer, addresses }) => ({ peer, addresses: [...addresses] }))
  }

  /** Takes back what `snapshot` gave. A damaged one is refused with `MESSAGE_MALFORMED`, and nothing of it is taken. */
  restore(stored: unknown): void {
    for (const contact of readStored(stored, 'reserve')) this.keep(contact)
  }

  #removeAt(index: number): void {
    this.#contacts.splice(index, 1)
    this.#keys.splice(index, 1)
  }

  #indexOf(key: number, peer: PeerId): number {
    let index = this.#keys.indexOf(key)
    while (index >= 0 && this.#contacts[index]!.peer !== peer) index = this.#keys.indexOf(key, index + 1)
    return index
  }
}

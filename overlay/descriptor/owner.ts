import type { Surroundings } from '../env/index.ts'
import {
  ADDRESS_CHARS_MAX,
  ADDRESS_COUNT_MAX,
  DESCRIPTOR_LIFE_MS,
  DESCRIPTOR_NAME_CHARS_MAX,
  mintDescriptor,
  type Descriptor,
  type DescriptorFields,
} from './descriptor.ts'

/** Half of a descriptor's life: one that is passed on is good for as long again. */
const RENEW_MS = DESCRIPTOR_LIFE_MS / 2

/**
 * A node's own descriptor. It is minted anew when what it says changes, when half of its life is over, and when this node
 * must contradict what others say of it: always under a higher sequence number.
 */
export class DescriptorOwner {
  readonly #surroundings: Surroundings
  readonly #onMinted: (descriptor: Descriptor) => void
  #fields: Omit<DescriptorFields, 'sequence'>
  #current: Descriptor
  #mintedAtMs: number

  /** `startSequence` is above each that this node has ever used; `onMinted` hears of every later descriptor, not of the first. */
  constructor(
    dependencies: { readonly surroundings: Surroundings; readonly onMinted: (descriptor: Descriptor) => void },
    options: Omit<DescriptorFields, 'sequence'> & { readonly startSequence: number },
  ) {
    this.#surroundings = dependencies.surroundings
    this.#onMinted = dependencies.onMinted
    this.#fields = fitting(options)
    this.#current = mintDescriptor({ ...this.#fields, sequence: options.startSequence }, this.#surroundings)
    this.#mintedAtMs = this.#surroundings.nowMs
  }

  /** The one to give to others now. */
  current(): Descriptor {
    if (this.#surroundings.nowMs - this.#mintedAtMs >= RENEW_MS) this.renewAbove(this.#current.sequence)
    return this.#current
  }

  /** Says something else from now on. */
  update(fields: Partial<Omit<DescriptorFields, 'sequence'>>): Descriptor {
    const before = this.#fields
    this.#fields = fitting({ ...before, ...fields })
    try {
      return this.renewAbove(this.#current.sequence)
    } catch (cause) {
      this.#fields = before
      throw cause
    }
  }

  /** A new descriptor with a sequence number above this one, and above all of its own. */
  renewAbove(sequence: number): Descriptor {
    const next = Math.max(sequence, this.#current.sequence) + 1
    this.#current = mintDescriptor({ ...this.#fields, sequence: next }, this.#surroundings)
    this.#mintedAtMs = this.#surroundings.nowMs
    this.#onMinted(this.#current)
    return this.#current
  }
}

/** A machine's name may be long and its addresses many: what does not fit is cut off. Attributes are for their owner to mend. */
function fitting({
  name,
  addresses,
  attributes,
}: Omit<DescriptorFields, 'sequence'>): Omit<DescriptorFields, 'sequence'> {
  return {
    name: name.slice(0, DESCRIPTOR_NAME_CHARS_MAX),
    addresses: addresses.filter((address) => address.length <= ADDRESS_CHARS_MAX).slice(0, ADDRESS_COUNT_MAX),
    attributes,
  }
}

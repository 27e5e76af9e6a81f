import type { PeerId, Surroundings } from '../env/index.ts'
import { checkDescriptor, equalDescriptors, timeFault, type Descriptor, type DescriptorFault } from './descriptor.ts'
import { HeldDescriptor } from './held.ts'

/** How many nodes' newest descriptors are remembered as verified; beyond it the one verified longest ago is forgotten. */
export const VERIFIED_COUNT_MAX = 8_192

/** `conflict`: its owner signed two different descriptors under one sequence number; the first one stands. */
export type CheckResult =
  | { readonly ok: true; readonly descriptor: Descriptor }
  | { readonly ok: false; readonly fault: DescriptorFault | 'conflict' }

/**
 * Checks descriptors, each of them once. Gossip brings the same bytes again and again, and to compare them with what was
 * verified is a hundred times cheaper than an ed25519 verification. What was verified is also handed back in place of each
 * equal copy, so that a node holds every descriptor once, however many tables it stands in. In place of an older one it hands
 * back the newest, unread: replays cost nothing.
 */
export class DescriptorChecker {
  readonly #countMax: number
  /** The newest verified one of each peer, in the order of verification. */
  readonly #verified = new Map<PeerId, HeldDescriptor>()

  constructor(options: { readonly countMax?: number } = {}) {
    this.#countMax = options.countMax ?? VERIFIED_COUNT_MAX
  }

  /** Whether this very object is what `check` would give back for it: true is certain, and costs next to nothing. */
  hasChecked(descriptor: Descriptor, wallMs: number): boolean {
    return HeldDescriptor.isCheckedBy(descriptor, this) && timeFault(descriptor, wallMs) === undefined
  }

  check(descriptor: Descriptor, surroundings: Surroundings): CheckResult {
    const known = this.#verified.get(descriptor.peer)
    if (known !== undefined && (descriptor.sequence < known.sequence || equalDescriptors(known, descriptor))) {
      const fault = timeFault(known, surroundings.wallMs)
      return fault === undefined ? { ok: true, descriptor: known } : { ok: false, fault }
    }
    const fault = checkDescriptor(descriptor, surroundings)
    if (fault !== undefined) return { ok: false, fault }
    if (known?.sequence === descriptor.sequence) return { ok: false, fault: 'conflict' }
    const held = HeldDescriptor.of(descriptor)
    this.#keep(held)
    return { ok: true, descriptor: held }
  }

  #keep(descriptor: HeldDescriptor): void {
    const older = this.#verified.get(descriptor.peer)
    if (older !== undefined) {
      HeldDescriptor.noteCheck(older, undefined)
      this.#verified.delete(descriptor.peer)
    }
    HeldDescriptor.noteCheck(descriptor, this)
    if (this.#verified.size >= this.#countMax) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(descriptor.peer, descriptor)
  }
}

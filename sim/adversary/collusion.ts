import { keyOf, type Descriptor } from '../../overlay/descriptor/index.ts'
import { pick, sample, type PeerId, type Rng } from '../../overlay/env/index.ts'
import type { SamplingOptions } from '../../overlay/sampling/index.ts'

/**
 * What attackers of sampling do. All of them name nobody but each other to whoever asks, and each mints what the rules let it.
 * - `answer`: they wait to be asked.
 * - `push`: they also start as many shuffles with honest nodes as `PUSH_COUNT` allows, and answer at once.
 * - `eclipse`: the same number of shuffles, all of them with a few honest nodes.
 * - `swallow`: they push, and answer nothing: what was given to them is gone.
 * - `replay`: they push, and give honest descriptors of long ago beside their own, as if they were fresh.
 */
export const SAMPLING_ATTACKS = ['answer', 'push', 'eclipse', 'swallow', 'replay'] as const
export type AttackName = (typeof SAMPLING_ATTACKS)[number]

/** What attackers share: they know each other and everyone else, from the first moment. */
export class Collusion {
  readonly attack: AttackName
  readonly sampling: SamplingOptions
  readonly #attackers: Descriptor[] = []
  readonly #attackerOf = new Map<PeerId, Descriptor>()
  readonly #victims: Descriptor[] = []

  constructor(options: { readonly attack: AttackName; readonly sampling: SamplingOptions }) {
    this.attack = options.attack
    this.sampling = options.sampling
  }

  learnAttacker(descriptor: Descriptor): void {
    this.#attackers.push(descriptor)
    this.#attackerOf.set(descriptor.peer, descriptor)
  }

  learnVictim(descriptor: Descriptor): void {
    this.#victims.push(descriptor)
  }

  attackerNamed(peer: PeerId): Descriptor | undefined {
    return this.#attackerOf.get(peer)
  }

  drawAttackers(count: number, rng: Rng): Descriptor[] {
    const drawn = new Set<Descriptor>()
    const countMax = Math.min(count, this.#attackers.length)
    while (drawn.size < countMax) drawn.add(pick(this.#attackers, rng)!)
    return [...drawn]
  }

  /** Some of those whose keys share most with this one. */
  attackersNear(key: number, count: number, rng: Rng): Descriptor[] {
    return near(this.#attackers, key, count, rng)
  }

  victimsNear(key: number, count: number, rng: Rng): Descriptor[] {
    return near(this.#victims, key, count, rng)
  }

  /** Whom to ask next. */
  drawVictim(rng: Rng): Descriptor | undefined {
    return this.attack === 'eclipse'
      ? this.#victims[rng.below(Math.min(ECLIPSED_COUNT, Math.max(1, this.#victims.length)))]
      : pick(this.#victims, rng)
  }

  /** What to give in a shuffle: attackers, each as if it had just spoken. */
  drawGift(count: number, rng: Rng): Descriptor[] {
    const gift = new Set(this.drawAttackers(count, rng))
    if (this.attack === 'replay' && gift.size > 1) {
      const [first] = gift
      const victim = pick(this.#victims, rng)
      if (first !== undefined && victim !== undefined) {
        gift.delete(first)
        gift.add(victim)
      }
    }
    return [...gift]
  }
}

/** By chance, of so many of whom nobody shares less of the key than any of the others. */
function near(descriptors: readonly Descriptor[], key: number, count: number, rng: Rng): Descriptor[] {
  let nearest = descriptors
  for (let bits = 1; ; bits++) {
    const nearer = nearest.filter((descriptor) => Math.clz32(keyOf(descriptor) ^ key) >= bits)
    if (nearer.length < NEAR_COUNT) break
    nearest = nearer
  }
  return sample(nearest, count, rng)
}

/** Attackers and hosts are drawn among so many that are near at least: about as many as attackers are in a cell. */
const NEAR_COUNT = 40
/** How many honest nodes an eclipse is aimed at. */
const ECLIPSED_COUNT = 50

import { mintDescriptor, pick, type Descriptor, type PeerId, type Rng, type Surroundings } from '../../overlay/index.ts'
import { signLayout, type Layout } from '../../overlay/placement/layout.ts'
import { randomBytes } from './mutate-bytes.ts'

/**
 * Messages that are well formed and false. A liar knows what it was told, and may sign for itself and its sybils; out of a true message it
 * makes one with other people's names, old words, forged ones, and numbers and lists at their bounds.
 */

/** Descriptors that are remembered, old ones among them; beyond it the oldest goes. */
const HEARD_COUNT_MAX = 400

export class Liar {
  /** What it may sign as: the first is the node itself. */
  readonly identities: readonly Surroundings[]
  /** Everyone it has heard of. */
  readonly peers = new Set<PeerId>()
  readonly #rng: Rng
  readonly #heard: Descriptor[] = []
  readonly #numbers: number[] = []

  constructor(identities: readonly Surroundings[], rng: Rng) {
    this.identities = identities
    this.#rng = rng
  }

  /** Remembers what is worth repeating of a message that it was sent. */
  hear(message: unknown): void {
    if (typeof message === 'number') this.#numbers[this.#rng.below(32)] = message
    if (typeof message !== 'object' || message === null || message instanceof Uint8Array) return
    if (isDescriptor(message)) {
      this.peers.add(message.peer)
      if (this.#heard.length >= HEARD_COUNT_MAX) this.#heard.shift()
      this.#heard.push(message)
    }
    for (const field of Object.values(message)) this.hear(field)
  }

  /** A false message for `victim`, made from a true one; or one of the sender's own honest words. */
  lie(message: unknown, victim: PeerId): unknown {
    return this.#changed(message, victim, 1 / (1 + this.#rng.below(8)))
  }

  #changed(value: unknown, victim: PeerId, share: number): unknown {
    const rng = this.#rng
    const isHit = rng.real() < share
    if (typeof value === 'number') return isHit ? this.#number(value) : value
    if (typeof value === 'string') return isHit && isPeerId(value) ? this.#peer(victim) : value
    if (value instanceof Uint8Array) return isHit ? flipped(value, rng) : value
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#changed(item, victim, share))
      return isHit ? resized(items, rng) : items
    }
    if (typeof value !== 'object' || value === null) return value
    if (isDescriptor(value)) return this.#descriptor(victim)
    if (isLayout(value)) return this.#layout(value)
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [
        name,
        name === 'type' ? field : this.#changed(field, victim, share),
      ]),
    )
  }

  #descriptor(victim: PeerId): unknown {
    const rng = this.#rng
    const self = pick(this.identities, rng)!
    const heard = pick(this.#heard, rng) ?? mint(self, rng, {})
    return pick<() => unknown>(
      [
        // True: its own word, a sybil's, or what it heard, however old.
        () => mint(self, rng, {}),
        () => heard,
        // Its own, but false: twice under one number, at the end of all numbers, past its time or far before it, as large as it gets.
        () => mint(self, rng, { sequence: 1_893_456_000_000 }),
        () => mint(self, rng, { sequence: Number.MAX_SAFE_INTEGER }),
        () => mint(at(self, -40 * 3_600_000), rng, {}),
        () => mint(at(self, 40 * 3_600_000), rng, {}),
        () =>
          mint(self, rng, {
            attributes: Object.fromEntries(Array.from({ length: 28 }, (_, key) => [`a${key}`, 'x'.repeat(200)])),
          }),
        // Others' words with something changed, and others' names under its own.
        () => ({ ...heard, sequence: heard.sequence + 1 + rng.below(1_000) }),
        () => ({ ...heard, sequence: Number.MAX_SAFE_INTEGER }),
        () => ({ ...heard, name: 'mallory' }),
        () => ({ ...heard, addresses: ['/ip4/203.0.113.66/tcp/6'] }),
        () => ({ ...heard, attributes: { Cores: 4_096 } }),
        () => ({ ...heard, signature: flipped(heard.signature, rng) }),
        () => ({ ...heard, signature: new Uint8Array() }),
        () => ({ ...mint(self, rng, {}), peer: this.#peer(victim) }),
        // About the receiver.
        () => ({ ...mint(self, rng, {}), peer: victim, sequence: Number.MAX_SAFE_INTEGER }),
        () => ({ ...heard, peer: victim, sequence: Number.MAX_SAFE_INTEGER - 1 - rng.below(10) }),
      ],
      rng,
    )!()
  }

  /** Signed and out of all proportion, or somebody's with something changed. */
  #layout(layout: Layout): Layout {
    const rng = this.#rng
    const self = pick(this.identities, rng)!
    const epoch = pick([1, layout.epoch, layout.epoch + 1, layout.epoch + 16, 2 ** 31, Number.MAX_SAFE_INTEGER], rng)!
    const borders = {
      cores: { values: [rng.below(8), 1_000], counts: [1, 1] },
      x: { values: [null, 'y'], counts: [9, 1] },
    }
    const groupings = pick([[], [['cores']], [['cores', 'x'], ['x']], [...layout.groupings]], rng)!
    const made = {
      epoch,
      sampleCount: rng.below(1_000),
      unsure: [],
      borders: { ...layout.borders, ...borders },
      groupings,
    }
    return pick(
      [() => signLayout(made, self), () => layout, () => ({ ...layout, epoch }), () => ({ ...layout, groupings })],
      rng,
    )!()
  }

  #peer(victim: PeerId): PeerId {
    const rng = this.#rng
    return pick(
      [
        victim,
        this.identities[0]!.self,
        pick(this.identities, rng)!.self,
        pick([...this.peers], rng) ?? victim,
        unknownPeer(rng),
      ],
      rng,
    )!
  }

  #number(value: number): number {
    const rng = this.#rng
    const near = value + rng.below(3) - 1
    return pick(
      [
        0,
        1,
        Math.max(0, near),
        63,
        64,
        65_535,
        2 ** 31,
        2 ** 32 - 1,
        Number.MAX_SAFE_INTEGER,
        pick(this.#numbers, rng) ?? 7,
      ],
      rng,
    )!
  }
}

function mint(
  self: Surroundings,
  rng: Rng,
  fields: { readonly sequence?: number; readonly attributes?: Descriptor['attributes'] },
): Descriptor {
  return mintDescriptor(
    {
      name: 'liar',
      sequence: fields.sequence ?? Math.floor(self.wallMs) + rng.below(1_000_000),
      addresses: ['/ip4/203.0.113.7/tcp/7'],
      attributes: fields.attributes ?? { Cores: rng.below(100), Fuzz: 'liar' },
    },
    self,
  )
}

/** The same node with another idea of the time. */
function at(self: Surroundings, offsetMs: number): Surroundings {
  return { self: self.self, nowMs: self.nowMs, wallMs: self.wallMs + offsetMs, rng: self.rng, crypto: self.crypto }
}

export function isDescriptor(value: object): value is Descriptor {
  return 'peer' in value && 'signature' in value && 'expiresMs' in value && 'attributes' in value
}

function isLayout(value: object): value is Layout {
  return 'groupings' in value && 'borders' in value && 'signature' in value
}

function isPeerId(text: string): boolean {
  return /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(text)
}

function unknownPeer(rng: Rng): PeerId {
  return `12D3KooW${Array.from({ length: 44 }, () => String.fromCharCode(65 + rng.below(8))).join('')}`
}

function flipped(bytes: Uint8Array, rng: Rng): Uint8Array {
  if (bytes.length === 0 || rng.below(4) === 0) return randomBytes(rng.below(65), rng)
  const copy = Uint8Array.from(bytes)
  copy[rng.below(copy.length)]! ^= 1 << rng.below(8)
  return copy
}

function resized(items: readonly unknown[], rng: Rng): unknown[] {
  const length = pick([0, 1, 2, 3, 8, 12, 16, 64, 256, 512], rng)!
  return items.length === 0 ? [] : Array.from({ length }, (_, index) => items[index % items.length])
}

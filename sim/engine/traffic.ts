import { plainBytes, plainOf } from './size.ts'

/** What a wire has carried so far: messages, requests and replies that set out, and their bytes on the wire. */
export interface Traffic {
  readonly messages: number
  /** Exact where messages are measured or encoded, estimated where they are handed over as they are. */
  readonly bytes: number
}

/**
 * Counts what sets out on one wire. To measure a message costs more than to deliver it, so where nothing else needs its size
 * only some are measured, each standing for those since the one before it. The first ones all are; later ones come at uneven
 * distances, so that a pattern in the traffic (ask, reply, ask, reply) is never in step with the looks.
 */
export class Meter {
  #messages = 0
  /** Of all messages up to the one measured last. */
  #bytes = 0
  /** Messages until the next that is measured. */
  #distance = 1
  /** Messages that the one just measured stands for, once those after it have come by. */
  #stride = 1
  #last = 0
  #chance = 1

  /** A message that is handed over as it is. */
  sample(message: unknown): void {
    this.#messages++
    if (--this.#distance === 0) this.#look(message)
  }

  /** A message whose size is known. */
  count(bytes: number): void {
    this.#messages++
    this.#bytes += bytes
  }

  read(): Traffic {
    const unseen = this.#stride - this.#distance
    return { messages: this.#messages, bytes: this.#bytes + unseen * this.#last }
  }

  #look(message: unknown): void {
    this.#last = plainBytes(plainOf(message))
    this.#bytes += this.#stride * this.#last
    if (this.#messages >= MEASURED_FIRST_COUNT) {
      this.#chance = (Math.imul(this.#chance, 1_664_525) + 1_013_904_223) | 0
      const shift = this.#messages >= MEASURED_SECOND_COUNT ? LONG_STRIDE_SHIFT : STRIDE_SHIFT
      this.#stride = 1 + (this.#chance >>> shift)
    }
    this.#distance = this.#stride
  }
}

/** Small runs are measured whole, then one message in about 64 is, and one in 512 where there are very many. */
const MEASURED_FIRST_COUNT = 256
const MEASURED_SECOND_COUNT = 262_144
/** Leaves seven bits; */
const STRIDE_SHIFT = 25
/** and ten. */
const LONG_STRIDE_SHIFT = 22

import { RoostError } from '../../overlay/index.ts'
import type { CallEnv, CallOptions, PeerId, Surroundings } from '../../overlay/index.ts'
import { after } from './clock.ts'
import { cancelled } from './link.ts'

/** The asking side of one wire: ends its sleeps and calls with it. */
export class Conversations {
  readonly #surroundings: Surroundings
  readonly #open = new Set<() => void>()
  #isLeft = false

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings
  }

  env<Request, Reply>(
    call: (to: PeerId, request: Request, options: CallOptions) => Promise<Reply>,
  ): CallEnv<Request, Reply> {
    const surroundings = this.#surroundings
    return {
      self: surroundings.self,
      rng: surroundings.rng,
      crypto: surroundings.crypto,
      get nowMs() {
        return surroundings.nowMs
      },
      get wallMs() {
        return surroundings.wallMs
      },
      call: (to, request, options) =>
        this.#isLeft ? Promise.reject(cancelled(to)) : this.#untilLeft(call(to, request, options), () => cancelled(to)),
      sleep: (delayMs) => this.#sleep(delayMs),
    }
  }

  leave(): void {
    this.#isLeft = true
    for (const cancel of [...this.#open]) cancel()
  }

  #sleep(delayMs: number): Promise<void> {
    const woken = Promise.withResolvers<void>()
    const stopTimer = after(delayMs, woken.resolve)
    const sleep = this.#untilLeft(woken.promise, () => new RoostError('CANCELLED', 'the protocol was stopped'))
    sleep.catch(() => {}).finally(stopTimer)
    return sleep
  }

  #untilLeft<Result>(promise: Promise<Result>, reason: () => RoostError): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        this.#open.delete(cancel)
        reject(reason())
      }
      this.#open.add(cancel)
      promise.then(
        (result) => {
          this.#open.delete(cancel)
          resolve(result)
        },
        (error: unknown) => {
          this.#open.delete(cancel)
          reject(error)
        },
      )
      if (this.#isLeft) cancel()
    })
  }
}

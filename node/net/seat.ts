import assert from 'node:assert/strict'
import type { Log } from '../../overlay/contract/index.ts'
import type { Env, PeerId, Protocol, Surroundings } from '../../overlay/index.ts'
import type { Counters } from './counters.ts'
import { after } from './clock.ts'

/**
 * Where a protocol sits in the daemon: its handlers run one at a time, what they emit is told to the host after each has
 * returned, and one that throws is logged and counted. Once it has been left, nothing of the protocol runs again.
 */

/** Timers that a protocol may have open. More is a leak of ours, not load: a protocol keeps a handful for each peer it knows. */
const TIMERS_COUNT_MAX = 100_000

export interface SeatDependencies<Message> {
  readonly surroundings: Surroundings
  readonly log: Log
  readonly counters: Counters
  readonly send: (to: PeerId, message: Message) => void
}

export class Seat<Message, Timer, Event> {
  readonly env: Env<Message, Timer, Event>
  readonly #protocol: Protocol<Message, Timer, Event>
  readonly #onEvent: (event: Event) => void
  readonly #wireId: string
  readonly #log: Log
  readonly #counters: Counters
  readonly #timers = new Set<() => void>()
  readonly #events: Event[] = []
  #isLeft = false
  #isHandling = false
  #isTelling = false

  constructor(
    wireId: string,
    protocol: Protocol<Message, Timer, Event>,
    onEvent: (event: Event) => void,
    { surroundings, log, counters, send }: SeatDependencies<Message>,
  ) {
    this.#wireId = wireId
    this.#protocol = protocol
    this.#onEvent = onEvent
    this.#log = log
    this.#counters = counters
    const ifSeated = (run: () => void): void => {
      if (!this.#isLeft) run()
    }
    this.env = {
      self: surroundings.self,
      rng: surroundings.rng,
      crypto: surroundings.crypto,
      get nowMs() {
        return surroundings.nowMs
      },
      get wallMs() {
        return surroundings.wallMs
      },
      send(to, message) {
        assert(to !== surroundings.self, 'a protocol sends nothing to itself')
        ifSeated(() => send(to, message))
      },
      wakeAfter: (delayMs, timer) => ifSeated(() => this.#wakeAfter(delayMs, timer)),
      emit: (event) => ifSeated(() => this.#emit(event)),
    }
  }

  /** Throws what the protocol's `start` throws. */
  start(): void {
    this.#isHandling = true
    try {
      this.#protocol.start(this.env)
    } finally {
      this.#isHandling = false
    }
    this.#tell()
  }

  receive(from: PeerId, message: Message): void {
    this.#handle(() => this.#protocol.receive(from, message, this.env))
  }

  leave(): void {
    this.#isLeft = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#events.length = 0
  }

  #wakeAfter(delayMs: number, timer: Timer): void {
    assert(this.#timers.size < TIMERS_COUNT_MAX, `${this.#wireId} has too many timers open`)
    const cancel = after(delayMs, () => {
      this.#timers.delete(cancel)
      this.#handle(() => this.#protocol.wake(timer, this.env))
    })
    this.#timers.add(cancel)
  }

  #handle(run: () => void): void {
    if (this.#isLeft) return
    this.#isHandling = true
    this.#guard(run)
    this.#isHandling = false
    this.#tell()
  }

  #emit(event: Event): void {
    this.#events.push(event)
    // The host may call a protocol's own methods, outside of any handler: then the event follows once that has returned.
    if (!this.#isHandling && !this.#isTelling && this.#events.length === 1) queueMicrotask(() => this.#tell())
  }

  #tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    while (this.#events.length > 0) {
      const event = this.#events.shift()!
      this.#guard(() => this.#onEvent(event))
    }
    this.#isTelling = false
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (thrown) {
      this.#counters.add('grid_handler_errors')
      this.#log.error({ err: thrown, protocol: this.#wireId }, 'a handler failed')
    }
  }
}

import { seededRng, type Env, type PeerId } from '../../../overlay/index.ts'
import { SimulatedCrypto } from '../../../sim/engine/crypto.ts'
import { drawPeerId } from '../../../sim/engine/names.ts'

const names = seededRng(7)

/** Peer ids of the right form, the same ones in each run. */
export function peerIds(count: number): PeerId[] {
  return Array.from({ length: count }, () => drawPeerId(names))
}

/** An env whose time moves when the test moves it, and that keeps all that a protocol asked of it. */
export class HandEnv<Message, Timer, Event> implements Env<Message, Timer, Event> {
  readonly self: PeerId
  nowMs = 0
  wallMs = 1_900_000_000_000
  readonly rng = seededRng(1)
  readonly crypto: SimulatedCrypto
  sent: { to: PeerId; message: Message }[] = []
  timers: { dueMs: number; timer: Timer }[] = []
  events: Event[] = []

  constructor(self: PeerId) {
    this.self = self
    this.crypto = new SimulatedCrypto(self, 1)
  }

  send(to: PeerId, message: Message): void {
    this.sent.push({ to, message })
  }

  wakeAfter(delayMs: number, timer: Timer): void {
    this.timers.push({ dueMs: this.nowMs + delayMs, timer })
  }

  emit(event: Event): void {
    this.events.push(event)
  }

  /** Lets time pass, waking the protocol whenever it asked to be. */
  advance(ms: number, wake: (timer: Timer) => void): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = this.timers.toSorted((one, other) => one.dueMs - other.dueMs)[0]
      if (next === undefined || next.dueMs > untilMs) break
      this.timers.splice(this.timers.indexOf(next), 1)
      this.wallMs += next.dueMs - this.nowMs
      this.nowMs = next.dueMs
      wake(next.timer)
    }
    this.wallMs += untilMs - this.nowMs
    this.nowMs = untilMs
  }

  /** What was sent since the last time. */
  takeSent(): { to: PeerId; message: Message }[] {
    const { sent } = this
    this.sent = []
    return sent
  }
}

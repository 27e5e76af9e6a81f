import type { Env, Protocol, Wire } from '../../overlay/env/index.ts'
import { RoostError } from '../../overlay/error/index.ts'

/** Mounted with `diskWire`. A disk's work is done by its machine: what is under way when that stops is not. */
export class DiskTimers implements Protocol<never, () => void, never> {
  #env!: Env<never, () => void, never>

  start(env: Env<never, () => void, never>): void {
    this.#env = env
  }
  receive(): void {}
  wake(run: () => void): void {
    run()
  }
  after(delayMs: number, run: () => void): void {
    this.#env.wakeAfter(delayMs, run)
  }
}

export const diskWire: Wire<never> = { id: '/sim/disk/1', messageBytesMax: 0, parse: refuse }

function refuse(): never {
  throw new RoostError('MESSAGE_MALFORMED', 'a disk is told nothing')
}

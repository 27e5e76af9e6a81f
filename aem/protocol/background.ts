import { asRoostError } from '../../overlay/index.ts'
import { STORE_RETRY_MS } from './timing.ts'
import type { JobWorld } from './ports.ts'

/** Whether this is only the daemon stopping: what waits then is rejected with `CANCELLED`. */
export function isStopping(thrown: unknown): boolean {
  return asRoostError(thrown).code === 'CANCELLED'
}

/** Lets work go on that nobody waits for; what it fails with is told to the host. */
export function inBackground(world: JobWorld, about: string, work: Promise<unknown>): void {
  work.catch((thrown: unknown) => {
    if (!isStopping(thrown)) world.trouble(about, thrown)
  })
}

/**
 * Does what must be done before anything else can go on, which is to write down what has happened: a full disk is told to the host, and
 * tried again until it has room.
 */
export async function surely<Result>(world: JobWorld, about: string, work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (thrown) {
      if (isStopping(thrown)) throw thrown
      world.trouble(about, thrown)
      await world.sleep(STORE_RETRY_MS)
    }
  }
}

/** Why something failed, in one sentence for a log. */
export function reasonOf(thrown: unknown): string {
  return asRoostError(thrown).message
}

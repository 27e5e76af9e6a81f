import { RoostError } from '../error/index.ts'
import type { GroupClientOptions, GroupEnv } from './client.ts'
import { SESSION_WINDOW } from './sessions.ts'

/** One client's session with a group, at the client: it numbers commands, and says which replies are still waited for. */
export class ClientSession {
  readonly id: number
  readonly #env: Pick<GroupEnv, 'nowMs' | 'sleep'>
  readonly #options: Pick<GroupClientOptions, 'inFlightCountMax' | 'waitingCountMax'>
  /** In the order of numbers. */
  readonly #open = new Set<number>()
  readonly #waiting: (() => void)[] = []
  #next = 1

  constructor(
    id: number,
    env: Pick<GroupEnv, 'nowMs' | 'sleep'>,
    options: Pick<GroupClientOptions, 'inFlightCountMax' | 'waitingCountMax'>,
  ) {
    this.id = id
    this.#env = env
    this.#options = options
  }

  /** The lowest number whose reply is still waited for. */
  get settled(): number {
    return this.#open.values().next().value ?? this.#next
  }

  /** A number for a command, once there is room; `BUSY` where too many wait, `GROUP_UNREACHABLE` after `untilMs`. */
  async begin(untilMs: number): Promise<number> {
    while (!this.#hasRoom) await this.#wait(untilMs)
    const sequence = this.#next++
    this.#open.add(sequence)
    return sequence
  }

  /** Its reply is here, or nobody waits for it any more. */
  end(sequence: number): void {
    this.#open.delete(sequence)
    this.#waiting.shift()?.()
  }

  get #hasRoom(): boolean {
    return this.#open.size < this.#options.inFlightCountMax && this.#next < this.settled + SESSION_WINDOW
  }

  async #wait(untilMs: number): Promise<void> {
    if (this.#waiting.length >= this.#options.waitingCountMax)
      throw new RoostError('BUSY', `${this.#waiting.length} commands wait for the group already`)
    const leftMs = untilMs - this.#env.nowMs
    if (leftMs <= 0) throw new RoostError('GROUP_UNREACHABLE', 'the commands before it took too long')
    let wake = (): void => undefined
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    this.#waiting.push(wake)
    await Promise.race([woken, this.#env.sleep(leftMs)])
    const place = this.#waiting.indexOf(wake)
    if (place !== -1) this.#waiting.splice(place, 1)
  }
}

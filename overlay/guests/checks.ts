import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { GuestsEnv } from './guests.ts'
import type { GuestsOptions } from './options.ts'

/**
 * Whether those in the view live. New ones are asked for a word soon, the others in turn, more of them where some were silent lately; who
 * misses two in a row is silent for a term. It is this node's own finding: what others say of a guest would be a way to drive
 * honest ones out.
 */
export class Checks {
  readonly #options: GuestsOptions
  /** When each of those in the view gave its last word. */
  readonly #heardAtMs = new Map<PeerId, number>()
  readonly #silentSinceMs = new Map<PeerId, number>()
  readonly #open = new Map<number, { readonly descriptor: Descriptor; readonly isSecond: boolean }>()
  #round = 0
  #silentLatelyCount = 0

  constructor(options: GuestsOptions) {
    this.#options = options
  }

  isSilent(peer: PeerId): boolean {
    return this.#silentSinceMs.has(peer)
  }

  /** Known to be gone by other means. */
  noteGone(peer: PeerId, nowMs: number): void {
    if (this.#silentSinceMs.size >= SILENT_COUNT_MAX)
      this.#silentSinceMs.delete(this.#silentSinceMs.keys().next().value!)
    this.#silentSinceMs.set(peer, nowMs)
  }

  /** Once a cycle: who was silent for a term is given another chance. */
  forgive(nowMs: number): void {
    for (const [peer, sinceMs] of this.#silentSinceMs)
      if (nowMs - sinceMs >= this.#options.termMs) this.#silentSinceMs.delete(peer)
  }

  /** Once a cycle: asks some of the view. */
  run(view: readonly Descriptor[], env: GuestsEnv): void {
    const inView = new Set(view.map(({ peer }) => peer))
    for (const peer of this.#heardAtMs.keys()) if (!inView.has(peer)) this.#heardAtMs.delete(peer)
    const { checkCountMax } = this.#options
    const unheard = view.filter(({ peer }) => !this.#heardAtMs.has(peer)).slice(0, checkCountMax)
    const others = view
      .filter(({ peer }) => this.#heardAtMs.has(peer))
      .sort((one, other) => this.#heardAtMs.get(one.peer)! - this.#heardAtMs.get(other.peer)!)
      .slice(0, this.#silentLatelyCount > 0 ? checkCountMax : 1)
    this.#silentLatelyCount = Math.floor(this.#silentLatelyCount / 2)
    const underWay = new Set([...this.#open.values()].map(({ descriptor }) => descriptor.peer))
    for (const descriptor of [...unheard, ...others])
      if (!underWay.has(descriptor.peer)) this.#ask(descriptor, false, env)
  }

  /** The peer's word, if it was asked for; gives what it was asked as. */
  onAlive(from: PeerId, round: number, nowMs: number): Descriptor | undefined {
    const asked = this.#open.get(round)
    if (asked?.descriptor.peer !== from) return undefined
    this.#open.delete(round)
    this.#heardAtMs.set(from, nowMs)
    return asked.descriptor
  }

  /** Time is up for an answer. Gives a peer that is silent from now on. */
  onUnanswered(round: number, env: GuestsEnv): PeerId | undefined {
    const asked = this.#open.get(round)
    if (asked === undefined) return undefined
    this.#open.delete(round)
    const { descriptor, isSecond } = asked
    if (!isSecond) {
      this.#ask(descriptor, true, env)
      return undefined
    }
    this.#heardAtMs.delete(descriptor.peer)
    this.#silentLatelyCount += ALARM_CYCLES
    this.noteGone(descriptor.peer, env.nowMs)
    return descriptor.peer
  }

  #ask(descriptor: Descriptor, isSecond: boolean, env: GuestsEnv): void {
    if (descriptor.peer === env.self) return
    const round = ++this.#round
    this.#open.set(round, { descriptor, isSecond })
    env.send(descriptor.peer, { type: 'check', round })
    env.wakeAfter(this.#options.replyTimeoutMs, { type: 'unanswered', round })
  }
}

/** One that is silent has more of the others asked in the next two cycles, and several in some more: the count is halved in each. */
const ALARM_CYCLES = 4
/** Silent guests that are remembered; beyond it the one found first is forgotten, and asked again where it is picked. */
const SILENT_COUNT_MAX = 4_096

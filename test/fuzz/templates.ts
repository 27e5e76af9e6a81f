import { pick, type Rng } from '../../overlay/index.ts'

/** Messages that were meant as they are, by channel and type: what lies are made from. */

/** Of each type; a newer one takes the place of the oldest. */
const KEPT_COUNT_MAX = 16

export class Templates {
  readonly #byChannel = new Map<string, Map<string, unknown[]>>()
  #turn = 0

  keep(channel: string, message: unknown): void {
    const byType = this.#byChannel.get(channel) ?? new Map<string, unknown[]>()
    this.#byChannel.set(channel, byType)
    const { type } = (message ?? {}) as { type?: unknown }
    const name = typeof type === 'string' ? type : ''
    const kept = byType.get(name) ?? []
    byType.set(name, kept)
    kept[this.#turn++ % KEPT_COUNT_MAX] = message
  }

  /** One of the channel, each type as likely; an empty table where it was silent. */
  draw(channel: string, rng: Rng): unknown {
    const kept = pick([...(this.#byChannel.get(channel)?.values() ?? [])], rng) ?? [{}]
    const messages = kept.filter((message) => message !== undefined)
    return pick(messages, rng)
  }

  /** All of a channel's. */
  of(channel: string): readonly unknown[] {
    const kept = [...(this.#byChannel.get(channel)?.values() ?? [])]
    return kept.flatMap((messages) => messages.filter((message) => message !== undefined))
  }
}

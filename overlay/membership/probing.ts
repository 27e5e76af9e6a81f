import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { MembershipEnv } from './env.ts'
import type { MemberTable } from './member-table.ts'
import type { MembershipMessage } from './messages.ts'
import { sizeFactor, type MembershipOptions } from './options.ts'
import type { Spreading } from './spreading.ts'
import { NO_UPDATES } from './updates.ts'

/** Probes under way at once, those for others included; more are not made. */
const PROBE_COUNT_MAX = 256
/** An asked helper says that it hears nothing after this share of the time that is left to the asker (Lifeguard, section IV-A). */
const NACK_SHARE = 0.5

/** A probe under way. */
interface Probe {
  readonly id: number
  readonly target: PeerId
  /** Who asked for it, where it is not ours. */
  readonly forWhom: { readonly asker: PeerId; readonly probe: number } | undefined
  /** Who was asked to help and has said nothing yet. */
  silentHelpers: PeerId[] | undefined
}

/**
 * Pings others, directly and through helpers, and keeps the local health score (Lifeguard, section IV-A): a node that gets no answers
 * while its helpers do not even say that they hear nothing either, or that has to refute, is likely to be slow itself, and gives
 * the others up to `healthMax + 1` times as long.
 */
export class Probing {
  readonly #table: MemberTable
  readonly #spreading: Spreading
  readonly #options: MembershipOptions
  readonly #own: () => Descriptor
  /** Ours and those for others, few at any time. */
  #probes: Probe[] = []
  #probeCount = 0
  #health = 0

  constructor(table: MemberTable, spreading: Spreading, own: () => Descriptor, options: MembershipOptions) {
    this.#table = table
    this.#spreading = spreading
    this.#own = own
    this.#options = options
  }

  /** Between two probes, and how long a direct one waits, as this node is now. */
  get periodMs(): number {
    return this.#options.probeMs * (this.#health + 1)
  }

  /** 0 is healthy. */
  get health(): number {
    return this.#health
  }

  worsen(count = 1): void {
    this.#health = Math.min(this.#options.healthMax, this.#health + count)
  }

  isProbed(peer: PeerId): boolean {
    return this.#probes.some(({ target, forWhom }) => target === peer && forWhom === undefined)
  }

  ping(target: PeerId, env: MembershipEnv): void {
    this.#ping(target, undefined, this.#options.probeTimeoutMs * (this.#health + 1), env)
  }

  /** A ping that nobody waits for: whoever answers it speaks for itself. */
  call(peer: PeerId, env: MembershipEnv): void {
    const probe = ++this.#probeCount
    env.send(peer, { type: 'ping', probe, sequence: this.#own().sequence, updates: NO_UPDATES })
  }

  /** Somebody wants to know whether we reach the target. Of whom we do not know we cannot say more than that we are here. */
  pingFor(asker: PeerId, message: MembershipMessage & { type: 'ping-for-me' }, env: MembershipEnv): void {
    const { target, probe } = message
    if (target === env.self || target === asker) return
    if (this.#table.get(target) === undefined) return env.send(asker, { type: 'nack', probe })
    const { probeMs, probeTimeoutMs } = this.#options
    this.#ping(target, { asker, probe }, (probeMs - probeTimeoutMs) * NACK_SHARE, env)
  }

  acknowledge(from: PeerId, message: MembershipMessage & { type: 'ack' }, env: MembershipEnv): void {
    const probe = this.#probes.find(({ id }) => id === message.probe)
    if (probe === undefined || (probe.target !== from && !probe.silentHelpers?.includes(from))) return
    this.#end(probe)
    if (probe.forWhom === undefined) this.#health = Math.max(0, this.#health - 1)
    else {
      const { asker, probe: theirs } = probe.forWhom
      env.send(asker, { type: 'ack', probe: theirs, sequence: this.#own().sequence, updates: NO_UPDATES })
    }
  }

  /** A helper lives, and hears nothing either. */
  nack(from: PeerId, id: number): void {
    const probe = this.#probes.find((each) => each.id === id)
    const place = probe?.silentHelpers?.indexOf(from) ?? -1
    if (place >= 0) probe!.silentHelpers!.splice(place, 1)
  }

  /** A ping went unanswered. For another we say so, and still wait; for ourselves helpers try until the period is over. */
  askHelpers(id: number, env: MembershipEnv): void {
    const probe = this.#probes.find((each) => each.id === id)
    if (probe === undefined) return
    const { probeMs, probeTimeoutMs, helperCount } = this.#options
    const { target, forWhom } = probe
    if (forWhom !== undefined) {
      env.send(forWhom.asker, { type: 'nack', probe: forWhom.probe })
      return env.wakeAfter(probeMs, { type: 'probe-over', probe: id })
    }
    if (!this.#table.isLiving(target)) return this.#end(probe)
    probe.silentHelpers = this.#table.draw(helperCount, env.rng, (peer, state) => peer !== target && state === 'alive')
    for (const helper of probe.silentHelpers)
      env.send(helper, { type: 'ping-for-me', probe: id, target, updates: this.#spreading.newsFor(helper) })
    // It was perhaps the ping that got lost: of those who seem silent at 5 % loss, nine of ten answer a second one.
    env.send(target, { type: 'ping', probe: id, sequence: this.#own().sequence, updates: NO_UPDATES })
    const verdictMs = probeMs * sizeFactor(this.#table.livingCount)
    env.wakeAfter((verdictMs - probeTimeoutMs) * (this.#health + 1), { type: 'probe-over', probe: id })
  }

  /** A probe's time is over: the peer that it found silent, if it was ours. */
  conclude(id: number): PeerId | undefined {
    const probe = this.#probes.find((each) => each.id === id)
    if (probe === undefined) return undefined
    this.#end(probe)
    if (probe.forWhom !== undefined) return undefined
    this.worsen(probe.silentHelpers!.length)
    return probe.target
  }

  /** Gives up all probes without a verdict. */
  abandon(): void {
    this.#probes = []
  }

  #ping(target: PeerId, forWhom: Probe['forWhom'], waitMs: number, env: MembershipEnv): void {
    if (this.#probes.length >= PROBE_COUNT_MAX) return
    const id = ++this.#probeCount
    this.#probes.push({ id, target, forWhom, silentHelpers: undefined })
    const updates = this.#spreading.newsFor(target)
    env.send(target, { type: 'ping', probe: id, sequence: this.#own().sequence, updates })
    env.wakeAfter(waitMs, { type: 'unanswered', probe: id })
  }

  #end(probe: Probe): void {
    this.#probes.splice(this.#probes.indexOf(probe), 1)
  }
}

import type { Descriptor } from '../descriptor/index.ts'
import type { PeerId } from '../env/index.ts'
import type { MembershipEnv } from './env.ts'
import type { MemberTable } from './member-table.ts'
import type { MembershipMessage } from './messages.ts'
import { sizeFactor, type MembershipOptions } from './options.ts'
import type { Spreading } from './spreading.ts'
import { NO_UPDATES } from './updates.ts'

/** Probes under way at once, our own and those for others: no flood of requests keeps us from our own. More are not made. */
const OWN_PROBE_COUNT_MAX = 256
const PROBE_FOR_OTHERS_COUNT_MAX = 64
/** A helper says that it hears nothing after this share of the time that the asker waits at the least, so that the word is there in time. */
const NACK_SHARE = 0.5

const NO_HELPERS: readonly PeerId[] = []

/** A probe under way. */
interface Probe {
  readonly id: number
  readonly target: PeerId
  /** Who asked for it, where it is not ours. */
  readonly forWhom: { readonly asker: PeerId; readonly probe: number } | undefined
  /** Who was asked to help, and who of them has said nothing yet. */
  helpers: readonly PeerId[]
  silentHelpers: readonly PeerId[]
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
  /** Lifeguard's local health score: 0 is healthy. */
  #health = 0

  constructor(table: MemberTable, spreading: Spreading, own: () => Descriptor, options: MembershipOptions) {
    this.#table = table
    this.#spreading = spreading
    this.#own = own
    this.#options = options
  }

  /** Between two probes, as healthy as this node is now. */
  get periodMs(): number {
    return this.#options.probeMs * (this.#health + 1)
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
    if (probe === undefined || (probe.target !== from && !probe.helpers.includes(from))) return
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
    if (probe !== undefined) probe.silentHelpers = probe.silentHelpers.filter((helper) => helper !== from)
  }

  /** A ping went unanswered for the time that a direct one has. */
  goOn(id: number, env: MembershipEnv): void {
    const probe = this.#probes.find((each) => each.id === id)
    if (probe === undefined) return
    if (probe.forWhom !== undefined) this.#decline(probe, probe.forWhom, env)
    else if (this.#table.isLiving(probe.target)) this.#insist(probe, env)
    else this.#end(probe)
  }

  /** A probe's time is over: the peer that it found silent, if it was ours. */
  conclude(id: number): PeerId | undefined {
    const probe = this.#probes.find((each) => each.id === id)
    if (probe === undefined) return undefined
    this.#end(probe)
    if (probe.forWhom !== undefined) return undefined
    this.worsen(probe.silentHelpers.length)
    return probe.target
  }

  /** Gives up all probes without a verdict. */
  abandon(): void {
    this.#probes = []
  }

  /** Who asked us hears that we hear nothing; an answer that comes late is still passed on. */
  #decline(probe: Probe, { asker, probe: theirs }: NonNullable<Probe['forWhom']>, env: MembershipEnv): void {
    env.send(asker, { type: 'nack', probe: theirs })
    env.wakeAfter(this.#options.probeMs, { type: 'probe-over', probe: probe.id })
  }

  /** Helpers try too, and we once more. */
  #insist(probe: Probe, env: MembershipEnv): void {
    const { probeMs, probeTimeoutMs, helperCount } = this.#options
    const { id, target } = probe
    probe.helpers = this.#table.draw(helperCount, env.rng, (peer, state) => peer !== target && state === 'alive')
    probe.silentHelpers = probe.helpers
    for (const helper of probe.helpers)
      env.send(helper, { type: 'ping-for-me', probe: id, target, updates: this.#spreading.newsFor(helper) })
    // It was perhaps the ping that got lost: of those who seem silent at 5 % loss, nine of ten answer a second one.
    env.send(target, { type: 'ping', probe: id, sequence: this.#own().sequence, updates: NO_UPDATES })
    const verdictMs = probeMs * sizeFactor(this.#table.livingCount)
    env.wakeAfter((verdictMs - probeTimeoutMs) * (this.#health + 1), { type: 'probe-over', probe: id })
  }

  #ping(target: PeerId, forWhom: Probe['forWhom'], waitMs: number, env: MembershipEnv): void {
    const isOwn = forWhom === undefined
    const sameCount = this.#probes.filter((probe) => (probe.forWhom === undefined) === isOwn).length
    if (sameCount >= (isOwn ? OWN_PROBE_COUNT_MAX : PROBE_FOR_OTHERS_COUNT_MAX)) return
    const id = ++this.#probeCount
    this.#probes.push({ id, target, forWhom, helpers: NO_HELPERS, silentHelpers: NO_HELPERS })
    const updates = this.#spreading.newsFor(target)
    env.send(target, { type: 'ping', probe: id, sequence: this.#own().sequence, updates })
    env.wakeAfter(waitMs, { type: 'unanswered', probe: id })
  }

  #end(probe: Probe): void {
    this.#probes.splice(this.#probes.indexOf(probe), 1)
  }
}

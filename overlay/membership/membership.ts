import type { Descriptor, DescriptorChecker } from '../descriptor/index.ts'
import { sample, type Env, type PeerId, type Protocol } from '../env/index.ts'
import { isGone, ProbeOrder, suspicionTimeoutMs, type Member, type MemberState, type Suspicion } from './member.ts'
import { MemberTable } from './member-table.ts'
import { UPDATE_COUNT_MAX, type MembershipMessage, type Update } from './messages.ts'
import { MEMBERSHIP_DEFAULTS, type MembershipOptions } from './options.ts'
import { aboutWhom, UpdateQueue } from './updates.ts'

/**
 * Membership finds out who is alive. Once a second each node pings one other. If no answer comes it asks a few helpers to
 * ping too, in case only the path between the two is bad; if they hear nothing either, it says that it suspects the node.
 * News of this kind rides on pings and, while it is fresh, on messages of its own. A suspected node that hears of it refutes:
 * it mints a descriptor with a higher sequence number. One that does not in time is declared dead.
 *
 * This is SWIM (Das, Gupta and Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
 * Protocol", 2002) with the corrections of Lifeguard (Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for
 * More Accurate Failure Detection", 2018): a node that fails to keep up itself trusts its own probes less; a suspicion
 * starts long and shortens with each independent confirmation; a suspected node is told so with the next ping.
 *
 * Deviations:
 * - The incarnation number is the descriptor's sequence number, so nobody but the node itself can refute, and a node that
 *   restarts refutes its own death by being there. Leaving is signed too. That somebody is dead can be claimed by anyone; whoever
 *   lives contradicts it.
 * - Who hears of a suspicion probes the suspect soon, a few of all nodes at random. Confirmations would otherwise come at the
 *   pace of the round-robin, too slowly to find a dead node of forty within seconds.
 * - The dead are pinged now and then for as long as they are remembered, which heals a partition.
 * - Pings carry the sender's sequence number, so that two nodes that know different things of each other find out.
 */
export class Membership implements Protocol<MembershipMessage, MembershipTimer, MembershipEvent> {
  readonly #own: () => Descriptor
  readonly #renewAbove: (sequence: number) => Descriptor
  readonly #checker: DescriptorChecker
  readonly #onAddress: (peer: PeerId, addresses: readonly string[]) => void
  readonly #options: MembershipOptions
  readonly #members: MemberTable
  readonly #suspicions = new Map<PeerId, Suspicion>()
  readonly #updates: UpdateQueue
  readonly #order: ProbeOrder
  /** Probes that wait: our own, and those that we make for others. */
  readonly #probes = new Map<number, Probe>()
  #probeCount = 0
  /** Lifeguard's local health score: 0 is healthy. */
  #health = 0
  #gossiping = false
  #left = false
  #reviveDelayMs: number
  #nextReviveMs = Number.POSITIVE_INFINITY
  #tickDueMs = 0

  constructor(dependencies: MembershipDependencies, options: Partial<MembershipOptions> = {}) {
    this.#own = dependencies.own
    this.#renewAbove = dependencies.renewAbove
    this.#checker = dependencies.checker
    this.#onAddress = dependencies.onAddress
    this.#options = { ...MEMBERSHIP_DEFAULTS, ...options }
    this.#members = new MemberTable({ countMax: this.#options.memberCountMax })
    this.#order = new ProbeOrder({ countMax: 2 * this.#options.memberCountMax })
    this.#updates = new UpdateQueue({ countMax: this.#options.updateCountMax })
    this.#reviveDelayMs = this.#options.reviveMsMin
  }

  /** Everyone else who is known, the dead included while they are remembered. */
  members(): IterableIterator<Member> {
    return this.#members.all()
  }

  get(peer: PeerId): Member | undefined {
    return this.#members.get(peer)
  }

  /** Whether this descriptor is of a node that may live: never heard of, not gone, or back with a newer word. */
  mayLive(descriptor: Descriptor): boolean {
    const member = this.#members.get(descriptor.peer)
    return member === undefined || !isGone(member.state) || descriptor.sequence > member.sequence
  }

  /** Takes in a checked descriptor that came from elsewhere. Says whether it was news. */
  learn(descriptor: Descriptor, env: MembershipEnv): boolean {
    if (descriptor.peer === env.self) return this.#correctSelf(descriptor)
    const member = this.#members.get(descriptor.peer)
    if (!this.#members.isNews(descriptor)) return false
    if (member === undefined && this.#members.isFull && !this.#forgetOneGone(env)) return false
    this.#onAddress(descriptor.peer, descriptor.addresses)
    if (member === undefined || isGone(member.state)) this.#order.add(descriptor.peer, env.rng)
    this.#set(descriptor, 'alive', env)
    return true
  }

  /** Somebody got no answer from this peer, or lost the connection: it is probed next. */
  doubt(peer: PeerId, env: MembershipEnv): void {
    if (this.#left || this.#members.watched(peer) === undefined || this.#isProbed(peer)) return
    this.#order.hasten(peer)
    env.wakeAfter(0, { type: 'hastened' })
  }

  /** Says goodbye. Nothing is probed or answered afterwards. */
  leave(env: MembershipEnv): void {
    if (this.#left) return
    const { peer, sequence } = this.#own()
    const update: Update = { type: 'left', peer, sequence, signature: env.crypto.sign(LEAVE, { peer, sequence }) }
    const hearers = sample(this.#members.peersIn('alive', 'suspect'), LEAVE_FANOUT, env.rng)
    for (const hearer of hearers) env.send(hearer, { type: 'gossip', updates: [update] })
    this.#left = true
  }

  start(env: MembershipEnv): void {
    this.#scheduleTick(env.rng.below(this.#options.probeMs), env)
  }

  wake(timer: MembershipTimer, env: MembershipEnv): void {
    if (this.#left) return
    if (timer.type === 'tick') this.#tick(env)
    else if (timer.type === 'hastened') this.#probeNext(env)
    else if (timer.type === 'unanswered') this.#askHelpers(timer.probe, env)
    else if (timer.type === 'probe-over') this.#endProbe(timer.probe, env)
    else if (timer.type === 'suspicion') this.#checkSuspicion(timer.peer, env)
    else this.#gossip(env)
  }

  receive(from: PeerId, message: MembershipMessage, env: MembershipEnv): void {
    if (this.#left) return
    if ('updates' in message) for (const update of message.updates) this.#take(update, from, env)
    if (message.type === 'ping') {
      this.#compare(from, message.sequence, env)
      env.send(from, { type: 'ack', probe: message.probe, sequence: this.#own().sequence, updates: this.#news(from) })
    } else if (message.type === 'ack') {
      this.#compare(from, message.sequence, env)
      this.#acknowledge(from, message, env)
    } else if (message.type === 'nack') {
      this.#probes.get(message.probe)?.helpers.delete(from)
    } else if (message.type === 'ping-for-me') {
      this.#probeFor(from, message.target, message.probe, env)
    } else if (message.type === 'introduce') {
      env.send(from, { type: 'gossip', updates: [{ type: 'alive', descriptor: this.#own() }] })
    }
  }

  // Probing.

  #tick(env: MembershipEnv): void {
    const { probeMs } = this.#options
    const lateMs = env.nowMs - this.#tickDueMs
    // After a pause of this process everybody seems late: they get that time back.
    if (lateMs > probeMs) for (const suspicion of this.#suspicions.values()) suspicion.deadlineMs += lateMs
    this.#scheduleTick(probeMs * (this.#health + 1), env)
    this.#probeNext(env)
    if (env.nowMs >= this.#nextReviveMs) this.#reviveOne(env)
    if (this.#members.goneCount > 0) this.#forgetOld(env)
  }

  #scheduleTick(delayMs: number, env: MembershipEnv): void {
    this.#tickDueMs = env.nowMs + delayMs
    env.wakeAfter(delayMs, { type: 'tick' })
  }

  #probeNext(env: MembershipEnv): void {
    const peer = this.#order.next(
      () => this.#members.peersIn('alive', 'suspect'),
      (candidate) => this.#members.watched(candidate) !== undefined,
      env.rng,
    )
    if (peer !== undefined) this.#ping(peer, undefined, env)
  }

  #ping(target: PeerId, forWhom: Probe['forWhom'], env: MembershipEnv): void {
    if (this.#probes.size >= PROBE_COUNT_MAX) return
    const probe = ++this.#probeCount
    this.#probes.set(probe, { target, forWhom, helpers: new Set() })
    env.send(target, { type: 'ping', probe, sequence: this.#own().sequence, updates: this.#news(target) })
    env.wakeAfter(this.#options.probeTimeoutMs * (forWhom ? 1 : this.#health + 1), { type: 'unanswered', probe })
  }

  #probeFor(asker: PeerId, target: PeerId, theirProbe: number, env: MembershipEnv): void {
    if (target === env.self || target === asker || this.#members.get(target) === undefined) return
    this.#ping(target, { asker, probe: theirProbe }, env)
  }

  #acknowledge(from: PeerId, message: MembershipMessage & { type: 'ack' }, env: MembershipEnv): void {
    const probe = this.#probes.get(message.probe)
    if (probe === undefined || (probe.target !== from && !probe.helpers.has(from))) return
    this.#probes.delete(message.probe)
    if (probe.forWhom === undefined) this.#health = Math.max(0, this.#health - 1)
    else
      env.send(probe.forWhom.asker, {
        ...message,
        probe: probe.forWhom.probe,
        sequence: this.#own().sequence,
        updates: [],
      })
  }

  /** A direct ping went unanswered. For another it is the end; for ourselves helpers try until the period is over. */
  #askHelpers(id: number, env: MembershipEnv): void {
    const probe = this.#probes.get(id)
    if (probe === undefined) return
    if (probe.forWhom !== undefined) {
      this.#probes.delete(id)
      return env.send(probe.forWhom.asker, { type: 'nack', probe: probe.forWhom.probe })
    }
    if (this.#members.watched(probe.target) === undefined) return void this.#probes.delete(id)
    const others = this.#members.peersIn('alive').filter((peer) => peer !== probe.target)
    for (const helper of sample(others, this.#options.helperCount, env.rng)) {
      probe.helpers.add(helper)
      probe.askedHelperCount = (probe.askedHelperCount ?? 0) + 1
      env.send(helper, { type: 'ping-for-me', probe: id, target: probe.target, updates: this.#news(helper) })
    }
    const { probeMs, probeTimeoutMs } = this.#options
    env.wakeAfter((probeMs - probeTimeoutMs) * (this.#health + 1), { type: 'probe-over', probe: id })
  }

  #endProbe(id: number, env: MembershipEnv): void {
    const probe = this.#probes.get(id)
    if (probe === undefined) return
    this.#probes.delete(id)
    // Helpers that said neither yes nor no hint that the trouble is here (Lifeguard, section IV-A).
    const missing = probe.helpers.size
    if (missing > 0 && missing === probe.askedHelperCount) this.#worsen()
    const member = this.#members.watched(probe.target)
    if (member !== undefined) this.#suspect(member, env.self, env)
  }

  #isProbed(peer: PeerId): boolean {
    for (const { target, forWhom } of this.#probes.values()) if (target === peer && forWhom === undefined) return true
    return false
  }

  #worsen(): void {
    this.#health = Math.min(this.#options.healthMax, this.#health + 1)
  }

  // What is said about nodes.

  #take(update: Update, from: PeerId, env: MembershipEnv): void {
    if (update.type === 'alive') return this.#takeAlive(update.descriptor, from, env)
    if (update.peer === env.self) return this.#refute(update, from, env)
    const member = this.#members.get(update.peer)
    if (member === undefined || update.sequence < member.sequence) return
    // Nobody but its owner makes sequence numbers: a claim about one that we have not seen has to wait until we have.
    if (update.sequence > member.sequence && update.type !== 'left') return
    if (update.type === 'left') this.#takeLeft(member, update, env)
    else if (isGone(member.state)) return
    else if (update.type === 'dead') this.#bury(member, update.from, env)
    else this.#suspect(member, update.from, env)
  }

  #takeAlive(descriptor: Descriptor, from: PeerId, env: MembershipEnv): void {
    if (descriptor.peer !== env.self && !this.#members.isNews(descriptor)) return
    const checked = this.#checker.check(descriptor, env)
    if (!checked.ok) return env.emit({ type: 'refused', peer: from, reason: checked.fault })
    if (!this.learn(checked.descriptor, env) || descriptor.peer === env.self) return
    this.#tell({ type: 'alive', descriptor: checked.descriptor }, env)
  }

  #takeLeft(member: Member, update: Update & { type: 'left' }, env: MembershipEnv): void {
    const { peer, sequence, signature } = update
    if (member.state === 'left' || !env.crypto.verify(peer, LEAVE, { peer, sequence }, signature)) return
    this.#set(member.descriptor, 'left', env, sequence)
    this.#tell(update, env)
  }

  #suspect(member: Member, from: PeerId, env: MembershipEnv): void {
    const { peer, descriptor, sequence } = member
    const wanted = this.#confirmationsWanted()
    let suspicion = this.#suspicions.get(peer)
    if (suspicion === undefined) {
      suspicion = { sinceMs: env.nowMs, from: new Set([from]), deadlineMs: 0 }
      this.#set(descriptor, 'suspect', env)
      this.#suspicions.set(peer, suspicion)
      if (
        from !== env.self &&
        env.rng.below(Math.max(1, this.#members.watchedCount)) < 2 * this.#options.confirmationCount
      )
        this.doubt(peer, env)
    } else {
      if (suspicion.from.has(from) || suspicion.from.size > wanted) return
      suspicion.from.add(from)
    }
    const minMs = this.#options.suspicionMs * Math.max(1, Math.log10(this.#members.watchedCount + 1))
    const limits = { minMs, maxMs: minMs * this.#options.suspicionFactorMax }
    const timeoutMs = suspicionTimeoutMs(limits, { count: suspicion.from.size - 1, wanted })
    suspicion.deadlineMs = suspicion.sinceMs + timeoutMs
    env.wakeAfter(Math.max(0, suspicion.deadlineMs - env.nowMs), { type: 'suspicion', peer })
    this.#tell({ type: 'suspect', peer, sequence, from }, env)
  }

  #checkSuspicion(peer: PeerId, env: MembershipEnv): void {
    const suspicion = this.#suspicions.get(peer)
    if (suspicion === undefined) return
    const leftMs = suspicion.deadlineMs - env.nowMs
    if (leftMs > 0) env.wakeAfter(leftMs, { type: 'suspicion', peer })
    else this.#bury(this.#members.get(peer)!, env.self, env)
  }

  #bury(member: Member, from: PeerId, env: MembershipEnv): void {
    const { peer, descriptor, sequence } = member
    this.#set(descriptor, 'dead', env)
    this.#tell({ type: 'dead', peer, sequence, from }, env)
  }

  /** Somebody says that we are not well. */
  #refute(claim: Update & { readonly sequence: number }, from: PeerId, env: MembershipEnv): void {
    const own = this.#own()
    // A claim about a sequence number that we never gave out is either from a life before this one, of which our own
    // descriptor will tell, or made up.
    if (claim.sequence > own.sequence) return
    if (claim.sequence === own.sequence && claim.type === 'suspect') this.#worsen()
    const descriptor = claim.sequence === own.sequence ? this.#renewAbove(claim.sequence) : own
    const update: Update = { type: 'alive', descriptor }
    // Who brought the claim may be on nobody's list of the living here: after a partition, each side believes the other dead.
    env.send(from, { type: 'gossip', updates: [update] })
    this.#tell(update, env)
  }

  /** Our own descriptor came back: from an earlier life, if it is newer than what we say now. */
  #correctSelf(descriptor: Descriptor): boolean {
    if (descriptor.sequence <= this.#own().sequence) return false
    this.#renewAbove(descriptor.sequence)
    return true
  }

  /** A node spoke for itself, with this sequence number. Where it and we know different things, one of us says so. */
  #compare(peer: PeerId, sequence: number, env: MembershipEnv): void {
    const member = this.#members.get(peer)
    if (member === undefined || sequence > member.sequence) return env.send(peer, { type: 'introduce' })
    const { descriptor, state } = member
    if (sequence < descriptor.sequence)
      return env.send(peer, { type: 'gossip', updates: [{ type: 'alive', descriptor }] })
    if (isGone(state)) env.send(peer, { type: 'gossip', updates: [{ type: 'dead', peer, sequence, from: env.self }] })
  }

  // Spreading.

  #tell(update: Update, env: MembershipEnv): void {
    this.#updates.put(update)
    if (this.#gossiping) return
    this.#gossiping = true
    env.wakeAfter(GOSSIP_FIRST_MS, { type: 'gossip' })
  }

  #gossip(env: MembershipEnv): void {
    const hearers = sample(this.#members.peersIn('alive', 'suspect'), this.#options.gossipFanout, env.rng)
    for (const hearer of hearers) {
      const updates = this.#news(hearer)
      if (updates.length > 0) env.send(hearer, { type: 'gossip', updates })
    }
    this.#gossiping = this.#updates.count > 0 && hearers.length > 0
    if (this.#gossiping) env.wakeAfter(this.#options.gossipMs, { type: 'gossip' })
  }

  /** News for this peer. A suspected one is told so first (Lifeguard's buddy system). */
  #news(to: PeerId): Update[] {
    const repeatsMax = this.#options.repeatFactor * Math.ceil(Math.log2(this.#members.watchedCount + 2))
    const updates = this.#updates.take(repeatsMax)
    const member = this.#members.get(to)
    const suspicion = this.#suspicions.get(to)
    if (member === undefined || suspicion === undefined) return updates
    const [from] = suspicion.from
    return [
      { type: 'suspect' as const, peer: to, sequence: member.sequence, from: from! },
      ...updates.filter((update) => aboutWhom(update) !== to).slice(0, UPDATE_COUNT_MAX - 1),
    ]
  }

  // The dead.

  #reviveOne(env: MembershipEnv): void {
    const peer = sample(this.#members.peersIn('dead'), 1, env.rng)[0]
    if (peer === undefined) return void (this.#nextReviveMs = Number.POSITIVE_INFINITY)
    this.#nextReviveMs = env.nowMs + this.#reviveDelayMs
    this.#reviveDelayMs = Math.min(this.#reviveDelayMs * 1.5, this.#options.reviveMsMax)
    env.send(peer, { type: 'ping', probe: ++this.#probeCount, sequence: this.#own().sequence, updates: [] })
  }

  #forgetOld(env: MembershipEnv): void {
    for (const member of this.#members.all())
      if (isGone(member.state) && env.nowMs - member.sinceMs >= this.#options.rememberMs) this.#forget(member, env)
  }

  #forgetOneGone(env: MembershipEnv): boolean {
    const member = this.#members.oneGone()
    if (member !== undefined) this.#forget(member, env)
    return member !== undefined
  }

  #forget(member: Member, env: MembershipEnv): void {
    this.#members.forget(member)
    env.emit({ type: 'forgotten', peer: member.peer })
  }

  #set(descriptor: Descriptor, state: MemberState, env: MembershipEnv, sequence = descriptor.sequence): void {
    const before = this.#members.get(descriptor.peer)?.state
    const member = this.#members.set(descriptor, state, sequence, env.nowMs)
    if (state !== 'suspect') this.#suspicions.delete(member.peer)
    if (state === 'dead') {
      this.#reviveDelayMs = this.#options.reviveMsMin
      this.#nextReviveMs = Math.min(this.#nextReviveMs, env.nowMs + this.#reviveDelayMs)
    }
    env.emit({ type: 'changed', member, before })
  }

  /** Neither the suspect nor who suspects it first can confirm. */
  #confirmationsWanted(): number {
    return Math.max(0, Math.min(this.#options.confirmationCount, this.#members.watchedCount - 1))
  }
}

interface Probe {
  readonly target: PeerId
  /** Who asked for it, where it is not ours. */
  readonly forWhom: { readonly asker: PeerId; readonly probe: number } | undefined
  /** Who was asked to help and has said nothing yet. */
  readonly helpers: Set<PeerId>
  askedHelperCount?: number
}

/** Probes under way at once, those for others included; more are not made. */
const PROBE_COUNT_MAX = 256
/** Who hears of a leaving at first hand; they pass it on. */
const LEAVE_FANOUT = 8
/** Lets what came together go out together. */
const GOSSIP_FIRST_MS = 20
const LEAVE = 'leave'

export interface MembershipDependencies {
  /** This node's newest descriptor, and a new one above a sequence number: how it contradicts its own death. */
  readonly own: () => Descriptor
  readonly renewAbove: (sequence: number) => Descriptor
  readonly checker: DescriptorChecker
  /** Makes addresses known to the driver, before anything is sent to that peer. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
}

export type MembershipTimer =
  | { readonly type: 'tick' }
  | { readonly type: 'hastened' }
  | { readonly type: 'unanswered'; readonly probe: number }
  | { readonly type: 'probe-over'; readonly probe: number }
  | { readonly type: 'suspicion'; readonly peer: PeerId }
  | { readonly type: 'gossip' }

export type MembershipEvent =
  /** A node's state changed, or it has a newer descriptor; `before` is absent for a node that was not known. */
  | { readonly type: 'changed'; readonly member: Member; readonly before: MemberState | undefined }
  /** A node that was gone is no longer remembered. */
  | { readonly type: 'forgotten'; readonly peer: PeerId }
  | { readonly type: 'refused'; readonly peer: PeerId; readonly reason: string }

type MembershipEnv = Env<MembershipMessage, MembershipTimer, MembershipEvent>

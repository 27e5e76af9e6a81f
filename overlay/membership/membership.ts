import type { Descriptor, DescriptorChecker } from '../descriptor/index.ts'
import type { PeerId, Protocol } from '../env/index.ts'
import type { MembershipEnv, MembershipEvent, MembershipTimer } from './env.ts'
import { Graveyard } from './graveyard.ts'
import { isGone, type Member, type MemberState } from './member.ts'
import { MemberTable } from './member-table.ts'
import type { MembershipMessage, Update } from './messages.ts'
import { MEMBERSHIP_DEFAULTS, type MembershipOptions } from './options.ts'
import { Probing } from './probing.ts'
import { Spreading } from './spreading.ts'
import { Suspicions } from './suspicions.ts'

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
 * - A node watches those that its host wants watched, a cell of the grid where that is large; claims about others go by unheard.
 * - Who hears of a suspicion probes the suspect soon, a few of all nodes at random. Confirmations would otherwise come at the
 *   pace of the round-robin, too slowly to find a dead node of forty within seconds.
 * - The dead are pinged now and then for as long as they are remembered, which heals a partition.
 * - Pings carry the sender's sequence number, so that two nodes that know different things of each other find out.
 *
 * What there is to decide about claims is here; `Probing`, `Suspicions`, `Spreading` and `Graveyard` each know one part, and none of
 * them calls back.
 */
export class Membership implements Protocol<MembershipMessage, MembershipTimer, MembershipEvent> {
  readonly #dependencies: MembershipDependencies
  readonly #options: MembershipOptions
  readonly #table: MemberTable
  readonly #suspicions: Suspicions
  readonly #spreading: Spreading
  readonly #probing: Probing
  readonly #graveyard: Graveyard
  #left = false
  #tickDueMs = 0

  constructor(dependencies: MembershipDependencies, options?: Partial<MembershipOptions>) {
    this.#dependencies = dependencies
    this.#options = options === undefined ? MEMBERSHIP_DEFAULTS : { ...MEMBERSHIP_DEFAULTS, ...options }
    this.#table = new MemberTable({ countMax: this.#options.memberCountMax })
    this.#suspicions = new Suspicions(this.#options)
    this.#spreading = new Spreading(this.#table, this.#suspicions, this.#options)
    this.#probing = new Probing(this.#table, this.#spreading, dependencies.own, this.#options)
    this.#graveyard = new Graveyard(this.#table, this.#options)
  }

  /**
   * Everyone else who is known, the dead included while they are remembered, in no order. `unwatch` of the one that was given last does
   * not disturb it.
   */
  members(): Generator<Member> {
    return this.#table.all()
  }

  get(peer: PeerId): Member | undefined {
    return this.#table.get(peer)
  }

  /** Whether this node probes the peer: it is in the table, and alive or suspected. */
  isWatched(peer: PeerId): boolean {
    return this.#table.isLiving(peer)
  }

  /** How many are watched. */
  get watchedCount(): number {
    return this.#table.livingCount
  }

  /** Whether this descriptor is of a node that may live: never heard of, not gone, or back with a newer word. */
  mayLive(descriptor: Descriptor): boolean {
    return this.#table.mayLive(descriptor)
  }

  /** Takes in a checked descriptor that came from elsewhere. Says whether it was news of a node that is watched. */
  learn(descriptor: Descriptor, env: MembershipEnv): boolean {
    const { peer } = descriptor
    if (peer === env.self) return this.#correctSelf(descriptor, env)
    if (!this.#table.isNews(descriptor)) return false
    if (!this.#table.has(descriptor.peer) && (!this.#mayWatch(peer) || !this.#makeRoom(env))) return false
    this.#dependencies.onAddress(peer, descriptor.addresses)
    this.#set(descriptor, 'alive', env)
    return true
  }

  /** Forgets a peer, whatever its state: it is others' to watch. Says whether it was known. */
  unwatch(peer: PeerId, env: MembershipEnv): boolean {
    if (!this.#table.remove(peer)) return false
    this.#suspicions.end(peer)
    env.emit({ type: 'forgotten', peer })
    return true
  }

  /** Somebody got no answer from this peer, or lost the connection: it is probed at once. */
  doubt(peer: PeerId, env: MembershipEnv): void {
    if (this.#left || !this.#table.isLiving(peer) || this.#probing.isProbed(peer)) return
    env.wakeAfter(0, { type: 'doubted', peer })
  }

  /** Says goodbye. Nothing is probed or answered afterwards. */
  leave(env: MembershipEnv): void {
    if (this.#left) return
    const { peer, sequence } = this.#dependencies.own()
    const update: Update = { type: 'left', peer, sequence, signature: env.crypto.sign(LEAVE, { peer, sequence }) }
    for (const hearer of this.#table.draw(LEAVE_FANOUT, env.rng))
      env.send(hearer, { type: 'gossip', updates: [update] })
    this.#left = true
  }

  start(env: MembershipEnv): void {
    this.#scheduleTick(env.rng.below(this.#options.probeMs), env)
  }

  wake(timer: MembershipTimer, env: MembershipEnv): void {
    if (this.#left) return
    if (timer.type === 'tick') this.#tick(env)
    else if (timer.type === 'doubted') this.#probe(timer.peer, env)
    else if (timer.type === 'gossip') this.#spreading.gossip(env)
    // Of what was awaited while this process stood still nothing can be concluded; the tick will set it right.
    else if (this.#isOverslept(env)) env.wakeAfter(this.#options.probeMs, timer)
    else if (timer.type === 'unanswered') this.#probing.goOn(timer.probe, env)
    else if (timer.type === 'probe-over') this.#concludeProbe(timer.probe, env)
    else this.#checkSuspicion(timer.peer, env)
  }

  receive(from: PeerId, message: MembershipMessage, env: MembershipEnv): void {
    if (this.#left) return
    if ('updates' in message) for (const update of message.updates) this.#take(update, from, env)
    if (message.type === 'ping') {
      this.#compare(from, message.sequence, env)
      const { sequence } = this.#dependencies.own()
      env.send(from, { type: 'ack', probe: message.probe, sequence, updates: this.#spreading.newsFor(from) })
    } else if (message.type === 'ack') {
      this.#compare(from, message.sequence, env)
      this.#probing.acknowledge(from, message, env)
    } else if (message.type === 'nack') {
      this.#probing.nack(from, message.probe)
    } else if (message.type === 'ping-for-me') {
      this.#probing.pingFor(from, message, env)
    } else if (message.type === 'introduce') {
      env.send(from, { type: 'gossip', updates: [{ type: 'alive', descriptor: this.#dependencies.own() }] })
    }
  }

  // What time brings.

  #tick(env: MembershipEnv): void {
    const lateMs = env.nowMs - this.#tickDueMs
    if (this.#isOverslept(env)) {
      // After a pause of this process everybody seems late: they get that time back.
      this.#suspicions.extend(lateMs)
      this.#probing.abandon()
      this.#probing.worsen()
    }
    this.#scheduleTick(this.#probing.periodMs, env)
    const next = this.#table.nextToProbe(env.rng)
    if (next !== undefined) this.#probing.ping(next, env)
    const dead = this.#graveyard.whomToCall(env.nowMs, env.rng)
    if (dead !== undefined) this.#probing.call(dead, env)
    for (const peer of this.#graveyard.whomToForget(env.nowMs)) this.unwatch(peer, env)
  }

  #scheduleTick(delayMs: number, env: MembershipEnv): void {
    this.#tickDueMs = env.nowMs + delayMs
    env.wakeAfter(delayMs, TICK)
  }

  #isOverslept(env: MembershipEnv): boolean {
    return env.nowMs - this.#tickDueMs > this.#options.probeMs
  }

  #probe(peer: PeerId, env: MembershipEnv): void {
    if (this.#table.isLiving(peer) && !this.#probing.isProbed(peer)) this.#probing.ping(peer, env)
  }

  #concludeProbe(id: number, env: MembershipEnv): void {
    const silent = this.#probing.conclude(id)
    const member = silent === undefined ? undefined : this.#table.get(silent)
    if (member !== undefined && !isGone(member.state)) this.#suspect(member, env.self, env)
  }

  #checkSuspicion(peer: PeerId, env: MembershipEnv): void {
    const leftMs = this.#suspicions.leftMs(peer, env.nowMs)
    if (leftMs === undefined) return
    if (leftMs > 0) env.wakeAfter(leftMs, { type: 'suspicion', peer })
    else this.#bury(this.#table.get(peer)!, env.self, env)
  }

  // What is said about nodes.

  #take(update: Update, from: PeerId, env: MembershipEnv): void {
    if (update.type === 'alive') return this.#takeAlive(update.descriptor, from, env)
    if (update.peer === env.self) return this.#refute(update, from, env)
    const member = this.#table.get(update.peer)
    if (member === undefined || update.sequence < member.sequence) return
    // Nobody but its owner makes sequence numbers: a claim about one that we have not seen has to wait until we have.
    if (update.sequence > member.sequence && update.type !== 'left') return
    if (update.type === 'left') this.#takeLeft(member, update, from, env)
    else if (isGone(member.state)) return
    else if (update.type === 'dead') this.#bury(member, update.from, env)
    // What we suspect ourselves we need not be told.
    else if (update.from !== env.self) this.#suspect(member, update.from, env)
  }

  #takeAlive(descriptor: Descriptor, from: PeerId, env: MembershipEnv): void {
    const isOwn = descriptor.peer === env.self
    if (!isOwn && !this.#table.isNews(descriptor)) return
    if (!isOwn && !this.#table.has(descriptor.peer) && !this.#mayWatch(descriptor.peer)) return
    const checked = this.#dependencies.checker.check(descriptor, env)
    if (!checked.ok) return env.emit({ type: 'refused', peer: from, reason: checked.fault })
    const isNewcomer = !this.#table.has(descriptor.peer)
    if (!this.learn(checked.descriptor, env) || isOwn) return
    if (isNewcomer && !this.#options.spreadsNewcomers) return
    this.#spreading.tell({ type: 'alive', descriptor: checked.descriptor }, env)
  }

  #takeLeft(member: Member, update: Update & { type: 'left' }, from: PeerId, env: MembershipEnv): void {
    const { peer, sequence, signature } = update
    if (member.state === 'left' && sequence === member.sequence) return
    if (!env.crypto.verify(peer, LEAVE, { peer, sequence }, signature))
      return env.emit({ type: 'refused', peer: from, reason: 'forged' })
    this.#set(member.descriptor, 'left', env, sequence)
    this.#spreading.tell(update, env)
  }

  #suspect({ peer, state, descriptor, sequence }: Member, from: PeerId, env: MembershipEnv): void {
    const { nowMs } = env
    const { livingCount } = this.#table
    const suspicion = this.#suspicions.raise({ peer, from }, { nowMs, livingCount })
    if (suspicion === undefined) return
    if (state !== 'suspect') {
      this.#set(descriptor, 'suspect', env)
      if (from !== env.self && env.rng.below(livingCount) < 2 * this.#options.confirmationCount) this.doubt(peer, env)
    }
    env.wakeAfter(Math.max(0, suspicion.deadlineMs - nowMs), { type: 'suspicion', peer })
    const update: Update = { type: 'suspect', peer, sequence, from }
    if (from === env.self) env.send(peer, { type: 'gossip', updates: [update] })
    this.#spreading.tell(update, env)
  }

  #bury({ peer, descriptor, sequence }: Member, from: PeerId, env: MembershipEnv): void {
    this.#set(descriptor, 'dead', env)
    this.#spreading.tell({ type: 'dead', peer, sequence, from }, env)
  }

  /** Somebody says that we are not well. */
  #refute(claim: Update & { readonly sequence: number }, from: PeerId, env: MembershipEnv): void {
    const own = this.#dependencies.own()
    // A claim about a sequence number that we never gave out is either from a life before this one, of which our own
    // descriptor will tell, or made up.
    if (claim.sequence > own.sequence) return
    if (claim.sequence === own.sequence && claim.type === 'suspect') this.#probing.worsen()
    const descriptor = claim.sequence === own.sequence ? this.#dependencies.renewAbove(claim.sequence) : own
    const update: Update = { type: 'alive', descriptor }
    // Who brought the claim may be on nobody's list of the living here: after a partition, each side believes the other dead.
    env.send(from, { type: 'gossip', updates: [update] })
    this.#spreading.tell(update, env)
  }

  /**
   * Our own descriptor came back: from an earlier life, if it is newer than what we say now and we did sign it. Whoever could make
   * us go above a number of their choice would take us to the end of all numbers, where nobody takes our word any more.
   */
  #correctSelf(descriptor: Descriptor, env: MembershipEnv): boolean {
    if (descriptor.sequence <= this.#dependencies.own().sequence) return false
    if (!this.#dependencies.checker.check(descriptor, env).ok) return false
    this.#dependencies.renewAbove(descriptor.sequence)
    return true
  }

  /** A node spoke for itself, with this sequence number. Where it and we know different things, one of us says so. */
  #compare(peer: PeerId, sequence: number, env: MembershipEnv): void {
    if (this.#table.isLivingAs(peer, sequence)) return
    const member = this.#table.get(peer)
    // It may watch us though we do not watch it: then we answer, and want no more of it.
    if (member === undefined && !this.#mayWatch(peer)) return
    if (member === undefined || sequence > member.sequence) return env.send(peer, { type: 'introduce' })
    const { descriptor, state } = member
    if (sequence < descriptor.sequence)
      return env.send(peer, { type: 'gossip', updates: [{ type: 'alive', descriptor }] })
    if (isGone(state)) env.send(peer, { type: 'gossip', updates: [{ type: 'dead', peer, sequence, from: env.self }] })
  }

  // The table.

  #mayWatch(peer: PeerId): boolean {
    return this.#dependencies.mayWatch?.(peer) ?? true
  }

  /** Of the gone one is forgotten where the table is full; the living make no room. */
  #makeRoom(env: MembershipEnv): boolean {
    if (!this.#table.isFull) return true
    const peer = this.#table.longestGone()
    return peer !== undefined && this.unwatch(peer, env)
  }

  #set(descriptor: Descriptor, state: MemberState, env: MembershipEnv, sequence = descriptor.sequence): void {
    const { member, before } = this.#table.set(descriptor, state, sequence, env.nowMs)
    if (before === 'suspect' && state !== 'suspect') this.#suspicions.end(member.peer)
    env.emit({ type: 'changed', member, before })
    if (before === 'dead' && state === 'alive') this.#graveyard.noteBack(env.nowMs)
    if (state !== 'dead' && state !== 'left') return
    this.#graveyard.noteGone(state, env.nowMs)
    if (this.#table.goneCount > this.#options.goneCountMax) this.unwatch(this.#table.longestGone()!, env)
  }
}

/** Who hears of a leaving at first hand; they pass it on. */
const LEAVE_FANOUT = 8
const LEAVE = 'leave'
const TICK: MembershipTimer = { type: 'tick' }

export interface MembershipDependencies {
  /** This node's newest descriptor, and a new one above a sequence number: how it contradicts its own death. */
  readonly own: () => Descriptor
  readonly renewAbove: (sequence: number) => Descriptor
  readonly checker: DescriptorChecker
  /** Makes addresses known to the driver, before anything is sent to that peer. */
  readonly onAddress: (peer: PeerId, addresses: readonly string[]) => void
  /** Whether a peer that is not in the table is to be watched from now on. It is judged by its name, before it says more. All are, by default. */
  readonly mayWatch?: (peer: PeerId) => boolean
}

import type { PeerId } from '../../overlay/index.ts'
import type { Log } from '../../overlay/contract/index.ts'
import type { Reach, Witness } from './contract.ts'
import type { DialBackReply } from './dial-back.ts'
import { isPrivate } from './subnets.ts'

/**
 * Whether others reach this node. A peer that has dialed it is proof, and costs nothing; otherwise two peers are asked to dial back, and
 * a third where they disagree. Who is asked matters: a neighbour behind the same NAT reaches what nobody else does. So the most distant
 * alone are heard: those at public addresses, else those outside of this machine's subnets, else the neighbours; and of different
 * networks first.
 */

/** How often what is known is looked at. Peers are asked far more seldom. */
const LOOK_MS = 1_000
/** After the first peer: in a grid that works, somebody dials by then. */
const GRACE_MS = 3_000
/** An inbound connection says nothing of a firewall that was closed since; after this one asks. */
const PROOF_MS = 1_800_000
/** Between two questions, while the answer is yes, and while it is no. */
const ASK_REACHABLE_MS = 1_800_000
const ASK_UNREACHABLE_MS = 60_000
/** Peers asked in one check; those beyond the second only while the answer is open. */
export const WITNESSES_COUNT_MAX = 4

/** A peer over a direct, admitted connection. */
export interface DirectPeer {
  readonly peer: PeerId
  readonly host: string
  readonly isInbound: boolean
  readonly ageMs: number
}

export interface ReachDependencies {
  readonly nowMs: () => number
  readonly log: Log
  readonly peers: () => readonly DirectPeer[]
  /** Whether anybody is connected, be it over a relay. */
  readonly isConnected: () => boolean
  readonly isNear: (host: string) => boolean
  /** Where this machine is in the network; another text is another place. */
  readonly place: () => string
  /** TCP ports that this node listens on. */
  readonly ports: () => readonly number[]
  readonly ask: (peer: PeerId, ports: readonly number[]) => Promise<DialBackReply>
  /** Addresses of this node over relays, and which those are. */
  readonly relays: {
    keep(isWanted: boolean): void
    peers(): readonly PeerId[]
  }
  /** Others reach this node, or do not any more. */
  readonly onVerdict: (isReachable: boolean) => void
  /** Called at every look, after it. */
  readonly onLook: () => void
}

export class ReachWatch {
  readonly #dependencies: ReachDependencies
  #timer: NodeJS.Timeout | undefined
  #isReachable: boolean | undefined
  #witnesses: readonly Witness[] = []
  /** Where this machine was when the witnesses were asked. */
  #heardIn: string | undefined
  #checking: Promise<void> | undefined
  #firstPeerMs: number | undefined
  #askedMs = -Infinity
  /** Where this machine was, and how far those who told: elsewhere, or with others to tell, one asks anew. */
  #decidedIn: string | undefined

  constructor(dependencies: ReachDependencies) {
    this.#dependencies = dependencies
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Undefined until somebody has been heard. */
  get isReachable(): boolean | undefined {
    return this.#isReachable
  }

  /** Hosts and ports under which peers from elsewhere have reached this node, as they see it; nothing once it has moved. */
  seenAt(): readonly { readonly host: string; readonly port: number }[] {
    if (this.#heardIn !== this.#dependencies.place()) return []
    return this.#witnesses.flatMap(({ host, open }) => (host === undefined ? [] : open.map((port) => ({ host, port }))))
  }

  state(): Reach['state'] {
    const { isConnected, relays } = this.#dependencies
    if (!isConnected()) return this.#firstPeerMs === undefined ? 'unknown' : 'cut-off'
    if (this.#isReachable === undefined) return 'unknown'
    if (this.#isReachable) return 'reachable'
    return relays.peers().length > 0 ? 'relayed' : 'cut-off'
  }

  witnesses(): readonly Witness[] {
    return this.#witnesses
  }

  /** Asks now, whatever is believed. Resolves when it is decided. */
  check(): Promise<void> {
    this.#checking ??= this.#ask().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  #look(): void {
    const { nowMs, relays, ports, onLook, isConnected } = this.#dependencies
    const heard = this.#toHear()
    if (heard.length > 0 || isConnected()) this.#firstPeerMs ??= nowMs()
    if (heard.length > 0) {
      if (ports().length === 0) this.#decide(false)
      else if (this.#isDue(heard)) void this.check()
    }
    relays.keep(this.#isReachable === false)
    onLook()
  }

  /** Whether to ask now. Takes a peer that has dialed this node as proof, unless others have said no. */
  #isDue(heard: readonly DirectPeer[]): boolean {
    const { nowMs } = this.#dependencies
    const circumstances = this.#circumstances(heard)
    // A connection from before a move says nothing of the new place.
    if (this.#decidedIn !== undefined && this.#decidedIn !== circumstances) return true
    const isProved = heard.some(({ isInbound, ageMs }) => isInbound && ageMs < PROOF_MS)
    if (isProved && this.#isReachable !== false) {
      this.#decidedIn = circumstances
      this.#decide(true)
      return false
    }
    if (this.#isReachable === undefined && this.#askedMs === -Infinity) return nowMs() - this.#firstPeerMs! >= GRACE_MS
    return nowMs() - this.#askedMs >= (this.#isReachable === true ? ASK_REACHABLE_MS : ASK_UNREACHABLE_MS)
  }

  #circumstances(heard: readonly DirectPeer[]): string {
    return `${this.#distanceOf(heard[0]!)} ${this.#dependencies.place()}`
  }

  #distanceOf({ host }: DirectPeer): number {
    if (this.#dependencies.isNear(host)) return 2
    return isPrivate(host) ? 1 : 0
  }

  /** Whose word counts: the most distant, one of each network before the others. */
  #toHear(): readonly DirectPeer[] {
    const all = [...new Map(this.#dependencies.peers().map((peer) => [peer.peer, peer])).values()]
    const distance = Math.min(...all.map((peer) => this.#distanceOf(peer)))
    const heard = all.filter((peer) => this.#distanceOf(peer) === distance)
    const firsts = new Map(heard.toReversed().map((peer) => [networkOf(peer.host), peer]))
    const rank = (peer: DirectPeer): number => (firsts.get(networkOf(peer.host)) === peer ? 0 : 1)
    return heard.toSorted((left, right) => rank(left) - rank(right))
  }

  async #ask(): Promise<void> {
    const { nowMs, ports } = this.#dependencies
    const heard = this.#toHear().slice(0, WITNESSES_COUNT_MAX)
    if (heard.length === 0) return
    this.#askedMs = nowMs()
    this.#decidedIn = this.#circumstances(heard)
    const place = this.#dependencies.place()
    const witnesses: Witness[] = []
    for (const asked of [heard.slice(0, 2), heard.slice(2, 3), heard.slice(3, 4)]) {
      if (Math.abs(balance(witnesses)) >= 2) break
      witnesses.push(...(await Promise.all(asked.map(({ peer }) => this.#hear(peer, ports())))))
    }
    const said = witnesses.filter(({ answer }) => answer !== 'silent')
    if (said.length === 0) return
    this.#witnesses = witnesses
    this.#heardIn = place
    this.#decide(balance(witnesses) > 0)
  }

  async #hear(peer: PeerId, ports: readonly number[]): Promise<Witness> {
    try {
      const { host, open } = await this.#dependencies.ask(peer, ports)
      const ours = open.filter((port) => ports.includes(port))
      return { peer, host, open: ours, answer: ours.length > 0 ? 'reached' : 'not-reached' }
    } catch {
      return { peer, host: undefined, open: [], answer: 'silent' }
    }
  }

  #decide(isReachable: boolean): void {
    if (this.#isReachable === isReachable) return
    this.#isReachable = isReachable
    this.#dependencies.log.info(
      { isReachable, witnesses: this.#witnesses },
      isReachable ? 'others reach this node' : 'others do not reach this node',
    )
    this.#dependencies.onVerdict(isReachable)
  }
}

/** How many more reached the node than did not. */
function balance(witnesses: readonly Witness[]): number {
  return witnesses.reduce((sum, { answer }) => sum + (answer === 'reached' ? 1 : answer === 'not-reached' ? -1 : 0), 0)
}

/** /24 of IPv4, /48 of IPv6: who shares it mostly shares the way to us. */
function networkOf(host: string): string {
  return host.includes(':') ? host.split(':').slice(0, 3).join(':') : host.split('.').slice(0, 3).join('.')
}

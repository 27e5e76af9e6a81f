import { RoostError } from '../../overlay/index.ts'
import type { PeerId } from '../../overlay/index.ts'

/**
 * Which version of each protocol is spoken with whom. The version is the last part of a protocol's id, and a node may speak several. Nobody
 * announces anything: the newest is tried, and who does not speak it refuses with the versions that it speaks (`spoken` in the data of
 * `PROTOCOL_UNKNOWN`), so that peers of one version, nearly all peers nearly always, spend no byte on it. What was learned counts
 * until the last stream with the peer has ended: it may come back as another version.
 */

/** Peers of other versions that are remembered; beyond it the one that was learned of first is learned of anew. */
const PEERS_COUNT_MAX = 4_096
/** Protocols of one peer, and versions of one protocol, that are believed from a refusal. */
const PROTOCOLS_COUNT_MAX = 64
const VERSIONS_COUNT_MAX = 16
const ID_CHARS_MAX = 128
/** A misfit is told of for so long after it was met last. */
const MISFIT_MS = 600_000
/** Misfits that are told of; beyond it the one that was met first is left out. */
const MISFITS_COUNT_MAX = 256

/** A protocol that this node and a peer both speak, in no common version. */
export interface Misfit {
  readonly peer: PeerId
  /** Ids, the newest first. */
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
}

export interface VersionsDependencies {
  readonly nowMs: () => number
  /** Told of each misfit once, until it is forgotten. */
  readonly onMisfit: (misfit: Misfit) => void
}

export class Versions {
  readonly #dependencies: VersionsDependencies
  readonly #ours = new Map<string, readonly string[]>()
  readonly #theirs = new Map<PeerId, Map<string, readonly string[]>>()
  readonly #misfits = new Map<string, Misfit & { readonly lastMs: number }>()

  constructor(dependencies: VersionsDependencies) {
    this.#dependencies = dependencies
  }

  /** From now on this node speaks a protocol in these versions, the newest first. */
  speak(ids: readonly string[]): void {
    this.#ours.set(nameOf(ids[0]!), ids)
  }

  silence(ids: readonly string[]): void {
    this.#ours.delete(nameOf(ids[0]!))
  }

  /** The one of our versions, the newest first, to use with a peer. Throws `PROTOCOL_UNKNOWN` where the peer speaks none of them. */
  choose(peer: PeerId, ours: readonly string[]): string {
    const theirs = this.#theirs.get(peer)?.get(nameOf(ours[0]!))
    if (theirs === undefined) return ours[0]!
    const common = ours.find((id) => theirs.includes(id))
    if (common !== undefined) return common
    this.misfit(peer, ours, theirs)
    throw misfitError(peer, ours, theirs)
  }

  /** The refusal of a protocol that is not spoken here, with the versions that are. */
  refusal(id: string): RoostError {
    const short = id.slice(0, ID_CHARS_MAX)
    const spoken = this.#ours.get(nameOf(short)) ?? []
    const beside = spoken.length === 0 ? '' : `; what is spoken of it: ${spoken.join(', ')}`
    return new RoostError('PROTOCOL_UNKNOWN', `${short} is not spoken here${beside}`, { data: { spoken } })
  }

  /**
   * Takes a peer's refusal of a protocol. Whether it says in what versions that is spoken there: then choosing again may help. One that is
   * not spoken at all may be a moment later, when the peer has started what speaks it; nothing is learned of that.
   */
  learn(peer: PeerId, id: string, refusal: RoostError): boolean {
    const spoken = spokenIn(refusal, nameOf(id))
    if (spoken === undefined || spoken.length === 0) return false
    const protocols = this.#theirs.get(peer) ?? new Map<string, readonly string[]>()
    if (protocols.size >= PROTOCOLS_COUNT_MAX && !protocols.has(nameOf(id))) return false
    protocols.set(nameOf(id), spoken)
    this.#theirs.set(peer, protocols)
    if (this.#theirs.size > PEERS_COUNT_MAX) this.#theirs.delete(this.#theirs.keys().next().value!)
    return true
  }

  /** The peer may have become another version. */
  forget(peer: PeerId): void {
    this.#theirs.delete(peer)
  }

  /** Notes a protocol that a peer speaks in other versions only. */
  misfit(peer: PeerId, ours: readonly string[], theirs: readonly string[]): void {
    const key = `${peer} ${nameOf(ours[0]!)}`
    const misfit = { peer, ours, theirs, lastMs: this.#dependencies.nowMs() }
    const isNews = this.#live(this.#misfits.get(key)) === undefined
    this.#misfits.delete(key)
    this.#misfits.set(key, misfit)
    if (this.#misfits.size > MISFITS_COUNT_MAX) this.#misfits.delete(this.#misfits.keys().next().value!)
    if (isNews) this.#dependencies.onMisfit({ peer, ours, theirs })
  }

  /** Those that were met lately. */
  misfits(): readonly Misfit[] {
    return [...this.#misfits.values()].filter((misfit) => this.#live(misfit) !== undefined)
  }

  #live<Kept extends { readonly lastMs: number }>(misfit: Kept | undefined): Kept | undefined {
    return misfit !== undefined && this.#dependencies.nowMs() - misfit.lastMs < MISFIT_MS ? misfit : undefined
  }
}

/** `PROTOCOL_UNKNOWN` of a peer that speaks none of our versions. */
export function misfitError(peer: PeerId, ours: readonly string[], theirs: readonly string[]): RoostError {
  const name = nameOf(ours[0]!)
  const speaks =
    theirs.length === 0 ? `does not speak ${name}` : `speaks ${name} in ${versionsText(theirs)} and not in ours`
  return new RoostError('PROTOCOL_UNKNOWN', `${peer} ${speaks} (${versionsText(ours)})`, {
    data: { peer, ours, theirs },
    ...(theirs.length > 0 && { hint: misfitHint(ours, theirs) }),
  })
}

/** Who of the two should be updated. */
export function misfitHint(ours: readonly string[], theirs: readonly string[]): string {
  const isOlder = versionOf(ours[0]!) < versionOf(theirs[0]!)
  return `update roost ${isOlder ? 'on this machine' : 'there'}: neighbouring versions understand each other`
}

/** `/roost/sampling/1` is version 1 of `/roost/sampling`. */
export function nameOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf('/')))
}

export function versionsText(ids: readonly string[]): string {
  const versions = ids.map((id) => id.slice(id.lastIndexOf('/') + 1))
  return `version${versions.length === 1 ? '' : 's'} ${versions.join(' and ')}`
}

function versionOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('/') + 1))
}

/** From a peer, and so of any form. */
function spokenIn({ code, data }: RoostError, name: string): readonly string[] | undefined {
  const spoken = data?.['spoken']
  if (code !== 'PROTOCOL_UNKNOWN' || !Array.isArray(spoken) || spoken.length > VERSIONS_COUNT_MAX) return undefined
  const ids = spoken.filter((id): id is string => typeof id === 'string' && id.length <= ID_CHARS_MAX)
  return ids.every((id) => nameOf(id) === name) ? ids : undefined
}

import { attributeOf, type Attributes, type PeerId, type Surroundings } from '../../../overlay/index.ts'
import { valuesFor, type Condition, type Wanted } from './condition.ts'
import { isLargeEnough, roomAtMs, type Room } from './room.ts'
import { bytesText, countText, spanText, valueText } from './words.ts'

/** What is known of a node when it is asked why it does not run a job. */
export interface NodeFacts {
  readonly id: PeerId
  readonly name: string
  readonly state: 'alive' | 'suspect' | 'dead'
  /** With the live ones where it has just answered, else as its descriptor has them. */
  readonly attributes: Attributes
  readonly hasAnswered: boolean
  /** What it has promised to others, where it was asked. */
  readonly room?: Room
  /** What it last said to this very job, where it would not take a unit. */
  readonly refusal?: { readonly reason: string; readonly agoMs: number }
}

/**
 * Why a node does not run a job: `condition` (it is no such node), `unreachable`, `draining` (it takes nothing new), `too-small` (not even
 * when it is empty), `busy` (not now), `refused` (it said no), or `free`, when nothing speaks against it.
 */
export const VERDICT_KINDS = ['condition', 'unreachable', 'draining', 'too-small', 'busy', 'refused', 'free'] as const
export type VerdictKind = (typeof VERDICT_KINDS)[number]

export interface Verdict {
  readonly node: NodeFacts
  readonly kind: VerdictKind
  /** For people: `Cores >= 64: 8 here`. */
  readonly text: string
  /** The conditions that it does not fulfil, by index; of a node that does not answer those of its descriptor. */
  readonly failed: readonly number[]
  /** When there is room at the latest, where that is known: Unix time in milliseconds. */
  readonly roomAtMs?: number
}

/** What stands in the way at one node: what lasts longest comes first. */
export function verdictOf(
  node: NodeFacts,
  { conditions, wanted }: { readonly conditions: readonly Condition[]; readonly wanted: Wanted },
  surroundings: Pick<Surroundings, 'wallMs' | 'rng'>,
): Verdict {
  const failed = [...conditions.keys()].filter((index) => {
    const condition = conditions[index]!
    return isKnowable(condition, node) && !condition.holds(node.attributes, surroundings)
  })
  const about = { node, failed }
  const [first] = failed
  if (first !== undefined) return { ...about, kind: 'condition', text: conditionText(conditions[first]!, node) }
  if (!node.hasAnswered) return { ...about, kind: 'unreachable', text: UNREACHABLE[node.state] }
  if (attributeOf(node.attributes, 'Production') === false)
    return { ...about, kind: 'draining', text: 'draining: it takes nothing new' }
  const lack = lackOf(node.attributes, wanted)
  if (lack !== undefined && node.room !== undefined && !isLargeEnough(node.room, wanted))
    return {
      ...about,
      kind: 'too-small',
      text: `${needText(wanted)} wanted; ${roomText(node.room)} is all that it gives to jobs`,
    }
  if (lack !== undefined) return { ...about, ...busy(lack, node, wanted, surroundings.wallMs) }
  if (node.refusal !== undefined) {
    const { reason, agoMs } = node.refusal
    return { ...about, kind: 'refused', text: `refused ${spanText(agoMs)} ago: ${reason}` }
  }
  return { ...about, kind: 'free', text: 'matches, and has room' }
}

const UNREACHABLE: Readonly<Record<NodeFacts['state'], string>> = {
  alive: 'does not answer',
  suspect: 'does not answer, and is suspected to be dead',
  dead: 'dead',
}

/** What is measured at this moment is known only of nodes that have answered. */
function isKnowable(condition: Condition, { hasAnswered, attributes }: NodeFacts): boolean {
  if (hasAnswered) return true
  if (condition.isLive) return false
  const announced = attributeOf(attributes, 'Dynamic')
  const live = Array.isArray(announced) ? announced.map((name) => name.toLowerCase()) : []
  return !condition.names.some((name) => live.includes(name.toLowerCase()))
}

function conditionText(condition: Condition, { attributes }: NodeFacts): string {
  const values = valuesFor(condition, attributes)
  const here = values.map(({ name, value }) => {
    if (value === undefined) return `no ${name} here`
    return values.length === 1 ? `${valueText(name, value)} here` : `${name} ${valueText(name, value)} here`
  })
  return here.length === 0 ? condition.text : `${condition.text}: ${here.join(', ')}`
}

/** What of a unit's share is not free; undefined where all is. A node that does not say has room, as far as anybody knows. */
function lackOf(attributes: Attributes, { cores, memoryBytes }: Wanted): string | undefined {
  const freeCores = attributeOf(attributes, 'FreeCores')
  const freeBytes = attributeOf(attributes, 'FreeMemory')
  if (typeof freeCores === 'number' && freeCores < cores) return `${countText(cores, 'core')} wanted, ${freeCores} free`
  if (memoryBytes > 0 && typeof freeBytes === 'number' && freeBytes < memoryBytes)
    return `${bytesText(memoryBytes)} of memory wanted, ${bytesText(freeBytes)} free`
  return undefined
}

function busy(
  lack: string,
  { room }: NodeFacts,
  wanted: Wanted,
  wallMs: number,
): Pick<Verdict, 'kind' | 'text' | 'roomAtMs'> {
  const atMs = room && roomAtMs(room, wanted)
  if (atMs === undefined) return { kind: 'busy', text: lack }
  return { kind: 'busy', text: `${lack}; room in ${spanText(atMs - wallMs)} at the latest`, roomAtMs: atMs }
}

function needText({ cores, memoryBytes }: Wanted): string {
  const memory = memoryBytes > 0 ? ` and ${bytesText(memoryBytes)} of memory` : ''
  return `${countText(cores, 'core')}${memory}`
}

function roomText({ capacity }: Room): string {
  return `${countText(capacity.cores, 'core')} and ${bytesText(capacity.memoryBytes)}`
}

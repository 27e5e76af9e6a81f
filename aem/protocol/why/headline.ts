import { attributeOf, KNOWN_ATTRIBUTES, knownAttribute, nearest, resolvedName } from '../../../overlay/index.ts'
import type { Condition, Wanted } from './condition.ts'
import { extremes } from './group.ts'
import type { Verdict, VerdictKind } from './verdict.ts'
import { countText, listText, numberText, spanText, valueText } from './words.ts'

/** How far the nodes looked at stand for the grid. */
export interface Coverage {
  readonly nodesCount: number
  /** False where the grid has more nodes than were asked. */
  readonly isWhole: boolean
}

/** One condition without which a job would find nodes. */
export interface Relaxation {
  readonly condition: string
  /** Nodes that would match then. */
  readonly matchCount: number
}

/** How the conditions of a job sort the nodes. */
export interface Tally {
  readonly condition: string
  /** Nodes that do not fulfil it; and those that fulfil all others. */
  readonly failedCount: number
  readonly failedAloneCount: number
}

export function talliesOf(verdicts: readonly Verdict[], conditions: readonly Condition[]): Tally[] {
  return conditions.map(({ text }, index) => {
    const failed = verdicts.filter((verdict) => verdict.failed.includes(index))
    return {
      condition: text,
      failedCount: failed.length,
      failedAloneCount: failed.filter((verdict) => verdict.failed.length === 1 && verdict.node.hasAnswered).length,
    }
  })
}

/** The one condition to give up that lets the most nodes match; undefined where no single one would be enough. */
export function relaxationOf(
  verdicts: readonly Verdict[],
  tallies: readonly Tally[],
  wanted: Wanted,
): Relaxation | undefined {
  const matchingCount = verdicts.filter(isMatching).length
  if (matchingCount >= wanted.nodes) return undefined
  const [best] = tallies.toSorted((one, other) => other.failedAloneCount - one.failedAloneCount)
  if (best === undefined || best.failedAloneCount === 0) return undefined
  const matchCount = matchingCount + best.failedAloneCount
  return matchCount < wanted.nodes ? undefined : { condition: best.condition, matchCount }
}

/** In one sentence why a job does not run, and what would change it. */
export function headlineOf(
  verdicts: readonly Verdict[],
  conditions: readonly Condition[],
  {
    wanted,
    coverage,
    relaxation,
    wallMs,
  }: {
    readonly wanted: Wanted
    readonly coverage: Coverage
    readonly relaxation: Relaxation | undefined
    readonly wallMs: number
  },
): string {
  if (verdicts.length === 0) return 'no node is known that could run it'
  const matching = verdicts.filter(isMatching)
  if (matching.length < wanted.nodes) {
    const lack = lackOf(verdicts, conditions, { matchingCount: matching.length, wanted, coverage })
    if (relaxation === undefined) return lack
    const without = lack.includes(relaxation.condition) ? 'it' : `\`${relaxation.condition}\``
    return `${lack}; without ${without} ${countText(relaxation.matchCount, 'node')} would match`
  }
  const free = matching.filter(({ kind }) => kind === 'free')
  const asked = `${countText(wanted.nodes, 'node')} wanted`
  if (free.length >= wanted.nodes)
    return `nothing stands in its way: ${countText(free.length, 'node matches and has room', 'nodes match and have room')}, ${asked}`
  return `${asked}, ${countText(matching.length, 'node matches', 'nodes match')}, ${free.length} of them free: ${waitText(matching, wanted.nodes - free.length, wallMs)}`
}

/** Nodes that are what the job asks for, whether or not they have room just now. */
export function isMatching({ kind }: Verdict): boolean {
  return kind === 'free' || kind === 'busy' || kind === 'refused' || kind === 'draining'
}

/** Why too few nodes are such nodes. */
function lackOf(
  verdicts: readonly Verdict[],
  conditions: readonly Condition[],
  { matchingCount, wanted, coverage }: { matchingCount: number; wanted: Wanted; coverage: Coverage },
): string {
  const unmet = [...conditions.keys()].filter((index) => verdicts.every((verdict) => verdict.failed.includes(index)))
  if (unmet.length > 0)
    return listText(unmet.slice(0, UNMET_SHOWN_MAX).map((index) => unmetText(verdicts, conditions[index]!, coverage)))
  const parts = [
    `${countText(wanted.nodes, 'node')} wanted, ${countText(matchingCount, 'node matches', 'nodes match')}`,
  ]
  const count = (kind: VerdictKind): number => verdicts.filter((verdict) => verdict.kind === kind).length
  if (count('unreachable') > 0) parts.push(`${count('unreachable')} that may match cannot be reached`)
  if (count('too-small') > 0)
    parts.push(`${countText(count('too-small'), 'node gives', 'nodes give')} less to jobs than a unit takes`)
  const isSplit = parts.length === 1 && matchingCount === 0 && conditions.length > 1
  if (isSplit) parts.push('each condition is fulfilled somewhere, but no node fulfils them all')
  if (!coverage.isWhole) parts.push(`${coverage.nodesCount} nodes were asked, and there are more`)
  return parts.join('; ')
}

/** Conditions without hope that one sentence tells of. */
const UNMET_SHOWN_MAX = 3

/** `no node has Memory >= 512GiB; the largest has 64GiB` */
function unmetText(verdicts: readonly Verdict[], { text, names, comparison }: Condition, coverage: Coverage): string {
  const nobody = coverage.isWhole ? 'no node' : `none of the ${coverage.nodesCount} nodes that were asked`
  const unheard = names.filter((name) => verdicts.every(({ node }) => attributeOf(node.attributes, name) === undefined))
  const [unknown] = unheard.filter((name) => knownAttribute(resolvedName(name)) === undefined)
  if (unknown !== undefined) {
    const guess = nearest(unknown, [...KNOWN_ATTRIBUTES.map(({ name }) => name), ...labelsOf(verdicts)])
    return `${nobody} fulfils \`${text}\`, or has an attribute ${unknown} at all${guess === undefined ? '' : ` (did you mean ${guess}?)`}`
  }
  if (comparison === undefined) return `${nobody} fulfils \`${text}\``
  return `${nobody} has ${text}${offerText(verdicts, comparison)}`
}

/** What comes nearest to a comparison. */
function offerText(verdicts: readonly Verdict[], { name, operator }: NonNullable<Condition['comparison']>): string {
  const values = verdicts.map(({ node }) => attributeOf(node.attributes, name)).filter((value) => value !== undefined)
  if (values.length === 0) return `, and none says what ${name} it has`
  const numbers = values.filter((value) => typeof value === 'number')
  if (numbers.length === values.length && operator !== '==' && operator !== '!=') {
    const [low, high] = extremes(numbers)
    const isAtLeast = operator === '>' || operator === '>='
    return `; the ${isAtLeast ? 'largest' : 'smallest'} has ${numberText(name, isAtLeast ? high : low)}`
  }
  const texts = [...new Set(values.map((value) => valueText(name, value)))]
  return `; there is ${listText(texts.slice(0, OFFERS_SHOWN_MAX))}${texts.length > OFFERS_SHOWN_MAX ? ', and more' : ''}`
}

const OFFERS_SHOWN_MAX = 4

/** Labels of some of the nodes: enough to guess what was meant. */
function labelsOf(verdicts: readonly Verdict[]): string[] {
  const names = verdicts.slice(0, LABELLED_COUNT_MAX).flatMap(({ node }) => Object.keys(node.attributes))
  return [...new Set(names)]
}

const LABELLED_COUNT_MAX = 100

/** What the missing ones are waiting for. */
function waitText(matching: readonly Verdict[], missingCount: number, wallMs: number): string {
  const of = (kind: VerdictKind): Verdict[] => matching.filter((verdict) => verdict.kind === kind)
  const parts: string[] = []
  const busy = of('busy')
  if (busy.length > 0) parts.push(`${busy.length} ${busy.length === 1 ? 'is' : 'are'} busy`)
  if (of('draining').length > 0) parts.push(`${of('draining').length} take nothing new`)
  if (of('refused').length > 0) parts.push(`${of('refused').length} refused it`)
  const known = busy.flatMap(({ roomAtMs }) => (roomAtMs === undefined ? [] : [roomAtMs])).toSorted((a, b) => a - b)
  const lastMs = known[missingCount - 1]
  if (lastMs !== undefined) parts.push(`there is room in ${spanText(lastMs - wallMs)} at the latest`)
  return listText(parts)
}

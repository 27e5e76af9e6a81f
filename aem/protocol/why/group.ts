import { attributeOf, type PeerId } from '../../../overlay/index.ts'
import { NAMES_SHOWN_MAX, type Condition } from './condition.ts'
import type { Verdict, VerdictKind } from './verdict.ts'
import { countText, numberText, valueText } from './words.ts'

/** Nodes with one reason. */
export interface Group {
  readonly kind: VerdictKind
  /** The reason for all of them: `Cores >= 64: 4 to 16 here`. */
  readonly text: string
  readonly count: number
  /** All of them. */
  readonly nodes: readonly PeerId[]
}

/** By reason, the most frequent first; what a node lacks of several things is told by the first of them. */
export function groupsOf(verdicts: readonly Verdict[], conditions: readonly Condition[]): Group[] {
  const groups = new Map<string, Verdict[]>()
  for (const verdict of verdicts) {
    const key = keyOf(verdict)
    const group = groups.get(key)
    if (group) group.push(verdict)
    else groups.set(key, [verdict])
  }
  return [...groups.values()]
    .map((members) => ({
      kind: members[0]!.kind,
      text: textOf(members, conditions),
      count: members.length,
      nodes: members.map(({ node }) => node.id),
    }))
    .toSorted((one, other) => other.count - one.count)
}

/** Nodes of one condition stand together whatever they have; so do those that are busy, whatever of. */
function keyOf({ kind, failed, text, node }: Verdict): string {
  if (kind === 'condition') return `condition ${failed[0]}`
  if (kind === 'refused') return `refused ${node.refusal?.reason}`
  return kind === 'unreachable' ? `unreachable ${text}` : kind
}

function textOf(members: readonly Verdict[], conditions: readonly Condition[]): string {
  const [first] = members as readonly [Verdict, ...Verdict[]]
  if (members.length === 1) return first.text
  if (first.kind === 'condition') return conditionText(members, conditions[first.failed[0]!]!)
  if (first.kind === 'busy') return 'busy: not enough free just now'
  if (first.kind === 'too-small') return 'smaller than a unit, even when they are empty'
  if (first.kind === 'refused') return `refused: ${first.node.refusal!.reason}`
  return first.text
}

function conditionText(members: readonly Verdict[], condition: Condition): string {
  const here = condition.names
    .slice(0, NAMES_SHOWN_MAX)
    .map((name) => spreadText(members, name, condition.names.length > 1))
  return here.length === 0 ? condition.text : `${condition.text}: ${here.join(', ')}`
}

/** What several nodes have of one attribute. */
function spreadText(members: readonly Verdict[], name: string, isNamed: boolean): string {
  const values = members.map(({ node }) => attributeOf(node.attributes, name)).filter((value) => value !== undefined)
  if (values.length === 0) return `no ${name} there`
  const prefix = isNamed ? `${name} ` : ''
  const rest =
    values.length < members.length ? `, and ${countText(members.length - values.length, 'node')} without` : ''
  const numbers = values.filter((value) => typeof value === 'number')
  if (numbers.length === values.length) {
    const [low, high] = extremes(numbers)
    const spread = low === high ? numberText(name, low) : `${numberText(name, low)} to ${numberText(name, high)}`
    return `${prefix}${spread} there${rest}`
  }
  const texts = [...new Set(values.map((value) => valueText(name, value)))]
  const shown = texts.slice(0, VALUES_SHOWN_MAX).join(' or ')
  return `${prefix}${shown}${texts.length > VALUES_SHOWN_MAX ? ` and ${texts.length - VALUES_SHOWN_MAX} others` : ''} there${rest}`
}

/** Different values of one attribute that are told of a group. */
const VALUES_SHOWN_MAX = 3

export function extremes(numbers: readonly number[]): [low: number, high: number] {
  return [
    numbers.reduce((low, number) => Math.min(low, number), Infinity),
    numbers.reduce((high, number) => Math.max(high, number), -Infinity),
  ]
}

import type { FindReply } from '../../surface/index.ts'

type Explanation = FindReply['explanation']

const NAME_CHARS = 10

/** How a search went, in a few lines for people. */
export function explain(explanation: Explanation): string[] {
  const facts: [string, string][] = [
    ['plan', planText(explanation)],
    ['grouping', groupingText(explanation)],
    ['cells', cellsText(explanation)],
    ['contacts', contactsText(explanation)],
    ['looked at', lookedAtText(explanation)],
    ['asked', askedText(explanation)],
    ['ended', endText(explanation)],
  ]
  return facts.map(([name, text]) => `${name.padEnd(NAME_CHARS)}${text}`)
}

function planText({ boxes }: Explanation): string {
  if (boxes.length === 0) return 'no node can match'
  if (boxes.includes('')) return 'every node may match, by what it is at the moment'
  return boxes.join(`\n${' '.repeat(NAME_CHARS - 3)}or `)
}

function groupingText({ grouping }: Explanation): string {
  return grouping.length === 0 ? 'none: nodes stand by their ids' : `by ${grouping.join(', ')}`
}

function cellsText({ cellCount, estimatedCells = 0 }: Explanation): string {
  return estimatedCells > cellCount
    ? `${cellCount} of about ${Math.ceil(estimatedCells)} that the query touches`
    : `${cellCount}`
}

function contactsText({ contactCount, roundTripCount, failedCount }: Explanation): string {
  if (contactCount === 0) return '0: this node knew enough itself'
  const failed = failedCount === 0 ? '' : `; nobody answered for ${counted(failedCount, 'part')} of the grid`
  return `${counted(contactCount, 'node')} asked for descriptors, in ${counted(roundTripCount, 'round trip')}${failed}`
}

function lookedAtText({ consideredCount, heldCount, ruledOutCount }: Explanation): string {
  return `${counted(consideredCount, 'node')}, ${heldCount} held here; ${ruledOutCount} ruled out by what they are`
}

function askedText({ askedCount, confirmedCount, unfitCount, silentCount }: Explanation): string {
  return `${counted(askedCount, 'node')}: ${confirmedCount} confirmed, ${unfitCount} not fit just now, ${silentCount} silent`
}

const REASONS: Readonly<Record<Explanation['reason'], string>> = {
  enough: 'as many as were wanted were found',
  'nobody-left': 'nobody was left to ask',
  deadline: 'the time was over',
  cancelled: 'it was given up',
}

function endText({ reason, complete, elapsedMs }: Explanation): string {
  const rest = complete ? 'every node that may match was asked' : 'there may be more'
  return `after ${(elapsedMs / 1_000).toFixed(2)} s: ${REASONS[reason]}; ${rest}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

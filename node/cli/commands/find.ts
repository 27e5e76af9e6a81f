import { functionNames, type Expression } from '../../../overlay/index.ts'
import type { FindLine, FindReply, FindRequest, FoundNode, NodeReport } from '../../surface/index.ts'
import type { Flags } from '../action.ts'
import { checkExpression } from '../expression.ts'
import { parseCount, parseDurationMs } from '../quantity.ts'
import { get, send } from '../request.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'
import { TableStream } from '../table-stream.ts'
import { unknownNames } from '../unknown-names.ts'
import { explain } from './find-explanation.ts'
import { machineCells } from './nodes.ts'

const COUNT_MAX = 100_000
const TIMEOUT_MS_MAX = 600_000

/**
 * `roost find EXPR`: live nodes, each the moment it has answered, or best first where there is a rank. Nobody found is an empty
 * result. With `--json` one document, or with `--stream` a line for each node and one for the rest.
 */
export async function find(session: Session, [where]: readonly string[], flags: Flags): Promise<void> {
  const rank = typeof flags['rank'] === 'string' ? flags['rank'] : undefined
  // Before the daemon is asked, so that a slip in an expression is told whether or not one runs.
  const functions = functionNames()
  const query = checkExpression(where!, { functions })
  if (rank !== undefined) checkExpression(rank, { functions })
  const request: FindRequest = {
    where: where!,
    ...(rank !== undefined && { rank }),
    count: parseCount(String(flags['count']), '--count', { min: 1, max: COUNT_MAX }),
    timeoutMs: Math.min(parseDurationMs(String(flags['timeout']), '--timeout'), TIMEOUT_MS_MAX),
  }
  const { output } = session
  if (output.json && flags['stream'] !== true)
    return output.document(await send<FindReply>(session, 'POST', '/find', request))
  const { end, count } = await showNodes(session, request)
  output.progress(summaryOf(end, count))
  if (flags['explain'] === true) for (const line of explain(end.explanation)) output.line(line)
  if (count === 0 && !output.json) await tellSlips(session, query)
}

type End = Extract<FindLine, { type: 'end' }>

/** Shows nodes as they come; those that came before a failure or ctrl-c stay shown. */
async function showNodes(session: Session, request: FindRequest): Promise<{ end: End; count: number }> {
  const { findStream } = await import('../../client/index.ts')
  const columns = ['id', 'name', ...(request.rank === undefined ? [] : ['rank'])]
  const table = new TableStream(session.output, [...columns, 'cores', 'free', 'load', 'memory', 'os', 'arch'], rowsOf)
  let count = 0
  let end: End | undefined
  try {
    for await (const line of findStream(session.fetch, request)) {
      session.output.record(line)
      if (line.type === 'end') end = line
      else {
        count++
        if (!session.output.json) table.add(line)
      }
    }
  } finally {
    table.flush()
  }
  return { end: end!, count }
}

function rowsOf(nodes: readonly FoundNode[]): Record<string, string | number>[] {
  const short = shortIds(nodes.map(({ id }) => id))
  return nodes.map(({ id, name, rank, attributes }) => ({
    id: short.get(id)!,
    name,
    rank,
    load: typeof attributes['Load'] === 'number' ? attributes['Load'].toFixed(2) : '',
    free: typeof attributes['FreeCores'] === 'number' ? attributes['FreeCores'] : '',
    ...machineCells(attributes),
  }))
}

function summaryOf({ rejected, explanation }: End, count: number): string {
  const { static: unfit, dynamic: busy, silent } = rejected
  return [
    `${count} found`,
    ...(unfit > 0 ? [`${unfit} ${unfit === 1 ? 'is' : 'are'} not such machines`] : []),
    ...(busy > 0 ? [`${busy} ${busy === 1 ? 'does' : 'do'} not fit just now`] : []),
    ...(silent > 0 ? [`${silent} did not answer`] : []),
    ...(explanation.reason === 'deadline' ? ['the time was over'] : []),
  ].join('; ')
}

/** Nobody has what a misspelt name stands for, and no machine would say so. */
async function tellSlips(session: Session, query: Expression): Promise<void> {
  const { nodes } = await get<{ nodes: readonly NodeReport[] }>(session, '/nodes')
  const machines = nodes.map(({ attributes }) => attributes)
  for (const { name, guess } of unknownNames(query, machines))
    session.output.progress(`no node has an attribute ${name}${guess === undefined ? '' : `: did you mean ${guess}?`}`)
}

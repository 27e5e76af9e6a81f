import { functionNames, type Expression } from '../../../overlay/index.ts'
import type { FindReply, FindRequest, NodeReport } from '../../surface/index.ts'
import { checkExpression } from '../expression.ts'
import type { Flags } from '../action.ts'
import { parseCount, parseDurationMs } from '../quantity.ts'
import { get, send } from '../request.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'
import { unknownNames } from '../unknown-names.ts'
import { machineCells } from './nodes.ts'

const COUNT_MAX = 100_000
const TIMEOUT_MS_MAX = 600_000

/** `roost find EXPR`: live nodes, best rank first. Nobody found is an empty result. */
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
  const reply = await send<FindReply>(session, 'POST', '/find', request)
  session.output.document(reply)
  tellFound(session, reply, rank !== undefined)
  if (reply.nodes.length === 0) await tellSlips(session, query)
}

/** Nobody has what a misspelt name stands for, and no machine would say so. */
async function tellSlips(session: Session, query: Expression): Promise<void> {
  const { nodes } = await get<{ nodes: readonly NodeReport[] }>(session, '/nodes')
  const machines = nodes.map(({ attributes }) => attributes)
  for (const { name, guess } of unknownNames(query, machines))
    session.output.progress(`no node has an attribute ${name}${guess === undefined ? '' : `: did you mean ${guess}?`}`)
}

function tellFound({ output }: Session, { nodes, rejected }: FindReply, isRanked: boolean): void {
  const short = shortIds(nodes.map((node) => node.id))
  const rows = nodes.map((node) => ({
    id: short.get(node.id)!,
    name: node.name,
    rank: node.rank,
    load: typeof node.attributes['Load'] === 'number' ? node.attributes['Load'].toFixed(2) : '',
    free: freeCores(node.attributes['FreeCores']),
    ...machineCells(node.attributes),
  }))
  const columns = ['id', 'name', ...(isRanked ? ['rank'] : []), 'cores', 'free', 'load', 'memory', 'os', 'arch']
  if (rows.length > 0) output.table(rows, columns)
  const { static: unfit, dynamic: busy, silent } = rejected
  const others = [
    ...(unfit > 0 ? [`${unfit} ${unfit === 1 ? 'is' : 'are'} not such machines`] : []),
    ...(busy > 0 ? [`${busy} ${busy === 1 ? 'does' : 'do'} not fit just now`] : []),
    ...(silent > 0 ? [`${silent} did not answer`] : []),
  ]
  output.progress([`${nodes.length} found`, ...others].join('; '))
}

function freeCores(value: unknown): string | number {
  return typeof value === 'number' ? value : ''
}

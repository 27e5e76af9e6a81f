import { functionNames } from '../../../overlay/index.ts'
import type { FindReply, FindRequest } from '../../surface/index.ts'
import { checkExpression } from '../expression.ts'
import type { Flags } from '../action.ts'
import { parseCount, parseDurationMs } from '../quantity.ts'
import { send } from '../request.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'
import { machineCells } from './nodes.ts'

const COUNT_MAX = 100_000
const TIMEOUT_MS_MAX = 600_000

/** `roost find EXPR`: live nodes, best rank first. Nobody found is an empty result. */
export async function find(session: Session, [where]: readonly string[], flags: Flags): Promise<void> {
  const rank = typeof flags['rank'] === 'string' ? flags['rank'] : undefined
  // Before the daemon is asked, so that a slip in an expression is told whether or not one runs.
  const functions = functionNames()
  checkExpression(where!, { functions })
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
  output.progress(
    `${nodes.length} found; ${unfit} are not such machines, ${busy} not just now, ${silent} did not answer`,
  )
}

function freeCores(value: unknown): string | number {
  return typeof value === 'number' ? value : ''
}

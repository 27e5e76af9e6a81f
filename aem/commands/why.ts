import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import type { Why } from '../service/index.ts'
import { ask, findJob } from './daemon.ts'
import { shortId } from './format.ts'
import { readJob } from './job-file.ts'
import { readingHeaders } from './reading.ts'

/** Nodes of one reason that are named; the others are counted. */
const NAMED_COUNT_MAX = 3

/**
 * `roost why JOB|FILE`: one sentence that says why the job does not run and what would change it, then the nodes by reason. With `--all`
 * every node with its own.
 */
export async function why(context: CommandContext, subject: string, options: { readonly all?: true }): Promise<void> {
  const answer = isFile(subject) ? await whyNot(context, subject) : await whyJob(context, subject)
  const { output } = context
  output.document(answer)
  if (answer.job !== undefined) output.line(`${shortId(answer.job.id)} ${answer.job.state}: ${answer.job.reason}`)
  output.line(answer.headline)
  if (answer.nodes.length > 0) {
    output.line('')
    if (options.all) showNodes(context, answer)
    else showGroups(context, answer)
  }
  if (!answer.isWhole) output.progress(`${answer.nodes.length} nodes were asked, and there are more: a sample`)
}

/** No job's id has one of these. */
function isFile(subject: string): boolean {
  return subject === '-' || /[./]/.test(subject)
}

async function whyNot(context: CommandContext, file: string): Promise<Why> {
  const body = JSON.stringify({ description: (await readJob(file)).raw })
  return ask<Why>(context, '/why', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
}

async function whyJob(context: CommandContext, name: string): Promise<Why> {
  try {
    const { id } = await findJob(context, name)
    return await ask<Why>(context, `/jobs/${id}/why`, { headers: await readingHeaders(context, id) })
  } catch (thrown) {
    if (!(thrown instanceof RoostError) || thrown.code !== 'JOB_NOT_FOUND') throw thrown
    throw new RoostError('JOB_NOT_FOUND', thrown.message, {
      cause: thrown,
      hint: `a file is named by a path: ./${name}`,
    })
  }
}

function showGroups({ output }: CommandContext, { groups, nodes }: Why): void {
  const names = new Map(nodes.map(({ id, name }) => [id, name || shortId(id)]))
  const rows = groups.map((group) => {
    const named = group.nodes.slice(0, NAMED_COUNT_MAX).map((id) => names.get(id) ?? shortId(id))
    const rest = group.count - named.length
    return { nodes: group.count, reason: group.text, which: rest > 0 ? `${named.join(' ')} +${rest}` : named.join(' ') }
  })
  output.table(rows, ['nodes', 'reason', 'which'])
}

function showNodes({ output }: CommandContext, { nodes }: Why): void {
  const rows = nodes.map(({ id, name, reason, failed }) => ({
    node: shortId(id),
    name,
    reason: failed.length < 2 ? reason : `${reason}; nor ${failed.slice(1).join(', ')}`,
  }))
  output.table(rows, ['node', 'name', 'reason'])
}

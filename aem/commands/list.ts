import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { JOB_STATES } from '../protocol/index.ts'
import type { JobList } from '../service/index.ts'
import { ask } from './daemon.ts'
import { ago, shortId } from './format.ts'

/** `roost ps`: jobs of this node and of others that can be reached, the newest first. */
export async function list(
  context: CommandContext,
  options: { readonly all?: true; readonly state?: string; readonly user?: string },
): Promise<void> {
  const { state } = options
  if (state !== undefined && !(JOB_STATES as readonly string[]).includes(state))
    throw new RoostError('USAGE', `--state ${state}: there is no such state`, {
      hint: `one of ${JOB_STATES.join(', ')}`,
    })
  const query = new URLSearchParams()
  if (options.all) query.set('all', 'true')
  if (state !== undefined) query.set('state', state)
  if (options.user !== undefined) query.set('user', options.user === 'me' ? await ownId(context) : options.user)
  const reply = await ask<JobList>(context, `/jobs?${query}`)
  context.output.document(reply)
  if (reply.jobs.length === 0)
    context.output.line(options.all ? 'no jobs' : 'no jobs wait or run; `roost ps --all` lists those that have ended')
  else
    context.output.table(
      reply.jobs.map((job) => ({
        id: shortId(job.id),
        name: job.name,
        state: job.state,
        units: job.unitsCount,
        exit: job.exitCode ?? '',
        submitted: ago(job.submittedAtMs),
        reason: job.reason,
      })),
      ['id', 'name', 'state', 'units', 'exit', 'submitted', 'reason'],
    )
  for (const { node, reason } of reply.unreached)
    context.output.progress(`node ${shortId(node)} was not asked for its jobs: ${reason}`)
  if (!reply.isWhole) context.output.progress('there are more jobs; these are the newest')
}

/** The key id of who runs this command. Nothing is sent: the signature is thrown away. */
async function ownId(context: CommandContext): Promise<string> {
  return (await context.sign('job.list', {})).signer
}

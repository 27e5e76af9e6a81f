import type { CommandContext } from '../../overlay/contract/index.ts'
import { CANCEL_ACTION, isFinal } from '../protocol/index.ts'
import type { Job } from '../service/index.ts'
import { ask, findJob } from './daemon.ts'
import { shortId } from './format.ts'
import { encodeStatement } from './statement.ts'

/** `roost cancel JOB...`: returns when it is on the controllers' disks; `roost wait` waits for the end. */
export async function cancel(
  context: CommandContext,
  names: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<void> {
  const found = await Promise.all(names.map((name) => findJob(context, name)))
  const jobs: { id: string; state: string }[] = []
  for (const { id } of found) {
    const statement = await context.sign(CANCEL_ACTION, { jobId: id, ...(reason !== undefined && { reason }) })
    const job = await ask<Job>(context, `/jobs/${id}/cancel`, { method: 'POST', body: encodeStatement(statement) })
    context.output.line(`${shortId(id)} ${isFinal(job.state) ? `has ended: ${job.state}` : 'is being cancelled'}`)
    jobs.push({ id, state: job.state })
  }
  context.output.document({ jobs })
}

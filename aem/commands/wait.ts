import type { CommandContext } from '../../overlay/contract/index.ts'
import { jobEnd, findJob } from './daemon.ts'
import { shortId } from './format.ts'

/** `roost wait JOB...`: exits as the first of them, in the order given, that did not succeed. */
export async function wait(context: CommandContext, names: readonly string[]): Promise<void> {
  // Every name is looked up before any is waited for: a typing error in the last one shows at once.
  const ids = await Promise.all(names.map(async (name) => (await findJob(context, name)).id))
  const jobs = await Promise.all(
    ids.map(async (id) => {
      const { state, exitCode, reason } = await jobEnd(context, id)
      context.output.line(`${shortId(id)} ${state}: ${reason}`)
      return { id, state, exitCode, reason }
    }),
  )
  context.output.document({ jobs })
  context.exit(jobs.find((job) => job.exitCode !== 0)?.exitCode ?? 0)
}

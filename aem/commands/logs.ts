import { asRoostError, RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import { findJob, unitOutput } from './daemon.ts'
import { OutputWriter } from './output-writer.ts'
import { watchJob } from './watch.ts'

/** `roost logs JOB`: what the units wrote, one after another; with `--follow` all of them as they write, to the job's end. */
export async function logs(
  context: CommandContext,
  name: string,
  options: { readonly follow?: true; readonly unit?: number; readonly label?: true },
): Promise<void> {
  if (Number.isNaN(options.unit)) throw new RoostError('USAGE', '--unit is a whole number')
  const job = await findJob(context, name)
  const { unit } = options
  if (unit !== undefined && unit >= job.units.length)
    throw new RoostError('UNIT_NOT_FOUND', `job ${job.id} has ${job.units.length} units, and none with index ${unit}`)
  const isSeveral = job.units.length > 1 && unit === undefined
  const label = options.label === true || (isSeveral && process.stdout.isTTY === true)
  if (options.follow) {
    await watchJob(context, job.id, {
      label,
      record: true,
      signal: context.signal,
      ...(unit !== undefined && { unit }),
    })
    return
  }
  for (const { index, state, reason } of job.units) {
    if (unit !== undefined && unit !== index) continue
    if (state === 'waiting' || state === 'starting') context.output.progress(`unit ${index} has not started: ${reason}`)
    else await printUnit(context, { id: job.id, index }, { label, mayFail: isSeveral })
  }
}

async function printUnit(
  context: CommandContext,
  unit: { readonly id: string; readonly index: number },
  { label, mayFail }: { readonly label: boolean; readonly mayFail: boolean },
): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const writer = new OutputWriter(context.output, { stream, unit: unit.index, label, record: true })
    try {
      for await (const chunk of unitOutput(context, unit, { stream, follow: false })) {
        writer.write(chunk)
      }
    } catch (thrown) {
      // One unit whose node is gone hides the others' output no more than it must.
      if (!mayFail) throw thrown
      context.output.progress(`unit ${unit.index}: ${asRoostError(thrown).message}`)
      return
    } finally {
      writer.end()
    }
  }
}

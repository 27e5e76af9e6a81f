import type { CommandContext } from '../../overlay/contract/index.ts'
import type { Job } from '../service/index.ts'
import { showJob } from './daemon.ts'
import { commandText, duration, shortId, time } from './format.ts'

/** `roost show JOB` */
export async function show(context: CommandContext, name: string): Promise<void> {
  const job = await showJob(context, name)
  const { output } = context
  output.document(job)
  for (const [label, value] of facts(job)) output.line(`${label.padEnd(12)}${value}`)
  output.line('')
  output.table(
    job.units.map((unit) => ({
      unit: unit.index,
      state: unit.state,
      node: unit.node === undefined ? '' : shortId(unit.node),
      time: unit.startedAtMs === undefined ? '' : duration((unit.endedAtMs ?? Date.now()) - unit.startedAtMs),
      reason: unit.reason,
    })),
    ['unit', 'state', 'node', 'time', 'reason'],
  )
}

function facts(job: Job): [string, string][] {
  const { description } = job
  return [
    ['job', job.id],
    ['name', description.name],
    ['state', job.state],
    ['reason', job.reason],
    ...(job.exitCode === undefined ? [] : [['exit', String(job.exitCode)] as [string, string]]),
    ['run', commandText(description.run)],
    ['where', description.where],
    ['owner', job.owner],
    ['controller', job.controller],
    ['submitted', time(job.submittedAtMs)],
    ...(job.startedAtMs === undefined ? [] : [['started', time(job.startedAtMs)] as [string, string]]),
    ...(job.endedAtMs === undefined ? [] : [['ended', time(job.endedAtMs)] as [string, string]]),
    ...(job.inputs.length === 0
      ? []
      : [['inputs', job.inputs.map((input) => `${input.name} (${input.bytes} bytes)`).join(', ')] as [string, string]]),
  ]
}

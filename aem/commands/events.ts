import { RoostError } from '../../overlay/index.ts'
import type { CommandContext } from '../../overlay/contract/index.ts'
import type { JobEvent } from '../protocol/index.ts'
import { jobEvents, jobName } from './daemon.ts'
import { shortId, time } from './format.ts'

/** `roost events JOB`: a line for each event; with `--json` each is one line of JSON, as the log has it. */
export async function events(
  context: CommandContext,
  name: string,
  { follow, from }: { readonly follow?: true; readonly from: number },
): Promise<void> {
  if (!(from >= 1)) throw new RoostError('USAGE', '--from is a whole number from 1')
  for await (const event of jobEvents(context, jobName(context, name), { from, follow: follow === true })) {
    context.output.record(event)
    context.output.line(
      `${String(event.number).padStart(4)}  ${time(event.atMs)}  ${event.type.padEnd(12)}  ${about(event)}`,
    )
  }
}

/** What happened, in words: where and why. */
export function about(event: JobEvent): string {
  switch (event.type) {
    case 'submitted':
      return `by ${shortId(event.owner)} at ${shortId(event.controller)}`
    case 'queued':
      return event.reason
    case 'matched':
      return `attempt ${event.attempt}: ${event.nodes.map(shortId).join(' ')}`
    case 'placed':
      return `attempt ${event.attempt}: every node has confirmed`
    case 'unit-started':
      return `unit ${event.unit} on ${shortId(event.node)}`
    case 'unit-exited':
      return `unit ${event.unit} on ${shortId(event.node)}: ${exitText(event.exit)}`
    case 'unit-lost':
    case 'unit-found':
      return `unit ${event.unit} on ${shortId(event.node)}: ${event.reason}`
    case 'cancelling':
      return event.reason
    case 'ended':
      return `${event.state}, exit status ${event.exitCode}: ${event.reason}`
  }
}

function exitText(exit: Extract<JobEvent, { type: 'unit-exited' }>['exit']): string {
  if (exit.kind === 'exited') return `exit status ${exit.code}`
  if (exit.kind === 'signalled') return `signal ${exit.signal}`
  return 'reason' in exit ? `${exit.kind}: ${exit.reason}` : exit.kind
}

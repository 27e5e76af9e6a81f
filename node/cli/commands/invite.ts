import { requestInvite } from '../../client/index.ts'
import type { Flags } from '../action.ts'
import { formatDuration, parseDurationMs } from '../quantity.ts'
import type { Session } from '../session.ts'

/** `roost invite`: the ticket alone on stdout, so that it can be piped. */
export async function invite(session: Session, _args: readonly string[], flags: Flags): Promise<void> {
  const ttlMs = parseDurationMs(String(flags['ttl']), '--ttl')
  const { userDir } = await session.place()
  const reply = await requestInvite(userDir, session.fetch, { ttlMs })
  session.output.document(reply)
  session.output.line(reply.ticket)
  session.output.progress(`good once, within ${formatDuration(ttlMs)}; on the other machine: \`roost join TICKET\``)
}

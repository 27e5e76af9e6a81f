import { RoostError } from '../../../overlay/index.ts'
import type { TunnelLine } from '../../surface/index.ts'
import { parseCount } from '../quantity.ts'
import type { Session } from '../session.ts'
import { ownedName } from './app-owner.ts'

/** `roost app connect [OWNER/]NAME [PORT]`: a local port that leads to the application, until ctrl-c. */
export async function connectApplication(session: Session, [text, port]: readonly string[]): Promise<void> {
  const { linesOf } = await import('../../client/index.ts')
  const { output } = session
  const wanted = port === undefined ? 0 : parseCount(port, 'the port', { min: 0, max: 65_535 })
  const { name, owner } = await ownedName(session, text!)
  const response = await session.fetch(`/applications/${encodeURIComponent(name)}/tunnel`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ port: wanted, owner }),
  })
  for await (const text of linesOf(response.body)) {
    const line = JSON.parse(text) as TunnelLine
    output.record(line)
    if (line.type === 'listening') {
      output.line(`127.0.0.1:${line.port}`)
      output.progress(`leads to ${owner}/${name}, until ctrl-c`)
    } else if (line.type === 'connected') output.progress(`a connection goes to ${line.node}`)
    else if (line.type === 'failed') output.progress(`a connection failed: ${line.message} (${line.code})`)
  }
  throw new RoostError('CONNECTION_LOST', 'the daemon ended the tunnel', {
    hint: '`roost status` shows whether it runs',
  })
}

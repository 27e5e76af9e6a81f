import { stopDaemon } from '../../client/index.ts'
import type { Session } from '../session.ts'
import { refuseUnnamedDev } from './own-daemon.ts'

/** `roost down`: jobs that run here go on; their daemon takes them up again when it starts. */
export async function down(session: Session): Promise<void> {
  await refuseUnnamedDev(session)
  const status = await stopDaemon(session.fetch, '/shutdown')
  session.output.document({ id: status.id, name: status.name, pid: status.pid })
  session.output.line(`${status.name} is down`)
}

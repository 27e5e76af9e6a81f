import { stopDaemon } from '../../client/index.ts'
import type { Session } from '../session.ts'
import { refuseUnnamedDev } from './own-daemon.ts'

/** `roost leave`: the grid is told, the credentials are gone, and the daemon has ended. */
export async function leave(session: Session): Promise<void> {
  await refuseUnnamedDev(session)
  const status = await stopDaemon(session.fetch, '/leave')
  session.output.document({ id: status.id, name: status.name, grid: status.grid.name })
  session.output.line(`${status.name} has left the grid ${status.grid.name}`)
  session.output.progress('`roost join TICKET` joins a grid, `roost up` makes one')
}

import { parseTicket, RoostError } from '../../../overlay/index.ts'
import type { Flags } from '../action.ts'
import type { Session } from '../session.ts'
import { ownDaemonStatus } from './own-daemon.ts'
import { ownSettings, startDetached, tellOfStart } from './up.ts'

/** `roost join TICKET`: redeems the ticket and leaves the daemon running: one command to be in the grid. */
export async function join(session: Session, [ticket]: readonly string[], flags: Flags): Promise<void> {
  parseTicket(ticket!)
  const settings = await ownSettings(session, flags)
  const running = await ownDaemonStatus(settings.dataDir, session.signal)
  if (running)
    throw new RoostError('ALREADY_JOINED', `this machine is in the grid ${running.grid.name} already`, {
      data: { grid: running.grid.name, fingerprint: running.grid.fingerprint },
      hint: '`roost status` shows it; `roost leave` leaves it, then join again',
    })
  tellOfStart(session, await startDetached(session, settings, { ...flags, join: ticket!.trim() }))
  session.output.progress('`roost nodes` shows who else is there; `roost down` stops the daemon')
}

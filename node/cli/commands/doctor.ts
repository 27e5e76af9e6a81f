import { asRoostError, EXIT } from '../../../overlay/index.ts'
import type { DoctorReply } from '../../surface/index.ts'
import { QuietExit } from '../failure.ts'
import { get } from '../request.ts'
import type { Session } from '../session.ts'
import { localChecks, type Check } from './doctor-checks.ts'

/** `roost doctor`: what can be told without a daemon, then what the daemon tells. Fails where a check failed. */
export async function doctor(session: Session): Promise<void> {
  const place = await session.place()
  const settings = await session.settings()
  const daemon = await daemonChecks(session)
  const local = await localChecks({ ...place, listen: settings.listen, port: settings.port, daemonRuns: daemon.runs })
  // What both look at, the daemon sees better.
  const told = new Set(daemon.checks.map((check) => check.name))
  const checks = [...local.filter((check) => !told.has(check.name)), ...daemon.checks]
  session.output.document({ checks })
  const rows = checks.map(({ name, state, detail }) => ({ state, check: name, detail }))
  session.output.table(rows, ['state', 'check', 'detail'])
  const toDo = checks.filter((check) => check.state !== 'ok' && check.hint)
  if (toDo.length > 0) session.output.line('')
  for (const { name, hint } of toDo) session.output.line(`${name}: ${hint}`)
  if (checks.some((check) => check.state === 'failed')) throw new QuietExit(EXIT.failed)
}

async function daemonChecks(session: Session): Promise<{ runs: boolean; checks: readonly Check[] }> {
  try {
    return { runs: true, checks: (await get<DoctorReply>(session, '/doctor')).checks }
  } catch (thrown) {
    const error = asRoostError(thrown)
    const runs = error.code !== 'DAEMON_UNREACHABLE'
    const state = runs ? 'failed' : 'warning'
    return { runs, checks: [{ name: 'daemon', state, detail: error.message, hint: error.hint }] }
  }
}

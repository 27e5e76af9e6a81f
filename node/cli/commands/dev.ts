import {
  DAEMON_COUNT_MAX,
  devDir,
  killDaemon,
  restartDaemon,
  runDemo,
  startGrid,
  stopGrid,
  type DevDaemon,
  type DevTools,
} from '../../dev/index.ts'
import type { Flags } from '../action.ts'
import { parseCount } from '../quantity.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'

/** `roost dev up -n N` */
export async function devUp(session: Session, _args: readonly string[], flags: Flags): Promise<void> {
  const dir = devDir(session.host.env)
  const count = parseCount(String(flags['count']), '--count', { min: 1, max: DAEMON_COUNT_MAX })
  const { daemons } = await startGrid(dir, count, tools(session))
  tellDaemons(session, dir, daemons)
  session.output.progress(
    session.host.env['ROOST_DEV_DIR']
      ? 'the other commands now talk to daemon 1: try `roost nodes`'
      : `try \`roost nodes\`; where a daemon of your own runs: ROOST_DEV_DIR=${dir} roost nodes`,
  )
}

/** `roost dev kill K` */
export async function devKill(session: Session, [k]: readonly string[]): Promise<void> {
  const daemon = await killDaemon(devDir(session.host.env), daemonNumber(k!))
  session.output.document({ number: daemon.number, id: daemon.id, pid: daemon.process.pid })
  session.output.line(`killed daemon ${daemon.number} (${daemon.name}, process ${daemon.process.pid})`)
}

/** `roost dev restart K` */
export async function devRestart(session: Session, [k]: readonly string[]): Promise<void> {
  const dir = devDir(session.host.env)
  tellDaemons(session, dir, [await restartDaemon(dir, daemonNumber(k!), tools(session))])
}

/** `roost dev down` */
export async function devDown(session: Session): Promise<void> {
  const dir = devDir(session.host.env)
  const count = await stopGrid(dir, tools(session))
  session.output.document({ dir, stopped: count })
  session.output.line(`stopped ${count} daemons and removed ${dir}`)
}

/** `roost dev demo [--keep]` */
export async function devDemo(session: Session, _args: readonly string[], flags: Flags): Promise<void> {
  const keep = flags['keep'] === true
  await runDemo(tools(session), { keep, line: session.output.line })
  session.output.document({ ok: true, kept: keep })
}

function tools({ host, signal, output }: Session): DevTools {
  return { entry: host.entry, env: host.env, signal, progress: output.progress }
}

function daemonNumber(text: string): number {
  return parseCount(text, 'K', { min: 1, max: DAEMON_COUNT_MAX })
}

function tellDaemons({ output }: Session, dir: string, daemons: readonly DevDaemon[]): void {
  const report = daemons.map(({ number, id, name, address, dataDir, process: { pid } }) => ({
    number,
    id,
    name,
    address,
    dataDir,
    pid,
  }))
  output.document({ dir, daemons: report })
  const short = shortIds(daemons.map((daemon) => daemon.id))
  output.table(
    report.map(({ number, id, name, address, pid }) => ({ k: number, id: short.get(id)!, name, pid, address })),
    ['k', 'id', 'name', 'pid', 'address'],
  )
}

import type { Status } from '../../surface/index.ts'
import { tellAddresses } from '../addresses.ts'
import { formatDuration } from '../quantity.ts'
import { get } from '../request.ts'
import type { Session } from '../session.ts'

/** `roost status` */
export async function status(session: Session): Promise<void> {
  const { output } = session
  const report = await get<Status>(session, '/status')
  output.document(report)
  const { grid, nodes } = report
  const role = grid.isAuthority ? ', whose authority is here' : ''
  output.line(`node     ${report.name} (${report.id})`)
  output.line(`grid     ${grid.name} (${grid.fingerprint.slice(0, 16)})${role}`)
  output.line(`member   until ${new Date(grid.certificateNotAfterMs).toISOString()}`)
  output.line(`nodes    ${nodes.alive} alive, ${nodes.suspect} suspect, ${nodes.dead} dead, ${nodes.left} left`)
  output.line(`reach    ${report.reach}${report.reach === 'cut-off' ? ': `roost net check` says what to do' : ''}`)
  tellAddresses(output, report.addresses, 9)
  output.line(
    `daemon   ${report.version}, process ${report.pid}, up for ${formatDuration(Date.now() - report.startedAtMs)}`,
  )
  output.line(`data     ${report.dataDir}`)
  for (const plugin of report.plugins)
    output.line(`plugin   ${plugin.name} ${plugin.state}${plugin.error ? `: ${plugin.error}` : ''}`)
}

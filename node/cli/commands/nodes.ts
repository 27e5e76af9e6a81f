import type { Attributes } from '../../../overlay/index.ts'
import type { NodeReport } from '../../surface/index.ts'
import { formatBytes, formatDuration } from '../quantity.ts'
import { get } from '../request.ts'
import type { Session } from '../session.ts'
import { shortIds } from '../short-id.ts'

/** `roost nodes` */
export async function nodes(session: Session): Promise<void> {
  const reply = await get<{ nodes: readonly NodeReport[] }>(session, '/nodes')
  session.output.document(reply)
  const short = shortIds(reply.nodes.map((node) => node.id))
  const rows = reply.nodes.map((node) => ({
    id: short.get(node.id)!,
    name: node.name,
    state: node.state,
    for: formatDuration(node.sinceMs),
    ...machineCells(node.attributes),
  }))
  session.output.table(rows, ['id', 'name', 'state', 'for', 'cores', 'memory', 'disk', 'os', 'arch'])
}

/** What people look for first in a machine. */
export function machineCells(attributes: Attributes): Record<string, string | number> {
  const text = (name: string): string => (attributes[name] === undefined ? '' : String(attributes[name]))
  const bytes = (name: string): string => (typeof attributes[name] === 'number' ? formatBytes(attributes[name]) : '')
  return {
    cores: typeof attributes['Cores'] === 'number' ? attributes['Cores'] : '',
    memory: bytes('Memory'),
    disk: bytes('Disk'),
    os: text('Os'),
    arch: text('Arch'),
  }
}

import { isAttributeName, RoostError, type Attributes, type AttributeValue } from '../../../overlay/index.ts'
import { parseLabel } from '../../config/index.ts'
import type { NodeReport } from '../../surface/index.ts'
import { tellAddresses } from '../addresses.ts'
import { formatBytes, formatDuration } from '../quantity.ts'
import { get, send } from '../request.ts'
import type { Session } from '../session.ts'

/** `roost node show ID` */
export async function showNode(session: Session, [id]: readonly string[]): Promise<void> {
  if (id === '')
    throw new RoostError('USAGE', 'a node has no empty id', { hint: 'write its id, the beginning of one, or its name' })
  const node = await get<NodeReport>(session, `/nodes/${encodeURIComponent(id!)}`)
  session.output.document(node)
  tellNode(session, node)
}

/** `roost node label name=value... -name...`: all of them, or none where one is malformed. */
export async function labelNode(session: Session, labels: readonly string[]): Promise<void> {
  const set: Record<string, AttributeValue> = {}
  const remove: string[] = []
  for (const label of labels)
    if (label.startsWith('-')) remove.push(removedName(label))
    else {
      const { name, value } = parseLabel(label)
      set[name] = value
    }
  const node = await send<NodeReport>(session, 'PUT', '/labels', { set, remove })
  session.output.document(node)
  tellNode(session, node)
}

function removedName(label: string): string {
  const name = label.replace(/^-+/, '')
  if (isAttributeName(name)) return name
  throw new RoostError('ATTRIBUTE_INVALID', `"${label}" names no label to remove`, { hint: 'write -name' })
}

function tellNode({ output }: Session, node: NodeReport): void {
  output.line(`id         ${node.id}`)
  output.line(`name       ${node.name}`)
  output.line(`state      ${node.state}, for ${formatDuration(node.sinceMs)}`)
  output.line(`sequence   ${node.sequence}`)
  tellAddresses(output, node.addresses, 11)
  output.line('')
  output.table(attributeRows(node.attributes), ['attribute', 'value'])
}

/** As it is compared in queries, and sizes for people besides. */
function formatAttribute(name: string, value: AttributeValue): string {
  if (Array.isArray(value)) return value.join(', ')
  return BYTES.has(name) && typeof value === 'number' ? `${value} (${formatBytes(value)})` : String(value)
}

const BYTES: ReadonlySet<string> = new Set(['Memory', 'VirtualMemory', 'Disk', 'GpuMemory', 'FreeMemory', 'FreeDisk'])

function attributeRows(attributes: Attributes): { attribute: string; value: string }[] {
  return Object.entries(attributes)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([attribute, value]) => ({ attribute, value: formatAttribute(attribute, value) }))
}

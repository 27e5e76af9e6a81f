import {
  ATTRIBUTE_TEXT_CHARS_MAX,
  isAttributeName,
  knownAttribute,
  type AttributeValue,
} from '../../overlay/attributes/index.ts'

/** What a column of a table of machines is to a node: an attribute, and how its unit goes over into ours. */
export interface Column {
  readonly attribute: string
  /** Cells are divided by this. */
  readonly divisor: number
}

/** Columns, by the names that inventories give them, that are attributes which every node understands. */
const KNOWN_COLUMNS: Readonly<Record<string, Column>> = {
  site: { attribute: 'Site', divisor: 1 },
  country: { attribute: 'Country', divisor: 1 },
  zone: { attribute: 'Zone', divisor: 1 },
  platform: { attribute: 'Arch', divisor: 1 },
  arch: { attribute: 'Arch', divisor: 1 },
  cores: { attribute: 'Cores', divisor: 1 },
  clock_hz: { attribute: 'CpuSpeed', divisor: 1_000_000 },
  cpu_model: { attribute: 'CpuModel', divisor: 1 },
  ram_bytes: { attribute: 'Memory', divisor: 1 },
  disk_bytes: { attribute: 'Disk', divisor: 1 },
  best_nic_bps: { attribute: 'Bandwidth', divisor: 1 },
  gpus: { attribute: 'Gpus', divisor: 1 },
  os_name: { attribute: 'Os', divisor: 1 },
  os_release: { attribute: 'OsVersion', divisor: 1 },
}

/** What a column of this name is: a known attribute, or a label of the same name. Undefined where it can be neither. */
export function columnOf(name: string): Column | undefined {
  const column = KNOWN_COLUMNS[name.toLowerCase()]
  if (column !== undefined) return column
  const known = knownAttribute(name)
  if (known?.kind === 'set' || known?.dynamic === true || !isAttributeName(name)) return undefined
  return { attribute: known?.name ?? name, divisor: 1 }
}

/** What a cell says: undefined where it is empty; an error where it cannot be a value of its column, in words. */
export function readCell({ attribute, divisor }: Column, cell: string): AttributeValue | undefined | Error {
  if (cell === '') return undefined
  const kind = knownAttribute(attribute)?.kind
  if (kind === 'text' || kind === 'version') return bounded(cell)
  const number = NUMBER.test(cell) ? Number(cell) / divisor : Number.NaN
  if (kind === 'integer')
    return Number.isSafeInteger(number) ? number : new Error(`"${cell}" is not a whole number, as ${attribute} is`)
  if (kind === 'real')
    return Number.isFinite(number) ? number : new Error(`"${cell}" is not a number, as ${attribute} is`)
  if (Number.isFinite(number)) return number
  if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true'
  return bounded(cell)
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i

function bounded(cell: string): string | Error {
  return cell.length > ATTRIBUTE_TEXT_CHARS_MAX
    ? new Error(`a text of more than ${ATTRIBUTE_TEXT_CHARS_MAX} characters`)
    : cell
}

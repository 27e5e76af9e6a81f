import { checkAttributes, type Attributes, type AttributeValue } from '../../overlay/attributes/index.ts'
import { asRoostError } from '../../overlay/error/index.ts'
import { columnOf, readCell, type Column } from './columns.ts'
import { malformed, parseCsv } from './csv.ts'
import { drawsFor, normal } from './draw.ts'
import type { Machine, Population } from './population.ts'

/**
 * Machines from a table: the first as they stand there; beyond its size, rows drawn with replacement, whose continuous columns are
 * off by a few percent, so that a large grid is not a few hundred machines many times. A column is continuous where it has more
 * different numbers than a catalogue has entries; core counts and memory sizes stay what is sold.
 *
 * An empty cell is an attribute that the machine does not have. `USAGE` with file and line where the table is malformed.
 */
export function machinesPopulation(text: string, file: string, seed: number): Population {
  const { header, rows } = parseCsv(text, file)
  const columns = header.map((name) => {
    const column = columnOf(name)
    if (column === undefined) throw malformed(file, 1, `"${name}" can be no attribute`)
    return column
  })
  refuseTwice(columns, header, file)
  const nameOf = namer(header)
  const machines = rows.map(({ line, cells }): Machine => {
    const attributes = readRow(columns, cells, (what) => malformed(file, line, what))
    return { name: nameOf(cells), attributes }
  })
  const continuous = continuousOf(columns, machines)
  return {
    source: file,
    attributeNames: columns.map(({ attribute }) => attribute),
    machine(index) {
      if (index < machines.length) return machines[index]!
      const rng = drawsFor(seed, 'machine', index)
      const { name, attributes } = machines[rng.below(machines.length)]!
      const noisy = continuous.map((attribute): [string, AttributeValue | undefined] => {
        const value = attributes[attribute]
        if (typeof value !== 'number') return [attribute, value]
        const moved = value * Math.exp(NOISE_DEVIATION * normal(rng))
        return [attribute, Number.isInteger(value) ? Math.round(moved) : moved]
      })
      const defined = noisy.filter(([, value]) => value !== undefined) as [string, AttributeValue][]
      return {
        name: `${name}-${index}`.slice(-NAME_CHARS_MAX),
        attributes: { ...attributes, ...Object.fromEntries(defined) },
      }
    },
  }
}

/** Two per cent: as disks of one size differ by maker, and not enough to pass for another size. */
const NOISE_DEVIATION = 0.02
/** More different numbers than this are a measure and no catalogue. */
const CATALOGUE_COUNT_MAX = 50
const NAME_CHARS_MAX = 64

function readRow(columns: readonly Column[], cells: readonly string[], fault: (what: string) => Error): Attributes {
  const entries: [string, AttributeValue][] = []
  for (const [index, column] of columns.entries()) {
    const value = readCell(column, cells[index]!)
    if (value instanceof Error) throw fault(value.message)
    if (value !== undefined) entries.push([column.attribute, value])
  }
  try {
    return checkAttributes(Object.fromEntries(entries))
  } catch (thrown) {
    throw fault(asRoostError(thrown).message)
  }
}

function refuseTwice(columns: readonly Column[], header: readonly string[], file: string): void {
  const seen = new Map<string, string>()
  for (const [index, { attribute }] of columns.entries()) {
    const before = seen.get(attribute.toLowerCase())
    if (before !== undefined) throw malformed(file, 1, `"${before}" and "${header[index]}" are both ${attribute}`)
    seen.set(attribute.toLowerCase(), header[index]!)
  }
}

/** What a row is called: `site.node`, as far as there are such columns; else nothing but its number tells it apart. */
function namer(header: readonly string[]): (cells: readonly string[]) => string {
  const places = ['site', 'node'].map((name) => header.indexOf(name)).filter((place) => place >= 0)
  return (cells) =>
    places
      .map((place) => cells[place]!)
      .join('.')
      .slice(0, NAME_CHARS_MAX) || 'machine'
}

function continuousOf(columns: readonly Column[], machines: readonly Machine[]): string[] {
  return columns
    .map(({ attribute }) => attribute)
    .filter((attribute) => {
      const numbers = new Set<number>()
      for (const { attributes } of machines) {
        const value = attributes[attribute]
        if (value !== undefined && typeof value !== 'number') return false
        if (value !== undefined) numbers.add(value)
      }
      return numbers.size > CATALOGUE_COUNT_MAX
    })
}

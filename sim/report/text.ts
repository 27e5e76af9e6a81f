import type { Report } from '../play.ts'
import type { Figure, Scenario, Section } from '../scenario/index.ts'

/** What `--json` prints: what the run was and took, then each section by its name. */
export function documentOf({ sections, ...run }: Report): object {
  return { ...run, ...sections }
}

/** The same for people, a figure a line. Of what was measured in each cycle the document and the page have more. */
export function linesOf({ sections, settings, ...run }: Report, { summary }: Scenario): string {
  const set = Object.entries(settings).map(([name, text]): [string, string] => [`--${name}`, text])
  const parts = Object.entries(sections).map(
    ([name, section]) => `${name}\n${lines(figuresOf(section).map(([figure, value]) => [figure, shown(value)]))}`,
  )
  const all = Object.entries(run).map(([name, value]): [string, string] => [name, shown(value)])
  return `${summary}\n${lines([...all, ...set])}${parts.join('')}`
}

/** The single figures of a section, quantiles by `name p99`. Lists and what was measured in each cycle are left out. */
export function figuresOf(section: Section): [name: string, value: number | string | null][] {
  return Object.entries(section).flatMap(([name, value]): [string, number | string | null][] => {
    if (name === SERIES || Array.isArray(value)) return []
    if (value === null || typeof value !== 'object') return [[name, value]]
    return Object.entries(value as Readonly<Record<string, Figure>>)
      .filter(([, part]) => part === null || typeof part !== 'object')
      .map(([part, figure]) => [`${name} ${part}`, figure as number | string | null])
  })
}

/** The field of a section that has lists by cycle. */
export const SERIES = 'series'

/** A number with as many digits as anybody reads. */
export function shown(value: number | string | null): string {
  if (value === null) return '-'
  if (typeof value === 'string') return value
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}

function lines(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields.map(([name, value]) => `  ${name.padEnd(NAME_CHARS)}${value}\n`).join('')
}
const NAME_CHARS = 30

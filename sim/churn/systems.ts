import { RoostError } from '../../overlay/error/index.ts'
import { malformed } from '../population/index.ts'
import { DISTRIBUTION_KINDS, readDistribution, type Distribution } from './distribution.ts'

/** How long the machines of a system are up, and then down, in milliseconds. */
export interface SystemChurn {
  readonly system: string
  readonly up: Distribution
  readonly down: Distribution
}

const HOUR_MS = 3_600_000
const UNITS: Readonly<Record<string, number>> = { hours: HOUR_MS, minutes: 60_000, seconds: 1_000 }

/**
 * Weibull distributions of up and down times, in hours, fitted to measured systems by Javadi, Kondo, Iosup and Epema, "The Failure
 * Trace Archive" (JPDC 73(8), 2013): shape and scale up, shape and scale down.
 */
const KNOWN_SYSTEMS: Readonly<Record<string, readonly [number, number, number, number]>> = {
  skype06: [0.64, 10.86, 0.63, 9.48],
  ldns04: [0.51, 79.3, 0.63, 5.62],
  websites02: [0.46, 3.68, 0.65, 0.61],
}

export const SYSTEM_NAMES: readonly string[] = Object.keys(KNOWN_SYSTEMS)

/** A system that is known by name, in any case. */
export function knownSystem(name: string): SystemChurn | undefined {
  const fit = KNOWN_SYSTEMS[name.toLowerCase()]
  if (fit === undefined) return undefined
  const [upShape, upScale, downShape, downScale] = fit
  return {
    system: name.toLowerCase(),
    up: { kind: 'weibull', shape: upShape, scale: upScale * HOUR_MS },
    down: { kind: 'weibull', shape: downShape, scale: downScale * HOUR_MS },
  }
}

/**
 * One system of a JSON file of fits: a list of `{ system, unit, availability, unavailability }`, in which both of the latter have fits
 * by kind. The system may be left out where there is one; the kind is Weibull's where there is that, else the first. `USAGE` where
 * the file, the system or the fit is none.
 */
export function readSystem(text: string, file: string, system?: string, kind?: string): SystemChurn {
  const systems = parse(text, file)
  const names = systems.map(({ system: name }) => String(name))
  const found = system === undefined ? systems : systems.filter((_, index) => isSame(names[index]!, system))
  if (found.length !== 1)
    throw new RoostError(
      'USAGE',
      `${file}: ${system === undefined ? 'which system?' : `there is no system "${system}"`}`,
      {
        file,
        hint: `it has ${names.join(', ')}: name one as ${file}#${names[0]}`,
      },
    )
  const { system: name, unit = 'hours', availability, unavailability } = found[0]!
  const unitMs = UNITS[String(unit)]
  const place = `system ${String(name)}`
  if (unitMs === undefined)
    throw fault(file, `${place}: the unit "${String(unit)}" is not one of ${Object.keys(UNITS).join(', ')}`)
  return {
    system: String(name),
    up: fitIn(availability, kind, unitMs, (what) => fault(file, `${place}, availability: ${what}`)),
    down: fitIn(unavailability, kind, unitMs, (what) => fault(file, `${place}, unavailability: ${what}`)),
  }
}

function parse(text: string, file: string): Readonly<Record<string, unknown>>[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(file, firstBadLine(text), 'this is no JSON')
  }
  const list = Array.isArray(value) ? value : [value]
  if (list.length === 0 || list.some((entry) => typeof entry !== 'object' || entry === null))
    throw malformed(file, 1, 'expected a list of systems with their fits')
  return list as Record<string, unknown>[]
}

/** The first line that no JSON goes on with: what ends before it only ends too early. */
function firstBadLine(text: string): number {
  const lines = text.split('\n')
  let [good, bad] = [0, lines.length]
  while (good + 1 < bad) {
    const middle = (good + bad) >> 1
    if (isBeginOfJson(lines.slice(0, middle).join('\n'))) good = middle
    else bad = middle
  }
  return bad
}

function isBeginOfJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (thrown) {
    const { message } = thrown as Error
    const position = /at position (\d+)/.exec(message)?.[1]
    return /unexpected end|unterminated/i.test(message) || (position !== undefined && Number(position) >= text.length)
  }
}

function fitIn(fits: unknown, kind: string | undefined, unitMs: number, fail: (what: string) => Error): Distribution {
  const given = (typeof fits === 'object' && fits !== null ? fits : {}) as Readonly<Record<string, unknown>>
  const kinds = DISTRIBUTION_KINDS.filter((name) => given[name] !== undefined)
  const chosen = kind ?? (kinds.includes('weibull') ? 'weibull' : kinds[0])
  const known = kinds.find((name) => name === chosen)
  if (known === undefined)
    throw fail(`there is no fit ${chosen === undefined ? `of ${DISTRIBUTION_KINDS.join(', ')}` : `"${chosen}"`}`)
  try {
    return scaled(readDistribution(known, given[known]), unitMs)
  } catch (thrown) {
    throw fail((thrown as Error).message)
  }
}

/** The same lengths in a smaller unit. */
function scaled(distribution: Distribution, factor: number): Distribution {
  switch (distribution.kind) {
    case 'exponential':
      return { ...distribution, mean: distribution.mean * factor }
    case 'lognormal':
      return { ...distribution, mu: distribution.mu + Math.log(factor) }
    case 'weibull':
    case 'gamma':
      return { ...distribution, scale: distribution.scale * factor }
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function fault(file: string, what: string): RoostError {
  return new RoostError('USAGE', `${file}: ${what}`, { file, hint: 'docs/simulator.md says what it may hold' })
}

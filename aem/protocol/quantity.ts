/** Quantities with units, as people write them in a job file. */

const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const TIME_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `8GiB`, `1.5 GB`, or a plain number of bytes; undefined where it is neither, negative, or beyond what a number holds exactly. */
export function parseBytes(value: unknown): number | undefined {
  if (typeof value === 'number') return whole(value)
  if (typeof value !== 'string') return undefined
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)?\s*$/i.exec(value)
  if (!match) return undefined
  const unitBytes = BYTE_UNITS[(match[2] ?? 'b').toLowerCase()]
  return unitBytes === undefined ? undefined : whole(Math.round(Number(match[1]) * unitBytes))
}

/** `2h`, `90m`, `1h30m`, or a plain number of seconds, in milliseconds; undefined as for bytes. */
export function parseDurationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return whole(Math.round(value * 1_000))
  if (typeof value !== 'string' || value.length > DURATION_CHARS_MAX) return undefined
  const text = value.replaceAll(/\s+/g, '').toLowerCase()
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return whole(Math.round(Number(text) * 1_000))
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|min|m|h|d))+$/.test(text)) return undefined
  let totalMs = 0
  for (const [, count, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|min|m|h|d)/g))
    totalMs += Number(count) * TIME_UNITS_MS[unit!]!
  return whole(Math.round(totalMs))
}

const DURATION_CHARS_MAX = 64

function whole(value: number): number | undefined {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

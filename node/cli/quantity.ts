import { RoostError } from '../../overlay/index.ts'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `5s`, `90m`, `24h`, `7d` in milliseconds. `USAGE` where it is none of these, naming the flag. */
export function parseDurationMs(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  const ms = match ? Math.round(Number(match[1]) * UNIT_MS[match[2]!]!) : 0
  if (ms < 1 || !Number.isSafeInteger(ms))
    throw new RoostError('USAGE', `${flag}: "${text}" is not a duration`, { hint: 'write 500ms, 5s, 90m, 24h or 7d' })
  return ms
}

/** A whole number from `min` to `max`. `USAGE` otherwise, naming the flag. */
export function parseCount(
  text: string,
  flag: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN
  if (!(count >= min && count <= max))
    throw new RoostError('USAGE', `${flag}: "${text}" is not a whole number from ${min} to ${max}`)
  return count
}

/** A span for people: the two largest units that matter, such as `3m 20s` or `2d 4h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** Bytes for people, in the units that queries take: `23.5GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}${units[unit]}`
}

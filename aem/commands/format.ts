import type { Job } from '../service/index.ts'

/** What people see of an id: enough to be the only one that begins so on any grid that they look at. */
export function shortId(id: string): string {
  return id.startsWith(COMMON_PREFIX) ? id.slice(0, COMMON_PREFIX.length + 6) : id.slice(0, 10)
}

/** What peer ids of ed25519 keys all begin with. */
const COMMON_PREFIX = '12D3KooW'

/** `12s ago`, by this machine's clock. */
export function ago(atMs: number): string {
  return `${duration(Math.max(0, Date.now() - atMs))} ago`
}

export function duration(lengthMs: number): string {
  const seconds = Math.floor(lengthMs / 1000)
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

export function time(atMs: number): string {
  return new Date(atMs).toISOString()
}

export function commandText(run: NonNullable<Job['description']>['run']): string {
  return typeof run === 'string' ? run.trimEnd() : run.map(quoted).join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** `+0.120s`, `+1m05s`: how long after the first event. */
export function after(lengthMs: number): string {
  const ms = Math.max(0, lengthMs)
  if (ms < 60_000) return `+${(ms / 1_000).toFixed(3)}s`
  const seconds = Math.floor(ms / 1_000)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (seconds < 3_600) return `+${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1_440) return `+${Math.floor(minutes / 60)}h${two(minutes % 60)}m`
  return `+${Math.floor(minutes / 1_440)}d${two(Math.floor(minutes / 60) % 24)}h`
}

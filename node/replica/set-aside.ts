import { readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Log } from '../../overlay/contract/index.ts'

/** What happens to what was damaged, and set aside for whoever can make something of it. */
export interface SetAsideOptions {
  /** How long it is kept. Longer leaves more time to notice; a replica may be of gigabytes. */
  readonly keepMs: number
  /** Whole databases that are kept at most, the newest; of a single group it is always the last. */
  readonly databaseCountMax: number
}

export const SET_ASIDE_DEFAULTS: SetAsideOptions = { keepMs: 14 * 86_400_000, databaseCountMax: 2 }

/** Under what name a database is set aside: its own, and when that was. */
export function asidePath(path: string, nowMs: number): string {
  return `${path}${MARK}${nowMs}`
}
const MARK = '.damaged-'

/** Removes databases that were set aside long ago, or that are too many. One that cannot be removed is tried again the next time. */
export async function removeAside(
  path: string,
  { keepMs, databaseCountMax }: SetAsideOptions,
  { nowMs, log }: { readonly nowMs: number; readonly log: Log },
): Promise<void> {
  const prefix = basename(path) + MARK
  const found = (await readdir(dirname(path)).catch((): string[] => []))
    .filter((name) => name.startsWith(prefix) && /^\d{1,15}$/.test(name.slice(prefix.length)))
    .map((name) => ({ aside: join(dirname(path), name), atMs: Number(name.slice(prefix.length)) }))
    .sort((one, other) => other.atMs - one.atMs)
  for (const [place, { aside, atMs }] of found.entries()) {
    if (place < databaseCountMax && nowMs - atMs < keepMs) continue
    try {
      await rm(aside, { recursive: true, force: true })
      log.info({ path: aside, atMs }, 'a damaged database of replica groups that was set aside is removed')
    } catch (error) {
      log.warn({ path: aside, error }, 'a damaged database that was set aside cannot be removed')
    }
  }
}

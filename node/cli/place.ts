import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from '../../overlay/contract/index.ts'
import type { Environment, Settings } from '../config/index.ts'
import { SOCKET_NAME } from '../data/index.ts'

/** A daemon of this machine, and the user that its grid knows. */
export interface Place {
  readonly dataDir: string
  readonly userDir: string
  /** The directory of the dev grid that the daemon belongs to; absent for the user's own daemon. */
  readonly dev?: string
}

export interface PlaceOptions {
  readonly env: Environment
  /** Whether the user named the data directory. */
  readonly isExplicit: boolean
  readonly output: Output
}

/**
 * Which daemon commands talk to: the one whose directory the user named; else the first that runs of the grid in
 * `ROOST_DEV_DIR`; else the user's own; and where that was never started, the first of a dev grid that runs in its usual
 * place, which is said, since somebody who tries roost out should not have to export a variable first.
 */
export async function findPlace(settings: Settings, { env, isExplicit, output }: PlaceOptions): Promise<Place> {
  const own: Place = { dataDir: settings.dataDir, userDir: settings.userDir }
  if (isExplicit) return own
  const { devDir, firstRunning } = await import('../dev/index.ts')
  const dir = devDir(env)
  const chosen = Boolean(env['ROOST_DEV_DIR'])
  if (!chosen && (existsSync(join(own.dataDir, SOCKET_NAME)) || !existsSync(dir))) return own
  const daemon = await firstRunning(dir)
  if (!daemon) return chosen ? { ...own, dataDir: join(dir, '1'), userDir: join(dir, 'user'), dev: dir } : own
  if (!chosen)
    output.progress(`no daemon of yours runs here; this is daemon ${daemon.number} of the dev grid in ${dir}`)
  return { dataDir: daemon.dataDir, userDir: join(dir, 'user'), dev: dir }
}

import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { RoostError } from '../../overlay/index.ts'
import { isSameProcess, type ProcessIdentity } from '../client/index.ts'
import type { Environment } from '../config/index.ts'

/** One daemon of a dev grid. Its data directory stays when its process has ended, so that it can be started again. */
export interface DevDaemon {
  /** From 1. */
  readonly number: number
  readonly id: string
  readonly name: string
  readonly address: string
  readonly dataDir: string
  /** The process as it was started last: nothing else is ever killed. */
  readonly process: ProcessIdentity
}

export interface DevGrid {
  readonly version: 1
  readonly daemons: readonly DevDaemon[]
}

/** Where a dev grid lies: `ROOST_DEV_DIR`, or a directory of the user's own among temporary files. */
export function devDir(env: Environment): string {
  return env['ROOST_DEV_DIR']
    ? resolve(env['ROOST_DEV_DIR'])
    : join(tmpdir(), `roost-dev-${process.getuid?.() ?? 'user'}`)
}

/** The grid that was started in this directory; undefined where there is none. */
export async function readGrid(dir: string): Promise<DevGrid | undefined> {
  await refuseForeign(dir)
  const file = gridFile(dir)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new RoostError('FILE_UNREADABLE', `cannot read ${file}: ${(cause as Error).message}`, { cause, file })
  }
  try {
    const grid = JSON.parse(text) as DevGrid
    if (grid.version === 1 && Array.isArray(grid.daemons)) return grid
  } catch {
    // Said below.
  }
  throw new RoostError('STORE_FAILED', `${file} is not what \`roost dev up\` wrote`, {
    hint: `make sure that no daemon of it runs, then remove ${dir}`,
  })
}

/** Replaces the file in one step: a reader sees the old grid or the new one. */
export async function writeGrid(dir: string, grid: DevGrid): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const file = gridFile(dir)
  await writeFile(`${file}.new`, `${JSON.stringify(grid, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Notes how one daemon is now. Notes of one process follow each other, however many daemons it starts at once. */
export function noteDaemon(dir: string, daemon: DevDaemon): Promise<void> {
  const noted = noting.then(async () => {
    const daemons = (await readGrid(dir))?.daemons ?? []
    const others = daemons.filter(({ number }) => number !== daemon.number)
    await writeGrid(dir, { version: 1, daemons: [...others, daemon].toSorted((one, two) => one.number - two.number) })
  })
  noting = noted.catch(() => {})
  return noted
}

let noting: Promise<void> = Promise.resolve()

export function isRunning(daemon: DevDaemon): boolean {
  return isSameProcess(daemon.process)
}

/** The running daemon with the lowest number. */
export async function firstRunning(dir: string): Promise<DevDaemon | undefined> {
  return (await readGrid(dir))?.daemons.find(isRunning)
}

/** Among temporary files anybody may have made the directory first, and what it says is acted on: processes are ended. */
async function refuseForeign(dir: string): Promise<void> {
  const found = await lstat(dir).catch(() => undefined)
  if (found && (found.isSymbolicLink() || (process.getuid && found.uid !== process.getuid())))
    throw new RoostError('DIRECTORY_UNWRITABLE', `${dir} is not a directory of yours`, {
      hint: 'choose another for dev grids: ROOST_DEV_DIR',
    })
}

function gridFile(dir: string): string {
  return join(dir, 'grid.json')
}
